"""A real systemd, out of sight of the machine's: namespaces for processes, mounts, control groups, and for a user's
manager a user that is root outside (so that it can read this program wherever it lies)."""

import contextlib
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
SYSTEMD = "/lib/systemd/systemd"
BEGIN = """
set -e
mount --make-rprivate /
mkdir -p "$1/cgroup"
mount -t cgroup2 none "$1/cgroup"
mkdir "$1/cgroup/$2"
echo $$ > "$1/cgroup/$2/cgroup.procs"
place=$1
program=$3
shift 3
exec unshare --mount --cgroup --pid --fork --kill-child --mount-proc sh -c "$program" sh "$place" "$@"
"""
"""Directory, name of a control group of its own, what to run there as process 1, and what to tell it."""
END = """
mount --make-rprivate /
mount -t cgroup2 none "$1/cgroup"
while [ -d "$1/cgroup/$2" ]; do
    find "$1/cgroup/$2" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
done
"""
USER = f"""
set -e
touch "$1/log"
mount --bind "$1/log" /dev/console
mount -t tmpfs none /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/user/1000
chmod 700 /run/user/1000
touch "$1/begun"
unshare --user --map-user=1000 --map-group=1000 env -i HOME="$1/home" PATH="$PATH" XDG_RUNTIME_DIR=/run/user/1000 \
    {SYSTEMD} --user --unit=basic.target --log-target=console --show-status=false &
wait
"""

SYSTEM = f"""
set -e
touch "$1/log"
mkdir "$1/layers" "$1/root"
mount -t tmpfs none "$1/layers"
mkdir "$1/layers/upper" "$1/layers/work"
mount -t overlay none -o "lowerdir=/,upperdir=$1/layers/upper,workdir=$1/layers/work" "$1/root"
cd "$1/root"
mount -t proc none proc
mount --rbind /dev dev
mount --bind "$1/log" dev/console
mount -t sysfs none sys
mount -t cgroup2 none sys/fs/cgroup
for place in run tmp etc/init.d etc/systemd/system usr/lib/systemd/system usr/lib/systemd/system-generators; do
    mount -t tmpfs none "$place"
done
for target in sysinit basic sockets multi-user shutdown network; do
    echo "[Unit]" > "usr/lib/systemd/system/$target.target"
    echo "DefaultDependencies=no" >> "usr/lib/systemd/system/$target.target"
done
mkdir -p opt/tests/python opt/tests/site opt/tests/package/tfjsd
mount --bind "$2" opt/tests/python
mount --bind "$3" opt/tests/site
mount --bind "$4" opt/tests/package/tfjsd
cat > usr/local/bin/tfjsd <<'E'
#!/bin/sh
export LD_LIBRARY_PATH=/opt/tests/python/lib PYTHONPATH=/opt/tests/site:/opt/tests/package PYTHONDONTWRITEBYTECODE=1
exec /opt/tests/python/bin/python3 -m tfjsd "$@"
E
chmod 755 opt opt/tests opt/tests/package usr/local/bin/tfjsd
touch "$1/begun"
exec env -i container=tfjsd PATH="$PATH" chroot . \
    {SYSTEMD} --system --unit=multi-user.target --log-target=console --show-status=false
"""
"""The same machine, whose changes are forgotten, with no services but those that are installed. Python, its packages and
this program lie where every user may read them, the command is ``/usr/local/bin/tfjsd``."""


class Manager:
    """``run`` runs a command where the manager is at work; ``tfjsd`` is the command, ``units`` where units belong,
    ``root`` this repository as it is seen there."""

    def __init__(self, inside: int, home: Path, tfjsd: str, *, user: bool) -> None:
        self.is_user, self.home, self.command = user, home, tfjsd
        self.root = ROOT if user else Path("/opt/tests/package/tfjsd")
        self.units = home / ".config/systemd/user" if user else Path("/etc/systemd/system")
        self.config = home / ".config/tfjsd/config.toml" if user else Path("/etc/tfjsd/config.toml")
        self._enter = ["nsenter", f"--target={inside}", "--mount", "--pid", "--cgroup"]
        self._enter += ["--user", "--preserve-credentials"] if user else ["--root"]
        self._systemctl = ["systemctl", "--user"] if user else ["systemctl"]
        self._environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
        if user:
            self._environment["XDG_RUNTIME_DIR"] = "/run/user/1000"

    def run(self, *command: str, code: int | None = 0, given: str = "") -> str:
        done = subprocess.run(
            [*self._enter, "env", "--chdir=/", *command],
            input=given,
            capture_output=True,
            text=True,
            env=self._environment,
            cwd="/",
            timeout=60,
            check=False,
        )
        assert code in (None, done.returncode), (command, done.returncode, done.stdout, done.stderr)
        return done.stdout or done.stderr

    def tfjsd(self, *words: str, code: int | None = 0) -> str:
        return self.run(self.command, *words, code=code)

    def systemctl(self, *words: str, code: int | None = 0) -> str:
        return self.run(*self._systemctl, *words, code=code)

    def show(self, name: str, unit: str = "tfjsd.service") -> str:
        """A property of a unit."""
        return self.systemctl("show", f"--property={name}", "--value", unit).strip()

    def write(self, path: Path, text: str) -> None:
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1"', "sh", str(path), given=text)


@contextlib.contextmanager
def user_manager(directory: Path) -> Iterator[Manager]:
    """A user's systemd. Raises UnavailableError where this machine cannot have one."""
    (directory / "home").mkdir()
    with _begun(directory, USER) as inside:
        command = Path(sys.executable).with_name("tfjsd")
        manager = Manager(until(lambda: _child(inside, "systemd")), directory / "home", str(command), user=True)
        until(lambda: manager.systemctl("is-active", "basic.target", code=None).strip() == "active")
        yield manager


@contextlib.contextmanager
def system_manager(directory: Path) -> Iterator[Manager]:
    """A machine's systemd, and a root directory that keeps no change. Raises UnavailableError."""
    with _begun(directory, SYSTEM, sys.base_prefix, sysconfig.get_path("purelib"), str(ROOT)) as inside:
        manager = Manager(inside, Path("/root"), "tfjsd", user=False)
        until(lambda: manager.systemctl("is-active", "multi-user.target", code=None).strip() == "active")
        yield manager


class UnavailableError(Exception):
    """Why this machine can have no systemd of the tests' own."""


@contextlib.contextmanager
def _begun(directory: Path, program: str, *words: str) -> Iterator[int]:
    """Process 1 of new namespaces, which runs ``program``."""
    group = f"tfjsd-test-{os.getpid()}-{time.monotonic_ns()}"
    outer = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", BEGIN, "sh", str(directory), group, program, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: (directory / "begun").exists() or outer.poll() is not None)
        if outer.poll() is not None:
            raise UnavailableError(outer.communicate()[1].strip() or "namespaces are refused")
        yield _child(outer.pid)
    finally:
        outer.kill()  # with it process 1, and with that all others
        outer.communicate()
        subprocess.run(["unshare", "--mount", "sh", "-c", END, "sh", str(directory), group], check=False, timeout=60)


def _child(parent: int, name: str = "") -> int:
    """The child of that name; 0 where there is none."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return next((int(child) for child in children if name in Path(f"/proc/{child}/comm").read_text()), 0)


def until(condition: Callable[[], T]) -> T:
    """What the condition gives once it is true. Raises UnavailableError."""
    deadline = time.monotonic() + 20
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise UnavailableError("it does not happen")
        time.sleep(0.05)
    return found
