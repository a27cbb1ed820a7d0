//! `[control]`: where operators' clients connect, and who may do what.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::super::consent::{people, person};
use super::super::reader::Section;

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
        section.finish();
        Self { socket, group, observe, decide, admin }
    }
}
