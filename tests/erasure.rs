//! What an erasure reaches, whom it means, and what it says beforehand.

use crate::laws::{self, Scratch, cases};
use crate::model::check::{self, at, ingest};
use crate::model::message::{BASE, DAY, instant, message};
use crate::model::spec::{self, Said, SpecFact};
use crate::model::stated::statement;
use crate::model::{Model, Verdict, world};
use proptest::prelude::*;
use regulars::{
    Clock, Digest, Erasure, ErrorKind, Id, Ingest, MessageId, Options, ProfileId, Reason, Ruling, Store, Trust, id,
};
use std::collections::BTreeSet;

fn options() -> Options {
    let config = serde_json::from_str(r#"{"currency":"EUR"}"#).unwrap();
    Store::options().config(config).key([7; 32]).clock(Clock::Manual)
}

fn store() -> Store {
    let store = options().in_memory().unwrap();
    store.advance(at(BASE)).unwrap();
    store
}

/// Whom the facts below name, each in another way.
fn ann() -> Id {
    id::email("ann@example.com")
}

/// Tells a store something that names her, at an instant; false if it was refused.
type Telling = fn(&Store, i64) -> bool;

fn taken(store: &Store, json: &str, trust: Trust) -> bool {
    let receipt = store.ingest(json.as_bytes(), &Ingest::new().trust(trust)).unwrap();
    assert!(receipt.rejects.iter().all(|reject| reject.reason == Reason::Suppressed), "{receipt}");
    receipt.rejected == 0
}

fn ruled(store: &Store, ruling: Ruling, ts: i64) -> bool {
    let receipt = store.rule(ruling.at(at(ts)).id(MessageId::new("m"))).unwrap();
    receipt.rejected == 0
}

/// Every way in which a fact names an identifier.
const TELLINGS: &[(&str, Telling)] = &[
    ("a verified event", |store, ts| {
        let json = format!(
            r#"{{"type":"identify","messageId":"m","userId":"1","timestamp":{ts},"traits":{{"email":"Ann@example.com"}}}}"#
        );
        taken(store, &json, Trust::Verified)
    }),
    ("an order", |store, ts| {
        let json = format!(
            r#"{{"type":"track","event":"Order Completed","messageId":"m","anonymousId":"guest","timestamp":{ts},"properties":{{"order_id":"1","total":9,"email":"ann@example.com"}}}}"#
        );
        taken(store, &json, Trust::Verified)
    }),
    ("a claimed event", |store, ts| {
        let json = format!(
            r#"{{"type":"identify","messageId":"m","anonymousId":"a1","timestamp":{ts},"traits":{{"email":"ann@example.com"}}}}"#
        );
        taken(store, &json, Trust::Claimed)
    }),
    ("an event with more identifiers than count", |store, ts| {
        let ids: Vec<String> = (10..40).map(|nth| format!(r#"{{"id":"user-{nth}","type":"user_id"}}"#)).collect();
        let json = format!(
            r#"{{"type":"page","messageId":"m","timestamp":{ts},"context":{{"externalIds":[{}],"traits":{{"email":"ann@example.com"}}}}}}"#,
            ids.join(",")
        );
        taken(store, &json, Trust::Verified)
    }),
    ("an alias", |store, ts| ruled(store, Ruling::alias(ann(), id::user("1")), ts)),
    ("a deny", |store, ts| ruled(store, Ruling::deny(id::user("1"), ann()), ts)),
    ("a revocation", |store, ts| ruled(store, Ruling::revoke(id::user("1"), ann()), ts)),
    ("a match", |store, ts| ruled(store, Ruling::matched(ann(), id::user("1"), 0.95), ts)),
];

fn forget(store: &Store) -> regulars::Erased {
    store.erase(&Erasure::identifiers([ann()]).at(at(BASE)).id(MessageId::new("e"))).unwrap()
}

/// Others, who stay.
fn others(store: &Store) {
    let json = format!(
        r#"[{{"type":"identify","messageId":"o1","userId":"1","timestamp":{BASE},"traits":{{"tier":"gold"}}}},
            {{"type":"page","messageId":"o2","anonymousId":"a1","timestamp":{BASE}}}]"#
    );
    assert!(taken(store, &json, Trust::Verified));
}

/// Whether the store holds anything that names her.
fn is_known(store: &Store) -> bool {
    store.snapshot().what_if_erased(&Erasure::identifiers([ann()])).unwrap().messages > 0
}

/// Whether rules block a value before, between or after makes no difference to what goes.
#[test]
fn blocking_and_erasing_commute() {
    for (way, tell) in TELLINGS {
        let steps: [&dyn Fn(&Store); 3] = [
            &|store| assert!(tell(store, BASE - DAY), "{way}"),
            &|store| drop(store.block(["ann@example.com"]).unwrap()),
            &|store| assert_eq!(forget(store).receipt.accepted, 1, "{way}"),
        ];
        // The fact comes before its erasure.
        let mut digests = BTreeSet::new();
        for order in [[1, 0, 2], [0, 1, 2], [0, 2, 1]] {
            let store = store();
            others(&store);
            for step in order {
                let foreseen = store.snapshot().what_if_erased(&Erasure::identifiers([ann()])).unwrap();
                steps[step](&store);
                assert_eq!(step == 2, foreseen.messages > 0 && !is_known(&store), "{way}");
                assert_eq!(foreseen.identifiers.contains(&ann()), foreseen.messages > 0, "{way}: blocked or not");
            }
            assert!(!tell(&store, BASE - DAY), "{way}: it comes again");
            assert_eq!(store.snapshot().events(), 2, "{way}");
            assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
            let Digest { digest, .. } = store.snapshot().digest().unwrap();
            digests.insert(digest);
        }
        // Or it is refused after it.
        for order in [[1, 2], [2, 1]] {
            let store = store();
            others(&store);
            order.iter().for_each(|step| steps[*step](&store));
            assert!(!tell(&store, BASE - DAY), "{way}: it comes late");
            digests.insert(store.snapshot().digest().unwrap().digest);
        }
        assert_eq!(digests.len(), 1, "{way}");
    }
}

/// A clock that runs ahead saves nothing that the store has, and keeps nobody out who comes later.
#[test]
fn what_lies_ahead_of_an_erasure_goes_too() {
    for (way, tell) in TELLINGS {
        for (layout, by_person) in [("tail", false), ("sealed", false), ("sealed", true)] {
            let folder = Scratch::new("ahead");
            let store = options().open(&folder.0).unwrap();
            store.advance(at(BASE)).unwrap();
            others(&store);
            assert!(tell(&store, BASE + 400 * DAY), "{way}");
            let page = format!(
                r#"{{"type":"identify","messageId":"p","timestamp":{},"traits":{{"email":"ann@example.com"}}}}"#,
                BASE - DAY
            );
            assert!(taken(&store, &page, Trust::Verified));
            if layout == "sealed" {
                store.seal().unwrap();
            }
            let whom = if by_person { Erasure::person(ann()) } else { Erasure::identifiers([ann()]) };
            let erased = store.erase(&whom.at(at(BASE)).id(MessageId::new("e"))).unwrap();
            assert!(erased.profile.is_some() || !by_person, "{way}");
            assert!(store.snapshot().resolve(ann(), None).unwrap().is_none(), "{way}");
            let attribution = store.snapshot().attribution().unwrap();
            assert!(attribution.iter().all(|(id, _)| !["m", "p"].contains(&id.to_string().as_str())), "{way}");
            let digest = store.snapshot().digest().unwrap();
            assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
            store.close().unwrap();
            let store = options().open(&folder.0).unwrap();
            assert_eq!(store.snapshot().digest().unwrap(), digest, "{way}: after a restart");
            store.compact().unwrap();
            assert_eq!(store.snapshot().digest().unwrap(), digest, "{way}: after compaction");
            assert!(!tell(&store, BASE + 400 * DAY), "{way}: the same comes again");
            let back = format!(
                r#"{{"type":"identify","messageId":"n","timestamp":{},"traits":{{"email":"ann@example.com"}}}}"#,
                BASE + DAY
            );
            assert!(taken(&store, &back, Trust::Verified), "{way}: she returns");
        }
    }
}

/// The id of what went is free, in whatever order things came, unless the erasure names it.
#[test]
fn the_id_of_an_erased_message_is_free_unless_it_was_named() {
    let of = |user: &str, trust: Trust| {
        let json = format!(r#"{{"type":"page","messageId":"m","userId":"{user}","timestamp":{}}}"#, BASE - DAY);
        move |store: &Store| taken(store, &json, trust)
    };
    let erase = |named: bool| {
        let erasure = Erasure::identifiers([id::user("1")]).at(at(BASE)).id(MessageId::new("e"));
        if named { erasure.messages([MessageId::new("m")]) } else { erasure }
    };
    for named in [false, true] {
        for trust in [Trust::Verified, Trust::Claimed] {
            let (first, second) = (of("1", trust), of("2", Trust::Verified));
            let (before, after) = (store(), store());
            assert!(first(&after));
            after.erase(&erase(named)).unwrap();
            before.erase(&erase(named)).unwrap();
            for store in [&before, &after] {
                assert!(!first(store), "it stays away");
                assert_eq!(second(store), !named);
                assert_eq!(store.snapshot().events(), u64::from(!named));
                assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
            }
            assert_eq!(before.snapshot().digest().unwrap(), after.snapshot().digest().unwrap());
        }
    }
}

/// Three customers, each with the shared thing on another day.
fn household(store: &Store, names: &str) -> Vec<ProfileId> {
    let one = |user: usize| {
        let json = format!(
            r#"{{"type":"identify","userId":"{user}","timestamp":{},{names}}}"#,
            BASE - (9 - user as i64) * DAY
        );
        assert!(taken(store, &json, Trust::Verified));
    };
    (1..4).for_each(one);
    let id = |user: usize| store.snapshot().resolve(id::user(user.to_string()), None).unwrap().unwrap();
    (1..4).map(id).collect()
}

#[test]
fn a_shared_identifier_means_nobody_unless_somebody_decides() {
    for (names, shared) in [
        (r#""traits":{"email":"home@example.com"}"#, id::email("home@example.com")),
        (r#""traits":{"phone":"+4520123456"}"#, id::phone("+4520123456")),
        (r#""anonymousId":"kiosk""#, id::anonymous("kiosk")),
        (r#""context":{"device":{"id":"tablet"}}"#, Id::new("device", "tablet")),
    ] {
        let store = store();
        let people = household(&store, names);
        let before = store.snapshot().digest().unwrap();
        for refused in [
            store.erase(&Erasure::person(shared.clone())).unwrap_err(),
            store.snapshot().what_if_erased(&Erasure::person(shared.clone())).unwrap_err(),
        ] {
            let listed: BTreeSet<ProfileId> = refused.candidates().iter().map(|id| id.parse().unwrap()).collect();
            assert_eq!((refused.kind(), listed), (ErrorKind::Ambiguous, people.iter().copied().collect()));
            assert!(people.iter().all(|id| refused.to_string().contains(&id.to_string())));
            assert!(!refused.to_string().contains(shared.value()));
        }
        assert_eq!(store.snapshot().digest().unwrap(), before);
        // The page of who had it last says that it is one of several.
        let page = store.snapshot().profile(shared.clone()).unwrap();
        if let Some(page) = &page {
            assert_eq!((page.id, page.asked.shared, page.asked.by), (people[2], true, "claim"));
        }
        let asked = store.snapshot().asked(&shared, None).unwrap();
        assert_eq!((asked.identifier, asked.people_count), (Some(shared.clone()), 3));
        // The instant decides: who had it on the second day.
        let then = at(BASE - 7 * DAY);
        assert_eq!(store.snapshot().resolve(shared.clone(), Some(then)).unwrap(), Some(people[1]));
        let erased = store.erase(&Erasure::person(shared.clone()).at(then)).unwrap();
        assert_eq!((erased.profile, erased.events, erased.kept), (Some(people[1]), 1, vec![shared.clone()]));
        assert!(store.snapshot().profile(id::user("2")).unwrap().is_none());
        // So does the profile; only one is left then.
        assert_eq!(store.erase(&Erasure::profile(people[2])).unwrap().profile, Some(people[2]));
        assert!(store.snapshot().profile(id::user("1")).unwrap().is_some());
        assert_eq!(store.erase(&Erasure::profile(people[2])).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
    }
}

/// What was erased is named nowhere, not even by what the feed tells of the erasure itself; what comes again is.
#[test]
fn the_feed_names_nobody_who_was_erased() {
    let home = || id::email("home@example.com");
    let named = |store: &Store| {
        let feed = store.snapshot().changes(0, usize::MAX).unwrap();
        serde_json::to_string(&feed.changes).unwrap().contains(home().value())
    };
    let messages = || (1..4).map(|user| MessageId::new(&format!("m{user}")));
    for how in 0..4 {
        let store = store();
        for user in 1..4 {
            let json = format!(
                r#"{{"type":"identify","messageId":"m{user}","userId":"{user}","timestamp":{BASE},
                    "traits":{{"email":"home@example.com"}}}}"#
            );
            assert!(taken(&store, &json, Trust::Verified));
        }
        assert!(named(&store));
        match how {
            0 => drop(store.erase(&Erasure::identifiers([home()])).unwrap()),
            1 => drop(store.erase(&Erasure::default().messages(messages())).unwrap()),
            2 => drop(store.erase(&Erasure::identifiers((1..4).map(|user| id::user(user.to_string())))).unwrap()),
            _ => drop(store.retract(messages()).unwrap()),
        }
        assert!(!named(&store), "{how}");
        let later = r#"{"type":"identify","userId":"9","timestamp":0,"traits":{"email":"home@example.com"}}"#;
        let later = later.replace(":0,", &format!(":{},", BASE + 9 * DAY));
        assert!(taken(&store, &later, Trust::Verified));
        assert_eq!(store.verify().unwrap().differences, Vec::<String>::new());
    }
}

/// Of identifiers given by hand, too, what others lose is counted, once somebody holds them alone; not what the host named.
#[test]
fn what_others_lose_is_counted_by_hand_too() {
    let store = store();
    for (user, name) in [("1", "a"), ("2", "b"), ("3", "c")] {
        let json = format!(r#"{{"type":"identify","messageId":"{name}","userId":"{user}","timestamp":{BASE}}}"#);
        assert!(taken(&store, &json, Trust::Verified));
    }
    let both = format!(
        r#"{{"type":"identify","messageId":"d","userId":"2","timestamp":{BASE},
            "traits":{{"phone":"+4520123456"}},"context":{{"traits":{{"email":"ann@example.com"}}}}}}"#
    );
    assert!(taken(&store, &both, Trust::Verified));
    store.rule(Ruling::deny(id::user("2"), ann()).at(at(BASE)).id(MessageId::new("never"))).unwrap();
    let erasure = Erasure::identifiers([ann()]).messages([MessageId::new("c")]);
    let foreseen = store.snapshot().what_if_erased(&erasure).unwrap();
    assert_eq!((foreseen.events, foreseen.events_of_others), (2, 1));
    let erased = store.erase(&erasure).unwrap();
    assert_eq!((erased.events, erased.events_of_others), (2, 1));
    let all = Erasure::identifiers([id::user("1"), id::user("2")]);
    assert_eq!(store.erase(&all).unwrap().events_of_others, 0, "several people are asked for");
}

/// Under an id that another fact has an erasure is a duplicate: it takes nothing, and says so beforehand. Only a claimed
/// message gives way.
#[test]
fn nothing_goes_under_an_id_that_is_taken() {
    for (trust, goes) in [(Trust::Verified, false), (Trust::Claimed, true)] {
        let store = store();
        let [mine, theirs] = [("a", "1", Trust::Verified), ("b", "2", trust)].map(|(id, user, trust)| {
            let json = format!(r#"{{"type":"page","messageId":"{id}","anonymousId":"{user}","timestamp":{BASE}}}"#);
            assert!(taken(&store, &json, trust));
            MessageId::new(id)
        });
        let erasure = |id: &MessageId| Erasure::identifiers([id::anonymous("1")]).id(id.clone());
        for (id, goes) in [(mine, false), (theirs, goes)] {
            let foreseen = store.snapshot().what_if_erased(&erasure(&id)).unwrap();
            let erased = store.erase(&erasure(&id)).unwrap();
            assert_eq!((foreseen.events, erased.events), (u64::from(goes), u64::from(goes)));
            assert_eq!((foreseen.identifiers.len(), foreseen.profile), (usize::from(goes), erased.profile));
            assert_eq!((erased.receipt.accepted, erased.receipt.duplicates), (u64::from(goes), u64::from(!goes)));
        }
    }
}

proptest! {
    #![proptest_config(cases(400))]

    /// A dry run says what goes, and nothing goes; then it does.
    #[test]
    fn a_dry_run_says_what_goes(
        messages in prop::collection::vec(message(), 1..30),
        whom in any::<prop::sample::Index>(),
        form in 0u8..4,
    ) {
        let store = options().in_memory().unwrap();
        ingest(&store, &messages);
        let owners = store.snapshot().identifiers().unwrap();
        prop_assume!(!owners.is_empty());
        let owner = whom.get(&owners);
        let erasure = match (form, owner.profile) {
            (0, Some(profile)) => Erasure::profile(profile),
            (1, _) => Erasure::person(owner.id.clone()),
            (2, _) => Erasure::person(owner.id.clone()).at(at(BASE + DAY)),
            _ => Erasure::identifiers([owner.id.clone()]).at(at(BASE + DAY)),
        };
        let before = store.snapshot();
        let foreseen = match before.what_if_erased(&erasure) {
            Ok(foreseen) => foreseen,
            Err(error) => {
                prop_assert_eq!(error.kind() == ErrorKind::Ambiguous, owner.shared && form == 1);
                prop_assert_eq!(store.erase(&erasure).unwrap_err().kind(), error.kind());
                return Ok(());
            }
        };
        prop_assert_eq!(store.snapshot().digest().unwrap(), before.digest().unwrap());
        let erased = store.erase(&erasure).unwrap();
        prop_assert_eq!((erased.profile, erased.events), (foreseen.profile, foreseen.events));
        prop_assert_eq!((erased.events_of_others, &erased.kept), (foreseen.events_of_others, &foreseen.kept));
        let after = store.snapshot();
        prop_assert_eq!(after.events(), before.events() - foreseen.events);
        let seen = |snapshot: &regulars::Snapshot| -> BTreeSet<Id> {
            snapshot.identifiers().unwrap().into_iter().map(|owner| owner.id).collect()
        };
        let (had, has) = (seen(&before), seen(&after));
        let goes: BTreeSet<Id> = foreseen.identifiers.iter().cloned().collect();
        let went: BTreeSet<Id> = had.difference(&has).cloned().collect();
        // What only claimed facts name afterwards is nobody's, but the store still holds it.
        prop_assert!(went.iter().all(|id| goes.contains(id) || foreseen.kept.contains(id)), "{:?} {:?}", went, goes);
        prop_assert!(goes.is_disjoint(&has), "{:?} {:?}", goes, has);
        prop_assert!(goes.iter().all(|id| !foreseen.kept.contains(id)));
        if let Some(profile) = foreseen.profile {
            prop_assert_eq!(after.current_id(profile).unwrap(), None);
        }
    }

    /// Of a person goes what the definition gives them: what names an identifier of theirs, whoever sent it and whenever,
    /// and what is theirs through shared ones. The receipt counts what others lose by it, and names what others keep.
    #[test]
    fn of_a_person_goes_what_the_definition_gives_them(
        messages in prop::collection::vec(message(), 1..30),
        stated in prop::collection::vec(statement(), 0..6),
        whom in any::<prop::sample::Index>(),
        ts in instant(),
        strict: bool,
    ) {
        let store = laws::options(strict).in_memory().unwrap();
        let mut model = Model::new(strict);
        laws::ingest(&store, &mut model, &messages, None)?;
        for fact in &stated {
            laws::state(&store, &mut model, fact)?;
        }
        let (before, facts) = (model.world(), world::facts(&model.accepted, &model.stated));
        prop_assume!(!before.people.is_empty());
        let place = whom.index(before.people.len());
        let group = &before.people[place].group;
        let theirs = |owner: &Option<usize>| *owner == Some(place);
        let fact = SpecFact {
            id: "erasure".to_owned(),
            ts,
            said: Said::Erase {
                identifiers: group.iter().cloned().collect(),
                messages: before.messages.iter().filter(|(_, owner)| theirs(owner)).map(|(m, _)| m.id.clone()).collect(),
            },
        };
        prop_assert_eq!(model.state(&fact), Verdict::Accepted);
        let (namespace, value) = group.first().unwrap();
        let erased = store
            .erase(&Erasure::person(Id::new(namespace.as_str(), value.as_str())).at(at(ts)).id(MessageId::new("erasure")))
            .unwrap();
        let after = model.world();
        check::identity(&store.snapshot(), &after)?;
        check::profiles(&store.snapshot(), &after, BASE + 100 * DAY)?;
        let stays = |id: &String| after.messages.iter().any(|(message, _)| message.id == *id);
        let went = || before.messages.iter().filter(|(message, _)| !stays(&message.id));
        let lost = |owner: &Option<usize>| owner.is_some() && !theirs(owner);
        prop_assert!(before.messages.iter().all(|(message, owner)| !theirs(owner) || !stays(&message.id)));
        prop_assert_eq!(erased.events, went().count() as u64);
        prop_assert_eq!(erased.events_of_others, went().filter(|(_, owner)| lost(owner)).count() as u64);
        // What names something and is not another's own says what is kept: by others, and by what blocks nothing.
        let others: BTreeSet<&String> = went().filter(|(_, owner)| lost(owner)).map(|(message, _)| &message.id).collect();
        let left = spec::live_facts(&world::facts(&model.accepted, &model.stated));
        let gone = facts.iter().filter(|fact| left.iter().all(|other| other.id != fact.id) && !others.contains(&fact.id));
        let kept: BTreeSet<Id> = gone
            .flat_map(spec::names)
            .filter(|named| model.held().contains(named))
            .map(|(namespace, value)| Id::new(namespace, value))
            .collect();
        prop_assert_eq!(erased.kept.into_iter().collect::<BTreeSet<_>>(), kept);
    }
}
