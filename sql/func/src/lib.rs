//! MySQL scalar functions and operators over values.
