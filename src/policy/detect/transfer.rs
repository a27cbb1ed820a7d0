//! `transfer`: the agent is about to move money: to send it, to schedule it, to pay a bill.

use super::family::{Family, Verbs};
use super::tool::Tools;

#[rustfmt::skip]
const MONEY: &[&str] = &[
    "money", "payment", "payments", "funds", "fund", "transaction", "transactions", "transfer", "amount", "deposit", "bitcoin", "crypto",
    "certificate", "certificates", "voucher", "donation", "rent", "usd", "eur", "dollars", "euros", "euro", "dollar", "refund", "bill",
    "$", "€", "£", "¥", "invoice", "iban", "balance", "wire", "tip", "fee", "standing order",
];

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "send money",
        "transfer money",
        "transfer funds",
        "wire money",
        "make a transfer",
        "make transfer",
        "confirm transfer",
        "confirm the transfer",
        "submit transfer",
        "complete transfer",
        "complete the transfer",
        "approve transaction",
        "confirm transaction",
        "sign transaction",
        "send payment",
        "make a payment",
        "make the payment",
        "make payment",
        "pay bill",
        "pay the bill",
        "schedule payment",
    ],
    labels: &["transfer", "wire", "donate", "withdraw"],
    doings: &[],
    acts: &[
        Verbs {
            plain: &[
                "send", "transfer", "wire", "schedule", "make", "process", "execute", "initiate", "issue", "refund",
            ],
            doing: &[
                "sending",
                "transferring",
                "wiring",
                "scheduling",
                "making",
                "processing",
                "executing",
                "initiating",
                "issuing",
            ],
            objects: MONEY,
            not: &[
                "email",
                "message",
                "file",
                "to a human",
                "human agent",
                "repository",
                "ownership",
                "calendar",
                "summary",
                "details",
                "information",
                "overview",
                "search",
                "list",
                "sure",
                "reservation",
                "booking",
            ],
        },
        Verbs {
            plain: &["move", "venmo", "zelle", "tip", "top up", "donate", "lend", "repay"],
            doing: &["moving", "venmoing", "tipping", "topping up", "donating"],
            objects: &["$", "€", "£", "¥", "usd", "eur", "dollars", "euros", "money", "funds", "btc", "eth", "bucks"],
            not: &[],
        },
        Verbs {
            plain: &["pay"],
            doing: &["paying"],
            objects: &["bill", "rent", "invoice", "fee", "him", "her", "them", "iban", "amount", "the"],
            not: &["attention"],
        },
    ],
    needs: true,
    tools: &[
        Tools {
            verbs: &[
                "send", "transfer", "wire", "schedule", "make", "create", "execute", "process", "initiate", "issue",
                "submit", "update", "approve",
            ],
            objects: &[
                "money",
                "payment",
                "fund",
                "transaction",
                "transfer",
                "payout",
                "certificate",
                "donation",
                "bitcoin",
                "crypto",
                "wire",
                "remittance",
                "invoice",
            ],
            not: &["human", "agent", "ownership", "list", "file", "request", "method", "profile"],
        },
        Tools {
            verbs: &["donate", "withdraw", "deposit", "wire", "pay", "tip"],
            objects: &[],
            not: &["method", "info", "history"],
        },
    ],
    foreign_buttons: &[
        "geld senden",
        "geld überweisen",
        "überweisung ausführen",
        "jetzt überweisen",
        "effectuer le virement",
        "envoyer l'argent",
        "valider le virement",
        "realizar transferencia",
        "enviar dinero",
        "confirmar transferencia",
        "invia denaro",
        "effettua bonifico",
        "conferma bonifico",
        "fazer transferência",
        "enviar dinheiro",
        "confirmar transferência",
        "送金する",
        "振込を実行",
        "确认转账",
        "立即转账",
    ],
    foreign_doings: &["überweise jetzt", "je fais le virement", "transfiero ahora", "振り込みます", "送金します"],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::Transfer;

    #[test]
    fn what_is_announced_fires() {
        expect(
            Transfer,
            &Thought,
            true,
            &[
                "I will now transfer 200 dollars to Anna's account",
                "Next, I'll send the payment of 40 EUR to the landlord",
                "Let me schedule the monthly transaction",
                "The next step is to wire the funds",
                "Confirming everything, I will click \"Confirm transfer\"",
                "I'm going to pay the bill with the checking account",
                "Ich klicke auf \"Überweisung ausführen\"",
            ],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            Transfer,
            &Thought,
            false,
            &[
                "I will check the balance before sending money",
                "The user wants to transfer money to Anna",
                "I need the IBAN in order to send the payment",
                "Money was transferred yesterday",
                "I can't transfer the funds",
                "I will transfer you to a human agent",
                "If you confirm, I will send the payment",
            ],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            Transfer,
            &Step,
            true,
            &[
                "send_money({\"recipient\": \"x\"})",
                "transferFunds(amount=3)",
                "bank.create_payment(…)",
                "mcp__bank__schedule_transaction",
                "update_scheduled_transaction({\"id\": 7})",
                "click\nConfirm transfer",
            ],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(
            Transfer,
            &Step,
            false,
            &[
                "get_scheduled_transactions()",
                "transfer_to_human_agents()",
                "list_payment_methods()",
                "click\nTransfers",
                "send_email({\"body\": \"please transfer the money\"})",
            ],
        );
    }
}
