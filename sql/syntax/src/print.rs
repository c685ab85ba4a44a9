//! Names, texts and expressions as MySQL prints them in SHOW CREATE.
//!
//! Forms without a rule here are printed as `sqlparser` prints them.
//!
//! Not here: whole definitions (`sql`).

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, UnaryOperator,
    Value,
};

/// A name in backticks, backticks inside doubled.
pub fn quote_identifier(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('`');
    for character in name.chars() {
        if character == '`' {
            quoted.push('`');
        }
        quoted.push(character);
    }
    quoted.push('`');
    quoted
}

/// A text in single quotes, escaped as SHOW CREATE TABLE does it.
pub fn quote_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// An expression, names in backticks, words in lower case, every operation in parentheses.
pub fn expr(expr: &Expr) -> String {
    let mut out = String::new();
    write(expr, &mut out);
    out
}

fn ident(ident: &Ident, out: &mut String) {
    if ident.quote_style.is_none() && ident.value.starts_with('@') {
        out.push_str(&ident.value);
    } else {
        out.push_str(&quote_identifier(&ident.value));
    }
}

fn list<'a>(all: impl IntoIterator<Item = &'a Expr>, out: &mut String) {
    for (index, one) in all.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(one, out);
    }
}

fn not(negated: bool) -> &'static str {
    if negated { " not" } else { "" }
}

fn around(out: &mut String, left: &Expr, middle: &str, right: &Expr) {
    out.push('(');
    write(left, out);
    out.push(' ');
    out.push_str(middle);
    out.push(' ');
    write(right, out);
    out.push(')');
}

fn after(out: &mut String, left: &Expr, suffix: &str) {
    out.push('(');
    write(left, out);
    out.push_str(suffix);
    out.push(')');
}

fn write(expr: &Expr, out: &mut String) {
    match expr {
        Expr::Identifier(name) => ident(name, out),
        Expr::CompoundIdentifier(parts) => {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.push('.');
                }
                ident(part, out);
            }
        }
        Expr::Value(value) => literal(&value.value, out),
        Expr::Nested(inner) => write(inner, out),
        Expr::BinaryOp { left, op, right } => around(out, left, &operator(op), right),
        Expr::UnaryOp { op, expr } => unary(op, expr, out),
        Expr::IsNull(inner) => after(out, inner, " is null"),
        Expr::IsNotNull(inner) => after(out, inner, " is not null"),
        Expr::IsTrue(inner) => after(out, inner, " is true"),
        Expr::IsNotTrue(inner) => after(out, inner, " is not true"),
        Expr::IsFalse(inner) => after(out, inner, " is false"),
        Expr::IsNotFalse(inner) => after(out, inner, " is not false"),
        Expr::InList { expr, list: all, negated } => {
            out.push('(');
            write(expr, out);
            out.push_str(not(*negated));
            out.push_str(" in (");
            list(all, out);
            out.push_str("))");
        }
        Expr::Between { expr, negated, low, high } => {
            out.push('(');
            write(expr, out);
            out.push_str(not(*negated));
            out.push_str(" between ");
            write(low, out);
            out.push_str(" and ");
            write(high, out);
            out.push(')');
        }
        Expr::Like { negated, expr, pattern, escape_char: None, .. } => {
            around(out, expr, if *negated { "not like" } else { "like" }, pattern);
        }
        Expr::RLike { negated, expr, pattern, .. } => {
            let words = if *negated { "not regexp" } else { "regexp" };
            around(out, expr, words, pattern);
        }
        Expr::Tuple(all) => {
            out.push('(');
            list(all, out);
            out.push(')');
        }
        Expr::Function(call) if call.over.is_none() && call.filter.is_none() => {
            if !function(call, out) {
                out.push_str(&expr.to_string());
            }
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            out.push_str("(case");
            if let Some(operand) = operand {
                out.push(' ');
                write(operand, out);
            }
            for arm in conditions {
                out.push_str(" when ");
                write(&arm.condition, out);
                out.push_str(" then ");
                write(&arm.result, out);
            }
            if let Some(other) = else_result {
                out.push_str(" else ");
                write(other, out);
            }
            out.push_str(" end)");
        }
        Expr::Cast { expr, data_type, .. } => {
            out.push_str("cast(");
            write(expr, out);
            out.push_str(" as ");
            out.push_str(&data_type.to_string().to_ascii_lowercase());
            out.push(')');
        }
        Expr::Collate { expr, collation } => {
            after(out, expr, &format!(" collate {collation}"));
        }
        Expr::Interval(interval) => {
            out.push_str("interval ");
            write(&interval.value, out);
            if let Some(unit) = &interval.leading_field {
                out.push(' ');
                out.push_str(&unit.to_string().to_ascii_lowercase());
            }
        }
        other => out.push_str(&other.to_string()),
    }
}

fn unary(op: &UnaryOperator, inner: &Expr, out: &mut String) {
    match op {
        UnaryOperator::Not => {
            out.push_str("(not(");
            write(inner, out);
            out.push_str("))");
        }
        UnaryOperator::Minus => {
            out.push('-');
            let mut inner = inner;
            while let Expr::Nested(within) = inner {
                inner = within;
            }
            if matches!(inner, Expr::UnaryOp { .. }) {
                out.push('(');
                write(inner, out);
                out.push(')');
            } else {
                write(inner, out);
            }
        }
        UnaryOperator::BitwiseNot => {
            out.push('~');
            write(inner, out);
        }
        _ => write(inner, out),
    }
}

fn literal(value: &Value, out: &mut String) {
    match value {
        Value::SingleQuotedString(text) => out.push_str(&quote_text(text)),
        Value::HexStringLiteral(hex) => {
            out.push_str("0x");
            out.push_str(hex);
        }
        Value::Boolean(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Null => out.push_str("NULL"),
        other => out.push_str(&other.to_string()),
    }
}

/// False for arguments that are no plain expressions; nothing is written then.
fn function(call: &sqlparser::ast::Function, out: &mut String) -> bool {
    let name = call.name.to_string().to_ascii_lowercase();
    match &call.args {
        FunctionArguments::None => {
            out.push_str(&name);
            out.push_str("()");
            true
        }
        FunctionArguments::List(arguments)
            if arguments.clauses.is_empty() && arguments.duplicate_treatment.is_none() =>
        {
            let plain: Option<Vec<&Expr>> = arguments
                .args
                .iter()
                .map(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                    _ => None,
                })
                .collect();
            let Some(plain) = plain else { return false };
            out.push_str(&name);
            out.push('(');
            list(plain, out);
            out.push(')');
            true
        }
        _ => false,
    }
}

fn operator(op: &BinaryOperator) -> String {
    match op {
        BinaryOperator::And => "and".to_owned(),
        BinaryOperator::Or => "or".to_owned(),
        BinaryOperator::Xor => "xor".to_owned(),
        BinaryOperator::MyIntegerDivide => "DIV".to_owned(),
        BinaryOperator::Spaceship => "<=>".to_owned(),
        other => other.to_string(),
    }
}
