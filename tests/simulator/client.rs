//! A plain HTTP client, and a simulator to talk to.

use std::sync::Arc;
use std::time::Duration;

use holdpoint::simulator::{Options, Scenario, Simulator, Speed};
use reqwest::{Client, Method, Response};
use secrecy::ExposeSecret;
use serde_json::Value;

/// Nothing in these tests takes this long unless it is broken.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A simulator and a client of it.
pub struct Api {
    pub sim: Simulator,
    pub http: Client,
}

/// A simulator that runs scripts a hundred times as fast as written.
pub async fn fast() -> Api {
    with(Options { speed: Speed::try_from(100.0).unwrap(), ..Options::default() }).await
}

/// A simulator that runs scripts as written: nothing after the first delay happens within a test.
pub async fn slow() -> Api {
    with(Options::default()).await
}

pub async fn with(options: Options) -> Api {
    // Another test of this process may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = Client::builder().no_proxy().build().unwrap();
    Api { sim: Simulator::start(options).await.unwrap(), http }
}

/// A scenario from TOML.
pub fn scenario(text: &str) -> Arc<Scenario> {
    Arc::new(Scenario::parse(&format!("name = 'test'\n{text}"), "test").unwrap())
}

impl Api {
    /// Makes a call; `call` is method and path, the path without `/v1/sessions`.
    pub async fn send(&self, call: &str, body: Option<Value>) -> reqwest::Result<Response> {
        let (method, path) = call.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}/v1/sessions{path}", self.sim.base_url()));
        let request = request.bearer_auth(self.sim.api_key().expose_secret());
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    /// Makes a call and reads status and JSON (null if it is none).
    pub async fn call(&self, call: &str) -> (u16, Value) {
        read(self.send(call, None).await.unwrap()).await
    }

    /// Makes a call with a body and reads status and JSON.
    pub async fn post(&self, call: &str, body: Value) -> (u16, Value) {
        read(self.send(call, Some(body)).await.unwrap()).await
    }

    /// Reads or changes something under `/_sim/`, without a key.
    pub async fn truth(&self, call: &str, body: Option<Value>) -> (u16, Value) {
        let (method, path) = call.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}/_sim{path}", self.sim.base_url()));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        read(request.send().await.unwrap()).await
    }

    /// Makes a session of a scenario and starts it.
    pub async fn play(&self, text: &str) -> String {
        self.sim.create_of(scenario(text)).await.unwrap()
    }

    /// Waits until a session's lifecycle or execution status is `status`.
    pub async fn becomes(&self, session: &str, status: &'static str) {
        let id = session.to_owned();
        let met = move |world: &holdpoint::simulator::World| {
            world.session(&id).is_some_and(|state| state.status == status || state.execution_status == status)
        };
        self.sim.until(LIMIT, met).await.unwrap();
    }

    /// Opens the event stream and reads it to its end, or to the error that ends it.
    pub async fn stream(&self, session: &str, query: &str) -> (Vec<u8>, bool) {
        let response = self.send(&format!("GET /{session}/events{query}"), None).await.unwrap();
        assert_eq!(response.status(), 200);
        let reading = drain(response);
        tokio::time::timeout(LIMIT, reading).await.expect("the stream does not end")
    }

    /// What was bought by a session.
    pub async fn bought(&self, session: &str) -> Vec<String> {
        let orders = self.sim.ledger().await.unwrap();
        orders.into_iter().filter(|order| order.session == session).map(|order| order.what).collect()
    }
}

/// Status and JSON of an answer.
pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn drain(mut response: Response) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, true),
            Err(_) => return (bytes, false),
        }
    }
}

/// The names of the events in a stream's bytes.
pub fn names(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let names = text.lines().filter_map(|line| line.strip_prefix("event: "));
    names.map(|name| name.trim_end().to_owned()).collect()
}
