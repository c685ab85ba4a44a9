//! Values from stored bytes and from texts.
//!
//! ```text
//! input = what (1) | type (1) | other type (1) | bytes
//! ```
//!
//! - V1: nothing here panics, whatever the bytes.
//! - V2: what was decoded is the same after it was encoded and decoded again.
//! - V3: what was parsed is the same after it was printed and parsed again.
//! - V4: a comparison and its mirror image agree.

#![no_main]

use std::sync::{Arc, LazyLock};

use holdfast_value::collate::Pattern;
use holdfast_value::key::{self, KeyPart};
use holdfast_value::row::{self, RowReader};
use holdfast_value::store::{Source, Target, store};
use holdfast_value::temporal;
use holdfast_value::{
    Collation, Comparison, Context, Decimal, IntWidth, LobSize, SqlType, Value, Zone, arith, cast,
    collate, json, show,
};
use libfuzzer_sys::fuzz_target;

static TYPES: LazyLock<Vec<SqlType>> = LazyLock::new(|| {
    let items: Arc<[String]> = ["b", "a", "c"].map(String::from).into();
    vec![
        SqlType::BIGINT,
        SqlType::BIGINT_UNSIGNED,
        SqlType::Int { width: IntWidth::Tiny, unsigned: false, display: None },
        SqlType::Int { width: IntWidth::Medium, unsigned: true, display: None },
        SqlType::Decimal { precision: 65, scale: 30, unsigned: false },
        SqlType::Decimal { precision: 10, scale: 2, unsigned: true },
        SqlType::Float { unsigned: false },
        SqlType::DOUBLE,
        SqlType::Char(10, Collation::Bin),
        SqlType::VarChar(20, Collation::GeneralCi),
        SqlType::VarChar(20, Collation::Uca0900AiCi),
        SqlType::Text(LobSize::Normal, Collation::Binary),
        SqlType::Binary(12),
        SqlType::VarBinary(12),
        SqlType::Blob(LobSize::Normal),
        SqlType::Date,
        SqlType::Time(6),
        SqlType::Time(0),
        SqlType::DateTime(6),
        SqlType::DateTime(3),
        SqlType::Timestamp(6),
        SqlType::Year,
        SqlType::Enum(Arc::clone(&items), Collation::Uca0900AiCi),
        SqlType::Set(items, Collation::Uca0900AiCi),
        SqlType::Bit(64),
        SqlType::Json,
    ]
});

const OPS: [arith::Op; 8] = [
    arith::Op::Add,
    arith::Op::Sub,
    arith::Op::Mul,
    arith::Op::Div,
    arith::Op::IntDiv,
    arith::Op::Rem,
    arith::Op::BitXor,
    arith::Op::ShiftLeft,
];

fuzz_target!(|data: &[u8]| {
    let [what, first, second, bytes @ ..] = data else { return };
    let of = |index: &u8| &TYPES[usize::from(*index) % TYPES.len()];
    let (of, other) = (of(first), of(second));
    let text = std::str::from_utf8(bytes).ok();
    match (what % 6, text) {
        (0, _) => rows(bytes, of, other),
        (1, _) => keys(bytes, of, other, what & 0x80 != 0),
        (2, Some(text)) => documents(text),
        (3, Some(text)) => moments(text, (first % 7, second % 7)),
        (4, Some(text)) => assign(text, of, other),
        (_, Some(text)) => texts(text),
        _ => assign_bytes(bytes, of, other),
    }
});

/// As values differ for `assert_eq`, though not NaN from itself.
fn same(left: &impl std::fmt::Debug, right: &impl std::fmt::Debug, what: &str) {
    assert_eq!(format!("{left:?}"), format!("{right:?}"), "{what}");
}

fn rows(bytes: &[u8], of: &SqlType, other: &SqlType) {
    let Ok(reader) = RowReader::new(bytes) else { return };
    let types: Vec<&SqlType> =
        (0..reader.slots()).map(|at| if at % 2 == 0 { of } else { other }).collect();
    let wanted: Vec<(usize, &SqlType)> = types.iter().copied().enumerate().collect();
    let mut all = Vec::new();
    if reader.get_many(&wanted, &mut all).is_err() {
        return;
    }
    let values: Vec<Value> =
        all.into_iter().map(|value| value.expect("a slot that is there")).collect();
    let mut again = Vec::new();
    row::encode(&values, &mut again).expect("as many slots as there were");
    let reader = RowReader::new(&again).expect("V2");
    for ((slot, of), value) in wanted.into_iter().zip(&values) {
        let read = reader.get(slot, of);
        same(&read, &Ok::<_, ()>(Some(value)), "V2");
    }
    if let [first, second, ..] = &values[..] {
        work(first, second, of, other);
    }
}

fn keys(bytes: &[u8], of: &SqlType, other: &SqlType, descending: bool) {
    let parts = [KeyPart { descending, ..KeyPart::new(of.clone()) }, KeyPart::new(other.clone())];
    let _ = (key::length(bytes, &parts), key::length(bytes, &parts[..1]), key::prefix_end(bytes));
    let Ok(values) = key::decode(bytes, &parts) else { return };
    for (value, part) in values.iter().zip(&parts) {
        let Some(value) = value else { continue };
        let mut again = Vec::new();
        if key::encode_part(value, part, &mut again).is_ok() {
            let read = key::decode(&again, std::slice::from_ref(part)).expect("V2");
            same(&read, &[Some(value)], "V2");
        }
    }
}

fn documents(text: &str) {
    if let Ok(document) = json::normalise(text) {
        assert_eq!(json::normalise(&document).as_ref(), Ok(&document), "V3");
    }
    let mut quoted = String::new();
    json::write_string(text, &mut quoted);
    assert_eq!(json::normalise(&quoted).as_ref(), Ok(&quoted), "V3: a text as JSON");
}

fn moments(text: &str, (fsp, other): (u8, u8)) {
    let mut out = Vec::new();
    if let Ok(parsed) = temporal::parse_datetime(text, fsp) {
        temporal::write_datetime(parsed.value, fsp, &mut out);
        let printed = String::from_utf8_lossy(&out);
        let again = temporal::parse_datetime(&printed, fsp).map(|again| again.value);
        assert_eq!(again, Ok(parsed.value), "V3: {text:?} as {printed}");
    }
    if let Ok(parsed) = temporal::parse_time(text, fsp) {
        out.clear();
        temporal::write_time(parsed.value, fsp, &mut out);
        let printed = String::from_utf8_lossy(&out);
        let again = temporal::parse_time(&printed, fsp).map(|again| again.value);
        assert_eq!(again, Ok(parsed.value), "V3: {text:?} as {printed}");
    }
    if let Ok(parsed) = temporal::parse_date(text) {
        out.clear();
        temporal::write_date(parsed.value, &mut out);
        let printed = String::from_utf8_lossy(&out);
        let again = temporal::parse_date(&printed).map(|again| again.value);
        assert_eq!(again, Ok(parsed.value), "V3: {text:?} as {printed}");
    }
    if let Some((decimal, _)) = Decimal::parse(text) {
        out.clear();
        decimal.write(&mut out);
        let printed = String::from_utf8_lossy(&out);
        let again = Decimal::parse(&printed).expect("V3");
        assert_eq!(again, (decimal, true), "V3: {text:?} as {printed}");
        let _ =
            (decimal.round(i32::from(fsp)), decimal.floor(), decimal.ceil(), decimal.shortest());
        let _ = (decimal.to_f64(), decimal.to_i64(), decimal.to_u64(), decimal.rescale(other));
    }
    if let Some(zone) = Zone::parse(text) {
        let _ = (zone.to_utc(0), zone.from_utc(i64::from(fsp) * 1_000_000_000_000));
    }
}

fn assign(text: &str, of: &SqlType, other: &SqlType) {
    let (first, second) = text.split_once('|').unwrap_or((text, "1"));
    for ignore in [false, true] {
        let from = SqlType::VarChar(255, Collation::Uca0900AiCi);
        let mut context = Context::default();
        let source = Source { of: &from, row: 1, ignore };
        let mut into = |text: &str, of: &SqlType| {
            let target = Target { name: "c", of, nullable: true };
            store(Value::text(text), &source, &target, &mut context)
        };
        if let (Ok(first), Ok(second)) = (into(first, of), into(second, other)) {
            kept(&first, of);
            kept(&second, other);
            work(&first, &second, of, other);
        }
    }
}

fn assign_bytes(bytes: &[u8], of: &SqlType, other: &SqlType) {
    let from = SqlType::VarBinary(255);
    let source = Source { of: &from, row: 1, ignore: true };
    let target = Target { name: "c", of, nullable: true };
    let value = Value::Bytes(bytes::Bytes::copy_from_slice(bytes));
    if let Ok(stored) = store(value.clone(), &source, &target, &mut Context::default()) {
        kept(&stored, of);
        work(&stored, &value, of, &from);
    }
    let _ = cast::convert(value, &from, other, &mut Context::default());
    let _ = collate::like_bytes(bytes, bytes, Some(b'\\'));
}

/// What a column holds comes back from its row.
fn kept(value: &Value, of: &SqlType) {
    let mut bytes = Vec::new();
    row::encode(std::slice::from_ref(value), &mut bytes).expect("one slot");
    let read = RowReader::new(&bytes).and_then(|reader| reader.get(0, of));
    same(&read, &Ok::<_, ()>(Some(value)), "V2");
    let mut shown = Vec::new();
    show::write(value, of, &mut shown);
    let mut key = Vec::new();
    if key::encode(std::slice::from_ref(value), std::slice::from_ref(of), &mut key).is_ok() {
        let part = KeyPart::new(of.clone());
        assert_eq!(key::length(&key, std::slice::from_ref(&part)), Ok(key.len()), "V2");
        if let Some(back) = &key::decode(&key, &[part]).expect("V2")[0] {
            // Not the value itself: -0.0 and 0.0 have one key.
            let mut again = Vec::new();
            key::encode(std::slice::from_ref(back), std::slice::from_ref(of), &mut again)
                .expect("V2");
            assert_eq!(again, key, "V2: a key");
        }
    }
}

/// Operators and casts.
fn work(first: &Value, second: &Value, of: &SqlType, other: &SqlType) {
    let mut context = Context::default();
    let how = Comparison::of(of, other);
    let there = how.compare(first, second, &mut context);
    let back = how.compare(second, first, &mut context);
    if let (Ok(Some(there)), Ok(Some(back))) = (there, back) {
        assert_eq!(there, back.reverse(), "V4: {first:?} {second:?} as {how:?}");
    }
    for op in OPS {
        let _ = arith::apply(op, first, second, &mut context);
    }
    let _ = (arith::negate(first, &mut context), arith::invert(first, &mut context));
    if let Ok(it) = cast::convert(first.clone(), of, other, &mut context) {
        let mut out = Vec::new();
        show::write(&it, other, &mut out);
    }
}

fn texts(text: &str) {
    let (pattern, subject) = text.split_once('|').unwrap_or((text, text));
    for collation in
        [Collation::Uca0900AiCi, Collation::GeneralCi, Collation::Bin, Collation::Binary]
    {
        let there = collate::compare(pattern, subject, collation);
        assert_eq!(there, collate::compare(subject, pattern, collation).reverse(), "V4");
        let (mut left, mut right) = (Vec::new(), Vec::new());
        collate::weights(pattern, collation, &mut left);
        collate::weights(subject, collation, &mut right);
        let pattern = Pattern::new(pattern, Some('\\'), collation);
        let _ = (pattern.matches(subject), pattern.prefix(), pattern.is_literal());
    }
}
