use super::*;

fn parse(text: &str) -> Result<Loaded, Diagnostics> {
    Config::parse("config.toml", text)
}

fn with(text: &str, variable: &str, value: &str) -> Result<Loaded, Diagnostics> {
    let environment = [(variable.to_owned(), value.to_owned())].into();
    read("config.toml", "config.toml", text, &environment, None)
}

#[test]
fn an_empty_file_is_all_defaults_and_says_that_nothing_is_held() {
    let loaded = parse("").unwrap();
    assert_eq!(loaded.config.provider.base_url.as_str(), "https://api.agi.tech/");
    assert_eq!(loaded.config.provider.api_key, KeySource::Environment("AGI_API_KEY".to_owned()));
    assert_eq!(loaded.notes, ["there are no rules: sessions are watched, but nothing is ever held"]);
}

#[test]
fn rules_know_the_line_of_their_name() {
    let text = "\n[[rule]]\neffect = \"ask\"\nname = \"a\"\ntext = \"x\"\n";
    let place = parse(text).unwrap().config.policy.terms().next().unwrap().place.clone();
    assert_eq!(place, "config.toml:4");
}

#[test]
fn the_environment_overrides_the_file_and_its_errors_name_the_variable() {
    let text = "[store]\npath = \"a.db\"\n";
    let loaded = with(text, "HOLDPOINT_STORE_PATH", "b.db").unwrap();
    assert_eq!(loaded.config.store.path, Some(PathBuf::from("b.db")));
    let error = with("", "HOLDPOINT_PROVIDER_BASE_URL", "http://example.com").unwrap_err();
    assert!(error.to_string().contains("environment variable HOLDPOINT_PROVIDER_BASE_URL"), "{error}");
}

#[test]
fn every_listed_variable_overrides_its_key() {
    for (variable, key) in ENVIRONMENT {
        let error = with("", variable, "").err();
        let named = error.is_some_and(|error| error.list().iter().any(|one| one.key == key));
        assert!(named, "{variable} is not read for {key}");
    }
}

#[test]
fn a_byte_order_mark_is_no_error_and_does_not_shift_columns() {
    assert!(parse("\u{feff}[log]\nlevel = \"debug\"\n").is_ok());
    let error = parse("\u{feff}[lgo]\n").unwrap_err();
    assert!(error.to_string().contains("config.toml:1:2"), "{error}");
}

#[test]
fn rules_that_were_hardly_meant_are_noted() {
    let text = "[[rule]]\nname='a'\neffect='allow'\ntext='x'\n[[rule]]\nname='b'\neffect='ask'\ndomains='*.bank'\n";
    let notes = parse(text).unwrap().notes;
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("`a` (config.toml:2) does nothing") && notes[1].contains("`b`"), "{notes:?}");
}

#[test]
fn the_order_of_rules_does_not_change_the_policy() {
    let (a, b) = ("[[rule]]\nname='a'\neffect='ask'\ntext='x'\n", "[[rule]]\nname='b'\neffect='deny'\ntext='x'\n");
    let hash = |text: String| parse(&text).unwrap().config.policy.hash();
    assert_eq!(hash(format!("{a}{b}")), hash(format!("{b}{a}")));
}

#[test]
fn the_store_is_below_the_service_s_state_or_the_user_s() {
    let path = |set: &[(&str, &str)]| {
        let find = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        state_path(find).map(|path| path.to_string_lossy().into_owned())
    };
    assert_eq!(
        path(&[("STATE_DIRECTORY", "/var/lib/holdpoint:/x"), ("HOME", "/h")]).unwrap(),
        "/var/lib/holdpoint/holdpoint.db"
    );
    assert_eq!(path(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]).unwrap(), "/s/holdpoint/holdpoint.db");
    assert_eq!(path(&[("XDG_STATE_HOME", ""), ("HOME", "/h")]).unwrap(), "/h/.local/state/holdpoint/holdpoint.db");
    assert_eq!(path(&[]), None);
}

#[test]
fn a_key_file_that_everybody_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[provider]\napi_key_file = \"key\"\n").unwrap();
    let load = || Config::load_with(&config, &BTreeMap::new());
    assert!(load().unwrap_err().to_string().contains("cannot be read"));
    let key = folder.path().join("key");
    std::fs::write(&key, "secret").unwrap();
    for (mode, outcome) in [(0o644, Err("everybody")), (0o640, Ok(2)), (0o600, Ok(1))] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        match (load(), outcome) {
            (Ok(loaded), Ok(notes)) => assert_eq!(loaded.notes.len(), notes, "{mode:o}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (got, _) => panic!("{mode:o}: {got:?}"),
        }
    }
}

#[test]
fn a_key_file_is_not_looked_at_where_the_service_manager_keeps_credentials() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (config, key, theirs) =
        (folder.path().join("config.toml"), folder.path().join("key"), folder.path().join("credentials"));
    std::fs::create_dir(&theirs).unwrap();
    for key in [&key, &theirs.join("key")] {
        std::fs::write(key, "secret").unwrap();
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o444)).unwrap();
    }
    std::os::unix::fs::symlink(&key, theirs.join("elsewhere")).unwrap();
    let load = |file: &str, directory: &std::path::Path| {
        std::fs::write(&config, format!("[provider]\napi_key_file = '{file}'\n")).unwrap();
        let environment = BTreeMap::from([(CREDENTIALS.to_owned(), directory.display().to_string())]);
        Config::load_with(&config, &environment).map(|loaded| loaded.config.provider.api_key)
    };
    assert_eq!(load("credentials/key", &theirs).unwrap(), KeySource::File(theirs.join("key")));
    for (file, directory) in
        [("key", &theirs), ("credentials/elsewhere", &theirs), ("credentials/key", &folder.path().join("none"))]
    {
        let error = load(file, directory).unwrap_err().to_string();
        assert!(error.contains("everybody on this machine can read"), "{file}: {error}");
    }
}

#[test]
fn the_share_of_the_deadline_is_per_cent_a_fraction_or_never() {
    for (written, percent) in
        [("'50%'", 50), ("'1%'", 1), ("0.5", 50), ("0.25", 25), ("0.29", 29), ("0.99", 99), ("'never'", 100)]
    {
        let loaded = parse(&format!("[approvals]\nescalate_at = {written}\n")).unwrap();
        assert_eq!(loaded.config.approvals.escalate_percent, percent, "{written}");
    }
    for wrong in ["0.0", "1.0", "-0.5", "nan", "inf", "50", "'50'", "'0%'", "'100%'", "''", "'%'", "true"] {
        assert!(parse(&format!("[approvals]\nescalate_at = {wrong}\n")).is_err(), "{wrong}");
    }
}

#[test]
fn hostile_text_is_shown_escaped() {
    let error = parse("[provider]\nkind = \"a\u{7f}b\u{9b}31m\"\n\"k\\u001b[31m\" = 1\n").unwrap_err().to_string();
    assert!(error.chars().all(|c| c == '\n' || !c.is_control()), "{error:?}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "([\\[\\]=\"'{}a-z_.0-9 \n,é-]|rule|provider|text|regex|amount_over|\\[\\[rule\\]\\]){0,60}") {
        if let Err(error) = parse(&text) {
            let _ = error.to_string();
        }
    }
}
