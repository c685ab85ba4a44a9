"""What a crash may leave behind: a history per key, and the judgement of what is found.

Every key has one writer, so its operations are in order. After a crash a key
holds what its last acknowledged operation left, or what the one operation that
was in flight would have left. Anything else is a violation:

- lost: an acknowledged object is absent
- resurrected: the object shows content that was overwritten or deleted before
- wrong: the object shows content that nobody ever wrote
"""

import hashlib
import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Content:
    """Bytes that one seed and one size make."""

    seed: str
    size: int

    def bytes(self) -> bytes:
        return hashlib.shake_128(self.seed.encode()).digest(self.size)

    def digest(self) -> str:
        return hashlib.sha256(self.bytes()).hexdigest()


@dataclass
class Key:
    """One key's history. `None` is absence."""

    acked: Content | None = None
    pending: list = field(default_factory=list)
    written: dict = field(default_factory=dict)  # digest -> Content, everything ever sent


class History:
    def __init__(self):
        self.keys: dict[str, Key] = {}
        self.lock = threading.Lock()
        self.counts = {"acked": 0, "refused": 0, "unknown": 0, "lost": 0, "resurrected": 0, "wrong": 0, "checked": 0}
        self.by_kind: dict[str, int] = {}

    def begin(self, key: str, content: Content | None) -> None:
        """An operation that would leave `content` is about to be sent."""
        digest = content.digest() if content else None
        with self.lock:
            state = self.keys.setdefault(key, Key())
            state.pending.append(content)
            if content:
                state.written[digest] = content

    def acked(self, key: str, kind: str, content: Content | None) -> None:
        with self.lock:
            state = self.keys[key]
            state.acked, state.pending = content, []
            self.counts["acked"] += 1
            self.by_kind[kind] = self.by_kind.get(kind, 0) + 1

    def refused(self, key: str) -> None:
        """The server said no: nothing happened."""
        with self.lock:
            self.keys[key].pending.pop()
            self.counts["refused"] += 1

    def unknown(self, _key: str) -> None:
        """No answer: it may have happened. Stays pending until the next look."""
        with self.lock:
            self.counts["unknown"] += 1

    def judge(self, key: str, found: bytes | None) -> str | None:
        """Compares what is there with what may be; then takes it as the truth."""
        state = self.keys[key]
        digest = hashlib.sha256(found).hexdigest() if found is not None else None
        allowed = {content.digest() if content else None for content in [state.acked, *state.pending]}
        content = state.written.get(digest) if digest else None
        verdict = None
        if digest not in allowed:
            verdict = "lost" if digest is None else "resurrected" if content else "wrong"
            self.counts[verdict] += 1
        self.counts["checked"] += 1
        state.acked, state.pending = content, []
        return verdict
