//! The head of an HTTP/1.1 request that has no body, and of its answer, as bytes. Pure.

use http::StatusCode;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use url::Url;

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
}

/// `GET` of `url`, with these headers and its host.
pub(super) fn get(url: &Url, headers: &HeaderMap) -> Vec<u8> {
    let mut request = Vec::with_capacity(512);
    request.extend_from_slice(b"GET ");
    request.extend_from_slice(url.path().as_bytes());
    if let Some(query) = url.query() {
        request.push(b'?');
        request.extend_from_slice(query.as_bytes());
    }
    request.extend_from_slice(b" HTTP/1.1\r\n");
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    line(&mut request, HOST.as_str(), host.as_bytes());
    for (name, value) in headers {
        line(&mut request, name.as_str(), value.as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request
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
    Ok(Some(Head { status, headers, length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_path_host_and_headers() {
        let url: Url = "https://a.example:8443/agi/v1/x?y=1".parse().expect("a URL");
        let headers = HeaderMap::from_iter([(http::header::ACCEPT, HeaderValue::from_static("text/event-stream"))]);
        let text = "GET /agi/v1/x?y=1 HTTP/1.1\r\nhost: a.example:8443\r\naccept: text/event-stream\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&get(&url, &headers)), text);
        let url: Url = "http://[::1]/".parse().expect("a URL");
        assert_eq!(get(&url, &HeaderMap::new()), b"GET / HTTP/1.1\r\nhost: [::1]\r\n\r\n");
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
