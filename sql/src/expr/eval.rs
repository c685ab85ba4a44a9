//! Evaluates expressions row by row.
//!
//! - V1: AND, OR, CASE, COALESCE and IN evaluate no more than they need.
//! - V2: a subquery is not evaluated here: whoever calls has put its result in
//!   its place, or gives the whole query to DataFusion.

use std::collections::BTreeMap;

use holdfast_func::{Call, Nulls};
use holdfast_io::rng::Rng;
use holdfast_value::compare::Comparison;
use holdfast_value::{Context, SqlType, Value, cast};

use super::{ColumnId, Expr, SessionValue, Typed};
use crate::error::{Result, SqlError};

/// Where the columns of a row are: by number, its position in the row.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    positions: Vec<u32>,
}

const ABSENT: u32 = u32::MAX;

impl Layout {
    /// Columns in the order in which a row has them.
    pub fn new(ids: &[ColumnId]) -> Self {
        let size = ids.iter().max().map_or(0, |most| *most as usize + 1);
        let mut positions = vec![ABSENT; size];
        for (at, id) in ids.iter().enumerate() {
            positions[*id as usize] = at as u32;
        }
        Self { positions }
    }

    /// The position of a column.
    pub fn find(&self, id: ColumnId) -> Option<usize> {
        let at = self.positions.get(id as usize).copied().unwrap_or(ABSENT);
        (at != ABSENT).then_some(at as usize)
    }
}

/// What expressions may ask of the session.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `DATABASE()`.
    pub database: Option<String>,
    /// `USER()`.
    pub user: String,
    /// `CURRENT_USER()`.
    pub current_user: String,
    /// `CONNECTION_ID()`.
    pub connection_id: u64,
    /// `LAST_INSERT_ID()`.
    pub last_insert_id: u64,
    /// `ROW_COUNT()`.
    pub row_count: i64,
    /// `FOUND_ROWS()`.
    pub found_rows: i64,
    /// `VERSION()`.
    pub version: String,
    /// User variables, by name in lower case.
    pub variables: BTreeMap<String, (Value, SqlType)>,
}

/// What system variables are, by name and whether the global one is meant.
pub type System<'a> = &'a dyn Fn(&str, bool) -> Option<Value>;

/// Everything that an evaluation needs.
pub struct Env<'a> {
    /// The row.
    pub row: &'a [Value],
    /// Where its columns are.
    pub layout: &'a Layout,
    /// The statement's parameters.
    pub params: &'a [Value],
    /// The session.
    pub facts: &'a mut Facts,
    /// System variables.
    pub system: System<'a>,
    /// For `UUID()`.
    pub rng: &'a dyn Rng,
    /// Settings and warnings.
    pub context: &'a mut Context,
}

/// The value of an expression.
///
/// # Errors
/// MySQL's, of the function that refuses its arguments.
pub fn eval(typed: &Typed, env: &mut Env<'_>) -> Result<Value> {
    match &typed.expr {
        Expr::Literal(value) => Ok(value.clone()),
        Expr::Column(id) => match env.layout.find(*id) {
            Some(at) => Ok(env.row[at].clone()),
            None => Err(SqlError::internal(format!("column {id} is not in the row"))),
        },
        Expr::Param(number) => env
            .params
            .get(usize::from(*number))
            .cloned()
            .ok_or_else(|| SqlError::new(1210, "Incorrect arguments to EXECUTE")),
        Expr::Variable(name) => {
            Ok(env.facts.variables.get(&**name).map_or(Value::Null, |(value, _)| value.clone()))
        }
        Expr::Session(what) => session(what, env),
        Expr::Call(function, args) => {
            let mut values = Vec::with_capacity(args.len());
            for arg in args {
                let value = eval(arg, env)?;
                if value.is_null() && function.nulls == Nulls::Strict {
                    return Ok(Value::Null);
                }
                values.push(value);
            }
            let types: Vec<SqlType> = args.iter().map(|arg| arg.of.clone()).collect();
            let call = Call { types: &types, result: &typed.of };
            Ok((function.eval)(env.context, &call, &values)?)
        }
        Expr::And(items) => logic(items, env, false),
        Expr::Or(items) => logic(items, env, true),
        Expr::Case { whens, otherwise } => {
            for (test, result) in whens {
                if is_true(test, env)? {
                    return converted(result, &typed.of, env);
                }
            }
            match otherwise {
                Some(otherwise) => converted(otherwise, &typed.of, env),
                None => Ok(Value::Null),
            }
        }
        Expr::Coalesce(items) => {
            for item in items {
                let value = converted(item, &typed.of, env)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            Ok(Value::Null)
        }
        Expr::In { item, list, negated } => in_list(item, list, *negated, env),
        Expr::Assign(name, value) => {
            let result = eval(value, env)?;
            env.facts.variables.insert(name.to_string(), (result.clone(), value.of.clone()));
            Ok(result)
        }
        Expr::Scalar(_) | Expr::Exists { .. } | Expr::InQuery { .. } => {
            Err(SqlError::internal("a subquery where none can be evaluated"))
        }
    }
}

/// Whether a condition is true; NULL is not.
///
/// # Errors
/// As [`eval`].
pub fn is_true(typed: &Typed, env: &mut Env<'_>) -> Result<bool> {
    let value = eval(typed, env)?;
    Ok(truth(&value, env.context)? == Some(true))
}

/// A value as MySQL's conditions read it.
///
/// # Errors
/// As [`cast::to_bool`].
pub fn truth(value: &Value, context: &mut Context) -> Result<Option<bool>> {
    match value {
        Value::Null => Ok(None),
        Value::Int(number) => Ok(Some(*number != 0)),
        other => Ok(cast::to_bool(other, context)?),
    }
}

/// The value of `typed` as `to` has it.
fn converted(typed: &Typed, to: &SqlType, env: &mut Env<'_>) -> Result<Value> {
    let value = eval(typed, env)?;
    if value.is_null() || typed.of == *to {
        return Ok(value);
    }
    Ok(cast::convert(value, &typed.of, to, env.context)?)
}

/// AND stops at false, OR at true; NULL is neither.
fn logic(items: &[Typed], env: &mut Env<'_>, stop: bool) -> Result<Value> {
    let mut unknown = false;
    for item in items {
        let value = eval(item, env)?;
        match truth(&value, env.context)? {
            Some(is_so) if is_so == stop => return Ok(Value::bool(stop)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::bool(!stop) })
}

fn in_list(item: &Typed, list: &[Typed], negated: bool, env: &mut Env<'_>) -> Result<Value> {
    let value = eval(item, env)?;
    if value.is_null() {
        return Ok(Value::Null);
    }
    let mut unknown = false;
    for entry in list {
        let other = eval(entry, env)?;
        let comparison = Comparison::of(&item.of, &entry.of);
        match comparison.compare(&value, &other, env.context)? {
            Some(std::cmp::Ordering::Equal) => return Ok(Value::bool(!negated)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::bool(negated) })
}

fn session(what: &SessionValue, env: &mut Env<'_>) -> Result<Value> {
    let facts = &*env.facts;
    Ok(match what {
        SessionValue::Database => match &facts.database {
            Some(name) => Value::text(name.as_str()),
            None => Value::Null,
        },
        SessionValue::User => Value::text(facts.user.as_str()),
        SessionValue::CurrentUser => Value::text(facts.current_user.as_str()),
        SessionValue::ConnectionId => Value::UInt(facts.connection_id),
        SessionValue::LastInsertId => Value::UInt(facts.last_insert_id),
        SessionValue::RowCount => Value::Int(facts.row_count),
        SessionValue::FoundRows => Value::Int(facts.found_rows),
        SessionValue::Version => Value::text(facts.version.as_str()),
        SessionValue::Uuid => Value::text(uuid(env.rng)),
        // 53 random bits: all that a double below 1 has.
        SessionValue::Rand => {
            Value::Double((env.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64)
        }
        SessionValue::System { name, global } => (env.system)(name, *global)
            .ok_or_else(|| SqlError::new(1193, format!("Unknown system variable '{name}'")))?,
    })
}

/// A random UUID (version 4).
fn uuid(rng: &dyn Rng) -> String {
    let mut bytes = rng.id();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

/// The value of an expression that needs nothing.
///
/// # Errors
/// As [`eval`]; 1105 where it does need something.
pub fn constant(typed: &Typed) -> Result<Value> {
    eval(
        typed,
        &mut Env {
            row: &[],
            layout: &Layout::default(),
            params: &[],
            facts: &mut Facts::default(),
            system: &|_, _| None,
            rng: &holdfast_io::rng::SeededRng::new(0),
            context: &mut Context::default(),
        },
    )
}
