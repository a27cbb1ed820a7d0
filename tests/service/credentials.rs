//! The key as a credential that the manager passes.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::bench::{CONFIG, Home, KEY, Process, simulator};
use crate::manager::Manager;

fn home_with(credential: &str) -> Home {
    let home = Home::new();
    let config =
        CONFIG.replace("api_key_env = \"HOLDPOINT_TEST_KEY\"", &format!("api_key_credential = \"{credential}\""));
    home.write("config.toml", &config);
    std::fs::create_dir(home.path("credentials")).unwrap();
    let key = home.write("credentials/agi-api-key", &format!("{KEY}\n"));
    // systemd gives its own file the mode 0440 when it lets the user in by an access list.
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o440)).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_key_is_found_among_the_credentials_and_the_state_where_the_manager_wants_it() {
    let home = home_with("agi-api-key");
    std::fs::create_dir(home.path("lib")).unwrap();
    let mut manager = Manager::new(&home);
    let sim = simulator().await;
    let mut command = home.daemon(&sim.base_url());
    command.env_remove("HOLDPOINT_TEST_KEY").env("CREDENTIALS_DIRECTORY", home.path("credentials"));
    command.env("STATE_DIRECTORY", home.path("lib"));
    let daemon = Process::start(manager.adopt(&mut command));
    manager.wait_for("READY", "1");
    let ended = daemon.stop(Signal::TERM);
    assert_eq!(ended.code, Some(0));
    assert!(home.path("lib/holdpoint.db").exists());
    assert!(!ended.stderr.contains(KEY) && !ended.stderr.contains("can read the API key"), "{}", ended.stderr);
}

#[test]
fn a_credential_that_was_not_passed_starts_nothing() {
    for (credential, directory, why) in [
        ("other", true, "the credential other cannot be read: No such file"),
        (
            "agi-api-key",
            false,
            "the credential agi-api-key is looked for below $CREDENTIALS_DIRECTORY, which is not set",
        ),
    ] {
        let home = home_with(credential);
        let mut command = home.daemon("http://127.0.0.1:9");
        if directory {
            command.env("CREDENTIALS_DIRECTORY", home.path("credentials"));
        }
        let ended = Process::start(&mut command).ends();
        assert_eq!(ended.code, Some(78), "{}", ended.stderr);
        ended.says(&[why, "LoadCredential="]);
        assert!(!home.path("state").exists(), "no store, no lock");
    }
}
