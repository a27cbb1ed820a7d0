//! The OpenAPI document of the local API, made from the same operations, types and statuses that the server answers by.
//!
//! Says what is, decides nothing. It is the same for everybody and on every machine, so that a copy of it can be kept:
//! `docs/openapi.json` is that copy, and a test says when it is old.

pub(super) mod examples;
mod operation;
mod problems;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use utoipa::openapi::path::PathItem;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder, ServerBuilder,
};

pub(super) use operation::{Operation, bytes, object, plain_text};

use super::operations::operations;

/// What the document begins with.
const ABOUT: &str = "\
Everything that a prompt of holdpoint does goes through this API: HTTP/1.1 and JSON over a Unix socket. With curl:

    curl --unix-socket PATH http://holdpoint/v1/status

**Who asks** is what the kernel says of the process at the other end of the socket, never what a request says. Root and the \
daemon's own user have every role. Everybody else has the role that the section `[control]` of the daemon's configuration gives \
the Unix user or one of its groups: `observe` looks, `decide` decides as well, `admin` does everything. Somebody without a role \
is answered 403 `stranger`.

**A refusal** is an answer that is no success. Its body is JSON with `refusal`, one word that stays as it is, and `message`, a \
sentence for a person. What a word needs beside that is in fields of its own.

**To approve** takes three requests, because what is approved has to be what was shown: open `GET /v1/events` and keep it open, \
`POST /v1/approvals/{name}/presented` when the card is on a screen, and `POST /v1/approvals/{name}/decision` with the nonce that \
came back, no sooner than `daemon.settings.min_dwell_ms` later. The last two name the stream in the header `Holdpoint-Client`. \
A denial takes the last request alone.

**Text** that an agent, a page or a user wrote is sent as it is. Escape it before it gets to a terminal.

Paths that are not listed here are answered 404 `no_such_path`, and methods that a path does not take 405 `no_such_method` with \
the header `Allow`; `HEAD` is taken wherever `GET` is. What is no HTTP/1.1 is answered with a status of 4xx and no body. \
A connection to which nothing is written for a minute is closed, and so is one more than 64 of a user without every role, or \
than 256 of all of them. Half a request does nothing: a body is read whole before anything is done, within ten seconds.

Within `/v1`, fields and words are only ever added: ignore what you do not know. The daemon does not: a body with a field that \
it does not know is refused.";

/// The document, as JSON.
#[must_use]
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // A document always serialises: its keys are text.
        let json = document().to_pretty_json().unwrap_or_default();
        // The registry of formats says `uint32`, utoipa 6.0 says `u-int32`.
        json.replace("\"format\": \"u-int", "\"format\": \"uint") + "\n"
    });
    &TEXT
}

fn document() -> OpenApi {
    let mut components = ComponentsBuilder::new().schemas_from_iter(problems::components());
    let (mut paths, mut words) = (PathsBuilder::new(), BTreeSet::new());
    for (mut operation, _) in operations() {
        let (method, path) = (operation.method.clone(), operation.path);
        components = components.schemas_from_iter(std::mem::take(&mut operation.schemas));
        words.extend(&operation.refusals);
        paths = paths.path(path, PathItem::new(method, operation.described()));
    }
    components = problems::examples(words).fold(components, |all, (name, example)| all.example(name, example));
    let license = LicenseBuilder::new().name("Apache-2.0 OR MIT").identifier(Some(env!("CARGO_PKG_LICENSE"))).build();
    let info = InfoBuilder::new()
        .title("holdpoint: the local API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license));
    let server = ServerBuilder::new().url("http://holdpoint").description(Some(
        "The daemon's Unix socket. The host's name does not matter: connect to the socket that `[control] socket` names \
         (`holdpoint status` says which one it asks).",
    ));
    let tag = |name: &str, about: &str| TagBuilder::new().name(name).description(Some(about)).build();
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([server.build()]))
        .tags(Some([
            tag("look", "What there is, once or with every change."),
            tag("approvals", "Cards, and what is decided about them."),
            tag("sessions", "Watched sessions, and what an operator does to them of its own accord."),
            tag("daemon", "The daemon itself."),
        ]))
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn the_copy_in_docs_is_this_document() {
        let copy = include_str!("../../../docs/openapi.json");
        assert!(copy == text(), "docs/openapi.json is old: cargo run -- openapi > docs/openapi.json");
    }

    #[test]
    fn every_reference_leads_somewhere_and_no_text_is_written_for_the_code() {
        fn walk(at: &str, value: &Value, wrong: &mut Vec<String>, root: &Value) {
            match value {
                Value::Object(fields) => {
                    for (name, below) in fields {
                        let at = format!("{at}/{name}");
                        match (name.as_str(), below.as_str()) {
                            ("$ref", Some(to)) if root.pointer(to.trim_start_matches('#')).is_none() => {
                                wrong.push(format!("{at}: {to} is not there"));
                            }
                            ("description", Some(text)) if text.contains("[`") || text.contains("::") => {
                                wrong.push(format!("{at}: {text}"));
                            }
                            _ => walk(&at, below, wrong, root),
                        }
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| walk(at, item, wrong, root)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
            }
        }
        let (document, mut wrong) = (read(text()), Vec::new());
        walk("", &document, &mut wrong, &document);
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_summary_and_examples() {
        let document = read(text());
        let paths = document["paths"].as_object().expect("paths");
        let operations: Vec<(String, &Value)> = paths
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().into_iter().flatten().map(move |(m, o)| (format!("{m} {path}"), o))
            })
            .collect();
        assert_eq!(operations.len(), super::operations().len());
        let mut ids: Vec<&str> =
            operations.iter().filter_map(|(_, operation)| operation["operationId"].as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), operations.len());
        for (name, operation) in operations {
            assert!(operation["summary"].is_string() && operation["description"].is_string(), "{name}");
            let body = operation["requestBody"].as_object().map(|body| &body["content"]["application/json"]);
            assert!(body.is_none_or(|body| !body["examples"].is_null()), "{name}");
            for (status, answer) in operation["responses"].as_object().expect("answers") {
                let json = &answer["content"]["application/json"];
                let exemplified = !json["examples"].is_null() || !json["example"].is_null();
                assert!(json.is_null() || exemplified || name.ends_with("openapi.json"), "{name} {status}");
            }
        }
    }
}
