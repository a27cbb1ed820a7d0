//! What a start needs before it speaks to anybody: configuration, key, store.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::Check;
use crate::cli::run::{config_path, fetch_key, store_path};
use crate::cli::target::Target;
use crate::config::{Config, Loaded};
use crate::operator::escape::short;

/// The configuration as far as it can be used, and what there is to say.
pub fn checks(target: &Target) -> (Option<Config>, Vec<Check>) {
    let (config, mut checks) = configuration(target.config.as_deref());
    if let Some(config) = &config {
        checks.push(api_key(config));
        checks.extend(store(config));
    }
    (config, checks)
}

fn configuration(named: Option<&Path>) -> (Option<Config>, Vec<Check>) {
    let what = "configuration";
    let path = match config_path(named) {
        Ok(path) => path,
        Err(failure) => return (None, vec![Check::fail(what, first_line(&failure), "name one with --config FILE")]),
    };
    match Config::load(&path) {
        Ok(Loaded { config, notes }) => {
            let rules = crate::cli::counted(i128::try_from(config.policy.len()).unwrap_or_default(), "rule", "rules");
            let mut checks = vec![Check::ok(what, format!("{} is valid, {rules}", short(&path.to_string_lossy())))];
            checks
                .extend(notes.into_iter().map(|note| Check::warn(what, note, "`holdpoint config check` says so too")));
            (Some(config), checks)
        }
        Err(error) => {
            (None, vec![Check::fail(what, error.to_string().trim_end(), "`holdpoint config check` shows each place")])
        }
    }
}

fn first_line(failure: &crate::error::Failure) -> String {
    failure.to_string().lines().next().unwrap_or_default().to_owned()
}

fn api_key(config: &Config) -> Check {
    match fetch_key(&config.provider.api_key) {
        Ok(_) => Check::ok("api key", "is there"),
        Err(failure) => Check::fail(
            "api key",
            first_line(&failure),
            "the daemon needs it; a client command does not, so this is right if the daemon is another user's",
        ),
    }
}

fn store(config: &Config) -> Vec<Check> {
    match store_path(&config.store) {
        Ok(path) => vec![directory(&path), lock(&path)],
        Err(failure) => vec![Check::fail("store", first_line(&failure), "set [store] path")],
    }
}

fn directory(store: &Path) -> Check {
    let what = "store";
    let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = short(&folder.to_string_lossy());
    if !folder.exists() {
        return Check::ok(what, format!("{shown} will be made at the first start"));
    }
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Check::ok(what, format!("{shown} can be written")),
        Err(error) => Check::fail(
            what,
            format!("{shown} cannot be written by this user: {error}"),
            "the daemon has to be able to; `ls -ld` shows whose it is",
        ),
    }
}

/// Who runs on the store, as the lock file says; the lock itself is not touched, so that a start is not disturbed.
fn lock(store: &Path) -> Check {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    let written = std::fs::read_to_string(PathBuf::from(name)).unwrap_or_default();
    let pid = written.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
    let lives = pid.filter(|pid| rustix::process::test_kill_process(*pid) != Err(rustix::io::Errno::SRCH));
    match lives {
        Some(pid) => Check::ok("lock", format!("process {} runs on the store", pid.as_raw_nonzero())),
        None => Check::ok("lock", "no daemon runs on the store"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_not_there_yet_is_fine_and_nothing_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("state").join("holdpoint.db");
        assert_eq!(directory(&store).verdict, super::super::Verdict::Ok);
        assert_eq!(lock(&store).found, "no daemon runs on the store");
        assert!(!folder.path().join("state").exists());
    }
}
