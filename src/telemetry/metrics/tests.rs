//! What is measured, and what it is called.

use super::*;

/// A daemon that did a little of everything.
fn busy() -> Metrics {
    let metrics = Metrics::new();
    metrics.call(Endpoint::Pause, None);
    metrics.pause_requested(Duration::from_micros(150));
    metrics.pause_confirmed(Duration::from_millis(84));
    metrics.opened(Effect::Ask, Risk::High);
    metrics.ended(Outcome::Denied);
    metrics.delivered(Delivery::Applied);
    metrics.blind_for(Duration::from_millis(1500));
    metrics.notification(Path::Exec, Kind::Opened, Sent::Delivered);
    metrics.now(&Now {
        pending: 2,
        oldest: Duration::from_secs(7),
        sessions: vec![SessionState::Watching, SessionState::Held, SessionState::Held],
        ..Now::default()
    });
    metrics.queue(Queue::Writer, 3);
    let now = Instant::now();
    let since = [Some(now), None, None];
    let later = now + Duration::from_millis(1500);
    metrics.pressure(&Pressure { rate: Some(Rate::per_minute(600)), since }, later);
    metrics
}

/// Names with their labels and types, without the numbers: each a line.
fn shape(text: &str) -> String {
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with("# HELP") && !line.starts_with("# UNIT"))
        .map(|line| if line.starts_with('#') { line } else { line.rsplit_once(' ').unwrap().0 })
        .filter(|line| !line.contains("_bucket") || line.contains("0.0001") || line.contains("\"10.0\""))
        .map(|line| line.replace(env!("CARGO_PKG_VERSION"), "VERSION"))
        .collect();
    let end = lines.pop();
    lines.sort();
    lines.extend(end);
    lines.join("\n")
}

#[test]
fn the_metrics_and_their_labels_are_these() {
    insta::assert_snapshot!(shape(&busy().text()));
}

#[test]
fn what_is_counted_is_said() {
    let text = busy().text();
    for line in [
        "holdpoint_provider_calls_total{endpoint=\"pause\",class=\"ok\"} 1",
        "holdpoint_approvals_opened_total{effect=\"ask\",risk=\"high\"} 1",
        "holdpoint_approvals_ended_total{outcome=\"denied\"} 1",
        "holdpoint_deliveries_total{result=\"applied\"} 1",
        "holdpoint_blind_seconds_total 1.5",
        "holdpoint_approvals_pending 2",
        "holdpoint_approvals_oldest_age_seconds 7.0",
        "holdpoint_sessions{state=\"held\"} 2",
        "holdpoint_queue_length{queue=\"writer\"} 3",
        "holdpoint_provider_wait_seconds{lane=\"watch\"} 1.5",
        "holdpoint_provider_rate 10.0",
        "holdpoint_notifications_total{way=\"exec\",kind=\"opened\",result=\"delivered\"} 1",
        "holdpoint_pause_request_seconds_bucket{le=\"0.0001\"} 0",
        "holdpoint_pause_request_seconds_bucket{le=\"0.0002\"} 1",
        "holdpoint_pause_confirmed_seconds_bucket{le=\"0.1\"} 1",
    ] {
        assert!(text.lines().any(|said| said == line), "{line} is not in\n{text}");
    }
}

#[test]
fn the_text_keeps_to_the_habits_of_the_format() {
    let text = Metrics::new().text();
    assert!(text.ends_with("# EOF\n"));
    let described = |what: &'static str| {
        let lines = text.lines().filter_map(move |line| line.strip_prefix(what));
        lines.map(|line| line.split_once(' ').unwrap())
    };
    for (name, help) in described("# HELP ") {
        assert!(name.starts_with("holdpoint_") && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert!(help.ends_with('.') && help.len() > 10, "{name}: {help}");
    }
    let names: Vec<&str> = described("# TYPE ").map(|(name, _)| name).collect();
    let family = |line: &str| names.iter().copied().filter(|name| line.starts_with(name)).max_by_key(|name| name.len());
    for (name, kind) in described("# TYPE ") {
        assert!(!name.ends_with("_total"), "{name}");
        let samples: Vec<&str> = text.lines().filter(|line| family(line) == Some(name)).collect();
        assert!(!samples.is_empty(), "{name} has no series from the beginning");
        match kind {
            "counter" => assert!(samples.iter().all(|line| line.starts_with(&format!("{name}_total"))), "{name}"),
            "histogram" => assert!(name.ends_with("_seconds"), "{name}"),
            "gauge" | "info" => (),
            other => panic!("{name} is a {other}"),
        }
    }
}
