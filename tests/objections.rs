//! Who said no, was erased and came again is not written to until they say yes anew: every way to say no.

use crate::laws::Scratch;
use regulars::{
    Clock, ConsentStatus, Durability, Erasure, Ingest, Options, Reason, Store, SuppressionCause, Timestamp, id,
};
use serde_json::{Value, json};

/// How somebody says no: what a message says, and what is remembered of it.
struct No {
    event: &'static str,
    properties: Value,
    context: Value,
    /// The channel that is suppressed afterwards, or the purpose that is denied.
    channel: Option<&'static str>,
    purpose: Option<&'static str>,
}

fn track(event: &'static str, properties: Value, channel: &'static str) -> No {
    No { event, properties, context: json!({}), channel: Some(channel), purpose: None }
}

fn preference(event: &'static str) -> No {
    let context = json!({"consent": {"categoryPreferences": {"marketing": false, "analytics": true}}});
    No { event, properties: json!({}), context, channel: None, purpose: Some("marketing") }
}

fn every_no() -> Vec<No> {
    let updated = "Consent Updated";
    let denied = |channel: &str, status: &str| json!({"channel": channel, "purpose": "marketing", "status": status});
    vec![
        track(updated, denied("email", "denied"), "email"),
        track(updated, denied(" EMail ", "withdrawn"), "email"),
        track(updated, denied("sms", "denied"), "sms"),
        track(updated, denied("whatsapp", "denied"), "whatsapp"),
        track(updated, json!({"channel": "email", "status": "denied"}), "email"),
        track("Unsubscribed", json!({}), "email"),
        track("Unsubscribed", json!({"channel": "sms"}), "sms"),
        track("Email Bounced", json!({"bounce_type": "hard"}), "email"),
        track("Email Bounced", json!({}), "email"),
        track("Email Marked as Spam", json!({}), "email"),
        No {
            purpose: Some("marketing"),
            channel: None,
            ..track(updated, json!({"purpose": " Marketing ", "status": "denied"}), "")
        },
        No { purpose: Some(""), channel: None, ..track(updated, json!({"status": "withdrawn"}), "") },
        preference("Page Seen"),
        preference("Segment Consent Preference Updated"),
    ]
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millisecond(1_767_571_200_000 + hours * 3_600_000)
}

fn options() -> Options {
    Store::options().key([7; 32]).clock(Clock::Manual).durability(Durability::OnFlush)
}

fn say(store: &Store, hours: i64, event: &str, properties: &Value, context: &Value) {
    let mut context = context.clone();
    context["traits"] = json!({"email": "ann@example.com", "phone": "+4520123456"});
    let message = json!({"type": "track", "event": event, "userId": "ann", "properties": properties,
        "context": context, "timestamp": at(hours).to_string()});
    let receipt = store.ingest(message.to_string().as_bytes(), &Ingest::new().received_at(at(hours))).unwrap();
    assert_eq!(receipt.rejected, 0, "{receipt}");
}

/// What is in force for the contact of the channel, and for the person.
fn in_force(store: &Store, no: &No) -> [bool; 2] {
    let snapshot = store.snapshot();
    let contact = match no.channel {
        Some("sms" | "whatsapp") => id::phone("+4520123456"),
        _ => id::email("ann@example.com"),
    };
    let contact = snapshot.contact(&contact, None).unwrap().expect("the contact is here");
    let page = snapshot.profile(id::user("ann")).unwrap().expect("she is here");
    [(contact.consent, contact.suppressed), (page.consent, page.suppressed)].map(|(consent, suppressed)| {
        match (no.channel, no.purpose) {
            (Some(channel), _) => {
                suppressed.iter().any(|stop| stop.channel == channel && stop.cause == SuppressionCause::ObjectedBefore)
            }
            (None, purpose) => consent.iter().any(|answer| {
                let of = purpose.filter(|purpose| !purpose.is_empty());
                answer.channel.is_none() && answer.purpose.as_deref() == of && answer.status == ConsentStatus::Denied
            }),
        }
    })
}

#[test]
fn a_no_survives_the_erasure_however_it_was_said() {
    for (at_all, no) in every_no().iter().enumerate() {
        for seal in 0..3 {
            let what = format!("no {at_all}, sealed: {seal}");
            let scratch = Scratch::new("objections");
            let store = options().open(&scratch.0).unwrap();
            say(&store, 1, no.event, &no.properties, &no.context);
            if seal > 0 {
                store.seal().unwrap();
            }
            store.erase(&Erasure::person(id::user("ann")).at(at(2))).unwrap();
            if seal > 1 {
                store.seal().unwrap();
                store.compact().unwrap();
            }
            store.close().unwrap();
            let store = options().open(&scratch.0).unwrap();
            say(&store, 3, "Product Viewed", &json!({}), &json!({}));
            assert_eq!(in_force(&store, no), [true; 2], "{what}");
            // Another purpose or channel says nothing about this one.
            say(&store, 4, "Consent Updated", &json!({"purpose": "weather", "status": "granted"}), &json!({}));
            say(&store, 4, "Consent Updated", &json!({"channel": "post", "status": "granted"}), &json!({}));
            assert_eq!(in_force(&store, no), [true; 2], "{what}");
            let yes = match (no.channel, no.purpose) {
                (Some(channel), _) => json!({"channel": channel, "purpose": "marketing", "status": "granted"}),
                (None, Some("")) => json!({"status": "granted"}),
                (None, purpose) => json!({"purpose": purpose, "status": "granted"}),
            };
            say(&store, 5, "Consent Updated", &yes, &json!({}));
            assert_eq!(in_force(&store, no), [false; 2], "{what}: she said yes anew");
            assert!(store.verify().unwrap().differences.is_empty(), "{what}");
        }
    }
}

#[test]
fn an_address_that_never_said_no_comes_back_as_if_it_were_new() {
    let store = options().in_memory().unwrap();
    say(&store, 1, "Consent Updated", &json!({"purpose": "marketing", "status": "granted"}), &json!({}));
    store.erase(&Erasure::person(id::user("ann")).at(at(2))).unwrap();
    say(&store, 3, "Product Viewed", &json!({}), &json!({}));
    let contact = store.snapshot().contact(&id::email("ann@example.com"), None).unwrap().unwrap();
    assert!(contact.consent.is_empty() && contact.suppressed.is_empty());
}

#[test]
fn method_and_proof_are_told_as_they_were_given() {
    let store = options().in_memory().unwrap();
    let yes = json!({"channel": "email", "purpose": "marketing", "status": "granted",
        "method": "Double opt-in", "proof": "Yes, write to me: 2 mails a month (v3)"});
    say(&store, 1, "Consent Updated", &yes, &json!({}));
    let page = store.snapshot().profile(id::user("ann")).unwrap().unwrap();
    let answer = page.consent.iter().find(|answer| answer.channel.as_deref() == Some("email")).unwrap();
    assert_eq!(answer.method.as_deref(), Some("Double opt-in"));
    assert_eq!(answer.proof.as_deref(), Some("Yes, write to me: 2 mails a month (v3)"));
    assert_eq!(answer.ts, at(1));
}

#[test]
fn a_store_that_suppresses_refuses_the_erased_for_good() {
    let config = serde_json::from_value(json!({"suppress": true})).unwrap();
    let store = options().config(config).in_memory().unwrap();
    say(&store, 1, "Product Viewed", &json!({}), &json!({}));
    store.erase(&Erasure::person(id::user("ann")).at(at(2))).unwrap();
    for hours in [0, 1, 3, 1000] {
        let again = json!({"type": "track", "event": "Product Viewed", "userId": "ann",
            "timestamp": at(hours).to_string()});
        let receipt = store.ingest(again.to_string().as_bytes(), &Ingest::new().received_at(at(hours))).unwrap();
        assert_eq!((receipt.accepted, receipt.rejects[0].reason), (0, Reason::Suppressed));
    }
    assert_eq!(store.snapshot().profiles(), 0);
}
