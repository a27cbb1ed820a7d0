//! `refund`: the agent is about to return, exchange or refund what was bought.

use super::family::{Family, Verbs};
use super::tool::Tools;

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "request refund",
        "request a refund",
        "submit return",
        "start return",
        "return item",
        "confirm return",
        "issue refund",
        "issue a refund",
    ],
    labels: &["refund"],
    doings: &[],
    acts: &[
        Verbs { plain: &["refund"], doing: &["refunding"], objects: &[], not: &["policy"] },
        Verbs {
            plain: &["process", "request", "issue", "initiate", "submit"],
            doing: &["processing", "requesting", "issuing", "initiating", "submitting"],
            objects: &["refund", "return", "exchange", "refunds"],
            not: &["policy"],
        },
        Verbs {
            plain: &["return", "exchange"],
            doing: &["returning", "exchanging"],
            objects: &["item", "items", "order", "orders", "product", "shoes", "laptop"],
            not: &["page", "list", "search", "results", "to the"],
        },
    ],
    needs: true,
    tools: &[
        Tools { verbs: &["refund"], objects: &[], not: &["status", "policy", "list"] },
        Tools {
            verbs: &["return", "exchange"],
            objects: &["order", "item", "product", "purchase"],
            not: &["list", "status"],
        },
        Tools {
            verbs: &["issue", "process", "request", "create", "initiate"],
            objects: &["refund", "return", "exchange"],
            not: &[],
        },
    ],
    foreign_buttons: &[],
    foreign_doings: &[],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::Refund;

    #[test]
    fn what_is_announced_fires() {
        expect(
            Refund,
            &Thought,
            true,
            &["I will now refund the order", "Let me request a refund for the mouse", "I'm going to return the shoes"],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            Refund,
            &Thought,
            false,
            &[
                "The refund policy allows thirty days",
                "Refund eligibility depends on the fare",
                "I will return to the search results",
            ],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            Refund,
            &Step,
            true,
            &["refund_order({})", "return_delivered_order_items()", "issue_refund(3)", "exchange_order_items()"],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(Refund, &Step, false, &["get_refund_status()", "return_home()", "return_to_page(2)"]);
    }
}
