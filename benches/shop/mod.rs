//! A shop to measure with: the same people and events for whoever is measured.
//!
//! Activity is heavy-tailed, countries, products and sources are popular by rank, time is denser towards the end; one visit
//! in five ends in an order. Everything follows from the numbers of people and events.

use std::fmt::Write as _;

/// 2026-01-01T00:00:00Z: the present of every question.
pub(crate) const NOW: i64 = 1_767_225_600_000;
pub(crate) const DAY: i64 = 86_400_000;

const COUNTRIES: [&str; 10] = ["US", "GB", "DE", "FR", "DK", "SE", "NL", "ES", "IT", "PL"];
const TIERS: [&str; 4] = ["none", "bronze", "silver", "gold"];
const GENDERS: [&str; 3] = ["F", "M", "X"];
const SOURCES: [&str; 6] = ["organic", "paid_search", "paid_social", "email", "referral", "pos"];

/// Numbers that look random and are the same everywhere (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        self.next() as f64 / u64::MAX as f64
    }

    /// A rank below `limit`, small ones more often.
    fn rank(&mut self, limit: u64, steepness: i32) -> u64 {
        ((limit as f64 * self.share().powi(steepness)) as u64).min(limit - 1)
    }
}

/// One customer.
pub(crate) struct Customer {
    pub(crate) country: &'static str,
    pub(crate) tier: &'static str,
    pub(crate) gender: &'static str,
    pub(crate) source: &'static str,
    pub(crate) consent: bool,
    pub(crate) age: u64,
    /// Lifetime value in cents.
    pub(crate) ltv: u64,
}

/// One thing that happened.
pub(crate) struct Event {
    pub(crate) person: u32,
    pub(crate) ts: i64,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// Of a category.
    Viewed(u64),
    Delivered,
    /// Brands of the lines, and the price in cents of each.
    Ordered(Vec<(u64, u64)>),
}

pub(crate) struct Shop {
    pub(crate) customers: Vec<Customer>,
    pub(crate) events: Vec<Event>,
}

impl Shop {
    pub(crate) fn new(people: u64, events: u64) -> Self {
        let mut numbers = Numbers(7);
        let customers = (0..people).map(|_| customer(&mut numbers)).collect();
        let mut all: Vec<Event> = (0..events).map(|_| event(&mut numbers, people)).collect();
        all.sort_by_key(|event| event.ts);
        Self { customers, events: all }
    }

    /// The messages of the shop, a line each: people first.
    pub(crate) fn messages(&self) -> impl Iterator<Item = String> + '_ {
        let told = (0u32..).zip(&self.customers).map(|(person, customer)| identify(person, customer));
        told.chain((0u64..).zip(&self.events).map(|(number, event)| track(number, event)))
    }
}

fn pick<const N: usize>(numbers: &mut Numbers, of: [&'static str; N], steepness: i32) -> &'static str {
    of[numbers.rank(N as u64, steepness) as usize]
}

fn customer(numbers: &mut Numbers) -> Customer {
    Customer {
        country: pick(numbers, COUNTRIES, 2),
        tier: pick(numbers, TIERS, 3),
        gender: pick(numbers, GENDERS, 2),
        source: pick(numbers, SOURCES, 2),
        consent: numbers.share() < 0.55,
        age: 16 + numbers.below(60),
        ltv: numbers.rank(200_000, 4),
    }
}

fn event(numbers: &mut Numbers, people: u64) -> Event {
    let person = numbers.rank(people, 2) as u32;
    let ts = NOW - (730.0 * DAY as f64 * numbers.share().powi(2)) as i64;
    let what = match numbers.below(100) {
        0..75 => What::Viewed(numbers.rank(40, 2)),
        75..90 => What::Delivered,
        _ => What::Ordered(
            (0..1 + numbers.below(4)).map(|_| (numbers.rank(300, 2), 500 + numbers.below(9500))).collect(),
        ),
    };
    Event { person, ts, what }
}

fn identify(person: u32, of: &Customer) -> String {
    let Customer { country, tier, gender, source, consent, age, ltv } = of;
    format!(
        r#"{{"type":"identify","userId":"u{person}","messageId":"i{person}","timestamp":{NOW},"traits":{{"email":"{person}@example.com","country":"{country}","tier":"{tier}","gender":"{gender}","source":"{source}","consent":{consent},"age":{age},"ltv":{ltv}}}}}"#
    )
}

fn track(number: u64, event: &Event) -> String {
    let (name, properties) = match &event.what {
        What::Viewed(category) => ("Product Viewed", format!(r#""category":"cat{category}""#)),
        What::Delivered => ("Email Delivered", String::new()),
        What::Ordered(lines) => {
            let mut products = String::new();
            for (at, (brand, cents)) in lines.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let price = format!("{}.{:02}", cents / 100, cents % 100);
                let _ = write!(
                    products,
                    r#"{comma}{{"product_id":"p{at}-{brand}","brand":"brand{brand}","price":{price},"quantity":1}}"#
                );
            }
            let total: u64 = lines.iter().map(|(_, cents)| cents).sum();
            let total = format!("{}.{:02}", total / 100, total % 100);
            (
                "Order Completed",
                format!(r#""order_id":"o{number}","total":{total},"currency":"EUR","products":[{products}]"#),
            )
        }
    };
    format!(
        r#"{{"type":"track","event":"{name}","userId":"u{}","messageId":"e{number}","timestamp":{},"properties":{{{properties}}}}}"#,
        event.person, event.ts
    )
}
