//! To be told again of the page where a session is, is to be told of it anew.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Addresses that are alike, differ, cannot be read, and are longer than what is kept.
fn address() -> impl Strategy<Value = String> {
    let long = |len: usize| format!("https://a.example/{}", "x".repeat(len - 18));
    let all = [
        "https://a.example/",
        "https://a.example/b",
        "https://b.a.example/",
        "http://c.test/?q",
        "about:blank",
        "",
        " ",
        "a.example",
    ];
    let long = [WORDS / 2, WORDS / 2 + 1, WORDS, WORDS + 1].map(long);
    select(all.map(str::to_owned).into_iter().chain(long).collect::<Vec<_>>())
}

fn event() -> impl Strategy<Value = Event> {
    let kinds =
        vec![EventKind::Step, EventKind::Step, EventKind::Thought, EventKind::Log, EventKind::User, EventKind::Done];
    let texts = vec!["look", "goto https://c.test/", "goto b.a.example", "open it"];
    let titles = prop::option::of(select(vec!["One", "Two", ""]));
    (select(kinds), select(texts), prop::option::of(address()), titles).prop_map(|(kind, text, url, title)| Event {
        id: None,
        kind,
        text: text.to_owned(),
        at: None,
        url,
        title: title.map(str::to_owned),
        truncated: false,
    })
}

proptest! {
    #[test]
    fn what_is_told_again_is_as_if_it_were_read_again(
        events in prop::collection::vec((event(), any::<bool>(), any::<bool>()), 0..12),
    ) {
        let (mut once, mut anew) = (Context::default(), Context::default());
        for (event, agent, spends) in events {
            let tells = event.url.is_some() && !matches!(event.kind, EventKind::Log | EventKind::User);
            if let (Some(memory), true) = (&mut anew.0, tells) {
                // Nothing is at an address that is not known.
                memory.url = None;
            }
            for context in [&mut once, &mut anew] {
                context.hear(&event);
                if agent {
                    context.judged(&event, spends);
                }
            }
            prop_assert_eq!(&once, &anew);
        }
    }
}
