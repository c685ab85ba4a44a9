use super::super::testing::as_user;
use super::*;
use crate::session::seen::Seen;

type Compute = fn(&Seen<'_>) -> crate::error::Result<Rows>;

fn show_row(row: &[Value]) -> String {
    let value = |value: &Value| {
        let mut out = Vec::new();
        match value.is_null() {
            true => out.extend_from_slice(b"NULL"),
            false => holdfast_value::show::write_plain(value, &mut out),
        }
        String::from_utf8(out).unwrap()
    };
    row.iter().map(value).collect::<Vec<_>>().join("|")
}

/// The rows that have `with` in them.
#[track_caller]
fn check(user: &str, compute: Compute, with: &str, want: &[&str]) {
    let rows = as_user(user, |seen| compute(seen).unwrap());
    let rows: Vec<String> = rows.iter().map(|row| show_row(row)).collect();
    let rows: Vec<&str> =
        rows.iter().map(String::as_str).filter(|row| row.contains(with)).collect();
    assert_eq!(rows, want);
}

#[test]
fn tables_and_their_columns() {
    check(
        "root",
        super::tables::tables,
        "|shop|",
        &[
            "def|shop|customers|BASE TABLE|InnoDB|10|Dynamic|100|64|6400|0|800|0|NULL|2023-11-14 22:13:20|NULL|NULL|utf8mb4_general_ci|NULL||",
            "def|shop|names|VIEW|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|2023-11-14 22:13:20|NULL|NULL|NULL|NULL|NULL|VIEW",
            "def|shop|orders|BASE TABLE|InnoDB|10|Dynamic|100|64|6400|0|800|0|5|2023-11-14 22:13:20|NULL|NULL|utf8mb4_0900_ai_ci|NULL||",
        ],
    );
    check(
        "root",
        super::columns::rows,
        "|orders|made|",
        &[
            "def|shop|orders|made|7|CURRENT_TIMESTAMP(3)|NO|timestamp|NULL|NULL|NULL|NULL|3|NULL|NULL|timestamp(3)||DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3)|select,insert,update,references|||NULL",
        ],
    );
    check(
        "root",
        super::columns::rows,
        "|orders|code|",
        &[
            "def|shop|orders|code|6|NULL|NO|char|8|32|NULL|NULL|NULL|utf8mb4|utf8mb4_bin|char(8)|UNI||select,insert,update,references|||NULL",
        ],
    );
    check(
        "root",
        super::columns::rows,
        "|orders|twice|",
        &[
            "def|shop|orders|twice|13|NULL|YES|smallint|NULL|NULL|5|0|NULL|NULL|NULL|smallint unsigned||STORED GENERATED|select,insert,update,references||(`customer` * 2)|NULL",
        ],
    );
    check(
        "limited",
        super::columns::rows,
        "|shop|",
        &[
            "def|shop|customers|id|1|NULL|NO|int|NULL|NULL|10|0|NULL|NULL|NULL|int|PRI||select,insert,update,references|||NULL",
            "def|shop|customers|name|2|NULL|NO|varchar|20|80|NULL|NULL|NULL|utf8mb4|utf8mb4_general_ci|varchar(20)|||select,insert,update,references|||NULL",
        ],
    );
}

#[test]
fn keys_and_constraints() {
    check(
        "root",
        super::keys::key_column_usage,
        "|orders|",
        &[
            "def|shop|PRIMARY|def|shop|orders|id|1|NULL|NULL|NULL|NULL",
            "def|shop|by_code|def|shop|orders|code|1|NULL|NULL|NULL|NULL",
            "def|shop|by_state|def|shop|orders|state|1|NULL|NULL|NULL|NULL",
            "def|shop|orders_ibfk_1|def|shop|orders|customer|1|1|shop|customers|id",
        ],
    );
    check(
        "root",
        super::keys::table_constraints,
        "|orders|",
        &[
            "def|shop|PRIMARY|shop|orders|PRIMARY KEY|YES",
            "def|shop|by_code|shop|orders|UNIQUE|YES",
            "def|shop|by_state|shop|orders|UNIQUE|YES",
            "def|shop|orders_ibfk_1|shop|orders|FOREIGN KEY|YES",
            "def|shop|orders_chk_1|shop|orders|CHECK|YES",
            "def|shop|orders_chk_2|shop|orders|CHECK|NO",
        ],
    );
    check(
        "root",
        super::keys::referential_constraints,
        "",
        &["def|shop|orders_ibfk_1|def|shop|PRIMARY|NONE|NO ACTION|CASCADE|orders|customers"],
    );
    check("root", super::keys::check_constraints, "_1", &["def|shop|orders_chk_1|(`price` > 0)"]);
    check(
        "limited",
        super::keys::statistics,
        "",
        &["def|shop|customers|0|shop|PRIMARY|1|id|A|100|NULL|NULL||BTREE|||YES|NULL"],
    );
}

#[test]
fn accounts_are_seen_by_those_who_may() {
    check(
        "limited",
        super::accounts::table_privileges,
        "",
        &["'limited'@'%'|def|shop|customers|SELECT|NO"],
    );
    check("limited", super::accounts::user_privileges, "", &["'limited'@'%'|def|USAGE|NO"]);
    check("limited", super::accounts::users, "", &[]);
    let users = as_user("root", |seen| super::accounts::users(seen).unwrap());
    assert_eq!(users.len(), 2);
    check(
        "root",
        super::tables::views,
        "",
        &[
            "def|shop|names|SELECT id, name AS n FROM customers|NONE|NO|root@%|DEFINER|utf8mb4|utf8mb4_general_ci",
        ],
    );
}

#[test]
fn rows_are_as_wide_as_their_tables_and_of_their_types() {
    let all: [(&VirtualTable, Compute); 20] = [
        (&super::server::CHARACTER_SETS, super::server::character_sets),
        (&super::keys::CHECK_CONSTRAINTS, super::keys::check_constraints),
        (&super::server::COLLATIONS, super::server::collations),
        (&super::columns::COLUMNS, super::columns::rows),
        (&super::server::ENGINES, super::server::engines),
        (&super::keys::KEY_COLUMN_USAGE, super::keys::key_column_usage),
        (&super::server::KEYWORDS, super::server::keywords),
        (&super::tables::PARTITIONS, super::tables::partitions),
        (&super::server::PLUGINS, super::server::plugins),
        (&super::server::PROCESSLIST, super::server::processlist),
        (&super::keys::REFERENTIAL_CONSTRAINTS, super::keys::referential_constraints),
        (&super::tables::SCHEMATA, super::tables::schemata),
        (&super::keys::STATISTICS, super::keys::statistics),
        (&super::tables::TABLES, super::tables::tables),
        (&super::keys::TABLE_CONSTRAINTS, super::keys::table_constraints),
        (&super::accounts::TABLE_PRIVILEGES, super::accounts::table_privileges),
        (&super::tables::VIEWS, super::tables::views),
        (&super::accounts::MYSQL_USER, super::accounts::users),
        (&super::accounts::MYSQL_TABLES_PRIV, super::accounts::tables),
        (&super::performance::SESSION_VARIABLES, super::performance::session_variables),
    ];
    for (table, compute) in all {
        let rows = as_user("root", |seen| compute(seen).unwrap());
        assert!(!rows.is_empty(), "{table:?}");
        for row in rows {
            assert_eq!(row.len(), table.columns.len(), "{table:?} {}", show_row(&row));
            for (value, column) in row.iter().zip(table.columns) {
                let fits = match (value, &column.of) {
                    (Value::Null, _) => true,
                    (Value::Text(_), of) => of.is_text(),
                    (Value::Int(_), of) => of.is_integer() && !of.is_unsigned(),
                    (Value::UInt(_), of) => of.is_integer() && of.is_unsigned(),
                    (Value::DateTime(_), of) => of.is_temporal(),
                    _ => false,
                };
                assert!(fits, "{table:?}.{} {value:?}", column.name);
            }
        }
    }
}

#[test]
fn names_are_found_in_any_case_and_once() {
    for table in TABLES {
        let lower = table.name.to_ascii_lowercase();
        let found = crate::session::schema::find(&table.database.to_ascii_uppercase(), &lower);
        assert!(found.is_some_and(|found| std::ptr::eq(found, *table)), "{table:?}");
    }
}
