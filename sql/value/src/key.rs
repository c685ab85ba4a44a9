//! Values as bytes whose order is theirs.

use crate::{SqlType, Value, ValueError};

/// One column of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    /// The column's type.
    pub of: SqlType,
    /// Largest first.
    pub descending: bool,
    /// Only so many characters (of texts) or bytes count.
    pub prefix: Option<u32>,
}

/// Appends the key of `values`.
///
/// # Errors
/// A value that is not of its type.
pub fn encode(values: &[Value], types: &[SqlType], out: &mut Vec<u8>) -> Result<(), ValueError> {
    let _ = (values, types, out);
    Ok(())
}
/// Appends one column.
///
/// # Errors
/// As [`encode`].
pub fn encode_part(value: &Value, part: &KeyPart, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let _ = (value, part, out);
    Ok(())
}
/// The values back, `None` for a column whose value its weights do not give.
///
/// # Errors
/// [`ValueError::Stored`].
pub fn decode(key: &[u8], parts: &[KeyPart]) -> Result<Vec<Option<Value>>, ValueError> {
    let _ = (key, parts);
    Ok(Vec::new())
}
/// The first key after all that start with `prefix`; `None` if there is none.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=kept].to_vec();
    end[kept] += 1;
    Some(end)
}
