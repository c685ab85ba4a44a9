//! Constants before planning: parameters, session values, calls of constants.

use holdfast_func::Kind;

use crate::algebra::Query;
use crate::error::Result;
use crate::expr::eval::{Env, eval};
use crate::expr::{Expr, SessionValue, Typed, walk};

/// Puts values in the place of parameters, user variables and session values, and of
/// calls whose arguments are constants.
///
/// # Errors
/// Those of a parameter or variable that is not there. A call that fails stays: it may
/// never be evaluated.
pub fn resolve(query: &mut Query, env: &mut Env<'_>) -> Result<()> {
    let mut trouble = Ok(());
    walk::each_in_rel_mut(&mut query.rel, &mut |item| {
        if trouble.is_ok() {
            trouble = outer(item, env);
        }
        true
    });
    trouble?;
    // Innermost first: `each_in_rel_mut` is outermost first, so it goes again until
    // nothing changes; expressions are shallow.
    for _ in 0..FOLDS_MAX {
        let mut changed = false;
        walk::each_in_rel_mut(&mut query.rel, &mut |item| {
            changed |= fold(item, env);
            true
        });
        if !changed {
            break;
        }
    }
    Ok(())
}

/// Calls nested deeper than this are folded by DataFusion, or row by row.
const FOLDS_MAX: usize = 16;

fn outer(item: &mut Typed, env: &mut Env<'_>) -> Result<()> {
    let is_known = match &item.expr {
        Expr::Param(_) | Expr::Variable(_) => true,
        Expr::Session(what) => !matches!(what, SessionValue::Uuid | SessionValue::Rand),
        _ => false,
    };
    if is_known {
        let value = eval(item, env)?;
        let value = match item.expr {
            // A parameter's value is of its kind, whatever it was bound as.
            Expr::Param(_) | Expr::Variable(_) | Expr::Session(_) => {
                super::row::fit(value, &item.of, env.context)?
            }
            _ => value,
        };
        item.nullable = holdfast_value::Value::is_null(&value);
        item.expr = Expr::Literal(value);
    }
    Ok(())
}

fn fold(item: &mut Typed, env: &mut Env<'_>) -> bool {
    let Expr::Call(function, args) = &item.expr else { return false };
    if function.kind == Kind::Volatile || args.iter().any(|arg| arg.constant().is_none()) {
        return false;
    }
    let before = (env.context.warnings.len(), env.context.warning_count);
    match eval(item, env) {
        Ok(value) => {
            let Ok(value) = super::row::fit(value, &item.of, env.context) else { return false };
            item.nullable = holdfast_value::Value::is_null(&value);
            item.expr = Expr::Literal(value);
            true
        }
        Err(_) => {
            env.context.warnings.truncate(before.0);
            env.context.warning_count = before.1;
            false
        }
    }
}
