use proptest::prelude::*;

use super::*;

fn one(text: &str) -> (Option<String>, Option<String>) {
    let prices = read(text);
    assert_eq!(prices.len(), 1, "{text:?}: {prices:?}");
    let digits = prices[0].currency.map_or(2, |currency| currency.exponent());
    (prices[0].number.map(|n| n.display(digits)), prices[0].currency.map(|c| c.code().to_owned()))
}

fn amount(number: &str, currency: &str) -> (Option<String>, Option<String>) {
    (Some(number.to_owned()), Some(currency.to_owned()))
}

#[test]
fn both_decimal_conventions_and_all_common_spellings_are_read() {
    for (text, number, currency) in [
        ("$1,299.00", "1299.00", "USD"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("1 299,00 EUR", "1299.00", "EUR"),
        ("$1,299", "1299.00", "USD"),
        ("USD 410", "410.00", "USD"),
        ("410 dollars", "410.00", "USD"),
        ("€ 12", "12.00", "EUR"),
        ("12,50 €", "12.50", "EUR"),
        ("1'299.00 CHF", "1299.00", "CHF"),
        ("¥12,000", "12000", "JPY"),
        ("\u{ff04}\u{ff11}\u{ff12}", "12.00", "USD"),
        ("12\u{a0}500,00 €", "12500.00", "EUR"),
        ("KWD 12.500", "12.500", "KWD"),
        ("₹1,29,900", "129900.00", "INR"),
        ("$1.5k", "1500.00", "USD"),
        ("2 million dollars", "2000000.00", "USD"),
        ("CA$20", "20.00", "CAD"),
        ("price: 3000円です", "3000", "JPY"),
        ("for 49,99€.", "49.99", "EUR"),
        ("It costs $19.99, fine", "19.99", "USD"),
        ("EUR1.299", "1299.00", "EUR"),
    ] {
        assert_eq!(one(text), amount(number, currency), "{text:?}");
    }
}

#[test]
fn a_price_that_is_there_but_cannot_be_read_has_words_and_no_number() {
    for text in ["$1.2.3,4", "USD 12,34,5", "five hundred dollars", "$12345678901234567890"] {
        assert_eq!(one(text).0, None, "{text:?}");
    }
}

#[test]
fn numbers_that_are_no_prices_are_left_alone() {
    for text in
        ["click(\"148\")", "try 3 times", "bid a240", "step 12 of 20", "total 5 items", "2026-11-23", "won 3 games"]
    {
        assert_eq!(read(text), Vec::new(), "{text:?}");
    }
}

#[test]
fn the_total_is_told_from_parts_of_it() {
    let totals = |text: &str| -> Vec<String> { read(text).into_iter().filter(|p| p.total).map(|p| p.words).collect() };
    assert_eq!(totals("Subtotal $400.00, shipping $10.00, order total: $410.00"), ["$410.00"]);
    assert_eq!(totals("Zwischensumme 10,00 €\nGesamt 12,00 €"), ["12,00 €"]);
    assert_eq!(totals("Place Order $20.73"), ["$20.73"]);
    assert_eq!(totals("that is $499 in total"), ["$499"]);
    assert_eq!(totals("Order total: 410.00"), ["410.00"]);
}

#[test]
fn a_total_or_a_large_price_cannot_be_hidden_behind_many_others() {
    let text = format!("$900 {} total $7 {}", "$1 ".repeat(2_000), "$2 ".repeat(2_000));
    let prices = read(&text);
    assert_eq!(prices.len(), 32);
    assert!(prices.iter().any(|p| p.words == "$900") && prices.iter().any(|p| p.total && p.words == "$7"));
    let giant = format!("pay ${}", "1".repeat(100_000));
    assert_eq!(read(&giant).iter().map(|p| (p.number, p.words.len())).collect::<Vec<_>>(), [(None, 100)]);
}

#[test]
fn limits_are_one_amount_with_a_clear_currency() {
    assert_eq!(Money::parse("500 USD").unwrap().to_string(), "500.00 USD");
    assert_eq!(Money::parse("12000 JPY").unwrap().to_string(), "12000 JPY");
    for text in ["500", "lots", "500 kr", "500 USD or so", "1.2.3,4 USD", "500 USDX", ""] {
        assert!(Money::parse(text).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn what_is_written_plainly_is_read_exactly(units in 0u64..1_000_000_000_000, cents in 0u32..100) {
        let number = Number::new(units, cents * 10_000);
        let text = format!("USD {units}.{cents:02}");
        prop_assert_eq!(read(&text)[0].number, Some(number));
    }

    #[test]
    fn grouping_and_decimal_comma_do_not_change_the_number(units in 0u64..1_000_000_000_000, cents in 0u32..100) {
        let number = Number::new(units, cents * 10_000);
        let grouped = |separator: &str| {
            let digits = units.to_string();
            let first = digits.len() % 3;
            let mut groups: Vec<String> =
                digits.as_bytes()[first..].chunks(3).map(|c| String::from_utf8(c.to_vec()).unwrap()).collect();
            if first > 0 { groups.insert(0, digits[..first].to_owned()); }
            groups.join(separator)
        };
        for text in [
            format!("{}.{cents:02} USD", grouped(",")), format!("{},{cents:02} USD", grouped(".")),
            format!("{},{cents:02} USD", grouped(" ")), format!("{}.{cents:02} USD", grouped("'")),
        ] {
            prop_assert_eq!(read(&text)[0].number, Some(number), "{}", text);
        }
    }

    #[test]
    fn a_number_displays_as_what_it_was_read_from(units in 0u64..1_000_000_000, millionths in 0u32..1_000_000) {
        let number = Number::new(units, millionths);
        prop_assert_eq!(number::parse(&number.display(2), true), Some(number));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[$€0-9., 'k’\u{a0}a-cUSD１\n]{0,60}") {
        let _ = read(&text);
        let _ = Money::parse(&text);
    }
}
