//! Stories of a shop, through the public API.

use regulars::{Clock, ErrorKind, EventDetails, Ingest, Reason, Segment, Snapshot, Store, Timestamp, id, when};
use serde_json::json;
use std::path::PathBuf;

/// A directory that goes when the story ends.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("regulars-journey-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn open(&self) -> Store {
        let config = r#"{"currency":"EUR","default_region":"DK","mapping":{"loyalty_card":"properties.loyalty_card"}}"#;
        let config = serde_json::from_str(config).expect("these are options");
        Store::options().config(config).clock(Clock::Manual).open(&self.0).expect("the directory is ours")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

const PHONE: &[u8] = br#"[
    {"type":"page","anonymousId":"phone","messageId":"m1","timestamp":"2026-01-01T09:00:00Z"},
    {"type":"track","event":"Product Viewed","anonymousId":"phone","messageId":"m2","timestamp":"2026-01-01T09:01:00Z",
     "properties":{"product_id":"kettle"}}]"#;
const GUEST: &[u8] = br#"[
    {"type":"page","anonymousId":"laptop","messageId":"m3","timestamp":"2026-01-02T20:00:00Z"},
    {"type":"track","event":"Order Completed","anonymousId":"laptop","messageId":"m4","timestamp":"2026-01-02T20:10:00Z",
     "properties":{"order_id":"o1","total":"89.00","email":"Ann@Example.com"}}]"#;
const TILL: &[u8] = br#"{"type":"track","event":"Order Completed","messageId":"m5","timestamp":"2026-01-09T12:00:00Z",
    "properties":{"order_id":"t1","total":14.50,"loyalty_card":"L-0042","email":"ann@example.com"}}"#;
const LOGIN: &[u8] = br#"{"type":"identify","anonymousId":"phone","userId":"42","messageId":"m6",
    "timestamp":"2026-01-20T08:00:00Z","traits":{"email":"ann@example.com","phone":"20 12 34 56"}}"#;

/// Which messages join two identifiers.
fn why(snapshot: &Snapshot, a: regulars::Id, b: regulars::Id) -> Option<Vec<String>> {
    let why = snapshot.why(a, b).expect("both are known");
    why.map(|why| why.path.into_iter().map(|step| step.message_id).collect())
}

fn assert_is_ann(snapshot: &Snapshot) {
    let ann = snapshot.profile(id::email("ann@example.com")).unwrap().expect("Ann is known");
    let names: Vec<(&str, &str)> = ann.identifiers.iter().map(|id| (id.namespace(), id.value())).collect();
    let all = [
        ("user_id", "42"),
        ("loyalty_card", "L-0042"),
        ("email", "ann@example.com"),
        ("phone", "+4520123456"),
        ("anonymous_id", "laptop"),
        ("anonymous_id", "phone"),
    ];
    assert_eq!(names, all);
    assert_eq!((ann.orders.count, ann.orders.net_minor), (2, 10_350));
    let timeline: Vec<&str> = ann.events.iter().map(|event| event.message_id.as_str()).collect();
    assert_eq!(timeline, ["m6", "m5", "m4", "m3", "m2", "m1"]);
}

#[test]
fn a_visitor_becomes_a_customer_with_one_timeline() {
    let dir = Dir::new("visitor");
    let store = dir.open();
    store.ingest_json(PHONE).unwrap();
    let stranger = store.snapshot().resolve(id::anonymous("phone"), None).unwrap();
    store.ingest_json(GUEST).unwrap();
    store.ingest_json(TILL).unwrap();
    let before = store.snapshot();
    assert_eq!((before.people(), before.profiles()), (1, 2), "the phone is a stranger still");
    assert_eq!(why(&before, id::anonymous("phone"), id::email("ann@example.com")), None);
    let receipt = store.ingest_json(LOGIN).unwrap();
    assert_eq!((receipt.accepted, receipt.merges), (1, 1));

    let after = store.snapshot();
    assert_is_ann(&after);
    assert_eq!((after.people(), after.profiles()), (1, 1));
    assert_eq!(after.resolve(id::user("42"), None).unwrap(), stranger, "the eldest identifier gives the id");
    assert_eq!(why(&after, id::anonymous("laptop"), id::email("ann@example.com")).unwrap(), ["m4"]);
    assert_eq!(why(&after, id::loyalty_card("L-0042"), id::email("ann@example.com")).unwrap(), ["m5"]);
    let through = why(&after, id::anonymous("phone"), id::loyalty_card("L-0042")).unwrap();
    assert_eq!((through.first().unwrap().as_str(), through.last().unwrap().as_str()), ("m6", "m5"));
    // The snapshot of before has not moved.
    assert_eq!((before.people(), before.profiles()), (1, 2));
    assert!(store.verify().unwrap().differences.is_empty());
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    let (dir, straight) = (Dir::new("restart"), Dir::new("straight"));
    let gold = || Segment::new("gold", when::net_revenue().at_least(100));
    let whole = straight.open();
    whole.define(gold()).unwrap();
    for body in [PHONE, GUEST, TILL, LOGIN] {
        whole.ingest_json(body).unwrap();
    }
    whole.advance(at("2026-02-01")).unwrap();

    let store = dir.open();
    store.define(gold()).unwrap();
    store.ingest_json(PHONE).unwrap();
    store.ingest_json(GUEST).unwrap();
    store.close().unwrap();
    let store = dir.open();
    assert_eq!(store.stats().replayed_events, 4);
    let receipt = store.ingest_json(TILL).unwrap();
    assert_eq!(receipt.entered["gold"].len(), 1);
    store.seal().unwrap();
    drop(store);
    let store = dir.open();
    assert_eq!(store.stats().replayed_events, 0);
    store.ingest_json(LOGIN).unwrap();
    store.advance(at("2026-02-01")).unwrap();
    assert_eq!(store.ingest_json(GUEST).unwrap().duplicates, 2, "sent again after a restart");

    assert_is_ann(&store.snapshot());
    assert_eq!(store.snapshot().segments()[0].1, 1);
    assert_eq!(store.snapshot().live_instant(), Some(at("2026-02-01")));
    assert_eq!(store.snapshot().digest().unwrap(), whole.snapshot().digest().unwrap());
    assert!(store.verify().unwrap().differences.is_empty());
}

#[test]
fn the_second_to_open_is_told_to_wait() {
    let dir = Dir::new("locked");
    let store = dir.open();
    assert_eq!(Store::open(&dir.0).unwrap_err().kind(), ErrorKind::Locked);
    store.ingest_json(LOGIN).unwrap();
    store.close().unwrap();
    assert_eq!(Store::open(&dir.0).unwrap().stats().events, 1);
}

#[test]
fn hostile_messages_do_not_hurt_their_neighbors() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: Vec<(Vec<u8>, Reason)> = vec![
        (br#"{"type":"page","userId":"#.to_vec(), Reason::InvalidJson),
        (b"{\"type\":\"page\",\"userId\":\"\xff\"}".to_vec(), Reason::InvalidUtf8),
        (format!(r#"{{"type":"page","userId":"1","properties":{{"x":{deep}}}}}"#).into_bytes(), Reason::TooDeep),
        (br#"{"type":"page","userId":"1","userId":"2"}"#.to_vec(), Reason::DuplicateField),
        (br#"{"type":"dance","userId":"1"}"#.to_vec(), Reason::UnknownType),
        (br#"{"type":"track","userId":"1"}"#.to_vec(), Reason::MissingField),
        (br#"{"type":"page","userId":{"a":1}}"#.to_vec(), Reason::WrongType),
        (br#"{"type":"page","userId":"1","timestamp":"yesterday"}"#.to_vec(), Reason::InvalidTimestamp),
        (br#"{"type":"page"}"#.to_vec(), Reason::NoIdentifier),
        (br#"{"type":"page","userId":"1","properties":{"n":1e999}}"#.to_vec(), Reason::NumberOutOfRange),
        (format!(r#"{{"type":"page","userId":"{}"}}"#, "x".repeat(2 << 20)).into_bytes(), Reason::TooLarge),
    ];
    let mut stream = Vec::new();
    for (n, (bad, _)) in cases.iter().enumerate() {
        stream.extend(format!("{{\"type\":\"page\",\"userId\":\"good{n}\"}}\n").into_bytes());
        stream.extend(bad);
        stream.push(b'\n');
    }
    stream.extend(br#"{"type":"identify","userId":"null","traits":{"email":"test@test.com"}}"#);
    let store = Store::in_memory().unwrap();
    let receipt = store.ingest_reader(&stream[..], &Ingest::new().batch_lines(4), |_| {}).unwrap();
    assert_eq!((receipt.accepted, receipt.rejected), (cases.len() as u64 + 1, cases.len() as u64));
    let told: Vec<(u64, Reason)> = receipt.rejects.iter().map(|reject| (reject.line, reject.reason)).collect();
    let expected: Vec<(u64, Reason)> = cases.iter().zip(1..).map(|((_, reason), n)| (2 * n, *reason)).collect();
    assert_eq!(told, expected);
    let snapshot = store.snapshot();
    assert_eq!(snapshot.people(), cases.len() as u64, "the blocked identifiers made nobody");
    assert!(snapshot.profile(id::user("null")).unwrap().is_none());
    assert!(store.verify().unwrap().differences.is_empty());
}

/// Amounts on a timeline are read as those of orders are: in the shop's own currency, and never by a guess.
#[test]
fn prices_on_the_timeline_are_those_of_the_shop() {
    let config = json!({"currency": "EUR", "shops": {"jp": {"currency": "JPY"}}, "sources": {"till": {"shop": "jp"}}});
    let store = Store::options().config(serde_json::from_value(config).unwrap()).in_memory().unwrap();
    let cases = [
        (json!("24.90"), "", Some((2490, "EUR"))),
        (json!(2.5e1), "", Some((2500, "EUR"))),
        (json!("2.5e1"), "", None),
        (json!("2400"), "till", Some((2400, "JPY"))),
    ];
    for (nth, (price, source, expected)) in cases.into_iter().enumerate() {
        let user = format!("u{nth}");
        let properties = json!({"product_id": "p", "price": price});
        let view = json!({"type": "track", "event": "Product Viewed", "userId": user, "properties": properties});
        store.ingest(view.to_string().as_bytes(), &Ingest::new().source(source)).unwrap();
        let page = store.snapshot().profile(id::user(user)).unwrap().unwrap();
        let Some(EventDetails::Product { line, .. }) = &page.events[0].details else { panic!("a product event") };
        let price = line.price.map(|price| (price.minor, price.currency.to_string()));
        assert_eq!(price, expected.map(|(minor, currency)| (minor, currency.to_owned())), "{nth}");
    }
}

/// A person's zone is where their messages last came from: by event time, through merges, as of any instant.
#[test]
fn a_person_is_in_the_zone_of_the_latest_message() {
    let store = Store::in_memory().unwrap();
    let tell = |name: &str, day: u32, context: &str| {
        let text =
            format!(r#"{{"type":"page","anonymousId":"{name}","timestamp":"2026-01-0{day}","context":{context}}}"#);
        store.ingest_json(text.as_bytes()).unwrap();
    };
    tell("phone", 3, r#"{"timezone":"Europe/Copenhagen"}"#);
    tell("phone", 1, r#"{"timezone":"Asia/Tokyo"}"#);
    tell("laptop", 4, r#"{"timezone":"America/New_York"}"#);
    tell("phone", 5, r#"{"timezone":"Mars/Base"}"#);
    tell("phone", 6, r#"{"timezone":7}"#);
    let zone = |name: &str, at: Option<&str>| {
        let snapshot = store.snapshot();
        let at = at.unwrap_or("9999-12-31").parse().unwrap();
        snapshot.profile_at(id::anonymous(name), at, 0).unwrap().unwrap().time_zone
    };
    assert_eq!(zone("phone", None).as_deref(), Some("Europe/Copenhagen"));
    assert_eq!(zone("phone", Some("2026-01-02")).as_deref(), Some("Asia/Tokyo"));
    for name in ["phone", "laptop"] {
        let text = format!(r#"{{"type":"identify","anonymousId":"{name}","userId":"42","timestamp":"2026-01-01"}}"#);
        store.ingest_json(text.as_bytes()).unwrap();
    }
    store.seal().unwrap();
    assert_eq!(zone("phone", None).as_deref(), Some("America/New_York"));
    assert_eq!(zone("laptop", Some("2025-12-31")), None);
}

/// What is written in code is what the SDKs would have sent.
#[test]
fn composed_messages_keep_every_identifier_and_every_digit() {
    use regulars::compose::{Identify, Line, Message, Order, Track};
    let store = Store::options().currency("EUR").in_memory().unwrap();
    let who =
        [id::user("1\"\n"), id::anonymous("b"), id::anonymous("a"), id::device("d"), id::email("Ann@Example.com")];
    let line = Line::new("kettle").price("12345678901234567.25".parse().unwrap()).with("colors", ["steel"]);
    let order = Order::completed("1001", who.clone()).line(line.quantity(3.into())).line(Line::new("tea"));
    let order = Message::from(order.total("0.10".parse().unwrap()).at("2026-01-02T03:04:05.006Z".parse().unwrap()));
    let receipt = store.ingest_json(order.as_json().as_bytes()).unwrap();
    assert_eq!((receipt.accepted, receipt.rejected, receipt.flags.len()), (1, 0, 0), "{receipt}");
    let snapshot = store.snapshot();
    for id in who {
        assert!(snapshot.resolve(id.clone(), None).unwrap().is_some(), "{id:?}");
    }
    let all = snapshot.messages(None, 9).unwrap();
    assert!(all[0].1.as_str().contains("12345678901234567.25"), "{}", all[0].1.as_str());
    assert_eq!(store.send(Track::new("x", [])).unwrap().rejects[0].reason, Reason::NoIdentifier);
    assert_eq!(store.send(Track::new(" ", [id::user("1")])).unwrap().rejects[0].reason, Reason::MissingField);
    store.send(Identify::new([id::phone("+4520123456")]).with("nan", f64::NAN).time_zone("Asia/Tokyo")).unwrap();
    let page = store.snapshot().profile(id::phone("+4520123456")).unwrap().unwrap();
    assert_eq!((page.traits["phone"].as_str(), page.time_zone.as_deref()), ("\"+4520123456\"", Some("Asia/Tokyo")));
    assert!(!format!("{order:?}").contains("nn@"));
}
