//! `payment_data`: the agent handles data of a payment card or a bank account.
//!
//! Told by the data itself (a card number with a valid check digit, a valid IBAN) and by phrases for entering it ("entering
//! the card number", "type CVV 123"). The words it reports have every digit but the last four of a card number hidden.

use super::clause::{has_any, lines, sentence};
use super::family::{Family, Verbs, is_act};
use super::foreign;
use super::tool::Tools;
use super::{Cue, CueHit, Facts, Found, cues as cues_of, plain_cues};
use crate::policy::text::Folded;

/// What payment data is called.
#[rustfmt::skip]
const THINGS: &[&str] = &[
    "card number", "credit card", "debit card", "card details", "card information", "card info", "payment details",
    "payment information", "cvv", "cvv2", "cvc", "cvc2", "card security code", "card verification", "iban",
    "account number", "routing number", "sort code", "card expiry", "expiry date", "expiration date",
    "card expiration", "name on card", "cardholder name", "expiry date and security code", "billing information", "bank details", "bank account",
];

/// The same in other languages, with the verb.
#[rustfmt::skip]
const FOREIGN_THINGS: &[&str] = &[
    "kartennummer", "kreditkarte", "kreditkartennummer", "kreditkartendaten",
    "prüfziffer", "kontonummer", "carte bancaire", "numéro de carte", "carte de crédit", "cryptogramme",
    "número de tarjeta", "tarjeta de crédito", "tarjeta de débito", "código de seguridad", "numero della carta",
    "numero di carta", "carta di credito", "número do cartão", "cartão de crédito", "código de segurança",
    "カード番号", "クレジットカード", "セキュリティコード", "卡号", "信用卡", "银行卡", "安全码",
];

/// Words for putting data into a form, in other languages.
#[rustfmt::skip]
const ENTERING: &[&str] = &[
    "gebe", "eingeben", "trage", "eintragen", "saisir", "saisis", "je saisis", "entrer", "remplir", "introducir", "introduzco", "escribir",
    "ingresar", "ingreso", "rellenar", "inserire", "inserisco", "digitare", "compilare", "inserir", "digitar",
    "digito", "preencher", "preencho",
];

const FAMILY: Family = Family {
    buttons: &["save card", "add card", "add payment method", "save payment method"],
    labels: &[],
    doings: &[],
    acts: &[Verbs {
        plain: &["enter", "type", "fill", "fill in", "fill out", "input", "provide", "paste", "submit", "add"],
        doing: &["entering", "typing", "filling", "inputting", "providing", "pasting", "submitting", "adding"],
        objects: THINGS,
        not: &["page", "cart", "passenger"],
    }],
    needs: false,
    tools: &[Tools {
        verbs: &["add", "set", "update", "save", "enter", "create"],
        objects: &["card", "iban"],
        not: &["cart", "board", "flash", "list"],
    }],
    foreign_buttons: &[],
    foreign_doings: &[],
};

/// A thing, named in an act: its value may stand beside it.
const THING: u8 = 100;
/// A thing in another language.
const FOREIGN: u8 = 101;

pub(super) fn cues() -> Vec<Cue> {
    [FAMILY.cues(), cues_of(THING, THINGS), plain_cues(FOREIGN, FOREIGN_THINGS)].concat()
}

pub(super) fn find(facts: &Facts<'_>, cues: &[CueHit]) -> Option<Found> {
    let own: Vec<CueHit> = cues.iter().filter(|cue| cue.tag < THING).cloned().collect();
    // Most texts have too few digits for either.
    let digits = facts.folded.as_str().bytes().filter(u8::is_ascii_digit).count();
    let card = || (digits >= CARD_DIGITS).then(|| card_number(facts.folded)).flatten();
    let iban = || (digits >= IBAN_DIGITS && is_act(facts.kind)).then(|| iban(facts.folded.as_str())).flatten();
    card().or_else(iban).map(Found::Words).or_else(|| FAMILY.find(facts, &own)).or_else(|| {
        cues.iter().find_map(|cue| {
            let sentence = sentence(facts.folded, &cue.range);
            let text = &facts.folded.as_str()[sentence.clone()];
            let found = (cue.tag == THING && valued(facts, cue)) || (cue.tag == FOREIGN && entered(facts, cue, text));
            found.then_some(Found::At(sentence))
        })
    })
}

/// The fewest digits of a card number.
const CARD_DIGITS: usize = 13;
/// The fewest digits of an IBAN: two that check the rest, and eight.
const IBAN_DIGITS: usize = 10;

/// Whether an act names a thing with a value beside it: digits among the next few characters.
fn valued(facts: &Facts<'_>, cue: &CueHit) -> bool {
    let near = facts.folded.as_str()[cue.range.end..].chars().take(24).take_while(|c| !c.is_alphabetic());
    is_act(facts.kind) && near.filter(char::is_ascii_digit).count() >= 3
}

/// Whether the sentence puts the thing into a form.
fn entered(facts: &Facts<'_>, cue: &CueHit, sentence: &str) -> bool {
    let unspaced = !facts.folded.as_str()[cue.range.clone()].chars().any(super::super::text::continues_word);
    let entering = has_any(sentence, ENTERING)
        || (unspaced && ["入力", "输入", "填写"].iter().any(|word| sentence.contains(word)));
    (entering || valued(facts, cue)) && !foreign::takes_back(sentence)
}

/// A card number: 13 to 19 digits in groups that stand side by side, which begin like a card number and have a valid check
/// digit; hidden but for its last four. Lines are never joined.
fn card_number(folded: &Folded) -> Option<String> {
    lines(folded).find_map(|line| {
        let groups = groups(&folded.as_str()[line]);
        (0..groups.len()).find_map(|from| {
            let mut digits = Vec::new();
            for (n, group) in groups[from..].iter().enumerate() {
                if n > 0 && !group.joined {
                    break;
                }
                digits.extend_from_slice(&group.digits);
                if digits.len() > 19 {
                    break;
                }
                if is_card_number(&digits) {
                    let last: String =
                        digits[digits.len() - 4..].iter().map(|digit| char::from(b'0' + digit)).collect();
                    return Some(format!("card number ending in {last}"));
                }
            }
            None
        })
    })
}

/// Digits without anything between them.
struct Group {
    digits: Vec<u8>,
    /// Whether nothing but a joint stands between it and the group before.
    joined: bool,
}

/// The groups of digits of a line that are no part of a word or an identifier. Of long ones only the beginning is kept.
fn groups(line: &str) -> Vec<Group> {
    let bytes = line.as_bytes();
    let (mut groups, mut at, mut end) = (Vec::new(), 0, None);
    // An account number that begins with a country goes on in groups, too.
    let mut account: Option<usize> = None;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let len = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + len).copied();
        let inside = before.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            || after.is_some_and(|byte| byte.is_ascii_alphabetic());
        let country = len == 2 && at >= 2 && bytes[at - 2..at].iter().all(u8::is_ascii_alphabetic);
        let of_account = country || account.is_some_and(|end| &bytes[end..at] == b" " || &bytes[end..at] == b"-");
        account = of_account.then_some(at + len);
        let inside = (inside && len < 13) || of_account;
        let joint = !of_account
            && end.is_some_and(|end: usize| matches!(&bytes[end..at], b" " | b"-" | b"." | b"/" | b"_" | b", " | b","));
        let path = before == Some(b'/') && !joint;
        if (!inside || joint) && !path {
            groups.push(Group {
                digits: bytes[at..at + len.min(20)].iter().map(|byte| byte - b'0').collect(),
                joined: joint,
            });
            end = Some(at + len);
        } else {
            end = None;
        }
        at += len;
    }
    groups
}

fn is_card_number(digits: &[u8]) -> bool {
    let issuer = matches!(digits.first(), Some(2..=6));
    let varied = digits.iter().any(|digit| Some(digit) != digits.first());
    (CARD_DIGITS..=19).contains(&digits.len()) && issuer && varied && luhn(digits)
}

/// The check of ISO/IEC 7812-1.
fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| u32::from(if n % 2 == 1 { doubled(*digit) } else { *digit }))
        .sum();
    sum.is_multiple_of(10)
}

/// An IBAN with a valid check number (ISO 13616), in groups of four or not; hidden but for its country and last four.
fn iban(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let begins = |at: usize| {
        let head = bytes.get(at..at + 4).unwrap_or_default();
        let fresh = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        fresh
            && head.len() == 4
            && head[..2].iter().all(u8::is_ascii_lowercase)
            && head[2..].iter().all(u8::is_ascii_digit)
    };
    (0..bytes.len()).filter(|at| begins(*at)).find_map(|at| {
        let compact = compact(&bytes[at..]);
        let valid = (15..=compact.len().min(34)).rev().find(|len| is_iban(&compact[..*len]))?;
        let last = std::str::from_utf8(&compact[valid - 4..valid]).ok()?;
        let country = std::str::from_utf8(&compact[..2]).ok()?;
        Some(format!("IBAN {} … {last}", country.to_uppercase()))
    })
}

/// Up to 34 letters and digits, single spaces between groups of four left out.
fn compact(run: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (n, byte) in run.iter().enumerate() {
        let joint =
            matches!(byte, b' ' | b'-') && out.len() % 4 == 0 && run.get(n + 1).is_some_and(u8::is_ascii_alphanumeric);
        if byte.is_ascii_alphanumeric() && out.len() < 34 {
            out.push(*byte);
        } else if !joint {
            break;
        }
    }
    out
}

fn is_iban(compact: &[u8]) -> bool {
    let (head, rest) = compact.split_at(4);
    let remainder = rest.iter().chain(head).fold(0u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte - b'a') + 10) % 97,
    });
    remainder == 1 && rest.iter().filter(|byte| byte.is_ascii_digit()).count() >= IBAN_DIGITS - 2
}

#[cfg(test)]
mod tests {
    use super::super::tests::{expect, fires, words};
    use super::*;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::PaymentData;

    #[test]
    fn valid_numbers_fire_and_are_reported_hidden() {
        for (text, reported) in [
            ("type 4111 1111 1111 1111 into field 7", "card number ending in 1111"),
            ("fill(card, \"5500-0000-0000-0004\")", "card number ending in 0004"),
            ("４１１１１１１１１１１１１１１１", "card number ending in 1111"),
            ("pay to DE89 3704 0044 0532 0130 00 today", "IBAN DE … 3000"),
            ("4111 1111 1111 1111 12/26 123", "card number ending in 1111"),
            ("4111111111111111\n123", "card number ending in 1111"),
            ("step 7 4111 1111 1111 1111", "card number ending in 1111"),
            ("fill(number=4111111111111111)", "card number ending in 1111"),
            ("4111.1111.1111.1111", "card number ending in 1111"),
            ("GB82WEST12345698765432", "IBAN GB … 5432"),
        ] {
            assert_eq!(words(PaymentData, &Step, text).as_deref(), Some(reported), "{text:?}");
        }
    }

    #[test]
    fn other_numbers_do_not_fire() {
        for text in [
            "order 4111 1111 1111 1112",
            "id 1234567890123456",
            "0000000000000000",
            "2026-11-23 15:03:59",
            "tel 030 12345678",
            "DE89 3704 0044 0532 0130 01",
            "uuid 3b1f0c1e-4111-4111-8111-111111111111",
            "https://x.test/a/4111111111111111",
        ] {
            assert!(!fires(PaymentData, &Thought, text), "{text:?}");
        }
    }

    #[test]
    fn entering_payment_data_fires_and_reading_about_it_does_not() {
        expect(
            PaymentData,
            &Thought,
            true,
            &[
                "Entering the card number now",
                "I will type the CVV into the form",
                "fill in the expiry date and security code",
                "Ich gebe die Kartennummer ein",
                "Je saisis le numéro de carte",
                "Introduzco el número de tarjeta",
                "Inserisco il numero della carta",
                "Vou preencher o número do cartão",
                "カード番号を入力します",
                "输入信用卡卡号",
            ],
        );
        expect(
            PaymentData,
            &Thought,
            false,
            &[
                "The page asks for a card number",
                "I should not enter the card number",
                "paid by credit card",
                "The saved credit card is selected",
            ],
        );
        assert!(fires(PaymentData, &Step, "cvv: 123") && !fires(PaymentData, &Step, "open payment details"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_told_has_the_digits_for_it(raw in "([4-5]{1,4}[ -]?|DE|de|[0-9]{1,4}|11 ?|[a-z ]){0,14}") {
            let folded = Folded::new(&raw);
            let digits = folded.as_str().bytes().filter(u8::is_ascii_digit).count();
            proptest::prop_assert!(card_number(&folded).is_none() || digits >= CARD_DIGITS);
            proptest::prop_assert!(iban(folded.as_str()).is_none() || digits >= IBAN_DIGITS);
        }
    }
}
