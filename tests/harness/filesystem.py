"""Small real file systems in files, for tests that fill them or take them away. Needs root."""

import fcntl
import os
import shutil
import struct
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

FS_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2


def why_not() -> str | None:
    """Why no file system can be mounted here; None if it can."""
    if os.geteuid() != 0:
        return "NOT TESTED: mounting a file system needs root"
    missing = [tool for tool in ("mkfs.ext4", "mount", "umount", "truncate") if not shutil.which(tool)]
    return f"NOT TESTED: no {', '.join(missing)} here" if missing else None


@contextmanager
def small(directory: Path, name: str, mib: int):
    """An ext4 of `mib` MiB, loop-mounted at `directory/name`; unmounted at the end."""
    image, point = directory / f"{name}.img", directory / name
    point.mkdir()
    make(image, point, mib)
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


def make(image: Path, point: Path, mib: int) -> None:
    """A fresh ext4 of `mib` MiB in a new file `image`, mounted at `point`."""
    for command in (["truncate", "-s", f"{mib}M", image], ["mkfs.ext4", "-q", "-F", "-m", "0", image],
                    ["mount", "-o", "loop", image, point]):
        subprocess.run([str(part) for part in command], check=True, capture_output=True)


def shut_down(point: Path) -> None:
    """Every operation errs from now on, and what the journal had not written is gone."""
    handle = os.open(point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(handle, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    finally:
        os.close(handle)


def unmount(point: Path, wait_s: float = 5) -> None:
    """Unmounts it, and waits for whoever still has a file open there."""
    end = time.monotonic() + wait_s
    while (done := subprocess.run(["umount", str(point)], capture_output=True, text=True)).returncode:
        if time.monotonic() > end:
            raise RuntimeError(f"could not unmount {point}: {done.stderr.strip()}")
        time.sleep(0.1)


def free(point: Path) -> int:
    """Bytes that a new file could take."""
    found = os.statvfs(point)
    return found.f_bavail * found.f_frsize


def fill(file: Path) -> None:
    """Writes `file` until not a byte more fits."""
    with open(file, "ab", buffering=0) as out:
        for size in (1 << 20, 4096, 1):
            try:
                while out.write(bytes(size)):
                    pass
            except OSError:
                pass
