"""TPC-H in Holdfast, beside DuckDB and DataFusion: are the answers equal, and what do they cost?

    python -m tests.tpch --scale 1 --record

Every state of the tables (`run.py`) is asked all 22 queries; engines take turns, query by query. Ends with 1
unless every answer of Holdfast is equal.
"""

import argparse
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.harness import results

from .run import Options, Run, is_right


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tpch", description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1, help="1 is 6 million rows in lineitem")
    parser.add_argument("--load", choices=["data", "insert", "auto"], default="data",
                        help="LOAD DATA; many INSERTs (small scales only); or the first that the server knows")
    parser.add_argument("--rounds", type=int, default=1, help="the median of so many is reported")
    parser.add_argument("--keys-a-piece", type=int, default=Options.keys_a_piece, help="order keys that one change covers")
    parser.add_argument("--references", action="store_true", help="with foreign keys")
    parser.add_argument("--collation", help="of the tables; the server's default otherwise")
    parser.add_argument("--timeout", type=float, default=Options.timeout_s, help="seconds for one statement")
    parser.add_argument("--explain", type=int, default=0, help="EXPLAIN so many of the slowest queries")
    parser.add_argument("--dir", help="where data goes; a temporary directory otherwise")
    parser.add_argument("--record", action="store_true", help="append to docs/results/tpch.jsonl")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    options = Options(
        scale=given.scale, load=given.load, rounds=given.rounds, keys_a_piece=given.keys_a_piece,
        references=given.references, collation=given.collation, timeout_s=given.timeout,
        explain=given.explain)
    versions = {name: version(name) for name in ("duckdb", "datafusion", "tpchgen-cli")}
    print(f"holdfast {results.build()}, {', '.join(f'{name} {v}' for name, v in versions.items())}; {results.machine()}")
    with tempfile.TemporaryDirectory(prefix="holdfast-tpch.", dir=given.dir) as where:
        result = Run(Path(where), options).go()
    if given.record:
        results.append("tpch", {"scale": options.scale, "rounds": options.rounds, "versions": versions} | result)
    counts = ", ".join(f"{name} {state['equal']} of {state['of']}" for name, state in result["states"].items())
    print(f"\nequal: {counts}")
    return 0 if is_right(result) else 1


sys.exit(main())
