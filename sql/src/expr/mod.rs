//! Bound expressions: names resolved, types known.
//!
//! Columns are numbered over a whole statement ([`ColumnId`]), so that an
//! expression means the same wherever it stands: a correlated subquery names the
//! outer query's columns by their numbers.
//!
//! Two evaluators read them: [`eval`] row by row (keys, changes, constants), and
//! `frame`, which makes DataFusion's vectors of them.

pub mod eval;
pub mod walk;

use holdfast_func::Function;
use holdfast_value::{SqlType, Value};

use crate::algebra::Query;

/// A column of some relation of the statement.
pub type ColumnId = u32;

/// An expression with its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    /// The expression.
    pub expr: Expr,
    /// Its type.
    pub of: SqlType,
    /// It may be NULL.
    pub nullable: bool,
}

/// A bound expression.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A constant.
    Literal(Value),
    /// A column, of this query or of one around it.
    Column(ColumnId),
    /// A `?`, by number.
    Param(u16),
    /// `@name`, in lower case.
    Variable(Box<str>),
    /// What the session says when it runs.
    Session(SessionValue),
    /// A function or operator.
    Call(&'static Function, Vec<Typed>),
    /// All of them, in three-valued logic.
    And(Vec<Typed>),
    /// Any of them, in three-valued logic.
    Or(Vec<Typed>),
    /// The first whose condition is true.
    Case {
        /// (condition, result)
        whens: Vec<(Typed, Typed)>,
        /// Else.
        otherwise: Option<Box<Typed>>,
    },
    /// The first that is not NULL.
    Coalesce(Vec<Typed>),
    /// One of a list.
    In {
        /// What is looked for.
        item: Box<Typed>,
        /// Where.
        list: Vec<Typed>,
        /// NOT IN.
        negated: bool,
    },
    /// A subquery's only value.
    Scalar(Box<Query>),
    /// Whether a subquery has rows.
    Exists {
        /// The subquery.
        query: Box<Query>,
        /// NOT EXISTS.
        negated: bool,
    },
    /// Whether a subquery has this row.
    InQuery {
        /// As many as the subquery has columns.
        items: Vec<Typed>,
        /// The subquery.
        query: Box<Query>,
        /// NOT IN.
        negated: bool,
    },
    /// `@name := expression`.
    Assign(Box<str>, Box<Typed>),
}

/// What only the session knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionValue {
    /// `DATABASE()`.
    Database,
    /// `USER()`.
    User,
    /// `CURRENT_USER()`.
    CurrentUser,
    /// `CONNECTION_ID()`.
    ConnectionId,
    /// `LAST_INSERT_ID()`.
    LastInsertId,
    /// `ROW_COUNT()`.
    RowCount,
    /// `FOUND_ROWS()`.
    FoundRows,
    /// `VERSION()`.
    Version,
    /// `UUID()`: differs from row to row.
    Uuid,
    /// `RAND()`: differs from row to row.
    Rand,
    /// `@@name`, `@@global.name`.
    System {
        /// In lower case.
        name: Box<str>,
        /// `@@global.`
        global: bool,
    },
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(a), Self::Literal(b)) => a == b,
            (Self::Column(a), Self::Column(b)) => a == b,
            (Self::Param(a), Self::Param(b)) => a == b,
            (Self::Variable(a), Self::Variable(b)) => a == b,
            (Self::Session(a), Self::Session(b)) => a == b,
            (Self::Call(f, a), Self::Call(g, b)) => std::ptr::eq(*f, *g) && a == b,
            (Self::And(a), Self::And(b))
            | (Self::Or(a), Self::Or(b))
            | (Self::Coalesce(a), Self::Coalesce(b)) => a == b,
            (Self::Case { whens: a, otherwise: x }, Self::Case { whens: b, otherwise: y }) => {
                a == b && x == y
            }
            (
                Self::In { item: a, list: x, negated: n },
                Self::In { item: b, list: y, negated: m },
            ) => a == b && x == y && n == m,
            // Subqueries and assignments are each their own.
            _ => false,
        }
    }
}

impl Typed {
    /// An expression with its type.
    pub fn new(expr: Expr, of: SqlType, nullable: bool) -> Self {
        Self { expr, of, nullable }
    }

    /// A constant of a type.
    pub fn literal(value: Value, of: SqlType) -> Self {
        let nullable = value.is_null();
        Self { expr: Expr::Literal(value), of, nullable }
    }

    /// A BIGINT constant.
    pub fn int(value: i64) -> Self {
        Self::literal(Value::Int(value), SqlType::BIGINT)
    }

    /// NULL.
    pub fn null() -> Self {
        Self::literal(Value::Null, SqlType::Null)
    }

    /// A column.
    pub fn column(id: ColumnId, of: SqlType, nullable: bool) -> Self {
        Self { expr: Expr::Column(id), of, nullable }
    }

    /// The constant, where it is one.
    pub fn constant(&self) -> Option<&Value> {
        match &self.expr {
            Expr::Literal(value) => Some(value),
            _ => None,
        }
    }
}
