"""The checker sees every class of anomaly, and none where there is none.

Each case is a story with one thing wrong; where a level permits it, the same story is
clean there and counted.
"""

import random
import subprocess
import sys

import pytest

from tests.harness.server import ROOT

from .judge import judge
from .record import History
from .story import tell

RC, RR = "READ COMMITTED", "REPEATABLE READ"
BOTH = (RC, RR)
READ_SKEW = "a r 1=-; b w 1 5; b w 2 6; b commit; a r 2=6; a commit; final 1=5 2=6"
SEEDED = "s w 1 1; s w 2 2; s commit; "
PHANTOM = "a u 3=-; b u 4=-; a w 4 7; b w 3 8; a commit; b commit; final 3=8 4=7"

# (levels, story, what is found)
LISTS = {
    "dirty write": (BOTH, "a w 1 1; b w 1 2; b w 2 4; a w 2 3; a commit; b commit; final 1=1,2 2=4,3", "G0"),
    "interleaved": (BOTH, "a w 1 1; b w 1 2; a w 1 3; a commit; b commit; final 1=1,2,3", "G0"),
    "against time": (BOTH, "a w 1 5; a commit; b w 1 6; b commit; final 1=6,5", "G0 (real time)"),
    "aborted read": (BOTH, "a w 1 5; b r 1=5; a rollback; b commit; final 1=-", "G1a"),
    "aborted part": (BOTH, "a save; a w 1 5; a undo; a commit; b r 1=5; b commit; final 1=-", "G1a"),
    "intermediate read": (BOTH, "a w 1 5; b r 1=5; b commit; a w 1 6; a commit; final 1=5,6", "G1b"),
    "circular flow": (BOTH, "a w 1 5; b w 2 6; a r 2=6; b r 1=5; a commit; b commit; final 1=5 2=6", "G1c"),
    "early read": (BOTH, "a w 1 5; b r 1=5; b commit; a commit; final 1=5", "G1c (real time)"),
    "stale read": (BOTH, "a w 1 5; a commit; b r 1=-; b commit; final 1=5", "G-single (real time)"),
    "stale locking read": (BOTH, SEEDED + "a w 1 5; a commit; b u 1=1; b commit; final 1=1,5 2=2", "G-single (real time)"),
    "lost append": (BOTH, "a w 1 5; a w 1 6; a commit; final 1=5", "lost"),
    "half of an unknown one": (BOTH, "a w 1 5; a w 2 6; a lost; final 1=5 2=-", "lost"),
    "two orders": (BOTH, "a w 1 5; a commit; b w 1 6; b commit; c r 1=6,5; c commit; final 1=5,6", "order"),
    "an element twice": (BOTH, "a w 1 5; a commit; final 1=5,5", "order"),
    "out of thin air": (BOTH, "a r 1=99; a commit; final 1=-", "garbage"),
    "of another key": (BOTH, "a w 1 5; a commit; b r 2=5; b commit; final 1=5 2=-", "garbage"),
    "own change unseen": (BOTH, "a w 1 5; a r 1=-; a commit; final 1=5", "internal"),
    "own change not last": (BOTH, SEEDED + "a w 1 5; a r 1=5,1; a commit; final 1=1,5 2=2", "internal"),
    "one statement, two snapshots": (BOTH, "b w 1 5; b w 2 6; b commit; c w 1 7; c commit; a r 1=5,7 2=-; a commit; final 1=5,7 2=6", "G-single"),
    "one statement, half of a transaction": (BOTH, "a r 9=-; b w 1 5; b w 2 6; a r 1=5 2=-; b commit; a commit; final 1=5 2=6", "G-single"),
    "read skew": ([RR], READ_SKEW, "G-single"),
    "unrepeatable read": ([RR], "a r 1=-; b w 1 5; b commit; a r 1=5; a commit; final 1=5", "G-single"),
    "phantom in a snapshot": ([RR], "b w 1 5; b commit; a r 1<2; c w 1 6; c commit; a r 1=5,6; a commit; final 1=5,6", "G-single"),
    "aborted reader's snapshot": ([RR], READ_SKEW.replace("a commit", "a rollback"), ""),
    "long fork": (BOTH, "a w 1 5; b w 2 6; c r 1=5 2=-; d r 1=- 2=6; a commit; b commit; c commit; d commit; final 1=5 2=6", "long fork"),
    "lost update under a lock": (BOTH, SEEDED + "a u 1=1; b w 1 5; a w 1 6; b commit; a commit; final 1=1,5,6 2=2", "G-single"),
    "write skew under locks": (BOTH, SEEDED + "a s 1=1; b s 2=2; a w 2 7; b w 1 8; a commit; b commit; final 1=1,8 2=2,7", "G2-item"),
    "phantoms under locks": ([RR], PHANTOM, "G2"),
}

REGISTERS = {
    "two of one version": (BOTH, "register", "a w 1 5 1; b w 1 6 1; a commit; b commit; final 1=1:6", "order"),
    "an increment is lost": (BOTH, "register", "a w 1 5 1; a commit; b w 1 6; b commit; final 1=1:5", "lost"),
    "an increment too many": (BOTH, "register", "a w 1 5 1; a commit; final 1=2:5", "garbage"),
    "another version than was written": (BOTH, "register", "a w 1 5 1; a commit; b r 1=3:5; b commit; final 1=1:5", "garbage"),
    "aborted read": (BOTH, "register", "a w 1 5 1; a rollback; b r 1=1:5; b commit; final 1=-", "G1a"),
    "intermediate read": (BOTH, "register", "a w 1 5 1; b r 1=1:5; a w 1 6 2; a commit; b commit; final 1=2:6", "G1b"),
    "read skew": ([RR], "register", "s w 1 1 1; s w 2 2 1; s commit; a r 1=1:1; b w 1 3; b w 2 4; b commit; a r 2=2:4; a commit; final 1=2:3 2=2:4", "G-single"),
    "write skew under locks": (BOTH, "register", "s w 1 1 1; s w 2 2 1; s commit; a s 1=1:1; b s 2=1:2; a w 2 3; b w 1 4; a commit; b commit; final 1=2:4 2=2:3", "G2-item"),
    "own change unseen": (BOTH, "register", "a w 1 5 1; a commit; b w 1 6; b r 1=1:5; b commit; final 1=2:6", "internal"),
    "an acknowledged insert unseen": (BOTH, "set", "a w 1 5 1; a commit; b r 1=-; b commit; final 1=1:5", "G-single (real time)"),
    "unseen before it is deleted": (BOTH, "set", "a w 1 5 1; a commit; b r 1=-; b commit; c d 1 2; c commit; final 1=-", "lost"),
    "seen after it was deleted": (BOTH, "set", "a w 1 5 1; a commit; c d 1 2; c commit; b r 1=1:5; b commit; final 1=-", "G-single (real time)"),
    "resurrected": (BOTH, "set", "a w 1 5 1; a commit; c d 1 2; c commit; final 1=1:5", "lost"),
    "deleted twice": (BOTH, "set", "a w 1 5 1; a commit; c d 1 2; d d 1 2; c commit; d commit; final 1=-", "order"),
    "scan with a hole": (BOTH, "set", "a w 1 5 1; a w 2 6 1; b r 1=1:5 2=-; a commit; b commit; final 1=1:5 2=1:6", "G-single"),
    "a row twice": (BOTH, "set", "a w 1 5 1; a commit; b r 1=1:5 1=1:5; b commit; final 1=1:5", "torn"),
    "money was made": (BOTH, "bank", "a u 1=1:-1:100; a w 1 5 2 130; a commit; b all 1=2:5:130 2=1:-2:100; b commit; final 1=2:5:130 2=1:-2:100", "total"),
    "less than nothing": (BOTH, "bank", "a u 1=1:-1:100; a w 1 5 2 -10; a commit; final 1=2:5:-10 2=1:-2:100", "total"),
    "not what was written": (BOTH, "bank", "a u 1=1:-1:100; a w 1 5 2 90; a commit; final 1=2:5:80 2=1:-2:100", "garbage"),
}

# The same in the other mode: clean, and counted as this.
PERMITTED = {
    "read skew": ([RC], READ_SKEW, "read_skew"),
    "write skew": (BOTH, SEEDED + "a r 1=1; b r 2=2; a w 2 7; b w 1 8; a commit; b commit; final 1=1,8 2=2,7", "write_skew"),
    "lost update": (BOTH, SEEDED + "a r 1=1; b w 1 5; b commit; a w 1 6; a commit; final 1=1,5,6 2=2", "lost_update"),
    "phantoms under locks": ([RC], PHANTOM, "write_skew"),
}


def flat(cases: dict) -> list:
    return [pytest.param(level, *case[1:], id=f"{name}, {level}") for name, case in cases.items() for level in case[0]]


def lines(story: str) -> str:
    return story.replace(";", "\n")


def bank_starts(kind: str) -> dict:
    return {key: [key, 1, -key, 100] for key in (1, 2)} if kind == "bank" else {}


@pytest.mark.parametrize("level, story, kind", flat(LISTS))
def test_an_anomaly_of_lists_is_seen(level, story, kind):
    found = {problem.kind for problem in judge(tell("append-text", level, lines(story))).problems}
    assert kind in found if kind else found


@pytest.mark.parametrize("level, history, story, kind", flat(REGISTERS))
def test_an_anomaly_of_rows_is_seen(level, history, story, kind):
    found = [problem.kind for problem in judge(tell(history, level, lines(story), bank_starts(history))).problems]
    assert kind in found


@pytest.mark.parametrize("level, story, kind", flat(PERMITTED))
def test_what_a_level_permits_is_counted_and_no_violation(level, story, kind):
    verdict = judge(tell("append-text", level, lines(story)))
    assert verdict.problems == []
    assert verdict.permitted[kind] == 1, verdict.permitted


def serial(seed: int, level: str) -> History:
    """Transactions one after another over four lists: nothing is wrong in it."""
    dice, lists, text = random.Random(seed), {key: [] for key in range(4)}, []

    def shown(key: int) -> str:
        return f"{key}=" + (",".join(map(str, lists[key])) or "-")
    for number in range(60):
        name, before = f"t{number}", {key: list(value) for key, value in lists.items()}
        for step in range(dice.randint(1, 5)):
            key = dice.randrange(4)
            if dice.random() < 0.4:
                lists[key].append(number * 10 + step + 1)
                text.append(f"{name} w {key} {number * 10 + step + 1}")
            else:
                text.append(f"{name} {dice.choice('rrsu')} {shown(key)} {shown((key + 1) % 4)}")
        if dice.random() < 0.1:
            lists = before
            text.append(f"{name} rollback")
        else:
            text.append(f"{name} commit")
    text.append("final " + " ".join(map(shown, lists)))
    return tell("append-text", level, "\n".join(text))


def drop_last(dice: random.Random, rows: list) -> None:
    """A read lacks the newest element."""
    row = dice.choice(rows)
    row[2] = row[2][:-1]
    row[1] -= 1


def drop_first(dice: random.Random, rows: list) -> None:
    """An acknowledged append is gone."""
    row = dice.choice(rows)
    row[2] = row[2][1:]
    row[1] -= 1


def reorder(dice: random.Random, rows: list) -> None:
    """Two elements of a read change places."""
    row = dice.choice(rows)
    row[2] = [*row[2][:-2], row[2][-1], row[2][-2]]


def lose_row(dice: random.Random, rows: list) -> None:
    """A read does not find a row."""
    rows.remove(dice.choice(rows))


@pytest.mark.parametrize("level", BOTH)
def test_a_serial_history_is_clean(level):
    for seed in range(6):
        verdict = judge(serial(seed, level))
        assert verdict.problems == [] and not any(verdict.permitted.values())


@pytest.mark.parametrize("level", BOTH)
@pytest.mark.parametrize("doctor", [drop_last, drop_first, reorder, lose_row])
def test_one_wrong_read_in_a_serial_history_is_seen(level, doctor):
    for seed in range(10):
        history, dice = serial(seed, level), random.Random(seed)
        # Of a transaction that rolled back locking reads do not count.
        reads = [op.rows for txn in history.txns if txn.status == "ok" for op in txn.ops
                 if op.rows and min(len(row[2]) for row in op.rows) > 1]
        doctor(dice, dice.choice(reads))
        assert judge(history).problems, f"seed {seed}"


def test_a_lost_acknowledgement_is_seen():
    for seed in range(10):
        history, dice = serial(seed, RR), random.Random(seed)
        aborted = [txn for txn in history.txns if txn.status == "aborted" and any(op.f == "write" for op in txn.ops)]
        dice.choice(aborted).status = "ok"
        assert any(problem.kind == "lost" for problem in judge(history).problems), f"seed {seed}"


def test_a_kept_history_is_judged_alike(tmp_path):
    history = serial(1, RR)
    history.dump(tmp_path / "good")
    again = History.load(tmp_path / "good")
    assert again == history
    next(op for txn in history.txns for op in txn.ops if op.f == "read" and op.rows).rows.pop()
    history.dump(tmp_path / "bad")
    codes = [subprocess.run([sys.executable, "-m", "tests.histories", "--check", str(tmp_path / name)], cwd=ROOT).returncode
             for name in ("good", "bad")]
    assert codes == [0, 1]
