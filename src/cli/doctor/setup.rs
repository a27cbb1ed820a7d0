//! What a start needs before it speaks to anybody: configuration, key, store.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::Check;
use crate::cli::run::{config_path, fetch_key, store_path};
use crate::cli::target::Target;
use crate::config::{Config, ConfigError, Loaded};
use crate::operator::escape::short;

/// The configuration as far as it can be used, and what there is to say. `attended`: a daemon answers.
pub fn checks(target: &Target, attended: bool) -> (Option<Config>, Vec<Check>) {
    let (config, mut checks) = configuration(target.config.as_deref(), attended);
    if let Some(config) = &config {
        checks.push(api_key(config, attended));
        checks.extend(store(config, attended));
    }
    (config, checks)
}

fn configuration(named: Option<&Path>, attended: bool) -> (Option<Config>, Vec<Check>) {
    let what = "configuration";
    let path = match config_path(named) {
        Ok(path) => path,
        Err(failure) => {
            let check = Check::for_a_start(attended, what, first_line(&failure), "name one with --config FILE");
            return (None, vec![check]);
        }
    };
    match Config::load(&path) {
        Ok(Loaded { config, notes }) => {
            let rules = crate::cli::counted(i128::try_from(config.policy.len()).unwrap_or_default(), "rule", "rules");
            let mut checks = vec![Check::ok(what, format!("{} is valid, {rules}", short(&path.to_string_lossy())))];
            checks
                .extend(notes.into_iter().map(|note| Check::warn(what, note, "`holdpoint config check` says so too")));
            (Some(config), checks)
        }
        Err(error) => (None, vec![unusable(&path, named.is_some(), attended, &error)]),
    }
}

/// What this user may not read is the daemon's business; what is wrong in itself is wrong for everybody, and so is a file that
/// was named.
fn unusable(path: &Path, named: bool, attended: bool, error: &ConfigError) -> Check {
    const CHECK: &str = "`holdpoint config check` shows each place";
    let said = error.to_string();
    let closed = match error {
        ConfigError::Read { .. } => true,
        // Right in itself: what is wrong lies in another file, which only the daemon may read.
        ConfigError::Invalid(_) => Config::load_rules(path).is_ok(),
    };
    Check::for_a_start(attended && closed && !named, "configuration", said.trim_end(), CHECK)
}

fn first_line(failure: &crate::error::Failure) -> String {
    failure.to_string().lines().next().unwrap_or_default().to_owned()
}

fn api_key(config: &Config, attended: bool) -> Check {
    match fetch_key(&config.provider.api_key) {
        Ok(_) => Check::ok("api key", "is there"),
        Err(failure) => Check::for_a_start(
            attended,
            "api key",
            first_line(&failure),
            "the daemon needs it: set the variable, or name the file, that provider.api_key_env or api_key_file says",
        ),
    }
}

fn store(config: &Config, attended: bool) -> Vec<Check> {
    match store_path(&config.store) {
        Ok(path) => vec![place(&path, attended), lock(&path)],
        Err(failure) => vec![Check::fail("store", first_line(&failure), "set [store] path")],
    }
}

/// The directory, and the store that is in it.
fn place(store: &Path, attended: bool) -> Check {
    let what = "store";
    let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = short(&folder.to_string_lossy());
    if !folder.exists() {
        return Check::ok(what, format!("{shown} will be made at the first start"));
    }
    let closed = |shown: String, error: rustix::io::Errno| {
        let found = format!("{shown} cannot be written by this user: {error}");
        Check::for_a_start(attended, what, found, "the daemon has to be able to; `ls -ld` shows whose it is")
    };
    if let Err(error) = access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        return closed(shown, error);
    }
    match access(store, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Check::ok(what, format!("{shown} can be written")),
        Err(error) => closed(short(&store.to_string_lossy()), error),
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
    use super::super::Verdict;
    use super::*;

    #[test]
    fn what_only_the_daemon_may_read_is_a_warning_where_one_answers_and_what_is_wrong_fails_everywhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        let verdict = |text: &str, named, attended| {
            std::fs::write(&path, text).expect("a file");
            let error = Config::load(&path).expect_err("not for this user");
            unusable(&path, named, attended, &error).verdict
        };
        let closed = "[provider]\napi_key_file = 'key-of-the-daemon'\n";
        assert_eq!(verdict(closed, false, true), Verdict::Warn);
        assert_eq!(verdict(closed, true, true), Verdict::Fail, "it was named");
        assert_eq!(verdict(closed, false, false), Verdict::Fail, "no daemon answers");
        for named in [false, true] {
            assert_eq!(verdict("[provider]\nbase_url = 7\n", named, true), Verdict::Fail);
        }
    }

    #[test]
    fn a_store_that_is_not_there_yet_is_fine_and_nothing_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("state").join("holdpoint.db");
        assert_eq!(place(&store, false).verdict, Verdict::Ok);
        assert_eq!(lock(&store).found, "no daemon runs on the store");
        assert!(!folder.path().join("state").exists());
    }
}
