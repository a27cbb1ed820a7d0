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

/// A factor that follows a number directly or after a space, with the bytes it takes: `k`, `M`, `million`, …
#[must_use]
pub fn factor(rest: &str) -> Option<(usize, u64)> {
    const FACTORS: &[(&str, u64)] = &[
        (" thousand", 1_000),
        (" million", 1_000_000),
        (" billion", 1_000_000_000),
        (" Millionen", 1_000_000),
        ("k", 1_000),
        ("K", 1_000),
        ("M", 1_000_000),
        ("m", 1_000_000),
        ("bn", 1_000_000_000),
        ("万", 10_000),
    ];
    let (word, factor) = FACTORS.iter().find(|(word, _)| {
        rest.strip_prefix(word).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    })?;
    Some((word.len(), *factor))
}
