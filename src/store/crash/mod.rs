//! What a store keeps when the process dies, the power goes, the disk breaks or fills up: at every operation.
//!
//! One script of commits and housekeeping runs over a disk that remembers what was synced. After each fault the store
//! is opened again, and has to be what a store in memory was after some of the steps: all that were acknowledged, and at
//! most the one that was under way.

mod background;
mod damage;
mod full;
mod power;

use super::erasure::Erasure;
use super::handle::Store;
use super::ingest::Ingest;
use super::options::{Clock, Durability, Options};
use super::ruling::Ruling;
use crate::Result;
use crate::base::{MessageId, Rate, Span, Timestamp, id};
use crate::rule::node::Segment;
use crate::rule::when;
use crate::storage::faulty::FaultyVfs;
use std::sync::Arc;

/// Midnight of 1 January 2026, in milliseconds.
const BEGIN: i64 = 1_767_225_600_000;
const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millisecond(BEGIN + hours * HOUR)
}

type Step = fn(&Store) -> Result<()>;

/// Messages received at an hour; all of them have to be good.
fn say(store: &Store, hours: i64, body: &str) -> Result<()> {
    let receipt = store.ingest(body.as_bytes(), &Ingest::new().received_at(at(hours)))?;
    assert_eq!(receipt.rejected, 0, "{receipt}");
    Ok(())
}

/// What a shop does in a week: visits, customers, orders, people who merge, and everything that an operator can say.
const SCRIPT: [Step; 29] = [
    |store| {
        let buyers = Segment::new("buyers", when::orders().within(Span::days(30)).at_least(1));
        store.define(buyers).map(drop)
    },
    |store| say(store, 1, r#"[{"type":"page","anonymousId":"a1"},{"type":"page","anonymousId":"a2"}]"#),
    |store| {
        let body = r#"{"type":"identify","anonymousId":"a1","userId":"1","traits":{"email":"one@example.com"}}"#;
        say(store, 2, body)
    },
    |store| say(store, 3, &order("1", "o1", 10)),
    Store::seal,
    |store| store.record_rates(&[Rate::new("2026-01-01", "SEK".parse()?, "EUR".parse()?, "0.1".parse()?)?]).map(drop),
    |store| {
        let body = r#"{"type":"identify","anonymousId":"a2","userId":"2","traits":{"email":"two@example.com"}}"#;
        say(store, 4, body)
    },
    |store| say(store, 5, &order("2", "o2", 20)),
    Store::flush,
    Store::seal,
    |store| store.rule(Ruling::alias(id::user("1"), id::email("two@example.com")).at(at(6))).map(drop),
    |store| {
        say(store, 7, r#"{"type":"track","event":"Wished","userId":"3","properties":{"email":"three@example.com"}}"#)
    },
    Store::seal,
    |store| store.block(["nobody@example.com"]).map(drop),
    |store| say(store, 8, &order("3", "o3", 30)),
    Store::seal,
    Store::compact,
    |store| store.rule(Ruling::revoke(id::user("1"), id::email("two@example.com")).at(at(9))).map(drop),
    |store| store.erase(&Erasure::person(id::user("3")).at(at(10))).map(drop),
    |store| store.advance(at(24 * 40)).map(drop),
    |store| {
        let mut rules = store.snapshot().rules().namespaces;
        rules.retain(|name, _| name == "email");
        rules.values_mut().for_each(|rule| rule.glue = Some(0));
        store.set_rules(&rules).map(drop)
    },
    Store::seal,
    |store| say(store, 24 * 41, &order("4", "o4", 40)),
    |store| {
        let mut rules = store.snapshot().rules().namespaces;
        let (one, other) = (rules["email"].rank, rules["phone"].rank);
        rules.retain(|name, _| name == "email" || name == "phone");
        rules.iter_mut().for_each(|(name, rule)| rule.rank = if name == "email" { other } else { one });
        store.set_rules(&rules).map(drop)
    },
    Store::flush,
    |store| store.undefine("buyers").map(drop),
    |store| say(store, 24 * 42, &order("5", "o5", 50)),
    |store| store.retract(["o2", "o5"].map(MessageId::new)).map(drop),
    |store| say(store, 24 * 43, &order("5", "o5", 5)),
];

fn order(user: &str, id: &str, total: u32) -> String {
    format!(
        r#"{{"type":"track","event":"Order Completed","userId":"{user}","messageId":"{id}",
            "properties":{{"order_id":"{id}","total":{total},"currency":"SEK"}}}}"#
    )
    .replace('\n', " ")
}

fn options(durability: Durability) -> Options {
    Options::default().key([7; 32]).clock(Clock::Manual).durability(durability)
}

fn open_as(disk: &FaultyVfs, durability: Durability) -> Result<Store> {
    Store::over(Arc::new(disk.clone()), options(durability))
}

fn open(disk: &FaultyVfs) -> Result<Store> {
    open_as(disk, Durability::Sync)
}

fn digest(store: &Store) -> Result<String> {
    Ok(format!("{:?}", store.snapshot().digest()?))
}

/// The digest after so many steps, on a store without faults.
fn expected() -> Vec<String> {
    let store = options(Durability::Sync).in_memory().unwrap();
    let mut digests = vec![digest(&store).unwrap()];
    for step in SCRIPT {
        step(&store).unwrap();
        digests.push(digest(&store).unwrap());
    }
    digests
}

/// How many steps a run acknowledged.
struct Run {
    /// And made durable.
    acknowledged: usize,
    tried: usize,
}

impl Run {
    /// The script, until a step fails.
    fn of(store: &Store, durability: Durability) -> Self {
        let mut run = Self { acknowledged: 0, tried: 0 };
        for step in SCRIPT {
            run.tried += 1;
            if step(store).is_err() {
                break;
            }
            if durability == Durability::Sync || store.stats().durable_sequence == store.stats().sequence {
                run.acknowledged = run.tried;
            }
        }
        run
    }

    /// A run on a disk; a store that cannot even be made has acknowledged nothing.
    fn on(disk: &FaultyVfs, durability: Durability) -> Self {
        open_as(disk, durability).map_or(Self { acknowledged: 0, tried: 0 }, |store| Self::of(&store, durability))
    }
}

/// What was looked at, and how much of it; every violation fails the test that finds it.
#[derive(Default)]
struct Tally {
    points: u64,
    images: u64,
    faults: u64,
}

impl Tally {
    /// Opens what a fault left, and holds it against what it may be.
    fn check(&mut self, disk: &FaultyVfs, run: &Run, expected: &[String], what: &str) -> Store {
        self.images += 1;
        look(disk, run, expected).unwrap_or_else(|violation| panic!("{what}: {violation}"))
    }

    /// Says what was done, past the capture of the test's output.
    fn tell(&self, what: &str) {
        let Self { points, images, faults } = self;
        let text =
            format!("{what}: {points} points, {images} images, {faults} faults, 0 lost, 0 wrong, 0 unopenable\n");
        std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
    }
}

/// Opens a store that has to be what it was after some of the steps: all that were acknowledged, at most one more.
fn look(disk: &FaultyVfs, run: &Run, expected: &[String]) -> std::result::Result<Store, String> {
    let store = open(disk).map_err(|error| format!("the store does not open: {error}"))?;
    let found = digest(&store).map_err(|error| format!("the store cannot be read: {error}"))?;
    if expected[run.acknowledged..=run.tried].contains(&found) {
        return Ok(store);
    }
    let is = expected.iter().rposition(|digest| *digest == found);
    Err(format!("{} of {} steps were acknowledged, found is {is:?}", run.acknowledged, run.tried))
}

/// One more commit, acknowledged.
fn one_more(store: &Store, name: &str) {
    let body = format!(r#"{{"type":"identify","userId":"{name}"}}"#);
    say(store, 24 * 60, &body).unwrap_or_else(|error| panic!("{name}: no commit after recovery: {error}"));
}

/// Whether that commit is there.
fn has_one_more(store: &Store, name: &str) -> bool {
    store.snapshot().resolve(id::user(name), None).unwrap().is_some()
}
