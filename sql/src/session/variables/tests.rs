use super::*;

fn session() -> Variables {
    Variables::default()
}

#[track_caller]
fn check(sets: &[(Scope, &str, Value)], read: &str, want: Value) {
    let mut variables = session();
    for (scope, name, value) in sets {
        variables.set(*scope, name, value).unwrap();
    }
    assert_eq!(variables.get(read, false), Some(want), "{sets:?}");
}

#[track_caller]
fn refuses(scope: Scope, name: &str, value: Value, want: &str) {
    let error = session().set(scope, name, &value).unwrap_err();
    assert_eq!(format!("{} {}", error.code, error.message), want);
}

#[test]
fn names_are_sorted_and_first_values_are_legal() {
    assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name), "V1");
    for of in TABLE {
        let first = globals::initial(of);
        let (taken, warning) = check::take(of, &first, &first, SqlMode::default()).unwrap();
        assert_eq!((taken, warning), (first, None), "{}", of.name);
        assert!(type_of(of.name).is_some());
    }
}

#[test]
fn settings_say_what_the_first_values_say() {
    assert_eq!(*session().settings(), Settings::default(), "V4");
}

#[test]
fn values_are_taken_in_every_form_that_clients_send() {
    use Scope::Session as S;
    check(&[(S, "autocommit", Value::text("off"))], "autocommit", Value::Int(0));
    check(&[(S, "AUTOCOMMIT", Value::Int(0))], "autocommit", Value::Int(0));
    check(&[(S, "time_zone", Value::text("+0:00"))], "time_zone", Value::text("+00:00"));
    check(
        &[(S, "time_zone", Value::text("Europe/Berlin"))],
        "time_zone",
        Value::text("Europe/Berlin"),
    );
    check(
        &[(S, "sql_mode", Value::text("strict_trans_tables,,ANSI_QUOTES,"))],
        "sql_mode",
        Value::text("ANSI_QUOTES,STRICT_TRANS_TABLES"),
    );
    check(&[(S, "sql_mode", Value::Int(0))], "sql_mode", Value::text(""));
    check(
        &[(S, "sql_mode", Value::text("ansi"))],
        "sql_mode",
        Value::text(
            "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,ANSI",
        ),
    );
    check(&[(S, "character_set_results", Value::Null)], "character_set_results", Value::Null);
    check(&[(S, "net_write_timeout", Value::Int(7))], "net_write_timeout", Value::UInt(7));
    check(&[(S, "timestamp", Value::Int(1_000))], "timestamp", Value::Double(1000.0));
    check(
        &[(S, "transaction_isolation", Value::text("read-uncommitted"))],
        "transaction_isolation",
        Value::text("READ-COMMITTED"),
    );
    check(
        &[(S, "character_set_connection", Value::text("utf8"))],
        "collation_connection",
        Value::text("utf8mb3_general_ci"),
    );
    check(
        &[(S, "collation_connection", Value::text("binary"))],
        "character_set_connection",
        Value::text("binary"),
    );
}

#[test]
fn switches_change_one_by_one() {
    let mut variables = session();
    let get = |variables: &Variables| match variables.get("optimizer_switch", false) {
        Some(Value::Text(text)) => text.to_string(),
        other => panic!("{other:?}"),
    };
    let first = get(&variables);
    variables.set(Scope::Session, "optimizer_switch", &Value::text("semijoin=off")).unwrap();
    assert_eq!(get(&variables), first.replace("semijoin=on", "semijoin=off"));
    variables.set_default(Scope::Session, "optimizer_switch").unwrap();
    assert_eq!(get(&variables), first);
    refuses(
        Scope::Session,
        "optimizer_switch",
        Value::text("nonsense=on"),
        "1231 Variable 'optimizer_switch' can't be set to the value of 'nonsense=on'",
    );
}

#[test]
fn refusals_have_mysqls_numbers_and_texts() {
    use Scope::{Global as G, Session as S};
    let one = || Value::Int(1);
    refuses(S, "nope", one(), "1193 Unknown system variable 'nope'");
    refuses(S, "version", Value::text("x"), "1238 Variable 'version' is a read only variable");
    refuses(
        S,
        "max_connections",
        one(),
        "1229 Variable 'max_connections' is a GLOBAL variable and should be set with SET GLOBAL",
    );
    refuses(
        G,
        "timestamp",
        one(),
        "1228 Variable 'timestamp' is a SESSION variable and can't be used with SET GLOBAL",
    );
    refuses(
        S,
        "max_allowed_packet",
        one(),
        "1621 SESSION variable 'max_allowed_packet' is read-only. Use SET GLOBAL to assign the value",
    );
    refuses(
        S,
        "autocommit",
        Value::Int(2),
        "1231 Variable 'autocommit' can't be set to the value of '2'",
    );
    refuses(
        S,
        "wait_timeout",
        Value::text("x"),
        "1232 Incorrect argument type to variable 'wait_timeout'",
    );
    refuses(
        S,
        "sql_mode",
        Value::text("ANSI,NO_AUTO_CREATE_USER"),
        "1231 Variable 'sql_mode' can't be set to the value of 'NO_AUTO_CREATE_USER'",
    );
    refuses(
        S,
        "sql_mode",
        Value::Null,
        "1231 Variable 'sql_mode' can't be set to the value of 'NULL'",
    );
    refuses(S, "time_zone", Value::text("Mars"), "1298 Unknown or incorrect time zone: 'Mars'");
    refuses(
        S,
        "character_set_client",
        Value::text("latin9"),
        "1115 Unknown character set: 'latin9'",
    );
    refuses(S, "collation_connection", Value::text("x"), "1273 Unknown collation: 'x'");
    refuses(
        S,
        "default_storage_engine",
        Value::text("MyISAM"),
        "1286 Unknown storage engine 'MyISAM'",
    );
    refuses(
        S,
        "transaction_isolation",
        Value::text("SERIALIZABLE"),
        "1235 This version of Holdfast doesn't yet support 'ISOLATION LEVEL SERIALIZABLE; use \
         REPEATABLE READ and lock rows with FOR SHARE'",
    );
    refuses(
        S,
        "sql_auto_is_null",
        one(),
        "1235 This version of Holdfast doesn't yet support 'sql_auto_is_null = 1'",
    );
    refuses(
        Scope::Persist,
        "autocommit",
        one(),
        "1235 This version of Holdfast doesn't yet support 'SET PERSIST'",
    );
}

#[test]
fn what_lies_outside_is_clamped_with_a_warning_or_refused_under_strict_all() {
    let mut variables = session();
    let effect = variables.set(Scope::Session, "wait_timeout", &Value::Int(-5)).unwrap();
    let warning = effect.warning.unwrap();
    assert_eq!(warning.code(), 1292);
    assert_eq!(warning.to_string(), "Truncated incorrect wait_timeout value: '-5'");
    assert_eq!(variables.get("wait_timeout", false), Some(Value::UInt(1)));
    variables.set(Scope::Session, "sql_mode", &Value::text("STRICT_ALL_TABLES")).unwrap();
    let error = variables.set(Scope::Session, "wait_timeout", &Value::Int(0)).unwrap_err();
    assert_eq!(error.code, 1231);
}

#[test]
fn global_values_reach_sessions_that_begin_later() {
    let globals = Arc::new(Globals::default());
    let mut first = Variables::new(&globals);
    first.set(Scope::Global, "wait_timeout", &Value::Int(9)).unwrap();
    assert_eq!(first.get("wait_timeout", false), Some(Value::UInt(28800)), "V2");
    assert_eq!(first.get("wait_timeout", true), Some(Value::UInt(9)));
    let second = Variables::new(&globals);
    assert_eq!(second.settings().idle_s, 9);
    first.set_default(Scope::Session, "wait_timeout").unwrap();
    assert_eq!(first.settings().idle_s, 9);
    first.set_default(Scope::Global, "wait_timeout").unwrap();
    assert_eq!(Variables::new(&globals).settings().idle_s, 28800);
    first.reset();
    assert_eq!(first.settings().idle_s, 28800);
}

#[test]
fn the_next_transaction_is_told_once() {
    use IsolationLevel::{ReadCommitted, RepeatableRead};
    let mut variables = session();
    variables.set_transaction(Scope::Next, Some(Isolation::ReadCommitted), Some(true)).unwrap();
    assert_eq!(variables.get("transaction_isolation", false), Some(Value::text("REPEATABLE-READ")));
    assert_eq!(variables.take_transaction(), (ReadCommitted, true));
    assert_eq!(variables.take_transaction(), (RepeatableRead, false));
    variables.set_transaction(Scope::Session, Some(Isolation::ReadUncommitted), None).unwrap();
    assert_eq!(variables.take_transaction(), (ReadCommitted, false));
    assert_eq!(variables.take_transaction(), (ReadCommitted, false));
}

#[test]
fn names_set_three_variables_and_the_collation() {
    let mut variables = session();
    variables.set_names(Some("utf8mb4"), Some("utf8mb4_general_ci")).unwrap();
    assert_eq!(variables.settings().collation, Collation::GeneralCi);
    variables.set_names(Some("binary"), None).unwrap();
    assert!(variables.settings().results_as_is);
    assert_eq!(variables.get("collation_connection", false), Some(Value::text("binary")));
    let error = variables.set_names(Some("utf8mb4"), Some("binary")).unwrap_err();
    assert_eq!(error.message, "COLLATION 'binary' is not valid for CHARACTER SET 'utf8mb4'");
    variables.set_names(None, None).unwrap();
    assert_eq!(variables.settings().collation, Collation::Uca0900AiCi);
}

#[test]
fn show_variables_writes_values_as_mysql_does() {
    let rows = session().rows(false);
    let value = |name: &str| rows.iter().find(|(other, _)| *other == name).map(|(_, v)| &**v);
    assert_eq!(value("autocommit"), Some("ON"));
    assert_eq!(value("long_query_time"), Some("10.000000"));
    assert_eq!(value("lower_case_table_names"), Some("0"));
    assert_eq!(value("version"), Some(VERSION));
    assert!(value("timestamp").is_some());
    assert!(session().rows(true).iter().all(|(name, _)| *name != "timestamp"));
}
