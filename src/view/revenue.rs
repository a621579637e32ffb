//! What a shop sold, month by month.

use super::profile::average;
use crate::Result;
use crate::base::rates::Rates;
use crate::base::{Currency, Timestamp};
use crate::profile::orders::Settled;
use crate::profile::records::Records;
use serde::Serialize;
use std::collections::BTreeMap;

/// The orders placed in one calendar month of the store's zone, in minor units of the store's currency;
/// in a store without one every amount is unknown.
///
/// ```
/// use regulars::Store;
/// let store = Store::options().currency("EUR").in_memory()?;
/// store.ingest_json(br#"{"type":"track","event":"Order Completed","userId":"42","timestamp":"2026-01-05",
///     "properties":{"order_id":"o1","total":19.90}}"#)?;
/// let months = store.snapshot().revenue_by_month()?;
/// assert_eq!((months[0].month.as_str(), months[0].orders, months[0].net_minor), ("2026-01", 1, 1990));
/// assert_eq!(months[0].average_minor, Some(1990));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MonthRevenue {
    /// `YYYY-MM`.
    pub month: String,
    /// Orders placed, refunded or not.
    pub orders: u64,
    /// Their amounts before refunds.
    pub gross_minor: i64,
    /// What came back of them, and lone refunds of this month.
    pub refunded_minor: i64,
    /// Gross less refunded.
    pub net_minor: i64,
    /// Orders whose amount is unknown, or in a currency that no recorded rate converts.
    pub orders_unknown: u64,
    /// The net of the other orders by their number, half to even; none without one. Lone refunds leave it as it is.
    pub average_minor: Option<i64>,
}

/// What a month comes to, as far as it was added up.
#[derive(Default)]
struct Sums {
    month: MonthRevenue,
    /// Gross less refunded of the orders whose amount is known.
    net_of_orders: i128,
}

/// Every month with an order or a lone refund up to `at`, oldest first.
pub(crate) fn by_month(records: &Records, at: Timestamp) -> Result<Vec<MonthRevenue>> {
    let mut months: BTreeMap<i64, Sums> = BTreeMap::new();
    records.visit_settled(at, &mut |settled| {
        let month = month_of(records.reading.zone.day(settled.ts));
        months.entry(month).or_default().add(&settled, records.reading.currency, &records.rates);
    })?;
    let named = |(month, Sums { month: sums, net_of_orders }): (i64, Sums)| MonthRevenue {
        month: format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1),
        net_minor: sums.gross_minor.saturating_sub(sums.refunded_minor),
        average_minor: average(net_of_orders, sums.orders - sums.orders_unknown),
        ..sums
    };
    Ok(months.into_iter().map(named).collect())
}

impl Sums {
    fn add(&mut self, order: &Settled, currency: Option<Currency>, rates: &Rates) {
        let worth = order.worth(currency, rates);
        let month = &mut self.month;
        if order.order.is_some() {
            month.orders += 1;
            month.orders_unknown += u64::from(worth.gross_minor.is_none());
        }
        if let Some(gross) = worth.gross_minor {
            self.net_of_orders += i128::from(gross) - i128::from(worth.refunded_minor);
        }
        month.gross_minor = month.gross_minor.saturating_add(worth.gross_minor.unwrap_or(0));
        month.refunded_minor = month.refunded_minor.saturating_add(worth.refunded_minor);
    }
}

/// Months since the year 0 of a day since 1970-01-01.
fn month_of(day: i64) -> i64 {
    let (year, month, _) = crate::base::time::civil(day);
    year * 12 + month - 1
}
