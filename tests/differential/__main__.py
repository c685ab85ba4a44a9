"""Random queries to a server of our own and to a MariaDB of our own.

    python -m tests.differential --queries 3000
    python -m tests.differential --first 721 --queries 1      one query, with what both answer
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.harness.mariadb import MariaDB
from tests.harness.server import Server
from tests.sql.conftest import connect

from .compare import compare, prepare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="seed of the first query")
    parser.add_argument("--queries", type=int, default=1000)
    args = parser.parse_args()
    counts = Counter()
    with tempfile.TemporaryDirectory() as where:
        with Server(Path(where) / "data", mysql=True) as ours, MariaDB(Path(where) / "peer") as theirs:
            cursors = prepare(connect(ours), theirs.connect())
            for seed in range(args.first, args.first + args.queries):
                result = compare(seed, *cursors)
                counts[result.kind] += 1
                if args.queries == 1 or result.kind in ("different", "refused by us", "refused by them"):
                    print(f"{seed}: {result}")
                if counts.total() % 100 == 0:
                    print(f"{counts.total()} of {args.queries} queries", file=sys.stderr)
    print(", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())))
    return 1 if counts["different"] or counts["refused by us"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
