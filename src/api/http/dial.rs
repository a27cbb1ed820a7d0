//! Makes connections: TCP, and TLS where the address says so. Knows no HTTP.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::{Host, Url};

use super::{KEEPALIVE, KEEPALIVE_EVERY};
use crate::api::ErrorClass;
use crate::error::chain;
use crate::operator::escape::short;

/// A connection.
pub(super) type Wire = Pin<Box<dyn Duplex>>;

/// What is read and written.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// Makes connections.
#[derive(Clone)]
pub(super) struct Dialer {
    tcp: HttpConnector,
    /// For `https`.
    tls: Option<TlsConnector>,
    within: Duration,
}

impl Dialer {
    /// A dialer that gives a connection `within`, TLS included. Without `tls` it cannot reach `https` addresses.
    pub(super) fn new(tls: Option<ClientConfig>, within: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(within));
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE_EVERY));
        Self { tcp, tls: tls.map(|tls| TlsConnector::from(Arc::new(tls))), within }
    }

    /// Connects to the host of `url`, within `within` if that is less than the dialer's own bound. Whatever goes wrong, no request was
    /// sent.
    pub(super) async fn dial(&self, url: &Url, within: Duration) -> Result<Wire, ErrorClass> {
        let within = within.min(self.within);
        let dialing = timeout(within, self.connect(url)).await;
        let late = || format!("no connection within {} ms", within.as_millis());
        let detail = match dialing {
            Ok(Ok(wire)) => return Ok(wire),
            Ok(Err(error)) => chain(&*error).join(": "),
            Err(_late) => late(),
        };
        Err(ErrorClass::Unreachable { detail: short(&detail) })
    }

    async fn connect(&self, url: &Url) -> Result<Wire, Box<dyn Error + Send + Sync>> {
        let tcp = self.tcp.clone().call(url.as_str().parse()?).await?.into_inner();
        if url.scheme() != "https" {
            return Ok(Box::pin(tcp));
        }
        let tls = self.tls.as_ref().ok_or("HTTPS was not set up")?;
        let name = match url.host().ok_or("the address has no host")? {
            Host::Domain(name) => ServerName::try_from(name.to_owned())?,
            Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(ip)),
            Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(ip)),
        };
        Ok(Box::pin(tls.connect(name, tcp).await?))
    }
}
