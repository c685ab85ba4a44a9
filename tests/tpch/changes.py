"""5 % of lineitem and orders updated, 2 % deleted: the same in Holdfast and in DuckDB.

Order keys are 8 of every 32, so `key % 20 = 3` is one order in 20 and `key % 50 = 7` one in 50. All lines of an
order go with it. What changes is what queries look at: prices, quantities, dates, flags, and the priority.
Holdfast gets the changes in pieces by key, since a transaction must fit into one record of its log.
"""

import time

CHANGES = [
    "UPDATE lineitem SET l_quantity = l_quantity + 1, l_extendedprice = l_extendedprice + 10.01,"
    " l_shipdate = l_shipdate + interval '1' day, l_returnflag = 'R', l_shipmode = 'MAIL'"
    " WHERE l_orderkey % 20 = 3",
    "UPDATE orders SET o_totalprice = o_totalprice * 2, o_orderdate = o_orderdate + interval '1' month,"
    " o_orderpriority = '1-URGENT' WHERE o_orderkey % 20 = 3",
    "DELETE FROM lineitem WHERE l_orderkey % 50 = 7",
    "DELETE FROM orders WHERE o_orderkey % 50 = 7",
]


def change(holdfast, duckdb, keys_a_piece: int) -> dict:
    """Makes all changes in both; the number of changed rows must agree. Returns what it cost Holdfast."""
    last = duckdb.run("SELECT MAX(o_orderkey) FROM orders")[0][0]
    began, cpu, changed = time.monotonic(), holdfast.cpu_s(), {}
    for sql in CHANGES:
        table = sql.replace("DELETE FROM", "UPDATE").split()[1]
        key = "l_orderkey" if table == "lineitem" else "o_orderkey"
        rows = 0
        for first in range(0, last + 1, keys_a_piece):
            with holdfast.connection.cursor() as cursor:
                rows += cursor.execute(f"{sql} AND {key} BETWEEN {first} AND {first + keys_a_piece - 1}")
        changed[f"{sql.split()[0].lower()} {table}"] = rows
    cost = {"wall_s": round(time.monotonic() - began, 2), "cpu_s": round(holdfast.cpu_s() - cpu, 2)}
    expected = [duckdb.connection.execute(sql).fetchone()[0] for sql in CHANGES]
    if list(changed.values()) != expected:
        raise SystemExit(f"changed {changed}, DuckDB {expected}")
    return cost | {"rows": changed}
