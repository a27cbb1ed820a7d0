//! Money: exact amounts in a currency, and how they are written.
//!
//! A number is kept as millionths in an `i128`, so that every amount with up to six decimals is exact; it is never a float.
//! Nothing here converts between currencies.

pub mod currency;
mod joined;
pub(crate) mod labels;
pub mod number;
mod plain;
mod quantity;
pub mod reader;
mod spelled;

use std::cmp::Ordering;
use std::fmt;

pub use currency::Currency;
pub use reader::{Price, read};

/// A non-negative decimal number with at most 18 digits before and 6 after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(i128);

impl Number {
    /// Millionths in one.
    const ONE: i128 = 1_000_000;

    /// The number of `units` wholes and `millionths` (0 to 999 999) more.
    #[must_use]
    pub fn new(units: u64, millionths: u32) -> Self {
        Self(i128::from(units) * Self::ONE + i128::from(millionths.min(999_999)))
    }

    /// This number times `factor`; `None` beyond 18 digits.
    #[must_use]
    pub fn times(self, factor: u64) -> Option<Self> {
        let product = self.0.checked_mul(i128::from(factor))?;
        (product < 1_000_000_000_000_000_000 * Self::ONE).then_some(Self(product))
    }

    /// A hundredth of this number, rounded up.
    #[must_use]
    pub fn hundredth(self) -> Self {
        Self((self.0 + 99) / 100)
    }

    /// The sum; 18 digits at most, beyond which it stays there.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self((self.0 + more.0).min(1_000_000_000_000_000_000 * Self::ONE - 1))
    }

    /// The number as an operator would type it, with at least `digits` (0 to 6) decimals and no grouping. Three decimals that
    /// `digits` does not ask for are shown as four: they would be read as a group of digits, a thousand times as much.
    #[must_use]
    pub fn display(self, digits: usize) -> String {
        let (whole, millionths) = (self.0 / Self::ONE, self.0 % Self::ONE);
        let fraction = format!("{millionths:06}");
        let needed = match fraction.trim_end_matches('0').len().max(digits.min(6)) {
            3 if digits != 3 => 4,
            needed => needed,
        };
        if needed == 0 { whole.to_string() } else { format!("{whole}.{}", &fraction[..needed]) }
    }
}

/// An exact amount in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// How much.
    pub number: Number,
    /// Of what.
    pub currency: Currency,
}

/// A text that is not an amount such as `500 USD`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadMoney(String);

impl Money {
    /// Reads a limit of the configuration: one amount with its currency, such as `500 USD` or `1,299.00 EUR`.
    ///
    /// # Errors
    ///
    /// When the text is anything but one readable amount in a currency that is known.
    pub fn parse(text: &str) -> Result<Self, BadMoney> {
        let prices = read(text);
        let [price] = prices.as_slice() else {
            return Err(BadMoney("one amount with a currency, such as \"500 USD\"".to_owned()));
        };
        if price.words.trim() != text.trim() {
            return Err(BadMoney("nothing but an amount with a currency, such as \"500 USD\"".to_owned()));
        }
        let Some(number) = price.number else {
            return Err(BadMoney("a number such as 1299.00".to_owned()));
        };
        let Some(currency) = price.currency else {
            return Err(BadMoney("the ISO code of a currency, such as \"500 USD\"".to_owned()));
        };
        Ok(Self { number, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number.display(self.currency.exponent()), self.currency)
    }
}

impl PartialOrd for Money {
    /// Amounts of different currencies have no order.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.number.cmp(&other.number))
    }
}

#[cfg(test)]
mod tests;
