//! Which key leads to the rows that a condition wants.
//!
//! ```text
//! conjuncts -> column = x, column IN (..), column < x ... -> the key that they bound best
//! ```
//!
//! - A1: a path gives every row that satisfies the condition, and maybe others:
//!   the condition is checked on each row.
//! - A2: a bound is used only where the key's order is the comparison's order and
//!   the value is exactly one of the column's type.

use holdfast_tail::table::KeyRange;
use holdfast_value::compare::Comparison;
use holdfast_value::{Context, SqlType, Value, store};

use crate::algebra::Scan;
use crate::catalog::{Key, Table};
use crate::error::Result;
use crate::expr::eval::{Env, eval};
use crate::expr::{ColumnId, Expr, Typed, walk};

/// Which of a table's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The rows' own.
    Primary,
    /// An index, by position.
    Index(usize),
}

/// A way to rows.
#[derive(Clone, Debug)]
pub struct Path {
    /// By which key.
    pub which: Which,
    /// The ranges of that key, in order, apart from each other.
    pub ranges: Vec<KeyRange>,
    /// How many leading columns of the key are fixed to one value: rows come in
    /// the order of those after them.
    pub fixed: usize,
    /// Every range holds at most one row.
    pub is_point: bool,
}

/// The most values of an IN list that become ranges.
const POINTS_MAX: usize = 1024;

/// What a conjunct says of a column.
enum Bound<'a> {
    Equal(&'a Typed),
    Null,
    Any(&'a [Typed]),
    /// (value, itself included)
    Above(&'a Typed, bool),
    Below(&'a Typed, bool),
}

/// The best path for a condition's conjuncts; none: no key helps.
///
/// # Errors
/// What evaluating a bound gives.
pub fn choose(scan: &Scan, conjuncts: &[Typed], env: &mut Env<'_>) -> Result<Option<Path>> {
    let table = &*scan.table;
    let bounds: Vec<(usize, Bound<'_>)> =
        conjuncts.iter().filter_map(|one| bound(scan, one)).collect();
    if bounds.is_empty() {
        return Ok(None);
    }
    let mut best: Option<(u32, Path)> = None;
    let keys = std::iter::once((Which::Primary, &table.primary, true));
    let indexes = table.indexes.iter().enumerate();
    let indexes = indexes.map(|(at, index)| (Which::Index(at), &index.key, index.unique));
    for (which, key, unique) in keys.chain(indexes) {
        if key.parts.is_empty() {
            continue;
        }
        let Some((score, path)) = along((which, key, unique), table, &bounds, env)? else {
            continue;
        };
        if best.as_ref().is_none_or(|(other, _)| score > *other) {
            best = Some((score, path));
        }
    }
    Ok(best.map(|(_, path)| path))
}

/// What equalities of columns say of constants: `a = b AND b = 5` says `a = 5`.
pub fn implied(conjuncts: &[Typed]) -> Vec<Typed> {
    let equal = |typed: &Typed| match &typed.expr {
        Expr::Call(function, args) if function.name == "=" => match &args[..] {
            [left, right] => Some((left.clone(), right.clone())),
            _ => None,
        },
        _ => None,
    };
    let is_column = |typed: &Typed| matches!(typed.expr, Expr::Column(_));
    let mut found = Vec::new();
    for (one, other) in conjuncts.iter().filter_map(equal) {
        if !is_column(&one) || !is_column(&other) || one.of != other.of {
            continue;
        }
        for known in conjuncts {
            let Some((left, right)) = equal(known) else { continue };
            for (from, to) in [(&one, &other), (&other, &one)] {
                let is_fixed = left.expr == from.expr && !is_column(&right);
                let is_turned = right.expr == from.expr && !is_column(&left);
                if is_fixed || is_turned {
                    let mut known = known.clone();
                    walk::each_mut(&mut known, &mut |item| {
                        if item.expr == from.expr {
                            *item = to.clone();
                            return false;
                        }
                        true
                    });
                    found.push(known);
                }
            }
        }
    }
    found
}

/// A column, and the least and the greatest value that it may have; whether they are inside.
pub type ColumnBounds = (usize, Option<(Value, bool)>, Option<(Value, bool)>);

/// What a condition's conjuncts say of single columns, where the order of values is the
/// order that statistics are kept in: not of texts.
///
/// # Errors
/// What evaluating a bound gives.
pub fn bounds(scan: &Scan, conjuncts: &[Typed], env: &mut Env<'_>) -> Result<Vec<ColumnBounds>> {
    let mut found = Vec::new();
    for conjunct in conjuncts {
        let Some((column, bound)) = bound(scan, conjunct) else { continue };
        let of = &scan.table.columns[column].of;
        if !of.is_number() && !of.is_temporal() {
            continue;
        }
        let value = match &bound {
            Bound::Equal(value) | Bound::Above(value, _) | Bound::Below(value, _) => value,
            Bound::Null | Bound::Any(_) => continue,
        };
        let Some(value) = exact(value, of, env)? else { continue };
        found.push(match bound {
            Bound::Above(_, inside) => (column, Some((value, inside)), None),
            Bound::Below(_, inside) => (column, None, Some((value, inside))),
            _ => (column, Some((value.clone(), true)), Some((value, true))),
        });
    }
    Ok(found)
}

/// A path along one key, and how good it is.
fn along(
    (which, key, unique): (Which, &Key, bool),
    table: &Table,
    bounds: &[(usize, Bound<'_>)],
    env: &mut Env<'_>,
) -> Result<Option<(u32, Path)>> {
    let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
    let (mut fixed, mut columns, mut has_null) = (0, 0, false);
    for (part, column) in key.columns().enumerate() {
        let of = &table.columns[column].of;
        if key.parts[part].prefix.is_some() {
            break;
        }
        let mut next = Vec::new();
        let single = bounds.iter().find_map(|(at, bound)| match bound {
            Bound::Equal(value) if *at == column => Some(Some(*value)),
            Bound::Null if *at == column => Some(None),
            _ => None,
        });
        match single {
            Some(value) => {
                let value = match value {
                    Some(value) => match exact(value, of, env)? {
                        Some(value) => value,
                        None => break,
                    },
                    None => {
                        has_null = true;
                        Value::Null
                    }
                };
                for mut prefix in prefixes {
                    key.append(part, &value, &mut prefix)?;
                    next.push(prefix);
                }
                fixed += usize::from(fixed == columns && next.len() == 1);
            }
            None => {
                let list = bounds.iter().find_map(|(at, bound)| match bound {
                    Bound::Any(list) if *at == column => Some(*list),
                    _ => None,
                });
                let Some(list) = list else { break };
                if prefixes.len() * list.len() > POINTS_MAX {
                    break;
                }
                let Some(values) = exact_all(list, of, env)? else { break };
                for prefix in &prefixes {
                    for value in &values {
                        let mut prefix = prefix.clone();
                        key.append(part, value, &mut prefix)?;
                        next.push(prefix);
                    }
                }
            }
        }
        prefixes = next;
        columns += 1;
        if prefixes.is_empty() {
            break;
        }
    }
    let is_whole = columns == key.parts.len();
    let ends = if is_whole { None } else { ends(key, columns, table, bounds, env)? };
    if columns == 0 && ends.is_none() {
        return Ok(None);
    }
    prefixes.sort_unstable();
    prefixes.dedup();
    let ranges = prefixes.iter().map(|prefix| range(prefix, ends.as_ref())).collect();
    let is_point = is_whole && unique && !has_null;
    let score = columns as u32 * 10
        + if is_point { 1000 } else { 0 }
        + ends.map_or(0, |(from, to)| u32::from(from.is_some()) * 3 + u32::from(to.is_some()) * 3)
        + u32::from(which == Which::Primary);
    Ok(Some((score, Path { which, ranges, fixed, is_point })))
}

type Ends = (Option<(Vec<u8>, bool)>, Option<(Vec<u8>, bool)>);

/// The ends that the next column of the key has, as key bytes, and whether the
/// value itself is inside.
fn ends(
    key: &Key,
    part: usize,
    table: &Table,
    bounds: &[(usize, Bound<'_>)],
    env: &mut Env<'_>,
) -> Result<Option<Ends>> {
    let column = usize::from(key.parts[part].column);
    if key.parts[part].prefix.is_some() {
        return Ok(None);
    }
    let of = &table.columns[column].of;
    let (mut low, mut high) = (None, None);
    for (at, bound) in bounds {
        let (value, inside, is_low) = match bound {
            Bound::Above(value, inside) if *at == column => (value, *inside, true),
            Bound::Below(value, inside) if *at == column => (value, *inside, false),
            _ => continue,
        };
        let Some(value) = exact(value, of, env)? else { continue };
        let mut bytes = Vec::new();
        key.append(part, &value, &mut bytes)?;
        let is_low = is_low != key.parts[part].desc;
        let end: &mut Option<(Vec<u8>, bool)> = if is_low { &mut low } else { &mut high };
        let is_tighter = match end {
            None => true,
            Some((known, _)) if is_low => bytes > *known,
            Some((known, _)) => bytes < *known,
        };
        if is_tighter {
            *end = Some((bytes, inside));
        } else if let Some((known, known_inside)) = end
            && *known == bytes
        {
            *known_inside &= inside;
        }
    }
    Ok((low.is_some() || high.is_some()).then_some((low, high)))
}

fn range(prefix: &[u8], ends: Option<&Ends>) -> KeyRange {
    let with = |end: &[u8]| [prefix, end].concat();
    let after = |bytes: &[u8]| holdfast_value::key::prefix_end(bytes);
    let (low, high) = ends.map_or((None, None), |(low, high)| (low.as_ref(), high.as_ref()));
    let from = match low {
        None => prefix.to_vec(),
        Some((bytes, true)) => with(bytes),
        Some((bytes, false)) => after(&with(bytes)).unwrap_or_else(|| with(bytes)),
    };
    let to = match high {
        None => after(prefix),
        Some((bytes, true)) => after(&with(bytes)),
        Some((bytes, false)) => Some(with(bytes)),
    };
    KeyRange { from, to }
}

/// What a conjunct says of a column of the table.
fn bound<'a>(scan: &Scan, conjunct: &'a Typed) -> Option<(usize, Bound<'a>)> {
    match &conjunct.expr {
        Expr::Call(function, args) => match (function.name, &args[..]) {
            (op @ ("=" | "<=>" | "<" | "<=" | ">" | ">="), [left, right]) => {
                let (at, value, op) = match (column(scan, left), column(scan, right)) {
                    (Some(at), _) if is_free(right) => (at, right, op),
                    (_, Some(at)) if is_free(left) => (at, left, turned(op)),
                    _ => return None,
                };
                let column = if column(scan, left) == Some(at) { left } else { right };
                if !keeps_order(&column.of, &scan.table.columns[at].of, &value.of) {
                    return None;
                }
                let bound = match op {
                    "=" => Bound::Equal(value),
                    "<" => Bound::Below(value, false),
                    "<=" => Bound::Below(value, true),
                    ">" => Bound::Above(value, false),
                    ">=" => Bound::Above(value, true),
                    _ => return None,
                };
                Some((at, bound))
            }
            ("is_null" | "isnull", [inner]) => Some((column(scan, inner)?, Bound::Null)),
            _ => None,
        },
        Expr::In { item, list, negated: false } => {
            let at = column(scan, item)?;
            let of = &scan.table.columns[at].of;
            let fits = |entry: &Typed| is_free(entry) && keeps_order(&item.of, of, &entry.of);
            list.iter().all(fits).then_some((at, Bound::Any(list)))
        }
        _ => None,
    }
}

fn turned(op: &'static str) -> &'static str {
    match op {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

fn column(scan: &Scan, typed: &Typed) -> Option<usize> {
    match typed.expr {
        Expr::Column(id) => position(scan, id),
        _ => None,
    }
}

fn position(scan: &Scan, id: ColumnId) -> Option<usize> {
    let at = id.checked_sub(scan.first)? as usize;
    (at < scan.table.columns.len()).then_some(at)
}

/// Whether a value is known before a row of the table is.
fn is_free(typed: &Typed) -> bool {
    match &typed.expr {
        Expr::Literal(_) | Expr::Param(_) => true,
        _ => {
            !walk::has_subquery(typed)
                && !walk::any(typed, &mut |expr| match expr {
                    // Columns of rows that were read before are values by now.
                    Expr::Column(_) | Expr::Assign(..) => true,
                    Expr::Call(function, _) => function.kind == holdfast_func::Kind::Volatile,
                    _ => false,
                })
        }
    }
}

/// A2: the comparison's order is the key's.
fn keeps_order(compared: &SqlType, stored: &SqlType, value: &SqlType) -> bool {
    if stored.is_text() {
        // The binder has settled the collation; a number beside a text compares as a number.
        let is_plain = !matches!(stored, SqlType::Enum(..) | SqlType::Set(..));
        return is_plain
            && compared.collation() == stored.collation()
            && (value.is_text() || matches!(value, SqlType::Null));
    }
    if stored.is_bytes() {
        return value.is_bytes() || value.is_text();
    }
    if stored.is_number() {
        return true;
    }
    if stored.is_temporal() {
        return value.is_temporal() || value.is_text() || matches!(value, SqlType::Null);
    }
    false
}

/// The value, if it is exactly one of the column's type.
fn exact(typed: &Typed, of: &SqlType, env: &mut Env<'_>) -> Result<Option<Value>> {
    let value = eval(typed, env)?;
    if value.is_null() {
        return Ok(None);
    }
    exactly(value, &typed.of, of, env.context)
}

fn exactly(value: Value, from: &SqlType, of: &SqlType, context: &Context) -> Result<Option<Value>> {
    match (&value, of) {
        (
            Value::Int(_),
            SqlType::Int { width: holdfast_value::IntWidth::Big, unsigned: false, .. },
        )
        | (
            Value::UInt(_),
            SqlType::Int { width: holdfast_value::IntWidth::Big, unsigned: true, .. },
        ) => {
            return Ok(Some(value));
        }
        _ => {}
    }
    let mut quiet = Context { is_change: true, warnings: Vec::new(), ..context.clone() };
    let source = store::Source { of: from, row: 1, ignore: false };
    let target = store::Target { name: "", of, nullable: true };
    let Ok(stored) = store::store(value.clone(), &source, &target, &mut quiet) else {
        return Ok(None);
    };
    if quiet.warning_count > context.warning_count {
        return Ok(None);
    }
    // A TIMESTAMP is stored in UTC, and compared in the session's time zone.
    let shown = store::load(stored.clone(), of, &quiet);
    let same = Comparison::of(from, of).compare(&value, &shown, &mut quiet);
    if !matches!(same, Ok(Some(std::cmp::Ordering::Equal))) {
        return Ok(None);
    }
    // Where clocks are set, local times repeat: only a fixed zone keeps the order.
    let is_fixed = matches!(context.zone, holdfast_value::Zone::Fixed(_));
    let is_local = matches!(of, SqlType::Timestamp(_));
    Ok((is_fixed || !is_local).then_some(stored))
}

/// All values of a list that are the column's; those that cannot be equal to any
/// value of the column are left out only if they are NULL.
fn exact_all(list: &[Typed], of: &SqlType, env: &mut Env<'_>) -> Result<Option<Vec<Value>>> {
    let mut values = Vec::with_capacity(list.len());
    for entry in list {
        let value = eval(entry, env)?;
        if value.is_null() {
            continue;
        }
        match exactly(value, &entry.of, of, env.context)? {
            Some(value) => values.push(value),
            None => return Ok(None),
        }
    }
    Ok(Some(values))
}
