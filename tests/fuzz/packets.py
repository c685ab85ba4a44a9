"""Broken packets over sockets, in every phase of a connection.

Phases: before the greeting is read, the login, after a switch of plugins, commands,
parameters of a prepared statement, COM_CHANGE_USER, a LOCAL INFILE transfer. The server
must answer, or close; it must not hang and must take the next connection.
"""

import hashlib
import random
import socket
import struct
import time
from collections import Counter

from tests.harness.server import PASSWORD

from .findings import Findings

DEADLINE_S = 15
EDGES = bytes([0, 1, 2, 0x7F, 0x80, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF])
CAN = 0x00BFA285  # What PyMySQL says, with LOCAL_FILES and CONNECT_ATTRS.
COMMANDS = [
    b"\x03SELECT 1", b"\x03SELECT 1; SELECT 2", b"\x03LOAD DATA LOCAL INFILE 'x' INTO TABLE fuzzp.t", b"\x02fuzzp", b"\x02missing",
    b"\x04t\0%", b"\x09", b"\x0a", b"\x0c\xff\xff\xff\x7f", b"\x0d", b"\x0e", b"\x1b\0\0", b"\x1b\1\0", b"\x1f", b"\x05x", b"\x06x", b"\x07\x01",
    b"\x08\0", b"\x0b", b"\x0f", b"\x10", b"\x12\x04\0\0\0\0\0\0\0x", b"\x13t", b"\x14\0\0\0\0", b"\x15\0\0\0\0", b"\x1d", b"\x1e", b"\x20",
    b"\x11root\0\x00fuzzp\0\xff\0caching_sha2_password\0\x06\x02_a\x02bc", b"\x11root\0\x14" + b"p" * 20 + b"\0\x2d\0mysql_native_password\0",
    b"\x16SELECT ?, ?, ?", b"\x16INSERT INTO fuzzp.t VALUES (?, ?)", b"\x16SELECT * FROM fuzzp.t WHERE a = ? LIMIT ?",
    b"\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x03\0\x0c\0\xfd\0\x07\0\0\0\x04\xe8\x07\x02\x1d\x02ab", b"\x17\x01\0\0\0\x01\x01\0\0\0\0\0\x07\0\0\0\0\0",
    b"\x17\x02\0\0\0\0\x01\0\0\0\0\x01\x08\x80\x0f\0" + b"\xff" * 8 + b"\x02hi", b"\x18\x01\0\0\0\x02\0long", b"\x18\x01\0\0\0\xff\xff" + b"x" * 3000,
    b"\x19\x01\0\0\0", b"\x1a\x01\0\0\0", b"\x1c\x01\0\0\0\x05\0\0\0", b"\x1c\x01\0\0\0\xff\xff\xff\xff",
]


def scramble(password: bytes, salt: bytes) -> bytes:
    """caching_sha2_password's fast proof."""
    once = hashlib.sha256(password).digest()
    mask = hashlib.sha256(hashlib.sha256(once).digest() + salt).digest()
    return bytes(a ^ b for a, b in zip(once, mask))


class Wire:
    """One raw connection."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sequence = 0

    def exactly(self, count: int) -> bytes | None:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                return None
            data += part
        return data

    def read(self) -> bytes | None:
        """A packet's payload; `None` where the server has closed."""
        head = self.exactly(4)
        if head is None:
            return None
        self.sequence = (head[3] + 1) & 0xFF
        return self.exactly(int.from_bytes(head[:3], "little"))

    def send(self, payload: bytes, sequence: int | None = None) -> None:
        sequence = self.sequence if sequence is None else sequence
        self.socket.sendall(len(payload).to_bytes(3, "little") + bytes([sequence & 0xFF]) + payload)

    def log_in(self) -> bool:
        greeting = self.read()
        if greeting is None or greeting[0] == 0xFF:
            return False
        at = greeting.index(0) + 5
        salt = greeting[at:at + 8] + greeting[at + 27:at + 39]
        self.send(hello(scramble(PASSWORD.encode(), salt)))
        while (packet := self.read()) is not None:
            if packet == b"\x01\x04":  # The full proof; this server takes it in the clear.
                self.send(PASSWORD.encode() + b"\0")
            elif packet[0] == 0:
                return True
            elif packet[0] == 0xFF:
                return False
        return False


def hello(proof: bytes) -> bytes:
    attributes = b"\x03_os\x05Linux\x04_pid\x0242"
    return (struct.pack("<IIB23x", CAN, 1 << 24, 255) + b"root\0" + bytes([len(proof)]) + proof
            + b"caching_sha2_password\0" + bytes([len(attributes)]) + attributes)


class Mutator:
    """Breaks payloads and packets."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)

    def payload(self, payload: bytes) -> bytes:
        rng, data = self.rng, bytearray(payload)
        for _ in range(rng.choice([0, 1, 1, 2, 4])):
            at = rng.randint(0, len(data))
            match rng.randint(0, 6):
                case 0 if at < len(data):
                    data[at] = rng.choice(EDGES)
                case 1 if at < len(data):
                    data[at] ^= 1 << rng.randint(0, 7)
                case 2:
                    del data[at:]
                case 3:
                    data[at:at] = bytes([rng.choice(EDGES)])
                case 4:
                    data += bytes(rng.choice(EDGES) for _ in range(rng.randint(0, 20)))
                case 5:
                    data[at:at] = rng.randbytes(rng.randint(1, 30))
                case _:
                    del data[at:at + rng.randint(1, 4)]
        if rng.random() < 0.003:
            data += b"x" * rng.choice([65_000, 66_000, 300_000])
        return bytes(data)

    def framed(self, payload: bytes, sequence: int) -> bytes:
        """A packet; seldom with a wrong length or number."""
        rng, length = self.rng, len(payload)
        if rng.random() < 0.03:
            length = rng.choice([0, length + 1, max(0, length - 1), 0xFFFFFF, 0x10000])
        if rng.random() < 0.03:
            sequence = rng.randint(0, 255)
        return length.to_bytes(3, "little") + bytes([sequence & 0xFF]) + payload


def read_to_end(wire: Wire) -> int:
    """What the server says until it closes; raises at the deadline."""
    size = 0
    while part := wire.socket.recv(1 << 16):
        size += len(part)
    return size


def before_login(wire: Wire, mutate: Mutator) -> int:
    """A broken handshake and broken packets after it; how many packets."""
    rng, sent = mutate.rng, 0
    if rng.random() < 0.9 and wire.read() is None:
        return 1
    packets = [hello(rng.randbytes(32)), b"\x02", rng.randbytes(256), PASSWORD.encode() + b"\0", hello(b""), b""]
    data = b""
    for at, payload in enumerate(rng.sample(packets, rng.randint(1, 4)) if rng.random() < 0.5 else packets[:3]):
        data += mutate.framed(mutate.payload(payload), 2 * at + 1)
        sent += 1
    finish(wire, data)
    return sent


def after_login(wire: Wire, mutate: Mutator) -> int:
    """A login, then a batch of broken commands in one go; how many packets."""
    rng, data, sent = mutate.rng, b"", 1
    if not wire.log_in():
        raise ConnectionError("root cannot log in")
    for payload in (b"\x16SELECT ?, ?, ?", b"\x16INSERT INTO fuzzp.t VALUES (?, ?)"):
        data += len(payload).to_bytes(3, "little") + b"\0" + payload
    for _ in range(rng.randint(5, 60)):
        payload = mutate.payload(rng.choice(COMMANDS))
        data += mutate.framed(payload, 0)
        sent += 1
        if b"LOCAL INFILE" in payload or payload[:1] == b"\x11":
            for number in range(2, rng.randint(2, 5)):
                data += mutate.framed(mutate.payload(b"1\t2\n3\tx\n"), number)
                sent += 1
            data += mutate.framed(b"", rng.randint(2, 5))
    finish(wire, data)
    return sent + 2


def finish(wire: Wire, data: bytes) -> None:
    """Sends all while reading what comes, ends the stream, reads to the end."""
    wire.socket.settimeout(DEADLINE_S)
    view = memoryview(data)
    try:
        while view:
            # Small enough for the server's answers never to block both sides.
            view = view[wire.socket.send(view[:4096]):]
            drain(wire)
        wire.socket.shutdown(socket.SHUT_WR)
        read_to_end(wire)
    except (ConnectionResetError, BrokenPipeError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise


def drain(wire: Wire) -> None:
    """Reads what is there."""
    wire.socket.setblocking(False)
    try:
        while wire.socket.recv(1 << 16):
            pass
    except BlockingIOError:
        pass
    finally:
        wire.socket.settimeout(DEADLINE_S)


def run(server, options, log: Findings) -> Counter:
    """At least so many packets as asked; connections and packets by phase."""
    done, number, until = Counter(), 0, time.monotonic() + (options.seconds or 1e9)
    while done["packets"] < options.packets and time.monotonic() < until:
        number += 1
        case = options.seed * 10_000_000 + number
        mutate = Mutator(case)
        phase = after_login if mutate.rng.random() < 0.7 else before_login
        wire = None
        try:
            wire = Wire(server.mysql_port)
            done["packets"] += phase(wire, mutate)
            done[phase.__name__.replace("_", " ")] += 1
        except TimeoutError:
            log.add("deadline", 0, f"{phase.__name__}: no answer and no end", f"packets, case {case}")
            done["packets"] += 1
        except (ConnectionResetError, BrokenPipeError):
            done["reset"] += 1
        except OSError as error:
            log.add("no fresh connection", 0, f"{phase.__name__}: {error}", f"packets, case {case}")
            return done
        finally:
            if wire:
                wire.socket.close()
        if server.process.poll() is not None:
            log.add("server ended", server.process.returncode, phase.__name__, f"packets, case {case}")
            return done
    return done
