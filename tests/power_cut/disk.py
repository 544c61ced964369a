"""A disk whose power can be cut: ext4 on a loop device, shut down without flushing its journal."""

import fcntl
import os
import struct
import subprocess
from pathlib import Path

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)
"""https://www.kernel.org/doc/html/latest/filesystems/ext4/: what is not on the medium yet is lost."""


class Disk:
    """Needs root. ``mountpoint`` holds the files while the power is on."""

    def __init__(self, directory: Path, megabytes: int = 128) -> None:
        self.image, self.mountpoint = directory / "image", directory / "mount"
        self.mountpoint.mkdir()
        with self.image.open("wb") as image:
            image.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", str(self.image))
        self.power_on()

    def power_on(self) -> None:
        run("mount", "-o", "loop", str(self.image), str(self.mountpoint))

    def cut(self) -> None:
        """From here on nothing reaches the medium."""
        descriptor = os.open(self.mountpoint, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(descriptor)

    def power_off(self) -> None:
        run("umount", str(self.mountpoint))


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
