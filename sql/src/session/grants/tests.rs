use std::sync::Arc;

use holdfast_syntax::{ParseMode, Statement};

use super::*;

fn account(user: &str, host: &str) -> AccountRow {
    AccountRow {
        v: 1,
        user: user.into(),
        host: host.into(),
        plugin: "caching_sha2_password".into(),
        auth: String::new(),
        locked: false,
        require_tls: false,
        global: Privileges(0),
        databases: Vec::new(),
        tables: Vec::new(),
    }
}

/// The account after statements, each of which names it.
fn after(statements: &[&str]) -> Result<AccountRow> {
    let mut account = account("u", "%");
    for text in statements {
        let parsed = holdfast_syntax::parse(text.as_bytes(), &ParseMode::default())?.pop().unwrap();
        account = match parsed.statement {
            Statement::Grant(grant) => granted(&account, &grant, Some("now"))?,
            Statement::Revoke(grant) => revoked(&account, &grant, Some("now"))?,
            other => panic!("{other:?}"),
        };
    }
    Ok(account)
}

#[track_caller]
fn check(statements: &[&str], want: &[&str]) {
    assert_eq!(show_grants(&after(statements).unwrap()), want, "{statements:?}");
}

#[track_caller]
fn refuses(statements: &[&str], want: &str) {
    let error = after(statements).unwrap_err();
    assert_eq!(format!("{} {}", error.code, error.message), want);
}

#[test]
fn grants_are_shown_as_mysql_prints_them() {
    check(&[], &["GRANT USAGE ON *.* TO `u`@`%`"]);
    check(
        &["GRANT SELECT, INSERT ON d.* TO u WITH GRANT OPTION", "GRANT ALL ON e.* TO u"],
        &[
            "GRANT USAGE ON *.* TO `u`@`%`",
            "GRANT SELECT, INSERT ON `d`.* TO `u`@`%` WITH GRANT OPTION",
            "GRANT ALL PRIVILEGES ON `e`.* TO `u`@`%`",
        ],
    );
    check(
        &["GRANT UPDATE ON t TO u", "GRANT PROCESS ON *.* TO u"],
        &["GRANT PROCESS ON *.* TO `u`@`%`", "GRANT UPDATE ON `now`.`t` TO `u`@`%`"],
    );
    check(
        &["GRANT ALL ON *.* TO u WITH GRANT OPTION", "REVOKE SHUTDOWN, SUPER ON *.* FROM u"],
        &[
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, FILE, REFERENCES, \
             INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION \
             SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE \
             USER, EVENT, TRIGGER, CREATE TABLESPACE, CREATE ROLE, DROP ROLE ON *.* TO `u`@`%` WITH \
             GRANT OPTION",
            "GRANT BACKUP_ADMIN,BINLOG_ADMIN,CONNECTION_ADMIN,ENCRYPTION_KEY_ADMIN,FLUSH_STATUS,\
             FLUSH_TABLES,REPLICATION_APPLIER,RESOURCE_GROUP_ADMIN,ROLE_ADMIN,SESSION_VARIABLES_ADMIN,\
             SET_USER_ID,SYSTEM_VARIABLES_ADMIN,XA_RECOVER_ADMIN ON *.* TO `u`@`%` WITH GRANT OPTION",
        ],
    );
    check(
        &[
            "GRANT SELECT ON d.t TO u",
            "GRANT ALL ON d.* TO u",
            "REVOKE ALL PRIVILEGES, GRANT OPTION FROM u",
        ],
        &["GRANT USAGE ON *.* TO `u`@`%`"],
    );
}

#[test]
fn what_was_not_granted_is_not_revoked() {
    refuses(
        &["REVOKE SELECT ON d.* FROM u"],
        "1141 There is no such grant defined for user 'u' on host '%'",
    );
    refuses(
        &["REVOKE SELECT ON d.t FROM u"],
        "1147 There is no such grant defined for user 'u' on host '%' on table 't'",
    );
    refuses(
        &["GRANT PROCESS ON d.* TO u"],
        "1221 Incorrect usage of DB GRANT and GLOBAL PRIVILEGES",
    );
    refuses(
        &["GRANT LOCK TABLES ON d.t TO u"],
        "1144 Illegal GRANT/REVOKE command; please consult the manual to see which privileges can be used",
    );
    refuses(
        &["GRANT SELECT (a) ON d.t TO u"],
        "1235 This version of Holdfast doesn't yet support 'privileges on columns'",
    );
}

#[test]
fn wider_levels_hold_in_narrower_ones_and_one_pattern_counts() {
    use privilege::{INSERT, SELECT, UPDATE};
    let it = after(&[
        "GRANT SELECT ON `app\\_%`.* TO u",
        "GRANT INSERT ON `app\\_one`.* TO u",
        "GRANT UPDATE ON d.t TO u",
    ])
    .unwrap();
    assert!(allows(&it, Some("app_two"), Some("x"), SELECT), "G1");
    assert!(!allows(&it, Some("appxtwo"), None, SELECT), "an escaped _ is a _");
    assert!(allows(&it, Some("d"), Some("t"), UPDATE));
    assert!(!allows(&it, Some("d"), Some("s"), UPDATE));
    assert!(!allows(&it, Some("d"), None, UPDATE));
    assert!(!allows(&it, Some("d"), Some("t"), UPDATE | SELECT));
    assert!(!allows(&it, Some("app_two"), None, INSERT));
    assert!(allows(&it, Some("INFORMATION_SCHEMA"), Some("tables"), SELECT), "G3");
    assert!(check_table(&it, "information_schema", "tables", INSERT).is_err(), "G3");
    let two = after(&["GRANT SELECT ON `a%`.* TO u", "GRANT INSERT ON abc.* TO u"]).unwrap();
    assert!(!allows(&two, Some("abc"), None, SELECT), "G2");
    assert!(allows(&two, Some("abd"), None, SELECT));
    assert!(sees_database(&it, "d") && !sees_database(&it, "e") && sees_table(&it, "d", "t"));
    assert!(!sees_table(&it, "d", "s"));
}

#[test]
fn denials_say_what_mysql_says() {
    let it = account("u", "10.%");
    let text = |result: Result<()>| {
        let error = result.unwrap_err();
        format!("{} {}", error.code, error.message)
    };
    assert_eq!(
        text(check_table(&it, "d", "t", privilege::SELECT)),
        "1142 SELECT command denied to user 'u'@'10.%' for table 't'"
    );
    assert_eq!(text(check_use(&it, "d")), "1044 Access denied for user 'u'@'10.%' to database 'd'");
    assert_eq!(
        text(check_set_global(&it)),
        "1227 Access denied; you need (at least one of) the SUPER or SYSTEM_VARIABLES_ADMIN \
         privilege(s) for this operation"
    );
    assert_eq!(
        denied("u", "h", true).message,
        "Access denied for user 'u'@'h' (using password: YES)"
    );
}

#[test]
fn the_most_specific_host_is_chosen() {
    let hosts = [
        ("", "%"),
        ("u", "%"),
        ("u", "10.%"),
        ("u", "10.1.0.0/16"),
        ("u", "localhost"),
        ("", "10.1.2.3"),
    ];
    let all: Vec<Arc<AccountRow>> = hosts.iter().map(|(u, h)| Arc::new(account(u, h))).collect();
    let chosen = |user: &str, host: &str| {
        choose(&all, user, host).map(|row| format!("{}@{}", row.user, row.host)).unwrap()
    };
    assert_eq!(chosen("u", "10.1.2.3"), "@10.1.2.3");
    assert_eq!(chosen("u", "10.1.9.9"), "u@10.1.0.0/16");
    assert_eq!(chosen("u", "10.2.0.1"), "u@10.%");
    assert_eq!(chosen("u", "127.0.0.1"), "u@localhost");
    assert_eq!(chosen("u", "::1"), "u@localhost");
    assert_eq!(chosen("v", "10.2.0.1"), "@%");
    for (pattern, host, want) in [
        ("192.168.0.0/255.255.255.0", "192.168.0.7", true),
        ("192.168.0.0/255.255.255.0", "192.168.1.7", false),
        ("10.0.0.0/8", "::ffff:10.2.3.4", true),
        ("192.168.1._", "192.168.1.7", true),
        ("db%.example.com", "DB3.example.com", true),
        ("10.1.1.1", "10.1.1.11", false),
        ("0.0.0.0/0", "::1", false),
    ] {
        assert_eq!(host_matches(pattern, host), want, "{pattern} {host}");
    }
}

#[test]
fn bits_and_names_agree() {
    let all = privilege::ALL.iter().fold(0, |all, one| all | one.bit);
    assert_eq!(all, privilege::STATIC | privilege::DYNAMIC);
    assert!(privilege::ALL.windows(2).all(|pair| pair[0].bit < pair[1].bit));
}
