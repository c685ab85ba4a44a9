"""What tests generate or fetch is kept between runs: `$HOLDFAST_CACHE`, or `~/.cache/holdfast`.

A directory that is there is complete: it gets its name last.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def root() -> Path:
    return Path(os.environ.get("HOLDFAST_CACHE", Path.home() / ".cache" / "holdfast"))


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """The directory of this name; `make` fills it the first time."""
    where = root() / name
    if where.exists():
        return where
    making = where.with_name(f"{where.name}.{os.getpid()}")
    making.mkdir(parents=True)
    try:
        make(making)
        # Somebody else may have been faster.
        if not where.exists():
            making.rename(where)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return where
