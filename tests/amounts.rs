//! Amounts in conditions and measures: decimals however they are spelled, and money of commerce events in the store's
//! currency, against arithmetic written here.

use proptest::prelude::*;
use regulars::{Clock, Config, Ingest, Product, Rate, Rule, Segment, Store, Universe};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names of events, and whether their amounts are money in a currency.
const EVENTS: [(&str, bool); 7] = [
    ("Product Viewed", true),
    ("Order Completed", true),
    ("Cart Viewed", true),
    ("Coupon Applied", true),
    ("Payment Info Entered", true),
    ("Price Seen", false),
    ("Email Opened", false),
];
const MONEY: [&str; 8] = ["total", "revenue", "value", "subtotal", "discount", "tax", "shipping", "price"];
/// As sent; the code that it means.
const CURRENCIES: [(Option<&str>, Option<&str>); 8] = [
    (None, None),
    (Some("EUR"), Some("EUR")),
    (Some("USD"), Some("USD")),
    (Some(" usd "), Some("USD")),
    (Some("JPY"), Some("JPY")),
    (Some("KWD"), Some("KWD")),
    (Some("EURO"), Some("?")),
    (Some(" "), None),
];
/// From, decimals, and (first day, millionths of a EUR).
type Rated = (&'static str, u32, &'static [(u32, i128)]);

/// No rate tells what a dinar is worth.
const RATES: [Rated; 4] =
    [("USD", 2, &[(3, 900_000), (5, 512_345)]), ("JPY", 0, &[(1, 6_213)]), ("SEK", 2, &[(4, 87_123)]), ("KWD", 3, &[])];
/// What the catalogue says a kettle costs, by shop, in thousandths.
const LISTED: [(&str, &str, i128); 2] = [("", "EUR", 24_900), ("se", "SEK", 249_005)];

/// A member as it is sent.
#[derive(Clone, Debug)]
enum Sent {
    Absent,
    /// Thousandths, as a number or as a text.
    Amount(i128, bool),
    Other(Value),
}

#[derive(Clone, Debug)]
struct Line {
    price: Sent,
    quantity: Sent,
}

#[derive(Clone, Debug)]
struct Event {
    who: usize,
    name: usize,
    day: u32,
    currency: usize,
    swedish: bool,
    members: BTreeMap<&'static str, Sent>,
    lines: Vec<Line>,
}

/// A value as rules see it.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Missing,
    /// Thousandths.
    Number(i128),
    Other(Value),
}

fn half_even(value: i128, divisor: i128) -> i128 {
    let (whole, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    whole + i128::from(2 * rest > divisor || 2 * rest == divisor && whole % 2 != 0)
}

fn decimal(thousandths: i128) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", thousandths.abs() / 1000, thousandths.abs() % 1000)
}

impl Sent {
    fn json(&self) -> Option<Value> {
        match self {
            Self::Absent => None,
            Self::Amount(thousandths, true) => Some(json!(decimal(*thousandths))),
            Self::Amount(thousandths, false) => Some(serde_json::from_str(&decimal(*thousandths)).unwrap()),
            Self::Other(value) => Some(value.clone()),
        }
    }

    fn seen(&self) -> Seen {
        match self {
            Self::Absent | Self::Other(Value::Null) => Seen::Missing,
            Self::Amount(thousandths, _) => Seen::Number(*thousandths),
            Self::Other(value) => Seen::Other(value.clone()),
        }
    }
}

impl Event {
    fn is(&self, who: usize, name: usize) -> bool {
        self.who == who && self.name == name
    }

    fn shop(&self) -> (&'static str, &'static str, i128) {
        LISTED[usize::from(self.swedish)]
    }

    /// An amount of that currency in EUR at the event's day, where the rates so far tell it.
    fn in_store_currency(&self, seen: Seen, currency: &str, rates: usize) -> Seen {
        let Seen::Number(thousandths) = seen else { return seen };
        if !EVENTS[self.name].1 || currency == "EUR" {
            return Seen::Number(thousandths);
        }
        let Some((_, decimals, days)) = RATES[..rates].iter().find(|(from, ..)| *from == currency) else {
            return Seen::Missing;
        };
        let minor = half_even(thousandths, 10i128.pow(3 - decimals));
        let rate = days.iter().rfind(|(first, _)| *first <= self.day);
        let cents = |(_, rate): &(u32, i128)| half_even(minor * rate * 100, 10i128.pow(*decimals) * 1_000_000);
        rate.map_or(Seen::Missing, |rate| Seen::Number(cents(rate) * 10))
    }

    fn currency(&self) -> &'static str {
        CURRENCIES[self.currency].1.unwrap_or(self.shop().1)
    }

    fn value(&self, field: &str, rates: usize) -> Seen {
        let sent = self.members.get(field).map_or(Seen::Missing, Sent::seen);
        if field == "quantity" { sent } else { self.in_store_currency(sent, self.currency(), rates) }
    }

    fn line_value(&self, line: &Line, field: &str, rates: usize) -> Seen {
        match (field, &line.price) {
            ("quantity", _) if matches!(line.quantity, Sent::Absent | Sent::Other(Value::Null)) => Seen::Number(1000),
            ("quantity", _) => line.quantity.seen(),
            (_, Sent::Absent | Sent::Other(Value::Null)) => {
                let (_, currency, listed) = self.shop();
                self.in_store_currency(Seen::Number(listed), currency, rates)
            }
            (_, price) => self.in_store_currency(price.seen(), self.currency(), rates),
        }
    }

    fn message(&self, nth: usize) -> Value {
        let mut properties = Map::new();
        properties.extend(self.members.iter().filter_map(|(name, sent)| Some(((*name).to_owned(), sent.json()?))));
        properties.extend(CURRENCIES[self.currency].0.map(|code| ("currency".to_owned(), json!(code))));
        let line = |line: &Line| {
            let mut all = Map::new();
            all.insert("product_id".to_owned(), json!("kettle"));
            all.extend(line.price.json().map(|price| ("price".to_owned(), price)));
            all.extend(line.quantity.json().map(|quantity| ("quantity".to_owned(), quantity)));
            Value::Object(all)
        };
        if !self.lines.is_empty() {
            properties.insert("products".to_owned(), self.lines.iter().map(line).collect());
        }
        json!({"type": "track", "event": EVENTS[self.name].0, "messageId": format!("m{nth:03}"),
            "userId": format!("u{}", self.who), "properties": properties,
            "timestamp": format!("2026-01-{:02}T12:{nth:02}:00Z", self.day)})
    }
}

#[derive(Clone, Debug)]
enum Asked {
    /// An event with that member at least so much; or below that.
    Where(&'static str, bool),
    /// Any, all or none of the lines.
    Lines(&'static str, &'static str),
    /// sum, avg, min, max, first, last.
    Measure(&'static str, &'static str),
    /// At least two different values.
    Distinct(&'static str),
    Set(&'static str),
}

#[derive(Clone, Debug)]
struct Question {
    name: usize,
    asked: Asked,
    /// Thousandths.
    least: i128,
}

impl Question {
    fn rule(&self) -> Value {
        let event = EVENTS[self.name].0;
        let least: Value = serde_json::from_str(&decimal(self.least)).unwrap();
        match &self.asked {
            Asked::Where(field, true) => json!({"event": event, "where": {"property": field, "gte": least}}),
            Asked::Where(field, false) => json!({"event": event, "where": {"property": field, "lt": least}}),
            Asked::Lines(quantifier, field) => {
                json!({"event": event, "where": {"line": quantifier, "where": {"property": field, "gte": least}}})
            }
            Asked::Measure(measure, field) => {
                json!({"event": event, "measure": format!("{measure}({field})"), "gte": least})
            }
            Asked::Distinct(field) => json!({"event": event, "measure": format!("distinct({field})"), "gte": 2}),
            Asked::Set(field) => json!({"event": event, "where": {"property": field, "is_set": true}}),
        }
    }

    fn holds(&self, events: &[&Event], rates: usize) -> bool {
        let number = |seen: &Seen| if let Seen::Number(number) = seen { Some(*number) } else { None };
        let at_least = |seen: &Seen| number(seen).is_some_and(|number| number >= self.least);
        match &self.asked {
            Asked::Where(field, true) => events.iter().any(|event| at_least(&event.value(field, rates))),
            Asked::Where(field, false) => {
                events.iter().any(|event| number(&event.value(field, rates)).is_some_and(|of| of < self.least))
            }
            Asked::Set(field) => events.iter().any(|event| event.value(field, rates) != Seen::Missing),
            Asked::Lines(quantifier, field) => events.iter().any(|event| {
                let holds = |line: &Line| at_least(&event.line_value(line, field, rates));
                match *quantifier {
                    "any" => event.lines.iter().any(holds),
                    "all" => !event.lines.is_empty() && event.lines.iter().all(holds),
                    _ => !event.lines.iter().any(holds),
                }
            }),
            Asked::Distinct(field) => {
                let mut different: Vec<Seen> = Vec::new();
                for seen in events.iter().map(|event| event.value(field, rates)).filter(|seen| *seen != Seen::Missing) {
                    if !different.contains(&seen) {
                        different.push(seen);
                    }
                }
                different.len() >= 2
            }
            Asked::Measure(measure, field) => {
                let values: Vec<Seen> = events.iter().map(|event| event.value(field, rates)).collect();
                let numbers: Vec<i128> = values.iter().filter_map(number).collect();
                let (sum, count) = (numbers.iter().sum::<i128>(), numbers.len() as i128);
                match *measure {
                    "sum" => sum >= self.least,
                    "avg" => count > 0 && sum >= self.least * count,
                    "min" => numbers.iter().min().is_some_and(|least| *least >= self.least),
                    "max" => numbers.iter().max().is_some_and(|most| *most >= self.least),
                    "first" => values.first().is_some_and(at_least),
                    _ => values.last().is_some_and(at_least),
                }
            }
        }
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let amounts = vec![0, 1, 5, 500, 995, 1000, 1005, 5125, 12_340, 100_000, 249_005, -1500];
    let amount = (prop::sample::select(amounts), any::<bool>());
    let others = vec![json!("19,99"), json!("$5"), json!(""), json!(true), Value::Null, json!([1]), json!("1e2")];
    prop_oneof![
        6 => amount.prop_map(|(thousandths, text)| Sent::Amount(thousandths, text)),
        1 => prop::sample::select(others).prop_map(Sent::Other),
        2 => Just(Sent::Absent),
    ]
}

fn field() -> impl Strategy<Value = &'static str> {
    // Few, so that events and questions meet.
    prop_oneof![3 => Just("total"), 2 => Just("price"), 1 => Just("quantity"), 2 => prop::sample::select(&MONEY[..])]
}

fn event() -> impl Strategy<Value = Event> {
    let line = (sent(), sent()).prop_map(|(price, quantity)| {
        // A blank text stands for nothing, as `null` does.
        let blank = |sent| if matches!(&sent, Sent::Other(value) if value == "") { Sent::Absent } else { sent };
        Line { price: blank(price), quantity: blank(quantity) }
    });
    let all = (
        0usize..3,
        prop_oneof![1 => Just(0usize), 2 => Just(1), 3 => 0usize..7],
        1u32..7,
        0usize..8,
        prop::bool::weighted(0.3),
        prop::collection::vec((field(), sent()), 0..4),
        prop::collection::vec(line, 0..3),
    );
    all.prop_map(|(who, name, day, currency, swedish, members, lines)| {
        let members: BTreeMap<&'static str, Sent> = members.into_iter().collect();
        Event { who, name, day, currency, swedish, members, lines }
    })
}

fn question() -> impl Strategy<Value = Question> {
    let measure = prop::sample::select(vec!["sum", "avg", "min", "max", "first", "last"]);
    let quantifier = prop::sample::select(vec!["any", "all", "none"]);
    let inside = prop::sample::select(vec!["price", "price", "quantity"]);
    let asked = prop_oneof![
        3 => (field(), any::<bool>()).prop_map(|(field, least)| Asked::Where(field, least)),
        3 => (quantifier, inside).prop_map(|(quantifier, field)| Asked::Lines(quantifier, field)),
        4 => (measure, field()).prop_map(|(measure, field)| Asked::Measure(measure, field)),
        1 => field().prop_map(Asked::Distinct),
        1 => field().prop_map(Asked::Set),
    ];
    let least = prop::sample::select(vec![0, 10, 500, 1000, 1010, 5120, 6320, 12_340, 21_690, 50_000, -1000]);
    (prop_oneof![1 => Just(0usize), 2 => Just(1), 3 => 0usize..7], asked, least)
        .prop_map(|(name, asked, least)| Question { name, asked, least })
}

fn record(store: &Store, (from, _, days): &Rated) {
    for (day, millionths) in *days {
        let rate = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000).parse().unwrap();
        let rate =
            Rate::new(&format!("2026-01-{day:02}"), from.parse().unwrap(), "EUR".parse().unwrap(), rate).unwrap();
        store.record_rates(&[rate]).unwrap();
    }
}

proptest! {
    #![proptest_config(crate::laws::cases(150))]

    /// One person asked, everybody scanned, and live segments that hear of facts and rates in any order, all as the
    /// arithmetic above has it.
    #[test]
    fn amounts_compare_in_one_currency(
        mut events in prop::collection::vec(event(), 1..12),
        questions in prop::collection::vec(question(), 1..12),
        early in 0usize..=4,
        sealed in any::<bool>(),
    ) {
        events.sort_by_key(|event| event.day);
        let config = json!({"currency": "EUR", "shops": {"se": {"currency": "SEK"}}, "sources": {"till": {"shop": "se"}}});
        let config = Config::from_json(&config.to_string()).unwrap();
        let store = Store::options().config(config).clock(Clock::Manual).in_memory().unwrap();
        let segment = |name: String, question: &Question| {
            Segment::new(name, Rule::from_json(&question.rule().to_string()).unwrap()).within(Universe::All)
        };
        for (nth, question) in questions.iter().enumerate() {
            store.define(segment(format!("live {nth}"), question)).unwrap();
        }
        for (shop, _, listed) in LISTED {
            let kettle = Product::new("kettle").shop(shop).at("2025-01-01".parse().unwrap());
            store.record_products(&[kettle.attribute("price", decimal(listed))]).unwrap();
        }
        RATES[..early].iter().for_each(|rate| record(&store, rate));
        for (nth, event) in events.iter().enumerate() {
            let how = if event.swedish { Ingest::new().source("till") } else { Ingest::new() };
            let receipt = store.ingest(event.message(nth).to_string().as_bytes(), &how).unwrap();
            prop_assert_eq!(receipt.accepted, 1, "{}", event.message(nth));
        }
        if sealed {
            store.seal().unwrap();
        }
        for rates in [early, RATES.len()] {
            RATES[early..rates].iter().for_each(|rate| record(&store, rate));
            let snapshot = store.snapshot();
            for (nth, question) in questions.iter().enumerate() {
                let mut expected = 0;
                for who in (0..3).filter(|who| events.iter().any(|event| event.who == *who)) {
                    let own: Vec<&Event> = events.iter().filter(|event| event.is(who, question.name)).collect();
                    expected += u64::from(question.holds(&own, rates));
                }
                let live = snapshot.members(&segment(format!("live {nth}"), question)).unwrap().len();
                let asked = snapshot.members(&segment("asked".to_owned(), question)).unwrap().len();
                prop_assert_eq!((live, asked), (expected, expected), "{}", question.rule());
            }
        }
        prop_assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
    }
}

/// A text and a number of one value are one value; what is no decimal stays what it was.
#[test]
fn texts_of_amounts_are_amounts() {
    let store = Store::options().currency("EUR").in_memory().unwrap();
    let event = json!({"type": "track", "event": "Price Seen", "userId": "1",
        "properties": {"price": "199.50", "value": "19,99", "size": "5", "quantity": "2", "x": {"price": "7"}}});
    store.ingest_json(event.to_string().as_bytes()).unwrap();
    for (property, test, holds) in [
        ("price", json!({"is": 199.5}), true),
        ("price", json!({"gt": 199}), true),
        ("price", json!({"between": [199.49, 199.51]}), true),
        ("price", json!({"in": [1, 199.500]}), true),
        ("price", json!({"is_not": 199.5}), false),
        ("quantity", json!({"is": 2}), true),
        ("value", json!({"is": "19,99"}), true),
        ("value", json!({"gt": 0}), false),
        ("size", json!({"is": "5"}), true),
        ("size", json!({"is": 5}), false),
        ("x.price", json!({"is": "7"}), true),
        ("x.price", json!({"is": 7}), false),
    ] {
        let mut condition = test;
        condition.as_object_mut().unwrap().insert("property".to_owned(), json!(property));
        let rule = json!({"event": "Price Seen", "where": condition});
        let segment = Segment::new("asked", Rule::from_json(&rule.to_string()).unwrap());
        assert_eq!(store.snapshot().members(&segment).unwrap().len() == 1, holds, "{rule}");
    }
}

/// An id of a product is a text, whose digits equal the integer: in conditions, lines, measures and what was bought.
#[test]
fn ids_of_products_are_texts() {
    for (sent, asked, same) in [
        (json!("85123"), json!("85123"), true),
        (json!("85123"), json!(85123), true),
        (json!(85123), json!("85123"), true),
        (json!(85123), json!(85123), true),
        (json!(85123), json!(85123.0), true),
        (json!("007"), json!(7), false),
        (json!("85123A"), json!("85123A"), true),
        (json!("85123A"), json!(85123), false),
        (json!("Caf\u{e9}"), json!("Cafe\u{301}"), true),
        (json!(5.5), json!(5.5), true),
        (json!(5.5), json!("5.5"), false),
        (json!(null), json!(0), false),
    ] {
        let store = Store::options().currency("EUR").in_memory().unwrap();
        let properties = json!({"order_id": 1, "total": 1, "product_id": sent, "products": [{"product_id": sent}]});
        let event = json!({"type": "track", "event": "Order Completed", "userId": "1", "properties": properties});
        store.ingest_json(event.to_string().as_bytes()).unwrap();
        let condition = json!({"property": "product_id", "is": asked});
        for rule in [
            json!({"event": "Order Completed", "where": condition}),
            json!({"event": "Order Completed", "where": {"property": "product_id", "in": [asked]}}),
            json!({"event": "Order Completed", "where": {"line": "any", "where": condition}}),
            json!({"event": "Order Completed", "measure": "last(product_id)", "is": asked}),
            json!({"event": "Order Completed", "measure": "first(product_id)", "is": asked}),
            json!({"orders": "count", "where": condition, "is": 1}),
            json!({"bought": {"product": asked}}),
            json!({"bought": condition}),
        ] {
            let segment = Segment::new("asked", Rule::from_json(&rule.to_string()).unwrap());
            assert_eq!(store.snapshot().members(&segment).unwrap().len() == 1, same, "{rule} of {sent}");
        }
    }
}
