//! The words of `purchase`.

/// Names of buttons that commit, and verbs with their object.
#[rustfmt::skip]
pub(super) const BUTTONS: &[&str] = &[
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
];

/// What is being done.
#[rustfmt::skip]
pub(super) const DOINGS: &[&str] = &[
    "proceeding with payment", "proceeding with the payment", "proceeding with the purchase", "proceeding with the order",
    "going ahead with the purchase", "going ahead with the order", "executing the purchase", "committing to the purchase",
    "placing the order", "placing your order", "placing my order", "placing an order", "placing order",
    "placing this order", "submitting the order", "submitting order", "submitting your order", "submitting payment",
    "submitting the payment", "completing the purchase", "completing purchase", "completing the order",
    "completing your order", "completing the payment", "finalizing the purchase", "finalizing the order",
    "finalizing your order", "finalising the order", "confirming the order", "confirming the purchase",
    "confirming payment", "confirming the payment", "making the payment", "making the purchase",
    "processing the payment", "buying it now", "purchasing it now",
];

/// Names of buttons in other languages.
#[rustfmt::skip]
pub(super) const FOREIGN_BUTTONS: &[&str] = &[
    // German
    "kaufen", "bestellen", "bezahlen", "kostenpflichtig aufgeben", "zur kasse", "kauf bestätigen", "bestellung nun ab", "jetzt kaufen", "zahlungspflichtig bestellen", "kostenpflichtig bestellen", "jetzt bestellen", "jetzt bezahlen",
    "bestellung aufgeben", "bestellung abschicken", "bestellung absenden", "bestellung abschließen",
    "bestellung bestätigen", "kauf abschließen", "kauf bestätigen", "zahlung bestätigen", "zahlung abschließen",
    "sofort kaufen", "kaufen und bezahlen",
    // French
    "acheter", "commander", "payer", "régler",
    "acheter maintenant", "passer la commande", "passer commande", "passer ma commande", "valider la commande",
    "valider ma commande", "valider et payer", "confirmer la commande", "confirmer l'achat", "finaliser la commande",
    "finaliser l'achat", "commander maintenant", "payer maintenant", "valider le paiement", "confirmer le paiement",
    "effectuer le paiement", "procéder au paiement",
    // Spanish
    "comprar", "pagar", "pedir",
    "comprar ahora", "comprar ya", "realizar pedido", "realizar el pedido", "hacer el pedido", "hacer pedido",
    "finalizar compra", "finalizar la compra", "finalizar el pedido", "confirmar pedido", "confirmar el pedido",
    "confirmar compra", "confirmar la compra", "tramitar pedido", "tramitar el pedido", "pagar ahora",
    "realizar el pago", "confirmar el pago", "completar la compra", "completar el pedido",
    // Italian
    "acquistare", "acquista", "comprare", "pagare", "paga", "ordinare",
    "acquista ora", "compra ora", "effettua l'ordine", "effettuare l'ordine", "conferma ordine", "conferma l'ordine",
    "confermare l'ordine", "invia ordine", "invia l'ordine", "completa l'acquisto", "completare l'acquisto",
    "conferma l'acquisto", "paga ora", "ordina ora", "effettua il pagamento", "conferma il pagamento",
    // Portuguese
    "comprar agora", "compre agora", "finalizar pedido", "finalizar o pedido", "finalizar a compra", "fazer pedido",
    "fazer o pedido", "confirmar o pedido", "confirmar a compra", "concluir compra", "concluir a compra",
    "pagar agora", "efetuar pagamento", "efetuar o pagamento", "confirmar pagamento", "confirmar o pagamento",
    "fechar pedido",
    // Japanese
    "購入ボタン", "「購入」", "を買う", "購入手続きへ", "レジに進む",
    "注文を確定", "注文確定", "注文する", "ご注文を確定", "購入を確定", "購入する", "今すぐ買う", "今すぐ購入",
    "購入手続きを完了", "支払いを確定", "支払う", "お支払いを確定",
    // Chinese, simplified and traditional
    "购买按钮", "去结算", "付款", "完成支付", "点击购买", "去支付",
    "立即购买", "提交订单", "确认订单", "确认购买", "下单", "立即支付", "确认支付", "确认付款", "立即付款",
    "马上购买", "立即購買", "提交訂單", "確認訂單", "確認付款", "結帳付款",
];

/// Phrases of other languages that announce by themselves.
#[rustfmt::skip]
pub(super) const FOREIGN_DOINGS: &[&str] = &[
    "bestelle jetzt", "kaufe jetzt",
    "gebe die bestellung auf", "schließe den kauf ab", "schließe die bestellung ab", "bezahle jetzt",
    "je passe la commande", "je valide la commande", "je confirme la commande", "j'achète", "je paie",
    "realizo el pedido", "confirmo el pedido", "confirmo la compra", "finalizo la compra", "effettuo l'ordine",
    "confermo l'ordine", "completo l'acquisto", "finalizo o pedido", "finalizo a compra", "confirmo o pedido",
    "ich kaufe", "ich bestelle", "ich bezahle", "kaufe ich", "bestelle ich", "schließe die bestellung", "j'achète maintenant", "je commande", "je paie", "je règle",
    "compro", "pago ahora", "acquisto", "ordino", "pago", "を買います", "を購入します", "我将购买", "我会购买", "我购买", "我来购买", "我要付款", "我将付款", "order is being placed",
    "order is now being placed", "order will be placed now", "order will now be placed", "payment is being made", "payment is being submitted",
    "注文を確定します", "注文します", "購入します", "支払います", "正在下单", "我将下单", "我要购买", "现在付款",
];
