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
        ("500 US dollars", "500.00", "USD"),
        ("500 Canadian dollars", "500.00", "CAD"),
        ("20 Swiss francs", "20.00", "CHF"),
        ("300 Japanese yen", "300", "JPY"),
        ("12 Euro", "12.00", "EUR"),
        ("2,5 Mio. €", "2500000.00", "EUR"),
        ("€ 3 Mio.", "3000000.00", "EUR"),
        ("12 tausend Euro", "12000.00", "EUR"),
        ("3 millones de euros", "3000000.00", "EUR"),
        ("1,5 million d'euros", "1500000.00", "EUR"),
        ("₹12 lakh", "1200000.00", "INR"),
        ("Rs. 1,00,00,000", "10000000.00", "INR"),
        ("CHF 1’299.–", "1299.00", "CHF"),
        ("1 299,50 €", "1299.50", "EUR"),
        ("1\u{202f}299,50 €", "1299.50", "EUR"),
        ("\u{661}\u{662}\u{66b}\u{665} USD", "12.50", "USD"),
        ("\u{967}\u{968},\u{969}\u{96a}\u{96b} INR", "12345.00", "INR"),
        ("\u{6f1}\u{66c}\u{6f2}\u{6f9}\u{6f9} EUR", "1299.00", "EUR"),
        ("1万2千円", "12000", "JPY"),
        ("3億円", "300000000", "JPY"),
        ("99.8元", "99.80", "CNY"),
        ("12€50", "12.50", "EUR"),
        ("USD 1.5e3", "1500.00", "USD"),
        ("1\u{200b}299 USD", "1299.00", "USD"),
        ("$1\u{2060},299.00", "1299.00", "USD"),
    ] {
        assert_eq!(one(text), amount(number, currency), "{text:?}");
    }
}

#[test]
fn a_price_that_is_there_but_cannot_be_read_has_words_and_no_number() {
    for text in [
        "$1.2.3,4",
        "USD 12,34,5",
        "five hundred dollars",
        "$12345678901234567890",
        "USD 5e-3",
        "USD 5e99",
        "fünfhundert Euro",
        "quinientos euros",
        "三千円",
        "两百元",
        "cento euro",
        "a thousand US dollars",
        "1千2万円",
    ] {
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
fn a_number_is_never_cut_short() {
    for text in [
        "$10^4",
        "$1_299",
        "$1·299",
        "$1˙299",
        "$1 2 9 9",
        "$½ million",
        "$1<sup>299</sup>",
        "$1½k",
        "$10⁴",
        "1_299 USD",
        "1·299 USD",
        "10^4 USD",
        "1 2 9 9 USD",
        "$2 dozen",
        "$5 hundred thousand",
        "$1...299",
        "$1,2999",
        "$1kk",
        "$1'29",
        "900–10 USD",
        "$1&middot;299",
    ] {
        let prices = read(text);
        assert!(prices.iter().any(|price| price.number.is_none()), "{text:?}: {prices:?}");
    }
    for (text, number) in [
        ("$10–900", "900.00"),
        ("$900-10", "900.00"),
        ("$10 to 900", "900.00"),
        ("$1-2 million", "2000000.00"),
        ("10–900 USD", "900.00"),
        ("$2 grand", "2000.00"),
        ("$1.3 k", "1300.00"),
        ("1.3 k USD", "1300.00"),
    ] {
        assert_eq!(one(text), amount(number, "USD"), "{text:?}");
    }
}

#[test]
fn a_price_is_seen_whatever_stands_between_number_and_currency() {
    for text in [
        "$  1299",
        "$\n1299",
        "$\t1299",
        "1299  USD",
        "USD: 1299",
        "US$: 1,299",
        "(USD) 1299",
        "1299 (USD)",
        "1299,- USD",
        "1299.- USD",
        "$-1299",
        "$**1299**",
        "$ <b>1299</b>",
        "$&nbsp;1299",
        "$US1299",
        "129900 US cents",
        "&#36;1299",
        "<td>$</td><td>1299</td>",
        "amount_usd: 1299",
        "amountUsd=1299",
        "amount_cents_usd=129900",
        "1299\nUSD",
    ] {
        assert_eq!(one(text), amount("1299.00", "USD"), "{text:?}");
    }
    for text in ["amount_due: 4000", "bid: 4000", "budget: 4000", "amount_cents=400000"] {
        assert_eq!(one(text), (Some("4000.00".to_owned()), None), "{text:?}");
    }
    for text in ["All prices in USD:\n1. A lamp\n2. A rug", "(prices in USD) 3 left", "bid=\"148\""] {
        assert_eq!(read(text), Vec::new(), "{text:?}");
    }
    assert_eq!(all("lamp 5 $90").last().map(|price| price.0.clone()), Some("90.00".to_owned()));
    let both: Vec<String> = all("lamp 4000 $1").into_iter().map(|price| price.0).collect();
    assert_eq!(both, ["4000.00", "1.00"]);
}

#[test]
fn the_price_of_one_is_multiplied_by_what_its_sentence_counts_or_is_not_read() {
    for (text, number) in [
        ("buying 10 laptops ($400 each)", "4000.00"),
        ("qty: 10, unit price: $400", "4000.00"),
        ("$49/night for 30 nights", "1470.00"),
        ("$49 per month for 36 months", "1764.00"),
        ("1,200 seats at $3 per user", "3600.00"),
        ("A mug is $8 each. Step 90 is done", "8.00"),
        ("16 GB of memory at $40 each", "40.00"),
    ] {
        assert_eq!(one(text), amount(number, "USD"), "{text:?}");
    }
    for text in ["a dozen at $100 each", "two dozen chairs, $100 apiece", "2.5 tons, $400 per ton"] {
        assert_eq!(one(text).0, None, "{text:?}");
    }
}

#[test]
fn a_label_is_a_whole_word_and_what_is_saved_or_part_of_the_sum_is_no_total() {
    for text in [
        "buying with PayPal $10 off, price $4,000",
        "Payback points: $10. Price $4,000",
        "Totally worth it: $10 off. Price: $4,000",
        "importer fee $10; price $4,000",
        "total savings: $10, price $4,000",
        "subtotal: 4000 USD\ntotal: 10 USD off",
        "buying, total $10 shipping",
        "total: $10 in savings",
        "Gesamtersparnis 10,00 €",
    ] {
        assert_eq!(read(text).into_iter().filter(|price| price.total).collect::<Vec<_>>(), [], "{text:?}");
    }
}

#[test]
fn the_largest_price_of_a_currency_is_not_lost_among_many_of_another() {
    let text = format!("$600 {}", "1000 JPY, ".repeat(100));
    assert!(read(&text).iter().any(|price| price.words == "$600"));
}

fn all(text: &str) -> Vec<(String, String, bool)> {
    let one = |price: Price| {
        let digits = price.currency.map_or(2, |currency| currency.exponent());
        let number = price.number.map_or_else(|| "?".to_owned(), |number| number.display(digits));
        (number, price.currency.map_or_else(String::new, |currency| currency.to_string()), price.total)
    };
    read(text).into_iter().map(one).collect()
}

/// Three decimals read as a group of digits: an operator would see a thousand times as much.
#[test]
fn an_amount_is_never_shown_as_a_thousand_times_as_much() {
    for (written, shown) in [
        ("1.2990 EUR", "1.2990 EUR"),
        ("0.125 USD", "0.1250 USD"),
        ("1.29901 EUR", "1.29901 EUR"),
        ("1.299 KWD", "1.299 KWD"),
        ("12.5 EUR", "12.50 EUR"),
    ] {
        let money = Money::parse(written).expect(written);
        assert_eq!(money.to_string(), shown);
        assert_eq!(Money::parse(shown), Ok(money), "{written}");
    }
}

#[test]
fn quantities_multiply_the_price_of_one() {
    for (text, number) in [
        ("2 x $20", "40.00"),
        ("2x $20", "40.00"),
        ("2 × $20.50", "41.00"),
        ("$20 x 3", "60.00"),
        ("3 @ $4.99", "14.97"),
        ("3 pcs at $4.99 each", "14.97"),
        ("3 pcs at 4.99 each", "14.97"),
        ("3 Stück à 4,99 €", "14.97"),
        ("2 nights at $150", "300.00"),
        ("4 concert at $10 each", "40.00"),
        ("2 billets à 12,50 € chacun", "25.00"),
        ("1000 x 1.000,00 €", "1000000.00"),
    ] {
        let prices = all(text);
        assert_eq!((prices.len(), prices.last().map(|p| p.0.as_str())), (1, Some(number)), "{text:?}: {prices:?}");
    }
    for (text, number) in [
        ("box $20", "20.00"),
        ("step 2: $20", "20.00"),
        ("$20 x-large", "20.00"),
        ("at $20", "20.00"),
        ("Max 5 for $20", "20.00"),
        ("on 3 May at $20", "20.00"),
    ] {
        assert_eq!(all(text).iter().map(|p| p.0.as_str()).collect::<Vec<_>>(), [number], "{text:?}");
    }
}

#[test]
fn totals_are_told_from_unit_prices_and_parts_in_eight_languages() {
    for (text, total) in [
        ("Unit price $10.00, subtotal $20.00, grand total $23.00", "23.00"),
        ("Einzelpreis 10,00 €, Zwischensumme 20,00 €, Gesamtsumme 23,00 €", "23.00"),
        ("Prix unitaire 10,00 €, sous-total 20,00 €, total TTC 23,00 €", "23.00"),
        ("Total HT 20,00 €, net à payer 23,00 €", "23.00"),
        ("Precio unitario 10,00 €, subtotal 20,00 €, importe total 23,00 €", "23.00"),
        ("Prezzo unitario 10,00 €, subtotale 20,00 €, totale 23,00 €", "23.00"),
        ("Preço unitário R$ 10,00, subtotal R$ 20,00, total geral R$ 23,00", "23.00"),
        ("単価 1000円、小計 2000円、合計 2300円", "2300"),
        ("单价 10.00元，小计 20.00元，总计 23.00元", "23.00"),
        ("total: $10 each, that is $23 in total", "23.00"),
    ] {
        let totals: Vec<String> = all(text).into_iter().filter(|price| price.2).map(|price| price.0).collect();
        assert_eq!(totals, [total], "{text:?}: {:?}", all(text));
    }
}

#[test]
fn members_of_objects_and_named_arguments_are_amounts_with_the_currency_beside() {
    let one = |number: &str, currency: &str, total| vec![(number.to_owned(), currency.to_owned(), total)];
    for (text, expected) in [
        (r#"send_money({"amount": 150.0, "currency": "EUR"})"#, one("150.00", "EUR", false)),
        (r#"send_money({"currency": "eur", "recipient": "A", "amount": "150"})"#, one("150.00", "EUR", false)),
        ("send_money(amount=150.5, currency='USD')", one("150.50", "USD", false)),
        ("amount: 150.00 USD", one("150.00", "USD", false)),
        ("amount: 150", one("150.00", "", false)),
        (r#"{"totalPrice": 1299.5}"#, one("1299.50", "", false)),
        (r#"{"order_total": 12, "currency": "GBP"}"#, one("12.00", "GBP", true)),
        (r#"pay({"amount": 1}, {"currency": "EUR"})"#, one("1.00", "", false)),
        ("transfer(amount=1.5e3)", one("1500.00", "", false)),
    ] {
        assert_eq!(all(text), expected, "{text:?}");
    }
    for text in
        [r#"{"count": 7}"#, "total: 5 items found", r#"{"amounts_seen": 3}"#, "click(x=120, y=7)", "price range 1"]
    {
        assert_eq!(all(text), vec![], "{text:?}");
    }
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
fn a_text_of_too_many_prices_is_over_every_limit() {
    assert!(read(&"$1 ".repeat(9_000)).iter().all(|price| price.number.is_some()));
    let prices = read(&format!("{} $900000", "$1 ".repeat(11_000)));
    let unread: Vec<&str> =
        prices.iter().filter(|price| price.number.is_none()).map(|price| price.words.as_str()).collect();
    assert_eq!(unread, ["more than 10000 prices"]);
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
    fn an_amount_in_any_convention_is_read_exactly(amount in amounts(), style in styles()) {
        let text = style.write(&amount);
        let prices = read(&text);
        prop_assert_eq!(prices.len(), 1, "{:?}: {:?}", text, prices);
        prop_assert_eq!(prices[0].number, Some(Number::new(amount.units, amount.cents * 10_000)), "{:?}", text);
        prop_assert_eq!(prices[0].currency.map(|c| c.to_string()), Some(style.code.to_owned()), "{:?}", text);
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

/// An amount of cents, as people write them: the slow and plain way round.
#[derive(Clone, Debug)]
struct Amount {
    units: u64,
    cents: u32,
}

/// How an amount is written.
#[derive(Clone, Debug)]
struct Style {
    group: &'static str,
    point: &'static str,
    lakhs: bool,
    before: &'static str,
    after: &'static str,
    code: &'static str,
    zero: u32,
    around: (&'static str, &'static str),
}

impl Style {
    fn write(&self, amount: &Amount) -> String {
        let digits: Vec<char> = amount.units.to_string().chars().rev().collect();
        let mut whole = String::new();
        for (n, digit) in digits.iter().enumerate() {
            let at_group = if self.lakhs { n == 3 || (n > 3 && n % 2 == 1) } else { n > 0 && n % 3 == 0 };
            if at_group {
                whole.insert_str(0, self.group);
            }
            whole.insert(0, *digit);
        }
        let plain = format!("{whole}{}{:02}", self.point, amount.cents);
        let script = |c: char| c.to_digit(10).and_then(|digit| char::from_u32(self.zero + digit)).unwrap_or(c);
        let number: String = plain.chars().map(script).collect();
        format!("{}{}{number}{}{}", self.around.0, self.before, self.after, self.around.1)
    }
}

fn amounts() -> impl Strategy<Value = Amount> {
    let units = prop_oneof![0u64..100, 0u64..100_000, 0u64..1_000_000_000_000];
    (units, 0u32..100).prop_map(|(units, cents)| Amount { units, cents })
}

fn styles() -> impl Strategy<Value = Style> {
    let convention = prop_oneof![
        Just((",", ".", false)),
        Just((".", ",", false)),
        Just((" ", ",", false)),
        Just(("\u{a0}", ",", false)),
        Just(("\u{202f}", ",", false)),
        Just(("'", ".", false)),
        Just(("’", ".", false)),
        Just((",", ".", true)),
        Just(("", ".", false)),
        Just(("", ",", false)),
    ];
    let marks = prop_oneof![
        Just(("$", "", "USD")),
        Just(("US$ ", "", "USD")),
        Just(("USD ", "", "USD")),
        Just(("", " USD", "USD")),
        Just(("", " US dollars", "USD")),
        Just(("", " €", "EUR")),
        Just(("", "€", "EUR")),
        Just(("€\u{a0}", "", "EUR")),
        Just(("", " Euro", "EUR")),
        Just(("£", "", "GBP")),
        Just(("CHF ", "", "CHF")),
        Just(("Rs. ", "", "INR")),
        Just(("", " Swiss francs", "CHF")),
        Just(("", "元", "CNY")),
        Just(("R$ ", "", "BRL")),
    ];
    let zero = prop_oneof![Just(0x30u32), Just(0xFF10), Just(0x660), Just(0x6F0), Just(0x966)];
    let around = prop_oneof![
        Just(("", "")),
        Just(("It costs ", ".")),
        Just(("(", ")")),
        Just(("Preis: ", ", inkl. MwSt.")),
        Just(("合計", "です")),
    ];
    (convention, marks, zero, around).prop_map(|((group, point, lakhs), (before, after, code), zero, around)| Style {
        group,
        point,
        lakhs,
        before,
        after,
        code,
        zero,
        around,
    })
}
