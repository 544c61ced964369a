"""What every ``tfjsd.Store`` must do, whether a daemon, this process or a simulated browser keeps the models.

>>> class TestMyStore(StoreConformance):
...     @pytest.fixture
...     def store(self):
...         with open_my_store() as store:
...             yield store

The store is empty, its browser is Chrome, and nothing else writes to it.
"""

from __future__ import annotations

from .model_handlers import ModelHandlers
from .model_moving import ModelMoving
from .model_storing import ModelStoring
from .store_items import StoreItems
from .store_origins import StoreOrigins


class StoreConformance(ModelStoring, ModelMoving, ModelHandlers, StoreItems, StoreOrigins):
    """Inherit, and provide a fixture ``store``."""
