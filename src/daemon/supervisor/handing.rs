//! Operators' orders, handed to the driver of their session. Waits for nobody: what finds no room is refused.

use super::Supervisor;
use crate::control::{Decision, Directed, Ordered, Refusal, ScreenshotOrder};
use crate::daemon::driver::{Acted, Order};
use crate::daemon::reins::ORDERS;

impl Supervisor {
    pub(super) fn decide(&mut self, order: Ordered) {
        let Some(driver) = self.drivers.get_mut(&order.session) else {
            let _ = order.reply.send(Err(Refusal::NoSuchApproval));
            return;
        };
        if let Err(refused) = driver.order(Box::new(Order::Decide(order)))
            && let Order::Decide(Ordered { reply, decision: Decision { .. }, .. }) = *refused
        {
            let _ = reply.send(Err(too_many()));
        }
    }

    pub(super) fn screenshot(&mut self, order: ScreenshotOrder) {
        let Some(driver) = self.drivers.get_mut(&order.session) else {
            let _ = order.reply.send(Err(Refusal::NoSuchApproval));
            return;
        };
        if let Err(refused) = driver.order(Box::new(Order::Screenshot(order)))
            && let Order::Screenshot(order) = *refused
        {
            let _ = order.reply.send(Err(too_many()));
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
        if let Err(refused) = driver.order(Box::new(Order::Act(acted)))
            && let Order::Act(Acted { reply, .. }) = *refused
        {
            let _ = reply.send(Err(too_many()));
        }
    }
}

fn too_many() -> Refusal {
    Refusal::NotPossible { why: format!("{ORDERS} orders wait for this session already; try again") }
}
