"""Waits until a server has nothing left to flush, or nothing left to compact.

A server that has no such notion gives neither variable; then the state is skipped, loudly.
"""

import time

import pymysql

# A status variable, and the way to the same figure in `holdfast admin status --json`.
FIGURES = {
    "flush": ("Holdfast_unflushed_rows", ("sql", "unflushed_rows")),
    "compaction": ("Holdfast_compactions_pending", ("sql", "compactions_pending")),
}
# Begins now what would begin at some size or age.
BEGIN = {"flush": "FLUSH TABLES", "compaction": "OPTIMIZE TABLE lineitem, orders"}


def left(holdfast, what: str) -> int | None:
    """How much is left; nothing if the server does not say."""
    variable, path = FIGURES[what]
    found = holdfast.run(f"SHOW GLOBAL STATUS LIKE '{variable}'")
    if found:
        return int(found[0][1])
    figure = holdfast.server.status()
    for step in path:
        figure = figure.get(step) if isinstance(figure, dict) else None
    return None if figure is None else int(figure)


def wait(holdfast, what: str, wait_s: float) -> bool:
    """Whether it was waited for; False if the server has no such notion."""
    if left(holdfast, what) is None:
        print(f"SKIPPED: the server does not say what is left of {what} ({FIGURES[what][0]})", flush=True)
        return False
    try:
        holdfast.run(BEGIN[what])
    except pymysql.err.MySQLError as error:
        print(f"{BEGIN[what]}: {error.args[0]} {error.args[1]}; waiting for it to happen by itself", flush=True)
    until = time.monotonic() + wait_s
    while remaining := left(holdfast, what):
        if time.monotonic() > until:
            raise SystemExit(f"{what}: {remaining} left after {wait_s:.0f} s")
        time.sleep(0.2)
    return True
