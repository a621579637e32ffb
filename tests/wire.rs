//! Bodies in the shapes that SDKs send: each makes the right people and events, once, however often it is sent again.

use regulars::{Clock, Flag, Ingest, Receipt, Snapshot, Store, Timestamp, id};
use serde_json::{Value, json};

const RECEIVED: &str = "2026-03-01T12:00:10.000Z";

fn store() -> Store {
    Store::options().currency("EUR").default_region("DK").clock(Clock::Manual).in_memory().unwrap()
}

fn at(received: &str) -> Ingest {
    Ingest::new().received_at(received.parse().unwrap())
}

fn send(store: &Store, body: &Value) -> Receipt {
    store.ingest(body.to_string().as_bytes(), &at(RECEIVED)).unwrap()
}

/// Sent, and sent again a minute later with a new sentAt, as a retry does: the second time it is all duplicates.
fn twice(store: &Store, body: &str, how: fn(Ingest) -> Ingest) -> Receipt {
    let first = store.ingest(body.as_bytes(), &how(at(RECEIVED))).unwrap();
    let later = body.replace("2026-03-01T12:00:09", "2026-03-01T12:01:09");
    assert_ne!(later, body, "there is a sentAt to change");
    let again = store.ingest(later.as_bytes(), &how(at("2026-03-01T12:01:10Z"))).unwrap();
    assert_eq!((again.accepted, again.duplicates, again.conflicting), (0, first.accepted, 0), "{again}");
    assert_eq!(again.rejected, first.rejected);
    first
}

fn same(ingest: Ingest) -> Ingest {
    ingest
}

/// The names and times of somebody's events, newest first.
fn history(snapshot: &Snapshot, who: regulars::Id) -> Vec<(String, String)> {
    let page = snapshot.profile(who).unwrap().expect("known");
    page.events.iter().map(|event| (event.event.clone(), event.ts.to_string())).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, ts)| ((*name).to_owned(), (*ts).to_owned())).collect()
}

#[test]
fn segment_analytics_node() {
    let store = store();
    let message = |id: &str, rest: Value| {
        let mut message = json!({
            "timestamp": "2026-03-01T12:00:00.123Z", "integrations": {}, "messageId": format!("node-next-1772366400123-{id}"),
            "context": {"library": {"name": "@segment/analytics-node", "version": "2.3.0"}},
            "_metadata": {"nodeVersion": "22.1.0", "jsRuntime": "node"},
        });
        message.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        message
    };
    let body = json!({
        "batch": [
            message("1", json!({"type": "identify", "userId": "u1", "anonymousId": "5a1c3e4d-0000-4000-8000-00000000000a", "traits": {"email": "Ann@Shop.dk", "plan": "gold"}})),
            message("2", json!({"type": "track", "userId": "u1", "event": "Order Completed", "properties": {"order_id": "1001", "total": 59.9, "currency": "EUR"}})),
            message("3", json!({"type": "group", "userId": "u1", "groupId": "acme", "traits": {"email": "info@acme.dk"}})),
            message("4", json!({"type": "page", "anonymousId": "5a1c3e4d-0000-4000-8000-00000000000a", "name": "Home", "properties": {"url": "https://shop.dk/"}})),
        ],
        "writeKey": "w1", "sentAt": "2026-03-01T12:00:09.500Z",
    });
    let receipt = twice(&store, &body.to_string(), same);
    assert_eq!((receipt.accepted, receipt.rejected), (4, 0));
    let snapshot = store.snapshot();
    assert_eq!((snapshot.people(), snapshot.profiles(), snapshot.events()), (1, 1, 4));
    let ann = snapshot.profile(id::email("ann@shop.dk")).unwrap().expect("known");
    assert_eq!((ann.orders.gross_minor, ann.orders.count), (5990, 1));
    assert!(snapshot.profile(id::email("info@acme.dk")).unwrap().is_none(), "a group is nobody");
    // The same messages in other batches, as a retry cuts them: nothing new.
    let members = body["batch"].as_array().unwrap();
    for part in [&members[2..], &members[..3]] {
        let again = send(&store, &json!({"batch": part, "writeKey": "w1", "sentAt": "2026-03-01T12:05:00.000Z"}));
        assert_eq!((again.accepted, again.conflicting), (0, 0));
    }
}

#[test]
fn segment_analytics_next_in_the_browser() {
    let store = store();
    let message = |kind: &str, id: u32, rest: Value| {
        let mut message = json!({
            "timestamp": "2026-03-01T12:00:08.001Z", "integrations": {}, "userId": null, "type": kind,
            "anonymousId": "0d9b2a3c-1111-4111-8111-111111111111",
            "context": {
                "page": {"path": "/shoes", "referrer": "", "search": "?utm_source=mail", "title": "Shoes", "url": "https://shop.dk/shoes"},
                "userAgent": "Mozilla/5.0", "userAgentData": {"brands": [], "mobile": false}, "locale": "da-DK",
                "library": {"name": "analytics.js", "version": "npm:next-1.79.0"}, "timezone": "Europe/Copenhagen", "campaign": {"source": "mail"},
            },
            "messageId": format!("ajs-next-177236640800{id}-9f8e7d6c-2222-4222-8222-222222222222"), "writeKey": "w1",
            "sentAt": "2026-03-01T12:00:09.010Z", "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
        });
        message.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        message.to_string()
    };
    let page =
        message("page", 1, json!({"properties": {"path": "/shoes", "title": "Shoes"}, "name": null, "category": null}));
    let track = message("track", 2, json!({"event": "Product Viewed", "properties": {"product_id": "p1"}}));
    let identify = message("identify", 3, json!({"userId": "u1", "traits": {"email": "ann@shop.dk"}}));
    for body in [&page, &track, &identify] {
        assert_eq!(twice(&store, body, same).to_string(), "1 accepted, 0 duplicates");
    }
    let snapshot = store.snapshot();
    assert_eq!((snapshot.people(), snapshot.profiles()), (1, 1));
    let ann = snapshot.profile(id::anonymous("0d9b2a3c-1111-4111-8111-111111111111")).unwrap().expect("known");
    assert!(ann.known && ann.events.len() == 3);
    // An older analytics.js names the type by the endpoint only.
    let body = r#"{"anonymousId":"0d9b2a3c-1111-4111-8111-111111111111","event":"Signed Up","properties":{},"messageId":"ajs-1","sentAt":"2026-03-01T12:00:09Z","userId":""}"#;
    assert_eq!(store.ingest(body.as_bytes(), &at(RECEIVED).default_type("track")).unwrap().accepted, 1);
    assert_eq!(store.ingest(body.as_bytes(), &at(RECEIVED)).unwrap().rejected, 1, "nobody said what it is");
}

#[test]
fn segment_and_rudderstack_python() {
    let store = store();
    // json.dumps escapes everything beyond ASCII; isoformat writes microseconds and an offset; null stays.
    let body = concat!(
        r#"{"batch": [{"integrations": {}, "anonymousId": null, "timestamp": "2026-03-01T12:00:00.123456+00:00", "context": {"library": "#,
        r#"{"name": "analytics-python", "version": "2.3.2"}}, "type": "identify", "userId": "17", "traits": {"email": "s\u00f8ren@b\u00f8rn.dk", "#,
        r#""name": "S\u00f8ren \ud83d\ude00"}, "messageId": "0a0b0c0d-3333-4333-8333-333333333333", "channel": "server"}, {"integrations": {}, "#,
        r#""anonymousId": null, "properties": {"price": 12.5}, "timestamp": "2026-03-01T13:00:01+01:00", "context": {"library": {"name": "#,
        r#""analytics-python", "version": "2.3.2"}}, "userId": "17", "type": "track", "event": "Caf\u00e9 bes\u00f8gt", "messageId": "#,
        r#""0a0b0c0d-3333-4333-8333-333333333334"}], "sentAt": "2026-03-01T12:00:09.654321+00:00", "writeKey": "w1"}"#
    );
    let receipt = twice(&store, body, same);
    assert_eq!((receipt.accepted, receipt.flags.len()), (2, 0), "{:?}", receipt.flags);
    let snapshot = store.snapshot();
    let expected = pairs(&[("Café besøgt", "2026-03-01T12:00:01.000Z"), ("identify", "2026-03-01T12:00:00.123Z")]);
    assert_eq!(history(&snapshot, id::email("søren@børn.dk")), expected);
    let page = snapshot.profile(id::user("17")).unwrap().expect("known");
    assert_eq!(page.traits["name"].as_str(), "\"Søren 😀\"");
}

#[test]
fn rudderstack_node() {
    let store = store();
    let message = |id: &str, rest: Value| {
        let mut message = json!({
            "originalTimestamp": "2026-03-01T12:00:04.500Z", "messageId": format!("d41d8cd98f00-{id}"), "channel": "server",
            "context": {"library": {"name": "analytics-node", "version": "2.1.8"}}, "_metadata": {"nodeVersion": "20.0.0"}, "integrations": {"All": true},
        });
        message.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        message
    };
    let body = json!({"batch": [
        message("1", json!({"type": "identify", "userId": "u1", "context": {"traits": {"email": "ann@shop.dk", "vip": true}}})),
        message("2", json!({"type": "track", "userId": "u1", "event": "Signed Up"})),
    ], "sentAt": "2026-03-01T12:00:09.500Z"});
    assert_eq!(twice(&store, &body.to_string(), same).accepted, 2);
    // Received 0.5 s after it was sent, and sent 5 s after it happened; the retry does not move it.
    let expected = pairs(&[("Signed Up", "2026-03-01T12:00:05.000Z"), ("identify", "2026-03-01T12:00:05.000Z")]);
    let mut seen = history(&store.snapshot(), id::email("ann@shop.dk"));
    seen.sort();
    assert_eq!(seen, expected);
    let page = store.snapshot().profile(id::user("u1")).unwrap().expect("known");
    assert_eq!(page.traits["vip"].as_str(), "true");
}

#[test]
fn a_retry_that_comes_first_decides_nothing_but_its_time() {
    let body = |sent: &str| {
        json!({"batch": [{"type": "track", "event": "e", "userId": "u1", "messageId": "m1",
        "originalTimestamp": "2026-03-01T12:00:00.000Z"}], "sentAt": sent})
    };
    let (early, late) = (body("2026-03-01T12:00:01.000Z"), body("2026-03-01T12:05:01.000Z"));
    for order in [[&early, &late], [&late, &early]] {
        let store = store();
        let receipts = order.map(|body| {
            let sent: Timestamp = body["sentAt"].as_str().unwrap().parse().unwrap();
            let how = Ingest::new().received_at(sent.plus_millisecond(500));
            store.ingest(body.to_string().as_bytes(), &how).unwrap()
        });
        assert_eq!((receipts[0].accepted, receipts[1].duplicates, receipts[1].conflicting), (1, 1, 0));
        let expected = pairs(&[("e", "2026-03-01T12:00:00.500Z")]);
        assert_eq!(history(&store.snapshot(), id::user("u1")), expected);
    }
}

#[test]
fn jitsu_in_the_browser() {
    let store = store();
    let message = |kind: &str, id: &str, rest: Value| {
        let mut message = json!({
            "type": kind, "anonymousId": "5f0a3c2e-4444-4444-8444-444444444444", "groupId": null,
            "timestamp": "2026-03-01T12:00:08.999Z", "sentAt": "2026-03-01T12:00:09.001Z", "messageId": id, "writeKey": "abc:***",
            "context": {
                "library": {"name": "@jitsu/js", "version": "2.0.0", "env": "browser"}, "userAgent": "Mozilla/5.0", "locale": "en-US",
                "screen": {"width": 1920, "height": 1080, "innerWidth": 1200, "innerHeight": 800, "density": 2},
                "traits": {"email": "ann@shop.dk"}, "page": {"path": "/", "host": "shop.dk", "search": "", "title": "Shop", "url": "https://shop.dk/", "encoding": "UTF-8"},
                "clientIds": {"ga4": {"clientId": "1.2"}}, "campaign": {},
            },
        });
        message.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        message.to_string()
    };
    let bodies = [
        message(
            "page",
            "2k5d8x9q",
            json!({"properties": {"title": "Shop", "url": "https://shop.dk/", "path": "/", "width": 1200}}),
        ),
        message("identify", "2k5d8x9r", json!({"userId": "u1", "traits": {"name": "Ann"}})),
        message(
            "track",
            "2k5d8x9s",
            json!({"userId": "u1", "event": "Product Added", "properties": {"product_id": "p1", "quantity": 2}}),
        ),
    ];
    for body in &bodies {
        assert_eq!(twice(&store, body, same).accepted, 1);
    }
    let snapshot = store.snapshot();
    assert_eq!((snapshot.people(), snapshot.profiles(), snapshot.events()), (1, 1, 3));
    assert_eq!(snapshot.profile(id::user("u1")).unwrap().expect("known").traits["name"].as_str(), "\"Ann\"");
}

#[test]
fn segment_for_rust_sends_no_message_id() {
    // One message to its endpoint: no type; nanoseconds; traits may be null.
    let store = store();
    let identify = r#"{"userId":"u1","traits":{"email":"ann@shop.dk"},"timestamp":"2026-03-01T11:59:00.123456789Z"}"#;
    for expected in [(1, 0), (0, 1)] {
        let receipt = store.ingest(identify.as_bytes(), &at(RECEIVED).default_type("identify")).unwrap();
        assert_eq!((receipt.accepted, receipt.duplicates), expected);
    }
    let nothing = r#"{"anonymousId":"a1","traits":null}"#;
    assert_eq!(store.ingest(nothing.as_bytes(), &at(RECEIVED).default_type("identify")).unwrap().accepted, 1);
    // A batch tags its members, and has no sentAt of its own.
    let batch = r#"{"batch":[{"type":"identify","userId":"u1","traits":{"email":"ann@shop.dk"},"timestamp":"2026-03-01T11:59:00.123456789Z"},{"type":"track","userId":"u1","event":"Order Completed","properties":{"order_id":"7","total":"19.90"},"timestamp":"2026-03-01T11:59:30.5Z","integrations":{"All":true}},{"type":"alias","userId":"u1","previousId":"a1","timestamp":"2026-03-01T11:59:40Z"}],"context":{"library":{"name":"analytics-rust","version":"0.2.5"}},"sentAt":"2026-03-01T12:00:09Z"}"#;
    let receipt = twice(&store, batch, same);
    assert_eq!(
        (receipt.accepted, receipt.rejected),
        (3, 0),
        "typed by its endpoint or in the batch, these are two messages"
    );
    let snapshot = store.snapshot();
    assert_eq!((snapshot.people(), snapshot.profiles()), (1, 1));
    assert_eq!(snapshot.profile(id::anonymous("a1")).unwrap().expect("known").orders.gross_minor, 1990);
}

#[test]
fn rudderanalytics_for_rust_says_the_type_twice() {
    let store = store();
    let member = |rest: &str, kind: &str| {
        format!(
            r#"{{"type":"{kind}",{rest},"originalTimestamp":"2026-03-01T12:00:09.123456789Z","sentAt":"2026-03-01T12:00:09.123456789Z","context":{{"library":{{"name":"RudderStack Rust SDK","version":"1.1.3"}}}},"type":"{kind}","channel":"server"}}"#
        )
    };
    let members = [
        member(r#""userId":"u1","traits":{"email":"ann@shop.dk"}"#, "identify"),
        member(r#""userId":"u1","event":"Signed Up","properties":{"plan":"gold"}"#, "track"),
        member(r#""userId":"u1","name":"Home","properties":{}"#, "page"),
        member(r#""userId":"u1","event":"Bad","timestamp":"soon""#, "track"),
        member(r#""userId":"u1","groupId":"g1","traits":{"name":"Acme"}"#, "group"),
    ];
    let body = format!(
        r#"{{"batch":[{}],"context":{{"library":{{"name":"RudderStack Rust SDK","version":"1.1.3"}}}},"integrations":null,"originalTimestamp":"2026-03-01T12:00:09.123456789Z","sentAt":"2026-03-01T12:00:09.123456789Z","type":"batch"}}"#,
        members.join(",")
    );
    let receipt = store.ingest(body.as_bytes(), &at(RECEIVED)).unwrap();
    assert_eq!(receipt.to_string(), "4 accepted, 0 duplicates, 1 rejected (1 invalid_timestamp)");
    assert_eq!(receipt.rejects[0].ordinal, Some(4), "one bad member fails alone");
    // Sent again as it was, and by a client that works out a new sentAt: the same messages.
    let again = store.ingest(body.as_bytes(), &at("2026-03-01T12:03:00Z")).unwrap();
    assert_eq!((again.accepted, again.duplicates, again.conflicting), (0, 4, 0));
    let later = body.replace(r#""sentAt":"2026-03-01T12:00:09"#, r#""sentAt":"2026-03-01T12:07:09"#);
    let again = store.ingest(later.as_bytes(), &at("2026-03-01T12:07:10Z")).unwrap();
    assert_eq!((again.accepted, again.duplicates, again.conflicting), (0, 4, 0));
    assert_eq!(store.snapshot().people(), 1);
}

#[test]
fn php_writes_empty_objects_as_lists() {
    let store = store();
    let body = r#"{"batch":[{"type":"track","userId":"u1","event":"e","properties":[],"context":[],"integrations":[],"messageId":"m1","timestamp":"2026-03-01T11:00:00+00:00"},{"type":"identify","userId":"u1","traits":[],"messageId":"m2","timestamp":1772366400}],"sentAt":"2026-03-01T12:00:09+00:00"}"#;
    let receipt = twice(&store, body, same);
    assert_eq!(
        receipt.to_string(),
        "1 accepted, 0 duplicates, 1 rejected (1 invalid_timestamp)",
        "seconds are no milliseconds"
    );
    assert!(!receipt.flags.contains_key(&Flag::TypeMismatch));
}
