//! Whether what a person's orders add up to passes a test.

use super::condition::passes;
use super::person::Person;
use crate::base::Timestamp;
use crate::error::Result;
use crate::people::totals::Totals;
use crate::rule::node::{OrdersNode, Window, is_of_shop};

/// Whether the measure of the person's orders passes the test.
pub(super) fn holds(node: &OrdersNode, person: &dyn Person, at: Timestamp) -> Result<bool> {
    let (after, to) = Window::bounds(node.window, at);
    let mut totals = Totals::default();
    for order in person.orders(at)?.iter().filter(|order| after < order.ts && order.ts <= to) {
        let fits = node.filter.is_none() || !order.lone_refund;
        if fits && is_of_shop(&node.shop, &order.shop) && passes(node.filter.as_ref(), &order.event(), person)? {
            totals.add(order);
        }
    }
    Ok(node.test.holds(totals.measure(node.measure, at, person.currency_decimals())))
}
