"""The libFuzzer targets of fuzz/, as a campaign.

    python -m tests.fuzz.targets --target packets --runs 1000000 --record

Runs fuzz/run and reads libFuzzer's statistics. A finding fails the run; what it prints
names the input that shows it.
"""

import argparse
import json
import re
import subprocess
import sys

from tests.harness import results
from tests.harness.server import ROOT

TARGETS = ["packets", "statements", "values", "records"]


def summary(said: str) -> dict:
    """What libFuzzer counted; `packets` where the target counts them, to a hundred thousand."""
    last = lambda pattern: int((re.findall(pattern, said) or ["0"])[-1])
    row = {"runs": last(r"stat::number_of_executed_units:\s+(\d+)"), "edges": last(r"cov: (\d+)"),
           "corpus": last(r"corp: (\d+)/"), "peak_mib": last(r"stat::peak_rss_mb:\s+(\d+)"),
           "slowest_s": last(r"stat::slowest_unit_time_sec:\s+(\d+)")}
    return row | ({"packets": last(r"PACKETS (\d+)")} if "PACKETS" in said else {})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=TARGETS, required=True)
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=0, help="end after so long with fewer runs; 0: never")
    parser.add_argument("--record", action="store_true", help="append the counts to docs/results/fuzz.jsonl")
    options = parser.parse_args()
    tested = results.tree()
    run = subprocess.run(
        [str(ROOT / "fuzz" / "run"), options.target, f"-runs={options.runs}", f"-max_total_time={options.seconds}"],
        cwd=ROOT, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, errors="replace")
    row = {"target": options.target} | summary(run.stdout) | {"failed": run.returncode != 0}
    print(json.dumps(row))
    if run.returncode:
        print(run.stdout[-4000:])
    if options.record and row["runs"]:
        results.append("fuzz", row, commit=tested)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
