"""kill -9 and power cut under mixed S3 and SQL load, judged by content.

    python -m tests.faults.crash --kind kill --cycles 10
    python -m tests.faults.crash --kind power-xfs --until 25 --record     # a campaign, resumable

A power cut is real for everything above the device: the data directory lies on a
loop-mounted file system that is shut down without flushing its log
(FS_IOC_SHUTDOWN), which drops the page cache and the journal's tail; then the
server is killed, the file system unmounted and mounted again.
"""

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from tests.faults import sql
from tests.faults.history import History
from tests.faults.load import BUCKET, Load, check
from tests.harness import filesystem, results, s3
from tests.harness.server import Server

IMAGE_BYTES = 4 << 30


class Directory:
    """A place that survives kill -9."""

    def __init__(self, folder: Path):
        self.data = folder / "data"

    def cut(self, server: Server) -> None:
        server.kill()

    def close(self) -> None:
        pass


class Device:
    """A loop-mounted file system that can lose power."""

    def __init__(self, folder: Path, system: str):
        self.image, self.mount = folder / "device.img", folder / "mount"
        self.mount.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        flags = ["-q", "-F"] if system == "ext4" else ["-q", "-f"]
        subprocess.run([f"mkfs.{system}", *flags, str(self.image)], check=True)
        self.attach()
        self.data = self.mount / "data"

    def attach(self) -> None:
        subprocess.run(["mount", "-o", "loop", str(self.image), str(self.mount)], check=True)

    def cut(self, server: Server) -> None:
        filesystem.shut_down(self.mount)
        server.kill()
        filesystem.unmount(self.mount)
        self.attach()

    def close(self) -> None:
        filesystem.unmount(self.mount)


def campaign(kind: str, cycles: int, seed: str) -> dict:
    """Runs `cycles` cycles in one data directory; returns the counts."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-crash-"))
    place = Directory(folder) if kind == "kill" else Device(folder, kind.removeprefix("power-"))
    server = Server(place.data, log=folder / "server.log", mysql=True)
    ledger = sql.Ledger()
    history, dice = History(), random.Random(seed)
    starts, violations, faults = [], [], 0
    try:
        server.start()
        s3.client(server.endpoint).create_bucket(Bucket=BUCKET)
        sql.prepare(server, ledger)
        for cycle in range(cycles):
            before, sql_before = history.counts["acked"], ledger.counts["acked"]
            load = Load(server.endpoint, history, f"{seed}/{cycle}")
            bank = sql.Load(server, ledger, f"{seed}/{cycle}")
            load.start()
            bank.start()
            time.sleep(dice.uniform(0.4, 2.5))
            place.cut(server)
            faults += 1
            load.halt()
            bank.halt()
            starts.append(server.start())
            found = check(server.endpoint, history) + sql.check(server, ledger)
            violations += [f"cycle {cycle}: {line}" for line in found]
            print(f"  {kind} cycle {cycle + 1}/{cycles}: {history.counts['acked'] - before} objects and "
                  f"{ledger.counts['acked'] - sql_before} transactions acknowledged, "
                  f"up in {starts[-1]:.2f} s, {len(found)} violations", flush=True)
            if history.counts["acked"] == before or ledger.counts["acked"] == sql_before:
                violations.append(f"cycle {cycle}: void, nothing was acknowledged")
        missing = [what for what in ("flushes", "merges", "batches") if not ledger.counts[what]]
        if missing and cycles >= 10:
            violations.append(f"void: no {' and no '.join(missing)}")
        code = server.stop()
        if code:
            violations.append(f"the last stop ended with {code}")
    except BaseException:
        print(server.tail(60), file=sys.stderr)
        raise
    finally:
        server.kill()
        place.close()
        if violations:
            print(f"kept for a look: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return {
        "kind": kind, "seed": seed, "cycles": cycles, "faults": faults, **history.counts, "acked_by_kind": history.by_kind,
        "sql": ledger.counts, "violations": violations, "start_p50_s": round(statistics.median(starts), 3), "start_max_s": round(max(starts), 3)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["kill", "power-ext4", "power-xfs"], required=True)
    parser.add_argument("--cycles", type=int, default=10, help="cycles of this run")
    parser.add_argument("--until", type=int, help="run until this many cycles are recorded, in runs of --cycles")
    parser.add_argument("--seed", default=None, help="replays the moments and the load of a run")
    parser.add_argument("--record", action="store_true", help="append to docs/results/crash.jsonl")
    arguments = parser.parse_args()
    failed = False
    while True:
        # Rows of before the tables lay in objects do not count.
        rows = [row for row in results.rows("crash") if row["kind"] == arguments.kind]
        done = sum(row["cycles"] for row in rows if row.get("sql", {}).get("flushes"))
        if arguments.until is not None and done >= arguments.until:
            break
        left = arguments.cycles if arguments.until is None else min(arguments.cycles, arguments.until - done)
        row = campaign(arguments.kind, left, arguments.seed or uuid.uuid4().hex[:12])
        print(row)
        failed |= bool(row["violations"]) or row["faults"] == 0
        if arguments.record:
            results.append("crash", row)
        if arguments.until is None or failed or not arguments.record:
            break
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
