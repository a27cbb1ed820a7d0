//! `cancel_booking`: the agent is about to cancel an order, a reservation, a subscription.

use super::family::{Family, Verbs};
use super::tool::Tools;

#[rustfmt::skip]
const CANCELLED: &[&str] = &[
    "reservation", "reservations", "booking", "bookings", "order", "orders", "subscription", "flight", "flights", "appointment", "membership",
    "ticket", "tickets", "trip", "it", "plan", "ride", "stay", "payment", "contract",
];

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "cancel reservation",
        "cancel booking",
        "cancel order",
        "cancel my order",
        "cancel subscription",
        "cancel flight",
        "cancel trip",
        "cancel appointment",
        "cancel membership",
        "confirm cancellation",
        "confirm the cancellation",
        "yes, cancel",
        "cancel plan",
        "cancel ride",
    ],
    labels: &[],
    doings: &[],
    acts: &[Verbs {
        plain: &["cancel", "call off", "end"],
        doing: &["cancelling", "canceling"],
        objects: CANCELLED,
        not: &["policy", "button", "dialog"],
    }],
    needs: true,
    tools: &[Tools {
        verbs: &["cancel", "unsubscribe", "terminate"],
        objects: &[],
        not: &["calendar", "event", "timer", "task", "dialog", "upload", "download", "job", "run", "edit"],
    }],
    foreign_buttons: &[
        "bestellung stornieren",
        "buchung stornieren",
        "reservierung stornieren",
        "abo kündigen",
        "jetzt kündigen",
        "annuler la commande",
        "annuler la réservation",
        "cancelar pedido",
        "cancelar reserva",
        "annulla ordine",
        "annulla prenotazione",
        "cancelar a reserva",
        "予約をキャンセル",
        "注文をキャンセル",
        "取消订单",
        "取消预订",
    ],
    foreign_doings: &[],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::CancelBooking;

    #[test]
    fn what_is_announced_fires() {
        expect(
            CancelBooking,
            &Thought,
            true,
            &[
                "I will now cancel the reservation",
                "Let me cancel their subscription",
                "I'll click \"Cancel my order\"",
                "Proceeding with cancelling the flight",
            ],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            CancelBooking,
            &Thought,
            false,
            &[
                "The cancellation policy says no",
                "I can only cancel it if it is within a day",
                "I will not cancel the order",
                "Would you like me to cancel the reservation?",
            ],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            CancelBooking,
            &Step,
            true,
            &["cancel_reservation({\"id\": 1})", "cancelOrder(7)", "cancel_pending_order()", "unsubscribe(list)"],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(CancelBooking, &Step, false, &["get_cancellation_policy()", "cancel_upload()", "click\nCancel"]);
    }
}
