//! For random people and rules: both evaluators agree, JSON round-trips, membership changes at boundaries only.

use super::model::{Order, Shopper, holds};
use crate::base::Timestamp;
use crate::rule::node::Rule;
use crate::segment::evaluate::matches;
use crate::segment::schedule::{Input, boundaries, inputs};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3_600_000;
/// Times lie in the first twenty days, twelve hours apart, so that windows often end exactly on an event.
const STEP: i64 = 12 * HOUR;

fn ts() -> impl Strategy<Value = i64> {
    prop_oneof![4 => (0i64..40).prop_map(|step| step * STEP), 1 => 0..40 * STEP]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0i64..4).prop_map(Value::from),
        (0i64..9).prop_map(|quarter| Value::from(quarter as f64 / 4.0)),
        select(vec!["shoes", "Shoes", "sho", "bags", "2", "", "2020-01-01T00:00:00.000Z"]).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ]
}

fn property_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => scalar(),
        1 => Just(Value::Null),
        2 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from),
    ]
}

const PATHS: [&str; 3] = ["a", "b", "c"];

fn flat() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(select(PATHS.to_vec()), property_value(), 0..3)
        .prop_map(|members| Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}

fn properties() -> impl Strategy<Value = Value> {
    (flat(), prop::option::of(prop::collection::vec(prop_oneof![5 => line(), 1 => scalar()], 0..4))).prop_map(
        |(mut flat, lines)| {
            if let (Some(lines), Some(members)) = (lines, flat.as_object_mut()) {
                members.insert("products".to_owned(), Value::from(lines));
            }
            flat
        },
    )
}

fn line() -> impl Strategy<Value = Value> {
    (select(vec!["A", "B"]), select(vec!["t", "u"]), 0i64..3, flat()).prop_map(|(brand, category, id, mut line)| {
        for (key, value) in [("brand", json!(brand)), ("category", json!(category)), ("product_id", json!(id))] {
            line[key] = value;
        }
        line
    })
}

fn order() -> impl Strategy<Value = Order> {
    let refunds = prop::collection::vec((ts(), 0i64..300), 0..2);
    (ts(), prop::option::weighted(0.9, 0i64..400), prop::option::of(0i64..100), refunds, properties())
        .prop_map(|(ts, gross, discount, refunds, properties)| Order { ts, gross, discount, refunds, properties })
}

const NAMES: [&str; 2] = ["Viewed", "page"];

fn shopper() -> impl Strategy<Value = Shopper> {
    let nested = flat().prop_map(|mut value| {
        value["d"] = json!("shoes");
        value
    });
    let value = prop_oneof![3 => property_value(), 1 => nested];
    let traits = prop::collection::btree_map((ts(), select(vec!["a", "b"])), value, 0..5);
    let events = prop::collection::vec((ts(), select(NAMES.to_vec()), properties()), 0..8);
    let orders = prop::collection::vec(order(), 0..5);
    let lone = prop::collection::vec((ts(), 1i64..200), 0..2);
    let identifiers = prop::collection::btree_map(select(vec!["email", "device"]), 1usize..4, 0..3);
    (traits, events, orders, lone, identifiers, any::<bool>()).prop_map(
        |(traits, mut events, orders, lone_refunds, identifiers, vip)| {
            events.sort_by_key(|(ts, ..)| *ts);
            Shopper {
                traits: traits.into_iter().map(|((ts, name), value)| (ts, name.to_owned(), value)).collect(),
                events: events.into_iter().map(|(ts, name, value)| (ts, name.to_owned(), value)).collect(),
                orders,
                lone_refunds,
                identifiers: identifiers.into_iter().map(|(name, n)| (name.to_owned(), n)).collect(),
                member_of: if vip { vec!["vip".to_owned()] } else { Vec::new() },
            }
        },
    )
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![3 => (0i64..5).prop_map(Value::from), 1 => (1i64..12).prop_map(number_of_quarters)]
}

/// Whole numbers as integers, so that the JSON compares equal to what a rule prints.
fn number_of_quarters(quarters: i64) -> Value {
    if quarters % 4 == 0 { Value::from(quarters / 4) } else { Value::from(quarters as f64 / 4.0) }
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![number(), scalar().prop_filter("whole", |v| !v.is_f64())]
}

type Operator = (String, Value);

fn number_operator() -> BoxedStrategy<Operator> {
    let one = (select(vec!["is", "is_not", "lt", "lte", "gt", "gte"]), number());
    let pair = (number(), number()).prop_map(|(a, b)| {
        let (low, high) = if a.as_f64() <= b.as_f64() { (a, b) } else { (b, a) };
        ("between".to_owned(), json!([low, high]))
    });
    let many = (select(vec!["in", "not_in"]), prop::collection::vec(number(), 0..3));
    prop_oneof![
        6 => one.prop_map(|(key, value)| (key.to_owned(), value)),
        1 => pair,
        1 => many.prop_map(|(key, values)| (key.to_owned(), json!(values))),
        1 => select(vec!["is_set", "is_not_set"]).prop_map(|key| (key.to_owned(), json!(true))),
    ]
    .boxed()
}

fn any_operator() -> BoxedStrategy<Operator> {
    let texts = ["contains", "starts_with", "ends_with"];
    let keys =
        texts.iter().flat_map(|t| [(*t).to_owned(), format!("not_{t}"), format!("{t}_ci"), format!("not_{t}_ci")]);
    let text = (select(keys.collect::<Vec<_>>()), select(vec!["shoes", "S", "s", "", "2"]));
    let many = (select(vec!["in", "not_in", "contains_any", "contains_all"]), prop::collection::vec(literal(), 0..3));
    prop_oneof![
        3 => number_operator(),
        2 => (select(vec!["is", "is_not", "contains", "not_contains"]), literal()).prop_map(|(k, v)| (k.to_owned(), v)),
        3 => text.prop_map(|(key, text)| (key, json!(text))),
        2 => many.prop_map(|(key, values)| (key.to_owned(), json!(values))),
        1 => number_operator().prop_map(|(key, value)| ("len".to_owned(), json!({ key: value }))),
    ]
    .boxed()
}

fn with(mut node: Value, (key, value): Operator) -> Value {
    node[key] = value;
    node
}

fn condition() -> BoxedStrategy<Value> {
    let leaf = (select(PATHS.to_vec()), any_operator()).prop_map(|(path, op)| with(json!({ "property": path }), op));
    leaf.boxed()
        .prop_recursive(2, 6, 2, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({ "and": all })),
                prop::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({ "or": all })),
                inner.clone().prop_map(|one| json!({ "not": one })),
                (select(vec!["any", "all", "none"]), inner).prop_map(|(q, one)| json!({ "line": q, "where": one })),
            ]
        })
        .boxed()
}

const SPANS: [&str; 5] = ["12h", "36h", "2d", "5d", "11d"];

fn two_spans() -> impl Strategy<Value = Value> {
    (1usize..5).prop_flat_map(|long| (Just(long), 0..long)).prop_map(|(long, short)| json!([SPANS[long], SPANS[short]]))
}

fn window() -> impl Strategy<Value = Value> {
    let date = |step: i64| Timestamp::from_millisecond(step * 24 * HOUR).to_string()[..10].to_owned();
    prop_oneof![
        select(SPANS.to_vec()).prop_map(|span| json!({ "last": span })),
        two_spans().prop_map(|spans| json!({ "ago": spans })),
        (0i64..20, 0i64..20).prop_map(move |(a, b)| json!({ "between": [date(a.min(b)), date(a.max(b))] })),
    ]
}

fn maybe(node: Value, key: &str, value: Option<Value>) -> Value {
    match value {
        Some(value) => with(node, (key.to_owned(), value)),
        None => node,
    }
}

fn event() -> impl Strategy<Value = Value> {
    let numbers = ["count", "days", "sum(a)", "avg(a)", "min(b)", "max(b)", "distinct(a)"];
    let values = ["first(a)", "last(a)", "nth(2, a)"];
    let measured =
        prop_oneof![(select(numbers.to_vec()), number_operator()), (select(values.to_vec()), any_operator()),];
    let ask = prop_oneof![
        2 => prop::option::of(window()).prop_map(|w| maybe(json!({}), "window", w)),
        8 => (prop::option::of(window()), measured)
            .prop_map(|(w, (measure, op))| with(maybe(json!({ "measure": measure }), "window", w), op)),
        1 => window().prop_map(|w| json!({ "first_time_in": w })),
        1 => two_spans().prop_map(|spans| json!({ "stopped": spans })),
        2 => (select(SPANS.to_vec()), select(SPANS.to_vec())).prop_map(|(gap, w)| json!({ "restarted": [gap, w] })),
        1 => (select(SPANS.to_vec()), 1i64..4).prop_flat_map(|(span, m)| (Just(span), 1..=m, Just(m)))
            .prop_map(|(span, n, m)| json!({ "regularly": [span, n, m] })),
    ];
    (select(NAMES.to_vec()), prop::option::weighted(0.3, condition()), ask)
        .prop_map(|(name, filter, ask)| maybe(with(ask, ("event".to_owned(), json!(name))), "where", filter))
}

fn orders() -> impl Strategy<Value = Value> {
    let numbers = [
        "count",
        "net",
        "gross",
        "average",
        "average_gross",
        "days_since_first",
        "days_since_last",
        "average_days_between",
        "discount_share",
        "refund_share",
    ];
    let date = (0i64..20).prop_map(|day| Timestamp::from_millisecond(day * 24 * HOUR).to_string()[..10].to_owned());
    let times = (select(vec!["first_at", "last_at"]), select(vec!["lt", "lte", "gt", "gte"]), date)
        .prop_map(|(measure, key, date)| json!({ "orders": measure, key: date }));
    let measured = (select(numbers.to_vec()), number_operator()).prop_map(|(m, op)| with(json!({ "orders": m }), op));
    (prop_oneof![8 => measured, 1 => times], prop::option::of(window()), prop::option::weighted(0.2, condition()))
        .prop_map(|(node, window, filter)| maybe(maybe(node, "window", window), "where", filter))
}

fn line_match() -> impl Strategy<Value = Value> {
    prop_oneof![
        condition(),
        Just(json!({ "brand": "A" })),
        Just(json!({ "brand": "B", "category": "t" })),
        (0i64..3).prop_map(|id| json!({ "product": id })),
    ]
}

fn rule() -> BoxedStrategy<Value> {
    let traits = (select(vec!["a", "b", "b.a", "a.d", "zz"]), any_operator())
        .prop_map(|(path, op)| with(json!({ "trait": path }), op));
    let bought =
        (line_match(), prop::option::of(window())).prop_map(|(what, w)| maybe(json!({ "bought": what }), "window", w));
    let together = (line_match(), line_match(), prop::option::of(window()))
        .prop_map(|(a, b, w)| maybe(json!({ "bought_together": [a, b] }), "window", w));
    let leaf = prop_oneof![
        3 => traits,
        6 => event(),
        5 => orders(),
        1 => bought,
        1 => together,
        1 => Just(json!({ "segment": "vip" })),
        1 => Just(json!({ "identity": "has", "namespace": "email" })),
        1 => number_operator().prop_map(|op| with(json!({ "identity": "count", "namespace": "device" }), op)),
        1 => Just(json!({ "identity": "is_anonymous" })),
    ];
    leaf.boxed()
        .prop_recursive(2, 6, 3, |inner| {
            let many = prop::collection::vec(inner.clone(), 0..3);
            prop_oneof![
                many.clone().prop_map(|all| json!({ "and": all })),
                many.clone().prop_map(|all| json!({ "or": all })),
                inner.prop_map(|one| json!({ "not": one })),
                (0i64..3, many).prop_map(|(k, all)| json!({ "at_least": [k, all] })),
            ]
        })
        .boxed()
}

fn parsed(rule: &Value) -> Rule {
    Rule::from_json(&rule.to_string()).unwrap_or_else(|error| panic!("{error}: {rule}"))
}

/// The instants at which facts of the input happen.
fn times(input: &Input, who: &Shopper) -> Vec<i64> {
    match input {
        Input::Event(name) => who.events.iter().filter(|(_, own, _)| own == name).map(|(ts, ..)| *ts).collect(),
        Input::Trait(name) => who.traits.iter().filter(|(_, own, _)| own == name).map(|(ts, ..)| *ts).collect(),
        Input::Orders => {
            let orders = who
                .orders
                .iter()
                .flat_map(|order| std::iter::once(order.ts).chain(order.refunds.iter().map(|(ts, _)| *ts)));
            orders.chain(who.lone_refunds.iter().map(|(ts, _)| *ts)).collect()
        }
        Input::Consent | Input::Catalogue | Input::Rates | Input::Identity | Input::Segment(_) => Vec::new(),
    }
}

fn turning_points(rule: &Rule, who: &Shopper) -> Vec<i64> {
    let mut points = BTreeSet::new();
    for boundary in boundaries(rule) {
        points.extend(times(&boundary.input, who).iter().map(|ts| ts + boundary.offset_ms));
    }
    points.into_iter().collect()
}

proptest! {
    #![proptest_config(crate::base::cases::cases(1500))]

    #[test]
    fn a_second_evaluator_agrees(
        rule in rule(),
        people in prop::collection::vec(shopper(), 4),
        at in prop::collection::vec(ts(), 6),
    ) {
        let tree = parsed(&rule);
        for (who, at) in people.iter().flat_map(|who| at.iter().map(move |at| (who, *at))) {
            let ours = matches(&tree, who, Timestamp::from_millisecond(at)).unwrap();
            prop_assert_eq!(ours, holds(&rule, who, at), "{} at {}", rule, at);
        }
    }

    #[test]
    fn membership_changes_at_boundaries_only(rule in rule(), who in shopper(), part in 0i64..1000) {
        let tree = parsed(&rule);
        let at = |ts: i64| matches(&tree, &who, Timestamp::from_millisecond(ts)).unwrap();
        let points = turning_points(&tree, &who);
        let end = points.last().copied().unwrap_or(0) + 100 * 24 * HOUR;
        let mut from = -100 * 24 * HOUR;
        for next in points.into_iter().chain([end]) {
            let between = from + (next - from) * part / 1000;
            prop_assert_eq!(at(from), at(next - 1), "{} from {}", rule, from);
            prop_assert_eq!(at(from), at(between), "{} from {}", rule, from);
            from = next;
        }
    }

    #[test]
    fn json_round_trips(rule in rule()) {
        let tree = parsed(&rule);
        prop_assert_eq!(&Rule::from_json(&tree.to_json()).unwrap(), &tree);
        prop_assert_eq!(&serde_json::from_str::<Value>(&tree.to_json()).unwrap(), &rule);
        prop_assert_eq!(&serde_json::to_value(&tree).unwrap(), &rule);
        prop_assert_eq!(&serde_json::from_value::<Rule>(rule).unwrap(), &tree);
        tree.check().unwrap();
    }

    #[test]
    fn facts_that_are_no_input_change_nothing(rule in rule(), who in shopper(), other in shopper(), at in ts()) {
        let tree = parsed(&rule);
        let inputs = inputs(&tree);
        let mut mixed = who.clone();
        if !inputs.contains(&Input::Orders) {
            mixed.orders = other.orders;
            mixed.lone_refunds = other.lone_refunds;
        }
        if !inputs.contains(&Input::Identity) {
            mixed.identifiers = other.identifiers;
        }
        if !inputs.contains(&Input::Segment("vip".to_owned())) {
            mixed.member_of = other.member_of;
        }
        let event = |name: &str| inputs.contains(&Input::Event(name.to_owned()));
        mixed.events.retain(|(_, name, _)| event(name));
        mixed.traits.retain(|(_, name, _)| inputs.contains(&Input::Trait(name.clone())));
        let at = Timestamp::from_millisecond(at);
        prop_assert_eq!(matches(&tree, &who, at).unwrap(), matches(&tree, &mixed, at).unwrap());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text: String, rule in rule(), cut in 0usize..200, byte in any::<char>()) {
        let _ = Rule::from_json(&text);
        let mut damaged: Vec<char> = rule.to_string().chars().collect();
        if let Some(slot) = damaged.get_mut(cut) { *slot = byte; }
        let _ = Rule::from_json(&damaged.iter().collect::<String>());
        damaged.truncate(cut);
        let _ = Rule::from_json(&damaged.iter().collect::<String>());
    }
}

/// De Morgan, and negated operators as complements, for whoever it may be.
#[test]
fn negated_operators_are_complements_also_of_missing() {
    let who = Shopper {
        traits: vec![(0, "a".into(), json!("shoes")), (0, "b".into(), json!(["x"]))],
        identifiers: BTreeMap::new(),
        ..Shopper::default()
    };
    for name in ["a", "b", "missing"] {
        for (positive, negative, value) in [
            ("is", "is_not", json!("shoes")),
            ("in", "not_in", json!(["shoes"])),
            ("is_set", "is_not_set", json!(true)),
            ("contains", "not_contains", json!("x")),
            ("starts_with_ci", "not_starts_with_ci", json!("SH")),
            ("ends_with", "not_ends_with", json!("s")),
        ] {
            let ask = |key: &str| {
                matches(&parsed(&json!({ "trait": name, key: value })), &who, Timestamp::from_millisecond(0)).unwrap()
            };
            assert_ne!(ask(positive), ask(negative), "{name} {positive}");
        }
    }
}
