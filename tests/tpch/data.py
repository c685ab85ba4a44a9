"""The .tbl files: made once per scale by `tpchgen-cli`, kept in a cache directory.

`$HOLDFAST_CACHE`, or `~/.cache/holdfast`; below it `tpch/<version>/<scale>/lineitem.tbl` and so on.
A directory that is there is complete: it gets its name last.
"""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from .schema import TABLES


def cache() -> Path:
    """Where what was generated or fetched is kept between runs."""
    return Path(os.environ.get("HOLDFAST_CACHE", Path.home() / ".cache" / "holdfast"))


def tables(scale: float) -> dict[str, Path]:
    """The file of every table at this scale."""
    where = cache() / "tpch" / version("tpchgen-cli") / f"{scale:g}"
    if not where.exists():
        making = where.with_name(f"{where.name}.{os.getpid()}")
        making.mkdir(parents=True)
        try:
            subprocess.run([generator(), "tbl", "--quiet", "-s", f"{scale:g}", "-o", str(making)], check=True)
            making.rename(where)
        except OSError:
            # Somebody else was faster.
            if not where.exists():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return {table: where / f"{table}.tbl" for table in TABLES}


def generator() -> str:
    """The program, beside the interpreter that runs this."""
    beside = Path(sys.executable).with_name("tpchgen-cli")
    found = str(beside) if beside.exists() else shutil.which("tpchgen-cli")
    if not found:
        raise SystemExit("no tpchgen-cli: pip install -r tests/requirements.txt")
    return found


def rows(path: Path):
    """The rows of a file, each a list of texts."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n").removesuffix("|").split("|")
