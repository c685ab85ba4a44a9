//! Values and types as text.

use crate::{SqlType, Value};

/// Appends the text form of a value; nothing for NULL.
pub fn write(value: &Value, of: &SqlType, out: &mut Vec<u8>) {
    let _ = (value, of, out);
}
/// Appends a DOUBLE.
pub fn write_f64(value: f64, out: &mut Vec<u8>) {
    let _ = (value, out);
}
/// Appends a FLOAT.
pub fn write_f32(value: f32, out: &mut Vec<u8>) {
    let _ = (value, out);
}
/// `varchar(20)`.
pub fn type_name(of: &SqlType) -> String {
    data_type(of).to_owned()
}
/// `varchar`.
pub fn data_type(of: &SqlType) -> &'static str {
    let _ = of;
    "int"
}
