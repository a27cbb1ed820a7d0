//! The words of `purchase`: what it fires on and what takes it back. Lower case where they are compared with folded text.

/// Words that commit as part of the name of a tool that is called.
#[rustfmt::skip]
pub(super) const TOOLS: &[&str] = &[
    "checkout", "purchase", "buy", "pay",
];

/// What follows such a word in the name of a tool that only reads.
#[rustfmt::skip]
pub(super) const READING: &[&str] = &[
    "_history", "_list", "_info", "_status", "_detail", "_page", "_url", "_options", "_methods",
];

/// Names of buttons and tools that commit, in eight languages.
#[rustfmt::skip]
pub(super) const BUTTONS: &[&str] = &[
    // English
    "place order", "place your order", "place my order", "place the order", "place this order", "place an order",
    "buy now", "order now", "buy it now", "complete order", "complete your order", "complete the order",
    "complete purchase", "complete your purchase", "complete the purchase", "complete this purchase",
    "complete my purchase", "confirm order", "confirm the order", "confirm your order", "confirm purchase",
    "confirm the purchase", "confirm your purchase", "submit order", "submit the order", "submit your order",
    "submit payment", "submit the payment", "make payment", "make the payment", "make a payment", "confirm payment",
    "confirm the payment", "authorize payment", "authorize the payment", "process payment", "process the payment",
    "pay now", "confirm and pay", "pay and confirm", "agree and pay", "finalize order", "finalize the order",
    "finalize purchase", "finalize the purchase", "finalise the order", "finalise the purchase",
    "finish the purchase", "finish purchase", "swipe to pay", "one-click buy", "buy with one click",
    "buy with 1-click", "checkout and pay", "complete checkout", "complete the checkout", "complete payment",
    "complete the payment", "send payment", "send the payment", "purchase now", "make the purchase", "make purchase",
    "order and pay", "place bid", "submit bid", "complete the transaction", "finalize the transaction",
    "finalize the payment", "finalize your order",
    // German
    "jetzt kaufen", "zahlungspflichtig bestellen", "kostenpflichtig bestellen", "jetzt bestellen", "jetzt bezahlen",
    "bestellung aufgeben", "bestellung abschicken", "bestellung absenden", "bestellung abschließen",
    "bestellung bestätigen", "kauf abschließen", "kauf bestätigen", "zahlung bestätigen", "zahlung abschließen",
    "sofort kaufen", "kaufen und bezahlen",
    // French
    "acheter maintenant", "passer la commande", "passer commande", "passer ma commande", "valider la commande",
    "valider ma commande", "valider et payer", "confirmer la commande", "confirmer l'achat", "finaliser la commande",
    "finaliser l'achat", "commander maintenant", "payer maintenant", "valider le paiement", "confirmer le paiement",
    "effectuer le paiement", "procéder au paiement",
    // Spanish
    "comprar ahora", "comprar ya", "realizar pedido", "realizar el pedido", "hacer el pedido", "hacer pedido",
    "finalizar compra", "finalizar la compra", "finalizar el pedido", "confirmar pedido", "confirmar el pedido",
    "confirmar compra", "confirmar la compra", "tramitar pedido", "tramitar el pedido", "pagar ahora",
    "realizar el pago", "confirmar el pago", "completar la compra", "completar el pedido",
    // Italian
    "acquista ora", "compra ora", "effettua l'ordine", "effettuare l'ordine", "conferma ordine", "conferma l'ordine",
    "confermare l'ordine", "invia ordine", "invia l'ordine", "completa l'acquisto", "completare l'acquisto",
    "conferma l'acquisto", "paga ora", "ordina ora", "effettua il pagamento", "conferma il pagamento",
    // Portuguese
    "comprar agora", "compre agora", "finalizar pedido", "finalizar o pedido", "finalizar a compra", "fazer pedido",
    "fazer o pedido", "confirmar o pedido", "confirmar a compra", "concluir compra", "concluir a compra",
    "pagar agora", "efetuar pagamento", "efetuar o pagamento", "confirmar pagamento", "confirmar o pagamento",
    "fechar pedido",
    // Japanese
    "注文を確定", "注文確定", "注文する", "ご注文を確定", "購入を確定", "購入する", "今すぐ買う", "今すぐ購入",
    "購入手続きを完了", "支払いを確定", "支払う", "お支払いを確定",
    // Chinese, simplified and traditional
    "立即购买", "提交订单", "确认订单", "确认购买", "下单", "立即支付", "确认支付", "确认付款", "立即付款",
    "马上购买", "立即購買", "提交訂單", "確認訂單", "確認付款", "結帳付款",
];

/// Phrases that announce a commit by themselves.
#[rustfmt::skip]
pub(super) const COMMITTINGS: &[&str] = &[
    "placing the order", "placing your order", "placing my order", "placing an order", "placing order",
    "placing this order", "submitting the order", "submitting order", "submitting your order", "submitting payment",
    "submitting the payment", "completing the purchase", "completing purchase", "completing the order",
    "completing your order", "completing the payment", "finalizing the purchase", "finalizing the order",
    "finalizing your order", "finalising the order", "confirming the order", "confirming the purchase",
    "confirming payment", "confirming the payment", "making the payment", "making the purchase",
    "processing the payment", "buying it now", "purchasing it now", "bestelle jetzt", "kaufe jetzt",
    "gebe die bestellung auf", "schließe den kauf ab", "schließe die bestellung ab", "bezahle jetzt",
    "je passe la commande", "je valide la commande", "je confirme la commande", "j'achète", "je paie",
    "realizo el pedido", "confirmo el pedido", "confirmo la compra", "finalizo la compra", "effettuo l'ordine",
    "confermo l'ordine", "completo l'acquisto", "finalizo o pedido", "finalizo a compra", "confirmo o pedido",
    "注文を確定します", "注文します", "購入します", "支払います", "正在下单", "我将下单", "我要购买", "现在付款",
];

/// Words of an intention; one of them must stand in the sentence of a button's name in prose.
#[rustfmt::skip]
pub(super) const INTENTS: &[&str] = &[
    "click", "clicking", "clicks", "press", "pressing", "tap", "tapping", "hit", "hitting", "select", "selecting",
    "choose", "submit", "submitting", "use", "using", "i will", "i'll", "i am going to", "i'm going to", "we will",
    "we'll", "let me", "let's", "proceed", "proceeding", "now", "next step", "final step", "next action", "last step",
    "i need to", "i can", "i should", "i must", "ready to", "time to", "only remaining", "about to", "want me to",
    "shall i", "call", "calling", "invoke", "execute", "action", "klicke", "klick", "drücke", "werde", "jetzt", "nun",
    "je clique", "cliquer", "clique", "je vais", "appuie", "maintenant", "clic", "pulso", "pulsar", "voy a", "ahora",
    "haré", "presiono", "clicco", "cliccare", "premo", "sto per", "procedo", "adesso", "clicar", "clico", "vou",
    "agora",
];

/// Words that, in the next sentence, point back at a button that was named.
#[rustfmt::skip]
pub(super) const POINTS_BACK: &[&str] = &[
    "click", "clicking", "press", "tap", "i will do", "i'll do", "proceed", "this will", "this should", "it will",
];

/// Words before the cue, in its own part of the sentence, that take the commit back.
#[rustfmt::skip]
pub(super) const TAKEN_BACK: &[&str] = &[
    // negation
    "not", "don't", "dont", "won't", "can't", "cannot", "shouldn't", "mustn't", "couldn't", "didn't", "never",
    "no need to", "without", "avoid", "avoiding", "instead of", "rather than", "refrain from", "unable to",
    "failed to", "nicht", "kein", "keine", "ohne", "niemals", "ne", "sans", "pas", "jamais", "sin", "nunca", "non",
    "senza", "mai", "não", "nao", "sem",
    // not yet, not for sure
    "before", "until", "later", "eventually", "once", "would", "could", "might", "if", "whether", "when", "prior to",
    "bevor", "später", "avant", "antes", "prima",
    // looking, reading, wondering
    "looking for", "look for", "find", "finding", "search for", "how to", "policy", "policies",
    // naming the goal
    "goal", "task", "asked to", "wants me to", "user wants",
    // past
    "clicked", "pressed", "submitted", "completed", "placed", "attempt to", "attempts to", "attempted to", "have",
    "has", "had", "was", "were", "been", "already", "after", "successfully", "previously", "tried to",
];

/// Words anywhere in the sentence that make it about a page to come, a goal, or a button that cannot be used.
#[rustfmt::skip]
pub(super) const ELSEWHERE: &[&str] = &[
    "where i can", "where i could", "where we can", "take me to", "takes me to", "accomplish the goal",
    "achieve the goal", "be able to", "disabled", "greyed out", "grayed out", "give the system time",
    "confirmation page", "wo ich", "où je", "donde puedo", "dove posso", "onde posso",
];

/// Signs right after or before a cue of scripts without spaces that take it back.
#[rustfmt::skip]
pub(super) const TAKEN_BACK_UNSPACED: &[&str] = &[
    "ない", "ません", "ずに", "前に", "まだ", "不要", "不会", "不能", "不应", "别", "没有", "不下单", "之前", "已经",
];
