//! Where the daemon's socket is: the arguments that every client command shares.
//!
//! Only looks at names, variables and the file system; connects to nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::run::config_path;
use crate::config::{Config, state_path};
use crate::error::{Exit, Failure};
use crate::operator::escape::short;

/// The variable that names the socket for client commands.
pub const VARIABLE: &str = "HOLDPOINT_SOCKET";

/// The socket of a system-wide service.
const SYSTEM: &str = "/run/holdpoint/holdpoint.sock";

/// Which daemon a client command speaks to.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Target {
    /// The daemon's socket; without it what --config says, then $HOLDPOINT_SOCKET, then the usual configuration and places
    #[arg(long, value_name = "PATH", help_heading = "Daemon")]
    pub socket: Option<PathBuf>,
    /// The daemon's configuration, for the socket that it names
    #[arg(long, value_name = "FILE", help_heading = "Daemon", conflicts_with = "socket")]
    pub config: Option<PathBuf>,
}

impl Target {
    /// The socket to connect to: the one that was named, or the first of the usual places where one is.
    ///
    /// # Errors
    /// [`Exit::Unreachable`] with every place that was tried; [`Exit::Configuration`] when a configuration that was named
    /// cannot be used.
    pub fn socket(&self) -> Result<PathBuf, Failure> {
        let places = self.places(|name| std::env::var_os(name))?;
        first(&places, is_there)
    }

    /// Every place where the socket may be, the likeliest first. One that was named is the only one.
    ///
    /// # Errors
    /// When a configuration that was named cannot be used.
    pub fn places(&self, variable: impl Fn(&str) -> Option<OsString>) -> Result<Vec<PathBuf>, Failure> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // What was typed for this command counts more than what was exported for all of them.
        let exported = || set(VARIABLE).filter(|_| self.config.is_none()).map(PathBuf::from);
        if let Some(named) = self.socket.clone().or_else(exported) {
            return Ok(vec![named]);
        }
        let config = self.loaded()?;
        if let Some(named) = config.as_ref().and_then(|config| config.control.socket.clone()) {
            return Ok(vec![named]);
        }
        let store = config.and_then(|config| config.store.path).or_else(|| state_path(set));
        Ok(usual(set("XDG_RUNTIME_DIR"), store.as_deref()))
    }

    /// The configuration that was named, or else the usual one as far as it can be read: a client of a system-wide service
    /// need not be able to.
    fn loaded(&self) -> Result<Option<Config>, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Configuration, error.to_string());
        match &self.config {
            Some(named) => Ok(Some(Config::load(named).map_err(|error| failed(&error))?.config)),
            None => Ok(config_path(None).ok().and_then(|path| Config::load(&path).ok()).map(|loaded| loaded.config)),
        }
    }
}

fn usual(runtime: Option<OsString>, store: Option<&Path>) -> Vec<PathBuf> {
    let user = runtime.map(|folder| PathBuf::from(folder).join("holdpoint").join("holdpoint.sock"));
    let beside = store.and_then(Path::parent).map(|folder| folder.join("holdpoint.sock"));
    [Some(PathBuf::from(SYSTEM)), user, beside].into_iter().flatten().collect()
}

fn first(places: &[PathBuf], is_there: impl Fn(&Path) -> bool) -> Result<PathBuf, Failure> {
    places.iter().find(|place| is_there(place)).cloned().ok_or_else(|| {
        let tried: Vec<String> = places.iter().map(|place| short(&place.to_string_lossy())).collect();
        Failure::new(Exit::Unreachable, format!("no daemon's socket was found: looked at {}", tried.join(", ")))
            .hint("start the daemon with `holdpoint run`; one whose store or socket is elsewhere is found by its configuration, \
                   with --config FILE, or by its socket, with --socket PATH or $HOLDPOINT_SOCKET")
            .hint("`holdpoint doctor` looks into what is missing")
    })
}

/// One in a directory that is closed to us is there as well: connecting to it says so better than "not found" would.
fn is_there(place: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    !matches!(std::fs::metadata(place).map_err(|error| error.kind()), Err(NotFound | NotADirectory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn a_socket_that_is_named_is_the_only_place() {
        let flag = Target { socket: Some("/a.sock".into()), config: None };
        let named = variables(&[("HOLDPOINT_SOCKET", "/b.sock"), ("XDG_RUNTIME_DIR", "/run/user/7")]);
        assert_eq!(flag.places(&named).expect("places"), [PathBuf::from("/a.sock")]);
        assert_eq!(Target::default().places(&named).expect("places"), [PathBuf::from("/b.sock")]);
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "[control]\nsocket = '/c.sock'\n").expect("a file");
        let typed = Target { socket: None, config: Some(config) };
        assert_eq!(typed.places(named).expect("places"), [PathBuf::from("/c.sock")], "typed, not exported");
    }

    #[test]
    fn the_usual_places_are_the_services_then_the_users_then_beside_the_store() {
        let places = usual(Some("/run/user/7".into()), Some(Path::new("/state/holdpoint/holdpoint.db")));
        let named = ["/run/holdpoint/holdpoint.sock", "/run/user/7/holdpoint/holdpoint.sock"];
        assert_eq!(places, [named[0], named[1], "/state/holdpoint/holdpoint.sock"].map(PathBuf::from));
        let there = |place: &Path| place.starts_with("/run/user");
        assert_eq!(first(&places, there).expect("found"), places[1]);
        assert_eq!(first(&places, |_| true).expect("found"), places[0]);
    }

    #[test]
    fn nothing_found_names_every_place_and_what_to_do() {
        let places = usual(None, Some(Path::new("/state/holdpoint.db")));
        let failure = first(&places, |_| false).expect_err("nothing");
        assert_eq!(failure.exit, Exit::Unreachable);
        let said = failure.to_string();
        for part in
            ["/run/holdpoint/holdpoint.sock, /state/holdpoint.sock", "holdpoint run", "--config FILE", "--socket PATH"]
        {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
    }
}
