//! One operation: what a request looks like, who may make it, and every answer it can get.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AdditionalProperties, Array, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Content, HttpMethod, Ref, RefOr, Required, Response, ResponseBuilder};

use super::problems;
use crate::control::http::word::Word;
use crate::control::protocol::Role;

/// Examples with their names.
pub(in crate::control::http) type Examples = Vec<(&'static str, Value)>;

/// One method of one path.
pub(in crate::control::http) struct Operation {
    pub(in crate::control::http) method: HttpMethod,
    pub(in crate::control::http) path: &'static str,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    about: &'static str,
    role: Option<Role>,
    parameters: Vec<ParameterBuilder>,
    body: Option<RequestBodyBuilder>,
    answers: Vec<(u16, Response)>,
    pub(super) refusals: Vec<Word>,
}

impl Operation {
    fn new(method: HttpMethod, path: &'static str, id: &'static str) -> Self {
        Self {
            method,
            path,
            schemas: Vec::new(),
            id,
            tag: "",
            summary: "",
            about: "",
            role: None,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            // A body is read before anything is done, needed or not.
            refusals: vec![Word::BadBody, Word::TooLarge],
        }
    }

    pub(in crate::control::http) fn get(path: &'static str, id: &'static str) -> Self {
        Self::new(HttpMethod::Get, path, id)
    }

    pub(in crate::control::http) fn post(path: &'static str, id: &'static str) -> Self {
        Self::new(HttpMethod::Post, path, id)
    }

    pub(in crate::control::http) fn delete(path: &'static str, id: &'static str) -> Self {
        Self::new(HttpMethod::Delete, path, id)
    }

    /// What it is for: the group it is listed in, a line, and the rest.
    pub(in crate::control::http) fn says(self, tag: &'static str, summary: &'static str, about: &'static str) -> Self {
        Self { tag, summary, about, ..self }
    }

    /// Who may do it. The daemon may be stopping whenever somebody asks.
    pub(in crate::control::http) fn takes_role(self, role: Role) -> Self {
        let lesser: &[Word] = if role > Role::Observe { &[Word::NotPermitted] } else { &[] };
        Self { role: Some(role), ..self }.refuses(&[Word::Stranger, Word::Stopping]).refuses(lesser)
    }

    /// The path names an approval.
    pub(in crate::control::http) fn names_approval(self) -> Self {
        let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        let about = "The approval: its id, or its four-character code in any case. Open ones come before ended ones.";
        let refusals = [Word::BadPath, Word::NoSuchPath, Word::NoSuchApproval, Word::NotPossible];
        self.named(name, about, &super::examples::code()).refuses(&refusals)
    }

    /// The path names a session.
    pub(in crate::control::http) fn names_session(self) -> Self {
        let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9._:-]{1,128}$"));
        let refusals = [Word::BadPath, Word::NoSuchPath, Word::NoSuchSession];
        self.named(name, "The session's id at its provider.", &super::examples::SESSION.to_string()).refuses(&refusals)
    }

    fn named(mut self, name: ObjectBuilder, about: &str, example: &str) -> Self {
        let name = ParameterBuilder::new()
            .name("name")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(about))
            .schema(Some(name))
            .example(Some(example.into()));
        self.parameters.push(name);
        self
    }

    /// A choice in the query.
    pub(in crate::control::http) fn queries<T: ToSchema>(mut self, name: &str, about: &str, example: &str) -> Self {
        let query = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(self.schema::<T>()))
            .example(Some(example.into()));
        self.parameters.push(query);
        self.refuses(&[Word::BadQuery])
    }

    /// The request has to name the client's event stream.
    pub(in crate::control::http) fn takes_seat(self) -> Self {
        let about = "The token of your open `GET /v1/events` stream, from its `hello`. It dies with the stream.";
        self.seat(Required::True, about).refuses(&[Word::NoClient, Word::UnknownClient])
    }

    /// The request can name the client's event stream.
    pub(in crate::control::http) fn may_take_seat(self) -> Self {
        let about = "The token of your open `GET /v1/events` stream, from its `hello`, if you have one. It dies with the \
                     stream.";
        self.seat(Required::False, about).refuses(&[Word::UnknownClient])
    }

    fn seat(mut self, required: Required, about: &str) -> Self {
        let token = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{32}$"));
        let header = ParameterBuilder::new()
            .name("Holdpoint-Client")
            .parameter_in(ParameterIn::Header)
            .required(required)
            .description(Some(about))
            .schema(Some(token))
            .example(Some(super::examples::TOKEN.into()));
        self.parameters.push(header);
        self
    }

    /// The body that it has to come with.
    pub(in crate::control::http) fn takes<T: ToSchema>(self, examples: Examples) -> Self {
        self.body::<T>(Required::True, "JSON of at most 256 KiB. A field that is not known is refused.", examples)
    }

    /// The body that it can come with.
    pub(in crate::control::http) fn may_take<T: ToSchema>(self, examples: Examples) -> Self {
        self.body::<T>(
            Required::False,
            "JSON of at most 256 KiB, or nothing. A field that is not known is refused.",
            examples,
        )
    }

    fn body<T: ToSchema>(mut self, needed: Required, about: &str, examples: Examples) -> Self {
        let known = self.schemas.len();
        let schema = self.schema::<T>();
        self.schemas.iter_mut().skip(known).for_each(|(_, schema)| close(schema));
        let content = content(schema, examples);
        let body = RequestBodyBuilder::new().description(Some(about)).required(Some(needed));
        self.body = Some(body.content("application/json", content));
        self.refuses(&[Word::BadJson, Word::NotJson])
    }

    /// A success with a JSON body.
    pub(in crate::control::http) fn gives<T: ToSchema>(self, about: &str, examples: Examples) -> Self {
        self.answers::<T>(200, about, examples)
    }

    /// A success with a JSON list.
    pub(in crate::control::http) fn gives_list<T: ToSchema>(mut self, about: &str, examples: Examples) -> Self {
        let list = Array::new(self.schema::<T>());
        let content = content(Schema::from(list).into(), examples);
        let answer = ResponseBuilder::new().description(about).content("application/json", content).build();
        self.answers.push((200, answer));
        self
    }

    /// An answer with a JSON body that is no refusal.
    pub(in crate::control::http) fn answers<T: ToSchema>(
        mut self,
        status: u16,
        about: &str,
        examples: Examples,
    ) -> Self {
        let content = content(self.schema::<T>(), examples);
        let answer = ResponseBuilder::new().description(about).content("application/json", content).build();
        self.answers.push((status, answer));
        self
    }

    /// A success with another body, of one of these media types.
    pub(in crate::control::http) fn gives_other(mut self, about: &str, media: &[&str], of: Schema) -> Self {
        let plain = ContentBuilder::new().schema(Some(of)).build();
        let answer = media
            .iter()
            .fold(ResponseBuilder::new().description(about), |answer, media| answer.content(*media, plain.clone()));
        self.answers.push((200, answer.build()));
        self
    }

    /// A stream of server-sent events, each of one of these names with JSON of one of these types.
    pub(in crate::control::http) fn gives_events(
        mut self,
        about: &str,
        events: [(&str, RefOr<Schema>); 3],
        sample: &str,
    ) -> Self {
        let event = |(name, data): (&str, RefOr<Schema>)| {
            let text = || ObjectBuilder::new().schema_type(Type::String);
            ObjectBuilder::new()
                .property("event", text().enum_values(Some([name])))
                .property("data", text().content_media_type("application/json").content_schema(Some(data)))
                .property("id", text().description(Some("The `seq` of the change, or of the last one in `hello`.")))
                .required("event")
                .required("data")
        };
        let one = events.into_iter().fold(OneOfBuilder::new(), |one, named| one.item(event(named)));
        let one = one.description(Some("One event of the stream, by its fields."));
        let sample =
            ExampleBuilder::new().summary("A stream from its first event to its last").value(Some(json!(sample)));
        let content = ContentBuilder::new().schema(Some(Schema::from(one))).examples_from_iter([("stream", sample)]);
        let answer = ResponseBuilder::new().description(about).content("text/event-stream", content.build()).build();
        self.answers.push((200, answer));
        self
    }

    /// A success without a body.
    pub(in crate::control::http) fn gives_nothing(mut self, about: &str) -> Self {
        self.answers.push((204, Response::new(about)));
        self
    }

    /// What can be refused beside what follows from the rest.
    pub(in crate::control::http) fn refuses(mut self, words: &[Word]) -> Self {
        self.refusals.extend_from_slice(words);
        self
    }

    /// As it stands in the document.
    pub(super) fn described(self) -> utoipa::openapi::path::Operation {
        let role = match self.role {
            Some(role) => format!("Takes the role `{}`.", role.name()),
            None => "Takes no role: everybody who can connect may ask.".to_owned(),
        };
        let mut by_status: BTreeMap<u16, Vec<Word>> = BTreeMap::new();
        for word in self.refusals {
            by_status.entry(word.status().as_u16()).or_default().push(word);
        }
        let refusals = by_status.into_iter().map(|(status, words)| (status, problems::answer(words)));
        let operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .tag(self.tag)
            .summary(Some(self.summary))
            .description(Some(format!("{} {role}", self.about).trim()))
            .request_body(self.body.map(RequestBodyBuilder::build));
        let operation =
            self.parameters.into_iter().fold(operation, |operation, parameter| operation.parameter(parameter));
        let answers = self.answers.into_iter().chain(refusals);
        answers.fold(operation, |operation, (status, answer)| operation.response(status.to_string(), answer)).build()
    }

    /// A reference to a type, which with all that it is made of becomes part of the document.
    pub(in crate::control::http) fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.schemas);
        let name = T::name();
        self.schemas.push((name.to_string(), T::schema()));
        Ref::from_schema_name(name).into()
    }
}

/// What a body is made of takes no field that is not named.
fn close(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) if !object.properties.is_empty() => {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        RefOr::T(Schema::OneOf(one)) => one.items.iter_mut().for_each(close),
        // What is referred to is a schema of its own, and nothing else has fields.
        _ => {}
    }
}

/// JSON of a type, with an example or several.
fn content(schema: RefOr<Schema>, examples: Examples) -> Content {
    let examples =
        examples.into_iter().map(|(name, value)| (name.to_owned(), ExampleBuilder::new().value(Some(value)).build()));
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build()
}

/// Text.
pub(in crate::control::http) fn plain_text(example: &str) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).examples([json!(example)]).into()
}

/// JSON of no type of ours.
pub(in crate::control::http) fn object() -> Schema {
    ObjectBuilder::new().schema_type(Type::Object).into()
}

/// Bytes.
pub(in crate::control::http) fn bytes() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).content_encoding("binary").into()
}
