//! Numbers as people write them: both decimal conventions, grouping by three or in lakhs, `k` and `million`.

use super::Number;

/// Reads the digits and separators of one number, such as `1,299.00`, `1.299,00`, `1 299,00`, `1'299` or `1,29,900`.
///
/// - With two kinds of separators, the last one is the decimal point.
/// - One separator before exactly three digits groups (`1,299` and `1.299` are both 1299, the larger reading), unless the
///   number begins with `0` or `point_first` says that three decimals after a point are usual (KWD, BHD, …).
/// - Anything else that is not plainly a number is `None`: it cannot be read.
#[must_use]
pub fn parse(text: &str, point_first: bool) -> Option<Number> {
    let decimal = decimal_separator(text, point_first);
    let (whole, fraction) = match decimal {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    if fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // `1,2999` is more likely a mistyped group than four decimals.
    if decimal.is_some_and(|at| text[at..].starts_with(',')) && fraction.len() > 3 && whole != "0" {
        return None;
    }
    let units = whole_number(whole)?;
    let millionths: u32 = if fraction.is_empty() { 0 } else { format!("{fraction:0<6}").parse().ok()? };
    Some(Number::new(units, millionths))
}

/// Where the decimal separator stands, if there is one. Only `.` and `,` can be it.
fn decimal_separator(text: &str, point_first: bool) -> Option<usize> {
    let at = text.rfind(['.', ','])?;
    let separator = text[at..].chars().next()?;
    let (before, after) = (&text[..at], &text[at + 1..]);
    let repeated = before.contains(separator);
    let other_kind = before.contains(|c: char| !c.is_ascii_digit() && c != separator);
    if repeated {
        return None;
    }
    let groups = after.len() == 3 && !before.starts_with('0') && (1..=3).contains(&before.len());
    let usual = point_first && separator == '.';
    (other_kind || !groups || usual).then_some(at)
}

/// The digits before the decimal separator, with well-formed groups.
fn whole_number(text: &str) -> Option<u64> {
    let separator = text.chars().find(|c| !c.is_ascii_digit());
    let digits = match separator {
        None => text.to_owned(),
        Some(separator) => {
            let groups: Vec<&str> = text.split(separator).collect();
            well_grouped(&groups).then(|| groups.concat())?
        }
    };
    let fits = !digits.is_empty() && digits.len() <= 18 && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

/// Groups of three after a first of one to three, or lakhs: groups of two before a last of three.
fn well_grouped(groups: &[&str]) -> bool {
    let [first, middle @ .., last] = groups else { return false };
    let thousands = (1..=3).contains(&first.len()) && middle.iter().all(|group| group.len() == 3);
    let lakhs = (1..=2).contains(&first.len()) && middle.iter().all(|group| group.len() == 2);
    last.len() == 3 && (thousands || lakhs)
}

/// Words and signs that multiply the number before them, directly or after a space; lower case, a final stop is no part.
#[rustfmt::skip]
const FACTORS: &[(&str, u64)] = &[
    ("k", 1_000), ("m", 1_000_000), ("bn", 1_000_000_000), ("mn", 1_000_000), ("mm", 1_000_000), ("b", 1_000_000_000),
    ("grand", 1_000), ("hundred", 100), ("trillion", 1_000_000_000_000), ("thousand", 1_000), ("million", 1_000_000), ("millions", 1_000_000), ("billion", 1_000_000_000), ("billions", 1_000_000_000),
    ("tsd", 1_000), ("tausend", 1_000), ("mio", 1_000_000), ("mill", 1_000_000), ("millionen", 1_000_000),
    ("mrd", 1_000_000_000), ("milliarde", 1_000_000_000), ("milliarden", 1_000_000_000),
    ("mille", 1_000), ("milliard", 1_000_000_000), ("milliards", 1_000_000_000), ("mil", 1_000), ("millón", 1_000_000),
    ("millones", 1_000_000), ("mila", 1_000), ("milione", 1_000_000), ("milioni", 1_000_000), ("miliardi", 1_000_000_000),
    ("milhão", 1_000_000), ("milhões", 1_000_000), ("bilhões", 1_000_000_000), ("lakh", 100_000), ("lakhs", 100_000),
    ("lac", 100_000), ("crore", 10_000_000), ("crores", 10_000_000), ("cr", 10_000_000),
];
/// The same in scripts without spaces, where another number may follow directly: `1万2千`.
const UNSPACED: &[(&str, u64)] =
    &[("億", 100_000_000), ("亿", 100_000_000), ("万", 10_000), ("萬", 10_000), ("千", 1_000), ("百", 100)];

/// A factor that follows a number directly or after a space, with the bytes it takes: `k`, `M`, `million`, `Mio.`, …
#[must_use]
pub fn factor(rest: &str) -> Option<(usize, u64)> {
    if let Some((sign, factor)) = UNSPACED.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Some((sign.len(), *factor));
    }
    let spaced = rest.strip_prefix(' ').unwrap_or(rest);
    let space = rest.len() - spaced.len();
    let len: usize = spaced.chars().take(12).take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum();
    if len == 0 || spaced[len..].starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let word = spaced[..len].to_lowercase();
    // One letter that stands alone is no factor: "5 m" may be metres. A "k" is.
    let thousand = word == "k";
    let (_, factor) = FACTORS.iter().find(|(known, _)| *known == word).filter(|_| space == 0 || len > 2 || thousand)?;
    let stop = usize::from(
        len > 1 && spaced[len..].starts_with('.') && !spaced[len + 1..].starts_with(|c: char| c.is_ascii_digit()),
    );
    Some((space + len + stop, *factor))
}

/// An exponent directly behind the digits, as programs write it: `e3`, `E+06`; with the bytes it takes. `None` inside: it
/// makes no number that can be used.
#[must_use]
pub fn exponent(rest: &str) -> Option<(usize, Option<u64>)> {
    let after = rest.strip_prefix(['e', 'E'])?;
    let unsigned = after.strip_prefix(['+', '-']).unwrap_or(after);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || unsigned[digits..].starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let len = rest.len() - unsigned.len() + digits;
    let power = unsigned[..digits].parse().ok().filter(|power| !after.starts_with('-') && *power <= 15);
    Some((len, power.map(|power| 10u64.pow(power))))
}

/// The digits of other scripts as `0` to `9`, their separators as `.` and `,`; `None` for everything else.
#[must_use]
pub fn plain(c: char) -> Option<char> {
    const ZEROS: [u32; 18] = [
        0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20,
        0x1040, 0x17E0, 0x1810,
    ];
    match c {
        '٫' => return Some('.'),
        '٬' => return Some(','),
        _ => {}
    }
    let code = u32::from(c);
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}
