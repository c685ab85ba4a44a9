//! MySQL statements as clients write them, parsed.
