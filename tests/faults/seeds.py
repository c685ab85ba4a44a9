"""The models over seeds, as a campaign: resumable, added up over runs.

    python -m tests.faults.seeds --model whole --seeds 40
    python -m tests.faults.seeds --model shard --until 5000 --record

Runs the release build of a model's test for ranges of seeds, and reads the line that
starts with SEEDS (sim/src/report.rs). A recorded run begins where the recorded ones end;
two machines must not record at once. A violation prints its seed: SEED=<n> replays it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

from tests.harness import results
from tests.harness.server import ROOT

# Model: where its test is, the names that select it. The workspace as a whole where DataFusion is in it: its
# features are then those of the server's build, and it is not compiled once more.
MODELS = {
    "shard": (["-p", "holdfast-ec", "--lib"], "acknowledged_shards_survive_crashes_errors_and_full_disks"),
    "object": (["-p", "holdfast-ec", "--test", "object_model"], "acknowledged_bytes_survive_and_no_wrong_byte_is_read"),
    "whole": (["-p", "holdfast-sim", "--test", "whole"], "what_was_acknowledged_is_there_whatever_happens"),
    "database": (["--workspace", "--test", "database"], "what_was_committed_is_there_whatever_happens"),
}


def build(model: str, to: str) -> str:
    """The test's binary, in the release profile, in the directory `to`: what is built later does not change it."""
    where, _ = MODELS[model]
    command = ["cargo", "test", "--release", "--quiet", "--no-run", "--message-format=json", *where]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    found = [m["executable"] for m in messages if m.get("executable") and m.get("profile", {}).get("test")]
    return shutil.copy(found[-1], to)


def chunk(binary: str, model: str, first: int, count: int) -> list[dict]:
    """Runs `count` seeds from `first`; what the test says of them, a line each."""
    environment = {k: v for k, v in os.environ.items() if k != "SEED"}
    environment |= {"SEED_FROM": str(first), "SEEDS": str(count), "RUST_BACKTRACE": "0"}
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        run = subprocess.Popen(
            [binary, MODELS[model][1], "--nocapture"], cwd=ROOT, env=environment, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=errors)
        lines = [json.loads(line.removeprefix("SEEDS ")) for line in run.stdout if line.startswith("SEEDS ")]
        code = run.wait()
        errors.seek(0)
        void = [line.strip() for line in errors if line.startswith("void:")]
    # Call sites that these seeds spared may be struck by others: `campaign` looks at the sum.
    spares = lines and void and all("call sites were spared" in line for line in void)
    if spares:
        lines[-1]["spares"] = True
    elif code and not any(line["violations"] for line in lines):
        why = "; ".join(void) or f"exit code {code}"
        lines.append({"seeds": 0, "crash_points": 0, "disk_operations": 0, "sites": {},
                      "counts": {}, "faults": {}, "violations": [f"seeds {first}..{first + count}: {why}"]})
    return lines


def classified(violations: list[str], what: str) -> int:
    return sum(what in text for text in violations)


def campaign(model: str, binary: str, first: int, count: int, size: int) -> dict:
    """Runs seeds `first` to `first + count`, `size` at a time; the sums."""
    counts, faults, violations = Counter(), Counter(), []
    sums, sites, done, spares = Counter(), Counter(), 0, False
    for start in range(first, first + count, size):
        for line in chunk(binary, model, start, min(size, first + count - start)):
            counts.update(line["counts"])
            faults.update(line["faults"])
            violations += line["violations"]
            done += line["seeds"]
            sums.update({"crash_points": line["crash_points"], "disk_operations": line["disk_operations"]})
            sites.update(line["sites"])
            spares |= line.get("spares", False)
        print(f"  {model}: seeds {first}..{first + done}, {counts['acknowledged']} acknowledged, "
              f"{sum(faults.values())} faults, {len(violations)} violations", flush=True)
    if done != count:
        violations.append(f"void: {done} of {count} seeds were run")
    if not counts["acknowledged"] or not faults:
        violations.append("void: nothing acknowledged, or no fault")
    spared = sorted(site for site in sites if not sites[site])
    if spared and spares:
        violations.append(f"void: never struck: {', '.join(spared)}")
    return {
        "model": model, "from": first, "to": first + count, "seeds": done, **sums,
        "acknowledged": counts.pop("acknowledged", 0), "unknown": counts.pop("unknown", 0), "operations": dict(counts),
        "faults": dict(faults), "sites_seen": len(sites), "sites_spared": spared,
        "lost": classified(violations, "LOST"), "wrong": classified(violations, "WRONG"),
        "resurrected": classified(violations, "RESURRECTED"), "violations": violations}


def standing(model: str) -> tuple[int, str]:
    """The next seed, and all recorded runs in a line."""
    rows = [row for row in results.rows("seeds") if row["model"] == model]
    seeds, acked = sum(row["seeds"] for row in rows), sum(row["acknowledged"] for row in rows)
    faults, violations = sum(sum(row["faults"].values()) for row in rows), sum(len(row["violations"]) for row in rows)
    text = f"{model}: {seeds} seeds recorded, {acked} acknowledged, {faults} faults, {violations} violations"
    return max((row["to"] for row in rows), default=0), text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--seeds", type=int, default=500, help="seeds of one run")
    parser.add_argument("--until", type=int, help="run until this many seeds are recorded, in runs of --seeds")
    parser.add_argument("--chunk", type=int, default=250, help="seeds of one process; from 50 on, call sites that none struck are aimed at")
    parser.add_argument("--record", action="store_true", help="append to docs/results/seeds.jsonl")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-seeds.") as where:
        tree = results.tree()
        return run(arguments, build(arguments.model, where), tree)


def run(arguments: argparse.Namespace, binary: str, tree: str) -> int:
    """Campaigns with a binary that was built from `tree`, until there are enough seeds."""
    failed = False
    while True:
        first, text = standing(arguments.model)
        print(text, flush=True)
        if arguments.until is not None and first >= arguments.until:
            break
        count = arguments.seeds if arguments.until is None else min(arguments.seeds, arguments.until - first)
        row = campaign(arguments.model, binary, first, count, arguments.chunk)
        print(json.dumps(row))
        failed |= bool(row["violations"])
        if arguments.record:
            results.append("seeds", row, commit=tree)
        if arguments.until is None or failed or not arguments.record:
            break
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
