use http::HeaderValue;

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: body.to_owned(), broken: None }
}

fn now() -> Timestamp {
    "2025-10-05T18:00:00Z".parse().expect("a time")
}

fn action(status: u16, body: &str) -> Result<(), ErrorClass> {
    of_action(&answer(status, body), now())
}

fn refused(status: u16, detail: &str) -> Result<(), ErrorClass> {
    Err(ErrorClass::Refused { status, detail: detail.to_owned() })
}

#[test]
fn every_shape_of_acceptance_is_one() {
    for body in
        [r#"{"success":true,"message":"Session paused successfully"}"#, r#"{"status":"paused"}"#, "{}", "", "null"]
    {
        assert_eq!(action(200, body), Ok(()), "{body}");
    }
    assert_eq!(action(204, ""), Ok(()));
}

#[test]
fn an_acceptance_that_says_no_is_a_refusal() {
    assert_eq!(action(200, r#"{"success":false,"message":"no task"}"#), refused(200, "no task"));
    assert_eq!(action(200, r#"{"success":false,"message":"Already paused"}"#), Err(ErrorClass::AlreadyPaused));
    assert_eq!(action(200, "false"), refused(200, "false"));
}

#[test]
fn an_acceptance_that_cannot_be_read_is_unknown() {
    assert!(matches!(action(200, "<html>\n"), Err(ErrorClass::Unknown { detail }) if detail == "HTTP 200 with <html>"));
    let broken = Answer { broken: Some("the answer broke off".to_owned()), ..answer(200, "{\"succ") };
    assert_eq!(of_action(&broken, now()), Err(unknown("the answer broke off")));
}

#[test]
fn a_told_state_counts_whatever_the_status() {
    for status in [200, 400, 409, 422, 500] {
        assert_eq!(
            action(status, r#"{"success":false,"detail":"already_paused"}"#),
            Err(ErrorClass::AlreadyPaused),
            "{status}"
        );
        assert_eq!(
            action(status, r#"{"success":false,"error":{"code":"not_paused"}}"#),
            Err(ErrorClass::NotPaused),
            "{status}"
        );
    }
}

#[test]
fn each_status_has_its_class() {
    let class = |status| of_failure(&answer(status, r#"{"detail":"d"}"#), now());
    let detail = "d".to_owned();
    assert_eq!(class(401), ErrorClass::Auth { status: 401, detail: detail.clone() });
    assert_eq!(class(403), ErrorClass::Auth { status: 403, detail: detail.clone() });
    assert_eq!(class(404), ErrorClass::NotFound { detail: detail.clone() });
    assert_eq!(class(429), ErrorClass::RateLimited { retry_after: None });
    assert_eq!(class(400), ErrorClass::Refused { status: 400, detail: detail.clone() });
    assert_eq!(class(409), ErrorClass::Refused { status: 409, detail });
    assert_eq!(class(408), unknown("HTTP 408: d"));
    assert_eq!(class(502), unknown("HTTP 502: d"));
    assert_eq!(
        class(302),
        ErrorClass::Refused { status: 302, detail: "a redirect to nowhere, which is not followed".to_owned() }
    );
}

#[test]
fn the_key_is_refused_even_if_the_body_talks_of_a_pause() {
    assert!(matches!(action(401, "not_paused"), Err(ErrorClass::Auth { .. })));
}

#[test]
fn every_shape_of_error_body_gives_its_words() {
    for (body, words) in [
        (r#"{"detail":"a","message":"b"}"#, "a"),
        (r#"{"message":"b","error":"c"}"#, "b"),
        (r#"{"error":"c","code":7}"#, "c"),
        (r#"{"error":{"message":"d"}}"#, "d"),
        (
            r#"{"detail":[{"loc":["body","message"],"msg":"field required"},{"loc":["query",0],"msg":"bad"}]}"#,
            "body.message: field required; query.0: bad",
        ),
        ("\n\n  502 Bad Gateway\nnginx", "502 Bad Gateway"),
        ("", "an empty answer"),
        (r#"{"odd":1}"#, r#"{"odd":1}"#),
    ] {
        assert_eq!(detail(body), words, "{body}");
    }
}

#[test]
fn an_error_text_is_escaped() {
    assert!(!detail(r#"{"detail":"a\u001b[2Jb"}"#).contains('\u{1b}'));
}

#[test]
fn retry_after_is_seconds_or_a_date_and_bounded() {
    let read =
        |text: &'static str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now());
    assert_eq!(read("7"), Some(Duration::from_secs(7)));
    assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
    assert_eq!(read("Sun, 05 Oct 2025 18:00:09 GMT"), Some(Duration::from_secs(9)));
    assert_eq!(read("Sun, 05 Oct 2025 17:00:09 GMT"), Some(Duration::ZERO));
    assert_eq!(read("999999"), Some(Duration::from_secs(3600)));
    assert_eq!(read("-1"), None);
    assert_eq!(read("inf"), None);
    assert_eq!(read("soon"), None);
}

#[test]
fn a_session_that_is_not_there_is_deleted() {
    let delete = |status, body| of_deletion(&answer(status, body), now());
    assert_eq!(delete(200, r#"{"success":true,"deleted":true}"#), Ok(()));
    assert_eq!(delete(200, r#"{"success":true,"deleted":false,"message":"Session not found"}"#), Ok(()));
    assert_eq!(delete(200, r#"{"success":false,"deleted":false,"message":"Session not found"}"#), Ok(()));
    assert_eq!(delete(404, ""), Ok(()));
    let busy = delete(200, r#"{"success":false,"deleted":false,"message":"busy"}"#);
    assert_eq!(busy, refused(200, "busy"));
}
