"""The root is the package: what the wheel holds, what importing costs, which names are public."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import tfjsd
from tfjsd import errors

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOT_PACKAGED = {"tests", "docs", "bench", "scripts", "examples", "systemd", "js", "build", "dist"}


def packages_in_the_tree() -> set[str]:
    found = {"tfjsd"}
    for init in ROOT.glob("**/__init__.py"):
        parts = init.parent.relative_to(ROOT).parts
        if parts and parts[0] not in NOT_PACKAGED and not any(part.startswith(".") for part in parts):
            found.add(".".join(("tfjsd", *parts)))
    return found


def test_every_package_of_the_tree_is_listed():
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages_in_the_tree()


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    source = tmp_path_factory.mktemp("source") / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)],
        check=True,
        capture_output=True,
    )
    return out


def test_the_wheel_holds_only_tfjsd(distributions):
    (wheel,) = distributions.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"tfjsd", f"tfjsd-{tfjsd.__version__}.dist-info"}
    assert not [name for name in names if name.startswith(("tfjsd/tests", "tfjsd/.dev"))]
    for required in (
        "tfjsd/py.typed",
        "tfjsd/cli.py",
        "tfjsd/daemon/__init__.py",
        "tfjsd/storage_backends/abc.py",
        "tfjsd/testing/playwright/emulation.js",
    ):
        assert required in names


def test_the_sdist_builds_the_same_package(distributions):
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    top = f"tfjsd-{tfjsd.__version__}"
    assert f"{top}/pyproject.toml" in names
    assert f"{top}/systemd" in {name for name in names if name.count("/") == 1}
    assert not [name for name in names if "/.dev" in name]


def test_public_names_are_lazy_and_exist():
    for name in tfjsd.__all__:
        assert getattr(tfjsd, name) is not None


def test_every_error_is_public():
    tree = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.TfjsdError)
    }
    between_client_and_daemon = {"IngestRefusedError"}
    assert tree - set(tfjsd.__all__) == between_client_and_daemon


def test_versions_agree():
    assert PROJECT["project"]["version"] == tfjsd.__version__


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(ran.stdout.split())


def test_importing_tfjsd_loads_nothing_heavy():
    assert not {"numpy", "plyvel", "aiohttp", "watchdog", "asyncio"} & loaded_after("import tfjsd")


def test_the_client_loads_no_engine_and_no_web_server():
    loaded = loaded_after("import tfjsd; tfjsd.Client; tfjsd.connect")
    assert not {"numpy", "plyvel", "aiohttp", "watchdog", "asyncio"} & loaded
