//! What statistics rule out: row groups first, then pages.
//!
//! - P1: a row whose slots lie within all bounds is never left out.

use std::cmp::Ordering;
use std::ops::Range;

use arrow::array::ArrayRef;
use holdfast_tail::TableShape;
use holdfast_tail::columns::value_at;
use holdfast_value::{Decimal, SqlType, Value};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use crate::ObjectsError;
use crate::footer::Footer;
use crate::guard::guarded;

/// What a slot's values lie between, NULL aside, which lies between nothing. It only
/// prunes: rows outside may be given. A bound on a text is for those who compare bytes.
#[derive(Clone, Debug)]
pub struct SlotBound {
    /// The slot.
    pub slot: usize,
    /// The least value, and whether it is inside.
    pub low: Option<(Value, bool)>,
    /// The greatest value, and whether it is inside.
    pub high: Option<(Value, bool)>,
}

impl SlotBound {
    /// Whether a value between `min` and `max` may be inside; where one is NULL nothing
    /// is known.
    fn may_have(&self, min: &Value, max: &Value) -> bool {
        let is_below = self.low.as_ref().is_some_and(|(low, is_inside)| {
            is_outside(compare(max, low), Ordering::Less, *is_inside)
        });
        let is_above = self.high.as_ref().is_some_and(|(high, is_inside)| {
            is_outside(compare(min, high), Ordering::Greater, *is_inside)
        });
        !is_below && !is_above
    }

    /// Whether a row that has this may be inside.
    fn may_be(&self, value: &Value) -> bool {
        let is_open = self.low.is_none() && self.high.is_none();
        if value.is_null() { is_open } else { self.may_have(value, value) }
    }
}

fn is_outside(order: Option<Ordering>, outside: Ordering, is_inside: bool) -> bool {
    order == Some(outside) || (order == Some(Ordering::Equal) && !is_inside)
}

/// Nothing where the two are not of kinds that compare exactly.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    use Value::{Bytes, Date, DateTime, Decimal as Exact, Double, Text, Time};
    Some(match (left, right) {
        (Double(left), Double(right)) => left.partial_cmp(right)?,
        (Text(left), Text(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Bytes(left), Bytes(right)) => left.cmp(right),
        (Date(left), Date(right)) => left.cmp(right),
        (DateTime(left), DateTime(right)) | (Time(left), Time(right)) => left.cmp(right),
        (Exact(left), Exact(right)) => left.compare(right),
        (Exact(left), right) => left.compare(&Decimal::from_i128(int(right)?)),
        (left, Exact(right)) => Decimal::from_i128(int(left)?).compare(right),
        (left, right) => int(left)?.cmp(&int(right)?),
    })
}

fn int(value: &Value) -> Option<i128> {
    match value {
        Value::Int(int) => Some((*int).into()),
        Value::UInt(int) => Some((*int).into()),
        _ => None,
    }
}

/// Of `ranges`, rows of an object, those that the bounds do not rule out.
pub(crate) fn prune(
    footer: &Footer,
    shape: &TableShape,
    bounds: &[SlotBound],
    ranges: Vec<Range<u32>>,
) -> Result<Vec<Range<u32>>, ObjectsError> {
    let mut ranges = ranges;
    for bound in bounds {
        if ranges.is_empty() {
            break;
        }
        let (Some(of), Some(default)) =
            (shape.slots.get(bound.slot), shape.defaults.get(bound.slot))
        else {
            return Err(ObjectsError::Slot { slots: shape.slots.len(), given: bound.slot });
        };
        if bound.slot >= footer.slots {
            if !bound.may_be(default) {
                ranges.clear();
            }
            continue;
        }
        let kept = guarded(footer.object.id, || may_have(footer, of, bound))?;
        ranges = intersect(&ranges, &kept);
    }
    Ok(ranges)
}

/// The rows of pages, and of row groups, that may have something inside.
fn may_have(
    footer: &Footer,
    of: &SqlType,
    bound: &SlotBound,
) -> Result<Vec<Range<u32>>, ObjectsError> {
    let metadata = footer.arrow.metadata();
    let name = format!("s{}", bound.slot);
    let schema = footer.arrow.schema();
    let statistics = StatisticsConverter::try_new(&name, schema, footer.arrow.parquet_schema())?;
    let mins = statistics.row_group_mins(metadata.row_groups())?;
    let maxes = statistics.row_group_maxes(metadata.row_groups())?;
    let mut kept = Vec::new();
    let is_ruled_out = |mins: &ArrayRef, maxes: &ArrayRef, at: usize| {
        let pair = (value_at(mins, at, of), value_at(maxes, at, of));
        matches!(pair, (Ok(min), Ok(max))
            if !min.is_null() && !max.is_null() && !bound.may_have(&min, &max))
    };
    for group in 0..metadata.num_row_groups() {
        if is_ruled_out(&mins, &maxes, group) {
            continue;
        }
        let (from, to) = (footer.groups[group], footer.groups[group + 1]);
        let (Some(columns), Some(offsets)) = (metadata.column_index(), metadata.offset_index())
        else {
            kept.push(from..to);
            continue;
        };
        let mins = statistics.data_page_mins(columns, offsets, [&group])?;
        let maxes = statistics.data_page_maxes(columns, offsets, [&group])?;
        // Page index and columns were counted in `footer`; pages begin within the group.
        let pages = offsets[group][bound.slot].page_locations();
        for (at, page) in pages.iter().enumerate() {
            let next = pages.get(at + 1).map_or(to, |next| from + next.first_row_index as u32);
            if !is_ruled_out(&mins, &maxes, at) {
                push(&mut kept, from + page.first_row_index as u32..next);
            }
        }
    }
    Ok(kept)
}

/// Appends a range that does not begin before the last one ends.
pub(crate) fn push(ranges: &mut Vec<Range<u32>>, range: Range<u32>) {
    match ranges.last_mut() {
        _ if range.is_empty() => {}
        Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
        _ => ranges.push(range),
    }
}

/// What lies in both; each ascends and does not overlap itself.
pub(crate) fn intersect(left: &[Range<u32>], right: &[Range<u32>]) -> Vec<Range<u32>> {
    let (mut l, mut r) = (0, 0);
    let mut both = Vec::new();
    while l < left.len() && r < right.len() {
        push(&mut both, left[l].start.max(right[r].start)..left[l].end.min(right[r].end));
        if left[l].end < right[r].end { l += 1 } else { r += 1 }
    }
    both
}

/// What lies in `bounds`.
pub(crate) fn within(ranges: &[Range<u32>], bounds: Range<u32>) -> Vec<Range<u32>> {
    intersect(ranges, std::slice::from_ref(&bounds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init, reason = "lists of one range are meant")]

    use super::*;

    #[test]
    fn ranges_intersect() {
        assert_eq!(intersect(&[0..5, 8..10], &[3..9]), [3..5, 8..9]);
        assert_eq!(intersect(&[0..5], &[5..9]), []);
        assert_eq!(intersect(&[0..9], &[1..2, 2..4]), [1..4]);
    }

    #[test]
    fn a_bound_rules_out_what_lies_wholly_outside() {
        let decimal = |digits: i64, scale| Value::Decimal(Decimal { digits: digits.into(), scale });
        let check = |low: Option<(Value, bool)>, high, min: Value, max: Value, want: bool| {
            let bound = SlotBound { slot: 0, low, high };
            assert_eq!(bound.may_have(&min, &max), want, "{bound:?} {min:?} {max:?}");
        };
        let int = Value::Int;
        check(Some((int(5), true)), None, int(1), int(5), true);
        check(Some((int(5), false)), None, int(1), int(5), false);
        check(Some((int(-1), true)), None, Value::UInt(0), Value::UInt(u64::MAX), true);
        check(None, Some((int(-1), true)), Value::UInt(0), Value::UInt(u64::MAX), false);
        check(None, Some((decimal(15, 1), true)), decimal(150, 2), decimal(160, 2), true);
        check(None, Some((decimal(15, 1), false)), decimal(150, 2), decimal(160, 2), false);
        check(None, Some((int(1), true)), decimal(150, 2), decimal(160, 2), false);
        check(Some((Value::text("b"), true)), None, Value::text("a"), Value::text("az"), false);
        check(Some((Value::text("b"), true)), None, int(1), int(2), true);
        check(
            Some((Value::Double(0.0), true)),
            None,
            Value::Double(-1.0),
            Value::Double(-0.0),
            true,
        );
    }
}
