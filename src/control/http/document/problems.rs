//! Refusals in the document: one schema for all of them, and for each status of an operation exactly the words that it can
//! come with, each with an example that was made as the server makes its answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::control::http::answer::Problem;
use crate::control::http::people::Stranger;
use crate::control::http::word::Word;
use crate::control::protocol::{Refusal, Role};
use crate::gate::{Outcome, Revision};

/// The schema of every refusal.
const PROBLEM: &str = "Problem";
/// Those that the desk and the gate make.
const REFUSAL: &str = "Refusal";

/// The words that never get as far as the desk; what they say is in their message alone.
const PLAIN: [Word; 11] = [
    Word::Stranger,
    Word::UnknownClient,
    Word::NoClient,
    Word::BadPath,
    Word::BadQuery,
    Word::BadBody,
    Word::BadJson,
    Word::NotJson,
    Word::TooLarge,
    Word::NoSuchPath,
    Word::NoSuchMethod,
];

/// An answer of each of these words.
pub(super) fn examples(words: BTreeSet<Word>) -> impl Iterator<Item = (&'static str, Example)> {
    words.into_iter().map(|word| (word.name(), ExampleBuilder::new().value(Some(body(&sample(word)))).build()))
}

/// The schemas that answers refer to.
pub(super) fn components() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(REFUSAL.to_owned(), Refusal::schema())];
    Refusal::schemas(&mut schemas);
    let plain = ObjectBuilder::new()
        .description(Some("The request is none of this API, or comes from somebody it is not for."))
        .property("refusal", words(&PLAIN))
        .required("refusal");
    let message = ObjectBuilder::new()
        .property(
            "message",
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("What is wrong and what to do, in a sentence.")),
        )
        .required("message");
    let either = OneOfBuilder::new().item(Ref::from_schema_name(REFUSAL)).item(plain);
    let about = "A request that was not carried out.";
    let problem = AllOfBuilder::new().description(Some(about)).item(either).item(message);
    schemas.push((PROBLEM.to_owned(), Schema::from(problem).into()));
    schemas
}

/// The answer of one status: which words it can come with.
pub(super) fn answer(mut refusals: Vec<Word>) -> Response {
    refusals.sort_unstable();
    refusals.dedup();
    let only = ObjectBuilder::new().property("refusal", words(&refusals));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(PROBLEM)).item(only);
    let listed: Vec<String> = refusals.iter().map(|word| format!("`{}`", word.name())).collect();
    let example = |word: &Word| RefOr::<Example>::Ref(Ref::new(format!("#/components/examples/{}", word.name())));
    let examples = refusals.iter().map(|word| (word.name(), example(word)));
    let content = ContentBuilder::new().schema(Some(Schema::from(schema))).examples_from_iter(examples).build();
    let about = format!("Refused: {}.", listed.join(", "));
    ResponseBuilder::new().description(about).content("application/json", content).build()
}

fn words(words: &[Word]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().map(|word| json!(word.name()))))
}

/// A problem always serialises; were one not to, a test would miss its example.
fn body(problem: &Problem) -> Value {
    serde_json::to_value(problem).unwrap_or_default()
}

/// A problem of each word.
fn sample(word: Word) -> Problem {
    let who = || "ana".to_owned();
    let refused = Problem::Refused;
    let malformed = |message: &str| Problem::Malformed { word, message: message.to_owned() };
    match word {
        Word::NoSuchApproval => refused(Refusal::NoSuchApproval),
        Word::Stale => refused(Refusal::Stale { revision: Revision(2) }),
        Word::NotPresented => refused(Refusal::NotPresented),
        Word::TooSoon => refused(Refusal::TooSoon { wait_ms: 412 }),
        Word::NotConfirmed => refused(Refusal::NotConfirmed { code: "7K2M".to_owned() }),
        Word::NotPausedYet => refused(Refusal::NotPausedYet),
        Word::Deciding => refused(Refusal::Deciding { by: who() }),
        Word::AlreadyDecided => refused(Refusal::AlreadyDecided { outcome: Outcome::Denied, by: who() }),
        Word::NotPossible => refused(Refusal::NotPossible { why: "what is wrong is said here".to_owned() }),
        Word::NotExtendable => {
            refused(Refusal::NotExtendable { why: "the deadline was extended 3 times, which is the most".to_owned() })
        }
        Word::ReasonRequired => refused(Refusal::ReasonRequired),
        Word::Excluded => refused(Refusal::Excluded { who: who(), what: "@developers".to_owned() }),
        Word::NotPermitted => refused(Refusal::NotPermitted { who: who(), needed: Role::Decide }),
        Word::NoSuchSession => refused(Refusal::NoSuchSession),
        Word::Unverified => refused(Refusal::Unverified { why: "result unknown: HTTP 502".to_owned() }),
        Word::StoreFailed => refused(Refusal::StoreFailed { why: "database or disk is full".to_owned() }),
        Word::Unknown => refused(Refusal::Unknown { why: "the daemon ended before it answered".to_owned() }),
        Word::Stopping => refused(Refusal::Stopping),
        Word::Unreachable => refused(Refusal::Unreachable { why: "there is no socket".to_owned() }),
        Word::Stranger => Problem::Stranger(Stranger { name: "mallory".to_owned() }),
        Word::UnknownClient => Problem::UnknownClient,
        Word::NoClient => Problem::NoClient,
        Word::BadPath => malformed("Invalid UTF-8 in `name`"),
        Word::BadQuery => malformed("Failed to deserialize query string: state: unknown variant `lost`"),
        Word::BadBody => malformed("Failed to buffer the request body"),
        Word::BadJson => malformed("EOF while parsing an object at line 1 column 1"),
        Word::NotJson => malformed("the body has to be JSON, and say so: Content-Type: application/json"),
        Word::TooLarge => malformed("Failed to buffer the request body: length limit exceeded"),
        Word::NoSuchPath => malformed("there is no /v1/approvals//decision"),
        Word::NoSuchMethod => malformed("/v1/snapshot takes no DELETE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::http::operations::operations;

    #[test]
    fn a_word_is_what_the_server_sends() {
        let used: Vec<Word> = operations().into_iter().flat_map(|(operation, _)| operation.refusals).collect();
        for word in used.into_iter().chain(PLAIN).chain([Word::Unreachable]) {
            let sample = sample(word);
            assert_eq!((sample.word(), body(&sample)["refusal"].as_str()), (word, Some(word.name())));
            assert!(body(&sample)["message"].as_str().is_some_and(|message| !message.is_empty()), "{word:?}");
        }
    }
}
