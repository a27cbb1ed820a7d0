//! A daemon that two Unix users reach, as far as the tests may become another one.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::getuid;
use serde_json::Value;

use crate::bench::{CONFIG, Home};

/// Debian's `games`: a user that is everywhere and whose name is no other word of a screen.
const OTHER: &str = "games";

/// A place that every user can reach, with a copy of the binary: the build's own folder may be closed to others.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
        std::fs::copy(env!("CARGO_BIN_EXE_holdpoint"), folder.path().join("holdpoint")).expect("a copy");
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// The configuration: one key approves, and the other user may decide.
    pub fn configuration(&self) -> String {
        let roles = if two_users() { format!("group = {:?}\ndecide = [{:?}]\n", OTHER, OTHER) } else { String::new() };
        let control = format!("[control]\nsocket = {:?}\n{roles}", self.path("run/holdpoint.sock"));
        CONFIG.replace("risk = \"high\"", "risk = \"high\"\nconfirm = \"key\"") + &control
    }

    /// `holdpoint attach` as this user.
    pub fn attach(&self, more: &[&str]) -> Vec<String> {
        let attach = [self.path("holdpoint"), "attach".into(), "--socket".into(), self.path("run/holdpoint.sock")];
        attach.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
    }

    /// The same as the other user, where only root can become that one.
    pub fn attach_as_other(&self) -> Vec<String> {
        let become_it = format!("setpriv --reuid={0} --regid={0} --clear-groups", OTHER);
        let become_it: Vec<String> = become_it.split(' ').map(str::to_owned).collect();
        if two_users() { [become_it, self.attach(&[])].concat() } else { self.attach(&[]) }
    }

    /// The name of the other operator.
    pub fn other(&self) -> String {
        if two_users() { OTHER.to_owned() } else { me() }
    }

    /// What the daemon says of an approval.
    pub fn approval(&self, home: &Home, code: &str) -> Value {
        let shown = home.output(&["show", code, "--json", "--socket", &self.path("run/holdpoint.sock")]);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        serde_json::from_str(&shown.stdout).expect("an object")
    }
}

/// Whether the two operators are two users; only root can become another one.
pub fn two_users() -> bool {
    getuid().is_root()
}

/// This user's name.
pub fn me() -> String {
    let output = std::process::Command::new("id").arg("-un").output().expect("id");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}
