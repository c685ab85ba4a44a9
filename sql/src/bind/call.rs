//! Function calls: session functions, aggregates and windows by their names, all
//! others from the library.

use holdfast_func::{Arg, Function};
use holdfast_value::{SqlType, Value};
use sqlparser::ast;

use super::expr::unnested;
use super::{Binder, aggregate, collation, interval};
use crate::error::{Result, SqlError};
use crate::expr::{Expr, SessionValue, Typed};

/// Functions whose texts are compared with each other.
const COMPARES: &[&str] = &[
    "=",
    "<=>",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "like",
    "regexp",
    "nullif",
    "field",
    "greatest",
    "least",
    "strcmp",
    "find_in_set",
    "instr",
    "locate",
    "position",
    "replace",
    "in",
];

/// Operators to which an ENUM is its number.
const COUNTS: &[&str] =
    &["+", "-", "*", "/", "div", "%", "mod", "neg", "&", "|", "^", "~", "<<", ">>"];

impl Binder<'_> {
    /// Where a number is wanted, an ENUM is the place of its value, from 1; 0 for the
    /// empty one that stands for what was wrong.
    fn count_enum(&mut self, typed: &mut Typed) -> Result<()> {
        let SqlType::Enum(values, _) = &typed.of else { return Ok(()) };
        let texts: Vec<Typed> = values.iter().map(|value| self.text(value)).collect();
        let unknown = self.call("is_null", vec![typed.clone()])?;
        let mut args = vec![typed.clone()];
        args.extend(texts);
        let place = self.call("field", args)?;
        *typed = self.choice(vec![unknown], vec![Typed::null(), place])?;
        Ok(())
    }

    pub(crate) fn known(&self, name: &str) -> Result<&'static Function> {
        holdfast_func::lookup(name).ok_or_else(|| {
            let database = self.setting.database.unwrap_or("");
            SqlError::new(1305, format!("FUNCTION {database}.{name} does not exist"))
        })
    }

    /// A call of a library function over bound arguments.
    pub(crate) fn call(&mut self, name: &str, mut args: Vec<Typed>) -> Result<Typed> {
        let function = self.known(name)?;
        if args.len() < function.min || args.len() > function.max {
            return Err(SqlError::new(
                1582,
                format!("Incorrect parameter count in the call to native function '{name}'"),
            ));
        }
        let is_comparison = matches!(function.name, "=" | "<=>" | "<>" | "<" | "<=" | ">" | ">=");
        let counts = COUNTS.contains(&function.name)
            || (is_comparison && args.iter().any(|arg| arg.of.is_number()));
        if counts {
            for arg in &mut args {
                self.count_enum(arg)?;
            }
        }
        if COMPARES.contains(&function.name) {
            collation::unify(&mut args, function.name)?;
        } else if args.iter().filter(|arg| arg.of.is_text()).count() > 1 {
            // The result's collation is the strongest one's, if they agree.
            let _ = collation::unify(&mut args, function.name);
        }
        match function.name {
            "coalesce" | "ifnull" => return self.coalesce(args),
            "if" => {
                let test = args.remove(0);
                return self.choice(vec![test], args);
            }
            _ => {}
        }
        let given: Vec<Arg<'_>> =
            args.iter().map(|arg| Arg { of: &arg.of, constant: arg.constant() }).collect();
        let of = (function.infer)(&given, &self.context)?;
        let nullable = args.iter().any(|arg| arg.nullable) || !never_null(function.name);
        Ok(Typed::new(Expr::Call(function, args), of, nullable))
    }

    fn coalesce(&mut self, mut args: Vec<Typed>) -> Result<Typed> {
        collation::unify(&mut args, "coalesce")?;
        let of = super::types::common(args.iter().map(|arg| &arg.of));
        let nullable = args.iter().all(|arg| arg.nullable);
        Ok(Typed::new(Expr::Coalesce(args), of, nullable))
    }

    pub(crate) fn function(&mut self, call: &ast::Function) -> Result<Typed> {
        let name = call.name.to_string().trim_matches('`').to_ascii_lowercase();
        if call.over.is_some() {
            return self.window_call(&name, call);
        }
        if let Some(kind) = aggregate::kind(&name) {
            return self.aggregate_call(kind, call);
        }
        let args = plain_args(call)?;
        if let Some(found) = self.session_function(&name, &args)? {
            return Ok(found);
        }
        match (name.as_str(), &args[..]) {
            ("date_add" | "adddate" | "date_sub" | "subdate", [date, second]) => {
                let is_minus = name.contains("sub");
                match unnested(second) {
                    ast::Expr::Interval(interval) => self.add_interval(date, interval, is_minus),
                    days => {
                        let (date, days) = (self.expr(date)?, self.expr(days)?);
                        let name = if is_minus { "date_sub_day" } else { "date_add_day" };
                        self.call(name, vec![date, days])
                    }
                }
            }
            ("timestampdiff", [unit, from, to]) => {
                let name = format!("timestampdiff_{}", unit_word(unit)?);
                self.call_on(&name, &[from, to])
            }
            ("timestampadd", [unit, amount, date]) => {
                let name = format!("date_add_{}", unit_word(unit)?);
                self.call_on(&name, &[date, amount])
            }
            ("get_format", [kind, region]) => {
                let kind = self.text(&unit_word(kind)?);
                let region = self.expr(region)?;
                self.call("get_format", vec![kind, region])
            }
            ("values", [ast::Expr::Identifier(column)]) => self.column(&["values"], &column.value),
            ("default", [column]) => self.default_of(column),
            ("char" | "convert" | "trim" | "position", _) => self.call_on(&name, &args),
            _ => self.call_on(&name, &args),
        }
    }

    /// Functions of the session.
    fn session_function(&mut self, name: &str, args: &[&ast::Expr]) -> Result<Option<Typed>> {
        let text = |length| SqlType::VarChar(length, holdfast_value::Collation::GeneralCi);
        let (value, of, nullable) = match (name, args) {
            ("database" | "schema", []) => (SessionValue::Database, text(64), true),
            ("user" | "session_user" | "system_user", []) => (SessionValue::User, text(288), false),
            ("current_user", []) => (SessionValue::CurrentUser, text(288), false),
            ("connection_id", []) => (SessionValue::ConnectionId, SqlType::BIGINT_UNSIGNED, false),
            ("last_insert_id", []) => (SessionValue::LastInsertId, SqlType::BIGINT_UNSIGNED, false),
            ("row_count", []) => (SessionValue::RowCount, SqlType::BIGINT, false),
            ("found_rows", []) => (SessionValue::FoundRows, SqlType::BIGINT, false),
            ("version", []) => (SessionValue::Version, text(60), false),
            ("uuid", []) => (SessionValue::Uuid, text(36), false),
            ("rand", []) => (SessionValue::Rand, SqlType::DOUBLE, false),
            _ => return Ok(None),
        };
        self.is_personal = true;
        Ok(Some(Typed::new(Expr::Session(value), of, nullable)))
    }

    /// `@name`, `@@name`, `@@session.name`, `@@global.name`.
    pub(crate) fn at_name(&mut self, name: &str) -> Result<Typed> {
        self.is_personal = true;
        let lower = name.to_ascii_lowercase();
        let Some(system) = lower.strip_prefix("@@") else {
            let name = lower.trim_start_matches('@').trim_matches(['`', '\'', '"']);
            let of = self.setting.variables.get(name).cloned();
            let of = of.unwrap_or(SqlType::Null);
            return Ok(Typed::new(Expr::Variable(name.into()), of, true));
        };
        let (global, system) = match system.split_once('.') {
            Some(("global" | "persist", name)) => (true, name),
            Some(("session" | "local", name)) => (false, name),
            Some(_) => {
                return Err(SqlError::new(1193, format!("Unknown system variable '{system}'")));
            }
            None => (false, system),
        };
        let system = system.trim_matches('`');
        let of = (self.setting.system)(system)
            .ok_or_else(|| SqlError::new(1193, format!("Unknown system variable '{system}'")))?;
        let value = SessionValue::System { name: system.into(), global };
        Ok(Typed::new(Expr::Session(value), of, true))
    }

    /// `DEFAULT(column)`.
    fn default_of(&mut self, column: &ast::Expr) -> Result<Typed> {
        let parts: Vec<String> = match unnested(column) {
            ast::Expr::Identifier(name) => vec![name.value.clone()],
            ast::Expr::CompoundIdentifier(parts) => {
                parts.iter().map(|part| part.value.clone()).collect()
            }
            other => return Err(SqlError::syntax(format!("DEFAULT({other})"))),
        };
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let Some((name, qualifier)) = names.split_last() else {
            return Err(SqlError::internal("an empty name"));
        };
        let found =
            self.scopes.iter().rev().find_map(|scope| scope.find(qualifier, name).transpose());
        let found = found.transpose()?.and_then(|column| column.source.clone());
        let Some(source) = found else {
            return Err(SqlError::unknown_column(name, "field list"));
        };
        let table = source.table.ok_or_else(|| SqlError::unsupported("DEFAULT of a view"))?;
        let column = &table.columns[usize::from(source.column)];
        match &column.default {
            crate::catalog::Default::Value(value) => {
                Ok(Typed::literal(value.clone(), column.of.clone()))
            }
            crate::catalog::Default::Missing if column.nullable => {
                Ok(Typed::literal(Value::Null, column.of.clone()))
            }
            _ => Err(SqlError::new(1364, format!("Field '{name}' doesn't have a default value"))),
        }
    }
}

/// The word of a unit that stands where an argument does.
fn unit_word(expr: &ast::Expr) -> Result<String> {
    match unnested(expr) {
        ast::Expr::Identifier(name) => {
            let lower = name.value.to_ascii_lowercase();
            Ok(lower.strip_prefix("sql_tsi_").unwrap_or(&lower).to_owned())
        }
        ast::Expr::Interval(interval) => match &interval.leading_field {
            Some(field) => interval::unit(field),
            None => Err(SqlError::syntax("a unit is wanted")),
        },
        other => Err(SqlError::syntax(format!("'{other}' is not a unit"))),
    }
}

/// Positional arguments.
pub fn plain_args(call: &ast::Function) -> Result<Vec<&ast::Expr>> {
    match &call.args {
        ast::FunctionArguments::None => Ok(Vec::new()),
        ast::FunctionArguments::Subquery(_) => {
            Err(SqlError::unsupported("a subquery as arguments"))
        }
        ast::FunctionArguments::List(list) => {
            let plain = |arg: &'_ ast::FunctionArg| match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(_)) => Ok(()),
                other => Err(SqlError::syntax(format!("'{other}' is not an argument"))),
            };
            for arg in &list.args {
                plain(arg)?;
            }
            Ok(list
                .args
                .iter()
                .filter_map(|arg| match arg {
                    ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Some(expr),
                    _ => None,
                })
                .collect())
        }
    }
}

/// Functions that are NULL only where an argument is.
fn never_null(name: &str) -> bool {
    matches!(
        name,
        "=" | "<>"
            | "<"
            | "<="
            | ">"
            | ">="
            | "<=>"
            | "not"
            | "xor"
            | "is_null"
            | "is_true"
            | "is_false"
            | "+"
            | "-"
            | "*"
            | "neg"
            | "concat"
            | "length"
            | "char_length"
            | "lower"
            | "upper"
            | "now"
            | "curdate"
            | "pi"
            | "abs"
            | "isnull"
            | "like"
    )
}
