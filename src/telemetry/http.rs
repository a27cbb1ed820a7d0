//! Metrics and health over HTTP: two routes that the local socket carries, and a loopback port where one is configured.
//!
//! Answers nothing else, and nobody from another machine.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::daemon::Scrape;

/// The content type of the OpenMetrics text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics` and `GET /healthz`.
pub fn router(scrape: Scrape) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).with_state(scrape)
}

/// Serves the two routes on `address` until `stop`.
///
/// # Errors
/// When the address is not this machine's own, or cannot be listened on.
pub async fn serve(address: SocketAddr, scrape: Scrape, stop: CancellationToken) -> std::io::Result<SocketAddr> {
    if !address.ip().is_loopback() {
        return Err(std::io::Error::other("metrics are served to this machine only, on 127.0.0.1 or [::1]"));
    }
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let served = axum::serve(listener, router(scrape)).with_graceful_shutdown(stop.cancelled_owned());
    tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::error!("metrics are no longer served: {error}");
        }
    });
    Ok(address)
}

async fn metrics(State(scrape): State<Scrape>) -> Response {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], scrape.text()).into_response()
}

async fn healthz(State(scrape): State<Scrape>) -> Response {
    let health = scrape.health();
    let status = StatusCode::from_u16(health.http_status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, axum::Json(health)).into_response()
}
