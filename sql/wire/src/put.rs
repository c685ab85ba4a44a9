//! Writing the protocol's numbers and strings into a packet.

/// Appends a length-encoded integer.
pub(crate) fn lenenc(value: u64, out: &mut Vec<u8>) {
    match value {
        0..=250 => out.push(value as u8),
        251..=0xffff => {
            out.push(0xfc);
            out.extend_from_slice(&(value as u16).to_le_bytes());
        }
        0x1_0000..=0xff_ffff => {
            out.push(0xfd);
            out.extend_from_slice(&(value as u32).to_le_bytes()[..3]);
        }
        _ => {
            out.push(0xfe);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// Appends a string with its length before it.
pub(crate) fn string(text: &[u8], out: &mut Vec<u8>) {
    lenenc(text.len() as u64, out);
    out.extend_from_slice(text);
}

/// Appends what `write` appends, with its length before it: no second buffer where
/// it is short, which it nearly always is.
pub(crate) fn measured(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    write(out);
    let count = out.len().saturating_sub(at + 1);
    if count <= 250 {
        out[at] = count as u8;
        return;
    }
    let mut head = Vec::with_capacity(9);
    lenenc(count as u64, &mut head);
    out.splice(at..=at, head);
}

/// Appends a decimal number.
pub(crate) fn digits(mut value: u64, out: &mut Vec<u8>) {
    let mut text = [0_u8; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// Appends a decimal number with its sign.
pub(crate) fn signed(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    digits(value.unsigned_abs(), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Scan;

    #[test]
    fn what_is_put_is_read_back() {
        for value in [0, 250, 251, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000, u64::MAX] {
            let mut out = Vec::new();
            lenenc(value, &mut out);
            assert_eq!(Scan::new(&out).lenenc(), Some(value));
        }
        for count in [0, 1, 250, 251, 70_000] {
            let mut out = vec![9];
            measured(&mut out, |out| out.resize(out.len() + count, 7));
            assert_eq!(Scan::new(&out[1..]).string(), Some(&vec![7; count][..]));
        }
    }

    #[test]
    fn numbers_are_as_std_prints_them() {
        for value in [0, 9, 10, -1, i64::MIN, i64::MAX] {
            let mut out = Vec::new();
            signed(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
        let mut out = Vec::new();
        digits(u64::MAX, &mut out);
        assert_eq!(out, u64::MAX.to_string().as_bytes());
    }
}
