//! One name in several forms of Unicode is one name: of events, traits and the members that rules look at.

use regulars::{Config, Rule, Segment, Store, Universe, id};
use serde_json::{Value, json};

/// The same name composed, decomposed, and with its marks in another order.
const FORMS: [[&str; 2]; 4] = [
    ["Caf\u{e9}", "Cafe\u{301}"],
    ["\u{c5}", "\u{212b}"],
    ["q\u{323}\u{307}", "q\u{307}\u{323}"],
    ["\u{ac00}", "\u{1100}\u{1161}"],
];

fn count(store: &Store, rule: &Value) -> u64 {
    let segment = Segment::new("asked", Rule::from_json(&rule.to_string()).unwrap()).within(Universe::All);
    store.snapshot().members(&segment).unwrap().len()
}

fn send(store: &Store, message: &Value) {
    let receipt = store.ingest_json(message.to_string().as_bytes()).unwrap();
    assert_eq!(receipt.accepted, 1, "{receipt}");
}

#[test]
fn rules_meet_names_in_every_form() {
    for forms in FORMS {
        for (sent, asked) in [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(sent, asked)| (forms[sent], forms[asked])) {
            let store = Store::options().currency("EUR").in_memory().unwrap();
            send(
                &store,
                &json!({"type": "identify", "userId": "1", "traits": {sent: {"a": {sent: 7}}, format!("{sent}.b"): 1}}),
            );
            let nested = json!({"x": {sent: 5}, sent: {"y": 6}, "products": [{sent: "red"}]});
            let event =
                json!({"type": "track", "event": sent, "userId": "1", "timestamp": "2026-01-01", "properties": nested});
            send(&store, &event);
            for rule in [
                json!({"event": asked}),
                json!({"event": asked, "measure": "count", "is": 1}),
                json!({"event": asked, "first_time_in": {"between": ["2025-12-31", "2026-01-02"]}}),
                json!({"event": asked, "where": {"property": format!("x.{asked}"), "is": 5}}),
                json!({"event": asked, "where": {"property": format!("{asked}.y"), "is": 6}}),
                json!({"event": asked, "where": {"line": "any", "where": {"property": asked, "is": "red"}}}),
                json!({"event": asked, "measure": format!("sum(x.{asked})"), "is": 5}),
                json!({"event": asked, "measure": format!("max({asked}.y)"), "is": 6}),
                json!({"event": asked, "measure": format!("last(x.{asked})"), "is": 5}),
                json!({"event": asked, "measure": format!("distinct(x.{asked})"), "is": 1}),
                json!({"trait": format!("{asked}.a.{asked}"), "is": 7}),
                json!({"trait": format!("{asked}.b"), "is": 1}),
            ] {
                assert_eq!(count(&store, &rule), 1, "{rule} of {sent:?}");
                let text = Rule::from_json(&rule.to_string()).unwrap().to_json();
                assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), rule, "a rule reads back as it was written");
            }
            let snapshot = store.snapshot();
            let page = snapshot.profile(id::user("1")).unwrap().unwrap();
            assert_eq!(page.activity.get(forms[0]), Some(&1), "{:?}", page.activity);
            assert!(page.traits.contains_key(forms[0]));
            let log: Vec<String> = snapshot
                .messages(None, 9)
                .unwrap()
                .into_iter()
                .map(|(_, message)| message.as_str().to_owned())
                .collect();
            assert!(log.iter().any(|message| message.contains(&format!("\"event\":\"{sent}\""))), "{log:?}");
        }
    }
}

/// Both forms are one name against the limits of a store, for the type that is declared, for what a live segment hears of,
/// and in what a restart or a seal makes of them.
#[test]
fn both_forms_are_one_name_everywhere() {
    let [one, other] = FORMS[0];
    let config =
        json!({"limits": {"event_names": 1, "trait_names": 1}, "traits": {other: {"type": "int", "rule": "max"}}});
    let store = Store::options().config(Config::from_json(&config.to_string()).unwrap()).in_memory().unwrap();
    let rule = Rule::from_json(&json!({"event": other, "measure": "count", "gte": 3}).to_string()).unwrap();
    store.define(Segment::new("regulars", rule)).unwrap();
    for (nth, (name, value)) in [(one, 5), (other, 9), (one, 7)].into_iter().enumerate() {
        let at = format!("2026-01-0{}", nth + 1);
        send(&store, &json!({"type": "track", "event": name, "userId": "1", "timestamp": at}));
        send(&store, &json!({"type": "identify", "userId": "1", "timestamp": at, "traits": {name: value}}));
        if nth == 1 {
            store.seal().unwrap();
        }
    }
    let wrong = json!({"type": "identify", "userId": "1", "traits": {one: "ten"}}).to_string();
    assert_eq!(store.ingest_json(wrong.as_bytes()).unwrap().flags[&regulars::Flag::TypeMismatch], 1);
    let more = json!({"type": "track", "event": "another", "userId": "1"}).to_string();
    assert_eq!(store.ingest_json(more.as_bytes()).unwrap().rejected, 1);
    let snapshot = store.snapshot();
    let page = snapshot.profile(id::user("1")).unwrap().unwrap();
    assert_eq!((page.segments, page.traits[one].as_str()), (vec!["regulars".to_owned()], "9"));
    assert_eq!((page.activity[one], page.activity.len()), (3, 2));
    assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
}

/// At every level of a path the longest own name wins, one whose value is null too, and nothing is tried behind it.
#[test]
fn the_longest_own_name_wins() {
    for (properties, path, value) in [
        (json!({"a": {"b": 1}}), "a.b", json!(1)),
        (json!({"a": {"b": 1}, "a.b": 2}), "a.b", json!(2)),
        (json!({"a": {"b": 1}, "a.b": null}), "a.b", Value::Null),
        (json!({"a": {"b.c": 1}, "a.b": {"c": 2}}), "a.b.c", json!(2)),
        (json!({"a": {"b": {"c": 1}}, "a.b": {"d": 2}}), "a.b.c", Value::Null),
        (json!({"a": {"b": {"c": 1}, "b.c": 3}}), "a.b.c", json!(3)),
        (json!({"a": [{"b": 1}]}), "a.b", Value::Null),
    ] {
        let store = Store::in_memory().unwrap();
        send(&store, &json!({"type": "track", "event": "E", "userId": "1", "properties": properties}));
        let test = if value.is_null() { json!({"is_set": true}) } else { json!({ "is": value }) };
        let mut condition = test;
        condition.as_object_mut().unwrap().insert("property".to_owned(), json!(path));
        let found = count(&store, &json!({"event": "E", "where": condition}));
        assert_eq!(found, u64::from(!value.is_null()), "{path} of {properties}");
    }
}
