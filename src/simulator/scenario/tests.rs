use super::*;

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(text, "test").map_err(|error| match std::error::Error::source(&error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    })
}

#[test]
fn every_built_in_scenario_can_be_read_and_bears_its_name() {
    let names: Vec<String> = builtin::all().unwrap().into_iter().map(|scenario| scenario.name).collect();
    let expected =
        ["harmless", "purchase", "late-purchase", "question", "rate-limit", "rate-limit-storm", "instruct", "demo"]
            .map(str::to_owned);
    assert_eq!(names, expected);
    for name in names {
        assert_eq!(builtin::find(&name).unwrap().name, name);
    }
}

#[test]
fn the_reference_of_the_format_can_be_read() {
    let scenario = parse(include_str!("../../../examples/scenarios/reference.toml")).unwrap();
    assert_eq!((scenario.name.as_str(), scenario.steps.len(), scenario.acts[0].times), ("reference", 10, 2));
}

#[test]
fn steps_have_one_meaning_and_defaults() {
    let text = r#"
        name = "x"
        [[step]]
        thought = "hm"
        [[step]]
        after = "2s"
        metadata = false
        commit = { kind = "purchase", what = "tea", amount = "3.00 EUR" }
        takes = "500ms"
        in_flight = true
    "#;
    let commit = Commit {
        kind: "purchase".into(),
        what: "tea".into(),
        amount: Some("3.00 EUR".into()),
        takes: Span(Duration::from_millis(500)),
        in_flight: true,
    };
    let second = Step {
        after: Some(Span(Duration::from_secs(2))),
        metadata: Metadata::Missing,
        ..Step::of(Action::Commit(commit))
    };
    let expected = Scenario::of("x", vec![Step::of(Action::Thought("hm".into())), second]);
    assert_eq!(parse(text).unwrap(), expected);
}

#[test]
fn a_scenario_that_cannot_be_meant_is_refused_with_the_reason() {
    let cases = [
        ("name = 'x'\nstepp = []", "unknown field `stepp`"),
        ("name = 'x'\n[[step]]\nthought = 'a'\nlog = 'b'", "a step does one thing"),
        ("name = 'x'\n[[step]]\nhidden = true", "this step does nothing"),
        ("name = 'x'\n[[step]]\nthought = 'a'\ntakes = '1s'", "`takes` belongs to a step with `commit`"),
        ("name = 'x'\npace = 'soon'", "is not a length of time"),
        ("name = 'x'\n[[act]]\ndo = 'resume'", "exactly one of `at` and `after_pause`"),
        ("name = 'x'\nrepeat = 2\npace = '0s'\n[[step]]\nthought = 'a'", "`repeat` needs steps that take time"),
    ];
    for (text, reason) in cases {
        let error = parse(text).expect_err(text);
        assert!(error.contains(reason), "{text}\n{error}");
    }
}

#[test]
fn a_scenario_that_does_not_exist_is_answered_with_those_that_do() {
    let error = builtin::find("purchse").unwrap_err().to_string();
    assert!(error.contains("\"purchse\"") && error.contains("purchase"), "{error}");
}
