//! HTTP/1.1 requests, and the heads of their answers, as bytes. Pure.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode};
use url::Url;

use super::Call;

use super::live::Broken;

/// Bound on the head of an answer, in bytes.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// Bound on the number of its headers.
const MAX_HEADERS: usize = 128;

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// How many bytes it takes.
    pub(super) length: usize,
    /// Whether the connection may carry another request after this answer, as far as its head tells (RFC 9112 §9.3). Where two
    /// headers say how long it is, somebody on the way may have read the other one (§6.3).
    pub(super) keeps: bool,
}

/// What all requests to one address have in common, made once: a pause has nothing to put together but its path.
pub(super) struct Requests {
    /// What stands before every call's path.
    prefix: String,
    /// The lines of the headers, the host's first.
    lines: Vec<u8>,
}

impl Requests {
    /// Requests below `base`, with these headers.
    pub(super) fn new(base: &Url, headers: &HeaderMap) -> Self {
        let host = base.host_str().unwrap_or_default();
        let host = base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut lines = Vec::with_capacity(512);
        line(&mut lines, HOST.as_str(), host.as_bytes());
        for (name, value) in headers {
            line(&mut lines, name.as_str(), value.as_bytes());
        }
        Self { prefix: base.path().trim_end_matches('/').to_owned(), lines }
    }

    /// The whole request of a call.
    pub(super) fn of(&self, call: &Call) -> Vec<u8> {
        let body = call.body.as_deref().unwrap_or_default();
        let mut request = Vec::with_capacity(128 + call.path.len() + self.lines.len() + body.len());
        for part in [call.method.as_str(), " ", &self.prefix, &call.path, " HTTP/1.1\r\n"] {
            request.extend_from_slice(part.as_bytes());
        }
        request.extend_from_slice(&self.lines);
        if call.body.is_some() {
            line(&mut request, "content-type", b"application/json");
        }
        if call.method != Method::GET {
            line(&mut request, "content-length", body.len().to_string().as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        request
    }
}

fn line(request: &mut Vec<u8>, name: &str, value: &[u8]) {
    request.extend_from_slice(name.as_bytes());
    request.extend_from_slice(b": ");
    request.extend_from_slice(value);
    request.extend_from_slice(b"\r\n");
}

/// The head that `bytes` begin with, or none yet.
pub(super) fn answer(bytes: &[u8]) -> Result<Option<Head>, Broken> {
    let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut lines);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() >= MAX_HEAD => return Err(Broken::HeadTooLong),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(Broken::Head(error)),
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Broken::Status)?;
    let mut headers = HeaderMap::with_capacity(parsed.headers.len());
    for line in parsed.headers.iter() {
        // What the parser takes for a name or value is one; if not, it is one that nobody here reads.
        let name = HeaderName::from_bytes(line.name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line.value)) {
            headers.append(name, value);
        }
    }
    let plain = !(headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH));
    let keeps =
        plain && parsed.version == Some(1) && !says_close(&headers) && status != StatusCode::SWITCHING_PROTOCOLS;
    Ok(Some(Head { status, headers, length, keeps }))
}

fn says_close(headers: &HeaderMap) -> bool {
    let mut options = headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(base: &str, headers: HeaderMap, call: &Call) -> String {
        let base: Url = base.parse().expect("a URL");
        String::from_utf8(Requests::new(&base, &headers).of(call)).expect("text")
    }

    #[test]
    fn a_request_names_its_path_host_and_headers() {
        let headers = HeaderMap::from_iter([(http::header::ACCEPT, HeaderValue::from_static("text/event-stream"))]);
        let get = Call::new(Method::GET, "/v1/x?y=1".to_owned());
        let text = "GET /agi/v1/x?y=1 HTTP/1.1\r\nhost: a.example:8443\r\naccept: text/event-stream\r\n\r\n";
        assert_eq!(request("https://a.example:8443/agi", headers, &get), text);
        let plain = request("http://[::1]/", HeaderMap::new(), &get);
        assert_eq!(plain, "GET /v1/x?y=1 HTTP/1.1\r\nhost: [::1]\r\n\r\n");
    }

    #[test]
    fn a_request_that_acts_tells_the_length_of_its_body() {
        let call = |body| Call { method: Method::POST, path: "/v1/x".to_owned(), body };
        let sent = |body| request("http://a.example", HeaderMap::new(), &call(body));
        let head = "POST /v1/x HTTP/1.1\r\nhost: a.example\r\n";
        assert_eq!(sent(None), format!("{head}content-length: 0\r\n\r\n"));
        let json = format!("{head}content-type: application/json\r\ncontent-length: 4\r\n\r\n\"é\"");
        assert_eq!(sent(Some("\"é\"".into())), json);
    }

    #[test]
    fn a_connection_is_kept_unless_the_answer_is_old_or_says_that_it_closes() {
        let keeps = |head: &str| answer(format!("{head}\r\n\r\n").as_bytes()).expect("a head").expect("whole").keeps;
        assert!(keeps("HTTP/1.1 200 OK") && keeps("HTTP/1.1 200 OK\r\nconnection: keep-alive"));
        assert!(!keeps("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked"));
        assert!(!keeps("HTTP/1.1 101 Switching Protocols\r\ncontent-length: 0"));
        assert!(!keeps("HTTP/1.0 200 OK") && !keeps("HTTP/1.1 200 OK\r\nConnection: upgrade, Close"));
    }

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX: \xff\r\n\r\nbody";
        let end = wire.len() - 4;
        for cut in 0..end {
            assert!(answer(&wire[..cut]).expect("nothing wrong").is_none(), "{cut}");
        }
        let head = answer(wire).expect("nothing wrong").expect("a head");
        assert_eq!((head.status, head.length), (StatusCode::OK, end));
        assert_eq!(head.headers.get("content-type").map(HeaderValue::as_bytes), Some(b"text/event-stream".as_slice()));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        assert!(matches!(answer(b"SSH-2.0-OpenSSH\r\n"), Err(Broken::Head(_))));
        assert!(matches!(answer(b"HTTP/1.1 099 Odd\r\n\r\n"), Err(Broken::Status)));
        let endless = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &vec![b'x'; MAX_HEAD]].concat();
        assert!(matches!(answer(&endless), Err(Broken::HeadTooLong)));
        let crowd = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
        assert!(matches!(answer(crowd.as_bytes()), Err(Broken::Head(_))));
    }
}
