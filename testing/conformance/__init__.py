"""Test suites that every implementation of a storage contract has to pass.

A new backend's test file is a subclass that names its fixtures:

    class TestMyEngine(OrderedEngineConformance):
        @pytest.fixture
        def engine(self, tmp_path): ...
"""
