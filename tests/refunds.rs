//! Orders by who tells of them and when, and refunds by what they leave for the order to tell.

use proptest::prelude::*;
use regulars::{Clock, Config, Ingest, OrderSummary, Product, Rate, Rule, Segment, Store, Trust, Universe, id};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ACTIONS: [&str; 4] = ["Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"];

fn store(options: &Value) -> Store {
    let config = Config::from_json(&options.to_string()).unwrap();
    Store::options().config(config).clock(Clock::Manual).key([7; 32]).in_memory().unwrap()
}

/// One fact about order 1 at noon of a day.
fn fact(event: &str, day: u32, who: &Value, properties: &Value) -> Value {
    let mut all = json!({"type": "track", "event": event, "messageId": format!("m{day:02}"),
        "timestamp": format!("2026-01-{day:02}T12:00:00Z"), "properties": {"order_id": "1"}});
    for (into, from) in [("properties", properties), ("", who)] {
        let target = if into.is_empty() { &mut all } else { &mut all[into] };
        target.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
    }
    all
}

fn send(store: &Store, message: &Value, trust: Trust) {
    let receipt = store.ingest(message.to_string().as_bytes(), &Ingest::new().trust(trust)).unwrap();
    assert_eq!(receipt.accepted, 1, "{receipt}: {message}");
}

fn orders(store: &Store, who: regulars::Id) -> OrderSummary {
    store.snapshot().profile(who).unwrap().map(|page| page.orders).unwrap_or_default()
}

/// What two senders' orders come to: count, gross, refunded and conflicts, of the host and of the visitor.
type Sums = [(u64, i64, i64, u64); 2];

/// The rules of an order, written down once more: facts by time, with who claims them.
fn expected(facts: &[(usize, bool)]) -> Sums {
    let amount = |at: usize| 1000 * (at as i64 + 1);
    let is_state = |action: usize| action < 2;
    let told = facts.iter().any(|(action, claimed)| is_state(*action) && !claimed);
    let counts = |claimed: bool| !(told && claimed);
    let counted: Vec<(usize, usize, bool)> = facts
        .iter()
        .enumerate()
        .filter(|(_, (_, claimed))| counts(*claimed))
        .map(|(at, of)| (at, of.0, of.1))
        .collect();
    let ignored = facts.len() - counted.len();
    let placed = [0, 1].into_iter().find_map(|wanted| counted.iter().find(|(_, action, _)| *action == wanted));
    let mut sums = [(0, 0, 0, 0); 2];
    match placed {
        Some((_, _, owner)) => {
            let own = counted.iter().rfind(|(_, action, sender)| is_state(*action) && sender == owner);
            let gross = amount(own.expect("the first is one").0);
            let back = counted.iter().map(|(at, action, _)| match action {
                2 => amount(*at) / 4,
                3 => gross,
                _ => 0,
            });
            let others = counted.iter().filter(|(_, action, sender)| is_state(*action) && sender != owner).count();
            sums[usize::from(*owner)] = (1, gross, back.sum::<i64>().min(gross), (ignored + others) as u64);
        }
        None => {
            for (at, action, sender) in counted {
                sums[usize::from(sender)].2 += if action == 2 { amount(at) / 4 } else { 0 };
            }
        }
    }
    sums
}

/// Every three facts about an order, of every kind, verified or claimed, in every order of arrival.
#[test]
fn whatever_is_claimed_of_a_verified_order_changes_nothing() {
    let kinds: Vec<(usize, bool)> = (0..4).flat_map(|action| [(action, false), (action, true)]).collect();
    let arrivals = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [1, 0, 2], [2, 0, 1]];
    for (nth, facts) in (0..512).map(|nth| (nth, [kinds[nth / 64], kinds[nth / 8 % 8], kinds[nth % 8]])) {
        let mut seen = Vec::new();
        for arrival in [arrivals[0], arrivals[1 + nth % 5]] {
            let store = store(&json!({"currency": "EUR"}));
            for at in arrival {
                let (action, claimed) = facts[at];
                let minor = 10 * (at + 1);
                let total =
                    if action == 2 { format!("{}.{:02}", minor / 4, minor % 4 * 25) } else { minor.to_string() };
                let who = if claimed { json!({"anonymousId": "visitor"}) } else { json!({"userId": "host"}) };
                let message = fact(ACTIONS[action], u32::try_from(at).unwrap() + 1, &who, &json!({"total": total}));
                send(&store, &message, if claimed { Trust::Claimed } else { Trust::Verified });
            }
            let sums = [id::user("host"), id::anonymous("visitor")].map(|who| {
                let orders = orders(&store, who);
                (orders.count, orders.gross_minor, orders.refunded_minor, orders.conflicts)
            });
            assert_eq!(sums, expected(&facts), "{facts:?}");
            seen.push(store.snapshot().digest().unwrap().digest);
        }
        assert_eq!(seen[0], seen[1], "{facts:?}");
    }
}

fn rate(date: &str, from: &str, to: &str, rate: &str) -> Rate {
    Rate::new(date, from.parse().unwrap(), to.parse().unwrap(), rate.parse().unwrap()).unwrap()
}

/// The order of 1 January, the refund of the 10th, and what came back in minor units of the order's currency; shown apart
/// where no rate converts it.
#[test]
fn a_refund_leaves_to_its_order_what_it_does_not_say() {
    let line = |product: &str, quantity: u32| json!({"product_id": product, "quantity": quantity});
    let priced = |product: &str, price: &str| json!({"product_id": product, "price": price});
    let kettle = || json!([priced("kettle", "24.90"), priced("cup", "5.10")]);
    let eur = || json!({"currency": "EUR", "total": "30.00", "products": kettle()});
    let yen = || json!({"currency": "JPY", "total": 3000, "products": [priced("kettle", "2490")]});
    let dinar = || json!({"currency": "KWD", "total": "9.000"});
    let table: Vec<(Value, Value, i64, i64)> = vec![
        // Without a currency it has its order's, however many decimals that has.
        (eur(), json!({"total": "7.50"}), 750, 0),
        (yen(), json!({"total": "750"}), 750, 0),
        (yen(), json!({"total": 749.5}), 750, 0),
        (dinar(), json!({"total": "1.234"}), 1234, 0),
        (dinar(), json!({"revenue": -1.2345}), 1234, 0),
        (dinar(), json!({"subtotal": "2.500", "discount": "0.125"}), 2375, 0),
        (yen(), json!({"currency": null, "value": "750"}), 750, 0),
        // In its own it is exchanged at its own day, and capped.
        (eur(), json!({"currency": "USD", "total": 10}), 800, 0),
        (eur(), json!({"currency": "USD", "total": 1000}), 3000, 0),
        (yen(), json!({"currency": "USD", "total": "1.00"}), 151, 0),
        (yen(), json!({"currency": "EUR", "total": "1.00"}), 0, 100),
        // Lines without prices take those of the order.
        (eur(), json!({"products": [line("kettle", 1)]}), 2490, 0),
        (eur(), json!({"products": [line("cup", 2)]}), 1020, 0),
        (eur(), json!({"products": [line("cup", 1), line("kettle", 1)]}), 3000, 0),
        (eur(), json!({"products": [priced("cup", "1.00"), line("kettle", 1)]}), 2590, 0),
        (eur(), json!({"products": [{"product_id": "cup"}]}), 510, 0),
        (yen(), json!({"products": [line("kettle", 1)]}), 2490, 0),
        (eur(), json!({"currency": "USD", "products": [priced("cup", "1.00"), line("kettle", 1)]}), 2570, 0),
        // Else of the catalogue, as of the order; in the shop's currency.
        (eur(), json!({"products": [line("tray", 2)]}), 800, 0),
        (eur(), json!({"products": [line("tray", 1), line("cup", 1)]}), 910, 0),
        (yen(), json!({"products": [line("tray", 1)]}), 0, 400),
        // What nobody knows is unknown, never a guess.
        (eur(), json!({"products": [line("spoon", 1)]}), 0, 0),
        (eur(), json!({"products": [line("spoon", 1), line("cup", 1)]}), 0, 0),
        (eur(), json!({"products": [{"product_id": "cup", "price": "5,10"}]}), 0, 0),
        (eur(), json!({"products": [{"product_id": "cup", "quantity": 0}]}), 0, 0),
        (eur(), json!({"total": "1,00", "products": [line("cup", 1)]}), 0, 0),
        (eur(), json!({"currency": "EURO", "total": "1.00"}), 0, 0),
        // Nothing said: the whole order.
        (eur(), json!({}), 3000, 0),
        (yen(), json!({"products": []}), 3000, 0),
        (dinar(), json!({"currency": "EUR"}), 9000, 0),
    ];
    for (order, refund, refunded, apart) in &table {
        let mut digests = Vec::new();
        for refund_first in [false, true] {
            let store = store(&json!({"currency": "EUR"}));
            let who = json!({"userId": "u"});
            let mut facts =
                [fact(ACTIONS[0], 1, &who, order), fact(ACTIONS[2], 10, &json!({"userId": "till"}), refund)];
            if refund_first {
                facts.reverse();
            }
            facts.iter().for_each(|message| send(&store, message, Trust::Verified));
            let tray = |price: &str, at: &str| Product::new("tray").at(at.parse().unwrap()).attribute("price", price);
            store
                .record_products(&[tray("5", "2026-01-05"), tray("4.00", "2025-12-01"), tray("3", "2025-11-01")])
                .unwrap();
            store
                .record_rates(&[
                    rate("2026-01-01", "USD", "EUR", "0.9"),
                    rate("2026-01-05", "USD", "EUR", "0.8"),
                    rate("2026-01-05", "USD", "JPY", "151"),
                    // To show every order in one currency; its day is the order's.
                    rate("2025-01-01", "JPY", "EUR", "1"),
                    rate("2025-01-01", "KWD", "EUR", "1"),
                ])
                .unwrap();
            let found = orders(&store, id::user("u"));
            let minor = match order["currency"].as_str().unwrap() {
                "JPY" => refunded * 100,
                // A fils is a tenth of a cent, half to even.
                "KWD" => (refunded / 10) + i64::from(refunded % 10 > 5 || refunded % 10 == 5 && refunded / 10 % 2 == 1),
                _ => *refunded,
            };
            assert_eq!(found.refunded_minor, minor, "{refund} of {order}");
            let shown: i64 = found.other_currencies.values().sum();
            assert_eq!(-shown, *apart, "{refund} of {order}");
            assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
            digests.push(store.snapshot().digest().unwrap().digest);
        }
        assert_eq!(digests[0], digests[1]);
    }
}

/// A refund alone has its shop's currency, and prices of the catalogue as of its own time; it meets its order later.
#[test]
fn a_refund_alone_is_read_by_itself() {
    let shops = json!({"currency": "EUR", "shops": {"jp": {"currency": "JPY"}}, "sources": {"tokyo": {"shop": "jp"}}});
    let store = store(&shops);
    let tokyo = Ingest::new().source("tokyo");
    let refund = |products: Value, total: Value| {
        fact(ACTIONS[2], 2, &json!({"userId": "u"}), &json!({"products": products, "total": total}))
    };
    let lines = json!([{"product_id": "kettle", "quantity": 2}]);
    store.ingest(refund(lines, Value::Null).to_string().as_bytes(), &tokyo).unwrap();
    assert_eq!((orders(&store, id::user("u")).refunded_minor, orders(&store, id::user("u")).average_minor), (0, None));
    let kettle = Product::new("kettle").shop("jp").at("2026-01-01".parse().unwrap()).attribute("price", "1200");
    let rule = Rule::from_json(r#"{"orders":"net","lt":0}"#).unwrap();
    store.record_rates(&[rate("2026-01-01", "JPY", "EUR", "0.01")]).unwrap();
    store.define(Segment::new("returners", rule).within(Universe::All)).unwrap();
    let receipt = store.record_products(&[kettle]).unwrap();
    assert_eq!(receipt.entered["returners"].len(), 1, "the catalogue tells what came back");
    let found = orders(&store, id::user("u"));
    assert_eq!((found.count, found.refunded_minor, found.net_minor, found.average_minor), (0, 2400, -2400, None));
    let order = fact(
        ACTIONS[0],
        1,
        &json!({"userId": "u"}),
        &json!({"total": 5000, "products": [{"product_id": "kettle", "price": 1000}]}),
    );
    let receipt = store.ingest(order.to_string().as_bytes(), &tokyo).unwrap();
    assert_eq!(receipt.left["returners"].len(), 1);
    let found = orders(&store, id::user("u"));
    assert_eq!((found.gross_minor, found.refunded_minor, found.average_minor), (5000, 2000, Some(3000)));
    assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
}

/// One average, wherever it is asked for: by rules, on the page and by month, whatever stands beside the known orders.
#[test]
fn there_is_one_average() {
    let totals: [&[Value]; 6] = [
        &[],
        &[json!("19,99")],
        &[json!(100)],
        &[json!(100), json!("19,99")],
        &[json!("0.01"), json!("0.02")],
        &[json!("0.01"), json!("0.02"), json!(-5), json!("0.02")],
    ];
    let averages = [None, None, Some((10000, 1)), Some((10000, 1)), Some((3, 2)), Some((5, 3))];
    for (totals, expected) in totals.into_iter().zip(averages) {
        for lone_refund in [false, true] {
            let store = store(&json!({"currency": "EUR"}));
            for (nth, total) in totals.iter().enumerate() {
                let properties = json!({"order_id": format!("o{nth}"), "total": total});
                send(
                    &store,
                    &fact(ACTIONS[0], u32::try_from(nth).unwrap() + 1, &json!({"userId": "u"}), &properties),
                    Trust::Verified,
                );
            }
            if lone_refund {
                let refund = fact(ACTIONS[2], 20, &json!({"userId": "u"}), &json!({"order_id": "other", "total": 77}));
                send(&store, &refund, Trust::Verified);
            }
            let found = orders(&store, id::user("u"));
            let to_even = |(sum, count): (i64, i64)| {
                sum / count + i64::from(sum % count * 2 > count || sum % count * 2 == count && sum / count % 2 == 1)
            };
            assert_eq!(found.average_minor, expected.map(to_even), "{totals:?}");
            let months = store.snapshot().revenue_by_month().unwrap();
            assert_eq!(months.first().and_then(|month| month.average_minor), found.average_minor, "{totals:?}");
            let holds = |rule: Value| {
                let segment = Segment::new("asked", Rule::from_json(&rule.to_string()).unwrap()).within(Universe::All);
                store.snapshot().members(&segment).unwrap().len() == 1
            };
            if let Some((sum, count)) = expected {
                // Exactly, in rules: the sum lies between two whole multiples.
                assert!(holds(json!({"orders": "average", "gte": (sum / count) as f64 / 100.0})), "{totals:?}");
                assert!(!holds(json!({"orders": "average", "gt": ((sum + count - 1) / count) as f64 / 100.0})));
            } else {
                assert!(!holds(json!({"orders": "average", "gte": -1000})));
            }
        }
    }
}

/// Currencies and how many decimals each has.
const CURRENCIES: [(&str, u32); 4] = [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)];
/// From, to, the day from which it counts, and millionths: no inverse and no cross rates follow from these.
const RATES: [(usize, usize, u32, i128); 6] = [
    (1, 0, 1, 900_000),
    (1, 0, 8, 812_345),
    (2, 0, 4, 6_213),
    (1, 2, 6, 151_250_000),
    (0, 1, 2, 1_111_111),
    (0, 3, 9, 333_333),
];

/// An amount as it is said: thousandths, in a currency or none, on a day; and whether it is only claimed.
#[derive(Clone, Debug)]
struct Told {
    thousandths: i128,
    currency: Option<usize>,
    day: u32,
    claimed: bool,
}

fn told() -> impl Strategy<Value = Told> {
    let currency = prop::option::weighted(0.7, 0usize..4);
    let amount = prop_oneof![0i128..200_000, prop::sample::select(vec![5i128, 15, 2500, 3500, 12_345])];
    (amount, currency, 1u32..15, prop::bool::weighted(0.2)).prop_map(|(thousandths, currency, day, claimed)| Told {
        thousandths,
        currency,
        day,
        claimed,
    })
}

fn half_even(value: i128, divisor: i128) -> i128 {
    let (whole, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    whole + i128::from(2 * rest > divisor || 2 * rest == divisor && whole % 2 != 0)
}

fn minor(thousandths: i128, currency: usize) -> i128 {
    half_even(thousandths, 10i128.pow(3 - CURRENCIES[currency].1))
}

/// Minor units of one currency in those of another at a day.
fn exchanged(minor: i128, from: usize, to: usize, day: u32) -> Option<i128> {
    if from == to {
        return Some(minor);
    }
    let (.., rate) = RATES.iter().rfind(|(a, b, first, _)| (*a, *b) == (from, to) && *first <= day)?;
    Some(half_even(minor * rate * 10i128.pow(CURRENCIES[to].1), 1_000_000 * 10i128.pow(CURRENCIES[from].1)))
}

/// Gross and refunded in EUR, and net amounts of other currencies.
fn sums(order: &Told, refunds: &[Told]) -> (i128, i128, BTreeMap<String, i64>) {
    let currency = order.currency.unwrap_or(0);
    let gross = minor(order.thousandths, currency);
    let (mut back, mut others) = (0, [0; 4]);
    let mut shown = [false; 4];
    for refund in refunds.iter().filter(|refund| !refund.claimed) {
        let own = refund.currency.unwrap_or(currency);
        let amount = minor(refund.thousandths, own);
        match exchanged(amount, own, currency, refund.day) {
            Some(amount) => back += amount,
            None => (others[own], shown[own]) = (others[own] - amount, true),
        }
    }
    let back = back.min(gross);
    let in_eur = |amount| exchanged(amount, currency, 0, order.day);
    if in_eur(gross).is_none() {
        (others[currency], shown[currency]) = (others[currency] + gross - back, true);
    }
    let small = |sum: i128| i64::try_from(sum).expect("small");
    let others = (0..4).filter(|at| shown[*at]).map(|at| (CURRENCIES[at].0.to_owned(), small(others[at])));
    (in_eur(gross).unwrap_or(0), in_eur(back).unwrap_or(0), others.collect())
}

proptest! {
    #![proptest_config(crate::laws::cases(300))]

    /// Every currency, with and without a rate, whoever tells of it, in every order of arrival.
    #[test]
    fn refunds_are_exchanged_at_their_own_day_and_capped(
        order in told(),
        refunds in prop::collection::vec(told(), 0..4),
        arrival in Just((0usize..5).collect::<Vec<_>>()).prop_shuffle(),
        negative in any::<bool>(),
    ) {
        let order = Told { claimed: false, ..order };
        let store = store(&json!({"currency": "EUR"}));
        let text = |thousandths: i128| format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        let said = |told: &Told, total: String| match told.currency {
            Some(currency) => json!({"total": total, "currency": CURRENCIES[currency].0}),
            None => json!({"total": total}),
        };
        let mut facts = vec![(fact(ACTIONS[0], order.day, &json!({"userId": "u"}), &said(&order, text(order.thousandths))), false)];
        for (nth, refund) in refunds.iter().enumerate() {
            let sign = if negative && refund.thousandths > 0 { "-" } else { "" };
            let properties = said(refund, format!("{sign}{}", text(refund.thousandths)));
            let mut message = fact(ACTIONS[2], refund.day, &json!({"anonymousId": "till"}), &properties);
            message["messageId"] = json!(format!("r{nth}"));
            facts.push((message, refund.claimed));
        }
        for at in arrival {
            for (from, to, day, millionths) in RATES.iter().filter(|_| at == 2) {
                let decimal = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
                let day = format!("2026-01-{day:02}");
                store.record_rates(&[rate(&day, CURRENCIES[*from].0, CURRENCIES[*to].0, &decimal)]).unwrap();
            }
            if let Some((message, claimed)) = facts.get(at) {
                send(&store, message, if *claimed { Trust::Claimed } else { Trust::Verified });
            }
        }
        let found = orders(&store, id::user("u"));
        let (gross, refunded, others) = sums(&order, &refunds);
        prop_assert_eq!((i128::from(found.gross_minor), i128::from(found.refunded_minor)), (gross, refunded));
        prop_assert_eq!(&found.other_currencies, &others);
        prop_assert_eq!(found.conflicts, refunds.iter().filter(|refund| refund.claimed).count() as u64);
        let known = exchanged(minor(order.thousandths, order.currency.unwrap_or(0)), order.currency.unwrap_or(0), 0, order.day);
        prop_assert_eq!(found.average_minor.map(i128::from), known.map(|_| gross - refunded));
        prop_assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
    }
}
