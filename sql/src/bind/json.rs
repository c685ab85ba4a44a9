//! Where a truth becomes JSON: `JSON_ARRAY(TRUE, 1 = 1)` is `[true, true]`, though both are 1.

use holdfast_value::SqlType;
use sqlparser::ast::{self, BinaryOperator as Op, Expr as E};

use super::Binder;
use super::expr::unnested;
use crate::error::Result;
use crate::expr::Typed;

/// Whether argument `at` of a function becomes part of a document.
fn is_element(function: &str, at: usize) -> bool {
    match function {
        "json_array" | "json_arrayagg" => true,
        "json_object" | "json_objectagg" => !at.is_multiple_of(2),
        "json_set" | "json_insert" | "json_replace" | "json_array_append" | "json_array_insert" => {
            at >= 2 && at.is_multiple_of(2)
        }
        _ => false,
    }
}

/// Whether an expression is TRUE, FALSE, or an operator that says so.
pub(super) fn is_truth(expr: &E) -> bool {
    match unnested(expr) {
        E::Value(value) => matches!(value.value, ast::Value::Boolean(_)),
        E::BinaryOp { op, .. } => matches!(
            op,
            Op::Eq
                | Op::NotEq
                | Op::Lt
                | Op::LtEq
                | Op::Gt
                | Op::GtEq
                | Op::Spaceship
                | Op::And
                | Op::Or
                | Op::Xor
        ),
        E::UnaryOp { op, .. } => {
            matches!(op, ast::UnaryOperator::Not | ast::UnaryOperator::BangNot)
        }
        E::IsNull(_)
        | E::IsNotNull(_)
        | E::IsTrue(_)
        | E::IsNotTrue(_)
        | E::IsFalse(_)
        | E::IsNotFalse(_)
        | E::IsUnknown(_)
        | E::IsNotUnknown(_)
        | E::InList { .. }
        | E::InSubquery { .. }
        | E::Between { .. }
        | E::Like { .. }
        | E::RLike { .. }
        | E::Exists { .. } => true,
        _ => false,
    }
}

impl Binder<'_> {
    /// The arguments of a function.
    pub(super) fn arguments(&mut self, function: &str, args: &[&E]) -> Result<Vec<Typed>> {
        let mut bound = Vec::with_capacity(args.len());
        for (at, arg) in args.iter().enumerate() {
            let typed = self.expr(arg)?;
            bound.push(match is_element(function, at) && is_truth(arg) {
                true => self.truth_as_json(typed)?,
                false => typed,
            });
        }
        Ok(bound)
    }

    /// JSON's `true` or `false` for what is 1 or 0.
    pub(super) fn truth_as_json(&mut self, truth: Typed) -> Result<Typed> {
        let mut word = |text| {
            let text = self.text(text);
            self.cast(text, SqlType::Json)
        };
        let (yes, no) = (word("true")?, word("false")?);
        if !truth.nullable {
            return self.choice(vec![truth], vec![yes, no]);
        }
        let is_null = self.call("is_null", vec![truth.clone()])?;
        self.choice(vec![truth, is_null], vec![yes, Typed::null(), no])
    }
}
