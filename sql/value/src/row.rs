//! Rows as bytes.

use crate::{SqlType, Value, ValueError};

/// Appends a row whose slot `i` holds `values[i]`.
///
/// # Errors
/// Too many slots.
pub fn encode(values: &[Value], out: &mut Vec<u8>) -> Result<(), ValueError> {
    let _ = (values, out);
    Ok(())
}

/// Reads a row.
#[derive(Clone, Copy, Debug)]
pub struct RowReader<'a> {
    bytes: &'a [u8],
}

impl<'a> RowReader<'a> {
    /// Checks the head.
    ///
    /// # Errors
    /// [`ValueError::Stored`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, ValueError> {
        Ok(Self { bytes })
    }
    /// How many slots the row has.
    pub fn slots(&self) -> usize {
        self.bytes.len()
    }
    /// Slot `slot`; `None` if the row was written before there was one.
    ///
    /// # Errors
    /// [`ValueError::Stored`].
    pub fn get(&self, slot: usize, of: &SqlType) -> Result<Option<Value>, ValueError> {
        let _ = (slot, of);
        Ok(None)
    }
    /// Some slots in one pass; `wanted` ascends.
    ///
    /// # Errors
    /// [`ValueError::Stored`].
    pub fn get_many(
        &self,
        wanted: &[(usize, &SqlType)],
        out: &mut Vec<Option<Value>>,
    ) -> Result<(), ValueError> {
        for (slot, of) in wanted {
            out.push(self.get(*slot, of)?);
        }
        Ok(())
    }
}
