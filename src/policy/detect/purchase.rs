//! `purchase`: the agent is about to place an order or to pay.
//!
//! Told by the names of buttons that commit ("Place your order", "Jetzt kaufen") and by phrases for committing ("placing the
//! order", "submit payment"). In an act of the agent such a name is enough. In prose it also takes an intention in the same
//! sentence, or a click on it in the next. Negations, conditions, plans for later and reports of the past do not count.

use std::ops::Range;

use super::clause::{has_any, next, sentence};
use super::{Cue, CueHit, Facts, cues as cues_of};
use crate::api::EventKind;

/// The name of a button or a tool that commits.
const BUTTON: u8 = 0;
/// A phrase that announces the commit by itself.
const COMMITTING: u8 = 1;

/// A word that commits when it is part of the name of a tool that is called, such as `checkout_cart(…)`.
const TOOL: u8 = 2;

const TOOLS: &[&str] = &["checkout", "purchase", "buy", "pay"];

/// What follows such a word in the name of a tool that only reads.
const READING: &[&str] = &["_history", "_list", "_info", "_status", "_detail", "_page", "_url", "_options", "_methods"];

const BUTTONS: &[&str] = &[
    // English
    "place order",
    "place your order",
    "place my order",
    "place the order",
    "place this order",
    "place an order",
    "buy now",
    "order now",
    "buy it now",
    "complete order",
    "complete your order",
    "complete the order",
    "complete purchase",
    "complete your purchase",
    "complete the purchase",
    "complete this purchase",
    "complete my purchase",
    "confirm order",
    "confirm the order",
    "confirm your order",
    "confirm purchase",
    "confirm the purchase",
    "confirm your purchase",
    "submit order",
    "submit the order",
    "submit your order",
    "submit payment",
    "submit the payment",
    "make payment",
    "make the payment",
    "make a payment",
    "confirm payment",
    "confirm the payment",
    "authorize payment",
    "authorize the payment",
    "process payment",
    "process the payment",
    "pay now",
    "confirm and pay",
    "pay and confirm",
    "agree and pay",
    "finalize order",
    "finalize the order",
    "finalize purchase",
    "finalize the purchase",
    "finalise the order",
    "finalise the purchase",
    "finish the purchase",
    "finish purchase",
    "swipe to pay",
    "one-click buy",
    "buy with one click",
    "buy with 1-click",
    "checkout and pay",
    "complete checkout",
    "complete the checkout",
    "complete payment",
    "complete the payment",
    "send payment",
    "send the payment",
    "purchase now",
    "make the purchase",
    "make purchase",
    "order and pay",
    "place bid",
    "submit bid",
    "complete the transaction",
    "finalize the transaction",
    "finalize the payment",
    "finalize your order",
    // German
    "jetzt kaufen",
    "zahlungspflichtig bestellen",
    "kostenpflichtig bestellen",
    "jetzt bestellen",
    "jetzt bezahlen",
    "bestellung aufgeben",
    "bestellung abschicken",
    "bestellung absenden",
    "bestellung abschließen",
    "bestellung bestätigen",
    "kauf abschließen",
    "kauf bestätigen",
    "zahlung bestätigen",
    "zahlung abschließen",
    "sofort kaufen",
    "kaufen und bezahlen",
    // French
    "acheter maintenant",
    "passer la commande",
    "passer commande",
    "passer ma commande",
    "valider la commande",
    "valider ma commande",
    "valider et payer",
    "confirmer la commande",
    "confirmer l'achat",
    "finaliser la commande",
    "finaliser l'achat",
    "commander maintenant",
    "payer maintenant",
    "valider le paiement",
    "confirmer le paiement",
    "effectuer le paiement",
    "procéder au paiement",
    // Spanish
    "comprar ahora",
    "comprar ya",
    "realizar pedido",
    "realizar el pedido",
    "hacer el pedido",
    "hacer pedido",
    "finalizar compra",
    "finalizar la compra",
    "finalizar el pedido",
    "confirmar pedido",
    "confirmar el pedido",
    "confirmar compra",
    "confirmar la compra",
    "tramitar pedido",
    "tramitar el pedido",
    "pagar ahora",
    "realizar el pago",
    "confirmar el pago",
    "completar la compra",
    "completar el pedido",
    // Italian
    "acquista ora",
    "compra ora",
    "effettua l'ordine",
    "effettuare l'ordine",
    "conferma ordine",
    "conferma l'ordine",
    "confermare l'ordine",
    "invia ordine",
    "invia l'ordine",
    "completa l'acquisto",
    "completare l'acquisto",
    "conferma l'acquisto",
    "paga ora",
    "ordina ora",
    "effettua il pagamento",
    "conferma il pagamento",
    // Portuguese
    "comprar agora",
    "compre agora",
    "finalizar pedido",
    "finalizar o pedido",
    "finalizar a compra",
    "fazer pedido",
    "fazer o pedido",
    "confirmar o pedido",
    "confirmar a compra",
    "concluir compra",
    "concluir a compra",
    "pagar agora",
    "efetuar pagamento",
    "efetuar o pagamento",
    "confirmar pagamento",
    "confirmar o pagamento",
    "fechar pedido",
    // Japanese
    "注文を確定",
    "注文確定",
    "注文する",
    "ご注文を確定",
    "購入を確定",
    "購入する",
    "今すぐ買う",
    "今すぐ購入",
    "購入手続きを完了",
    "支払いを確定",
    "支払う",
    "お支払いを確定",
    // Chinese, simplified and traditional
    "立即购买",
    "提交订单",
    "确认订单",
    "确认购买",
    "下单",
    "立即支付",
    "确认支付",
    "确认付款",
    "立即付款",
    "马上购买",
    "立即購買",
    "提交訂單",
    "確認訂單",
    "確認付款",
    "結帳付款",
];

const COMMITTINGS: &[&str] = &[
    "placing the order",
    "placing your order",
    "placing my order",
    "placing an order",
    "placing order",
    "placing this order",
    "submitting the order",
    "submitting order",
    "submitting your order",
    "submitting payment",
    "submitting the payment",
    "completing the purchase",
    "completing purchase",
    "completing the order",
    "completing your order",
    "completing the payment",
    "finalizing the purchase",
    "finalizing the order",
    "finalizing your order",
    "finalising the order",
    "confirming the order",
    "confirming the purchase",
    "confirming payment",
    "confirming the payment",
    "making the payment",
    "making the purchase",
    "processing the payment",
    "buying it now",
    "purchasing it now",
    "bestelle jetzt",
    "kaufe jetzt",
    "gebe die bestellung auf",
    "schließe den kauf ab",
    "schließe die bestellung ab",
    "bezahle jetzt",
    "je passe la commande",
    "je valide la commande",
    "je confirme la commande",
    "j'achète",
    "je paie",
    "realizo el pedido",
    "confirmo el pedido",
    "confirmo la compra",
    "finalizo la compra",
    "effettuo l'ordine",
    "confermo l'ordine",
    "completo l'acquisto",
    "finalizo o pedido",
    "finalizo a compra",
    "confirmo o pedido",
    "注文を確定します",
    "注文します",
    "購入します",
    "支払います",
    "正在下单",
    "我将下单",
    "我要购买",
    "现在付款",
];

/// Words of an intention; one of them must stand in the sentence of a button's name in prose.
const INTENTS: &[&str] = &[
    "click",
    "clicking",
    "clicks",
    "press",
    "pressing",
    "tap",
    "tapping",
    "hit",
    "hitting",
    "select",
    "selecting",
    "choose",
    "submit",
    "submitting",
    "use",
    "using",
    "i will",
    "i'll",
    "i am going to",
    "i'm going to",
    "we will",
    "we'll",
    "let me",
    "let's",
    "proceed",
    "proceeding",
    "now",
    "next step",
    "final step",
    "next action",
    "last step",
    "i need to",
    "i can",
    "i should",
    "i must",
    "ready to",
    "time to",
    "only remaining",
    "about to",
    "want me to",
    "shall i",
    "call",
    "calling",
    "invoke",
    "execute",
    "action",
    "klicke",
    "klick",
    "drücke",
    "werde",
    "jetzt",
    "nun",
    "je clique",
    "cliquer",
    "clique",
    "je vais",
    "appuie",
    "maintenant",
    "clic",
    "pulso",
    "pulsar",
    "voy a",
    "ahora",
    "haré",
    "presiono",
    "clicco",
    "cliccare",
    "premo",
    "sto per",
    "procedo",
    "adesso",
    "clicar",
    "clico",
    "vou",
    "agora",
];

/// Words that, in the next sentence, point back at a button that was named.
const POINTS_BACK: &[&str] =
    &["click", "clicking", "press", "tap", "i will do", "i'll do", "proceed", "this will", "this should", "it will"];

/// Words before the cue, in its own part of the sentence, that take the commit back.
const TAKEN_BACK: &[&str] = &[
    // negation
    "not",
    "don't",
    "dont",
    "won't",
    "can't",
    "cannot",
    "shouldn't",
    "mustn't",
    "couldn't",
    "didn't",
    "never",
    "no need to",
    "without",
    "avoid",
    "avoiding",
    "instead of",
    "rather than",
    "refrain from",
    "unable to",
    "failed to",
    "nicht",
    "kein",
    "keine",
    "ohne",
    "niemals",
    "ne",
    "sans",
    "pas",
    "jamais",
    "sin",
    "nunca",
    "non",
    "senza",
    "mai",
    "não",
    "nao",
    "sem",
    // not yet, not for sure
    "before",
    "until",
    "later",
    "eventually",
    "once",
    "would",
    "could",
    "might",
    "if",
    "whether",
    "when",
    "prior to",
    "bevor",
    "später",
    "avant",
    "antes",
    "prima",
    // looking, reading, wondering
    "looking for",
    "look for",
    "find",
    "finding",
    "search for",
    "how to",
    "policy",
    "policies",
    // naming the goal
    "goal",
    "task",
    "asked to",
    "wants me to",
    "user wants",
    // past
    "clicked",
    "pressed",
    "submitted",
    "completed",
    "placed",
    "attempt to",
    "attempts to",
    "attempted to",
    "have",
    "has",
    "had",
    "was",
    "were",
    "been",
    "already",
    "after",
    "successfully",
    "previously",
    "tried to",
];

/// Words anywhere in the sentence that make it about a page to come, a goal, or a button that cannot be used.
const ELSEWHERE: &[&str] = &[
    "where i can",
    "where i could",
    "where we can",
    "take me to",
    "takes me to",
    "accomplish the goal",
    "achieve the goal",
    "be able to",
    "disabled",
    "greyed out",
    "grayed out",
    "give the system time",
    "confirmation page",
    "wo ich",
    "où je",
    "donde puedo",
    "dove posso",
    "onde posso",
];

/// Signs right after or before a cue of scripts without spaces that take it back.
const TAKEN_BACK_UNSPACED: &[&str] =
    &["ない", "ません", "ずに", "前に", "まだ", "不要", "不会", "不能", "不应", "别", "没有", "不下单", "之前", "已经"];

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
