//! A webhook over TLS, to a receiver whose certificate comes from an authority of its own: `SSL_CERT_FILE` names it.
//!
//! The certificates are made by `tests/cli/tls/make.sh`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use holdpoint::notify::webhook::signature;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::bench::{CONFIG, Ended, Home, Process};

const SECRET: &str = "a secret of both sides";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/tls").join(name)
}

/// What the receiver got: the head in lower case, and the body.
type Received = (String, Vec<u8>);

/// Receives over TLS; connections that end before a request are not told.
fn receiver() -> (u16, mpsc::Receiver<Received>) {
    let chain = vec![CertificateDer::from_pem_file(file("cert.pem")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).expect("a key");
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("they fit"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let tls = ServerConnection::new(config.clone()).expect("a connection");
            if let Some(got) = receive(StreamOwned::new(tls, stream.expect("a stream")))
                && sender.send(got).is_err()
            {
                return;
            }
        }
    });
    (port, received)
}

fn receive(stream: StreamOwned<ServerConnection, std::net::TcpStream>) -> Option<Received> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    stream.get_mut().write_all(answer).ok()?;
    stream.get_mut().flush().ok()?;
    Some((head, body))
}

/// `notify test` to that address, where these authorities are trusted.
fn notify(address: &str, authorities: &Path) -> Ended {
    let home = Home::new();
    let webhook = "webhook_secret_env = 'WEBHOOK_SECRET'\nwebhook_allow_private = true\nwebhook_retries = 0\n";
    home.write("config.toml", &format!("{CONFIG}\n[notify]\nwebhook = {address:?}\n{webhook}"));
    let mut command = home.command(&["notify", "test", "--config", "config.toml"]);
    Process::start(command.env("SSL_CERT_FILE", authorities).env("WEBHOOK_SECRET", SECRET)).ends()
}

#[test]
fn a_webhook_arrives_over_tls_signed_and_only_where_the_certificate_is_trusted_and_names_the_host() {
    let (port, received) = receiver();
    let address = format!("https://localhost:{port}/hooks/s3cret-path");
    let sent = notify(&address, &file("ca.pem"));
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(sent.stdout.starts_with("the webhook at localhost: delivered in "), "{}", sent.stdout);
    let (head, body) = received.recv().expect("a request");
    assert!(head.starts_with("post /hooks/s3cret-path http/1.1\r\n"), "{head}");
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).expect("a header").to_owned();
    let at: i64 = value("holdpoint-timestamp: ").parse().expect("seconds");
    assert_eq!(value("holdpoint-signature: "), signature(&SECRET.to_owned().into(), at, &body));
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["kind"], "test");

    let other_name = format!("https://127.0.0.1:{port}/hooks/s3cret-path");
    for (address, authorities, why) in
        [(&address, file("cert.pem"), "UnknownIssuer"), (&other_name, file("ca.pem"), "not valid for name")]
    {
        let refused = notify(address, &authorities);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stdout.contains("not delivered: cannot be reached: "), "{refused:?}");
        assert!(refused.stdout.contains(why), "{refused:?}");
        assert!(!refused.stdout.contains("s3cret") && !refused.stderr.contains("s3cret"), "{refused:?}");
        refused.says(&["hint: "]);
    }
    assert!(received.try_recv().is_err(), "nothing was said to a host that is not trusted");
}
