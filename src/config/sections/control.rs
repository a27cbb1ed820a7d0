//! `[control]`: where operators' clients connect, and who may do what.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::super::consent::{people, person};
use super::super::reader::{Item, Section};

/// `[control]`: the local API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlConfig {
    /// The socket; `None` for the default place.
    pub socket: Option<PathBuf>,
    /// The Unix group that may connect to it; `None` for the daemon's own.
    pub group: Option<String>,
    /// Who may look: Unix users, and groups with an `@`.
    pub observe: BTreeSet<String>,
    /// Who may decide as well.
    pub decide: BTreeSet<String>,
    /// Who may do everything, besides root and the daemon's own user.
    pub admin: BTreeSet<String>,
    /// Where metrics and health are served besides the socket, to this machine only.
    pub http: Option<SocketAddr>,
}

impl ControlConfig {
    pub(in crate::config) fn read(mut section: Section<'_>) -> Self {
        let socket = section.get("socket").and_then(|item| item.words(4_096)).map(PathBuf::from);
        let group = section.get("group").and_then(|item| {
            let name = person(&item)?;
            if name.starts_with('@') {
                item.wrong(&format!("{} is written with an @", item.shown()), "the group's bare name, such as \"ops\"");
                return None;
            }
            Some(name)
        });
        let mut list = |key| section.get(key).map(|item| people(&item)).unwrap_or_default();
        let (observe, decide, admin) = (list("observe"), list("decide"), list("admin"));
        let http = section.get("http").and_then(|item| loopback(&item));
        section.finish();
        Self { socket, group, observe, decide, admin, http }
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
