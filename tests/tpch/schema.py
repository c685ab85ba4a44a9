"""The eight tables of TPC-H: columns, keys, and how they are written for MySQL and DuckDB.

The primary keys are those of the specification (1.4.2); foreign keys only on request, since
loading with them measures something else.
"""

INT, MONEY, DATE = "INT NOT NULL", "DECIMAL(15,2) NOT NULL", "DATE NOT NULL"


def char(length: int) -> str:
    return f"CHAR({length}) NOT NULL"


def varchar(length: int) -> str:
    return f"VARCHAR({length}) NOT NULL"


# In an order in which every table comes after those that it refers to.
TABLES: dict[str, dict[str, str]] = {
    "region": {"r_regionkey": INT, "r_name": char(25), "r_comment": varchar(152)},
    "nation": {"n_nationkey": INT, "n_name": char(25), "n_regionkey": INT, "n_comment": varchar(152)},
    "part": {
        "p_partkey": INT, "p_name": varchar(55), "p_mfgr": char(25), "p_brand": char(10), "p_type": varchar(25),
        "p_size": INT, "p_container": char(10), "p_retailprice": MONEY, "p_comment": varchar(23)},
    "supplier": {
        "s_suppkey": INT, "s_name": char(25), "s_address": varchar(40), "s_nationkey": INT, "s_phone": char(15),
        "s_acctbal": MONEY, "s_comment": varchar(101)},
    "partsupp": {
        "ps_partkey": INT, "ps_suppkey": INT, "ps_availqty": INT, "ps_supplycost": MONEY, "ps_comment": varchar(199)},
    "customer": {
        "c_custkey": INT, "c_name": varchar(25), "c_address": varchar(40), "c_nationkey": INT, "c_phone": char(15),
        "c_acctbal": MONEY, "c_mktsegment": char(10), "c_comment": varchar(117)},
    # Orders have keys up to 6,000,000 x scale: BIGINT, so that no scale is the last.
    "orders": {
        "o_orderkey": "BIGINT NOT NULL", "o_custkey": INT, "o_orderstatus": char(1), "o_totalprice": MONEY,
        "o_orderdate": DATE, "o_orderpriority": char(15), "o_clerk": char(15), "o_shippriority": INT,
        "o_comment": varchar(79)},
    "lineitem": {
        "l_orderkey": "BIGINT NOT NULL", "l_partkey": INT, "l_suppkey": INT, "l_linenumber": INT,
        "l_quantity": MONEY, "l_extendedprice": MONEY, "l_discount": MONEY, "l_tax": MONEY,
        "l_returnflag": char(1), "l_linestatus": char(1), "l_shipdate": DATE, "l_commitdate": DATE,
        "l_receiptdate": DATE, "l_shipinstruct": char(25), "l_shipmode": char(10), "l_comment": varchar(44)},
}

KEYS = {
    "region": "r_regionkey", "nation": "n_nationkey", "part": "p_partkey", "supplier": "s_suppkey",
    "partsupp": "ps_partkey, ps_suppkey", "customer": "c_custkey", "orders": "o_orderkey",
    "lineitem": "l_orderkey, l_linenumber",
}

# table -> (its columns, the table that they refer to)
REFERENCES = {
    "nation": [("n_regionkey", "region")],
    "supplier": [("s_nationkey", "nation")],
    "partsupp": [("ps_partkey", "part"), ("ps_suppkey", "supplier")],
    "customer": [("c_nationkey", "nation")],
    "orders": [("o_custkey", "customer")],
    "lineitem": [("l_orderkey", "orders"), ("l_partkey, l_suppkey", "partsupp")],
}


def mysql(table: str, references: bool, collation: str | None) -> str:
    """CREATE TABLE for a MySQL server."""
    lines = [f"{name} {kind}" for name, kind in TABLES[table].items()]
    lines.append(f"PRIMARY KEY ({KEYS[table]})")
    if references:
        lines += [f"FOREIGN KEY ({columns}) REFERENCES {other} ({KEYS[other]})"
                  for columns, other in REFERENCES.get(table, [])]
    ending = f" COLLATE {collation}" if collation else ""
    return f"CREATE TABLE {table} ({', '.join(lines)}){ending}"


def duckdb(table: str) -> str:
    """CREATE TABLE for DuckDB, without a key: its index would only cost."""
    return f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in TABLES[table].items())})"


def is_number(kind: str) -> bool:
    """Whether a value of this type is written without quotes."""
    return kind.startswith(("INT", "BIGINT", "DECIMAL"))
