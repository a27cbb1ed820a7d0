//! The webhook against a real server on loopback.

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[derive(Clone, Debug)]
struct Got {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Answers with one status after the other, the last one for ever.
#[derive(Clone)]
struct Receiver {
    statuses: Arc<Mutex<Vec<u16>>>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    async fn start(statuses: &[u16]) -> (Self, u16) {
        let statuses = Arc::new(Mutex::new(statuses.iter().rev().copied().collect()));
        let receiver = Self { statuses, got: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, port)
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn receive(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    receiver.got.lock().unwrap().push(Got { path: uri.path().to_owned(), headers, body });
    let mut statuses = receiver.statuses.lock().unwrap();
    let status = if statuses.len() > 1 { statuses.pop().unwrap() } else { statuses[0] };
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("location", "/elsewhere")], "ignored".repeat(1000)).into_response()
}

fn webhook(url: &str, allow_private: bool) -> Webhook {
    Webhook::new(Settings {
        url: url.parse().unwrap(),
        secret: SecretString::from(SECRET),
        allow_private,
        retries: 2,
        timeout: Duration::from_secs(10),
        backoff: Bounds { first: Duration::from_millis(1), max: Duration::from_millis(2) },
    })
    .unwrap()
}

/// HMAC as RFC 2104 writes it, from SHA-256 alone.
fn hmac_by_hand(key: &[u8], message: &[u8]) -> String {
    use sha2::Digest as _;
    let block = |pad: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ pad).collect() };
    let inner = Sha256::digest([block(0x36), message.to_vec()].concat());
    let outer = Sha256::digest([block(0x5c), inner.to_vec()].concat());
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn what_arrives_is_signed_over_its_time_and_its_body() {
    let (receiver, port) = Receiver::start(&[204]).await;
    let hook = webhook(&format!("http://127.0.0.1:{port}/hook?team=1"), true);
    let delivery = Uuid::now_v7();
    assert_eq!(hook.post(delivery, b"{\"kind\":\"opened\"}").await, Ok(()));
    let [got] = &receiver.got()[..] else { panic!("{:?}", receiver.got()) };
    let header = |name: &str| got.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!((got.path.as_str(), &got.body[..]), ("/hook", &b"{\"kind\":\"opened\"}"[..]));
    let signed = [header(TIMESTAMP).as_bytes(), b".", &got.body].concat();
    assert_eq!(header(SIGNATURE), format!("v1={}", hmac_by_hand(SECRET.as_bytes(), &signed)));
    assert_eq!(header(DELIVERY), delivery.to_string());
    let sent: i64 = header(TIMESTAMP).parse().unwrap();
    assert!((Timestamp::now().as_second() - sent).abs() < 60, "{sent}");
    assert_eq!(header("content-type"), "application/json");
    assert!(!format!("{hook:?}").contains(SECRET));
}

#[tokio::test]
async fn what_may_pass_is_tried_again_with_the_same_id() {
    let (receiver, port) = Receiver::start(&[500, 429, 200]).await;
    let hook = webhook(&format!("http://127.0.0.1:{port}/"), true);
    assert_eq!(hook.post(Uuid::now_v7(), b"{}").await, Ok(()));
    let ids: Vec<_> = receiver.got().into_iter().map(|got| got.headers[DELIVERY].clone()).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn it_is_given_up_after_so_many_attempts_and_at_once_when_none_would_help() {
    for (status, attempts, why) in [
        (503, 3, "answers 503 (3 attempts)"),
        (404, 1, "answers 404"),
        (302, 1, "answers 302: redirects are not followed"),
    ] {
        let (receiver, port) = Receiver::start(&[status]).await;
        let hook = webhook(&format!("http://127.0.0.1:{port}/hook"), true);
        assert_eq!(hook.post(Uuid::now_v7(), b"{}").await, Err(why.to_owned()));
        let paths: Vec<_> = receiver.got().into_iter().map(|got| got.path).collect();
        assert_eq!(paths, vec!["/hook"; attempts], "{status}");
    }
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let (receiver, port) = Receiver::start(&[200]).await;
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "0.0.0.0"] {
        let hook = webhook(&format!("http://{host}:{port}/"), false);
        let why = hook.post(Uuid::now_v7(), b"{}").await.unwrap_err();
        assert!(why.contains("notify.webhook_allow_private"), "{host}: {why}");
    }
    assert_eq!(receiver.got().len(), 0);
    let allowed = webhook(&format!("http://localhost:{port}/"), true);
    assert_eq!(allowed.post(Uuid::now_v7(), b"{}").await, Ok(()));
}

#[tokio::test]
async fn nobody_there_is_said_without_the_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let why = webhook(&format!("http://127.0.0.1:{port}/token-1234"), true).post(Uuid::now_v7(), b"{}").await;
    let why = why.unwrap_err();
    assert!(why.starts_with("cannot be reached") && why.ends_with("(3 attempts)"), "{why}");
    assert!(!why.contains("token-1234"), "{why}");
}

#[test]
fn a_secret_that_can_be_guessed_is_none() {
    let settings =
        Settings { secret: SecretString::from("short"), ..(*webhook("https://a.example/", false).settings).clone() };
    assert!(matches!(Webhook::new(settings), Err(WebhookError::Secret)));
}
