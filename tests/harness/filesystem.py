"""Small real file systems in files, for tests that fill them or take them away. Needs root."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path


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
    for command in (["truncate", "-s", f"{mib}M", image], ["mkfs.ext4", "-q", "-F", "-m", "0", image],
                    ["mount", "-o", "loop", image, point]):
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


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
