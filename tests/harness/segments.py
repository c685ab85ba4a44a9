"""The frames on a drive, read from outside (docs/formats-segments.md)."""

import struct
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
FIRST = 8192
SHARD, TOMBSTONE = 1, 2


@dataclass(frozen=True)
class Frame:
    path: Path
    shard: bytes
    kind: int
    sequence: int
    payload: range
    """Where the payload lies in the file. [bytes]"""


def frames(path: Path) -> list[Frame]:
    """Every frame of one segment file, in the file's order."""
    whole = path.read_bytes()
    if whole[:8] != b"hfSEGMT\0":
        return []
    life, found, at = whole[32:40], [], FIRST
    while at + SECTOR <= len(whole):
        frame = whole[at:at + 80]
        if frame[:8] != b"hfFRAME\0" or frame[40:48] != life or struct.unpack_from("<Q", frame, 48)[0] != at:
            at += SECTOR
            continue
        begin, length = struct.unpack_from("<II", frame, 20)
        sequence, = struct.unpack_from("<Q", frame, 32)
        payload = range(at + begin, at + begin + length)
        found.append(Frame(path, frame[56:76] + frame[11:12], frame[10], sequence, payload))
        at += max(SECTOR, (begin + length + SECTOR - 1) // SECTOR * SECTOR)
    return found


def live(drive: Path) -> list[Frame]:
    """The newest frame of every shard that the drive holds."""
    newest: dict[bytes, Frame] = {}
    for path in sorted(drive.glob("segment-*")):
        for frame in frames(path):
            known = newest.get(frame.shard)
            if known is None or frame.sequence > known.sequence:
                newest[frame.shard] = frame
    return [frame for frame in newest.values() if frame.kind == SHARD and len(frame.payload)]
