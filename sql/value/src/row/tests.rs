use super::*;
use crate::testing::{Dice, all_types, seeds};

#[test]
fn the_bytes_of_a_row_stay_what_they_are() {
    let values = [
        Value::Int(-2),
        Value::Null,
        Value::UInt(300),
        Value::Decimal(Decimal::parse("-1.5").unwrap().0),
        Value::Double(0.5),
        Value::Double(0.1),
        Value::text("ab"),
        Value::Bytes(Bytes::from_static(b"0123456789abcdef")),
        Value::Date(1),
        Value::DateTime(-1),
        Value::Time(0),
        Value::Json("[]".into()),
    ];
    let mut out = Vec::new();
    encode(&values, &mut out).unwrap();
    #[rustfmt::skip]
    let want = [
        1, 12, 0b10, 0,
        0x01, 1,
        0x12, 44, 1,
        0x22, 1, 0xf1,
        0x34, 0, 0, 0, 0x3f,
        0x38, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f,
        0x42, b'a', b'b',
        0x5f, 16, b'0', b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'8', b'9', b'a', b'b', b'c', b'd', b'e', b'f',
        0x61, 2,
        0x71, 1,
        0x80,
        0x92, b'[', b']',
    ];
    assert_eq!(out, want);
}

#[test]
fn rows_are_read_back() {
    let types = all_types();
    for seed in seeds(64) {
        let mut dice = Dice::new(seed);
        let values: Vec<Value> = types.iter().map(|of| dice.value(of)).collect();
        let mut out = Vec::new();
        encode(&values, &mut out).unwrap();
        let row = RowReader::new(&out).unwrap();
        let wanted: Vec<(usize, &SqlType)> =
            types.iter().enumerate().filter(|_| dice.below(2) == 0).collect();
        let mut got = Vec::new();
        row.each(wanted.iter().copied(), |slot, value| got.push((slot, value))).unwrap();
        for ((slot, of), (at, got)) in wanted.iter().zip(got) {
            assert_eq!(*slot, at);
            assert_eq!(got.as_ref(), Some(&values[*slot]), "R1: seed {seed}, {of:?}");
            assert_eq!(row.get(*slot, of).unwrap(), got, "seed {seed}");
        }
        assert_eq!(row.get(types.len(), &SqlType::INT).unwrap(), None, "R3");
    }
}

#[test]
fn malformed_rows_are_refused() {
    let types = all_types();
    for seed in seeds(400) {
        let mut dice = Dice::new(seed);
        let values: Vec<Value> = types.iter().map(|of| dice.value(of)).collect();
        let mut out = Vec::new();
        encode(&values, &mut out).unwrap();
        for _ in 0..1 + dice.below(4) {
            let at = dice.below(out.len() as u64) as usize;
            match dice.below(3) {
                0 => out[at] = dice.next() as u8,
                1 => out.truncate(at.max(1)),
                _ => out.insert(at, 0xff),
            }
        }
        if let Ok(row) = RowReader::new(&out) {
            for (slot, of) in types.iter().enumerate() {
                let _ = row.get(slot, of); // R2: it returns.
            }
        }
    }
    assert!(RowReader::new(&[]).is_err() && RowReader::new(&[2, 0]).is_err());
    assert!(RowReader::new(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
    let mut late = Vec::new();
    encode(&[Value::DateTime(i64::MIN)], &mut late).unwrap();
    assert!(RowReader::new(&late).unwrap().get(0, &SqlType::DateTime(6)).is_err());
    let short = RowReader::new(&[1, 1, 0, 0x4f, 200]).unwrap();
    assert!(short.get(0, &SqlType::Text(crate::LobSize::Normal, crate::Collation::Bin)).is_err());
}
