//! SHOW GRANTS and SHOW CREATE USER, as MySQL 8.0 prints them.

use holdfast_syntax::print::{quote_identifier, quote_text};

use super::privilege::{self, DYNAMIC, GRANT, OF_DATABASE, OF_TABLE, STATIC};
use crate::catalog::AccountRow;

fn name(account: &AccountRow) -> String {
    format!("{}@{}", quote_identifier(&account.user), quote_identifier(&account.host))
}

fn line(bits: u64, all: Option<u64>, on: &str, account: &AccountRow) -> String {
    let what = match bits & !GRANT {
        0 => "USAGE".to_owned(),
        bits if all.is_some_and(|all| bits == all & !GRANT) => "ALL PRIVILEGES".to_owned(),
        bits => privilege::names(bits),
    };
    let option = if bits & GRANT != 0 { " WITH GRANT OPTION" } else { "" };
    format!("GRANT {what} ON {on} TO {}{option}", name(account))
}

/// The lines of SHOW GRANTS.
pub fn show_grants(account: &AccountRow) -> Vec<String> {
    let mut lines = vec![line(account.global.0 & STATIC, None, "*.*", account)];
    let dynamic = account.global.0 & DYNAMIC;
    if dynamic != 0 {
        let names = privilege::names(dynamic).replace(", ", ",");
        let option = if account.global.0 & GRANT != 0 { " WITH GRANT OPTION" } else { "" };
        lines.push(format!("GRANT {names} ON *.* TO {}{option}", name(account)));
    }
    let mut databases: Vec<_> = account.databases.iter().collect();
    databases.sort_by(|a, b| a.0.cmp(&b.0));
    for (database, bits) in databases {
        let on = format!("{}.*", quote_identifier(database));
        lines.push(line(bits.0, Some(OF_DATABASE), &on, account));
    }
    let mut tables: Vec<_> = account.tables.iter().collect();
    tables.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    for (database, table, bits) in tables {
        let on = format!("{}.{}", quote_identifier(database), quote_identifier(table));
        lines.push(line(bits.0, Some(OF_TABLE), &on, account));
    }
    lines
}

/// SHOW CREATE USER.
pub fn show_create_user(account: &AccountRow) -> String {
    let auth = match account.auth.is_empty() {
        true => String::new(),
        false => format!(" AS {}", quote_text(&account.auth)),
    };
    format!(
        "CREATE USER {} IDENTIFIED WITH {}{auth} REQUIRE {} PASSWORD EXPIRE DEFAULT ACCOUNT {} \
         PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT",
        name(account),
        quote_text(&account.plugin),
        if account.require_tls { "SSL" } else { "NONE" },
        if account.locked { "LOCK" } else { "UNLOCK" },
    )
}
