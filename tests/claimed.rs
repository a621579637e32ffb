//! A public endpoint can claim anything; what the shop's own systems say stands.

use regulars::{Digest, Ingest, Store, Trust, id};

const CLAIMED: &[u8] = br#"{"type":"identify","messageId":"x1","userId":"u9","anonymousId":"a1","timestamp":"2026-01-01","traits":{"tier":"gold"}}"#;
const VERIFIED: &[u8] = br#"{"type":"identify","messageId":"x1","userId":"u1","anonymousId":"a1","timestamp":"2026-01-02","traits":{"tier":"none"}}"#;
const LATER: &[u8] = br#"{"type":"page","messageId":"x2","anonymousId":"a1","timestamp":"2026-01-03"}"#;

fn digest(messages: &[(&[u8], Trust)], seal: bool) -> Digest {
    let store = Store::options().key([7; 32]).in_memory().unwrap();
    for (message, trust) in messages {
        store.ingest(message, &Ingest::new().trust(*trust)).unwrap();
        if seal {
            store.compact().unwrap();
        }
    }
    let person = store.snapshot().profile(id::user("u1")).unwrap().expect("the verified message names u1");
    assert_eq!(person.traits["tier"].as_str(), "\"none\"");
    assert_eq!(person.activity.values().sum::<u64>(), 2, "the claimed event is nobody's");
    assert!(store.verify().unwrap().differences.is_empty());
    store.snapshot().digest().unwrap()
}

#[test]
fn nobody_squats_on_a_message_id() {
    let verified = (VERIFIED, Trust::Verified);
    let (claimed, later) = ((CLAIMED, Trust::Claimed), (LATER, Trust::Verified));
    let expected = digest(&[verified, later], false);
    for seal in [false, true] {
        for order in [[claimed, verified, later], [verified, claimed, later], [claimed, later, verified]] {
            assert_eq!(digest(&order, seal), expected);
        }
    }
}

#[test]
fn a_claimed_identify_joins_nobody() {
    let store = Store::in_memory().unwrap();
    let victim = br#"{"type":"identify","userId":"u1","anonymousId":"a1","traits":{"email":"ann@example.com"}}"#;
    store.ingest_json(victim).unwrap();
    let before = store.snapshot().profile(id::email("ann@example.com")).unwrap().unwrap();
    let attack =
        br#"{"type":"identify","anonymousId":"evil","timestamp":"2001-01-01","traits":{"email":"ann@example.com"}}"#;
    store.ingest(attack, &Ingest::new().trust(Trust::Claimed)).unwrap();
    let after = store.snapshot().profile(id::email("ann@example.com")).unwrap().unwrap();
    assert!(before == after, "the victim's page changed");
    let attacker = store.snapshot().profile(id::anonymous("evil")).unwrap().unwrap();
    assert_eq!((attacker.known, attacker.identifiers.len()), (false, 1));
}
