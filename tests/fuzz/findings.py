"""What went wrong, grouped: one entry for each kind, number and shape of message."""

import re
from collections import Counter
from dataclasses import dataclass, field

# Messages that are not for clients: words of libraries and of ourselves.
INTERNAL = re.compile(
    r"internal error|datafusion|arrow error|schema error|execution error|external error|panicked|not implemented|"
    r"parquet|physical plan|logical plan|record ?batch|object store|unwrap|downcast|bug in|Utf8View|LargeUtf8|\bUInt64\b|\bInt64\b|"
    r"(?-i:\b(Double|Int|UInt|Text|Bytes|Decimal|DateTime|Date|Time|Json)\()",
    re.IGNORECASE)


def shape(message: str) -> str:
    """A message without what differs from statement to statement."""
    message = re.sub(r"'[^']*'|`[^`]*`|\"[^\"]*\"", "'..'", message)
    # What follows names the statement's own columns and plans.
    message = re.sub(r"(Plan: |retract_batch|No field named|Column|Invalid window frame|field nullability).*", r"\1", message, flags=re.DOTALL)
    return re.sub(r"-?\d[\d.e+]*", "N", message)[:120]


@dataclass
class Findings:
    """Groups with how often and the first statement of each."""

    count: Counter = field(default_factory=Counter)
    first: dict = field(default_factory=dict)

    def add(self, kind: str, number: int, message: str, statement: str) -> bool:
        """Counts one; true where its group is new."""
        key = (kind, number, shape(message))
        self.count[key] += 1
        if key in self.first:
            return False
        self.first[key] = (message, statement)
        return True

    def rows(self) -> list[dict]:
        """Most important first: what ends the server, then hangs, then bad answers by count."""
        order = {"panic": 0, "server ended": 0, "no fresh connection": 1, "memory": 1, "connection lost": 2, "deadline": 3, "packet": 3, "internal": 4}
        keys = sorted(self.count, key=lambda key: (order.get(key[0], 9), -self.count[key]))
        return [{"kind": key[0], "number": key[1], "count": self.count[key], "message": self.first[key][0][:400],
                 "statement": self.first[key][1][:2000]} for key in keys]


def minimised(statement: str, is_same, tries: int = 60) -> str:
    """A shorter statement for which `is_same` still holds, by leaving out runs of tokens."""
    tokens = re.findall(r"'(?:[^'\\]|\\.|'')*'|`[^`]*`|[\w@$.]+|\s+|.", statement, re.DOTALL)
    size = max(1, len(tokens) // 2)
    while size and tries > 0:
        at = 0
        while at < len(tokens) and tries > 0:
            shorter = tokens[:at] + tokens[at + size:]
            tries -= 1
            if is_same("".join(shorter)):
                tokens = shorter
            else:
                at += size
        size //= 2
    return "".join(tokens)
