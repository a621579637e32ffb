//! What columns say of everybody is what each person says: after every commit, for snapshots old and new, at any instant.

use crate::laws::{Scratch, cases, options};
use crate::model::message::{BASE, DAY, Message, instant, message};
use crate::model::rules::shapes;
use crate::model::spec::SpecFact;
use crate::model::stated::{ids, statement, tell};
use proptest::prelude::*;
use regulars::{Ingest, MessageId, ProfileId, Rate, Rule, Segment, Snapshot, Store, Timestamp, Trust, Universe};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

type Checked = Result<(), TestCaseError>;

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Message>),
    State(SpecFact),
    Retract(Vec<String>),
    Advance(i64),
    Rate(&'static str),
    Product,
    Seal,
    Compact,
    Reopen,
    /// The snapshot that is asked again beside every newer one.
    Keep,
    /// No question before the next step.
    Silence,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => prop::collection::vec(message(), 1..5).prop_map(Step::Commit),
        5 => statement().prop_map(Step::State),
        2 => ids().prop_map(Step::Retract),
        3 => instant().prop_map(Step::Advance),
        1 => prop::sample::select(vec!["0.1", "7.5"]).prop_map(Step::Rate),
        1 => Just(Step::Product),
        2 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        3 => Just(Step::Keep),
        3 => Just(Step::Silence),
    ];
    prop::collection::vec(step, 2..16)
}

/// Every operator, beyond what the model's shapes ask.
const MORE: [&str; 34] = [
    r#"{"trait":"plan","in":["pro","basic"]}"#,
    r#"{"trait":"plan","not_in":["pro",3]}"#,
    r#"{"trait":"plan","contains":"r"}"#,
    r#"{"trait":"plan","not_starts_with_ci":"P"}"#,
    r#"{"trait":"age","between":[1,40]}"#,
    r#"{"trait":"age","lt":30}"#,
    r#"{"trait":"address.city","is_set":true}"#,
    r#"{"trait":"address.city","is_not":"x"}"#,
    r#"{"trait":"nobody.has.this","is_not_set":true}"#,
    r#"{"event":"Signed Up","window":{"last":"2d"}}"#,
    r#"{"event":"Nothing","measure":"count","is":0}"#,
    r#"{"event":"Signed Up","measure":"count","between":[1,2]}"#,
    r#"{"event":"Order Completed","measure":"sum(total)","gte":10}"#,
    r#"{"event":"Order Completed","measure":"avg(total)","lt":100}"#,
    r#"{"event":"Order Completed","measure":"min(total)","gt":1}"#,
    r#"{"event":"Order Completed","measure":"max(total)","gt":1}"#,
    r#"{"event":"Order Completed","measure":"distinct(currency)","gte":1}"#,
    r#"{"event":"Order Completed","measure":"first(total)","is_set":true}"#,
    r#"{"event":"Order Completed","measure":"nth(2,total)","is_set":true}"#,
    r#"{"event":"Order Completed","where":{"line":"all","where":{"property":"price","gte":1}}}"#,
    r#"{"event":"Order Completed","where":{"line":"none","where":{"property":"product_id","is":"p1"}}}"#,
    r#"{"event":"Order Completed","where":{"or":[{"property":"total","gt":20},{"not":{"property":"currency","is":"EUR"}}]}}"#,
    r#"{"orders":"gross","gte":20}"#,
    r#"{"orders":"average_gross","lt":50}"#,
    r#"{"orders":"average_days_between","gte":1}"#,
    r#"{"orders":"discount_share","lt":0.5}"#,
    r#"{"orders":"refund_share","gt":0}"#,
    r#"{"orders":"count","where":{"line":"any","where":{"property":"product_id","is":"p1"}},"gte":1}"#,
    r#"{"orders":"first_at","is_set":true}"#,
    r#"{"bought":{"product":"p1","brand":"acme"}}"#,
    r#"{"bought":{"property":"price","gt":5}}"#,
    r#"{"bought_together":[{"product":"p1"},{"product":"p2"}]}"#,
    r#"{"at_least":[2,[{"orders":"count","gte":1},{"trait":"plan","is_set":true},{"identity":"is_anonymous"}]]}"#,
    r#"{"and":[{"not":{"orders":"count","gte":1}},{"or":[{"event":"Signed Up"},{"trait":"plan","is":"pro"}]}]}"#,
];

fn rules() -> Vec<Rule> {
    let shapes = shapes().into_iter().map(|shape| shape.to_json().to_string());
    let all = shapes.chain(MORE.iter().map(|rule| (*rule).to_owned()));
    let rules = all.map(|json| Rule::from_json(&json).unwrap_or_else(|error| panic!("{json}: {error}")));
    rules.chain([wide()]).collect()
}

/// A rule that reads more properties than columns keep.
fn wide() -> Rule {
    let paths = (0..40).map(|n| serde_json::json!({"property": format!("p{n}"), "is_not_set": true}));
    let all = paths.chain([serde_json::json!({"property": "plan", "is": "pro"})]).collect::<Vec<Value>>();
    Rule::from_json(&serde_json::json!({"event": "Signed Up", "where": {"and": all}}).to_string()).expect("rule")
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms)
}

fn commit(store: &Store, messages: &[Message], trust: Trust) {
    let lines: Vec<String> = messages.iter().map(|message| message.to_json().to_string()).collect();
    let how = Ingest::new().trust(trust).received_at(at(BASE + 40 * DAY));
    store.ingest(format!("[{}]", lines.join(",")).as_bytes(), &how).expect("ingest");
}

fn take(store: &Store, step: &Step) {
    match step {
        Step::Commit(messages) => {
            let (claimed, verified): (Vec<Message>, Vec<Message>) =
                messages.iter().cloned().partition(|message| message.claimed);
            commit(store, &verified, Trust::Verified);
            commit(store, &claimed, Trust::Claimed);
        }
        Step::State(fact) => _ = tell(store, fact),
        Step::Retract(ids) => _ = store.retract(ids.iter().map(|id| MessageId::new(id.as_str()))).expect("retract"),
        Step::Advance(to) => _ = store.advance(at(*to)).expect("advance"),
        Step::Rate(rate) => {
            let rate =
                Rate::new("2026-01-01", "SEK".parse().unwrap(), "EUR".parse().unwrap(), rate.parse().unwrap()).unwrap();
            store.record_rates(&[rate]).expect("rates");
        }
        Step::Product => {
            let product = regulars::Product::new("p1").brand("acme").price("6.00".parse().unwrap());
            store.record_products(&[product]).expect("products");
        }
        Step::Seal => store.seal().expect("seal"),
        Step::Compact => store.compact().expect("compact"),
        Step::Reopen | Step::Keep | Step::Silence => {}
    }
}

/// One identifier of each person.
fn people(snapshot: &Snapshot) -> BTreeMap<ProfileId, regulars::Id> {
    let owners = snapshot.identifiers().expect("identifiers").into_iter();
    owners.filter(|owner| !owner.shared).filter_map(|owner| Some((owner.profile?, owner.id))).collect()
}

fn agree(snapshot: &Snapshot, rules: &[Rule], moments: &[i64]) -> Checked {
    let people = people(snapshot);
    for rule in rules {
        let segment = Segment::new("asked", rule.clone()).within(Universe::All);
        for moment in moments.iter().map(|moment| at(*moment)) {
            let found: BTreeSet<ProfileId> =
                snapshot.members_at(&segment, moment).expect("members").profiles().expect("ids").into_iter().collect();
            let asked: BTreeSet<ProfileId> = people
                .iter()
                .filter(|(_, id)| snapshot.matches((*id).clone(), rule, Some(moment)).expect("matches"))
                .map(|(profile, _)| *profile)
                .collect();
            prop_assert_eq!(&found, &asked, "{} at {}", rule.to_json(), moment);
            prop_assert_eq!(snapshot.members_at(&segment, moment).expect("members").len(), found.len() as u64);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn columns_say_what_each_person_says(
        history in steps(),
        strict: bool,
        live: bool,
        past in instant(),
        first in 0usize..7,
    ) {
        let scratch = Scratch::new("people");
        let mut store = options(strict).open(&scratch.0).expect("open");
        // A population that a few more people do not change much.
        let visitors: Vec<Value> = (0..40)
            .map(|n| serde_json::json!({"type": "track", "event": "Signed Up", "anonymousId": format!("v{n}"),
                "timestamp": "2026-01-06T00:00:00Z", "properties": {"plan": "pro", "price": n}}))
            .collect();
        store.ingest_json(Value::from(visitors).to_string().as_bytes()).expect("visitors");
        let all = rules();
        if live {
            let signed_up = r#"{"event":"Signed Up","window":{"last":"3d"}}"#;
            store.define(Segment::new("lately", Rule::from_json(signed_up).expect("rule"))).expect("define");
        }
        let mut kept: Option<Snapshot> = None;
        for (round, step) in history.iter().enumerate() {
            take(&store, step);
            if matches!(step, Step::Reopen) {
                kept = None;
                store.close().expect("close");
                store = options(strict).open(&scratch.0).expect("open");
            }
            if matches!(step, Step::Silence) {
                continue;
            }
            // Some rules a round, others the next, so that columns are made at different times.
            let some: Vec<Rule> = all.iter().skip((first + round) % 7).step_by(7).cloned().collect();
            let snapshot = store.snapshot();
            agree(&snapshot, &some, &[i64::MAX, past, BASE + 2 * DAY])?;
            if let Some(kept) = &kept {
                agree(kept, &some, &[i64::MAX, past])?;
            }
            if matches!(step, Step::Keep) || kept.is_none() {
                kept = Some(snapshot);
            }
        }
        let then = store.snapshot().as_of(at(past)).expect("as of");
        agree(&then, &all.iter().skip(first).step_by(7).cloned().collect::<Vec<_>>(), &[past])?;
        prop_assert!(store.verify().expect("verify").differences.is_empty());
    }
}

/// Visits, people who sign in and merge, tiers that change.
fn chatter(round: u64) -> String {
    let (who, tier) = (round * 7919 % 97, ["gold", "silver"][usize::from(round.is_multiple_of(3))]);
    let cookie = round * 31 % 211;
    let viewed = format!(r#"{{"type":"track","event":"Product Viewed","anonymousId":"c{cookie}"}}"#);
    let known = format!(
        r#"{{"type":"identify","userId":"u{who}","anonymousId":"c{cookie}","traits":{{"tier":"{tier}","n":{round}}}}}"#
    );
    format!("[{viewed},{known}]")
}

#[test]
fn questions_beside_commits_say_what_each_person_says() {
    let store = Store::options().clock(regulars::Clock::Manual).in_memory().expect("open");
    (0..120).for_each(|round| drop(store.ingest_json(chatter(round).as_bytes()).expect("ingest")));
    let rules = [
        r#"{"trait":"tier","is":"gold"}"#,
        r#"{"and":[{"event":"Product Viewed","measure":"count","gte":2},{"not":{"trait":"n","lt":50}}]}"#,
        r#"{"identity":"count","namespace":"anonymous_id","gte":2}"#,
    ];
    let rules: Vec<Rule> = rules.iter().map(|json| Rule::from_json(json).expect("rule")).collect();
    let (asked, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (store, rules, over, asked) = (&store, &rules, &over, &asked);
        let patience = Instant::now() + Duration::from_secs(60);
        scope.spawn(move || {
            for round in 120..400 {
                store.ingest_json(chatter(round).as_bytes()).expect("ingest");
                if round % 60 == 0 {
                    store.seal().expect("seal");
                }
                // On a busy machine all commits would be over before the second question.
                let due = usize::try_from(round - 120).expect("small") / 20;
                while asked.load(Ordering::Relaxed) < due && Instant::now() < patience {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            over.store(true, Ordering::Release);
        });
        for reader in 0..2 {
            scope.spawn(move || {
                let mut old = store.snapshot();
                for round in reader.. {
                    let snapshot = store.snapshot();
                    let some = rules.iter().skip(round % 3).take(1).cloned().collect::<Vec<_>>();
                    agree(&snapshot, &some, &[i64::MAX]).expect("the newest");
                    agree(&old, &some, &[i64::MAX]).expect("an older one");
                    asked.fetch_add(2, Ordering::Relaxed);
                    if round % 5 == 0 {
                        old = snapshot;
                    }
                    if over.load(Ordering::Acquire) {
                        break;
                    }
                }
            });
        }
    });
    assert!(asked.into_inner() > 10);
}
