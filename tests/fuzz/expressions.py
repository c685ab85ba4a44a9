"""Random expressions: every function, operator and odd literal, over columns in scope."""

# Name: fewest and most arguments.
FUNCTIONS = {name: (int(low), int(high)) for name, low, high in (entry.split(":") for entry in """
abs:1:1 acos:1:1 addtime:2:2 any_value:1:1 ascii:1:1 asin:1:1 atan:1:2 bin:1:1 bin_to_uuid:1:2 bit_count:1:1
bit_length:1:1 ceiling:1:1 char:1:4 char_length:1:1 charset:1:1 coalesce:1:5 collation:1:1 concat:1:5 concat_ws:2:5
conv:3:3 convert_tz:3:3 crc32:1:1 curdate:0:0 curtime:0:1 date:1:1 date_format:2:2 datediff:2:2 dayname:1:1
dayofweek:1:1 dayofyear:1:1 elt:2:5 export_set:3:5 field:2:5 find_in_set:2:2 floor:1:1 format:2:3 from_base64:1:1
from_days:1:1 from_unixtime:1:2 greatest:2:5 hex:1:1 hour:1:1 if:3:3 ifnull:2:2 inet6_aton:1:1 inet6_ntoa:1:1
inet_aton:1:1 inet_ntoa:1:1 insert:4:4 instr:2:2 interval:2:5 is_ipv4:1:1 is_ipv4_compat:1:1 is_ipv6:1:1 is_uuid:1:1
isnull:1:1 json_array:0:5 json_array_append:3:5 json_array_insert:3:3 json_contains:2:3 json_contains_path:3:4
json_depth:1:1 json_extract:2:4 json_insert:3:5 json_keys:1:2 json_length:1:2 json_merge_patch:2:3
json_merge_preserve:2:3 json_object:0:4 json_overlaps:2:2 json_pretty:1:1 json_quote:1:1 json_remove:2:3
json_replace:3:5 json_search:3:5 json_set:3:5 json_type:1:1 json_unquote:1:1 json_valid:1:1 json_value:2:2
last_day:1:1 least:2:5 left:2:2 length:1:1 ln:1:1 locate:2:3 log:1:2 log10:1:1 log2:1:1 lower:1:1 lpad:3:3 ltrim:1:1
make_set:2:5 makedate:2:2 maketime:3:3 md5:1:1 microsecond:1:1 mod:2:2 month:1:1 monthname:1:1 name_const:2:2 now:0:1
nullif:2:2 oct:1:1 ord:1:1 period_add:2:2 period_diff:2:2 pi:0:0 pow:2:2 quarter:1:1 quote:1:1 rand:0:1
regexp_instr:2:6 regexp_like:2:3 regexp_replace:3:6 regexp_substr:2:5 repeat:2:2 replace:3:3 reverse:1:1 right:2:2
round:1:2 rpad:3:3 rtrim:1:1 sec_to_time:1:1 sha1:1:1 sha2:2:2 sign:1:1 soundex:1:1 space:1:1 sqrt:1:1
str_to_date:2:2 strcmp:2:2 substring:2:3 substring_index:3:3 subtime:2:2 sysdate:0:1 time:1:1 time_format:2:2
time_to_sec:1:1 timediff:2:2 timestamp:1:2 to_base64:1:1 to_days:1:1 to_seconds:1:1 trim:1:1 truncate:2:2 unhex:1:1
unix_timestamp:0:1 upper:1:1 user:0:0 database:0:0 version:0:0 connection_id:0:0 last_insert_id:0:1 row_count:0:0
found_rows:0:0 uuid:0:0 uuid_to_bin:1:2 week:1:2 weekday:1:1 weight_string:1:1 year:1:1 yearweek:1:2 utc_date:0:0
utc_time:0:1 utc_timestamp:0:1 benchmark:2:2 sleep:1:1 get_lock:2:2 release_lock:1:1 is_free_lock:1:1 extractvalue:2:2
""".split())}
AGGREGATES = ["count", "sum", "avg", "min", "max", "bit_and", "bit_or", "bit_xor", "std", "stddev_samp", "var_pop",
              "var_samp", "group_concat", "json_arrayagg", "json_objectagg", "any_value"]
WINDOWS = ["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile({n})", "lag({x})",
           "lead({x}, {n})", "lag({x}, {n}, {x})", "first_value({x})", "last_value({x})", "nth_value({x}, {n})"]
BINARY = ["+", "-", "*", "/", "%", "DIV", "MOD", "=", "<=>", "<>", "<", "<=", ">", ">=", "AND", "OR", "XOR", "&&", "||",
          "|", "&", "^", "<<", ">>", "LIKE", "NOT LIKE", "REGEXP", "NOT REGEXP"]
UNITS = ["MICROSECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "DAY_SECOND",
         "YEAR_MONTH", "HOUR_MICROSECOND", "DAY_MICROSECOND", "MINUTE_SECOND"]
CASTS = ["SIGNED", "UNSIGNED", "CHAR", "CHAR(3)", "BINARY", "BINARY(4)", "DATE", "DATETIME", "DATETIME(6)", "TIME",
         "TIME(3)", "DECIMAL(10,2)", "DECIMAL(65,30)", "DECIMAL", "JSON", "YEAR", "DOUBLE", "FLOAT", "REAL"]
LITERALS = [
    "NULL", "TRUE", "FALSE", "0", "1", "-1", "2", "3", "10", "255", "256", "65536", "2147483647", "-2147483648",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615", "18446744073709551616",
    "0.1", "-0.0", "1.5", "1e308", "-1e308", "1e309", "5e-324", "1e-400", "99999999999999999999999999999999999.9",
    "0." + "9" * 60, "1" + "0" * 64, "''", "'a'", "'A '", "'abc'", "'0'", "'1'", "'-1'", "'1.5abc'", "'1e5'", "' 12 '",
    "'%'", "'_'", "'a%'", "'\\\\'", "'\\%'", "'(('", "'[a'", "'a{1000}'", "'.*'", "'\u00e9'", "'\u00df'", "'\u6f22\u5b57'", "'\U0001f600'",
    "'a\\0b'", "'\\n'", "x''", "x'00'", "x'ff'", "x'fffe0078'", "0xff", "b'1'", "b'101010101'", "_binary 'a\\0'",
    "_utf8mb4 x'c3a9'", "_latin1 'x'", "N'n'", "'2024-02-29'", "'2023-02-29'", "'0000-00-00'", "'9999-12-31 23:59:59.999999'",
    "'1000-01-01'", "'838:59:59'", "'-838:59:59'", "'839:00:00'", "'12:34:56.789'", "DATE '2024-01-31'", "TIME '-10:00:00'",
    "TIMESTAMP '2024-01-31 23:59:59.5'", "20240131", "20240131235959", "101", "'[1, 2, {\"a\": null}]'", "'{\"a\": [1, {\"b\": 2}]}'",
    "'$.a'", "'$[0]'", "'$.a[last]'", "'$**.b'", "'$[*].a'", "'$.a[0 to 1]'", "'one'", "'all'", "'%Y-%m-%d %H:%i:%s.%f'",
    "'%W %j %U %v %x %r %T %%'", "'+00:00'", "'Europe/Berlin'", "'SYSTEM'", "'127.0.0.1'", "'::1'", "'::ffff:1.2.3.4'",
    "'6ccd780c-baba-1026-9564-5b8c656024db'", "@u", "@v", "@@sql_mode", "@@session.autocommit", "@@global.max_connections",
    "CURRENT_TIMESTAMP", "CURRENT_USER", "DEFAULT",
]
COLLATIONS = ["utf8mb4_0900_ai_ci", "utf8mb4_bin", "utf8mb4_general_ci", "binary", "utf8mb4_unicode_ci", "latin1_swedish_ci"]


class Expressions:
    """Draws expressions. `columns` are what may be named; `queries` draws a subquery."""

    def __init__(self, rng, queries):
        self.rng, self.queries = rng, queries

    def literal(self) -> str:
        if self.rng.random() < 0.1:
            return str(self.rng.choice([1, -1]) * self.rng.getrandbits(self.rng.randint(1, 70)))
        if self.rng.random() < 0.02:
            return f"REPEAT('ab', {self.rng.choice([10, 1000, 100000])})"
        return self.rng.choice(LITERALS[:-1])

    def leaf(self, columns) -> str:
        if columns and self.rng.random() < 0.6:
            return self.rng.choice(columns)
        return self.literal()

    def any(self, columns, depth=3) -> str:
        """Any scalar."""
        if depth <= 0 or self.rng.random() < 0.15:
            return self.leaf(columns)
        rng, sub = self.rng, lambda less=1: self.any(columns, depth - less)
        match rng.choices(range(16), [20, 22, 4, 4, 3, 3, 4, 3, 3, 3, 3, 2, 2, 2, 1, 2])[0]:
            case 0:
                return self.call(columns, depth)
            case 1:
                return f"({sub()} {rng.choice(BINARY)} {sub()})"
            case 2:
                return f"CAST({sub()} AS {rng.choice(CASTS)})"
            case 3:
                whens = " ".join(f"WHEN {sub()} THEN {sub()}" for _ in range(rng.randint(1, 3)))
                return f"CASE {rng.choice(['', sub()])} {whens} {rng.choice(['', 'ELSE ' + sub()])} END"
            case 4:
                return f"({rng.choice(['-', '+', '~', '!', 'NOT ', 'BINARY '])}{sub()})"
            case 5:
                return f"({sub()} {rng.choice(['', 'NOT '])}BETWEEN {sub()} AND {sub()})"
            case 6:
                listed = ", ".join(sub() for _ in range(rng.randint(1, 4)))
                return f"({sub()} {rng.choice(['', 'NOT '])}IN ({listed}))"
            case 7:
                return f"({sub()} IS {rng.choice(['', 'NOT '])}{rng.choice(['NULL', 'TRUE', 'FALSE', 'UNKNOWN'])})"
            case 8:
                return f"({sub()} {rng.choice('+-')} INTERVAL {sub(2)} {rng.choice(UNITS)})"
            case 9:
                name = rng.choice(["DATE_ADD", "DATE_SUB", "ADDDATE"])
                return f"{name}({sub()}, INTERVAL {sub(2)} {rng.choice(UNITS)})"
            case 10:
                return f"{rng.choice(['TIMESTAMPDIFF', 'TIMESTAMPADD'])}({rng.choice(UNITS[:9])}, {sub()}, {sub()})"
            case 11:
                return f"EXTRACT({rng.choice(UNITS)} FROM {sub()})"
            case 12:
                return f"({sub()} COLLATE {rng.choice(COLLATIONS)})"
            case 13:
                return rng.choice([
                    f"TRIM({rng.choice(['BOTH', 'LEADING', 'TRAILING'])} {sub()} FROM {sub()})",
                    f"CONVERT({sub()} USING {rng.choice(['utf8mb4', 'binary', 'latin1', 'ascii'])})",
                    f"SUBSTRING({sub()} FROM {sub()} FOR {sub()})", f"POSITION({sub()} IN {sub()})",
                    f"({sub()} MEMBER OF ({sub()}))", f"({sub()} LIKE {sub()} ESCAPE '|')",
                    "GET_FORMAT(DATETIME, 'ISO')", f"CHAR({sub()} USING utf8mb4)", f"(@u := {sub()})"])
            case 14:
                size = rng.randint(2, 3)
                row = lambda: "(" + ", ".join(sub(2) for _ in range(size)) + ")"
                return f"({row()} {rng.choice(['=', '<', '<>', '<=>', '>='])} {row()})"
            case _:
                return self.subquery(columns, depth)

    def subquery(self, columns, depth) -> str:
        rng = self.rng
        one = self.queries(depth - 1, columns, 1)
        left = self.any(columns, depth - 2)
        return rng.choice([
            f"({one})", f"({one} LIMIT 1)", f"EXISTS ({one})", f"NOT EXISTS ({one})", f"({left} IN ({one}))",
            f"({left} NOT IN ({one}))", f"({left} {rng.choice(['=', '<', '>', '<>'])} {rng.choice(['ANY', 'ALL', 'SOME'])} ({one}))"])

    def call(self, columns, depth) -> str:
        rng = self.rng
        name = rng.choice(list(FUNCTIONS))
        low, high = FUNCTIONS[name]
        if name == "sleep":
            return "sleep(0)"
        if name == "benchmark":
            return f"benchmark({rng.choice([0, 1, -1, 100])}, {self.any(columns, depth - 1)})"
        if name == "get_lock":
            return f"get_lock({self.literal()}, 0)"
        count = rng.randint(low, high)
        if rng.random() < 0.01:
            count = rng.randint(0, 7)
        return f"{name}({', '.join(self.any(columns, depth - 1) for _ in range(count))})"

    def aggregate(self, columns, depth=2) -> str:
        rng = self.rng
        name, inner = rng.choice(AGGREGATES), self.any(columns, depth)
        if name == "count" and rng.random() < 0.4:
            return "count(*)"
        if name == "json_objectagg":
            return f"json_objectagg({inner}, {self.any(columns, depth)})"
        distinct = "DISTINCT " if rng.random() < 0.2 and name not in ("json_arrayagg", "any_value") else ""
        if name == "group_concat":
            order = rng.choice(["", f" ORDER BY {self.leaf(columns)} DESC"])
            separator = rng.choice(["", " SEPARATOR ''", " SEPARATOR '-'"])
            return f"group_concat({distinct}{inner}{order}{separator})"
        return f"{name}({distinct}{inner})"

    def window(self, columns) -> str:
        rng, x = self.rng, lambda: self.any(columns, 1)
        if rng.random() < 0.4:
            function = self.aggregate(columns, 1)
        else:
            function = rng.choice(WINDOWS).format(n=rng.choice([0, 1, 2, 3, 100]), x=x())
        parts = []
        if rng.random() < 0.6:
            parts.append("PARTITION BY " + ", ".join(x() for _ in range(rng.randint(1, 2))))
        if rng.random() < 0.8:
            parts.append("ORDER BY " + ", ".join(x() + rng.choice(["", " DESC"]) for _ in range(rng.randint(1, 2))))
        if rng.random() < 0.5:
            bound = lambda: rng.choice(["UNBOUNDED PRECEDING", "CURRENT ROW", "1 PRECEDING", "2 FOLLOWING", "0 PRECEDING",
                                        "UNBOUNDED FOLLOWING", "INTERVAL 1 DAY PRECEDING", "1.5 FOLLOWING"])
            kind = rng.choice(["ROWS", "RANGE"])
            parts.append(f"{kind} BETWEEN {bound()} AND {bound()}" if rng.random() < 0.7 else f"{kind} {bound()}")
        return f"{function} OVER ({' '.join(parts)})"
