//! Rules that change: a store is always the one that it would be had it been created with the rules in force.

use crate::laws::{Scratch, cases};
use crate::model::check::{define, ingest};
use crate::model::message::{Body, Message, message};
use crate::model::spec::{Said, SpecFact};
use crate::model::stated::{statement, tell};
use proptest::prelude::*;
use regulars::{Cause, Change, Clock, Config, Durability, Ingest, NamespaceRule, Ruling, Span, Store, id};
use std::collections::{BTreeMap, BTreeSet};

type Rules = BTreeMap<String, NamespaceRule>;

#[derive(Clone, Debug)]
enum Step {
    Messages(Vec<Message>),
    State(SpecFact),
    Rules(Rules),
    Block(Vec<&'static str>),
    Seal,
    Compact,
    Reopen,
}

const NAMES: [&str; 7] = ["user_id", "customer_id", "loyalty_card", "email", "phone", "device", "anonymous_id"];

const VALUES: [&str; 8] = ["u1", "u2", "c1", "l1", "e1@x.example", "+4520123451", "d1", "a1"];

/// The rules of a new store.
fn initial() -> Rules {
    Store::in_memory().unwrap().snapshot().rules().namespaces
}

fn rule(at: usize) -> impl Strategy<Value = (String, NamespaceRule)> {
    let days = |days: Option<u32>| days.map(Span::days);
    let limit = prop::sample::select(vec![None, Some(0), Some(1), Some(1), Some(2), Some(3), Some(20)]);
    let window = prop::sample::select(vec![None, None, Some(1), Some(2), Some(7)]);
    let glue = prop::sample::select(vec![None, Some(0), Some(1), Some(1), Some(2), Some(3)]);
    let ttl = prop::sample::select(vec![None, Some(0), Some(30), Some(3000)]);
    let fan = prop::collection::btree_map(prop::sample::select(&NAMES[..]), 0u32..4, 0..3);
    (limit, window, glue, fan, ttl).prop_map(move |(limit, window, glue, fan, ttl)| {
        let old = initial()[NAMES[at]].clone();
        let fan = fan.into_iter().map(|(name, cap)| (name.to_owned(), cap)).collect();
        let ttl = ttl.map(|minutes: i64| Span::from_millisecond(minutes * 60_000));
        (NAMES[at].to_owned(), NamespaceRule { limit, window: days(window), glue, fan, ttl, ..old })
    })
}

/// Other rules of one to three namespaces; now and then those of a new store, and now and then other ranks and other
/// persons.
fn changed() -> impl Strategy<Value = Rules> {
    let some = || prop::collection::vec((0usize..7).prop_flat_map(rule), 1..4);
    let some = move || some().prop_map(|all| all.into_iter().collect::<Rules>());
    let ranks = Just((0u16..7).collect::<Vec<_>>()).prop_shuffle();
    let persons = prop::collection::vec(prop::bool::weighted(0.2), 7);
    prop_oneof![
        6 => some(),
        1 => Just(initial()),
        3 => (some(), ranks, prop::bool::ANY, persons).prop_map(|(some, ranks, ranked, persons)| {
            let mut all = initial();
            all.extend(some);
            for ((name, rank), flip) in NAMES.iter().zip(ranks).zip(persons) {
                let rule = all.get_mut(*name).unwrap();
                rule.rank = if ranked { rank } else { rule.rank };
                rule.person ^= flip;
            }
            all
        }),
    ]
}

/// With an id that a message of another trust may have, too: the verified one displaces the claimed one.
fn of_one_space(message: Message) -> Message {
    Message { id: message.id.replace('c', "m"), ..message }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (prop::collection::vec(message(), 1..8), prop::bool::ANY).prop_map(|(messages, one)| {
            Step::Messages(if one { messages.into_iter().map(of_one_space).collect() } else { messages })
        }),
        3 => statement().prop_map(Step::State),
        5 => changed().prop_map(Step::Rules),
        2 => prop::collection::vec(prop::sample::select(&VALUES[..]), 1..3).prop_map(Step::Block),
        1 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

/// Whether somebody may object to being written to.
fn says_no(step: &Step) -> bool {
    let no =
        |body: &Body| matches!(body, Body::Consent { .. } | Body::Unsubscribed(_) | Body::Bounced(_) | Body::Complaint);
    matches!(step, Step::Messages(messages) if messages.iter().any(|message| no(&message.body)))
}

fn open(at: &Scratch, rules: &Rules, blocked: &BTreeSet<String>) -> Store {
    let blocked = serde_json::json!({"add": blocked});
    let config = serde_json::json!({"currency": "EUR", "namespaces": rules, "blocked": blocked});
    let config: Config = serde_json::from_value(config).unwrap();
    let options = Store::options().config(config).key([7; 32]).clock(Clock::Manual).seal_events(64);
    options.durability(Durability::OnFlush).open(&at.0).unwrap()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_store_is_what_its_rules_would_have_made_of_it(steps in prop::collection::vec(step(), 1..24)) {
        let initial = initial();
        let (one, other) = (Scratch::new("rules"), Scratch::new("ruled"));
        let mut store = open(&one, &initial, &BTreeSet::new());
        define(&store);
        let (mut rules, mut blocked, mut erased) = (initial.clone(), BTreeSet::new(), BTreeSet::new());
        let mut told = Vec::new();
        for step in &steps {
            match step {
                Step::Messages(messages) => ingest(&store, messages),
                // An erasure names what was blocked later, but nothing that was never a name.
                Step::State(fact) => {
                    let mut fact = fact.clone();
                    if let Said::Erase { identifiers, .. } = &mut fact.said {
                        identifiers.retain(|(_, value)| !blocked.contains(value));
                        erased.extend(identifiers.iter().map(|(_, value)| value.clone()));
                    }
                    tell(&store, &fact);
                    told.push(fact);
                }
                // What was erased under a name stays erased; a store that never knew the name would have kept it.
                Step::Block(values) => {
                    let values: Vec<&str> = values.iter().copied().filter(|value| !erased.contains(*value)).collect();
                    blocked.extend(values.iter().map(|value| (*value).to_owned()));
                    let foreseen = store.snapshot().what_if_blocked(values.clone()).unwrap();
                    prop_assert_eq!(store.block(values).unwrap(), foreseen);
                }
                Step::Rules(new) => {
                    let before = store.snapshot();
                    // Ranks are those of the store, unless all of them are given.
                    let mut new = new.clone();
                    if new.len() < NAMES.len() {
                        new.iter_mut().for_each(|(name, rule)| rule.rank = rules[name].rank);
                    }
                    let new = &new;
                    let foreseen = before.what_if(new).unwrap();
                    let report = store.set_rules(new).unwrap();
                    prop_assert_eq!(&report, &foreseen);
                    let feed = store.snapshot().changes(before.changes_end(), usize::MAX).unwrap().changes;
                    prop_assert_eq!(feed.len(), report.changes.len() + count(&report.entered) + count(&report.left));
                    rules.extend(new.clone());
                }
                Step::Seal => store.seal().unwrap(),
                Step::Compact => store.compact().unwrap(),
                Step::Reopen => {
                    store.close().unwrap();
                    store = open(&one, &initial, &BTreeSet::new());
                }
            }
        }
        prop_assert_eq!(&store.snapshot().rules().namespaces, &rules);
        prop_assert_eq!(&store.snapshot().rules().blocked, &blocked.iter().cloned().collect::<Vec<_>>());
        let ruled = open(&other, &rules, &blocked);
        define(&ruled);
        let mut told = told.iter();
        for step in &steps {
            match step {
                Step::Messages(messages) => ingest(&ruled, messages),
                Step::State(_) => drop(told.next().map(|fact| tell(&ruled, fact))),
                _ => {}
            }
        }
        let [whole, anew] = [&store, &ruled].map(|store| store.snapshot().digest().unwrap());
        prop_assert_eq!(&whole.identity, &anew.identity);
        // An erasure remembers whose contacts had said no as it was known when it was asked for: by the rules of then.
        if erased.is_empty() || !steps.iter().any(says_no) {
            prop_assert_eq!(whole, anew);
        }
        prop_assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
        for (segment, _) in store.snapshot().segments() {
            let [live, anew] = [&store, &ruled].map(|store| store.snapshot().members(&segment).unwrap().profiles().unwrap());
            prop_assert_eq!(live, anew);
        }
    }
}

fn count(people: &BTreeMap<String, u64>) -> usize {
    usize::try_from(people.values().sum::<u64>()).unwrap()
}

#[test]
fn what_cannot_be_changed_is_refused_and_changes_nothing() {
    let store = Store::in_memory().unwrap();
    let email = store.snapshot().rules().namespaces["email"].clone();
    let set =
        |name: &str, rule: NamespaceRule| store.set_rules(&[(name.to_owned(), rule)].into()).unwrap_err().to_string();
    assert!(set("till", NamespaceRule::default()).contains("till"));
    assert!(set("email", NamespaceRule { rank: 40, ..email.clone() }).contains("rank 40"));
    assert!(set("email", NamespaceRule { per_shop: true, ..email.clone() }).contains("per_shop"));
    let fan = BTreeMap::from([("planet".to_owned(), 1)]);
    assert!(set("email", NamespaceRule { fan, ..email.clone() }).contains("planet"));
    assert_eq!(store.set_rules(&[("email".to_owned(), email)].into()).unwrap().version, 0);
    assert_eq!(store.snapshot().rules().version, 0);
}

#[test]
fn readers_keep_the_rules_of_their_snapshot() {
    let store = Store::in_memory().unwrap();
    let text = br#"[{"type":"identify","userId":"1","traits":{"phone":"+4520123456"}},
        {"type":"identify","userId":"2","traits":{"phone":"+4520123457"}},
        {"type":"identify","anonymousId":"a","userId":"1"},{"type":"identify","anonymousId":"a","userId":"2"}]"#;
    store.ingest_json(text).unwrap();
    let before = store.snapshot();
    let cursor = before.changes_end();
    let rules = before.rules().namespaces;
    let report = store
        .set_rules(
            &[
                ("user_id".to_owned(), NamespaceRule { limit: Some(2), ..rules["user_id"].clone() }),
                ("anonymous_id".to_owned(), NamespaceRule { glue: Some(2), ..rules["anonymous_id"].clone() }),
            ]
            .into(),
        )
        .unwrap();
    assert_eq!((report.merged, report.unshared, report.version), (1, 1, 1), "{report}");
    assert_eq!((before.people(), store.snapshot().people()), (2, 1));
    assert_eq!(before.rules().version, 0);
    let changes = store.snapshot().changes(cursor, 10).unwrap().changes;
    assert!(changes.iter().any(|change| matches!(change, Change::Merged { cause: Cause::Rules, .. })), "{changes:?}");
    let why = store.snapshot().why(id::user("1"), id::user("2")).unwrap().unwrap();
    assert_eq!(why.path.len(), 2);
}

/// Evidence that came after a revocation lies beside the layers, and counts all the same.
#[test]
fn evidence_after_a_revocation_is_reached_too() {
    let store = Store::in_memory().unwrap();
    let (user, cookie) = (|| id::user("u"), || id::anonymous("a"));
    let at = |day: u32| format!("2026-01-0{day}").parse().unwrap();
    let event = |day: u32| {
        let text = format!(r#"{{"type":"page","userId":"u","anonymousId":"a","timestamp":"2026-01-0{day}"}}"#);
        store.ingest_json(text.as_bytes()).unwrap();
    };
    store.rule(Ruling::matched(user(), cookie(), 0.95).at(at(1))).unwrap();
    store.rule(Ruling::revoke(user(), cookie()).at(at(2))).unwrap();
    event(3);
    assert_eq!(store.snapshot().profiles(), 1);
    let rules = store.snapshot().rules().namespaces;
    let fan = BTreeMap::from([("anonymous_id".to_owned(), 0)]);
    let report = store.set_rules(&[("user_id".to_owned(), NamespaceRule { fan, ..rules["user_id"].clone() })].into());
    assert_eq!(report.unwrap().shared, 1);
    assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
}

/// Identifiers beyond the first 20 of an event move up when one before them is blocked, and a value of one shop is
/// blocked in all of them.
#[test]
fn blocking_is_as_if_the_value_had_never_been_a_name() {
    let config = |blocked: &[&str]| {
        let namespaces = serde_json::json!({"till": {"rank": 70, "per_shop": true, "glue": 1}});
        let sources = serde_json::json!({"north": {"shop": "north"}, "south": {"shop": "south"}});
        let mapping = serde_json::json!({"till": "properties.till"});
        serde_json::from_value::<Config>(serde_json::json!({"namespaces": namespaces, "sources": sources,
            "mapping": mapping, "blocked": {"add": blocked}}))
        .unwrap()
    };
    let open = |blocked: &[&str]| Store::options().config(config(blocked)).key([7; 32]).in_memory().unwrap();
    let tell = |store: &Store| {
        for shop in ["north", "south"] {
            for user in ["1", "2"] {
                let text = format!(
                    r#"{{"type":"track","event":"Sale","messageId":"{shop}{user}","timestamp":"2026-01-0{user}",
                    "userId":"{user}","properties":{{"till":"9"}}}}"#
                );
                store.ingest(text.as_bytes(), &Ingest::new().source(shop)).unwrap();
            }
        }
        let ids: Vec<String> =
            (10..40).map(|at| format!(r#"{{"type":"email","id":"e{at}@x.example","collection":"users"}}"#)).collect();
        let many = format!(
            r#"{{"type":"identify","messageId":"many","timestamp":"2026-01-03","userId":"many",
            "context":{{"externalIds":[{}]}}}}"#,
            ids.join(",")
        );
        store.ingest_json(many.as_bytes()).unwrap();
    };
    let blocked = ["9", "e11@x.example", "e35@x.example", "many"];
    let (later, always) = (open(&[]), open(&blocked));
    tell(&later);
    tell(&always);
    let live = |store: &Store, at: u32| {
        store.snapshot().resolve(id::email(format!("e{at}@x.example")), None).unwrap().is_some()
    };
    assert_eq!((live(&later, 27), live(&later, 29), live(&always, 30), live(&always, 31)), (true, false, true, false));
    let report = later.block(blocked).unwrap();
    assert_eq!(later.snapshot().digest().unwrap(), always.snapshot().digest().unwrap(), "{report}");
    assert_eq!((live(&later, 30), live(&later, 31)), (true, false));
    assert_eq!(later.verify().unwrap().differences, Vec::<String>::new());
}

/// Another order of strength and other persons make other facts: of what lies in parts, in the tail and in the log, of
/// what comes later, and of what was erased.
#[test]
fn strength_and_persons_can_change_later() {
    let mut rules = initial();
    for (name, rank) in [("anonymous_id", 0), ("device", 1), ("user_id", 2), ("customer_id", 3), ("loyalty_card", 4)] {
        rules.get_mut(name).unwrap().rank = rank;
    }
    for (name, rank, person) in [("email", 5, false), ("phone", 6, true), ("device", 1, true)] {
        let rule = rules.get_mut(name).unwrap();
        (rule.rank, rule.person) = (rank, person);
    }
    let browser = || Ingest::new().source("web").trust(regulars::Trust::Claimed);
    let many = |id: &str, of: u32| {
        let ids = (of..of + 30).map(|at| format!(r#"{{"type":"email","id":"e{at}@x.example","collection":"users"}}"#));
        format!(
            r#"{{"type":"identify","messageId":"{id}","timestamp":"2026-01-03","anonymousId":"many{of}","userId":"many",
            "context":{{"device":{{"id":"d{of}"}},"externalIds":[{}]}}}}"#,
            ids.collect::<Vec<_>>().join(",")
        )
        .into_bytes()
    };
    let claimed = |id: &str, day: u32| {
        format!(
            r#"{{"type":"identify","messageId":"{id}","timestamp":"2026-01-0{day}","anonymousId":"c{day}","userId":"u{day}",
            "traits":{{"email":"ann@x.example"}},"context":{{"device":{{"id":"tablet"}}}}}}"#
        )
        .into_bytes()
    };
    let early = |store: &Store| {
        store.ingest_json(&many("m1", 10)).unwrap();
        store.ingest(&claimed("m2", 4), &browser()).unwrap();
        store.ingest_json(&claimed("m3", 5)).unwrap();
        store.ingest_json(br#"{"type":"page","messageId":"m4","timestamp":"2026-01-06","userId":"gone"}"#).unwrap();
        store.rule(Ruling::alias(id::user("u5"), id::user("u4")).at("2026-01-07".parse().unwrap())).unwrap();
        let erasure = regulars::Erasure::identifiers([id::user("gone")]).at("2026-01-08".parse().unwrap());
        store.erase(&erasure).unwrap();
    };
    let late = |store: &Store| {
        store.ingest_json(&many("m5", 25)).unwrap();
        store.ingest(&claimed("m6", 6), &browser()).unwrap();
        store
            .rule(Ruling::deny(id::email("e12@x.example"), id::user("many")).at("2026-01-09".parse().unwrap()))
            .unwrap();
        assert_eq!(store.ingest_json(&many("m1", 10)).unwrap().duplicates, 1);
    };
    let dir = Scratch::new("strength");
    let always = Scratch::new("always");
    let (mut store, other) = (open(&dir, &initial(), &BTreeSet::new()), open(&always, &rules, &BTreeSet::new()));
    define(&store);
    define(&other);
    early(&store);
    early(&other);
    store.seal().unwrap();
    let (before, feed) = (store.snapshot(), store.snapshot().changes(0, usize::MAX).unwrap());
    let told = before.digest().unwrap();
    let foreseen = before.what_if(&rules).unwrap();
    let report = store.set_rules(&rules).unwrap();
    assert_eq!(report, foreseen);
    assert!(report.events_moved > 0 && report.removed + report.renamed + report.split + report.merged > 0, "{report}");
    assert_eq!(store.snapshot().digest().unwrap(), other.snapshot().digest().unwrap(), "{report}");
    assert_eq!(before.digest().unwrap(), told, "a snapshot keeps its rules");
    let after = store.snapshot().changes(0, usize::MAX).unwrap();
    assert_eq!(after.changes.get(..feed.changes.len()), Some(feed.changes.as_slice()), "the feed goes on");
    late(&store);
    late(&other);
    let parts = || {
        let names = std::fs::read_dir(&dir.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".part")).count()
    };
    for _ in 0..2 {
        assert_eq!(store.snapshot().digest().unwrap(), other.snapshot().digest().unwrap());
        assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
        store.close().unwrap();
        // First from the parts of before and the log, then from the part in their place.
        store = open(&dir, &initial(), &BTreeSet::new());
        assert_eq!(store.snapshot().digest().unwrap(), other.snapshot().digest().unwrap());
        store.seal().unwrap();
    }
    assert_eq!(parts(), 2, "one of facts, one of the state");
    let gone = store.ingest_json(br#"{"type":"page","messageId":"m4","timestamp":"2026-01-06","userId":"gone"}"#);
    assert_eq!(gone.unwrap().rejects[0].reason, regulars::Reason::Suppressed);
}

/// Of a store that cannot be read, nothing is taken in again without what is missing: either the damage is told before
/// anything is written, or it did no harm.
#[test]
fn damage_is_told_before_rules_make_it_worse() {
    let dir = Scratch::new("whole");
    let store = open(&dir, &initial(), &BTreeSet::new());
    let browser = Ingest::new().source("web").trust(regulars::Trust::Claimed);
    for at in 0..40 {
        let text = |user: u32| {
            format!(
                r#"{{"type":"identify","messageId":"m{at}","timestamp":"2026-01-0{}","anonymousId":"a{}","userId":"u{user}",
                "traits":{{"email":"e{}@x.example"}}}}"#,
                at % 9 + 1,
                at % 13,
                at % 11
            )
        };
        store.ingest(text(at % 7).as_bytes(), &browser).unwrap();
        // A verified message in the place of a claimed one.
        if at % 2 == 0 {
            store.ingest_json(text(at % 5).as_bytes()).unwrap();
        }
    }
    store.seal().unwrap();
    let before = store.snapshot().digest().unwrap();
    let weak = BTreeMap::from([("email".to_owned(), NamespaceRule { rank: 70, ..initial()["email"].clone() })]);
    store.close().unwrap();
    let files: Vec<(std::ffi::OsString, Vec<u8>)> = std::fs::read_dir(&dir.0)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()))
        .collect();
    let copy = |flipped: usize| {
        let copy = Scratch::new("damaged");
        let _ = std::fs::create_dir_all(&copy.0);
        let (part, _) = files.iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
        for (name, bytes) in &files {
            let mut bytes = bytes.clone();
            if name == part && flipped < bytes.len() {
                bytes[flipped] ^= 0x40;
            }
            std::fs::write(copy.0.join(name), bytes).unwrap();
        }
        copy
    };
    let ruled = |at: &Scratch| {
        let store = Store::options().durability(Durability::OnFlush).open(&at.0)?;
        store.set_rules(&weak)?;
        let digest = store.snapshot().digest()?;
        store.seal()?;
        store.close().map(|()| digest)
    };
    let whole = copy(usize::MAX);
    let expected = ruled(&whole).unwrap();
    assert_ne!(expected, before);
    let len = files.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
    let (mut told, mut harmless) = (0, 0);
    for flipped in (0..len).step_by(len / 150 + 1) {
        let damaged = copy(flipped);
        match ruled(&damaged) {
            Ok(digest) => {
                assert_eq!(digest, expected, "byte {flipped}");
                harmless += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), regulars::ErrorKind::Corrupt, "byte {flipped}: {error}");
                // What was there before is there still: nothing that fails was logged.
                if let Ok(store) = Store::options().open(&damaged.0) {
                    assert_eq!(store.snapshot().rules().version, 0, "byte {flipped}");
                }
                told += 1;
            }
        }
    }
    assert!(told > 20, "{told} told, {harmless} harmless");
}

/// Whoever reads the feed must not believe for ever that an identifier is shared of which nothing is known any more.
#[test]
fn a_shared_identifier_that_is_erased_is_shared_no_more() {
    let store = Store::in_memory().unwrap();
    for (at, user) in [("m0", "u0"), ("m1", "u1")] {
        let text = format!(
            r#"{{"type":"page","messageId":"{at}","userId":"{user}","context":{{"device":{{"id":"x"}}}},"timestamp":"2026-01-01"}}"#
        );
        store.ingest_json(text.as_bytes()).unwrap();
    }
    let kinds = |since: u64| -> Vec<bool> {
        let changes = store.snapshot().changes(since, usize::MAX).unwrap().changes;
        let sharing = changes.iter().filter_map(|change| match change {
            Change::Shared { .. } => Some(true),
            Change::Unshared { .. } => Some(false),
            _ => None,
        });
        sharing.collect()
    };
    assert_eq!(kinds(0), [true]);
    let erasure = regulars::Erasure::identifiers([]).messages(["m0", "m1"].map(regulars::MessageId::new));
    store.erase(&erasure).unwrap();
    assert_eq!(kinds(0), [true, false]);
}
