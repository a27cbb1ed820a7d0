//! `purchase`: the agent is about to place an order or to pay.
//!
//! Told by the names of buttons that commit ("Place your order", "Jetzt kaufen") and by phrases for committing ("placing the
//! order", "submit payment"). In an act of the agent such a name is enough. In prose it also takes an intention in the same
//! sentence, or a click on it in the next. Negations, conditions, plans for later and reports of the past do not count.

mod words;

use std::ops::Range;

use super::clause::{has_any, next, sentence};
use super::{Cue, CueHit, Facts, cues as cues_of};
use crate::api::EventKind;
use words::{BUTTONS, COMMITTINGS, ELSEWHERE, INTENTS, POINTS_BACK, READING, TAKEN_BACK, TAKEN_BACK_UNSPACED, TOOLS};

/// The name of a button or a tool that commits.
const BUTTON: u8 = 0;
/// A phrase that announces the commit by itself.
const COMMITTING: u8 = 1;

/// A word that commits when it is part of the name of a tool that is called, such as `checkout_cart(…)`.
const TOOL: u8 = 2;

pub(super) fn cues() -> Vec<Cue> {
    [cues_of(BUTTON, BUTTONS), cues_of(COMMITTING, COMMITTINGS), cues_of(TOOL, TOOLS)].concat()
}

pub(super) fn find(facts: &Facts<'_>, cues: &[CueHit]) -> Option<String> {
    cues.iter().find_map(|cue| {
        if cue.tag == TOOL {
            return calls(facts, cue).then(|| facts.words(&cue.range));
        }
        let sentence = sentence(facts.folded, &cue.range);
        commits(facts, cue, &sentence).then(|| facts.words(&sentence))
    })
}

/// Whether an act of the agent calls a tool with this word at the beginning or end of its name.
fn calls(facts: &Facts<'_>, cue: &CueHit) -> bool {
    let text = facts.folded.as_str();
    let (before, after) = (&text[..cue.range.start], &text[cue.range.end..]);
    let act = matches!(facts.kind, EventKind::Step | EventKind::Unknown(_));
    let named = after.starts_with('(') || after.starts_with('_') && !before.ends_with('_');
    act && named && !READING.iter().any(|reading| after.starts_with(reading))
}

fn commits(facts: &Facts<'_>, cue: &CueHit, sentence: &Range<usize>) -> bool {
    let text = facts.folded.as_str();
    let (lead, tail) = (&text[sentence.start..cue.range.start], &text[cue.range.end..sentence.end]);
    if taken_back(lead, tail) || has_any(&text[sentence.clone()], ELSEWHERE) {
        return false;
    }
    match facts.kind {
        EventKind::Step | EventKind::Question | EventKind::Unknown(_) => true,
        EventKind::Thought
        | EventKind::Done
        | EventKind::Error
        | EventKind::Log
        | EventKind::User
        | EventKind::Paused
        | EventKind::Resumed => {
            cue.tag == COMMITTING
                || !text[cue.range.clone()].is_ascii() && lead.is_empty()
                || has_any(lead, INTENTS)
                || has_any(tail, INTENTS)
                || !text[cue.range.clone()].chars().any(super::super::text::continues_word)
                || has_any(&text[next(facts.folded, sentence.end)], POINTS_BACK)
        }
    }
}

/// Whether the cue's own part of the sentence, up to a comma or "but", takes it back.
fn taken_back(lead: &str, tail: &str) -> bool {
    let part = [",", " but ", " aber ", " mais ", " pero ", " ma ", " mas ", ":"]
        .iter()
        .filter_map(|joint| lead.rfind(joint).map(|at| at + joint.len()))
        .max()
        .map_or(lead, |at| &lead[at..]);
    let tail: String = tail.chars().take(8).collect();
    has_any(part, TAKEN_BACK) || TAKEN_BACK_UNSPACED.iter().any(|sign| part.contains(sign) || tail.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::super::tests::fires;
    use crate::api::EventKind::{self, Done, Log, Question, Step, Thought, User};
    use crate::policy::detect::Detector::Purchase;

    fn expect(kind: &EventKind, expected: bool, texts: &[&str]) {
        for text in texts {
            assert_eq!(fires(Purchase, kind, text), expected, "{kind:?} {text:?}");
        }
    }

    #[test]
    fn an_announced_commit_fires() {
        expect(
            &Thought,
            true,
            &[
                "Clicking 'Place your order'",
                "Clicking 'Place your order' to complete the purchase",
                "I will now place the order",
                "Submitting payment",
                "The \"Place your order\" button is available with the bid \"1116\". I will click on it.",
                "Everything looks right, so let me click **Buy Now**.",
                "I'll press P\u{200b}lace  ORDER.",
                "Ｃｌｉｃｋ Ｐｌａｃｅ ｏｒｄｅｒ",
                "Not that one. Clicking Pay now.",
            ],
        );
    }

    #[test]
    fn what_the_agent_only_considers_or_reports_does_not_fire() {
        expect(
            &Thought,
            false,
            &[
                "I should not buy",
                "I should not click Place order",
                "so that I can later check out",
                "looking for the checkout policy",
                "I will compare prices before placing the order",
                "I have already placed the order",
                "I'll look at the page on how to place an order",
                "The page has a Buy now button and an Add to cart button",
                "Adding the item to the cart",
                "Once the cart is complete I will place the order",
                "Let me search for the purchase history",
                "The goal is to find a laptop and place the order",
                "This link takes me to the page where I can place the order",
                "The 'Order Now' button is currently disabled, I need to fill in the form",
                "I clicked Place order and the page shows a confirmation",
            ],
        );
    }

    #[test]
    fn an_act_needs_only_the_name_of_what_it_touches() {
        expect(
            &Step,
            true,
            &[
                "click Place order",
                "click\nPlace order",
                "place_order(total=410)",
                "tool: submitPayment",
                "button 'Order Now'",
            ],
        );
        expect(&Step, true, &["checkout_cart({\"id\": 1})", "cart_checkout()", "buy_shares(AAPL, 3)"]);
        expect(
            &Step,
            false,
            &["purchase_history()", "goto(/checkout)", "click Add to cart", "open order history", "scroll", ""],
        );
        expect(&Question, true, &["Should I place the order now?"]);
    }

    #[test]
    fn purchases_are_told_in_eight_languages() {
        expect(
            &Thought,
            true,
            &[
                "Ich klicke jetzt auf „Zahlungspflichtig bestellen“",
                "Ich werde nun die Bestellung abschicken",
                "Je clique sur « Passer la commande »",
                "Je vais maintenant confirmer l'achat",
                "Voy a hacer clic en «Realizar pedido»",
                "Ahora voy a confirmar la compra",
                "Clicco su \"Acquista ora\"",
                "Adesso completo l'acquisto",
                "Vou clicar em \"Finalizar compra\"",
                "Agora vou confirmar o pedido",
                "「注文を確定する」をクリックします",
                "今すぐ購入します",
                "点击“提交订单”按钮",
                "现在点击立即支付",
            ],
        );
        expect(
            &Thought,
            false,
            &[
                "Ich werde nicht die Bestellung abschicken",
                "Je vais regarder sans passer la commande",
                "No voy a mirar antes de confirmar la compra",
                "まだ注文を確定しない",
                "不要提交订单",
            ],
        );
    }

    #[test]
    fn a_text_full_of_cues_is_not_judged_but_fires() {
        let text = "I should not place the order. ".repeat(10_000);
        expect(&Thought, true, &[&text]);
        expect(&Done, false, &["I should not place the order."]);
    }

    #[test]
    fn kinds_do_not_matter_to_the_detector_beyond_acts() {
        expect(&User, true, &["Now place the order"]);
        expect(&Log, false, &["Place order: available"]);
    }
}
