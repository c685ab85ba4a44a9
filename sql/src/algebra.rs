//! Bound queries: relations over numbered columns.
//!
//! The binder makes them, the row engine (`exec::rows`) and DataFusion
//! (`frame::plan`) run them. Nothing in here is a name any more, except what the
//! client is shown.

use std::sync::Arc;

use holdfast_value::SqlType;

use crate::catalog::Table;
use crate::expr::{ColumnId, Typed};

/// A query: a relation whose columns the client (or the query around it) sees.
#[derive(Clone, Debug)]
pub struct Query {
    /// How its rows come to be.
    pub rel: Rel,
    /// What is seen of them, in order. Every id is a column of `rel`.
    pub columns: Vec<Output>,
}

/// A column as it is seen from outside.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its number.
    pub id: ColumnId,
    /// What it is called.
    pub name: Arc<str>,
    /// Its type.
    pub of: SqlType,
    /// May be NULL.
    pub nullable: bool,
    /// The table's column that it is, where it is one and nothing else.
    pub source: Option<Source>,
}

/// Which table's column it is.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its database.
    pub database: Arc<str>,
    /// The table as the query names it.
    pub alias: Arc<str>,
    /// The table, where it is one of ours.
    pub table: Option<Arc<Table>>,
    /// The table's own name.
    pub table_name: Arc<str>,
    /// Position in the table's columns.
    pub column: u16,
    /// The column's own name.
    pub name: Arc<str>,
}

/// How two relations are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs for which the condition holds.
    Inner,
    /// And every left row at least once.
    Left,
    /// And every right row at least once.
    Right,
}

/// A set operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// UNION.
    Union,
    /// INTERSECT.
    Intersect,
    /// EXCEPT.
    Except,
}

/// A relation.
#[derive(Clone, Debug)]
pub enum Rel {
    /// One row without columns: what `SELECT 1` selects from.
    One,
    /// No row, with these columns.
    Nothing(Vec<(ColumnId, SqlType)>),
    /// A table.
    Scan(Scan),
    /// A table that is computed when it is read: `information_schema` and its like.
    Virtual {
        /// Which.
        table: &'static crate::session::schema::VirtualTable,
        /// The number of each of its columns.
        ids: Vec<ColumnId>,
    },
    /// Rows of expressions.
    Values {
        /// The rows.
        rows: Vec<Vec<Typed>>,
        /// The columns.
        ids: Vec<(ColumnId, SqlType)>,
    },
    /// Two relations joined.
    Join {
        /// How.
        kind: JoinKind,
        /// Left.
        left: Box<Rel>,
        /// Right.
        right: Box<Rel>,
        /// The condition; none is true.
        on: Option<Typed>,
    },
    /// Rows for which the condition is true.
    Filter(Box<Rel>, Typed),
    /// Expressions over each row; nothing else of the row stays.
    Project(Box<Rel>, Vec<(ColumnId, Typed)>),
    /// Groups.
    Aggregate {
        /// What is grouped.
        input: Box<Rel>,
        /// By what.
        keys: Vec<(ColumnId, Typed)>,
        /// What of each group.
        calls: Vec<(ColumnId, Aggregate)>,
        /// WITH ROLLUP: also groups with the last keys NULL.
        rollup: bool,
    },
    /// Window functions; the row stays.
    Window {
        /// The rows.
        input: Box<Rel>,
        /// The calls.
        calls: Vec<(ColumnId, Window)>,
    },
    /// Each row once.
    Distinct(Box<Rel>),
    /// In order.
    Sort(Box<Rel>, Vec<Order>),
    /// Some of the rows.
    Limit {
        /// Of which.
        input: Box<Rel>,
        /// How many are left out first.
        skip: Option<Typed>,
        /// How many there are then at most.
        fetch: Option<Typed>,
    },
    /// A set operation; both sides project to columns in the same order.
    Set {
        /// Which.
        kind: SetKind,
        /// Duplicates stay.
        all: bool,
        /// Left; its columns in order.
        left: Box<Query>,
        /// Right; its columns in order.
        right: Box<Query>,
        /// The result's columns.
        ids: Vec<(ColumnId, SqlType)>,
    },
    /// A recursive common table expression.
    Recursive {
        /// Ties `Working` to it.
        number: u32,
        /// Rows to begin with.
        base: Box<Query>,
        /// Rows made of the rows made before.
        step: Box<Query>,
        /// UNION ALL.
        all: bool,
        /// The columns.
        ids: Vec<(ColumnId, SqlType)>,
    },
    /// Inside a recursive step: the rows made last.
    Working {
        /// Which recursion.
        number: u32,
        /// The columns.
        ids: Vec<(ColumnId, SqlType)>,
    },
}

/// A table in a query.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table.
    pub table: Arc<Table>,
    /// The number of its first column; the others follow in order. One more than
    /// its columns is the row's key, where `key` says so.
    pub first: ColumnId,
    /// What the query calls it.
    pub alias: Arc<str>,
    /// The row's stored key is a column, too (UPDATE and DELETE need it).
    pub key: bool,
}

/// An order.
#[derive(Clone, Debug)]
pub struct Order {
    /// By what.
    pub by: Typed,
    /// Descending. NULL is the least.
    pub desc: bool,
}

/// Which aggregate function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    /// COUNT(*)
    CountRows,
    /// COUNT(x, ...)
    Count,
    /// SUM
    Sum,
    /// AVG
    Avg,
    /// MIN
    Min,
    /// MAX
    Max,
    /// BIT_AND
    BitAnd,
    /// BIT_OR
    BitOr,
    /// BIT_XOR
    BitXor,
    /// STD, STDDEV, STDDEV_POP
    StdPop,
    /// STDDEV_SAMP
    StdSamp,
    /// VARIANCE, VAR_POP
    VarPop,
    /// VAR_SAMP
    VarSamp,
    /// GROUP_CONCAT
    GroupConcat,
    /// JSON_ARRAYAGG
    JsonArray,
    /// JSON_OBJECTAGG
    JsonObject,
    /// ANY_VALUE, and columns that depend on the group's key
    Any,
    /// GROUPING()
    Grouping,
}

/// An aggregate function's call.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Which.
    pub kind: AggregateKind,
    /// Of what.
    pub args: Vec<Typed>,
    /// DISTINCT.
    pub distinct: bool,
    /// GROUP_CONCAT's ORDER BY.
    pub order: Vec<Order>,
    /// GROUP_CONCAT's SEPARATOR.
    pub separator: Box<str>,
    /// The result.
    pub of: SqlType,
}

/// Which window function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// ROW_NUMBER
    RowNumber,
    /// RANK
    Rank,
    /// DENSE_RANK
    DenseRank,
    /// PERCENT_RANK
    PercentRank,
    /// CUME_DIST
    CumeDist,
    /// NTILE
    Ntile,
    /// LAG
    Lag,
    /// LEAD
    Lead,
    /// FIRST_VALUE
    FirstValue,
    /// LAST_VALUE
    LastValue,
    /// NTH_VALUE
    NthValue,
    /// An aggregate over a window
    Aggregate(AggregateKind),
}

/// A window function's call.
#[derive(Clone, Debug)]
pub struct Window {
    /// Which.
    pub kind: WindowKind,
    /// Of what.
    pub args: Vec<Typed>,
    /// PARTITION BY.
    pub partition: Vec<Typed>,
    /// ORDER BY.
    pub order: Vec<Order>,
    /// The frame; none: MySQL's default.
    pub frame: Option<Frame>,
    /// The result.
    pub of: SqlType,
}

/// A window's frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// ROWS, otherwise RANGE.
    pub rows: bool,
    /// Where it begins.
    pub from: Bound,
    /// Where it ends.
    pub to: Bound,
}

/// One end of a frame.
#[derive(Clone, Debug)]
pub enum Bound {
    /// CURRENT ROW
    Current,
    /// PRECEDING; none: UNBOUNDED
    Before(Option<Typed>),
    /// FOLLOWING; none: UNBOUNDED
    After(Option<Typed>),
}

impl Rel {
    /// The columns that its rows have.
    pub fn ids(&self) -> Vec<ColumnId> {
        match self {
            Self::One => Vec::new(),
            Self::Scan(scan) => scan.ids().collect(),
            Self::Virtual { ids, .. } => ids.clone(),
            Self::Nothing(ids)
            | Self::Values { ids, .. }
            | Self::Set { ids, .. }
            | Self::Recursive { ids, .. }
            | Self::Working { ids, .. } => ids.iter().map(|(id, _)| *id).collect(),
            Self::Join { left, right, .. } => {
                let mut ids = left.ids();
                ids.extend(right.ids());
                ids
            }
            Self::Filter(input, _)
            | Self::Distinct(input)
            | Self::Sort(input, _)
            | Self::Limit { input, .. } => input.ids(),
            Self::Project(_, items) => items.iter().map(|(id, _)| *id).collect(),
            Self::Aggregate { keys, calls, .. } => {
                let keys = keys.iter().map(|(id, _)| *id);
                keys.chain(calls.iter().map(|(id, _)| *id)).collect()
            }
            Self::Window { input, calls } => {
                let mut ids = input.ids();
                ids.extend(calls.iter().map(|(id, _)| *id));
                ids
            }
        }
    }
}

impl Scan {
    /// The columns that it gives.
    pub fn ids(&self) -> impl Iterator<Item = ColumnId> + use<> {
        let count = self.table.columns.len() as u32 + u32::from(self.key);
        self.first..self.first + count
    }

    /// The number of the row's key.
    pub fn key_id(&self) -> ColumnId {
        self.first + self.table.columns.len() as u32
    }
}
