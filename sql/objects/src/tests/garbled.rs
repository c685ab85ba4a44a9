//! Bytes that are not what was written: an error or the right answer, never a panic.

use bytes::Bytes;
use futures_util::TryStreamExt;
use holdfast_base::TableId;
use holdfast_io::rng::SeededRng;
use holdfast_tail::{Direction, KeyRange};

use super::{Rows, bucket, ids, row, shape, table, write};
use crate::{ObjectScan, Reader};

#[test]
fn garbled_bytes_give_errors_and_no_panics() {
    let (mut errors, mut tries) = (0, 0);
    for seed in holdfast_sim::seeds(150) {
        println!("seed {seed}");
        holdfast_sim::run(async {
            let (memory, bucket) = bucket();
            let rows: Rows = (0..200).map(|at| (format!("{at:04}").into(), row(5, at))).collect();
            let objects = write(&bucket, &shape(5), &rows, &ids(1)).await;
            let name = objects[0].id.rows(TableId(7));
            let rng = SeededRng::new(seed);
            let mut bytes = memory.bytes(&name).expect("it was written").to_vec();
            let tail = objects[0].tail as usize;
            for _ in 0..rng.between(1, 4) {
                // Half of them where the structure is.
                let from = if rng.one_in(2) { bytes.len() - tail } else { 0 };
                let at = rng.between(from as u64, bytes.len() as u64) as usize;
                let count = rng.between(1, 5) as usize;
                let upto = (at + count).min(bytes.len());
                for byte in &mut bytes[at..upto] {
                    *byte = rng.below(256) as u8;
                }
            }
            if rng.one_in(20) {
                bytes.truncate(rng.below(bytes.len() as u64) as usize);
            }
            memory.replace(&name, Bytes::from(bytes));
            let reader = Reader::new(bucket, 1 << 20);
            let table = table(objects, &shape(5));
            let mut failed = false;
            for key in [&b"0000"[..], b"0100", b"0199"] {
                failed |= match reader.get(&table, key).await {
                    Ok(row) => row.is_some_and(|row| row.values(&shape(5), &[0, 1, 2]).is_err()),
                    Err(_) => true,
                };
            }
            let mut cursor = reader.range(&table, &KeyRange::all(), Direction::Reverse);
            failed |= cursor.next_batch(500).await.is_err();
            let slots = (0..9).collect();
            let scan = ObjectScan { slots, with_key: true, ..ObjectScan::default() };
            match reader.scan(&table, &scan, 2).await {
                Ok(parts) => {
                    for part in parts {
                        failed |= part.open().try_collect::<Vec<_>>().await.is_err();
                    }
                }
                Err(_) => failed = true,
            }
            errors += u32::from(failed);
            tries += 1;
        });
    }
    assert!(errors * 3 > tries, "{errors} of {tries} were seen");
}
