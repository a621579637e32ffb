//! What operators can do, and undo: rulings and erasure.

use crate::laws::cases;
use crate::model::check::{at, define, ingest};
use crate::model::message::{BASE, DAY, message};
use crate::model::spec::{Said, SpecFact};
use crate::model::stated::{statement, tell};
use crate::model::{Model, Verdict};
use proptest::prelude::*;
use regulars::{Clock, Digest, Erasure, MessageId, Reason, Ruling, Segment, Store, Trust, Universe, id};

fn store() -> Store {
    let config = serde_json::from_str(r#"{"currency":"EUR"}"#).unwrap();
    let store = Store::options().config(config).key([7; 32]).clock(Clock::Manual).seal_events(64).in_memory().unwrap();
    define(&store);
    store
}

/// What it means, without the facts themselves.
fn meaning(store: &Store) -> [String; 3] {
    let Digest { identity, profiles, segments, .. } = store.snapshot().digest().unwrap();
    [identity, profiles, segments]
}

proptest! {
    #![proptest_config(cases(500))]

    /// T6: of an alias that was revoked nothing is left.
    #[test]
    fn t6_an_alias_and_its_revoke_leave_nothing(
        messages in prop::collection::vec(message(), 1..30),
        alias in statement(),
        split in any::<prop::sample::Index>(),
        revoke_first: bool,
    ) {
        let (a, b) = match alias.said {
            Said::Alias { a, b } | Said::Deny { a, b } | Said::Revoke { a, b } | Said::Match { a, b, .. } => (a, b),
            _ => return Ok(()),
        };
        // Before everything else, so that the revocation takes nothing but the alias.
        let mut pair = [
            SpecFact { id: "x1".into(), ts: BASE - DAY, said: Said::Alias { a: a.clone(), b: b.clone() } },
            SpecFact { id: "x2".into(), ts: BASE - DAY, said: Said::Revoke { a, b } },
        ];
        if revoke_first {
            pair.reverse();
        }
        let (early, late) = messages.split_at(split.index(messages.len()));
        let (plain, ruled) = (store(), store());
        for store in [&plain, &ruled] {
            ingest(store, early);
            if std::ptr::eq(store, &ruled) {
                tell(store, &pair[0]);
            }
            ingest(store, late);
        }
        tell(&ruled, &pair[1]);
        prop_assert_eq!(meaning(&plain), meaning(&ruled));
    }

    /// T6: a store that erased is one that never had what it erased.
    #[test]
    fn t6_what_was_erased_never_was(
        messages in prop::collection::vec(message(), 1..40),
        statements in prop::collection::vec(statement(), 1..12),
        erasures in prop::collection::vec(statement(), 1..6),
    ) {
        let erasures: Vec<SpecFact> = erasures
            .into_iter()
            .filter(|fact| matches!(fact.said, Said::Erase { .. }))
            .enumerate()
            .map(|(nth, fact)| SpecFact { id: format!("e{nth}"), ..fact })
            .collect();
        let mut model = Model::new(false);
        let store_with = store();
        for message in &messages {
            // One id, one message: which of two counts would depend on whether the first is gone by then.
            if model.accepted.iter().all(|known| known.id != message.id) {
                model.accept(message);
            }
        }
        ingest(&store_with, &model.accepted);
        for fact in &statements {
            if model.state(fact) == Verdict::Accepted {
                tell(&store_with, fact);
            }
        }
        for fact in &erasures {
            if model.state(fact) == Verdict::Accepted {
                tell(&store_with, fact);
            }
        }
        let store_without = store();
        ingest(&store_without, &model.accepted);
        model.stated.iter().for_each(|fact| drop(tell(&store_without, fact)));
        let (with, without) = (store_with.snapshot().digest().unwrap(), store_without.snapshot().digest().unwrap());
        prop_assert_eq!(&with.identity, &without.identity);
        // An erasure that takes a no away remembers it; one that found none has nothing to remember.
        if model.objections.is_empty() {
            prop_assert_eq!(with, without);
        }
        prop_assert_eq!(store_with.snapshot().events(), model.accepted.len() as u64);
        prop_assert_eq!(store_with.verify().unwrap().differences, Vec::<String>::new());
    }
}

#[test]
fn an_operator_splits_what_a_typo_joined_and_joins_it_again() {
    let store = Store::in_memory().unwrap();
    let identify = |user: &str, email: &str| {
        let text = format!(r#"{{"type":"identify","userId":"{user}","traits":{{"email":"{email}"}}}}"#);
        store.ingest_json(text.as_bytes()).unwrap();
    };
    identify("1", "ann@example.com");
    identify("2", "bob@example.com");
    let split = |a, b| store.snapshot().why_not(a, b).unwrap().obstacles;
    store.alias(id::user("1"), id::user("2")).unwrap();
    assert_eq!(store.snapshot().people(), 1);
    let why = store.snapshot().why(id::email("ann@example.com"), id::email("bob@example.com")).unwrap().unwrap();
    assert_eq!(why.path.iter().map(|step| step.kind.as_str()).collect::<Vec<_>>(), ["identify", "alias", "identify"]);
    assert!(!why.path[1].message_id.is_empty());
    store.revoke(id::user("1"), id::user("2")).unwrap();
    assert_eq!(store.snapshot().people(), 2);
    assert_eq!(split(id::user("1"), id::user("2"))[0].kind, "no_evidence");
    store.deny(id::user("1"), id::email("ann@example.com")).unwrap();
    assert_eq!(store.snapshot().people(), 3);
    let obstacles = split(id::user("1"), id::email("ann@example.com"));
    assert_eq!((obstacles[0].kind, obstacles[0].rule.as_deref()), ("rejected", Some("denied")));
}

/// Spellings that reach one mailbox are evidence where the host asks for it, which can be explained and denied.
#[test]
fn addresses_of_one_mailbox_join_only_where_the_host_wants_it() {
    let config = r#"{"namespaces":{"mailbox":{"rank":70,"limit":5,"glue":2,"person":true}}}"#;
    let folding = Store::options().config(serde_json::from_str(config).unwrap()).in_memory().unwrap();
    let plain = Store::in_memory().unwrap();
    let text = br#"{"type":"identify","anonymousId":"a1","traits":{"email":"A.nn+Shop@gmail.com"}}
        {"type":"identify","anonymousId":"a2","traits":{"email":"ann@googlemail.com"}}"#;
    for store in [&folding, &plain] {
        assert_eq!(store.ingest(text, &regulars::Ingest::new()).unwrap().accepted, 2);
    }
    assert_eq!((plain.snapshot().people(), folding.snapshot().people()), (2, 1));
    let (one, other) = (id::email("a.nn+shop@gmail.com"), id::email("ann@googlemail.com"));
    let why = folding.snapshot().why(one.clone(), other.clone()).unwrap().unwrap();
    let mailbox = regulars::Id::new("mailbox", "ann@gmail.com");
    assert_eq!(why.path.iter().map(|step| step.b.clone()).collect::<Vec<_>>(), [mailbox, other.clone()]);
    let by_mailbox = folding.snapshot().resolve(regulars::Id::new("mailbox", "A.N.N@googlemail.com"), None).unwrap();
    assert_eq!(by_mailbox, folding.snapshot().resolve(one.clone(), None).unwrap());
    folding.deny(one, other).unwrap();
    assert_eq!(folding.snapshot().people(), 2);
}

#[test]
fn statements_that_do_nothing_say_so() {
    let store = Store::in_memory().unwrap();
    let same = store.alias(id::user("1"), id::user(" 1 ")).unwrap();
    assert_eq!((same.accepted, store.snapshot().profiles()), (1, 0));
    let blocked = store.alias(id::user("1"), id::email("test@test.com")).unwrap();
    assert_eq!(blocked.flags[&regulars::Flag::BlockedIdentifier], 1);
    assert_eq!(store.snapshot().profiles(), 0);
    assert!(store.alias(id::user("1"), regulars::Id::new("planet", "x")).is_err());
    assert!(store.rule(Ruling::matched(id::user("1"), id::user("2"), f64::NAN)).is_err());
    let weak = Ruling::matched(id::user("1"), id::email("a@example.com"), 0.89);
    store.rule(weak).unwrap();
    assert_eq!(store.snapshot().profiles(), 0);
}

#[test]
fn one_id_states_once() {
    let store = Store::in_memory().unwrap();
    let ruling = || Ruling::deny(id::user("1"), id::user("2")).at(at(BASE));
    assert_eq!(store.rule(ruling()).unwrap().accepted, 1);
    assert_eq!(store.rule(ruling()).unwrap().duplicates, 1, "the derived id follows from what it says");
    assert_eq!(store.rule(ruling().id(MessageId::new("t1"))).unwrap().accepted, 1);
    let other = Ruling::alias(id::user("1"), id::user("2")).at(at(BASE)).id(MessageId::new("t1"));
    let receipt = store.rule(other).unwrap();
    assert_eq!((receipt.duplicates, receipt.conflicting), (1, 1));
}

#[test]
fn an_erased_customer_who_returns_is_somebody_new() {
    let store = Store::options().key([1; 32]).clock(Clock::Manual).in_memory().unwrap();
    let page = |day: i64, more: &str| {
        let text =
            format!(r#"{{"type":"page","userId":"42","anonymousId":"a1","timestamp":{}{more}}}"#, BASE + day * DAY);
        store.ingest_json(text.as_bytes()).unwrap()
    };
    page(1, "");
    let first = store.snapshot().resolve(id::user("42"), None).unwrap().unwrap();
    store.define(Segment::new("all", regulars::when::event("page").at_least(1)).within(Universe::All)).unwrap();
    let erased = store.erase(&Erasure::person(id::user("42")).at(at(BASE + 2 * DAY))).unwrap();
    assert_eq!((erased.events, erased.events_of_others, erased.receipt.left["all"].as_slice()), (1, 0, &[first][..]));
    assert!(store.snapshot().profile(id::user("42")).unwrap().is_none());
    assert_eq!((store.snapshot().events(), store.snapshot().messages(None, 9).unwrap().len()), (0, 0));
    let late = page(1, "");
    assert_eq!(late.rejects[0].reason, Reason::Suppressed);
    let back = page(3, "");
    let again = store.snapshot().resolve(id::user("42"), None).unwrap().unwrap();
    assert_eq!(back.entered["all"], [again]);
    assert_ne!(first, again);
}

#[test]
fn an_erasure_counts_every_event_once_and_none_that_is_not_there() {
    let store = Store::in_memory().unwrap();
    store.ingest_json(br#"{"type":"page","userId":"1","messageId":"m1"}"#).unwrap();
    let named = Erasure::identifiers([id::user("1")]).messages(["m1", "m2"].map(MessageId::new));
    assert_eq!(store.erase(&named).unwrap().events, 1);
}

#[test]
fn erasing_one_of_a_household_keeps_the_address_of_the_others() {
    let store = Store::in_memory().unwrap();
    let identify = |user: &str| {
        let text = format!(
            r#"{{"type":"identify","userId":"{user}","traits":{{"email":"home@example.com"}},"timestamp":"2026-01-0{user}"}}"#
        );
        store.ingest_json(text.as_bytes()).unwrap();
    };
    ["1", "2", "3"].iter().for_each(|user| identify(user));
    store.ingest_json(br#"{"type":"track","event":"Email Opened","properties":{"email":"home@example.com"},"timestamp":"2026-01-03T12:00:00Z"}"#).unwrap();
    let erased = store.erase(&Erasure::person(id::user("3"))).unwrap();
    assert_eq!((erased.events, erased.kept), (2, vec![id::email("home@example.com")]));
    assert_eq!((store.snapshot().people(), store.snapshot().events()), (2, 2));
    assert!(store.snapshot().profile(id::user("3")).unwrap().is_none());
}

/// What a merge leaves out must be known to the state that the log is replayed on.
#[test]
fn what_is_taken_back_just_before_a_merge_stays_so_after_a_replay() {
    let dir = std::env::temp_dir().join(format!("regulars-merge-{}", std::process::id()));
    let open = || Store::options().key([7; 32]).clock(Clock::Manual).seal_events(64).open(&dir).unwrap();
    let say = |store: &Store, json: &str, trust| {
        store.ingest(json.as_bytes(), &regulars::Ingest::new().trust(trust)).unwrap();
    };
    for displace in [false, true] {
        let _ = std::fs::remove_dir_all(&dir);
        let store = open();
        store.rule(Ruling::alias(id::user("1"), id::user("3")).at(at(BASE))).unwrap();
        say(&store, r#"{"type":"page","anonymousId":"a1","messageId":"m1","timestamp":"2025-01-01"}"#, Trust::Claimed);
        for user in 10..14 {
            say(&store, &format!(r#"{{"type":"page","userId":"{user}"}}"#), Trust::Verified);
            store.seal().unwrap();
        }
        if displace {
            say(&store, r#"{"type":"page","userId":"20","messageId":"m1","timestamp":"2026-01-01"}"#, Trust::Verified);
        } else {
            store.erase(&Erasure::identifiers([id::user("3")]).at(at(BASE))).unwrap();
        }
        // Waits for the merge, without a seal after it.
        store.close().unwrap();
        let store = open();
        assert!(store.stats().parts < 4, "they were merged");
        assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
        assert_eq!(store.snapshot().profiles(), if displace { 6 } else { 5 });
        store.compact().unwrap();
        assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
        store.close().unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
