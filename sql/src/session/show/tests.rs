use holdfast_syntax::{ParseMode, Statement as Ast};

use super::super::testing::as_user;
use super::*;

/// An answer as lines: titles, then rows, `|` between values.
fn lines(shown: &Shown) -> Vec<String> {
    let titles: Vec<&str> = shown.columns.iter().map(|(title, _)| title.as_str()).collect();
    let row = |row: &Vec<Value>| {
        let value = |value: &Value| {
            let mut out = Vec::new();
            match value.is_null() {
                true => out.extend_from_slice(b"NULL"),
                false => holdfast_value::show::write_plain(value, &mut out),
            }
            String::from_utf8(out).unwrap()
        };
        row.iter().map(value).collect::<Vec<_>>().join("|")
    };
    std::iter::once(titles.join("|")).chain(shown.rows.iter().map(row)).collect()
}

fn ask(user: &str, text: &str) -> Result<Shown> {
    let parsed = holdfast_syntax::parse(text.as_bytes(), &ParseMode::default()).unwrap().pop();
    let Ast::Show(show) = parsed.unwrap().statement else { panic!("{text}") };
    let like = match &show.filter {
        Some(ShowFilter::Like(like)) => Some(like.as_str()),
        _ => None,
    };
    as_user(user, |seen| answer(seen, &show.what, like))
}

#[track_caller]
fn check(user: &str, text: &str, want: &[&str]) {
    let shown = ask(user, text).unwrap();
    assert!(shown.rows.iter().all(|row| row.len() == shown.columns.len()), "{text}");
    assert_eq!(lines(&shown), want, "{text}");
}

#[track_caller]
fn refuses(user: &str, text: &str, want: &str) {
    let error = ask(user, text).unwrap_err();
    assert_eq!(format!("{} {}", error.code, error.message), want, "{text}");
}

#[test]
fn names() {
    check(
        "root",
        "SHOW DATABASES",
        &["Database", "information_schema", "mysql", "performance_schema", "shop"],
    );
    check("limited", "SHOW SCHEMAS LIKE 'S%'", &["Database (S%)", "shop"]);
    check("root", "SHOW TABLES", &["Tables_in_shop", "customers", "names", "orders"]);
    check("limited", "SHOW TABLES", &["Tables_in_shop", "customers"]);
    check(
        "root",
        "SHOW FULL TABLES FROM `shop` LIKE '%s'",
        &[
            "Tables_in_shop (%s)|Table_type",
            "customers|BASE TABLE",
            "names|VIEW",
            "orders|BASE TABLE",
        ],
    );
    check("root", "SHOW FULL TABLES LIKE 'n\\_mes'", &["Tables_in_shop (n\\_mes)|Table_type"]);
    refuses("root", "SHOW TABLES FROM nope", "1049 Unknown database 'nope'");
    let system = ask("root", "SHOW FULL TABLES FROM information_schema").unwrap();
    assert!(lines(&system).contains(&"COLUMNS|SYSTEM VIEW".to_owned()));
}

#[test]
fn columns_of_a_table() {
    check(
        "root",
        "SHOW FULL COLUMNS FROM orders",
        &[
            "Field|Type|Collation|Null|Key|Default|Extra|Privileges|Comment",
            "id|bigint unsigned|NULL|NO|PRI|NULL|auto_increment|select,insert,update,references|",
            "customer|int|NULL|NO||NULL||select,insert,update,references|",
            "note|varchar(255)|utf8mb4_0900_ai_ci|YES|MUL|NULL||select,insert,update,references|what the customer's said",
            "price|decimal(10,2)|NULL|NO||1.50||select,insert,update,references|",
            "state|enum('new','it''s')|utf8mb4_0900_ai_ci|YES|UNI|new||select,insert,update,references|",
            "code|char(8)|utf8mb4_bin|NO|UNI|NULL||select,insert,update,references|",
            "made|timestamp(3)|NULL|NO||CURRENT_TIMESTAMP(3)|DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3)|select,insert,update,references|",
            "seen|timestamp|NULL|YES||NULL||select,insert,update,references|",
            "body|text|utf8mb4_0900_ai_ci|YES||NULL||select,insert,update,references|",
            "flags|bit(3)|NULL|YES||b'101'||select,insert,update,references|",
            "is_open|tinyint(1)|NULL|NO||1||select,insert,update,references|",
            "doc|json|NULL|YES||json_array()|DEFAULT_GENERATED|select,insert,update,references|",
            "twice|smallint unsigned|NULL|YES||NULL|STORED GENERATED|select,insert,update,references|",
            "raw|varbinary(16)|NULL|YES||NULL||select,insert,update,references|",
        ],
    );
    check(
        "root",
        "DESCRIBE shop.customers",
        &["Field|Type|Null|Key|Default|Extra", "id|int|NO|PRI|NULL|", "name|varchar(20)|NO||NULL|"],
    );
    check(
        "root",
        "DESC orders 'pri%'",
        &["Field|Type|Null|Key|Default|Extra", "price|decimal(10,2)|NO||1.50|"],
    );
    check(
        "root",
        "SHOW FIELDS FROM names",
        &["Field|Type|Null|Key|Default|Extra", "id|int|NO||NULL|", "n|varchar(20)|NO||NULL|"],
    );
    refuses("root", "SHOW COLUMNS FROM nope", "1146 Table 'shop.nope' doesn't exist");
    refuses(
        "limited",
        "SHOW COLUMNS FROM orders",
        "1142 SELECT command denied to user 'limited'@'%' for table 'orders'",
    );
    let system = ask("limited", "SHOW COLUMNS FROM information_schema.schemata").unwrap();
    assert_eq!(system.rows.len(), 6);
}

#[test]
fn indexes_and_status_of_a_table() {
    check(
        "root",
        "SHOW INDEX FROM orders",
        &[
            "Table|Non_unique|Key_name|Seq_in_index|Column_name|Collation|Cardinality|Sub_part|Packed|Null|Index_type|Comment|Index_comment|Visible|Expression",
            "orders|0|PRIMARY|1|id|A|100|NULL|NULL||BTREE|||YES|NULL",
            "orders|0|by_code|1|code|A|100|NULL|NULL||BTREE|||YES|NULL",
            "orders|0|by_state|1|state|A|100|NULL|NULL|YES|BTREE|||YES|NULL",
            "orders|1|by_note|1|note|A|10|10|NULL|YES|BTREE||two|YES|NULL",
            "orders|1|by_note|2|customer|D|55|NULL|NULL||BTREE||two|YES|NULL",
        ],
    );
    check(
        "root",
        "SHOW TABLE STATUS LIKE 'o%'",
        &[
            "Name|Engine|Version|Row_format|Rows|Avg_row_length|Data_length|Max_data_length|Index_length|Data_free|Auto_increment|Create_time|Update_time|Check_time|Collation|Checksum|Create_options|Comment",
            "orders|InnoDB|10|Dynamic|100|64|6400|0|800|0|5|2023-11-14 22:13:20|NULL|NULL|utf8mb4_0900_ai_ci|NULL||",
        ],
    );
}

#[test]
fn definitions() {
    let shown = ask("root", "SHOW CREATE TABLE names").unwrap();
    assert!(lines(&shown)[1].ends_with("|utf8mb4|utf8mb4_general_ci"));
    assert_eq!(lines(&shown)[0], "View|Create View|character_set_client|collation_connection");
    let shown = ask("root", "SHOW CREATE TABLE orders").unwrap();
    assert_eq!(lines(&shown)[0], "Table|Create Table");
    refuses("root", "SHOW CREATE VIEW orders", "1347 'shop.orders' is not VIEW");
    let shown = ask("root", "SHOW CREATE DATABASE shop").unwrap();
    assert_eq!(lines(&shown)[0], "Database|Create Database");
    refuses("root", "SHOW CREATE PROCEDURE p", "1305 PROCEDURE p does not exist");
    refuses("root", "SHOW CREATE TRIGGER p", "1360 Trigger does not exist");
}

#[test]
fn accounts() {
    check(
        "limited",
        "SHOW GRANTS",
        &[
            "Grants for limited@%",
            "GRANT USAGE ON *.* TO `limited`@`%`",
            "GRANT SELECT ON `shop`.`customers` TO `limited`@`%`",
        ],
    );
    refuses(
        "limited",
        "SHOW GRANTS FOR root",
        "1044 Access denied for user 'limited'@'%' to database 'mysql'",
    );
    refuses(
        "root",
        "SHOW GRANTS FOR nobody",
        "1141 There is no such grant defined for user 'nobody' on host '%'",
    );
    check(
        "root",
        "SHOW CREATE USER limited",
        &[
            "CREATE USER for limited@%",
            "CREATE USER `limited`@`%` IDENTIFIED WITH 'caching_sha2_password' REQUIRE NONE PASSWORD EXPIRE \
             DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD \
             REQUIRE CURRENT DEFAULT",
        ],
    );
}

#[test]
fn the_server() {
    check(
        "root",
        "SHOW VARIABLES LIKE 'lower_case_table%'",
        &["Variable_name|Value", "lower_case_table_names|0"],
    );
    check("root", "SHOW GLOBAL STATUS LIKE 'up%'", &["Variable_name|Value", "Uptime|9"]);
    check("root", "SHOW WARNINGS", &["Level|Code|Message"]);
    check("root", "SHOW COUNT(*) ERRORS", &["@@session.error_count", "0"]);
    let all = ask("root", "SHOW PROCESSLIST").unwrap();
    assert_eq!(all.rows.len(), 2);
    assert_eq!(all.rows[0][7], Value::text("x".repeat(100)));
    assert_eq!(ask("limited", "SHOW FULL PROCESSLIST").unwrap().rows.len(), 1);
    refuses("root", "SHOW BINARY LOGS", "1381 You are not using binary logging");
    check(
        "root",
        "SHOW COLLATION LIKE 'utf8mb4_0900_ai%'",
        &[
            "Collation|Charset|Id|Default|Compiled|Sortlen|Pad_attribute",
            "utf8mb4_0900_ai_ci|utf8mb4|255|Yes|Yes|0|NO PAD",
        ],
    );
    check(
        "root",
        "SHOW CHARACTER SET LIKE 'utf8mb4'",
        &[
            "Charset|Description|Default collation|Maxlen",
            "utf8mb4|UTF-8 Unicode|utf8mb4_0900_ai_ci|4",
        ],
    );
}

#[test]
fn every_show_answers_or_refuses() {
    for what in [
        "ENGINES",
        "PLUGINS",
        "PRIVILEGES",
        "TRIGGERS",
        "EVENTS",
        "PROCEDURE STATUS",
        "FUNCTION STATUS",
        "PACKAGE STATUS",
        "MASTER STATUS",
        "REPLICA STATUS",
        "SLAVE HOSTS",
        "PROFILES",
        "OPEN TABLES",
        "ENGINE InnoDB STATUS",
        "ERRORS LIMIT 1, 2",
        "SESSION VARIABLES",
        "CHARSET",
        "COLLATION",
        "STATUS",
    ] {
        let shown = ask("root", &format!("SHOW {what}")).unwrap();
        assert!(!shown.columns.is_empty(), "{what}");
        assert!(shown.rows.iter().all(|row| row.len() == shown.columns.len()), "{what}");
    }
}
