//! Numbers as strings: CONV, BIN, OCT, FORMAT.

use holdfast_value::{Collation, Context, SqlType, Value, ValueError};

use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("conv", 3, 3, infer::text_n::<65>, conv),
    pure!("bin", 1, 1, infer::text_n::<64>, |x: &mut In<'_>| to_base(x, 2)),
    pure!("oct", 1, 1, infer::text_n::<64>, |x: &mut In<'_>| to_base(x, 8)),
    function!("format", 2, 3, Pure, Own, format_type, format),
];

fn conv(x: &mut In<'_>) -> Out {
    let (from, to) = (get!(x.int(1)), get!(x.int(2)));
    let is_legal = |base: i64| (2..=36).contains(&base.unsigned_abs());
    if !is_legal(from) || !is_legal(to) {
        return Ok(Value::Null);
    }
    // The bases are at most 36.
    let base = from.unsigned_abs() as u32;
    let text = get!(x.text(0));
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let number = read(&text, base, from < 0);
    let text = if to < 0 {
        let number = number.cast_signed();
        let sign = if number < 0 { "-" } else { "" };
        format!("{sign}{}", write(number.unsigned_abs(), to.unsigned_abs()))
    } else {
        write(number, to.unsigned_abs())
    };
    Ok(Value::text(text))
}

fn to_base(x: &mut In<'_>, base: u64) -> Out {
    let number = match x.value(0) {
        Value::Int(n) => n.cast_unsigned(),
        Value::UInt(n) => *n,
        _ => read(&get!(x.text(0)), 10, false),
    };
    Ok(Value::text(write(number, base)))
}

/// The number that a text begins with; the nearest one where it is too large.
fn read(text: &str, base: u32, is_signed: bool) -> u64 {
    let text = text.trim_start();
    let (is_negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = digits.chars().map_while(|c| c.to_digit(base)).map(u64::from);
    let number = digits
        .fold(0_u64, |number, digit| number.saturating_mul(u64::from(base)).saturating_add(digit));
    match (is_signed, is_negative) {
        (true, true) => 0_u64.wrapping_sub(number.min(1 << 63)),
        (true, false) => number.min(i64::MAX.unsigned_abs()),
        (false, true) if number == u64::MAX => number,
        (false, true) => 0_u64.wrapping_sub(number),
        (false, false) => number,
    }
}

fn write(mut number: u64, base: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut all = Vec::new();
    loop {
        // Below the base, which is at most 36.
        all.push(char::from(DIGITS[usize::try_from(number % base).unwrap_or(0)]));
        number /= base;
        if number == 0 {
            return all.iter().rev().collect();
        }
    }
}

fn format_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let digits = args.first().map_or(0, |arg| infer::chars(arg.of).min(310));
    let scale = infer::constant(args, 1).map_or(30, |n| n.clamp(0, 30).unsigned_abs());
    Ok(infer::text(digits + digits / 3 + scale + 2, Collation::default()))
}

fn format(x: &mut In<'_>) -> Out {
    let digits = get!(x.int(1)).clamp(0, 30);
    let digits = usize::try_from(digits).unwrap_or(0);
    let text = match x.value(0) {
        Value::Int(_) | Value::UInt(_) | Value::Decimal(_) => {
            let number = get!(x.decimal(0)).round(i32::try_from(digits).unwrap_or(0));
            number.to_string()
        }
        _ => {
            let number = get!(x.double(0));
            format!("{:.digits$}", crate::numeric::round::round_f64(number, digits as i32))
        }
    };
    let locale = if x.len() > 2 { x.text(2)? } else { None };
    let style = locale.as_deref().map_or(Some(PLAIN), style_of);
    if let (None, Some(name)) = (style, &locale) {
        let message = format!("Unknown locale: '{name}'");
        x.ctx.warn(ValueError::Other { code: 1649, state: "HY000", message });
    }
    Ok(Value::text(grouped(&text, digits, style.unwrap_or(PLAIN))))
}

/// How a place writes numbers.
#[derive(Clone, Copy)]
struct Style {
    /// Between thousands.
    group: &'static str,
    /// Before the fraction.
    point: &'static str,
    /// Digits of the groups above the lowest, which has 3.
    digits: usize,
}

const PLAIN: Style = Style { group: ",", point: ".", digits: 3 };

/// Places, separated by spaces, and their style.
const STYLES: &[(&str, Style)] = &[
    (
        "en_us en_gb en_au en_ca en_nz en_za en_ph en_zw ja_jp zh_cn zh_tw zh_hk ko_kr th_th \
         he_il ar_eg ar_ae es_mx es_us ms_my hi_in gu_in ur_pk",
        PLAIN,
    ),
    (
        "de_de de_lu de_be id_id tr_tr es_ar es_es es_cl es_co da_dk ru_ua uk_ua no_no nb_no \
         hu_hu ro_ro lt_lt vi_vn is_is sq_al fo_fo be_by mn_mn",
        Style { group: ".", point: ",", digits: 3 },
    ),
    (
        "de_at nl_nl nl_be it_it fr_fr fr_be fr_ca fr_ch fr_lu pt_pt pt_br pl_pl ca_es hr_hr \
         sl_si el_gr eu_es gl_es",
        Style { group: "", point: ",", digits: 3 },
    ),
    (
        "sv_se sv_fi fi_fi cs_cz ru_ru sk_sk lv_lv et_ee mk_mk bg_bg",
        Style { group: " ", point: ",", digits: 3 },
    ),
    ("en_in ta_in te_in", Style { group: ",", point: ".", digits: 2 }),
    ("ar_sa sr_rs", Style { group: "", point: ".", digits: 3 }),
    ("de_ch", Style { group: "'", point: ".", digits: 3 }),
    ("it_ch", Style { group: "'", point: ",", digits: 3 }),
];

fn style_of(locale: &str) -> Option<Style> {
    let is_it = |place: &str| place.eq_ignore_ascii_case(locale);
    STYLES.iter().find(|(places, _)| places.split(' ').any(is_it)).map(|(_, style)| *style)
}

fn grouped(number: &str, scale: usize, style: Style) -> String {
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) if rest.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) => ("-", rest),
        Some(rest) => ("", rest),
        None => ("", number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut all = String::from(sign);
    for (at, c) in whole.chars().enumerate() {
        let left = whole.len() - at;
        let is_gap = left == 3 || (left > 3 && (left - 3).is_multiple_of(style.digits));
        if at > 0 && is_gap {
            all.push_str(style.group);
        }
        all.push(c);
    }
    if scale > 0 {
        all.push_str(style.point);
        all.push_str(fraction);
        all.extend(std::iter::repeat_n('0', scale.saturating_sub(fraction.len())));
    }
    all
}
