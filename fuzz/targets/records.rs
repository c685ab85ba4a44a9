//! Records of the log and manifests, from any bytes.
//!
//! - R1: no bytes make decoding panic.
//! - R2: what was decoded is the same after it was encoded and decoded again.
//! - R3: an edit that fits its manifest gives one with the objects that the edit names.
//!
//! Not here: `Manifest::rows` and `bytes`, which subtract and add what a garbled manifest
//! says without a check.

#![no_main]

use holdfast_api::txn::TxnRecord;
use holdfast_base::Ts;
use holdfast_objects::manifest::{Edit, Manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 4 {
        0 => {
            if let Ok(record) = TxnRecord::decode(bytes) {
                assert_eq!(TxnRecord::decode(&record.encode()), Ok(record), "R2");
            }
        }
        1 => {
            if let Ok(manifest) = Manifest::decode(bytes) {
                let again = Manifest::decode(&manifest.encode());
                assert_eq!(again.as_ref(), Ok(&manifest), "R2");
            }
        }
        2 => {
            if let Ok(edit) = Edit::decode(bytes) {
                assert_eq!(Edit::decode(&edit.encode()).as_ref(), Ok(&edit), "R2");
            }
        }
        _ => edit(bytes),
    }
});

/// A manifest and an edit, one after the other.
fn edit(bytes: &[u8]) {
    let Some((at, rest)) = bytes.split_first() else { return };
    let (first, second) = rest.split_at(rest.len().min(usize::from(*at)));
    let Ok(mut manifest) = Manifest::decode(first) else { return };
    let Ok(edit) = Edit::decode(second) else { return };
    manifest.at = manifest.at.min(Ts(u64::MAX - 1));
    let fitting = Edit { before: manifest.at, ..edit };
    let Ok(edited) = manifest.edited(Ts(manifest.at.0 + 1), &fitting) else { return };
    for added in &fitting.added {
        assert!(edited.objects.iter().any(|object| object.id == added.id), "R3: {}", added.id);
    }
    let _ = edited.names(holdfast_base::TableId(1));
}
