//! `purchase`: the agent is about to place an order or to pay for something.

mod words;

use super::family::{Family, Verbs};
use super::tool::Tools;
use words::{BUTTONS, DOINGS, FOREIGN_BUTTONS, FOREIGN_DOINGS};

/// What is bought, in prose.
#[rustfmt::skip]
const GOODS: &[&str] = &[
    "it", "this", "that", "them", "these", "one", "item", "items", "product", "products", "order", "laptop", "phone", "shoes", "headphones",
    "shirt", "ticket", "tickets", "cart", "macbook", "mouse", "book", "stock", "shares", "subscription", "membership", "gift", "goods",
];

pub(super) static FAMILY: Family = Family {
    buttons: BUTTONS,
    labels: &[
        "pay",
        "buy",
        "subscribe",
        "order",
        "purchase",
        "place bid",
        "donate",
        "confirm and book",
        "start free trial",
        "start membership",
        "join now",
        "complete booking & pay",
        "agree and purchase",
    ],
    doings: DOINGS,
    acts: &[
        Verbs {
            plain: &[
                "place",
                "submit",
                "complete",
                "finalize",
                "finalise",
                "finish",
                "confirm",
                "authorize",
                "authorise",
            ],
            doing: &["placing", "submitting", "completing", "finalizing", "finalising", "finishing", "confirming"],
            objects: &["order", "orders", "purchase", "checkout", "transaction"],
            not: &[
                "history",
                "details",
                "confirmation page",
                "form",
                "number",
                "status",
                "policy",
                "reservation",
                "quantity",
                "page",
                "that",
                "matches",
                "processing time",
            ],
        },
        Verbs {
            plain: &["buy", "purchase"],
            doing: &["buying", "purchasing"],
            objects: &[],
            not: &["history", "nothing", "page"],
        },
        Verbs {
            plain: &["subscribe to", "sign up for"],
            doing: &["subscribing to"],
            objects: &["plan", "premium", "subscription", "membership", "trial", "pro"],
            not: &["newsletter", "channel"],
        },
        Verbs {
            plain: &["order"],
            doing: &["ordering"],
            objects: &[],
            not: &[
                "to",
                "by",
                "of",
                "number",
                "form",
                "history",
                "status",
                "confirmation",
                "details",
                "page",
                "list",
                "comparison",
                "results",
                "rows",
                "columns",
                "entries",
                "options",
                "alphabetically",
            ],
        },
        Verbs {
            plain: &["rent", "hire", "renew", "upgrade"],
            doing: &["renting", "hiring", "renewing"],
            objects: &[
                "car",
                "domain",
                "subscription",
                "plan",
                "plumber",
                "it",
                "apartment",
                "to pro",
                "to premium",
                "license",
                "licence",
            ],
            not: &[],
        },
        Verbs {
            plain: &["bid", "place a bet", "settle"],
            doing: &["bidding", "settling"],
            objects: &["$", "€", "£", "invoice", "bill", "bet", "on", "of"],
            not: &[],
        },
        Verbs { plain: &["pay"], doing: &["paying"], objects: &[], not: &["attention", "respect", "heed", "a visit"] },
        Verbs {
            plain: &["checkout", "check out"],
            doing: &["checking out"],
            objects: GOODS,
            not: &["page", "button", "link", "website", "site", "reviews", "details", "profile", "process"],
        },
    ],
    needs: true,
    tools: &[
        Tools {
            verbs: &["buy", "purchase", "checkout", "order", "subscribe", "pay"],
            objects: &[],
            not: &[
                "history", "list", "info", "status", "detail", "page", "url", "option", "method", "channel", "topic",
                "event", "by", "git",
            ],
        },
        Tools {
            verbs: &[
                "place", "submit", "complete", "confirm", "finalize", "execute", "create", "make", "process", "start",
                "proceed",
            ],
            objects: &["order", "purchase", "checkout", "payment", "bid", "trade", "subscription", "charge"],
            not: &["method", "draft", "list", "status", "history"],
        },
    ],
    foreign_buttons: FOREIGN_BUTTONS,
    foreign_doings: FOREIGN_DOINGS,
};
#[cfg(test)]
mod tests {
    use crate::api::EventKind::{self, Done, Log, Question, Step, Thought, User};
    use crate::policy::detect::Detector::Purchase;

    fn expect(kind: &EventKind, expected: bool, texts: &[&str]) {
        super::super::tests::expect(Purchase, kind, expected, texts);
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
                "Сliсking 'Рlасе уоur оrdеr' nоw",
                "I will c l i c k  P l a c e  o r d e r",
                "I will com-\nplete the pur-\nchase now",
                "I've filled in everything. Next: place the order.",
                "The cart looks right - 2 tickets, $84.20 total. I'm clicking \"Confirm and Pay\" now.",
                "Everything is set, so it's time to submit the order.",
                "I will proceed to payment by pressing the Pay $41.20 button.",
                "I'll place the order now so you can relax.",
                "The user agreed, so I will place the order.",
                "Once again, I will place the order.",
                "Right, ordering the lamp.",
                "Gonna buy it now.",
                "I will buy a travel guide.",
                "Executing the purchase.",
                "Reasoning: all fields are valid.\nAction: click(\"Place order\")",
                "The 'Order Now' button has the bid 'b3'. I will click on this button.",
                "The total is 41.20.\n3. Next action:\n- Click the Place Order button with bid 148",
                "I can use the saved card. I'll use the first button to place the order.",
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
                "The steps are:\n1. Fill in the address.\n2. Click 'Place order'.\n\nI will start by filling in the address.",
                "To complete the order, I need to set the quantity to 3.",
                "After this I can proceed with the payment. Let me select the quantity first.",
                "Next, I need to retrieve the invoice to complete the payment.",
                "Would you like me to place the order?",
                "Step 1: open the shop. Step 2: add the item. Step 3: place the order. I'll open the shop now.",
                "User asked me to buy a laptop. First, search for laptops.",
                "I will click the 'Buying guide' link.",
                "The review says 'I will buy it again'.",
                "I'll order the results alphabetically.",
                "I will confirm the order number.",
                "Once they answer, I will place the order.",
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
                "POST /api/orders",
                "curl -X POST https://api.shop.test/v1/orders -d id=3",
                "await page.getByRole('button', { name: 'Place order' }).click()",
                "left_click Place order",
                "Placing your order now (final step)",
                "mcp__pay__create_charge({})",
            ],
        );
        expect(&Step, true, &["checkout_cart({\"id\": 1})", "cart_checkout()", "buy_shares(AAPL, 3)"]);
        expect(
            &Step,
            false,
            &[
                "git_checkout(branch)",
                "order_by(price)",
                "GET /api/orders",
                "purchase_history()",
                "goto(/checkout)",
                "click Add to cart",
                "open order history",
                "scroll",
                "",
            ],
        );
        expect(&Question, true, &["Should I place the order now?"]);
    }

    #[test]
    fn purchases_are_told_in_eight_languages() {
        expect(
            &Thought,
            true,
            &[
                "Ich werde die Lampe jetzt kaufen.",
                "Je vais acheter la lampe.",
                "Voy a comprar la lámpara ahora.",
                "Sto per acquistare la lampada.",
                "Vou comprar a lâmpada agora.",
                "我将购买这盏灯。",
                "ランプを買います。",
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
                "Ich lese, wie ich die Lampe kaufen kann.",
                "Vou ver como fazer o pedido.",
                "購入する方法を調べます。",
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
