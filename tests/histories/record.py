"""What clients saw: transactions and their operations, as lines of JSON.

    first line  {"kind", "level", "seed", "initial"}
    then        one transaction a line, in the order in which they ended

- A row that was read is [key, n, value] or [key, n, value, money]: `n` counts the
  changes of the key, so it is the version's position. `value` is unique to its write;
  in list histories it is the list, and `n` its length.
- Times are nanoseconds of one clock that all threads share.
- An operation without an answer has `ended` 0.
- `status`: ok, aborted (a promise that nothing happened), unknown.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

LISTS = ("append-text", "append-rows")
KINDS = (*LISTS, "register", "bank", "set")
# The `value` of a read of all accounts of a bank.
ALL = -1
LEVELS = ("READ COMMITTED", "REPEATABLE READ", "mixed")


@dataclass
class Op:
    """`f`: read, write, delete, savepoint, undo (ROLLBACK TO the newest savepoint)."""

    f: str
    began: int = 0
    ended: int = 0
    lock: str = ""  # of a read: share, update; empty is a plain read
    keys: list | None = None  # what a read asked for,
    span: list | None = None  # or the range of it
    floor: int = 0  # a read asked for rows with n >= floor only
    rows: list | None = None  # what it got
    key: int | None = None  # what was written
    value: int | None = None
    n: int | None = None  # its position, where the client knows it
    money: int | None = None
    changed: int | None = None
    sql: str = ""


@dataclass
class Txn:
    id: int
    process: int
    level: str
    status: str = "ok"
    reason: str = ""
    auto: bool = False  # one statement under autocommit
    snapshot: list | None = None  # WITH CONSISTENT SNAPSHOT: sent, answered
    end: list | None = None  # COMMIT or ROLLBACK: sent, answered (0: not)
    final: bool = False  # reads everything after all others
    ops: list[Op] = field(default_factory=list)


@dataclass
class History:
    kind: str
    level: str
    seed: str
    initial: dict = field(default_factory=dict)  # key -> row
    txns: list[Txn] = field(default_factory=list)

    def dump(self, path: Path) -> None:
        head = {"kind": self.kind, "level": self.level, "seed": self.seed, "initial": list(self.initial.values())}
        with open(path, "w") as file:
            file.write(json.dumps(head) + "\n")
            for txn in self.txns:
                file.write(json.dumps(slim(asdict(txn)) | {"ops": [slim(asdict(op)) for op in txn.ops]}) + "\n")

    @staticmethod
    def load(path: Path) -> "History":
        head, *lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
        initial = {row[0]: row for row in head.pop("initial")}
        txns = [Txn(**line | {"ops": [Op(**op) for op in line["ops"]]}) for line in lines]
        return History(**head, initial=initial, txns=txns)


def slim(fields: dict) -> dict:
    """Without what is as it would be anyway."""
    def is_usual(name, value):
        return value is None or value is False or value == "" or value == 0 and name in ("ended", "floor")
    return {name: value for name, value in fields.items() if not is_usual(name, value)}
