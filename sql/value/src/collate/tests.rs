use super::*;
use crate::testing::{Dice, seeds};

const ALL: [Collation; 4] =
    [Collation::Binary, Collation::Bin, Collation::GeneralCi, Collation::Uca0900AiCi];

fn key(text: &str, collation: Collation) -> Vec<u8> {
    let mut out = Vec::new();
    weights(text, collation, &mut out);
    out
}

#[test]
fn collations_order_as_mysql_does() {
    use Collation::{Bin, GeneralCi, Uca0900AiCi as Uca};
    use Ordering::{Equal, Greater, Less};
    for (collation, left, right, want) in [
        (Bin, "a", "a   ", Equal),
        (Bin, "a", "A", Greater),
        (Bin, "a", "a\t", Greater),
        (GeneralCi, "a", "Á  ", Equal),
        (GeneralCi, "ß", "s", Equal),
        (GeneralCi, "ß", "ss", Less),
        (GeneralCi, "é", "e", Equal),
        (GeneralCi, "😀", "😁", Equal),
        (GeneralCi, "a", "a\t", Greater),
        (Uca, "a", "Á", Equal),
        (Uca, "a", "a ", Less),
        (Uca, "ß", "ss", Equal),
        (Uca, "résumé", "RESUME", Equal),
        (Uca, "a", "b", Less),
        (Uca, "_", "a", Less),
        (Uca, "Z", "a", Greater),
        (Uca, "9", "a", Less),
        (Uca, "😀", "😁", Less),
        (Uca, "", "\0", Equal),
        (Uca, "ａ", "A", Equal),
    ] {
        assert_eq!(compare(left, right, collation), want, "{left:?} {right:?} {collation:?}");
    }
}

#[test]
fn ascii_is_written_the_same_short_and_long() {
    let long = |text: &str| {
        let mut out = Vec::new();
        uca::long_weights(text, &mut out);
        out
    };
    for a in 0..128u8 {
        for b in 0..128u8 {
            let pair: String = [a, b].map(char::from).iter().collect();
            assert_eq!(key(&pair, Collation::Uca0900AiCi), long(&pair), "C2: {pair:?}");
        }
    }
    for seed in seeds(8) {
        let mut dice = Dice::new(seed);
        let alphabet: Vec<char> = (0..128u8).map(char::from).collect();
        for _ in 0..500 {
            let text = dice.text(&alphabet, 12);
            assert_eq!(key(&text, Collation::Uca0900AiCi), long(&text), "C2: {text:?}");
        }
    }
}

#[test]
fn what_joins_the_letter_before_it_is_compared_with_it() {
    let long = |text: &str| {
        let mut out = Vec::new();
        uca::long_weights(text, &mut out);
        out
    };
    let alphabet = ['a', 'l', 'L', 'm', 'n', '\u{b7}', '\u{301}', '\u{303}', '\u{30a}', '\u{200d}'];
    for seed in seeds(16) {
        let mut dice = Dice::new(seed);
        for _ in 0..300 {
            let (a, b) = (dice.text(&alphabet, 6), dice.text(&alphabet, 6));
            let want = long(&a).cmp(&long(&b));
            assert_eq!(compare(&a, &b, Collation::Uca0900AiCi), want, "{a:?} {b:?}, seed {seed}");
        }
    }
}

#[test]
fn weights_order_as_texts_do() {
    for a in 0..128u8 {
        for b in 0..128u8 {
            let (a, b) = (char::from(a).to_string(), char::from(b).to_string());
            for collation in ALL {
                let want = compare(&a, &b, collation);
                let got = key(&a, collation).cmp(&key(&b, collation));
                assert_eq!(got, want, "C1: {a:?} {b:?} {collation:?}");
            }
        }
    }
    let alphabet = ['a', 'A', 'b', ' ', ' ', '\t', '\0', 'é', 'ß', 's', '1', '_', '漢', '😀', 'и'];
    for seed in seeds(16) {
        let mut dice = Dice::new(seed);
        for _ in 0..300 {
            let (a, b) = (dice.text(&alphabet, 6), dice.text(&alphabet, 6));
            for collation in ALL {
                let want = compare(&a, &b, collation);
                let (left, right) = (key(&a, collation), key(&b, collation));
                assert_eq!(left.cmp(&right), want, "C1: {a:?} {b:?} {collation:?}, seed {seed}");
                assert_eq!(compare(&b, &a, collation), want.reverse(), "{a:?} {b:?}");
                let mut prefix = Vec::new();
                weights_of_prefix(&a, collation, &mut prefix);
                let both = key(&format!("{a}{b}"), collation);
                assert!(both.starts_with(&prefix), "prefix of {a:?} {b:?} {collation:?}");
            }
        }
    }
}

#[test]
fn like_matches_what_mysql_matches() {
    let uca = Collation::Uca0900AiCi;
    for (text, pattern, want) in [
        ("abc", "abc", true),
        ("ABC", "a%", true),
        ("abc", "a_c", true),
        ("abc", "a_", false),
        ("", "%", true),
        ("", "_", false),
        ("", "", true),
        ("a", "", false),
        ("a%c", "a\\%c", true),
        ("abc", "a\\%c", false),
        ("aXbXc", "a%X%c", true),
        ("aaaaaaaaab", "%a%a%a%b", true),
        ("aaaaaaaaa", "%a%a%a%b", false),
        ("résumé", "RES%", true),
        ("ß", "ss", false),
        ("a ", "a", false),
        ("a\\", "a\\", true),
        ("x😀y", "x_y", true),
    ] {
        assert_eq!(like(text, pattern, Some('\\'), uca), want, "{text:?} LIKE {pattern:?}");
    }
    assert!(!like("A", "a", None, Collation::Bin));
    assert!(like_bytes(b"a\xffb", b"a_b", None) && like_bytes(b"a%", b"a\\%", Some(b'\\')));
    assert!(!like_bytes(b"ab", b"a\\%", Some(b'\\')) && like_bytes(b"xxab", b"%ab", None));
    let long = "a".repeat(20_000);
    assert!(!like(&long, "%a%b", None, uca), "the cost stays low");
}

/// Subject: `Pattern`. Model: recursion on both.
#[test]
fn like_agrees_with_its_definition() {
    fn model(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|skip| model(&text[skip..], rest)),
            ['_', rest @ ..] => !text.is_empty() && model(&text[1..], rest),
            [c, rest @ ..] => text.first() == Some(c) && model(&text[1..], rest),
        }
    }
    for seed in seeds(16) {
        let mut dice = Dice::new(seed);
        for _ in 0..200 {
            let text = dice.text(&['a', 'b'], 8);
            let pattern = dice.text(&['a', 'b', '%', '_'], 6);
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let want = model(&chars(&text), &chars(&pattern));
            assert_eq!(like(&text, &pattern, None, Collation::Bin), want, "{text} {pattern}");
            assert_eq!(
                like_bytes(text.as_bytes(), pattern.as_bytes(), None),
                want,
                "{text} {pattern}"
            );
        }
    }
}

/// The weights of all code points below U+10000, as a server's `WEIGHT_STRING` gives them.
#[test]
fn general_ci_weighs_as_the_server_does() {
    let mut hash = 0xcbf2_9ce4_8422_2325u64; // FNV-1a
    for c in (0..=0xffff).filter_map(char::from_u32) {
        for byte in general::weight(c).to_be_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    assert_eq!(hash, 0xb13c8f4d8b5c6ec2);
}
