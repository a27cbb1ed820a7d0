//! Reading requests as the API's description says they look: objects are objects, whole numbers are whole numbers.
//!
//! A field that is not known is refused, by the types themselves: a mistyped `reason` would be lost otherwise.
//! serde would take a list for an object, its fields in the order in which the code names them; the next version may have
//! another order. And JSON has one kind of number: `7.0` is a whole one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, Visitor};

/// The greatest whole number that every JSON library keeps exactly: 2^53 - 1.
const EXACT: f64 = 9_007_199_254_740_991.0;

/// Reads an object, and nothing else.
///
/// # Errors
///
/// When it is something else, or not an object of this type.
pub fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<T, D::Error> {
    from.deserialize_map(Object(PhantomData))
}

/// Reads a type that is a whole number, however it is written.
pub(super) fn whole<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<T, D::Error> {
    let Number(number) = Number::deserialize(from)?;
    T::from_whole(number).ok_or_else(|| D::Error::custom(format!("the number {number} is too large")))
}

/// The same, or nothing.
pub(super) fn whole_or_none<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<Option<T>, D::Error> {
    let Some(Number(number)) = Option::<Number>::deserialize(from)? else { return Ok(None) };
    T::from_whole(number).map(Some).ok_or_else(|| D::Error::custom(format!("the number {number} is too large")))
}

/// What is a whole number on the wire.
pub(super) trait Whole: Sized {
    /// `None` when it is too large.
    fn from_whole(number: u64) -> Option<Self>;
}

struct Object<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number that is not negative")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                let is_whole = (0.0..=EXACT).contains(&number) && number.fract() == 0.0;
                // Whole, not negative and below 2^53, so that nothing is lost.
                is_whole.then_some(Number(number as u64)).ok_or_else(|| E::custom("the number is not a whole one"))
            }
        }
        from.deserialize_u64(Reader)
    }
}

#[cfg(test)]
mod tests {
    use crate::control::protocol::{Act, Decision, Nonce, Reason, Shown};
    use crate::gate::{Digest, Revision};

    fn shown(revision: &str) -> Result<Revision, serde_json::Error> {
        let digest = Digest::ZERO;
        let text = format!("{{\"revision\":{revision},\"digest\":\"{digest}\"}}");
        serde_json::from_str::<Shown>(&text).map(|shown| shown.revision)
    }

    fn decision(more: &str) -> Result<Decision, serde_json::Error> {
        let (id, digest) = (uuid::Uuid::nil(), Digest::ZERO);
        serde_json::from_str(&format!("{{\"approval\":\"{id}\",\"revision\":1,\"digest\":\"{digest}\",{more}}}"))
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written_and_nothing_else_is() {
        for (text, number) in [("7", 7), ("7.0", 7), ("70e-1", 7), ("4294967295", u32::MAX), ("4294967295.0", u32::MAX)]
        {
            assert_eq!(shown(text).ok(), Some(Revision(number)), "{text}");
        }
        for text in ["-1", "7.5", "4294967296", "4294967296.0", "1e300", "-0.5", "\"7\"", "null", "true", "[7]"] {
            assert!(shown(text).is_err(), "{text}");
        }
        let nonce =
            |text: &str| decision(&format!("{text}\"act\":{{\"act\":\"extend\"}}")).map(|decision| decision.nonce);
        assert_eq!(nonce("\"nonce\":24.0,").ok(), Some(Some(Nonce(24))));
        assert_eq!((nonce("").ok(), nonce("\"nonce\":null,").ok()), (Some(None), Some(None)));
    }

    #[test]
    fn a_field_that_is_not_known_is_refused_by_its_name() {
        let acts = [
            r#"{"act":"approve","reson":"x"}"#,
            r#"{"act":"instruct","text":"x","reson":"x"}"#,
            r#"{"act":"answer","text":"x","reson":"x"}"#,
            r#"{"reson":"x","act":"deny"}"#,
            r#"{"act":"extend","reson":"x"}"#,
        ];
        let acts = acts.map(|act| decision(&format!("\"act\":{act}")).map(drop));
        let digest = Digest::ZERO;
        let others = [
            decision("\"act\":{\"act\":\"extend\"},\"reson\":1").map(drop),
            serde_json::from_str::<Shown>(&format!("{{\"revision\":1,\"digest\":\"{digest}\",\"reson\":1}}")).map(drop),
            serde_json::from_str::<Reason>("{\"reson\":\"x\"}").map(drop),
        ];
        for read in acts.into_iter().chain(others) {
            let why = read.expect_err("refused").to_string();
            assert!(why.contains("unknown field `reson`"), "{why}");
        }
    }

    #[test]
    fn an_act_is_an_object_and_says_each_thing_once() {
        let act = |text: &str| decision(&format!("\"act\":{text}")).map(|decision| decision.act);
        assert_eq!(act("{\"act\":\"deny\"}").ok(), Some(Act::Deny { reason: None }));
        for text in ["[\"deny\"]", "[\"deny\",\"why\"]", "\"deny\"", "null", "{\"act\":\"deny\",\"act\":\"approve\"}"] {
            assert!(act(text).is_err(), "{text}");
        }
    }
}
