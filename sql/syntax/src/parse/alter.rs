//! ALTER and RENAME.

use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Fail, Res};
use super::key::{self, Constraint};
use super::types::charset;
use super::{account, column, create, view};
use crate::statement::{Statement, TableName};
use crate::table::{AlterChange, AlterTable, Place, TableOptions};

pub(super) fn alter(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    if cursor.eat("TABLE") {
        return table(cursor);
    }
    if cursor.eat_any(&["DATABASE", "SCHEMA"]).is_some() {
        let words = ["CHARACTER", "CHARSET", "DEFAULT", "COLLATE", "ENCRYPTION", "READ"];
        let name = match words.iter().any(|word| cursor.peek(word)) {
            true => None,
            false => Some(cursor.name()?),
        };
        let options = create::database_options(cursor)?;
        return Ok(Statement::AlterDatabase { name, options });
    }
    if cursor.eat("USER") {
        return account::alter_user(cursor);
    }
    view::alter(cursor)
}

pub(super) fn rename(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    if cursor.eat_any(&["TABLE", "TABLES"]).is_some() {
        return Ok(Statement::RenameTable(cursor.list(|cursor| {
            let old = cursor.table_name()?;
            cursor.expect("TO")?;
            Ok((old, cursor.table_name()?))
        })?));
    }
    cursor.expect("USER")?;
    Ok(Statement::RenameUser(cursor.list(|cursor| {
        let old = account::account_name(cursor)?;
        cursor.expect("TO")?;
        Ok((old, account::account_name(cursor)?))
    })?))
}

fn table(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let name: TableName = cursor.table_name()?;
    let mut changes = Vec::new();
    if !cursor.at_end() {
        cursor.list(|cursor| change(cursor, &mut changes))?;
    }
    Ok(Statement::AlterTable(Box::new(AlterTable { name, changes })))
}

fn place(cursor: &mut Cursor<'_>) -> Res<Place> {
    if cursor.eat("FIRST") {
        Ok(Place::First)
    } else if cursor.eat("AFTER") {
        Ok(Place::After(cursor.name()?))
    } else {
        Ok(Place::Unsaid)
    }
}

/// One change; ALGORITHM, LOCK, VALIDATION and ORDER BY leave nothing.
fn change(cursor: &mut Cursor<'_>, changes: &mut Vec<AlterChange>) -> Res<()> {
    if cursor.eat("ADD") {
        return add(cursor, changes);
    }
    if create::algorithm_or_lock(cursor)? || cursor.eat_all(&["WITHOUT", "VALIDATION"]) {
        return Ok(());
    }
    if cursor.eat_all(&["WITH", "VALIDATION"]) {
        return Ok(());
    }
    if cursor.eat_all(&["ORDER", "BY"]) {
        // Commas belong to this list: nothing may follow it in MySQL either.
        cursor.list(|cursor| {
            cursor.expr()?;
            let _ = cursor.eat_any(&["ASC", "DESC"]);
            Ok(())
        })?;
        return Ok(());
    }
    let mut options = TableOptions::default();
    if cursor.peek_all(&["CONVERT", "TO"]) {
        changes.push(convert(cursor)?);
    } else if create::option(cursor, &mut options)? {
        while create::option(cursor, &mut options)? {}
        changes.push(AlterChange::Options(options));
    } else {
        changes.push(other(cursor)?);
    }
    Ok(())
}

fn other(cursor: &mut Cursor<'_>) -> Res<AlterChange> {
    if cursor.eat("DROP") {
        return drop(cursor);
    }
    if cursor.eat("MODIFY") {
        let _ = cursor.eat("COLUMN");
        let (column, extras) = column::column(cursor)?;
        let (column, place) = (Box::new(column), place(cursor)?);
        return Ok(AlterChange::ModifyColumn { column, place, extras });
    }
    if cursor.eat("CHANGE") {
        let _ = cursor.eat("COLUMN");
        let old = cursor.name()?;
        let (column, extras) = column::column(cursor)?;
        let (column, place) = (Box::new(column), place(cursor)?);
        return Ok(AlterChange::ChangeColumn { old, column, place, extras });
    }
    if cursor.eat("RENAME") {
        return rename_part(cursor);
    }
    if cursor.eat("ALTER") {
        return alter_part(cursor);
    }
    if cursor.eat_all(&["ENABLE", "KEYS"]) {
        return Ok(AlterChange::Keys(true));
    }
    if cursor.eat_all(&["DISABLE", "KEYS"]) {
        return Ok(AlterChange::Keys(false));
    }
    if cursor.eat("FORCE") {
        return Ok(AlterChange::Force);
    }
    let partitions = [
        "PARTITION",
        "REMOVE",
        "TRUNCATE",
        "COALESCE",
        "REORGANIZE",
        "EXCHANGE",
        "ANALYZE",
        "CHECK",
        "OPTIMIZE",
        "REBUILD",
        "REPAIR",
    ];
    if partitions.iter().any(|word| cursor.peek(word)) {
        return cursor.rest_is_refused("PARTITION");
    }
    if cursor.peek("DISCARD") || cursor.peek("IMPORT") {
        return cursor.rest_is_refused("TABLESPACE");
    }
    Err(Fail::Here)
}

fn add(cursor: &mut Cursor<'_>, changes: &mut Vec<AlterChange>) -> Res<()> {
    if cursor.peek("PARTITION") {
        return cursor.rest_is_refused("PARTITION");
    }
    let said_column = cursor.eat("COLUMN");
    if !said_column && let Some(constraint) = key::constraint(cursor)? {
        changes.push(match constraint {
            Constraint::Key(key) => AlterChange::AddKey(key),
            Constraint::Foreign(foreign) => AlterChange::AddForeignKey(foreign),
            Constraint::Check(check) => AlterChange::AddCheck(*check),
        });
        return Ok(());
    }
    let one = |cursor: &mut Cursor<'_>| {
        let (column, extras) = column::column(cursor)?;
        let (column, place) = (Box::new(column), place(cursor)?);
        Ok(AlterChange::AddColumn { column, place, extras })
    };
    match cursor.token() {
        Token::LParen => changes.extend(cursor.in_parens(one)?),
        _ => changes.push(one(cursor)?),
    }
    Ok(())
}

fn drop(cursor: &mut Cursor<'_>) -> Res<AlterChange> {
    if cursor.eat_all(&["PRIMARY", "KEY"]) {
        return Ok(AlterChange::DropPrimaryKey);
    }
    if cursor.eat_all(&["FOREIGN", "KEY"]) {
        return Ok(AlterChange::DropForeignKey(cursor.name()?));
    }
    if cursor.eat_any(&["INDEX", "KEY"]).is_some() {
        return Ok(AlterChange::DropKey(cursor.name()?));
    }
    if cursor.eat("CHECK") {
        return Ok(AlterChange::DropCheck(cursor.name()?));
    }
    if cursor.eat("CONSTRAINT") {
        return Ok(AlterChange::DropConstraint(cursor.name()?));
    }
    if cursor.peek("PARTITION") {
        return cursor.rest_is_refused("PARTITION");
    }
    let _ = cursor.eat("COLUMN");
    let name = cursor.name()?;
    let _ = cursor.eat_any(&["RESTRICT", "CASCADE"]);
    Ok(AlterChange::DropColumn(name))
}

fn rename_part(cursor: &mut Cursor<'_>) -> Res<AlterChange> {
    if cursor.eat("COLUMN") {
        let old = cursor.name()?;
        cursor.expect("TO")?;
        return Ok(AlterChange::RenameColumn { old, new: cursor.name()? });
    }
    if cursor.eat_any(&["INDEX", "KEY"]).is_some() {
        let old = cursor.name()?;
        cursor.expect("TO")?;
        return Ok(AlterChange::RenameKey { old, new: cursor.name()? });
    }
    let _ = cursor.eat_any(&["TO", "AS"]).is_some() || cursor.take(&Token::Eq);
    Ok(AlterChange::Rename(cursor.table_name()?))
}

fn visible(cursor: &mut Cursor<'_>) -> Res<bool> {
    Ok(cursor.eat_any(&["VISIBLE", "INVISIBLE"]).ok_or(Fail::Here)? == "VISIBLE")
}

fn alter_part(cursor: &mut Cursor<'_>) -> Res<AlterChange> {
    if cursor.eat("INDEX") {
        let key = cursor.name()?;
        return Ok(AlterChange::SetKeyVisible { key, visible: visible(cursor)? });
    }
    if cursor.eat_any(&["CHECK", "CONSTRAINT"]).is_some() {
        let name = cursor.name()?;
        let enforced = !cursor.eat("NOT");
        cursor.expect("ENFORCED")?;
        return Ok(AlterChange::EnforceCheck { name, enforced });
    }
    let _ = cursor.eat("COLUMN");
    let column = cursor.name()?;
    if cursor.eat_all(&["DROP", "DEFAULT"]) {
        return Ok(AlterChange::SetDefault { column, default: None });
    }
    cursor.expect("SET")?;
    if cursor.eat("DEFAULT") {
        let default = Some(column::default(cursor)?);
        return Ok(AlterChange::SetDefault { column, default });
    }
    Ok(AlterChange::SetVisible { column, visible: visible(cursor)? })
}

fn convert(cursor: &mut Cursor<'_>) -> Res<AlterChange> {
    cursor.expect_all(&["CONVERT", "TO"])?;
    let named = charset(cursor)?.ok_or(Fail::Here)?;
    let charset = (named != "default").then_some(named);
    let collation = match cursor.eat("COLLATE") {
        true => {
            let _ = cursor.take(&Token::Eq);
            Some(cursor.name_or_text()?.to_ascii_lowercase())
        }
        false => None,
    };
    Ok(AlterChange::Convert { charset, collation })
}
