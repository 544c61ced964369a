"""``tfjsd service``, with a service manager that writes down what it is told; the units as systemd checks them."""

import json
import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tfjsd.cli import main
from tfjsd.commands import service_files, service_installation
from tfjsd.wire.configuration import Configuration

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed (scripts/test installs it)"
)


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """The file that lists what systemctl was told; it says that all is well."""
    told, programs = tmp_path / "told", tmp_path / "bin"
    programs.mkdir()
    fake = programs / "systemctl"
    fake.write_text(f'#!/bin/sh\necho "$*" >> {told}\ncase "$*" in *is-active*) echo active;; esac\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("TFJSD_HOME", str(tmp_path / "my $home 100%"))
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "TFJSD_SOCKET"):
        monkeypatch.delenv(variable, raising=False)
    return told


@pytest.fixture
def as_user(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def run(capsys, *argv, code=0):
    assert main(["service", *argv]) == code, capsys.readouterr()
    return capsys.readouterr()


@needs_systemd
def test_a_users_service_is_installed_and_removed(manager, as_user, capsys, tmp_path, schemas):
    place = tmp_path / "user" / ".config" / "systemd" / "user"
    assert json.loads(run(capsys, "status", "--json", code=1).out)["installed"] is False
    run(capsys, "install")
    assert {path.name for path in place.iterdir()} == {"tfjsd.service", "tfjsd.socket"}
    assert manager.read_text().splitlines() == [
        "--user show --property=Version",
        "--user daemon-reload",
        "--user enable --now tfjsd.socket tfjsd.service",
    ]
    service = (place / "tfjsd.service").read_text()
    home = f"{tmp_path}/my $$home 100%%"
    assert f'ExecStart={service_files.program_path()} serve --home "{home}"' in service
    assert f"ListenStream={tmp_path}/my $home 100%%/tfjsd.sock" in (place / "tfjsd.socket").read_text()
    document = json.loads(run(capsys, "status", "--json").out)
    schemas.validate("service-status", document)
    assert (document["kind"], document["state"]) == ("user", "active")
    run(capsys, "install", "-q")  # again: brought up to date
    run(capsys, "remove")
    assert list(place.iterdir()) == []
    assert "--user disable --now tfjsd.socket tfjsd.service" in manager.read_text()
    run(capsys, "remove", "-q")


@needs_systemd
def test_a_dry_run_prints_the_files(manager, as_user, capsys, tmp_path):
    said = run(capsys, "install", "--dry-run").out
    assert "[Service]" in said
    assert "[Socket]" in said
    assert not manager.exists()
    assert not (tmp_path / "user").exists()


@needs_systemd
def test_the_systems_service_keeps_what_the_administrator_wrote(manager, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(service_installation, "system_files", lambda http: service_files.system_files(http, tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "systemd-sysusers" else f"/bin/{name}")
    monkeypatch.setattr(service_installation, "hidden_place", lambda *paths: None)
    config = tmp_path / "etc" / "tfjsd" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('socket = "/elsewhere"\n')
    run(capsys, "install")
    assert config.read_text() == 'socket = "/elsewhere"\n'
    assert (tmp_path / "etc/systemd/system/tfjsd.service").exists()
    assert "enable --now tfjsd.socket tfjsd.service" in manager.read_text().splitlines()
    run(capsys, "remove")
    assert config.exists()
    assert not (tmp_path / "etc/systemd/system/tfjsd.service").exists()


@needs_systemd
def test_a_service_on_loopback_tcp(manager, as_user, capsys, tmp_path):
    assert "own address" in run(capsys, "install", "--http", "0.0.0.0:80", code=2).err
    place = tmp_path / "user" / ".config" / "systemd" / "user"
    run(capsys, "install", "--http", "127.0.0.1:9999")
    text = (place / service_files.HTTP_DROP_IN).read_text()
    assert (
        f'ExecStart={service_files.program_path()} serve --home "{tmp_path}/my $$home 100%%" --http 127.0.0.1:9999'
        in text
    )
    run(capsys, "install")
    assert not (place / service_files.HTTP_DROP_IN).exists()
    run(capsys, "install", "--http", "127.0.0.1:9999")
    run(capsys, "remove")
    assert list(place.iterdir()) == []


@needs_systemd
def test_a_service_may_listen_where_its_configuration_says(manager, as_user, capsys, tmp_path, monkeypatch):
    config = tmp_path / "user" / ".config" / "tfjsd" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('http = "127.0.0.1:9999"\n')
    drop_in = tmp_path / "user" / ".config" / "systemd" / "user" / service_files.HTTP_DROP_IN
    run(capsys, "install")
    assert "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6" in drop_in.read_text()
    assert "ExecStart" not in drop_in.read_text(), "the configuration may change"
    monkeypatch.setenv("TFJSD_HTTP", "[::1]:8000")
    run(capsys, "install")
    assert "--http [::1]:8000\n" in drop_in.read_text()


def test_the_systems_service_reads_its_own_configuration(manager, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("TFJSD_HTTP", "127.0.0.1:9999")
    assert "127.0.0.1:9999" not in run(capsys, "install", "--dry-run").out
    configured = Configuration.load({"http": "127.0.0.1:9998"}, environ={}, files=())
    monkeypatch.setattr(service_installation, "system_configuration", lambda: configured)
    assert "IPAddressAllow=localhost" in run(capsys, "install", "--dry-run").out


@needs_systemd
def test_without_a_manager_nothing_is_written(manager, as_user, capsys, tmp_path):
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    assert "loginctl" in run(capsys, "install", code=1).err
    assert not (tmp_path / "user").exists()


@needs_systemd
@pytest.mark.parametrize("http", [False, True])
@pytest.mark.parametrize("kind", ["system", "user"])
def test_systemd_finds_nothing_to_complain_about(kind, http, tmp_path):
    (tmp_path / "tfjsd.service.d").mkdir()
    brought = {unit: unit for unit in service_files.UNITS}
    if http:
        brought[service_files.HTTP_DROP_IN] = "drop-ins/http.conf"
    for unit, source in brought.items():
        text = (SYSTEMD / kind / source).read_text().replace("/usr/local/bin/tfjsd", "/bin/true")
        (tmp_path / unit).write_text(text)
    command = ["systemd-analyze", "verify", *(["--user"] if kind == "user" else [])]
    done = subprocess.run(
        [*command, *(str(tmp_path / unit) for unit in service_files.UNITS)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def exposure(text, place, threshold=10):
    unit = place / "tfjsd.service"
    unit.write_text(text.replace("/usr/local/bin/tfjsd", "/bin/true"))
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", str(unit)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_systemd
def test_the_drop_in_for_sync_pairs_is_valid(tmp_path):
    (tmp_path / "tfjsd.service.d").mkdir()
    text = (SYSTEMD / "system" / "drop-ins" / "sync.conf").read_text()
    (tmp_path / "tfjsd.service.d" / "sync.conf").write_text(text)
    done = exposure((SYSTEMD / "system" / "tfjsd.service").read_text(), tmp_path)
    assert done.returncode == 0, done.stdout
    assert "ReadWritePaths" in text


@needs_systemd
def test_the_systems_service_is_hardened_where_it_lies():
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=10", "systemd/system/tfjsd.service"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@needs_systemd
def test_the_systems_service_is_hardened(tmp_path):
    text = (SYSTEMD / "system" / "tfjsd.service").read_text()
    done = exposure(text, tmp_path)
    assert done.returncode == 0, done.stdout
    soft = exposure(text.replace("SystemCallFilter=", "#").replace("ProtectSystem=", "#"), tmp_path)
    assert soft.returncode != 0, "the check passes whatever the unit says"


@needs_systemd
def test_the_systems_service_on_loopback_tcp_is_hardened(tmp_path):
    (tmp_path / "tfjsd.service.d").mkdir()
    drop_in = (SYSTEMD / "system" / "drop-ins" / "http.conf").read_text()
    (tmp_path / service_files.HTTP_DROP_IN).write_text(drop_in.replace("/usr/local/bin/tfjsd", "/bin/true"))
    done = exposure((SYSTEMD / "system" / "tfjsd.service").read_text(), tmp_path, threshold=15)
    assert done.returncode == 0, done.stdout
    assert exposure((SYSTEMD / "system" / "tfjsd.service").read_text(), tmp_path, threshold=6).returncode != 0


def test_the_example_configuration_is_valid():
    configuration = Configuration.load(environ={}, files=(SYSTEMD / "system" / "config.toml",))
    assert str(configuration["socket"]) in (SYSTEMD / "system" / "tfjsd.socket").read_text()
    assert configuration["access.groups"] == ("tfjsd",)


def test_the_launchd_agent_runs_this_program_on_this_home(tmp_path):
    configuration = Configuration.load({"home": tmp_path / "a & b"}, environ={"HOME": str(tmp_path)}, files=())
    (file,) = service_files.launchd_files(configuration, tmp_path)
    agent = plistlib.loads(file.text.encode())
    program = str(service_files.program_path())
    assert agent["ProgramArguments"] == [program, "serve", "--home", str(tmp_path / "a & b")]
    assert "@" not in file.text


def test_a_program_that_other_users_cannot_read_is_no_system_service(manager, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(service_installation, "system_files", lambda http: service_files.system_files(http, tmp_path))
    closed = tmp_path / "closed"
    (closed / "bin").mkdir(parents=True)
    closed.chmod(0o700)
    monkeypatch.setattr(service_installation, "program_path", lambda: closed / "bin" / "tfjsd")
    assert "a user of its own" in run(capsys, "install", code=1).err
    assert not (tmp_path / "etc").exists()


def test_what_is_hidden_from_a_system_service(tmp_path):
    assert service_files.hidden_place(Path("/usr/bin/env"), Path("/opt")) is None
    assert service_files.hidden_place(Path("/home/ann/venv/bin/tfjsd")) == Path("/home")
    (tmp_path / "link").symlink_to("/home/ann/venv")
    assert service_files.hidden_place(tmp_path / "link") is not None
