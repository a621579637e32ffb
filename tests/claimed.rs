//! A public endpoint can claim anything; what the shop's own systems say stands.

use regulars::{Digest, Ingest, Segment, Store, Trust, Universe, id, when};

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

/// What the shop itself knows: two customers of one household, whose tablet and phone number both use.
const HOUSEHOLD: &str = r#"
{"type":"identify","messageId":"1","timestamp":"2026-01-01","userId":"u1","anonymousId":"a1","traits":{"email":"ann@example.com","phone":"+4520123456","tier":"gold"},"context":{"device":{"id":"tablet","advertisingId":"ad-1"}}}
{"type":"track","messageId":"2","timestamp":"2026-01-02","userId":"u1","event":"Order Completed","properties":{"order_id":"1","total":10}}
{"type":"identify","messageId":"3","timestamp":"2026-01-03","userId":"u2","anonymousId":"a2","traits":{"email":"bob@example.com","phone":"+4520123456"},"context":{"device":{"id":"tablet"}}}"#;

/// A public endpoint may say anything of anybody, at any time, before or after the shop learned of its customers: their
/// pages stay as they are, under the same ids, and whoever said it sees nothing of theirs.
#[test]
fn no_claim_opens_a_way_in() {
    let claims = [
        r#""type":"identify","traits":{"email":"ann@example.com","tier":"none","phone":"+4520123456"}"#,
        r#""type":"identify","userId":"u1","traits":{"tier":"none"}"#,
        r#""type":"identify","userId":"u1","traits":{"email":"evil@example.com"}"#,
        r#""type":"identify","traits":{"phone":"20123456"}"#,
        r#""type":"identify","userId":"evil","context":{"externalIds":[{"id":"ann@example.com","type":"email"},{"id":"u1","type":"user_id"}]}"#,
        r#""type":"alias","userId":"u1","previousId":"evil""#,
        r#""type":"alias","userId":"u2","previousId":"evil""#,
        r#""type":"track","event":"Order Completed","properties":{"order_id":"2","total":999,"email":"ann@example.com"}"#,
        r#""type":"identify","traits":{"email":"evil@example.com"},"context":{"device":{"advertisingId":"ad-1"}}"#,
        r#""type":"identify","userId":"evil","context":{"device":{"id":"tablet"}}"#,
    ];
    let known = [
        id::user("u1"),
        id::email("ann@example.com"),
        id::anonymous("a1"),
        id::user("u2"),
        id::email("bob@example.com"),
    ];
    let options = || Store::options().currency("EUR").default_region("DK").key([7; 32]);
    let quiet = options().in_memory().unwrap();
    quiet.ingest_json(HOUSEHOLD.as_bytes()).unwrap();
    assert_eq!(quiet.snapshot().people(), 2, "a shared phone and a shared tablet join nobody");
    for claim in claims {
        let devices = claim.contains("device");
        for (first, at) in
            [(true, "2001-01-01"), (false, "2001-01-01"), (true, "2026-01-02T12:00:00Z"), (false, "2026-02-01")]
        {
            let store = options().in_memory().unwrap();
            let attack = || {
                let text = format!(r#"{{"messageId":"x","anonymousId":"evil","timestamp":"{at}",{claim}}}"#);
                let receipt = store.ingest(text.as_bytes(), &Ingest::new().trust(Trust::Claimed)).unwrap();
                assert_eq!(receipt.accepted, 1, "{claim}: {receipt}");
            };
            if first {
                attack()
            }
            store.ingest_json(HOUSEHOLD.as_bytes()).unwrap();
            if !first {
                attack()
            }
            let (before, after) = (quiet.snapshot(), store.snapshot());
            for who in &known {
                let (was, is) =
                    (before.profile(who.clone()).unwrap().unwrap(), after.profile(who.clone()).unwrap().unwrap());
                assert_eq!(is.identifiers, was.identifiers, "{claim}, {at}, first: {first}");
                // An advertising id is public, and dates whoever has it: its events are theirs, and an older one renames
                // them. Nothing else is new.
                assert!(devices || is == was, "{claim}, {at}, first: {first}");
                assert!(is.orders == was.orders && is.consent == was.consent, "{claim}, {at}, first: {first}");
            }
            assert_eq!(after.people(), 2, "{claim}");
            let evil = after.profile(id::anonymous("evil")).unwrap();
            if let Some(evil) = evil {
                assert!(evil.identifiers.iter().all(|id| id.value() == "evil"), "{claim}: {:?}", evil.identifiers);
                assert!(!evil.known && evil.orders.count <= u64::from(claim.contains("999")), "{claim}");
                assert!(!evil.traits.contains_key("email") || !devices, "{claim}");
            }
        }
    }
}

/// A claimed event that a verified one displaces was somebody's, who may leave a segment by that.
#[test]
fn whoever_a_displaced_event_was_of_is_looked_at_again() {
    for sealed in [false, true] {
        let store = Store::in_memory().unwrap();
        store.define(Segment::new("visited", when::event("Visit").at_least(1)).within(Universe::All)).unwrap();
        let visit = br#"{"type":"track","event":"Visit","messageId":"m","anonymousId":"a","timestamp":"2026-01-01"}"#;
        let browser = Ingest::new().source("web").trust(Trust::Claimed);
        assert_eq!(store.ingest(visit, &browser).unwrap().entered["visited"].len(), 1);
        let page = br#"{"type":"page","messageId":"x","anonymousId":"a","timestamp":"2026-01-01"}"#;
        store.ingest_json(page).unwrap();
        if sealed {
            store.seal().unwrap();
        }
        let other = br#"{"type":"track","event":"Other","messageId":"m","anonymousId":"b","timestamp":"2026-01-01"}"#;
        assert_eq!(store.ingest_json(other).unwrap().left["visited"].len(), 1, "sealed: {sealed}");
        assert_eq!(store.snapshot().segments()[0].1, 0);
        assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
    }
}
