//! What stands around an act in its own sentence: the place or the state that leads to it, the clauses that follow it.
//!
//! "On the checkout page, clicking 'Pay', the total is 40 USD" announces a click, and says where and for how much; "clicking
//! 'Pay' on the checkout page will charge 40 USD" only says what a click does. What tells them apart is whose verb it is: that
//! of the act, or that of a clause with a subject of its own. Where both can be read, the act is announced.

use std::ops::Range;

use super::clause::{Gap, Word};
use super::lexicon as lex;
use super::lexicon::Class;
use super::said::Said;

/// Whose verb comes next in a sentence that goes on behind an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// The act itself: "clicking it … will".
    Act,
    /// Another name of its button: "clicking 'Pay', the last button, will".
    Apposed,
    /// Something else: "clicking it, the total is".
    Other,
}

/// Whether the sentence only says something about the act whose `-ing` form is at `at`: "clicking this button should …".
pub(super) fn describes(said: &Said<'_>, at: usize) -> bool {
    let words = said.words();
    let names = set_off(said.text(), words);
    let mut subject = Subject::Act;
    let mut relative = None;
    let own = |n: &usize| !names.iter().any(|name| name.contains(&words[*n].at));
    for n in (at + 1..words.len()).filter(own) {
        let word = &words[n];
        let verb = word.is(lex::DESCRIBES);
        subject = match (begins_part(words, n), subject) {
            (true, Subject::Apposed) if verb => Subject::Act,
            (true, _) if !verb && !word.is(lex::KEEPS_SUBJECT) => Subject::Other,
            (false, _) if word.is(lex::BRINGS_SUBJECT) => Subject::Other,
            (false, _) if word.is(lex::MAY_BRING_SUBJECT) && has_subject(words, n + 1) => Subject::Other,
            (false, Subject::Other) if word.is(lex::BUTTONS) => Subject::Apposed,
            (true | false, same) => same,
        };
        if is_relative(words, at, n) {
            relative = Some(n + 1);
        }
        let failed = matches!(word.text, "did" | "failed") && words[n - 1].is(lex::BACK);
        if failed || (verb && subject == Subject::Act && relative != Some(n)) {
            return true;
        }
    }
    false
}

/// Whether the sentence comes to the verb at `at` after its first words: they name its place, its purpose or the state of things.
pub(super) fn leads_in(said: &Said<'_>, count: usize, at: usize) -> bool {
    let words = &said.words()[..count];
    let Some(first) = words.first() else { return false };
    let has = |list| said.has(0..count, list);
    let listed = |word: &Word<'_>| {
        word.text.ends_with("ing") && word.class().intersects(Class::CLICK.or(Class::HANDLE).or(Class::GATHER))
    };
    let conditional = first.is(lex::LATER) || has(lex::WONDERS) || has(lex::ONLY_THEN);
    if conditional || has(lex::GOAL) || has(lex::PLANS) || words.iter().any(listed) {
        return false;
    }
    let state = || !said.words()[at].is(lex::RESULTS) && words.iter().any(|word| word.is(lex::STATES));
    let counts = || first.text.starts_with(|c: char| c.is_ascii_digit());
    first.is(lex::LEADS_IN) || counts() || state()
}

/// Names of controls and remarks, which are read over: what stands between quotation marks and in brackets.
fn set_off(text: &str, words: &[Word<'_>]) -> Vec<Range<usize>> {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return Vec::new() };
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut before = ' ';
    for (offset, c) in text[first.at..last.at + last.text.len()].char_indices() {
        let at = first.at + offset;
        let inside = text[at + c.len_utf8()..].chars().next().is_some_and(char::is_alphanumeric);
        match (open, c) {
            (None, '"' | '\'' | '*') if !before.is_alphanumeric() => open = Some((at, c)),
            (None, '(') => open = Some((at, ')')),
            (None, '[') => open = Some((at, ']')),
            (Some((start, closes)), _) if c == closes && !inside => {
                found.push(start..at);
                open = None;
            }
            (None | Some(_), _) => {}
        }
        before = c;
    }
    found
}

/// Whether another part of the sentence begins with word `n`; a comma inside a number begins none, nor does a bracket.
fn begins_part(words: &[Word<'_>], n: usize) -> bool {
    let (word, previous) = (&words[n], &words[n - 1]);
    let number =
        word.at == previous.at + previous.text.len() + 1 && word.text.starts_with(|c: char| c.is_ascii_digit());
    word.gap != Gap::None && !number
}

/// Whether a clause with a subject of its own begins with word `n`.
fn has_subject(words: &[Word<'_>], n: usize) -> bool {
    words.get(n).is_some_and(|word| word.is(lex::SUBJECTS))
}

/// Whether word `n` makes the next one a verb of what was named before it: "the button that is".
fn is_relative(words: &[Word<'_>], at: usize, n: usize) -> bool {
    let named = n > at + 1 && !words[n - 1].is(lex::KEEPS_SUBJECT);
    named && matches!(words[n].text, "that" | "which" | "who")
}

#[cfg(test)]
mod tests {
    use super::super::Detector::{
        self, AccountChange, Booking, CancelBooking, Credentials, Delete, FormSubmit, GrantAccess, Message,
        PaymentData, Purchase, Refund, Transfer,
    };
    use super::super::tests::expect;
    use crate::api::EventKind::Thought;

    /// The parts of a sentence before an act, which do not change whether it is announced.
    const LEADS: &[&str] = &[
        "",
        "Now ",
        "On the last page, ",
        "Here on the last page of the shop, ",
        "The sum is 61.40 EUR, ",
        "The sum is 61.40 EUR, so ",
        "Everything is filled in: ",
        "With the sum at 61.40 EUR, ",
        "Since all of it is filled in, ",
        "All fields filled in, ",
        "61.40 EUR in all, ",
    ];

    /// The parts of a sentence behind it.
    const TRAILS: &[&str] = &[
        "",
        " on the last page",
        " on the last page, the sum is 61.40 EUR",
        " on the shop's page, which is the right one",
        ", the sum is 1,061.40 EUR, on the last page",
        ", the sum (tax included) is 61.40 EUR",
        ", the sum, tax included, will be 61.40 EUR",
        ", which costs 61.40 EUR and is in stock",
        ", bringing the sum to 61.40 EUR",
        " for a sum of 61.40 EUR",
        " - the sum is 61.40 EUR",
        " (the sum is 61.40 EUR)",
        " and the sum is 61.40 EUR",
        " as the sum is 61.40 EUR",
        " because everything is filled in",
        " now that the address is right",
        " before the offer is gone",
        " once the page is loaded",
        ", the coupon field is unavailable",
        ", it will take a while",
    ];

    /// How the button is named.
    const NAMED: &[&str] = &[
        "Clicking '{}'",
        "Clicking on '{}'",
        "Pressing the '{}' button",
        "Clicking on the '{}' link",
        "Tapping **{}**",
        "Clicking the button that is labelled '{}'",
        "Clicking the wide green button at the lower right of the form, labelled '{}'",
        "I am clicking '{}'",
        "I click '{}'",
        "I will click '{}'",
        "Going to click '{}'",
    ];

    #[track_caller]
    fn announced(detector: Detector, acts: &[String]) {
        let with = |act: &String| -> Vec<String> {
            LEADS.iter().flat_map(|lead| TRAILS.iter().map(move |trail| format!("{lead}{act}{trail}."))).collect()
        };
        let texts: Vec<String> = acts.iter().flat_map(with).collect();
        expect(detector, &Thought, true, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn the_place_and_the_clauses_around_a_click_leave_it_announced() {
        let acts: Vec<String> = NAMED.iter().map(|named| named.replace("{}", "Confirm and pay")).collect();
        announced(Purchase, &acts);
    }

    #[test]
    fn the_place_and_the_clauses_around_an_act_leave_it_announced_in_every_family() {
        for (detector, acts) in [
            (Purchase, ["Placing the order", "Clicking 'Buy now'"]),
            (PaymentData, ["Entering the card number", "Clicking 'Save card'"]),
            (Transfer, ["Sending 300 EUR to Ana", "Clicking 'Confirm transfer'"]),
            (Booking, ["Booking the room", "Clicking 'Reserve'"]),
            (CancelBooking, ["Cancelling the booking", "Clicking 'Cancel booking'"]),
            (Refund, ["Refunding the order", "Clicking 'Request refund'"]),
            (Message, ["Sending the email", "Clicking 'Send'"]),
            (Delete, ["Deleting the file", "Clicking 'Delete'"]),
            (GrantAccess, ["Inviting ana@example.com", "Clicking 'Send invite'"]),
            (AccountChange, ["Changing the password", "Clicking 'Change password'"]),
            (Credentials, ["Logging in", "Clicking 'Sign in'"]),
            (FormSubmit, ["Submitting the application", "Clicking 'Submit application'"]),
        ] {
            announced(detector, &acts.map(str::to_owned));
        }
    }

    #[test]
    fn a_button_named_before_is_clicked_in_the_same_sentence() {
        expect(
            Purchase,
            &Thought,
            true,
            &[
                "The 'Place order' button is at the end of the page, so I'm clicking it now.",
                "There is a 'Place order' button, the sum is 61.40 EUR, clicking it.",
                "Clicking 'Place order', it is no longer disabled.",
                "On the last page, click 'Place order', the sum is 61.40 EUR.",
            ],
        );
    }

    #[test]
    fn what_only_speaks_of_the_act_announces_nothing() {
        expect(
            Purchase,
            &Thought,
            false,
            &[
                "Clicking 'Place order' on the last page should finish it, the sum is 61.40 EUR.",
                "Clicking 'Place order' (bid 14) on the last page will charge the card.",
                "Clicking 'Place order', the last button, will charge the card.",
                "Clicking the button that is labelled 'Place order' will charge the card.",
                "Clicking 'Pay' for 1,061.40 EUR would complete the purchase.",
                "Clicking that will place the order.",
                "Clicking 'Place order' on the last page, but it did not work.",
                "Clicking 'Place order' failed, the sum was 61.40 EUR.",
                "The sum is 61.40 EUR, clicking 'Place order' on the last page would charge it.",
                "To place the order, clicking 'Place order' is needed.",
            ],
        );
    }

    #[test]
    fn reports_goals_plans_questions_and_descriptions_announce_nothing() {
        expect(
            Purchase,
            &Thought,
            false,
            &[
                "Clicked 'Confirm and pay' on the last page, the sum was 61.40 EUR.",
                "I clicked 'Place order' on the last page, the sum is 61.40 EUR.",
                "I placed the order by clicking 'Place order', the sum is 61.40 EUR.",
                "I have completed the purchase, clicking 'Place order' on the last page.",
                "The current page is a receipt, completing the purchase.",
                "The goal is clicking 'Place order' on the last page, the sum is 61.40 EUR.",
                "I will need to click 'Place order' on the last page, the sum is 61.40 EUR. First, I will fill in the form.",
                "What is left is filling in the form, choosing the shipping, clicking 'Place order'.",
                "If the sum is right, clicking 'Place order' on the last page comes last.",
                "The plan is to compare, then order the cheapest one.",
                "If I click 'Place order', the card is charged.",
                "When I click 'Place order' the card is charged.",
                "Should I be clicking 'Place order' on the last page, the sum is 61.40 EUR?",
                "Is clicking 'Place order' on the last page right, the sum is 61.40 EUR?",
                "The 'Confirm and pay' button is on the last page, the sum is 61.40 EUR.",
                "The last page has a 'Place order' button, the sum is 61.40 EUR.",
                "The 'Place order' button is disabled, clicking it does nothing.",
                "Not clicking 'Place order' on the last page, the sum is too high.",
                "The sum is 61.40 EUR, not clicking 'Place order'.",
                "Before clicking 'Place order' I will compare the sum, which is 61.40 EUR.",
            ],
        );
        expect(Message, &Thought, false, &["The 'Send' button is on the compose page, the recipient is Ana."]);
        expect(
            Delete,
            &Thought,
            false,
            &["Clicking 'Delete' on the list page will open a dialog, the row is the third."],
        );
        expect(Booking, &Thought, false, &["Booking the room is the goal, the price is 90 EUR."]);
    }
}
