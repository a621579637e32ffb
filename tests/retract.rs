//! Messages taken back: gone everywhere, refused for ever, and their ids free for corrected ones.

use crate::laws::Scratch;
use regulars::{
    Clock, Digest, Erasure, Ingest, MessageId, Options, Reason, Ruling, Segment, Store, Trust, Universe, id, when,
};

fn options() -> Options {
    Store::options().currency("EUR").key([7; 32]).clock(Clock::Manual)
}

fn store() -> Store {
    let store = options().in_memory().unwrap();
    store.advance("2026-06-01".parse().unwrap()).unwrap();
    store
}

/// Facts of every kind about two people; the ids are their places.
const KINDS: &[&str] = &[
    r#""type":"identify","userId":"1","traits":{"email":"ann@example.com","tier":"gold"}"#,
    r#""type":"identify","userId":"1","anonymousId":"a1""#,
    r#""type":"track","event":"Order Completed","userId":"1","properties":{"order_id":"o1","total":20}"#,
    r#""type":"track","event":"Order Updated","userId":"1","properties":{"order_id":"o1","total":30}"#,
    r#""type":"track","event":"Order Refunded","userId":"1","properties":{"order_id":"o1","total":5}"#,
    r#""type":"track","event":"Order Cancelled","userId":"2","properties":{"order_id":"o2"}"#,
    r#""type":"track","event":"Unsubscribed","userId":"1","properties":{"email":"ann@example.com"}"#,
    r#""type":"page","anonymousId":"a1""#,
    r#""type":"screen","userId":"2","context":{"device":{"id":"tablet"}}"#,
    r#""type":"screen","userId":"1","context":{"device":{"id":"tablet"}}"#,
    r#""type":"group","userId":"1","groupId":"acme","traits":{"size":3}"#,
    r#""type":"alias","userId":"2","previousId":"a2""#,
];

fn message(place: usize, body: &str) -> String {
    format!(r#"{{"messageId":"k{place}","timestamp":"2026-01-{:02}",{body}}}"#, place + 1)
}

fn rulings() -> Vec<(&'static str, Ruling)> {
    let at =
        |ruling: Ruling, text: &'static str| (text, ruling.at("2026-02-01".parse().unwrap()).id(MessageId::new(text)));
    vec![
        at(Ruling::alias(id::user("1"), id::user("2")), "r1"),
        at(Ruling::deny(id::user("1"), id::anonymous("a1")), "r2"),
        at(Ruling::revoke(id::user("1"), id::email("ann@example.com")), "r3"),
        at(Ruling::matched(id::user("2"), id::email("bob@example.com"), 0.97), "r4"),
    ]
}

/// What the store says of everything but the retractions themselves.
fn said(store: &Store) -> (String, String, String) {
    let Digest { identity, profiles, segments, .. } = store.snapshot().digest().unwrap();
    (identity, profiles, segments)
}

fn define(store: &Store) {
    for (name, rule) in [
        ("buyers", when::orders().at_least(1)),
        ("gold", when::trait_("tier").is("gold")),
        ("out", when::suppressed("email")),
        ("pages", when::event("page").at_least(1)),
    ] {
        store.define(Segment::new(name, rule).within(Universe::All)).unwrap();
    }
}

/// A store of all kinds but those left out.
fn filled(store: &Store, without: &[String]) {
    let messages = KINDS.iter().enumerate().map(|(place, body)| (format!("k{place}"), message(place, body)));
    for (_, message) in messages.filter(|(id, _)| !without.contains(id)) {
        assert_eq!(store.ingest_json(message.as_bytes()).unwrap().accepted, 1);
    }
    for (_, ruling) in rulings().into_iter().filter(|(id, _)| !without.contains(&(*id).to_owned())) {
        assert_eq!(store.rule(ruling).unwrap().accepted, 1);
    }
}

/// Whatever kind of fact it was, and wherever it lay: it never was.
#[test]
fn a_fact_of_any_kind_that_was_taken_back_never_was() {
    let messages = (0..KINDS.len()).map(|place| format!("k{place}"));
    for taken in messages.chain(rulings().into_iter().map(|(id, _)| id.to_owned())) {
        let without = store();
        define(&without);
        filled(&without, std::slice::from_ref(&taken));
        for layout in ["tail", "sealed", "late"] {
            let folder = Scratch::new("retract");
            let with = options().open(&folder.0).unwrap();
            with.advance("2026-06-01".parse().unwrap()).unwrap();
            define(&with);
            filled(&with, &[]);
            if layout != "tail" {
                with.seal().unwrap();
            }
            let done = with.retract([MessageId::new(&taken)]).unwrap();
            assert_eq!((done.retracted, done.unknown), (1, 0), "{taken}");
            assert_eq!(said(&with), said(&without), "{taken}, {layout}");
            if layout == "sealed" {
                with.compact().unwrap();
            }
            let digest = with.snapshot().digest().unwrap();
            assert_eq!(with.verify().unwrap().differences, Vec::<String>::new());
            with.close().unwrap();
            let again = options().open(&folder.0).unwrap();
            assert_eq!(again.snapshot().digest().unwrap(), digest, "{taken}, {layout}: after a restart");
            assert_eq!(again.snapshot().events(), without.snapshot().events());
            let then = "2026-03-01".parse().unwrap();
            let (past, expected) = (again.snapshot().as_of(then).unwrap(), without.snapshot().as_of(then).unwrap());
            assert_eq!(past.digest().unwrap().profiles, expected.digest().unwrap().profiles, "{taken}: the past");
            assert_eq!(past.digest().unwrap().identity, expected.digest().unwrap().identity, "{taken}: the past");
        }
    }
}

#[test]
fn the_same_message_is_refused_and_a_corrected_one_comes_in() {
    let store = store();
    let say = |total: &str| {
        let body = format!(
            r#"{{"type":"track","event":"Order Completed","messageId":"m1","userId":"1","timestamp":"2026-01-01","properties":{{"order_id":"1","total":{total}}}}}"#
        );
        store.ingest_json(body.as_bytes()).unwrap()
    };
    assert_eq!(say("100").accepted, 1);
    assert_eq!(store.retract([MessageId::new("m1")]).unwrap().retracted, 1);
    assert_eq!(say("100").rejects[0].reason, Reason::Retracted);
    assert_eq!(say("10").accepted, 1);
    // What was taken back is not merely a duplicate of what has its id now.
    let again = say("100");
    assert_eq!((again.duplicates, again.reasons[&Reason::Retracted]), (0, 1));
    assert_eq!((say("10").duplicates, say("11").conflicting), (1, 1));
    let profile = || store.snapshot().profile(id::user("1")).unwrap();
    assert_eq!(profile().unwrap().orders.net_minor, 1000);
    // The corrected one can be taken back too, and then both are gone for good.
    assert_eq!(store.retract([MessageId::new("m1")]).unwrap().retracted, 1);
    assert!(profile().is_none());
    assert_eq!((say("10").rejected, say("100").rejected, say("11").accepted), (1, 1, 1));
    store.compact().unwrap();
    assert_eq!((say("10").rejected, say("100").rejected, say("11").duplicates), (1, 1, 1));
    assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
}

#[test]
fn an_id_that_nobody_has_is_counted_and_not_logged() {
    let store = store();
    let before = store.snapshot().digest().unwrap();
    let done = store.retract(["m1", "m1", "m2"].map(MessageId::new)).unwrap();
    assert_eq!((done.retracted, done.unknown, done.receipt.accepted), (0, 3, 0));
    assert_eq!(store.snapshot().digest().unwrap(), before);
    store.ingest_json(br#"{"type":"page","userId":"1","messageId":"m1"}"#).unwrap();
    let done = store.retract(["m1", "m1", "m2"].map(MessageId::new)).unwrap();
    assert_eq!((done.retracted, done.unknown, done.receipt.accepted), (1, 2, 1));
    // Neither can what takes away be taken away.
    let erasure = Erasure::identifiers([id::user("2")]).id(MessageId::new("e1"));
    assert_eq!(store.erase(&erasure).unwrap().receipt.accepted, 1);
    assert_eq!(store.retract([MessageId::new("e1")]).unwrap().unknown, 1);
}

/// What a file brought is taken back by what it says: ids that say something else now are left alone.
#[test]
fn a_body_is_taken_back_by_its_content() {
    let store = store();
    let body = |city: &str| {
        let one = |user: &str| {
            format!(
                r#"{{"type":"identify","messageId":"m{user}","userId":"{user}","traits":{{"city":"{city}"}},"timestamp":"2026-01-01"}}"#
            )
        };
        format!("{}\n{}\nnonsense\n", one("1"), one("2"))
    };
    let (wrong, right) = (body("Arhus"), body("Aarhus"));
    let take_back = |text: &str| {
        let done = store.take_back(text.as_bytes(), &Ingest::new().source("crm")).unwrap();
        (done.retracted, done.unknown, done.receipt.rejected)
    };
    store.ingest_json(wrong.as_bytes()).unwrap();
    assert_eq!(take_back(&right), (0, 2, 1));
    assert_eq!(take_back(&wrong), (2, 0, 1));
    assert_eq!(take_back(&wrong), (0, 2, 1));
    assert_eq!(store.snapshot().profiles(), 0);
    assert_eq!(store.ingest_json(right.as_bytes()).unwrap().accepted, 2);
    assert_eq!(take_back(&wrong), (0, 2, 1));
    assert_eq!(store.snapshot().profiles(), 2);
    // Without ids and times, what says the same is the same.
    let plain = br#"{"type":"page","userId":"3"}"#;
    store.ingest_json(plain).unwrap();
    assert_eq!(store.take_back(plain, &Ingest::new()).unwrap().retracted, 1);
    assert_eq!(store.ingest_json(plain).unwrap().rejects[0].reason, Reason::Retracted);
}

/// Neither a claimed message nor the verified one that took its place comes back by way of the other.
#[test]
fn a_claimed_message_is_taken_back_as_any_other() {
    let page = br#"{"type":"page","messageId":"m1","anonymousId":"a1","timestamp":"2026-01-01"}"#;
    let claim = |store: &Store| store.ingest(page, &Ingest::new().trust(Trust::Claimed)).unwrap();
    for seal in [false, true] {
        let store = store();
        assert_eq!((claim(&store).accepted, store.ingest_json(page).unwrap().accepted), (1, 1));
        if seal {
            store.seal().unwrap();
        }
        assert_eq!(store.retract([MessageId::new("m1")]).unwrap().retracted, 1);
        assert_eq!((claim(&store).rejected, store.ingest_json(page).unwrap().rejected), (1, 1));
        assert_eq!((store.snapshot().events(), store.snapshot().profiles()), (0, 0));
        assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
    }
}

/// Whom a retraction leaves nothing of is nobody, and the feed says so.
#[test]
fn the_feed_tells_who_went() {
    let store = store();
    let body: Vec<String> = KINDS.iter().enumerate().map(|(place, body)| message(place, body)).collect();
    store.ingest_json(body.join("\n").as_bytes()).unwrap();
    let cursor = store.snapshot().changes_end();
    let ids: Vec<MessageId> = (0..KINDS.len()).map(|place| MessageId::new(&format!("k{place}"))).collect();
    store.retract(ids).unwrap();
    let snapshot = store.snapshot();
    assert_eq!((snapshot.profiles(), snapshot.people(), snapshot.events()), (0, 0, 0));
    assert!(snapshot.identifiers().unwrap().is_empty());
    assert!(snapshot.messages(None, 100).unwrap().is_empty());
    let removed = snapshot.changes(cursor, 100).unwrap().changes;
    let gone = removed.iter().filter(|change| matches!(change, regulars::Change::Removed { .. })).count();
    assert_eq!(gone, 2, "{removed:?}");
}
