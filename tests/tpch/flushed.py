"""Puts a server's rows into objects, and merges the objects."""

from .schema import TABLES


def status(holdfast, variable: str) -> int:
    """A figure of SHOW STATUS."""
    return int(holdfast.run(f"SHOW GLOBAL STATUS LIKE '{variable}'")[0][1])


def flush(holdfast) -> None:
    """FLUSH TABLES answers once everything is in objects and the log is truncated."""
    holdfast.run("FLUSH TABLES")
    objects, checkpoints = (status(holdfast, f"Holdfast_{what}") for what in ("objects", "checkpoints"))
    assert objects > 0 and checkpoints > 0, f"nothing was flushed: {objects} objects, {checkpoints} checkpoints"
    print(f"flushed: {objects} objects, {status(holdfast, 'Holdfast_object_bytes') >> 20} MiB", flush=True)


def compact(holdfast) -> None:
    """OPTIMIZE TABLE answers once a table's objects are merged and no row in them is dead."""
    for table in TABLES:
        for name, _, kind, text in holdfast.run(f"OPTIMIZE TABLE {table}"):
            assert (kind, text) == ("status", "OK"), f"{name}: {text}"
    print(f"compacted: {status(holdfast, 'Holdfast_objects')} objects", flush=True)
