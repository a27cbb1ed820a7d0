//! The configuration's diagnostics on a corpus of files, and the example that is shipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use holdpoint::config::{Config, Loaded};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Loads a file with no environment, and its error without the folder it happens to be in.
fn load(path: &Path) -> Result<Loaded, String> {
    let folder = format!("{}/", path.parent().unwrap().display());
    Config::load_with(path, &BTreeMap::new()).map_err(|error| error.to_string().replace(&folder, ""))
}

#[test]
fn each_invalid_file_is_refused_with_its_diagnostics() {
    let files = files("invalid");
    assert!(files.len() >= 25);
    for path in files {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let Err(error) = load(&path) else { panic!("{stem} is accepted") };
        assert!(error.chars().all(|c| c == '\n' || !c.is_control()), "{error:?}");
        if stem.starts_with("hostile") {
            // How escapes look is the escaping function's own business.
            assert!(error.contains(&format!("{stem}.toml:2:9")) && error.contains("log.level"), "{error}");
            continue;
        }
        insta::with_settings!({ snapshot_path => "config/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(stem, error);
        });
    }
}

#[test]
fn each_valid_file_is_accepted() {
    for path in files("valid") {
        if let Err(error) = load(&path) {
            panic!("{}:\n{error}", path.display());
        }
    }
}

#[test]
fn a_huge_file_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, vec![b'#'; 2 << 20]).unwrap();
    let error = load(&path).unwrap_err();
    assert!(error.contains("the file is larger than 1048576 bytes"), "{error}");
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let text = format!("a = {}", "[".repeat(100_000));
    assert!(Config::parse("config.toml", &text).is_err());
    let text = format!("a{} = 1", ".a".repeat(100_000));
    assert!(Config::parse("config.toml", &text).is_err());
}

#[test]
fn a_missing_file_is_an_error_with_a_hint() {
    let error = load(Path::new("/nowhere/config.toml")).unwrap_err();
    assert!(error.contains("cannot read") && error.contains("--config"), "{error}");
}

fn example() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml")).unwrap()
}

#[test]
fn the_example_loads_with_its_rules_and_without_notes() {
    let loaded = Config::parse("config.example.toml", &example()).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<&str> = loaded.config.policy.terms().map(|terms| terms.name.as_str()).collect();
    let (ready_made, own): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.starts_with("balanced: "));
    assert!(ready_made.contains(&"balanced: purchase"), "{ready_made:?}");
    assert_eq!(
        own,
        [
            "dear purchase",
            "rate limit",
            "no newsletters",
            "questions",
            "big spender",
            "outside our agents",
            "checkout of our shop",
            "hasty",
            "bank"
        ]
    );
    assert_eq!(loaded.notes, Vec::<String>::new());
}

#[test]
fn what_the_example_comments_out_is_the_default() {
    let settings = |text: &str| {
        let config = Config::parse("config.example.toml", text).unwrap_or_else(|error| panic!("{error}")).config;
        format!(
            "{:#?}",
            (
                config.provider,
                config.watch,
                config.approvals,
                config.prompt,
                config.control,
                config.notify,
                config.store,
                config.log
            )
        )
    };
    let no_default = [
        "#api_key_file",
        "#api_key_credential",
        "#sessions",
        "#agents",
        "#not_by",
        "#extension ",
        "#refusal",
        "#path",
        "#checkpoint",
        "#requests_per_minute",
        "#socket",
        "#group = \"hold",
        "#observe",
        "#decide",
        "#admin",
        "#http",
        "#exec =",
        "#webhook =",
        "#webhook_secret",
    ];
    let uncommented: Vec<&str> = example()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => {
                if no_default.iter().any(|key| line.starts_with(key)) { "" } else { rest }
            }
            Some(_) | None => line,
        })
        .map(|line| &*line.to_owned().leak())
        .collect();
    assert_eq!(settings(&uncommented.join("\n")), settings(""));
}

#[test]
fn every_key_without_a_default_is_read_as_the_example_shows_it() {
    for key in ["api_key_credential", "sessions", "agents", "not_by", "extension ", "refusal", "path", "http", "exec ="]
    {
        let text = example().replacen(&format!("\n#{key}"), &format!("\n{key}"), 1);
        assert!(Config::parse("config.example.toml", &text).is_ok(), "{key}");
    }
}

#[test]
fn the_example_s_webhook_is_read_with_either_place_of_its_secret() {
    for secret in ["webhook_secret_env", "webhook_secret_file", "webhook_secret_credential"] {
        let text = example().replacen("\n#webhook =", "\nwebhook =", 1);
        let text = text.replacen(&format!("\n#{secret}"), &format!("\n{secret}"), 1);
        assert!(Config::parse("config.example.toml", &text).is_ok(), "{secret}");
    }
}

/// One rule as a user writes it, with conditions of several kinds.
fn written() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let conditions = [
        "text = [\"place order\", \"rate limit*\"]",
        "regex = ['order #\\d+']",
        "detect = [\"purchase\", \"transfer\"]",
        "events = [\"step\", \"thought\"]",
        "domains = [\"*.example.com\"]",
        "url = [\"example.com/checkout\"]",
        "amount_over = [\"500 USD\", \"450 EUR\"]",
        "count = { over = 3, per = \"1m\" }",
        "time = { from = \"22:00\", to = \"06:00\", zone = \"UTC\" }",
        "when = 'event.kind == \"step\" && event.text.contains(\"pay\")'",
        "unless = { agents = [\"agi-*\"] }",
    ];
    let some = proptest::sample::subsequence(conditions.to_vec(), 1..4).prop_shuffle();
    (some, prop_oneof![Just("ask"), Just("deny"), Just("alert")]).prop_map(|(some, effect)| {
        // A rule with an exception alone has no condition.
        let own = if some.iter().all(|line| line.starts_with("unless")) { "text = [\"pay\"]\n" } else { "" };
        format!("effect = \"{effect}\"\n{own}{}\n", some.join("\n"))
    })
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// What is read is what was written: every rule of it, whatever the order of rules and of the conditions in them.
    #[test]
    fn a_policy_is_the_same_however_its_rules_are_ordered(rules in proptest::collection::vec(written(), 1..6)) {
        let text = |rules: &[(usize, &String)]| -> String {
            rules.iter().map(|(n, rule)| format!("[[rule]]\nname = \"r{n}\"\n{rule}")).collect()
        };
        let read = |text: &str| Config::parse("c.toml", text).unwrap_or_else(|error| panic!("{error}\n{text}")).config.policy;
        let mut placed: Vec<(usize, &String)> = rules.iter().enumerate().collect();
        let one = read(&text(&placed));
        placed.reverse();
        let other = read(&text(&placed));
        proptest::prop_assert_eq!(one.hash(), other.hash());
        proptest::prop_assert_eq!(one.len(), rules.len());
        placed.pop();
        if !placed.is_empty() {
            proptest::prop_assert_ne!(read(&text(&placed)).hash(), one.hash());
        }
    }
}
