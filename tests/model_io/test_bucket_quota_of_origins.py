"""An origin's bucket holds what its browser grants on a disk of that size, and no more."""

import pytest

from tfjsd.errors import QuotaExceededError
from tfjsd.model_io.origin import Origin
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.storage_backends.browsers import browser_named
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home, SystemClock


@pytest.fixture
def origin_on_a_disk():
    homes = []

    def make(name, disk_total):
        homes.append(Home(None, engines=memory_engine))
        return Origin(homes[-1], "http://localhost", browser_named(name), SystemClock(), disk_total=lambda: disk_total)

    yield make
    for home in homes:
        home.close()


def model(size):
    spec = {"name": "w", "shape": [size], "dtype": "bool"}
    return StoredModel.of(ModelArtifacts({"class_name": "Sequential"}, [spec], bytes(size)))


@pytest.mark.parametrize(("name", "quota"), [("chrome", 600_000), ("firefox", 100_000)])
def test_a_share_of_the_disk(origin_on_a_disk, name, quota):
    origin = origin_on_a_disk(name, 1_000_000)
    origin.models.save("indexeddb://a", model(quota - 2000)).result()
    with pytest.raises(QuotaExceededError) as caught:
        origin.models.save("indexeddb://b", model(3000)).result()
    assert (caught.value.limit, caught.value.unit) == (quota, "disk")
    assert list(origin.models.list_models_text()) == ["indexeddb://a"]


@pytest.mark.parametrize("name", ["chrome", "firefox"])
def test_local_storage_is_part_of_it_in_firefox_only(origin_on_a_disk, name):
    origin = origin_on_a_disk(name, 1_000_000)
    origin.area.set_item("k", "x" * 90_000).result()
    if name == "firefox":
        with pytest.raises(QuotaExceededError):
            origin.models.save("indexeddb://a", model(20_000)).result()
        with pytest.raises(QuotaExceededError):
            origin.area.set_item("l", "x" * 20_000)
    else:
        origin.models.save("indexeddb://a", model(590_000)).result()
        origin.area.set_item("l", "x" * 1_000_000).result()
