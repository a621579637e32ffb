//! The catalogue: what lines do not say themselves, it says as of their time, in whatever order entries and orders come.

use crate::laws::{Scratch, cases};
use proptest::prelude::*;
use regulars::{Clock, Durability, Product, Reason, Rule, Segment, Store, Timestamp, Universe, id};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400_000;
const BASE: i64 = 1_767_571_200_000;
const USERS: [&str; 3] = ["u0", "u1", "u2"];

/// A line: its product, and the brand that it names itself.
type Line = (&'static str, Option<&'static str>);

#[derive(Clone, Debug)]
struct Order {
    user: usize,
    day: i64,
    lines: Vec<Line>,
}

/// By product and day: one entry a day, so that none ties.
type Entries = BTreeMap<(&'static str, i64), Option<&'static str>>;

fn brand() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("Alessi"), Some("Bodum")])
}

fn product() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["kettle", "pot"])
}

fn entries() -> impl Strategy<Value = Entries> {
    prop::collection::btree_map((product(), 0i64..6), brand(), 0..6)
}

fn orders() -> impl Strategy<Value = Vec<Order>> {
    let lines = prop::collection::vec((product(), brand()), 0..3);
    let order = (0usize..3, 0i64..6, lines).prop_map(|(user, day, lines)| Order { user, day, lines });
    prop::collection::vec(order, 0..6)
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_millisecond(BASE + day * DAY)
}

fn message(nth: usize, order: &Order) -> Value {
    let lines = order.lines.iter().map(|(product, brand)| match brand {
        Some(brand) => json!({"product_id": product, "brand": brand}),
        None => json!({"product_id": product, "brand": null}),
    });
    json!({"type": "track", "event": "Order Completed", "messageId": format!("o{nth}"), "userId": USERS[order.user],
        "timestamp": at(order.day).to_string(),
        "properties": {"order_id": format!("{nth}"), "total": 1, "products": lines.collect::<Vec<_>>()}})
}

fn entry((product, day): (&str, i64), brand: Option<&str>) -> Product {
    let entry = Product::new(product).at(at(day)).attribute("stock", day.to_string());
    if let Some(brand) = brand { entry.brand(brand) } else { entry }
}

/// The brand of a line, by the definition.
fn brand_of(line: &Line, day: i64, entries: &Entries) -> Option<&'static str> {
    let told = entries.iter().filter(|((product, since), _)| *product == line.0 && *since <= day);
    line.1.or_else(|| told.max_by_key(|((_, since), _)| *since).and_then(|(_, brand)| *brand))
}

type Expected = fn(&[Option<&str>]) -> bool;

fn rules() -> [(&'static str, Value, Expected); 4] {
    let alessi = || json!({"property": "brand", "is": "Alessi"});
    let any = |brands: &[Option<&str>]| brands.contains(&Some("Alessi"));
    let all = |brands: &[Option<&str>]| !brands.is_empty() && brands.iter().all(|brand| *brand == Some("Alessi"));
    let two = |brands: &[Option<&str>]| brands.contains(&Some("Alessi")) && brands.contains(&Some("Bodum"));
    let together = json!({"bought_together": [{"brand": "Alessi"}, {"brand": "Bodum"}]});
    [
        ("bought", json!({"bought": {"brand": "Alessi"}}), any),
        ("together", together, two),
        ("event", json!({"event": "Order Completed", "where": {"line": "all", "where": alessi()}}), all),
        ("orders", json!({"orders": "count", "where": {"line": "any", "where": alessi()}, "gte": 1}), any),
    ]
}

fn check(store: &Store, orders: &[Order], entries: &Entries) {
    let snapshot = store.snapshot();
    for (name, rule, expected) in rules() {
        let rule = Rule::from_json(&rule.to_string()).unwrap();
        let mut members = BTreeSet::new();
        for (user, name) in USERS.iter().enumerate() {
            let Some(profile) = snapshot.resolve(id::user(*name), None).unwrap() else { continue };
            let own = orders.iter().filter(|order| order.user == user);
            let holds = own.clone().any(|order| {
                expected(&order.lines.iter().map(|line| brand_of(line, order.day, entries)).collect::<Vec<_>>())
            });
            assert_eq!(snapshot.matches(id::user(*name), &rule, None).unwrap(), holds, "{name} {rule:?}");
            members.extend(holds.then_some(profile));
        }
        let live =
            snapshot.members(&snapshot.segments().iter().find(|(live, _)| live.name() == name).unwrap().0).unwrap();
        assert_eq!(live.profiles().unwrap().into_iter().collect::<BTreeSet<_>>(), members, "{name} live");
        let anew = snapshot.members(&Segment::new("anew", rule).within(Universe::All)).unwrap();
        assert_eq!(anew.profiles().unwrap().into_iter().collect::<BTreeSet<_>>(), members, "{name} anew");
    }
}

fn open(dir: &Scratch) -> Store {
    let options = Store::options().key([7; 32]).clock(Clock::Manual).durability(Durability::OnFlush);
    options.seal_events(64).open(&dir.0).unwrap()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn lines_say_what_the_catalogue_said_at_their_time(orders in orders(), entries in entries(), seed in any::<u64>()) {
        let mut news: Vec<(u64, usize, bool)> = Vec::new();
        let mut spread = seed | 1;
        let mut place = || { spread = spread.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); spread >> 20 };
        news.extend((0..orders.len()).map(|nth| (place(), nth, true)));
        news.extend((0..entries.len()).map(|nth| (place(), nth, false)));
        news.sort_unstable();
        let dir = Scratch::new("products");
        let mut store = open(&dir);
        for (name, rule, _) in rules() {
            store.define(Segment::new(name, Rule::from_json(&rule.to_string()).unwrap()).within(Universe::All)).unwrap();
        }
        let listed: Vec<_> = entries.iter().collect();
        let (mut seen, mut told) = (BTreeSet::new(), Entries::new());
        for (turn, nth, is_order) in news {
            if is_order {
                seen.insert(nth);
                store.ingest_json(message(nth, &orders[nth]).to_string().as_bytes()).unwrap();
            } else {
                let (key, brand) = listed[nth];
                told.insert(*key, *brand);
                let twice = [entry(*key, *brand), entry(*key, *brand)];
                let receipt = store.record_products(&twice).unwrap();
                prop_assert_eq!((receipt.accepted, receipt.duplicates), (1, 1));
            }
            match turn % 7 {
                0 => store.seal().unwrap(),
                1 => store.compact().unwrap(),
                2 => { store.close().unwrap(); store = open(&dir); }
                _ => {}
            }
            let so_far: Vec<Order> = seen.iter().map(|nth| orders[*nth].clone()).collect();
            check(&store, &so_far, &told);
        }
        let other = Store::options().key([7; 32]).clock(Clock::Manual).in_memory().unwrap();
        other.record_products(&entries.iter().map(|(key, brand)| entry(*key, *brand)).collect::<Vec<_>>()).unwrap();
        for (name, rule, _) in rules() {
            other.define(Segment::new(name, Rule::from_json(&rule.to_string()).unwrap()).within(Universe::All)).unwrap();
        }
        let body = orders.iter().enumerate().map(|(nth, order)| message(nth, order).to_string());
        other.ingest_json(body.collect::<Vec<_>>().join("\n").as_bytes()).unwrap();
        prop_assert_eq!(store.snapshot().digest().unwrap(), other.snapshot().digest().unwrap());
        prop_assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
    }
}

#[test]
fn entries_of_every_shape_are_taken_or_refused_by_name() {
    let store = Store::in_memory().unwrap();
    let list = [
        Product::new("7").attribute("sizes", "[1, 2]"),
        Product::new(""),
        Product::new("8").attribute("a", "{"),
        Product::new("8").attribute("a", r#"1,"b":2"#),
        Product::new("8").attribute("a", r#"1},{"b":2"#),
        Product::new("8").attribute("a", "1e999"),
        Product::new("8".repeat(401)),
        Product::new("8").attribute("k".repeat(257), "1"),
        Product::new("8").attribute("batch", "[{}]"),
    ];
    let receipt = store.record_products(&list).unwrap();
    let reasons: Vec<(u64, Reason)> = receipt.rejects.iter().map(|reject| (reject.line, reject.reason)).collect();
    let limit = Reason::Limit;
    let expected = [
        (2, Reason::MissingField),
        (3, Reason::InvalidJson),
        (4, Reason::InvalidJson),
        (5, Reason::InvalidJson),
        (6, Reason::NumberOutOfRange),
        (7, limit(regulars::Limit::Identifier)),
        (8, limit(regulars::Limit::Key)),
    ];
    assert_eq!((receipt.accepted, reasons), (2, expected.to_vec()));
    let snapshot = store.snapshot();
    assert_eq!(snapshot.product("", "7", None).unwrap().unwrap().as_str(), r#"{"sizes":[1,2]}"#);
    assert!(snapshot.product("de", "7", None).unwrap().is_none(), "ids are the shop's own");
    assert_eq!((snapshot.events(), snapshot.profiles()), (0, 0), "products are nobody's events");
}

/// An order is worth what was paid, and its timeline shows the catalogue's price in the shop's currency.
#[test]
fn the_catalogue_prices_lines_but_no_orders() {
    let store = Store::options().currency("EUR").in_memory().unwrap();
    let kettle =
        Product::new("kettle").name("Kettle").price("24.90".parse().unwrap()).at("2025-01-01".parse().unwrap());
    store.record_products(&[kettle]).unwrap();
    let order = br#"{"type":"track","event":"Order Completed","userId":"42","timestamp":"2025-11-03",
        "properties":{"order_id":"1","currency":"USD","products":[{"product_id":"kettle","quantity":2}]}}"#;
    store.ingest_json(order).unwrap();
    let page = store.snapshot().profile(id::user("42")).unwrap().unwrap();
    let Some(regulars::EventDetails::Order { amount, lines, .. }) = &page.events[0].details else { panic!("an order") };
    let price = lines[0].price.unwrap();
    assert_eq!((amount, page.orders.net_minor), (&None, 0));
    assert_eq!((price.minor, &*price.currency.to_string(), lines[0].name.as_deref()), (2490, "EUR", Some("Kettle")));
}
