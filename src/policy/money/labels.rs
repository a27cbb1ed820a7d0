//! Words beside a price that say what it is: the whole sum, a part of it, the price of one, or a member of an object.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::super::text::places;
use super::currency::{self, Currency};

/// How far a label may stand from its number, in bytes.
const LABEL_REACH: usize = 32;
/// How far from its number the currency of the same object is looked for, in bytes.
const SIBLING_REACH: usize = 256;

/// Words that make the price after them the whole sum. Lower case, whole words.
#[rustfmt::skip]
const TOTALS: &[&str] = &[
    "total", "amount due", "balance due", "to pay", "pay", "place order", "place your order", "buy now", "you owe",
    "grandtotal", "ordertotal", "totalamount", "totalprice", "totalcost", "totaldue", "amountdue",
    "gesamt", "gesamtsumme", "gesamtbetrag", "gesamtpreis", "gesamtkosten", "summe", "bestellsumme", "rechnungssumme",
    "zu zahlen", "zahlbetrag", "endbetrag", "rechnungsbetrag", "endsumme",
    "à payer", "montant dû", "montant de la commande", "net à régler",
    "importe", "a pagar",
    "totale", "da pagare", "importo",
    "valor a pagar", "valor final",
    "合計", "総額", "総計", "支払", "請求額", "お会計",
    "总计", "合计", "总额", "总价", "总金额", "应付", "实付", "總計", "總額", "總價", "應付", "實付",
];
/// Words that name a part of the sum, or another sum than what is paid, even behind one of [`TOTALS`].
#[rustfmt::skip]
const PARTS: &[&str] = &[
    "subtotal", "sub-total", "sub total", "zwischensumme", "zwischengesamt", "sous-total", "total ht", "total hors taxe",
    "importe unitario", "importe parcial", "subtotale", "importo unitario", "importo parziale", "totale parziale", "小計", "小计",
    "saving", "savings", "save", "saves", "saved", "discount", "discounts", "off", "point", "points", "credit", "credits",
    "deposit", "fee", "fees", "shipping", "delivery", "handling", "tax", "taxes", "tip", "coupon", "voucher", "gift card",
    "cashback", "cash back", "rebate", "reward", "rewards", "refund", "down payment", "installment", "instalment", "without",
    "rabatt", "ersparnis", "versand", "versandkosten", "gutschein", "guthaben", "anzahlung", "gebühr", "gebühren", "steuer",
    "remise", "livraison", "frais", "acompte", "avoir", "descuento", "envío", "ahorro", "anticipo", "sconto", "spedizione",
    "acconto", "risparmio", "desconto", "frete", "entrada", "送料", "割引", "ポイント", "手数料", "运费", "優惠", "优惠", "定金", "积分",
];
/// Words that may stand between a price and one of [`PARTS`] behind it.
const BETWEEN: &[&str] = &["in", "of", "for", "as", "worth", "a", "the"];
/// Words after a price that make it the whole sum. Lower case.
#[rustfmt::skip]
const TOTALS_AFTER: &[&str] = &[
    " total", " in total", " altogether", " all in", " gesamt", " insgesamt", " au total", " ttc", " en total", " in totale",
    " no total", " ao todo",
];
/// Words after a price that make it the price of one. Lower case.
#[rustfmt::skip]
const EACH: &[&str] = &[
    " each", " apiece", " a piece", " per item", " per unit", " per piece", " per person", "/each", "/ea", " ea", "/unit",
    "/item", "/pc", "/stück", " pro stück", " je stück", " das stück", " pro person", " l'unité", " la pièce",
    " chacun", " chacune", " par unité", " par personne", " cada uno", " cada una", " la unidad", " por unidad", " por persona",
    " ciascuno", " ciascuna", " l'uno", " al pezzo", " cada", " por pessoa", "/個", "/个", "每个", "每件",
];

/// Last words of members that hold amounts: `amount`, `totalPrice`, `shipping_cost`. Lower case.
#[rustfmt::skip]
const MEMBERS: &[&str] = &[
    "amount", "price", "total", "subtotal", "bid", "budget", "due", "payable", "owed", "bill", "rent", "donation", "tip", "cost", "fee", "sum", "payment", "charge", "deposit", "fare",
    "betrag", "preis", "gesamt", "summe", "kosten", "montant", "prix", "importe", "precio", "importo", "prezzo", "totale",
    "valor", "preço", "preco", "金額", "価格", "合計", "金额", "价格", "总价",
];

/// Whether the last label on the same line before `start` names a whole sum.
pub(super) fn is_total(text: &str, floor: usize, start: usize) -> bool {
    let near = text[near(text, floor, start, LABEL_REACH)..start].to_lowercase();
    let line = near.rsplit('\n').next().unwrap_or_default();
    match last_ends(line) {
        (Some(total), Some(part)) => total > part,
        (total, _) => total.is_some(),
    }
}

/// Where the last of [`TOTALS`] and the last of [`PARTS`] in `line` end that are no part of another word. All are looked for at
/// once: a line has few of them or none.
fn last_ends(line: &str) -> (Option<usize>, Option<usize>) {
    static LABELS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(TOTALS.iter().chain(PARTS)).ok());
    let Some(labels) = LABELS.as_ref() else {
        let last = |words: &[&str]| words.iter().filter_map(|word| last_end(line, word)).max();
        return (last(TOTALS), last(PARTS));
    };
    let (mut total, mut part) = (None, None);
    for found in labels.find_overlapping_iter(line).filter(|found| is_whole(line, found.range())) {
        let last = if found.pattern().as_usize() < TOTALS.len() { &mut total } else { &mut part };
        *last = (*last).max(Some(found.end()));
    }
    (total, part)
}

/// Where the last `word` in `line` ends that is no part of another word.
fn last_end(line: &str, word: &str) -> Option<usize> {
    let ranges = line.rmatch_indices(word).map(|(at, _)| at..at + word.len());
    ranges.into_iter().find(|range| is_whole(line, range.clone())).map(|range| range.end)
}

/// Whether what stands at `range` of `line` is no part of another word.
fn is_whole(line: &str, range: Range<usize>) -> bool {
    let spaced = |c: char| c.is_alphanumeric() && u32::from(c) < 0x2E80;
    let (before, word, after) = (&line[..range.start], &line[range.clone()], &line[range.end..]);
    !(word.starts_with(spaced) && (before.ends_with(spaced) || after.starts_with(spaced)))
}

/// Whether the words after a price make it a part of the sum: `$10 off`, `$5 shipping`, `$20 in savings`.
pub(super) fn is_part_after(after: &str) -> bool {
    let mut end = after.len().min(64);
    while !after.is_char_boundary(end) {
        end -= 1;
    }
    let line = after[..end].split('\n').next().unwrap_or_default();
    let words = line.split(|c: char| c.is_whitespace() || c == '-').filter(|word| !word.is_empty());
    let mut words = words.take(4).skip_while(|word| BETWEEN.contains(word));
    let Some(word) = words.next().filter(|word| word.starts_with(char::is_alphabetic)) else { return false };
    let word = word.trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    PARTS.contains(&word.as_str()) || ["down", "upfront", "back"].contains(&word.as_str())
}

/// Whether the words after a price make it the whole sum.
pub(super) fn is_total_after(after: &str) -> bool {
    TOTALS_AFTER.iter().any(|word| begins(after, word))
}

/// Whether the words after a price make it the price of one.
pub(super) fn is_each(after: &str) -> bool {
    EACH.iter().any(|word| begins(after, word))
}

/// Whether the words after a price make it the price of a time or a share: `/night`, `per month`, `a week`.
pub(super) fn is_rate(after: &str) -> bool {
    const RATES: &[&str] = &[
        "per ",
        "pro ",
        "par nuit",
        "par mois",
        "por noche",
        "por mes",
        "por mês",
        "al mese",
        "a notte",
        "im monat",
        "monthly",
        "weekly",
        "daily",
        "yearly",
        "nightly",
        "hourly",
        "a night",
        "a month",
        "a week",
        "a day",
        "an hour",
        "a year",
        "a head",
    ];
    let near = after.trim_start_matches([' ', ')']);
    let slash =
        near.strip_prefix('/').is_some_and(|rest| rest.trim_start_matches(' ').starts_with(char::is_alphabetic));
    slash || RATES.iter().any(|word| begins(near, word))
}

/// Whether the last words before a price make it the price of one.
pub(super) fn is_unit_label(text: &str, floor: usize, start: usize) -> bool {
    #[rustfmt::skip]
    const UNITS: &[&str] = &[
        "unit price", "unit cost", "unitprice", "unit_price", "price per", "each", "apiece", "einzelpreis", "stückpreis",
        "prix unitaire", "precio unitario", "prezzo unitario", "preço unitário", "単価", "单价", "每个", "每件",
    ];
    let near = text[near(text, floor, start, LABEL_REACH)..start].to_lowercase();
    UNITS.iter().any(|word| places(&near, word).next().is_some() && last_end(&near, word).is_some())
}

/// A member of an object or a named argument that a number is the value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) currency: Option<Currency>,
    pub(crate) total: bool,
    /// Whether it is told in hundredths: `amount_cents`.
    pub(crate) hundredths: bool,
}

/// Whether a member of this name holds an amount.
pub(crate) fn is_amount(name: &str) -> bool {
    let (stem, _, _) = unit(name);
    let last = lower(last_word(stem));
    MEMBERS.iter().any(|member| *member == last)
}

/// The name in lower case; hardly one has to be copied for that.
fn lower(name: &str) -> Cow<'_, str> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
}

/// Whether a member of this name holds an amount if its object tells a currency, or if a number without quotes is its value.
pub(crate) fn may_be_amount(name: &str) -> bool {
    matches!(&*lower(last_word(name)), "value" | "number" | "net" | "gross" | "units" | "bid")
}

/// Whether a member of this name says how many there are.
pub(crate) fn is_quantity(name: &str) -> bool {
    #[rustfmt::skip]
    let known = ["quantity", "qty", "quantité", "menge", "anzahl", "cantidad", "quantità", "quantidade", "nights", "数量", "個数"];
    known.contains(&&*lower(last_word(name)))
}

/// Whether a member of this name holds the sum of all that is counted.
pub(crate) fn is_sum(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["total", "sum", "gesamt", "合計", "总价", "payment", "due", "budget"].iter().any(|word| lower.contains(word))
}

/// `amount` of `amount_usd` and `amount_cents`, with the currency and whether it is told in hundredths.
pub(crate) fn unit(name: &str) -> (&str, Option<Currency>, bool) {
    if name.len() > 100 {
        return (name, None, false);
    }
    let last = last_word(name);
    let stem = name[..name.len() - last.len()].trim_end_matches(['_', '-']);
    if stem.is_empty() {
        return (name, None, false);
    }
    let lower = last.to_lowercase();
    if matches!(lower.as_str(), "cents" | "cent" | "pence" | "minor") {
        let (stem, currency, _) = unit(stem);
        return (stem, currency, true);
    }
    match Currency::from_code(&last.to_ascii_uppercase()) {
        Some(currency) => {
            let (stem, _, hundredths) = unit(stem);
            (stem, Some(currency), hundredths)
        }
        None => (name, None, false),
    }
}

/// Whether a member of this name holds the code or sign of a currency.
pub(crate) fn is_currency(name: &str) -> bool {
    let lower = lower(name);
    [
        "currency",
        "currency_code",
        "currencycode",
        "ccy",
        "währung",
        "devise",
        "moneda",
        "valuta",
        "moeda",
        "通貨",
        "货币",
    ]
    .iter()
    .any(|known| *known == lower)
}

/// The currency that a value such as `EUR`, `eur` or `€` names.
pub(crate) fn named(value: &str) -> Option<Currency> {
    let value = value.trim();
    let code = Currency::from_code(&value.to_ascii_uppercase());
    code.or_else(|| currency::leading(value).filter(|mark| mark.len == value.len()).and_then(|mark| mark.currency))
}

/// What the number at `start..end` is the value of: `"amount": 150.0`, `amount=150`, or a line `amount: 150`.
pub(super) fn member(text: &str, start: usize, end: usize) -> Option<Member> {
    let before = text[..start].trim_end_matches(['"', '\'']);
    let quoted = before.len() < start;
    let unspaced = before.trim_end_matches(' ');
    let sign = unspaced.chars().next_back().filter(|c| matches!(c, ':' | '=' | '：'))?;
    let named = unspaced[..unspaced.len() - sign.len_utf8()].trim_end_matches(' ');
    let name = named.trim_end_matches(['"', '\'']);
    let is_json = name.len() < named.len();
    let from = near(name, 0, name.len(), 48);
    let at = name[from..]
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
        .map_or(from, |at| from + at + name[from + at..].chars().next().map_or(1, char::len_utf8));
    let name = &name[at..];
    let after = text[end..].trim_start_matches(['"', '\'']).trim_start_matches(' ');
    let ends = after.is_empty() || after.starts_with(['\n', '}', ')', ']']);
    let (stem, own, hundredths) = unit(name);
    if stem.eq_ignore_ascii_case("bid") && quoted && sibling(text, at, end).is_none() {
        // A page's element, which is a text of digits.
        return None;
    }
    if name.is_empty() || !is_amount(name) || !(is_json || quoted || sign == '=' || ends) {
        return None;
    }
    let total = matches!(last_word(stem).to_lowercase().as_str(), "total" | "totale" | "gesamt" | "合計" | "总价");
    // Without a currency a "total" may be of anything: results, pages.
    let currency = own.or_else(|| sibling(text, at, end));
    Some(Member { currency, total: total && currency.is_some(), hundredths })
}

/// The currency named in the same object or call, not far away.
fn sibling(text: &str, start: usize, end: usize) -> Option<Currency> {
    let from = near(text, 0, start, SIBLING_REACH);
    let from = text[from..start].rfind(['{', '(', '[']).map_or(from, |at| from + at);
    let mut to = (end + SIBLING_REACH).min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    let to = text[end..to].find(['}', ')', ']']).map_or(to, |at| end + at);
    let object = &text[from..to];
    let lower = object.to_ascii_lowercase();
    let (at, key) =
        ["currency_code", "currencycode", "currency", "ccy"].iter().find_map(|key| Some((lower.find(key)?, key)))?;
    let rest = object[at + key.len()..].trim_start_matches(['"', '\'', ' ']).strip_prefix([':', '='])?;
    let value = rest.trim_start_matches(['"', '\'', ' ']);
    let length = value.find(['"', '\'', ',', ' ', '}', ')', '\n']).unwrap_or(value.len());
    named(&value[..length])
}

/// `Price` of `totalPrice`, `cost` of `shipping_cost`.
fn last_word(name: &str) -> &str {
    let after = name.rfind(['_', '-']).map_or(0, |at| at + 1);
    let hump = name.char_indices().filter(|(at, c)| *at > after && c.is_uppercase());
    let lower = |at: usize| name[..at].ends_with(char::is_lowercase);
    let hump = hump.filter(|(at, _)| lower(*at)).map(|(at, _)| at).next_back();
    &name[hump.unwrap_or(after)..]
}

/// The place at most `reach` bytes before `start`, not before `floor`.
fn near(text: &str, floor: usize, start: usize, reach: usize) -> usize {
    let mut from = start.saturating_sub(reach).max(floor);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    from
}

fn begins(text: &str, word: &str) -> bool {
    // Most do not, as their first letters tell.
    if let (Some(first), Some(other)) = (text.bytes().next(), word.bytes().next())
        && first.is_ascii()
        && !first.eq_ignore_ascii_case(&other)
    {
        return false;
    }
    let Some(head) = text.get(..word.len()) else { return false };
    (head.eq_ignore_ascii_case(word) || (!head.is_ascii() && head.to_lowercase() == word))
        && !(word.ends_with(char::is_alphabetic) && text[word.len()..].starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    proptest! {
        #[test]
        fn what_begins_with_a_word_does_so_whatever_its_first_letter(
            (word, text) in (select([EACH, TOTALS_AFTER, &["per ", "par nuit"]].concat()), "\\PC{0,3}").prop_flat_map(|(word, rest)| {
                let changed = [word.to_owned(), word.to_uppercase(), word.replace('k', "\u{212a}"), String::new()];
                (Just(word), select(changed.map(|word| format!("{word}{rest}")).to_vec()))
            }),
        ) {
            let head = text.get(..word.len());
            let same = head.is_some_and(|head| head.eq_ignore_ascii_case(word) || (!head.is_ascii() && head.to_lowercase() == word));
            let ends = !(word.ends_with(char::is_alphabetic) && text.get(word.len()..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric)));
            prop_assert_eq!(begins(&text, word), same && ends);
        }
    }
}
