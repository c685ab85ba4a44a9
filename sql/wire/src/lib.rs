//! The MySQL protocol: packets, handshake, commands, result sets.
