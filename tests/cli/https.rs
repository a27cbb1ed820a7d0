//! A provider behind TLS, whose certificate comes from an authority of its own: `SSL_CERT_FILE` names it.
//!
//! The certificates are made by `tests/cli/tls/make.sh`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::bench::{Home, PURCHASE, Process, play, simulator};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/tls").join(name)
}

/// Ends TLS before a server that has none; counts the connections whose handshake was good.
async fn front(behind: std::net::SocketAddr) -> (String, Arc<AtomicUsize>) {
    let chain = vec![CertificateDer::from_pem_file(file("cert.pem")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).expect("a key");
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions().expect("versions");
    let mut config = config.with_no_client_auth().with_single_cert(chain, key).expect("they fit");
    // A gateway that could do HTTP/2 is asked for HTTP/1.1.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let good = Arc::new(AtomicUsize::new(0));
    let counted = good.clone();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, counted) = (acceptor.clone(), counted.clone());
            tokio::spawn(async move {
                let Ok(mut outer) = acceptor.accept(tcp).await else { return };
                assert_eq!(outer.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
                counted.fetch_add(1, Ordering::SeqCst);
                let mut inner = TcpStream::connect(behind).await.expect("the server");
                let _whoever_left_first = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    (format!("https://localhost:{port}"), good)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_behind_tls_is_watched_and_paused_like_any_other() {
    let (home, sim) = (Home::new(), simulator().await);
    let session = play(&sim, PURCHASE).await;
    let (url, connections) = front(sim.address()).await;
    let mut daemon = Process::start(home.daemon(&url).env("SSL_CERT_FILE", file("ca.pem")));
    let line = daemon.wait("waits for an answer");
    assert!(line.contains("in time"), "the stream told of it: {line}");
    assert!(sim.session(&session).await.expect("a session").paused);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    assert_eq!(sim.ledger().await.expect("a ledger"), []);
    // Two control connections are kept warm, one reads, one streams.
    assert!(connections.load(Ordering::SeqCst) >= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_whose_certificate_is_not_trusted_is_told_nothing() {
    let (home, sim) = (Home::new(), simulator().await);
    let (url, connections) = front(sim.address()).await;
    let mut daemon = Process::start(home.daemon(&url).env("SSL_CERT_FILE", file("cert.pem")));
    let line = daemon.wait("sessions cannot be listed yet");
    assert!(line.contains("UnknownIssuer"), "{line}");
    let ended = daemon.stop(Signal::TERM);
    assert!(!ended.stderr.contains("verification::others"), "what we say is enough: {}", ended.stderr);
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}
