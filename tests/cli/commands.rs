//! Help, checks and refusals that need no daemon.

use crate::bench::Home;

#[test]
fn the_help_of_every_command_has_an_example() {
    let home = Home::new();
    let commands: [&[&str]; 16] = [
        &[],
        &["demo"],
        &["run"],
        &["simulate"],
        &["audit"],
        &["audit", "verify"],
        &["config"],
        &["config", "check"],
        &["policy"],
        &["policy", "check"],
        &["policy", "test"],
        &["policy", "explain"],
        &["policy", "eval"],
        &["policy", "replay"],
        &["policy", "diff"],
        &["policy", "presets"],
    ];
    for command in commands {
        let ended = home.output(&[command, &["--help"]].concat());
        assert_eq!(ended.code, Some(0), "{command:?}");
        let example =
            ["Example: ", if command.contains(&"run") { "AGI_API_KEY=… " } else { "" }, "holdpoint "].concat();
        assert!(ended.stdout.contains(&example), "{command:?}:\n{}", ended.stdout);
        assert!(
            command.is_empty() || ended.stdout.contains(&format!("holdpoint {}", command.join(" "))),
            "{command:?}"
        );
    }
}

#[test]
fn a_wrong_argument_is_a_usage_error_on_standard_error() {
    let home = Home::new();
    for (command, code) in [(["run", "--confg", "x"].as_slice(), 64), (&["config", "check", "--confg", "x"], 2)] {
        let ended = home.output(command);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""));
        ended.says(&["--config"]);
    }
}

#[test]
fn the_description_of_the_local_api_is_printed_as_it_is_kept() {
    let ended = Home::new().output(&["openapi"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout == include_str!("../../docs/openapi.json"), "cargo run -- openapi > docs/openapi.json");
}

#[test]
fn a_configuration_is_checked_without_starting_anything() {
    let home = Home::new();
    let ended = home.output(&["config", "check", "--config", "config.toml"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("config.toml: valid, 1 rule"), "{}", ended.stdout);

    home.write("broken.toml", "[[rule]]\nname = 'x'\neffect = 'aks'\n");
    let ended = home.output(&["config", "check", "--config", "broken.toml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""));
    ended.says(&["broken.toml:3:10", "^^^^^", "did you mean \"ask\"?"]);
    assert!(!home.path("state").exists());
}

#[test]
fn a_configuration_that_is_not_there_is_said_with_where_it_was_looked_for() {
    let home = Home::new();
    let ended = home.output(&["run"]);
    assert_eq!(ended.code, Some(78));
    ended.says(&["there is no configuration file", "hint: name one with --config FILE", "config.example.toml"]);
    let ended = home.output(&["run", "--config", "missing.toml"]);
    assert_eq!(ended.code, Some(78));
    ended.says(&["missing.toml", "--config"]);
}

#[test]
fn an_audit_needs_a_store() {
    let home = Home::new();
    let ended = home.output(&["audit", "verify", "--store", "missing.db"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    ended.says(&["the store missing.db cannot be opened", "because No such file", "hint: name the store with --store"]);
    assert!(!home.path("missing.db").exists());
    home.write("noise.db", &"not a database at all ".repeat(100));
    let ended = home.output(&["audit", "verify", "--store", "noise.db"]);
    assert_eq!(ended.code, Some(1));
    ended.says(&["the store noise.db cannot be opened", "file is not a database"]);
}

#[test]
fn the_simulated_api_listens_on_loopback_only() {
    let ended = Home::new().output(&["simulate", "--listen", "0.0.0.0:0"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    ended.says(&["loopback only", "use 127.0.0.1:0"]);
}

#[test]
fn every_command_that_fails_says_what_to_do() {
    let home = Home::new();
    home.write("quiet.toml", crate::bench::CONFIG);
    home.write("no.toml", "not a scenario");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let failing: [&str; 47] = [
        "pending --socket missing.sock",
        "show 7K2M --socket missing.sock",
        "approve 7K2M --socket missing.sock",
        "deny 7K2M 9ABC --socket missing.sock",
        "deny --all --socket missing.sock",
        "answer 7K2M yes --socket missing.sock",
        "extend 7K2M --socket missing.sock",
        "wait 7K2M --socket missing.sock",
        "wait 7K2M --timeout soon",
        "sessions --socket missing.sock",
        "pause x --socket missing.sock",
        "resume x --socket missing.sock",
        "cancel x --socket missing.sock",
        "stop-all --socket missing.sock",
        "status --socket missing.sock",
        "status --socket config.toml",
        "status --config missing.toml",
        "attach",
        "doctor --socket missing.sock",
        "run",
        "run --config missing.toml",
        "run --config config.toml",
        "run --frobnicate",
        "config check",
        "config check --config missing.toml",
        "config check --config no.toml",
        "notify test",
        "notify test --config quiet.toml",
        "audit list",
        "audit list --store missing.db",
        "audit list --store config.toml",
        "audit list --since soon",
        "audit export --config missing.toml",
        "audit export --store missing.db",
        "audit verify --config no.toml",
        "audit verify --store config.toml",
        "simulate --listen 192.0.2.1:1",
        "simulate --listen here",
        "simulate --scenario nowhere",
        "simulate --scenario no.toml",
        "simulate --traces missing.jsonl",
        "simulate --api-key-env NO_SUCH_VARIABLE",
        &format!("simulate --listen {taken}"),
        "completions cobol",
        "man --out config.toml/x",
        "frobnicate",
        "",
    ];
    for line in failing {
        let ended = home.output(&line.split_whitespace().collect::<Vec<_>>());
        assert_ne!(ended.code, Some(0), "{line}");
        let told = format!("{}{}", ended.stdout, ended.stderr);
        let helps = ["hint: ", "try '--help'", "Usage: holdpoint <COMMAND>"].iter().any(|help| told.contains(help));
        assert!(helps, "{line}: {ended:?}");
    }
}
