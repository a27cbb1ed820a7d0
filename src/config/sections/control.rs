//! `[control]`: how the daemon is reached.

use std::net::SocketAddr;

use super::super::reader::{Item, Section};

/// `[control]`: how the daemon is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlConfig {
    /// Where metrics and health are served besides the socket, to this machine only.
    pub http: Option<SocketAddr>,
}

impl ControlConfig {
    pub(in crate::config) fn read(mut section: Section<'_>) -> Self {
        let http = section.get("http").and_then(|item| loopback(&item));
        section.finish();
        Self { http }
    }
}

fn loopback(item: &Item<'_>) -> Option<SocketAddr> {
    let expected = "an address and a port of this machine, such as \"127.0.0.1:9464\"";
    let Ok(address) = item.text()?.parse::<SocketAddr>() else {
        item.wrong(&format!("{} is not an address with a port", item.shown()), expected);
        return None;
    };
    if !address.ip().is_loopback() {
        let hint = "what is watched is nobody else's business; let a proxy with authentication stand before it";
        item.wrong_with("other machines could read it", expected, Some(hint.to_owned()));
        return None;
    }
    Some(address)
}
