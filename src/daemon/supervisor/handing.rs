//! Operators' orders, handed to the driver of their session. Waits for nobody: what finds no room is refused.

use super::Supervisor;
use crate::control::{Directed, Ordered, Refusal, ScreenshotOrder};
use crate::daemon::driver::{Acted, Order};
use crate::daemon::reins::{ORDERS, Unheard};

impl Supervisor {
    pub(super) fn decide(&mut self, order: Ordered) {
        let Some(driver) = self.drivers.get_mut(&order.session) else {
            let _ = order.reply.send(Err(Refusal::NoSuchApproval));
            return;
        };
        if let Err(unheard) = driver.reins.order(Box::new(Order::Decide(order)))
            && let (Order::Decide(Ordered { reply, .. }), why) = refused(unheard, Refusal::NoSuchApproval)
        {
            let _ = reply.send(Err(why));
        }
    }

    pub(super) fn screenshot(&mut self, order: ScreenshotOrder) {
        let Some(driver) = self.drivers.get_mut(&order.session) else {
            let _ = order.reply.send(Err(Refusal::NoSuchApproval));
            return;
        };
        if let Err(unheard) = driver.reins.order(Box::new(Order::Screenshot(order)))
            && let (Order::Screenshot(order), why) = refused(unheard, Refusal::NoSuchApproval)
        {
            let _ = order.reply.send(Err(why));
        }
    }

    pub(super) fn directed(&mut self, order: Directed) {
        match order {
            Directed::Session { operator, order, reply } => self.direct(Acted { operator, order, reply }),
            Directed::Halt { operator, reason, reply } => self.halt(operator, reason, reply),
            Directed::EndHalt { operator, reply } => self.end_halt(operator, reply),
        }
    }

    fn direct(&mut self, acted: Acted) {
        let Some(driver) = self.drivers.get_mut(&acted.order.session) else {
            let _ = acted.reply.send(Err(Refusal::NoSuchSession));
            return;
        };
        if let Err(unheard) = driver.reins.order(Box::new(Order::Act(acted)))
            && let (Order::Act(Acted { reply, .. }), why) = refused(unheard, Refusal::NoSuchSession)
        {
            let _ = reply.send(Err(why));
        }
    }
}

/// The order, and why it is refused: `none` is what is said where there is no driver.
fn refused(unheard: Unheard, none: Refusal) -> (Order, Refusal) {
    match unheard {
        Unheard::Ended(order) => (*order, none),
        Unheard::Full(order) => {
            let why = format!("{ORDERS} orders wait for this session already; try again");
            (*order, Refusal::NotPossible { why })
        }
    }
}
