"""Three devices: one dies under load, is replaced by a fresh one, and then another dies.

    python -m tests.faults.voters                   # the gate: two drives on each device, then one
    python -m tests.faults.voters --rounds 5 --record

Three loop-mounted ext4 file systems carry the drives and a voter of the metadata each; the data
directory lies elsewhere. A device dies by FS_IOC_SHUTDOWN: whatever is asked of it errs. In a
round, each time under mixed load, and each time every object is compared afterwards:

 1. three voters on three devices; any device may be lost
 2. one device dies: writes go on
 3. kill -9, and a start with the device dead: writes go on
 4. a fresh file system at its mount point: its drives heal, its voter is replaced, all is healthy
 5. every shard verified; then another device dies: what was healed and replaced carries
 6. that one is given back fresh, too, this time to the server that saw it die: it must let go of it
 7. kill -9, and a start

The first round kills the device of the metadata's leader.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

from tests.faults.history import History
from tests.faults.load import BUCKET, Load, check
from tests.harness import filesystem, results, s3
from tests.harness.server import Server, binary

DEVICES = 3
MIB = 768
# A voter's election, and a drive's own deadline, pass within this.
GOES_ON_S = 30
HEALS_S = 240
# A dead file system must be free to be unmounted.
LETS_GO_S = 30
# Acknowledged after a fault: more than were in flight.
ENOUGH = 25


class Round:
    """One life of three devices."""

    def __init__(self, folder: Path, points: list[Path], drives: int, seed: str):
        self.folder, self.points, self.seed = folder, points, seed
        # One drive: the mount point itself. Two: folders in it, which a person makes.
        self.folders = [[point] if drives == 1 else [point / "a", point / "b"] for point in points]
        paths = [path for pair in self.folders for path in pair]
        flags = [part for path in paths for part in ("--drive", str(path))]
        self.server = Server(folder / "data", *flags, log=folder / "server.log")
        self.history, self.loads, self.violations = History(), 0, []
        self.faults = {"devices_shut": 0, "kills": 0, "devices_replaced": 0}
        self.figures: dict[str, float] = {}

    # Looking.

    def status(self) -> dict:
        return self.server.status()

    def replica(self, point: Path) -> dict | None:
        """The metadata's replica on a device."""
        found = [one for one in self.status()["meta"]["replicas"] if Path(one["path"]).is_relative_to(point)]
        return found[0] if found else None

    def leads(self) -> int:
        """The device of the leader."""
        leader = self.status()["meta"]["leader"]
        return next(at for at, point in enumerate(self.points) if self.replica(point)["id"] == leader)

    def is_healthy(self) -> bool:
        status = self.status()
        meta, now = status["meta"], status["redundancy"]
        if not meta or not all(drive["state"] == "online" for drive in status["drives"]):
            return False
        votes = [one for one in meta["replicas"] if one["role"] == "voter"]
        return len(votes) == DEVICES and now["survives_a_device"] and now["shards_complete"]

    # Doing.

    def load(self) -> Load:
        self.loads += 1
        load = Load(self.server.endpoint, self.history, f"{self.seed}/{self.loads}")
        load.start()
        return load

    def goes_on(self, what: str) -> float:
        """Waits until writes that began after now are acknowledged; the seconds."""
        began, before = time.monotonic(), self.history.counts["acked"]
        while self.history.counts["acked"] < before + ENOUGH:
            if time.monotonic() - began > GOES_ON_S:
                raise AssertionError(f"{what}: {self.history.counts['acked'] - before} writes acknowledged within {GOES_ON_S} s")
            time.sleep(0.01)
        return time.monotonic() - began

    def compare(self, what: str) -> None:
        found = check(self.server.endpoint, self.history)
        self.violations += [f"{what}: {line}" for line in found]
        print(f"  {what}: {len(self.history.keys)} keys compared, {self.history.counts['acked']} operations acknowledged so far, "
              f"{len(found)} violations", flush=True)

    def shut(self, device: int, what: str) -> None:
        """A device dies under load; writes go on; everything is there."""
        load = self.load()
        self.goes_on(f"{what}, before")
        filesystem.shut_down(self.points[device])
        self.faults["devices_shut"] += 1
        self.figures["goes_on_s"] = max(self.figures.get("goes_on_s", 0), self.goes_on(what))
        self.goes_on(what)
        load.halt()
        self.compare(what)

    def kill(self, what: str) -> None:
        """kill -9 under load, and a start with whatever is dead."""
        load = self.load()
        self.goes_on(f"{what}, before")
        self.server.kill()
        self.faults["kills"] += 1
        load.halt()
        took = self.server.start()
        self.figures["start_s"] = max(self.figures.get("start_s", 0), took)
        self.compare(what)
        load = self.load()
        self.goes_on(f"{what}, after")
        load.halt()
        self.compare(f"{what}, written to")

    def give_back(self, device: int, what: str) -> None:
        """A fresh file system where the dead one was, under load."""
        point, was = self.points[device], self.replica(self.points[device])
        load = self.load()
        self.goes_on(f"{what}, before")
        filesystem.unmount(point, LETS_GO_S)
        filesystem.make(self.folder / f"{point.name}-fresh.img", point, MIB)
        for path in self.folders[device]:
            path.mkdir(exist_ok=True)
        self.faults["devices_replaced"] += 1
        began = time.monotonic()
        self.goes_on(what)
        load.halt()
        while not self.is_healthy():
            if time.monotonic() - began > HEALS_S:
                raise AssertionError(f"{what}: not healthy within {HEALS_S} s: {self.status()}")
            time.sleep(0.2)
        took = time.monotonic() - began
        self.figures["healthy_s"] = max(self.figures.get("healthy_s", 0), took)
        now = self.replica(point)
        if was and now["id"] == was["id"]:
            self.violations.append(f"{what}: the voter on a fresh device has its old number, {now['id']}")
        print(f"  {what}: healthy after {took:.1f} s, replica {now['id']}", flush=True)
        self.compare(what)

    def verify(self) -> None:
        command = [str(binary()), "admin", "heal", "--verify", "--data", str(self.server.data),
                   "--admin", f"127.0.0.1:{self.server.admin_port}"]
        done = subprocess.run(command, env=self.server.environment(), capture_output=True, text=True, timeout=600)
        if done.returncode:
            self.violations.append(f"5. admin heal --verify: {done.stdout}{done.stderr}")

    def run(self, leader: bool) -> None:
        self.server.start()
        if not self.is_healthy():
            raise AssertionError(f"1. not three voters that survive a device: {self.status()}")
        places = {next(point for point in self.points if Path(one["path"]).is_relative_to(point))
                  for one in self.status()["meta"]["replicas"]}
        if len(places) != DEVICES:
            raise AssertionError(f"1. the voters are on {places}")
        s3.client(self.server.endpoint).create_bucket(Bucket=BUCKET)
        leads = self.leads()
        first = leads if leader else (leads + 1) % DEVICES
        self.shut(first, "2. a device is dead")
        if self.status()["redundancy"]["survives_a_device"]:
            self.violations.append("2. with a device dead, another one may be lost, says the status")
        self.kill("3. killed, started with it dead")
        self.give_back(first, "4. given back fresh")
        self.verify()
        second = (first + 1) % DEVICES
        self.shut(second, "5. another device is dead")
        self.give_back(second, "6. given back fresh, no restart")
        self.kill("7. killed, started")
        code = self.server.stop()
        if code:
            self.violations.append(f"the last stop ended with {code}")

    def row(self, drives: int) -> dict:
        return {
            "drives_per_device": drives, "seed": self.seed, "faults": self.faults, **self.history.counts,
            "acked_by_kind": self.history.by_kind, "violations": self.violations,
            **{name: round(figure, 2) for name, figure in self.figures.items()}}


def one(drives: int, leader: bool, seed: str) -> dict:
    folder = Path(tempfile.mkdtemp(prefix="holdfast-voters-"))
    with ExitStack() as stack:
        points = [stack.enter_context(filesystem.small(folder, f"device{no}", MIB)) for no in range(1, DEVICES + 1)]
        life = Round(folder, points, drives, seed)
        try:
            life.run(leader)
        except BaseException:
            print(f"kept for a look: {life.server.log}\n{life.server.tail(60)}", file=sys.stderr)
            raise
        finally:
            life.server.kill()
    if life.violations:
        print(f"kept for a look: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return life.row(drives)


def is_void(row: dict) -> bool:
    return not row["acked"] or not row["checked"] or not all(row["faults"].values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="two drives on each device and one, in turns")
    parser.add_argument("--seed", default=None, help="replays the load of a run")
    parser.add_argument("--record", action="store_true", help="append to docs/results/voters.jsonl")
    arguments = parser.parse_args()
    if why := filesystem.why_not():
        print(why, file=sys.stderr)
        return 1
    seed, failed = arguments.seed or uuid.uuid4().hex[:12], False
    dice = random.Random(seed)
    for number in range(arguments.rounds):
        drives, leader = (2, 1)[number % 2], number == 0 or dice.random() < 0.5
        print(f"round {number + 1}: {drives} on each device, {'the leader' if leader else 'a follower'} is lost first", flush=True)
        row = one(drives, leader, f"{seed}/{number}")
        print(row)
        failed |= bool(row["violations"]) or is_void(row)
        if arguments.record:
            results.append("voters", row)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
