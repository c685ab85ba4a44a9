"""What the Python programs share: the columns of all types, their values, and how a check is told."""

import datetime
import decimal
import sys
import traceback

# column, type, value as Python has it
TYPES = [
    ("ti", "TINYINT", -128), ("tu", "TINYINT UNSIGNED", 255), ("si", "SMALLINT", -32768),
    ("su", "SMALLINT UNSIGNED", 65535), ("mi", "MEDIUMINT", -8388608), ("i", "INT", -2147483648),
    ("iu", "INT UNSIGNED", 4294967295), ("bi", "BIGINT", -9223372036854775808),
    ("bu", "BIGINT UNSIGNED", 18446744073709551615), ("bo", "BOOLEAN", 1), ("f", "FLOAT", 1.5), ("d", "DOUBLE", -1.25e300),
    ("de", "DECIMAL(65,30)", decimal.Decimal("-12345678901234567890123456789012345.123456789012345678901234567890")),
    ("c", "CHAR(10)", "abc"), ("v", "VARCHAR(100)", "na\u00efve \U0001f600 '\\ \n"), ("t", "LONGTEXT", "long " * 20_000),
    ("bn", "BINARY(4)", b"\x00\x01\xff\x00"), ("vb", "VARBINARY(10)", b"\x00'\\\xff"),
    ("bl", "LONGBLOB", bytes(range(256)) * 300), ("da", "DATE", datetime.date(2024, 2, 29)),
    ("tm", "TIME(6)", -datetime.timedelta(hours=838, minutes=59, seconds=58, microseconds=1)),
    ("dt", "DATETIME(6)", datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("ts", "TIMESTAMP(3) NULL", datetime.datetime(2024, 2, 29, 12, 0, 0, 123000)), ("y", "YEAR", 2155),
    ("e", "ENUM('small', 'large')", "large"), ("j", "JSON", '{"a": [1, null, "b"]}'),
]
VALUES = tuple(value for _, _, value in TYPES)
CREATE = "CREATE TABLE every_type (id INT PRIMARY KEY, " + ", ".join(f"{name} {kind}" for name, kind, _ in TYPES) + ")"
INSERT = "INSERT INTO every_type VALUES (" + ", ".join(["%s"] * (len(TYPES) + 1)) + ")"
BATCH = 2_000


class Checks:
    """Counts checks; the statement that ran last is told with a failure."""

    def __init__(self):
        self.failed, self.statement = 0, ""

    def say(self, name: str, error: BaseException | None) -> None:
        if error is None:
            print(f"ok {name}")
            return
        self.failed += 1
        print(f"FAIL {name}: {self.statement[:200]}: {type(error).__name__}: {error}")
        traceback.print_exception(error, file=sys.stderr)

    def end(self) -> None:
        sys.exit(1 if self.failed else 0)


def same(found, expected=VALUES) -> None:
    """All values of one row."""
    wrong = [f"{name} {kind}: {one!r}, expected {two!r}"[:300] for (name, kind, _), one, two in zip(TYPES, found, expected)
             if one != two or isinstance(one, (str, bytes)) and type(one) is not type(two)]
    if wrong or len(found) != len(expected):
        raise AssertionError("; ".join(wrong) or f"{len(found)} columns")


def equal(found, expected) -> None:
    if found != expected:
        raise AssertionError(f"{found!r}, expected {expected!r}")


def code(error: BaseException) -> int:
    """MySQL's number of an error."""
    return getattr(error, "errno", None) or error.args[0]
