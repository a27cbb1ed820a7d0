//! `holdpoint policy`: rules checked, tried, explained, measured, replayed and compared, beside a daemon and without one.

use rustix::process::Signal;
use serde_json::Value;

use crate::bench::{CONFIG, Ended, Home, PURCHASE, Process, play, simulator};

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.stderr, "", "{}", ended.stdout);
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

/// Two runs: one that buys and says so, one that only talks about it.
const TRACES: &str = r#"{"id":"t/1","surface":"browser","source":"ours","task":"buy tea","novel":true,"events":[{"kind":"thought","text":"Clicking 'Place your order' now"},{"kind":"action","text":"click(1)"},{"kind":"observation","text":"Place your order"}],"consequential":[1],"categories":["purchase"],"soft":[]}
{"id":"t/2","surface":"browser","source":"ours","task":"look","events":[{"kind":"thought","text":"Clicking 'Place your order' now\u001b[2J"},{"kind":"thought","text":"hm"}],"consequential":[],"soft":[]}
"#;

#[test]
fn rules_are_measured_on_recorded_runs() {
    let home = Home::new();
    home.write("t.jsonl", TRACES);
    let eval = |more: &[&str]| {
        home.output(&[&["policy", "eval", "--preset", "balanced", "--traces", "t.jsonl"], more].concat())
    };
    let figures = serde_json::json!({
        "recall": 1.0, "recall_self": 0.0, "disturbed": 1.0, "precision": 0.5, "alarms_per_harmless": 1.0,
        "consequential": 1, "harmless": 1,
    });
    let told = json(&eval(&["--json"]));
    assert_eq!(told, serde_json::json!({ "surfaces": { "browser": figures }, "sources": { "ours": figures } }));
    let table = eval(&["--by", "source", "--misses"]);
    assert_eq!((table.code, table.stderr.as_str()), (Some(0), ""));
    for part in ["ours   100.0 %", "false alarm browser t/2 event 0: Clicking", "<U+001B>[2J", "(preset balanced:"] {
        assert!(table.stdout.contains(part), "{part}: {}", table.stdout);
    }
    home.write("t.jsonl", &format!("{TRACES}{{\"id\":1}}\n"));
    let broken = eval(&[]);
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), ""));
    broken.says(&["line 3: not a trace", "hint: "]);
}

#[test]
fn the_example_has_no_rule_that_was_hardly_meant() {
    let home = Home::new();
    home.write("config.toml", include_str!("../../config.example.toml"));
    let checked = home.output(&["policy", "check", "--config", "config.toml"]);
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(0), "17 rules, 0 problems, 0 remarks\n"));
}

#[test]
fn rules_that_were_hardly_meant_and_tests_that_fail_are_told_with_their_lines() {
    let home = Home::new();
    let check = |file: &str| home.output(&["policy", "check", "--config", file]);
    let clean = check("config.toml");
    assert_eq!((clean.code, clean.stdout.as_str()), (Some(0), "1 rule, 0 problems, 0 remarks\n"));

    let never = "[[rule]]\nname = 'never'\neffect = 'ask'\ntext = 'pay now'\nunless = { text = 'pay' }\n";
    home.write("never.toml", never);
    let found = check("never.toml");
    assert_eq!(found.code, Some(1));
    for part in ["problem: rule `never` [never fires]: ", "--> never.toml:2", "= hint: "] {
        assert!(found.stdout.contains(part), "{}", found.stdout);
    }
    let told = json(&home.output(&["policy", "check", "--config", "never.toml", "--json"]));
    assert_eq!(
        (&told["findings"][0]["place"], &told["findings"][0]["problem"]),
        (&"never.toml:2".into(), &true.into())
    );

    let test = "[[rule]]\nname = 'pay'\neffect = 'ask'\ntext = 'pay'\n[[rule.test]]\nevent = { text = 'pay' }\nexpect = 'deny'\n\
                [[rule.test]]\nevent = { text = 'hm' }\nexpect = 'allow'\n";
    home.write("test.toml", test);
    assert_eq!(check("test.toml").code, Some(78));
    let tested = home.output(&["policy", "test", "--config", "test.toml"]);
    assert_eq!(tested.code, Some(1));
    assert_eq!(
        tested.stdout,
        "FAILED  test.toml:5: thought \"pay\": the verdict is `ask` by rule `pay`, not `deny` (rule pay)\n\
         ok      test.toml:8: thought \"hm\" is allow (rule pay)\n"
    );
    tested.says(&["1 of 2 tests failed"]);
    let told = json(&home.output(&["policy", "test", "--preset", "quiet", "--json"]));
    assert_eq!((&told["failed"], told["tests"][0]["passed"].as_bool()), (&0.into(), Some(true)));
}

#[test]
fn an_event_is_explained_condition_by_condition() {
    let home = Home::new();
    let event = r#"[{"text": "total 700 USD"}, {"kind": "step", "tool": "click", "args": {"element": "Place order\u001b[2J"}}]"#;
    let explain = |more: &[&str]| {
        home.output(&[&["policy", "explain", "--config", "config.toml", "--event", event], more].concat())
    };
    let told = explain(&[]);
    assert_eq!((told.code, told.stderr.as_str()), (Some(0), ""));
    for part in ["verdict: ask, by rule purchase (config.toml:", "yes  detect purchase, on \"Place order", "<U+001B>"] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    let told = json(&explain(&["--json"]));
    assert_eq!(told["events"][0]["rules"][0]["said"], "fires");
    assert_eq!(told["events"][0]["amount"]["number"], "700.00");
    let wrong = home.output(&["policy", "explain", "--config", "config.toml", "--event", "{"]);
    assert_eq!(wrong.code, Some(2));
    wrong.says(&["--event cannot be read", "hint: "]);
}

#[test]
fn two_sets_of_rules_are_compared_on_recorded_runs() {
    let home = Home::new();
    home.write("t.jsonl", TRACES);
    home.write("deny.toml", "[[rule]]\nname = 'no'\neffect = 'deny'\ndetect = 'purchase'\n");
    let diff = |more: &[&str]| {
        home.output(&[&["policy", "diff", "balanced", "deny.toml", "--traces", "t.jsonl"], more].concat())
    };
    let told = diff(&[]);
    assert_eq!((told.code, told.stderr.as_str()), (Some(0), ""));
    for part in [
        "t/1 event 0 thought: Clicking",
        "old: ask by rule balanced: purchase (preset balanced:",
        "new: deny by rule no (deny.toml:2), detect purchase on",
        "5 events of 2 sessions, 2 differ: ask → deny 2",
    ] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    let told = json(&diff(&["--json"]));
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(2));
    let without = home.output(&["policy", "diff", "balanced", "deny.toml"]);
    assert_eq!(without.code, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_daemon_saw_is_replayed_by_other_rules_and_its_card_explained() {
    let home = Home::new();
    let sim = simulator().await;
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let session = play(&sim, PURCHASE).await;
    let line = daemon.wait("waits for an answer");
    let code = line.split_whitespace().find(|word| word.len() == 4 && *word != "WARN").unwrap().to_owned();
    let explain = |more: &[&str]| {
        home.output(&[&["policy", "explain", "--config", "config.toml", "--approval", &code], more].concat())
    };
    let asked = explain(&[]);
    assert_eq!((asked.code, asked.stderr.as_str()), (Some(0), ""));
    assert!(asked.stdout.contains("yes  detect purchase, on \"Clicking 'Place your order'"), "{}", asked.stdout);

    // Events are recorded within a second or two: what is asked for is asked again until it is there.
    home.write("calm.toml", "[[rule]]\nname = 'headset'\neffect = 'alert'\ntext = 'headset'\n");
    let replay = |more: &[&str]| {
        let store = home.store();
        home.output(
            &[
                &["policy", "replay", "--config", "calm.toml", "--since", "1h", "--store", store.to_str().unwrap()],
                more,
            ]
            .concat(),
        )
    };
    let deadline = std::time::Instant::now() + crate::bench::DEADLINE;
    while !replay(&[]).stdout.contains("Place your order") {
        assert!(std::time::Instant::now() < deadline, "{}", replay(&[]).stdout);
    }
    let told = json(&replay(&["--json"]));
    let hits = told["hits"].as_array().unwrap();
    let of = |text: &str| hits.iter().find(|hit| hit["text"].as_str().unwrap().contains(text)).unwrap().clone();
    let headset = of("Looking for the headset");
    assert_eq!((&headset["then"], &headset["now"]["effect"]), (&"allow".into(), &"alert".into()));
    assert_eq!((&headset["session"], &headset["now"]["place"]), (&session.as_str().into(), &"calm.toml:2".into()));
    let order = of("Place your order");
    assert_eq!((&order["then"], &order["now"]["effect"]), (&"ask".into(), &"allow".into()));

    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    let diff = home.output(&[
        "policy",
        "diff",
        "config.toml",
        "calm.toml",
        "--since",
        "1h",
        "--store",
        home.store().to_str().unwrap(),
    ]);
    assert!(diff.stdout.contains("old: ask by rule purchase (config.toml:"), "{}\n{}", diff.stdout, diff.stderr);
    let stored = explain(&["--json"]);
    assert_eq!(json(&stored)["events"][0]["rule"], "purchase", "without a daemon its store is read");
    let none = replay(&[]);
    assert_eq!(none.code, Some(0));
    let future = home.output(&[
        "policy",
        "replay",
        "--config",
        "calm.toml",
        "--since",
        "2100-01-01",
        "--store",
        home.store().to_str().unwrap(),
    ]);
    future.says(&["nothing is recorded from then on"]);
}

#[test]
fn presets_are_listed_printed_and_named_when_they_are_mistyped() {
    let home = Home::new();
    let list = home.output(&["policy", "presets"]);
    assert_eq!((list.code, list.stdout.lines().count()), (Some(0), 6));
    let one = home.output(&["policy", "presets", "balanced"]);
    assert!(one.stdout.contains("detect = ["), "{}", one.stdout);
    home.write("preset.toml", &format!("preset = \"balanced\"\n{CONFIG}"));
    let checked = home.output(&["config", "check", "--config", "preset.toml"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let wrong = home.output(&["policy", "eval", "--preset", "balancd", "--traces", "x"]);
    assert_eq!(wrong.code, Some(2));
    wrong.says(&["the presets are cautious, balanced, quiet"]);
}
