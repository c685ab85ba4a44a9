//! Texts of the catalog (defaults, checks, views) parsed again.

use holdfast_syntax::{ParseMode, Statement};
use sqlparser::ast;

use crate::error::{Result, SqlError};

/// A SELECT.
///
/// # Errors
/// 1064.
pub fn query(text: &str, mode: &ParseMode) -> Result<ast::Query> {
    let mut parsed = holdfast_syntax::parse(text.as_bytes(), mode)?;
    match (parsed.pop(), parsed.is_empty()) {
        (Some(one), true) => match one.statement {
            Statement::Query(select) => Ok(*select.query),
            _ => Err(SqlError::syntax("a SELECT is wanted")),
        },
        _ => Err(SqlError::syntax("one SELECT is wanted")),
    }
}

/// An expression.
///
/// # Errors
/// 1064.
pub fn expression(text: &str) -> Result<ast::Expr> {
    let query = query(&format!("SELECT {text}"), &ParseMode::default())?;
    if let ast::SetExpr::Select(select) = *query.body
        && let [ast::SelectItem::UnnamedExpr(expr)] = &select.projection[..]
    {
        return Ok(expr.clone());
    }
    Err(SqlError::syntax(format!("'{text}' is not an expression")))
}
