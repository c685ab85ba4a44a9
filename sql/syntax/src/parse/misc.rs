//! Transactions, locks, prepared statements, and what is short.

use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Fail, Res};
use crate::statement::{Completion, LockTable, Maintenance, PrepareSource, Statement, TableName};

/// A statement that starts with `first`, which is upper case.
pub(super) fn misc(cursor: &mut Cursor<'_>, first: &str) -> Res<Statement> {
    let maintenance = match first {
        "ANALYZE" => Some(Maintenance::Analyze),
        "OPTIMIZE" => Some(Maintenance::Optimize),
        "CHECK" => Some(Maintenance::Check),
        "REPAIR" => Some(Maintenance::Repair),
        "CHECKSUM" => Some(Maintenance::Checksum),
        _ => None,
    };
    if let Some(kind) = maintenance {
        return maintain(cursor, kind);
    }
    if let Some(what) = refused(first) {
        return cursor.rest_is_refused(what);
    }
    cursor.skip();
    match first {
        "BEGIN" => {
            let _ = cursor.eat("WORK");
            Ok(Statement::Begin { snapshot: false, read_only: None })
        }
        "START" => start(cursor),
        "COMMIT" => {
            let _ = cursor.eat("WORK");
            Ok(Statement::Commit(completion(cursor)?))
        }
        "ROLLBACK" => {
            let _ = cursor.eat("WORK");
            if cursor.eat("TO") {
                let _ = cursor.eat("SAVEPOINT");
                return Ok(Statement::RollbackTo(cursor.name()?));
            }
            Ok(Statement::Rollback(completion(cursor)?))
        }
        "SAVEPOINT" => Ok(Statement::Savepoint(cursor.name()?)),
        "RELEASE" => {
            cursor.expect("SAVEPOINT")?;
            Ok(Statement::ReleaseSavepoint(cursor.name()?))
        }
        "USE" => Ok(Statement::Use(cursor.name()?)),
        "DO" => Ok(Statement::Do(cursor.list(Cursor::expr)?)),
        "LOCK" => lock(cursor),
        "UNLOCK" => match cursor.eat_any(&["TABLES", "TABLE", "INSTANCE"]) {
            Some("INSTANCE") => cursor.rest_is_refused("LOCK INSTANCE"),
            Some(_) => Ok(Statement::UnlockTables),
            None => Err(Fail::Here),
        },
        "FLUSH" => {
            let _ = cursor.eat_any(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
            Ok(Statement::Flush(words(cursor)?))
        }
        "RESET" => Ok(Statement::Reset(words(cursor)?)),
        "KILL" => {
            let query = cursor.eat_any(&["QUERY", "CONNECTION"]) == Some("QUERY");
            Ok(Statement::Kill { query, id: Box::new(cursor.expr()?) })
        }
        "PREPARE" => prepare(cursor),
        "EXECUTE" => {
            let name = cursor.name()?;
            let using = match cursor.eat("USING") {
                true => cursor.list(Cursor::variable)?,
                false => Vec::new(),
            };
            Ok(Statement::Execute { name, using })
        }
        "DEALLOCATE" => {
            cursor.expect("PREPARE")?;
            Ok(Statement::Deallocate(cursor.name()?))
        }
        _ => {
            cursor.parser.prev_token();
            Err(Fail::Here)
        }
    }
}

/// Statements that MySQL has and this server has not.
fn refused(first: &str) -> Option<&'static str> {
    Some(match first {
        "CALL" => "CALL",
        "HANDLER" => "HANDLER",
        "XA" => "XA",
        "INSTALL" | "UNINSTALL" => "PLUGIN",
        "BINLOG" => "BINLOG",
        "CHANGE" => "REPLICATION",
        "STOP" | "PURGE" => "REPLICATION",
        "CACHE" => "CACHE INDEX",
        "IMPORT" => "IMPORT TABLE",
        "CLONE" => "CLONE",
        "HELP" => "HELP",
        "SIGNAL" | "RESIGNAL" | "GET" => "SIGNAL",
        "SHUTDOWN" | "RESTART" => "SHUTDOWN",
        _ => return None,
    })
}

fn start(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let replication = ["REPLICA", "SLAVE", "GROUP_REPLICATION"];
    if replication.iter().any(|word| cursor.peek(word)) {
        return cursor.rest_is_refused("REPLICATION");
    }
    cursor.expect("TRANSACTION")?;
    let (mut snapshot, mut read_only) = (false, None);
    if !cursor.at_end() {
        cursor.list(|cursor| {
            if cursor.eat_all(&["WITH", "CONSISTENT", "SNAPSHOT"]) {
                snapshot = true;
            } else if read_only.is_none() && cursor.eat_all(&["READ", "ONLY"]) {
                read_only = Some(true);
            } else if read_only.is_none() && cursor.eat_all(&["READ", "WRITE"]) {
                read_only = Some(false);
            } else {
                return Err(Fail::Here);
            }
            Ok(())
        })?;
    }
    Ok(Statement::Begin { snapshot, read_only })
}

fn completion(cursor: &mut Cursor<'_>) -> Res<Completion> {
    let mut completion = Completion::default();
    if cursor.eat("AND") {
        completion.chain = Some(!cursor.eat("NO"));
        cursor.expect("CHAIN")?;
    }
    if cursor.eat_all(&["NO", "RELEASE"]) {
        completion.release = Some(false);
    } else if cursor.eat("RELEASE") {
        completion.release = Some(true);
    }
    if completion.chain == Some(true) && completion.release == Some(true) {
        return Err(Fail::Here);
    }
    Ok(completion)
}

fn lock(cursor: &mut Cursor<'_>) -> Res<Statement> {
    if cursor.peek("INSTANCE") {
        return cursor.rest_is_refused("LOCK INSTANCE");
    }
    cursor.eat_any(&["TABLES", "TABLE"]).ok_or(Fail::Here)?;
    Ok(Statement::LockTables(cursor.list(|cursor| {
        let table = cursor.table_name()?;
        let said = cursor.eat("AS");
        let kind_next = ["READ", "WRITE", "LOW_PRIORITY"].iter().any(|word| cursor.peek(word));
        let alias = match said || !kind_next {
            true => Some(cursor.name()?),
            false => None,
        };
        let _ = cursor.eat("LOW_PRIORITY");
        let write = cursor.eat_any(&["READ", "WRITE"]).ok_or(Fail::Here)? == "WRITE";
        if !write {
            let _ = cursor.eat("LOCAL");
        }
        Ok(LockTable { table, alias, write })
    })?))
}

/// Lists of words, as FLUSH and RESET have them; names of tables are kept as words.
fn words(cursor: &mut Cursor<'_>) -> Res<Vec<String>> {
    cursor.list(|cursor| {
        let mut words = String::new();
        loop {
            match cursor.token() {
                Token::Word(word) => {
                    if !words.is_empty() && !words.ends_with('.') {
                        words.push(' ');
                    }
                    match word.quote_style {
                        Some(_) => words.push_str(&word.value),
                        None => words.push_str(&word.value.to_ascii_uppercase()),
                    }
                }
                Token::Period => words.push('.'),
                _ => break,
            }
            cursor.skip();
        }
        if words.is_empty() { Err(Fail::Here) } else { Ok(words) }
    })
}

fn prepare(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let name = cursor.name()?;
    cursor.expect("FROM")?;
    let source = match cursor.token() {
        Token::SingleQuotedString(_) => PrepareSource::Text(cursor.text()?),
        _ => PrepareSource::Variable(cursor.variable()?),
    };
    Ok(Statement::Prepare { name, source })
}

fn maintain(cursor: &mut Cursor<'_>, kind: Maintenance) -> Res<Statement> {
    cursor.skip();
    let _ = cursor.eat_any(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
    cursor.eat_any(&["TABLE", "TABLES"]).ok_or(Fail::Here)?;
    let tables: Vec<TableName> = cursor.list(Cursor::table_name)?;
    if cursor.peek_all(&["UPDATE", "HISTOGRAM"]) || cursor.peek_all(&["DROP", "HISTOGRAM"]) {
        return cursor.rest_is_refused("HISTOGRAM");
    }
    let options = ["QUICK", "FAST", "MEDIUM", "EXTENDED", "CHANGED", "USE_FRM"];
    while cursor.eat_any(&options).is_some() || cursor.eat_all(&["FOR", "UPGRADE"]) {}
    Ok(Statement::Maintain { kind, tables })
}
