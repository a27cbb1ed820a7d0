//! `booking`: the agent is about to book or reserve something, or to change what is booked.

use super::family::{Family, Verbs};
use super::tool::Tools;

#[rustfmt::skip]
const BOOKED: &[&str] = &[
    "reservation", "reservations", "booking", "bookings", "appointment", "ticket", "tickets", "itinerary", "ride", "tour", "stay",
];

pub(super) static FAMILY: Family = Family {
    buttons: &[
        "complete reservation",
        "complete the reservation",
        "complete booking",
        "complete the booking",
        "confirm reservation",
        "confirm the reservation",
        "confirm booking",
        "confirm the booking",
        "book now",
        "reserve now",
        "confirm and book",
        "request to book",
        "request ride",
        "request trip",
        "confirm ride",
        "book ride",
        "book flight",
        "book this flight",
        "book appointment",
        "book table",
        "reserve table",
        "reserve a table",
        "make reservation",
        "make a reservation",
        "make the reservation",
        "finalize booking",
        "finalize the booking",
        "finalize reservation",
        "finalize the reservation",
        "request a tour",
        "request tour",
        "schedule tour",
        "schedule appointment",
        "confirm appointment",
        "book it",
        "reserve it",
        "instant book",
        "book a ride",
    ],
    labels: &["book", "reserve", "request", "book flight", "confirm change", "confirm changes"],
    doings: &[],
    acts: &[
        Verbs {
            plain: &[
                "complete", "confirm", "finalize", "finalise", "finish", "submit", "make", "create", "modify",
                "change", "update", "upgrade",
            ],
            doing: &[
                "completing",
                "confirming",
                "finalizing",
                "finalising",
                "finishing",
                "submitting",
                "making",
                "modifying",
                "updating",
                "upgrading",
            ],
            objects: BOOKED,
            not: &[
                "details",
                "form",
                "page",
                "search",
                "history",
                "policy",
                "date",
                "time",
                "information",
                "calendar",
                "event",
                "sure",
                "approach",
            ],
        },
        Verbs {
            plain: &["book", "reserve", "rebook"],
            doing: &["booking", "reserving", "rebooking"],
            objects: &[
                "it",
                "this",
                "that",
                "flight",
                "flights",
                "hotel",
                "room",
                "table",
                "car",
                "ticket",
                "tickets",
                "stay",
                "restaurant",
                "seat",
                "seats",
                "appointment",
                "ride",
                "apartment",
                "place",
                "slot",
            ],
            not: &["page", "form", "site", "website", "process", "calendar event"],
        },
        Verbs {
            plain: &["schedule", "grab", "secure", "lock in"],
            doing: &["scheduling", "securing"],
            objects: &["appointment", "table", "seat", "seats", "flight", "slot", "room", "ride", "viewing", "tour"],
            not: &["calendar"],
        },
    ],
    needs: false,
    tools: &[
        Tools { verbs: &["book", "reserve", "rebook"], objects: &[], not: &["list", "status", "page"] },
        Tools {
            verbs: &[
                "create",
                "make",
                "confirm",
                "update",
                "modify",
                "change",
                "edit",
                "reschedule",
                "upgrade",
                "add",
                "complete",
                "place",
                "set",
            ],
            objects: &[
                "reservation",
                "booking",
                "appointment",
                "flight",
                "ticket",
                "seat",
                "baggage",
                "passenger",
                "itinerary",
                "ride",
                "trip",
                "rental",
            ],
            not: &["search", "draft"],
        },
    ],
    foreign_buttons: &[
        "jetzt buchen",
        "verbindlich buchen",
        "kostenpflichtig buchen",
        "reservierung abschließen",
        "buchung abschließen",
        "réserver maintenant",
        "confirmer la réservation",
        "reservar ahora",
        "confirmar la reserva",
        "prenota ora",
        "conferma la prenotazione",
        "reservar agora",
        "confirmar a reserva",
        "予約する",
        "予約を確定",
        "立即预订",
        "确认预订",
    ],
    foreign_doings: &["buche jetzt", "je réserve", "予約します"],
};

#[cfg(test)]
mod tests {
    use super::super::tests::expect;
    use crate::api::EventKind::{Step, Thought};
    use crate::policy::detect::Detector::Booking;

    #[test]
    fn what_is_announced_fires() {
        expect(
            Booking,
            &Thought,
            true,
            &[
                "I will now book the flight for Friday",
                "Let me click \"Request ride\" to order the car",
                "The final step is to confirm the reservation",
                "I'll click the \"Reserve\" button",
                "I am going to reserve a table for two",
                "Je clique sur « Confirmer la réservation »",
            ],
        );
    }

    #[test]
    fn what_is_only_talked_about_does_not() {
        expect(
            Booking,
            &Thought,
            false,
            &[
                "I need to book a flight for the user",
                "I will look for a hotel to book",
                "Once the dates are set, I will book the room",
                "The booking was confirmed",
                "I'll check the booking policy",
                "- Book the cheapest flight",
                "I will create a calendar event for the dinner reservation",
            ],
        );
    }

    #[test]
    fn what_does_it_fires() {
        expect(
            Booking,
            &Step,
            true,
            &[
                "book_reservation({})",
                "reserve_hotel(\"Ritz\")",
                "update_reservation_flights({})",
                "createBooking(room)",
                "reschedule_appointment(4)",
                "click\nConfirm booking",
            ],
        );
    }

    #[test]
    fn what_does_not_do_it_does_not_fire() {
        expect(
            Booking,
            &Step,
            false,
            &[
                "get_reservation_details()",
                "search_flights()",
                "create_calendar_event()",
                "click\nBookings",
                "list_bookings()",
            ],
        );
    }
}
