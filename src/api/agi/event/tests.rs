use super::*;

fn frame(name: &str, data: &str) -> RawEvent {
    RawEvent { id: None, name: Some(name.to_owned()), data: data.to_owned(), truncated: false }
}

fn read(name: &str, data: &str) -> Event {
    match from_frame(&frame(name, data), 1000) {
        StreamItem::Event(event) => event,
        StreamItem::Heartbeat => panic!("a heartbeat"),
    }
}

fn plain(kind: EventKind, text: &str) -> Event {
    Event { id: None, kind, text: text.to_owned(), at: None, url: None, title: None, truncated: false }
}

#[test]
fn the_documented_frame_is_read() {
    let frame = RawEvent { id: Some("42".to_owned()), ..frame("thought", r#"{"text":"hm","message_id":42}"#) };
    let want = Event { id: Some(MessageId(42)), ..plain(EventKind::Thought, "hm") };
    assert_eq!(from_frame(&frame, 1000), StreamItem::Event(want));
}

#[test]
fn the_documented_message_is_read() {
    let json = r#"{"id":17,"type":"QUESTION","content":"Buy?","timestamp":"2025-10-05T18:05:01.555Z","metadata":{"origin":"agent","url":"https://a.example/"}}"#;
    let want = Event {
        id: Some(MessageId(17)),
        at: Some("2025-10-05T18:05:01.555Z".parse().expect("a time")),
        url: Some("https://a.example/".to_owned()),
        ..plain(EventKind::Question, "Buy?")
    };
    assert_eq!(from_message(json, 1000), want);
}

#[test]
fn a_heartbeat_is_no_event() {
    assert_eq!(from_frame(&frame("heartbeat", r#"{"timestamp":"x"}"#), 1000), StreamItem::Heartbeat);
}

#[test]
fn the_strings_of_a_step_are_its_text() {
    let step =
        read("step", r#"{"tool":"click","args":{"element":"Place order","url":"https://b.example"},"message_id":"9"}"#);
    let want = Event {
        id: Some(MessageId(9)),
        url: Some(String::new()),
        ..plain(EventKind::Step, "click\nPlace order\nhttps://b.example")
    };
    assert_eq!(step, want);
}

#[test]
fn numbers_that_are_amounts_are_in_the_text_of_a_step_where_prices_are_read() {
    let step = read("step", r#"{"tool":"send_money","args":{"amount":150.0,"currency":"EUR","to":"A. B.","x":12}}"#);
    assert_eq!(step.text, "send_money\namount: 150.0 EUR\nEUR\nA. B.");
    let prices = crate::policy::money::read(&step.text);
    let seen: Vec<_> = prices
        .iter()
        .map(|price| (price.number.map(|n| n.display(2)), price.currency.map(|c| c.code().to_owned())))
        .collect();
    assert_eq!(seen, [(Some("150.00".to_owned()), Some("EUR".to_owned()))]);
    assert_eq!(read("step", r#"{"tool":"pay","amount":20,"currency":"CHF"}"#).text, "pay\namount: 20 CHF\nCHF");
}

#[test]
fn an_action_beside_the_words_of_a_step_or_thought_is_seen_too() {
    for name in ["step", "thought"] {
        let event = read(name, r#"{"text":"all harmless","action":{"element":"Place order"}}"#);
        assert_eq!(event.text, "all harmless\nPlace order", "{name}");
    }
}

#[test]
fn content_may_be_a_string_an_object_or_an_array() {
    for (content, text) in [
        (r#""prose""#, "prose"),
        (r#"{"answer":"42","why":"it is"}"#, "42\nit is"),
        (r#"[{"text":"one"},{"text":"two"}]"#, "one\ntwo"),
        ("null", "fallback"),
        ("\"\"", "fallback"),
        ("{}", "fallback"),
        ("17", "fallback"),
    ] {
        let event = from_message(&format!(r#"{{"type":"DONE","content":{content},"text":"fallback"}}"#), 1000);
        assert_eq!(event, plain(EventKind::Done, text), "{content}");
    }
}

#[test]
fn an_error_object_gives_its_message() {
    assert_eq!(read("error", r#"{"error":{"message":"boom"},"status_code":500}"#), plain(EventKind::Error, "boom"));
}

#[test]
fn data_that_is_not_json_is_kept_as_text() {
    assert_eq!(read("log", "plain words"), plain(EventKind::Log, "plain words"));
    assert_eq!(read("thought", "\"quoted\""), plain(EventKind::Thought, "quoted"));
    assert_eq!(read("step", "[1,2]"), plain(EventKind::Step, "[1,2]"));
}

#[test]
fn the_strings_of_an_event_that_was_cut_are_read_all_the_same() {
    let cut = RawEvent { truncated: true, ..frame("step", r#"{"tool":"click","args":{"element":"Place or"#) };
    let want = Event { truncated: true, ..plain(EventKind::Step, "click\nPlace or") };
    assert_eq!(from_frame(&cut, 1000), StreamItem::Event(want));
}

#[test]
fn a_long_text_is_clipped_at_a_character_and_marked() {
    let StreamItem::Event(event) = from_frame(&frame("thought", r#"{"text":"aéé"}"#), 4) else { panic!() };
    assert_eq!(event, Event { truncated: true, ..plain(EventKind::Thought, "aé") });
}

#[test]
fn an_unknown_kind_keeps_its_name_and_counts_as_the_agent() {
    let event = read("Tool_Use", r#"{"name":"pay"}"#);
    assert_eq!(event, plain(EventKind::Unknown("Tool_Use".to_owned()), "pay"));
    assert!(event.kind.is_agent_emitted());
}

#[test]
fn a_message_that_cannot_be_read_is_an_unknown_event_with_its_raw_text() {
    assert_eq!(from_message("17", 1000), plain(EventKind::Unknown("unreadable".to_owned()), "17"));
    assert_eq!(from_message(r#"{"id":3}"#, 1000).id, Some(MessageId(3)));
}

#[test]
fn times_without_an_offset_are_utc_and_others_are_missing() {
    let at = |text: &str| timestamp(text).map(|at| at.to_string());
    assert_eq!(at("2025-10-05T18:05:01.5"), Some("2025-10-05T18:05:01.5Z".to_owned()));
    assert_eq!(at("2025-10-05T18:05:01+02:00"), Some("2025-10-05T16:05:01Z".to_owned()));
    assert_eq!(at("yesterday"), None);
}

#[test]
fn the_id_zero_is_no_id() {
    assert_eq!(from_message(r#"{"id":0,"type":"USER","content":"go"}"#, 1000), plain(EventKind::User, "go"));
    let frame = RawEvent { id: Some("0".to_owned()), ..frame("user", r#"{"text":"go","message_id":0}"#) };
    assert_eq!(from_frame(&frame, 1000), StreamItem::Event(plain(EventKind::User, "go")));
}

#[test]
fn of_members_with_one_name_the_last_counts() {
    assert_eq!(read("done", r#"{"text":"a","text":"b"}"#), plain(EventKind::Done, "b"));
}

#[test]
fn the_page_is_what_the_event_itself_says_and_never_what_its_content_or_arguments_say() {
    let url = "\"url\":\"https://shop.example/\"";
    let own = Some("https://shop.example/".to_owned());
    for (name, data, told) in [
        ("step", format!(r#"{{"text":"pay",{url}}}"#), own.clone()),
        ("step", r#"{"text":"pay","current_url":"https://shop.example/"}"#.to_owned(), own.clone()),
        ("step", format!(r#"{{"text":"pay","metadata":{{{url}}}}}"#), own.clone()),
        ("step", format!(r#"{{"text":"pay",{url},"args":{{"url":"https://b.example"}}}}"#), own.clone()),
        ("step", format!(r#"{{"text":"pay","args":{{{url}}}}}"#), Some(String::new())),
        ("step", format!(r#"{{"action":{{"name":"open",{url}}}}}"#), Some(String::new())),
        ("Tool_Use", format!(r#"{{"tool":"open","args":{{{url}}}}}"#), Some(String::new())),
        ("thought", format!(r#"{{"content":{{"text":"pay",{url}}}}}"#), Some(String::new())),
        ("thought", format!(r#"{{"content":[{{"text":"pay"}},{{{url}}}]}}"#), Some(String::new())),
        ("log", format!(r#"{{"content":[{{"text":"pay",{url}}}]}}"#), None),
        ("user", format!(r#"{{"text":"go","args":{{{url}}}}}"#), None),
        ("step", r#"{"text":"pay","args":{"url":"","to":"https://shop.example/"}}"#.to_owned(), None),
    ] {
        assert_eq!(read(name, &data).url, told, "{name} {data}");
    }
    assert_eq!(read("step", r#"{"text":"x","content":{"title":"Paid"}}"#).title, None);
}
