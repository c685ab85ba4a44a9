//! Which collation a comparison has: coercibility, as MySQL calls it.
//!
//! An explicit COLLATE beats a column, a column beats a literal; of two columns
//! a `_bin` one beats the other, otherwise they must agree.

use holdfast_value::{Collation, SqlType};

use crate::error::{Result, SqlError};
use crate::expr::{Expr, Typed};

/// Lower wins.
fn strength(typed: &Typed) -> u8 {
    match &typed.expr {
        Expr::Call(function, _) if function.name == "collate" => 0,
        Expr::Column(_) | Expr::Scalar(_) => 2,
        Expr::Session(_) => 3,
        Expr::Literal(_) | Expr::Param(_) | Expr::Variable(_) => 4,
        Expr::Call(_, args) | Expr::Coalesce(args) => {
            let texts = args.iter().filter(|arg| arg.of.is_text());
            texts.map(strength).min().unwrap_or(4)
        }
        Expr::Case { whens, otherwise } => {
            let results = whens.iter().map(|(_, result)| result).chain(otherwise.as_deref());
            results.map(strength).min().unwrap_or(4)
        }
        _ => 4,
    }
}

/// Gives every text among `items` the collation that the strongest one has.
///
/// # Errors
/// 1267 where two of the same strength differ.
pub fn unify<'a>(items: impl IntoIterator<Item = &'a mut Typed>, operation: &str) -> Result<()> {
    let mut texts: Vec<&mut Typed> = items.into_iter().filter(|item| item.of.is_text()).collect();
    let Some(first) = texts.first() else { return Ok(()) };
    let mut best = (strength(first), first.of.collation());
    for text in &texts[1..] {
        let (strength, collation) = (strength(text), text.of.collation());
        if strength < best.0 {
            best = (strength, collation);
        } else if strength == best.0 && collation != best.1 {
            best.1 = match (best.1, collation) {
                (Collation::Bin, _) | (_, Collation::Bin) if strength > 0 => Collation::Bin,
                _ if strength >= 4 => best.1,
                (a, b) => {
                    let (a, b) = (name(a), name(b));
                    return Err(SqlError::new(
                        1267,
                        format!(
                            "Illegal mix of collations ({a}) and ({b}) for operation '{operation}'"
                        ),
                    ));
                }
            };
        }
    }
    for text in &mut texts {
        set(&mut text.of, best.1);
    }
    Ok(())
}

/// Changes a text type's collation.
pub fn set(of: &mut SqlType, to: Collation) {
    match of {
        SqlType::Char(_, collation)
        | SqlType::VarChar(_, collation)
        | SqlType::Text(_, collation)
        | SqlType::Enum(_, collation)
        | SqlType::Set(_, collation) => *collation = to,
        _ => {}
    }
}

/// A collation's name.
pub fn name(collation: Collation) -> &'static str {
    match collation {
        Collation::Binary => "binary",
        Collation::Bin => "utf8mb4_bin",
        Collation::GeneralCi => "utf8mb4_general_ci",
        Collation::Uca0900AiCi => "utf8mb4_0900_ai_ci",
    }
}

/// A collation by name. Of the many that MySQL has, those that mean the same as
/// one of ours are taken for it.
pub fn by_name(name: &str) -> Option<Collation> {
    Some(match name.to_ascii_lowercase().as_str() {
        "binary" => Collation::Binary,
        "utf8mb4_bin" | "utf8mb4_0900_bin" | "utf8_bin" | "utf8mb3_bin" | "latin1_bin"
        | "ascii_bin" => Collation::Bin,
        "utf8mb4_general_ci" | "utf8_general_ci" | "utf8mb3_general_ci" | "latin1_swedish_ci"
        | "ascii_general_ci" => Collation::GeneralCi,
        "utf8mb4_0900_ai_ci"
        | "utf8mb4_unicode_ci"
        | "utf8mb4_unicode_520_ci"
        | "utf8_unicode_ci"
        | "utf8mb3_unicode_ci"
        | "utf8mb4_uca1400_ai_ci" => Collation::Uca0900AiCi,
        _ => return None,
    })
}

/// The default collation of a character set.
pub fn of_charset(name: &str) -> Option<Collation> {
    Some(match name.to_ascii_lowercase().as_str() {
        "utf8mb4" => Collation::Uca0900AiCi,
        "utf8" | "utf8mb3" | "latin1" | "ascii" => Collation::GeneralCi,
        "binary" => Collation::Binary,
        _ => return None,
    })
}
