"""The .tbl files: made once per scale by `tpchgen-cli`, kept in the cache as `tpch/<version>/<scale>/lineitem.tbl` ..."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.harness import cache

from .schema import TABLES


def tables(scale: float) -> dict[str, Path]:
    """The file of every table at this scale."""
    def make(where: Path) -> None:
        subprocess.run([generator(), "tbl", "--quiet", "-s", f"{scale:g}", "-o", str(where)], check=True)

    where = cache.kept(f"tpch/{version('tpchgen-cli')}/{scale:g}", make)
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
