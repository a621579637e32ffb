//! Money to the cent: orders in five currencies, recorded rates, refunds before their order, after it, twice and above
//! its amount, against integer arithmetic written here.
//!
//! `REGULARS_ORDERS` raises the number of orders, to a million for example.

use regulars::{Clock, Durability, Ingest, Rate, Store, id};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Code, decimals, and the rate to EUR in millionths from the first and from the sixteenth of a month on.
const CURRENCIES: [(&str, u32, [i128; 2]); 5] = [
    ("EUR", 2, [1_000_000, 1_000_000]),
    ("SEK", 2, [87_123, 88_457]),
    ("USD", 2, [921_500, 918_251]),
    ("JPY", 0, [6_213, 6_107]),
    ("KWD", 3, [3_001_499, 2_997_003]),
];
const PEOPLE: u64 = 500;

/// Minor units of a currency as cents, rounded half to even.
fn cents(minor: i128, currency: usize, day: u64) -> i128 {
    let (_, decimals, rates) = CURRENCIES[currency];
    let value = minor * rates[usize::from(day >= 16)] * 100;
    let divisor = 1_000_000 * 10i128.pow(decimals);
    let (quotient, rest) = (value / divisor, value % divisor);
    match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
        std::cmp::Ordering::Less => quotient,
    }
}

fn decimal(minor: i128, decimals: u32) -> String {
    let unit = 10i128.pow(decimals);
    match decimals {
        0 => minor.to_string(),
        _ => format!("{}.{:0width$}", minor / unit, minor % unit, width = decimals as usize),
    }
}

/// Random enough, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[derive(Default, Debug, PartialEq)]
struct Sums {
    orders: u64,
    gross: i128,
    refunded: i128,
}

#[test]
fn sums_are_right_to_the_cent() {
    let orders: u64 = std::env::var("REGULARS_ORDERS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000);
    let options = Store::options().currency("EUR").clock(Clock::Manual).durability(Durability::OnFlush);
    let store = options.in_memory().expect("opens");
    for (code, _, rates) in &CURRENCIES[1..] {
        for (day, rate) in ["2026-01-01", "2026-01-16"].iter().zip(rates) {
            let rate = decimal(*rate, 6).parse().expect("a decimal");
            let rate = Rate::new(day, code.parse().expect("a code"), "EUR".parse().expect("a code"), rate);
            store.record_rates(&[rate.expect("a rate")]).expect("recorded");
        }
    }
    let mut dice = Dice(20_261_126);
    let mut sums: BTreeMap<u64, Sums> = BTreeMap::new();
    let mut lines = String::new();
    let mut say = |event: &str, order: u64, who: u64, day: u64, minor: i128, currency: usize| {
        let (code, decimals, _) = CURRENCIES[currency];
        let total = decimal(minor, decimals);
        writeln!(
            lines,
            r#"{{"type":"track","event":"{event}","messageId":"{order}-{event}-{day}","userId":"u{who}","timestamp":"2026-01-{day:02}T12:00:00Z","properties":{{"order_id":"order-{order}","currency":"{code}","total":{total}}}}}"#
        )
        .expect("memory does not break");
    };
    for order in 0..orders {
        let (who, currency) = (dice.below(PEOPLE), usize::try_from(dice.below(5)).expect("small"));
        let (day, minor) = (3 + dice.below(25), i128::from(dice.below(100_000)));
        say("Order Completed", order, who, day, minor, currency);
        // By whom a refund is sent does not matter, nor whether it comes before.
        let teller = dice.below(PEOPLE);
        let mut back = 0;
        match dice.below(8) {
            0 => {
                back = i128::from(dice.below(100_000));
                say("Order Refunded", order, who, day + 1, back, currency);
            }
            1 => {
                back = minor / 3;
                say("Order Refunded", order, teller, day - 2, back, currency);
            }
            2 => {
                back = 2 * (minor / 4);
                say("Order Refunded", order, who, day + 1, minor / 4, currency);
                say("Order Refunded", order, who, day + 2, minor / 4, currency);
            }
            3 => {
                back = minor;
                say("Order Cancelled", order, who, day + 1, minor, currency);
            }
            _ => {}
        }
        let sum = sums.entry(who).or_default();
        sum.orders += 1;
        sum.gross += cents(minor, currency, day);
        sum.refunded += cents(back.min(minor), currency, day);
    }
    let receipt = store.ingest_reader(lines.as_bytes(), &Ingest::new(), |_| {}).expect("ingests");
    assert_eq!((receipt.rejected, receipt.duplicates), (0, 0), "{receipt}");
    let snapshot = store.snapshot();
    for (who, sum) in &sums {
        let found = snapshot.profile(id::user(format!("u{who}"))).expect("readable").expect("known").orders;
        let found =
            Sums { orders: found.count, gross: found.gross_minor.into(), refunded: found.refunded_minor.into() };
        assert_eq!(&found, sum, "u{who}");
    }
    let months = snapshot.revenue_by_month().expect("readable");
    let net: i128 = sums.values().map(|sum| sum.gross - sum.refunded).sum();
    assert_eq!((months.len(), months[0].orders, i128::from(months[0].net_minor)), (1, orders, net));
}
