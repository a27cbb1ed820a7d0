//! Prices in text: bounded in number, their words taken from the text, and exact amounts read back as they are shown.
#![no_main]

use holdpoint::policy::money::{self, Money};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let prices = money::read(text);
    assert!(prices.len() <= 32, "more prices than are kept");
    for price in &prices {
        let (Some(number), Some(currency)) = (price.number, price.currency) else { continue };
        let money = Money { number, currency };
        let shown = money.to_string();
        if shown.len() <= 30 {
            assert_eq!(Money::parse(&shown), Ok(money), "shown as {shown:?}, read from {:?}", price.words);
        }
    }
    // An amount that stands clear of the text is read whatever the text is.
    let also = money::read(&format!("{text}\n\nThe total is 123.45 EUR.\n"));
    let clear = Money::parse("123.45 EUR").expect("an amount");
    let over =
        |price: &money::Price| price.number.is_none_or(|number| number >= clear.number) || price.currency.is_none();
    assert!(also.iter().any(over), "an amount is hidden by what stands before it: {also:?}");
});
