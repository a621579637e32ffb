//! Readers beside the writer: a snapshot says the same for ever, and nobody waits.

use crate::model::check::body;
use crate::model::message::{Message, message};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use regulars::{Clock, Durability, Snapshot, Store};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Everything that a snapshot says, in bytes.
fn said(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = serde_json::to_vec(&snapshot.digest().expect("digests")).expect("JSON");
    for owner in snapshot.identifiers().expect("readable") {
        out.extend(serde_json::to_vec(&(&owner.id, owner.profile, owner.shared)).expect("JSON"));
        let profile = snapshot.profile(owner.id).expect("readable");
        out.extend(serde_json::to_vec(&profile).expect("JSON"));
    }
    for (segment, count) in snapshot.segments() {
        let members = snapshot.members(&segment).expect("readable");
        assert_eq!(members.len(), count);
        out.extend(serde_json::to_vec(&members.profiles().expect("readable")).expect("JSON"));
    }
    out
}

fn messages(count: usize) -> Vec<Message> {
    let mut runner = TestRunner::deterministic();
    let one = message();
    let mut all: Vec<Message> =
        (0..count).filter_map(|_| one.new_tree(&mut runner).ok()).map(|tree| tree.current()).collect();
    all.iter_mut().enumerate().for_each(|(nth, message)| message.id = format!("m{nth:04}"));
    all
}

/// Reads until the writer is done: each snapshot twice at once, one of them again and again.
fn read(store: &Store, done: &AtomicBool, rounds: &AtomicU64) {
    let held = store.snapshot();
    let first = said(&held);
    let mut events = held.events();
    while !done.load(Ordering::Acquire) {
        let snapshot = store.snapshot();
        assert!(snapshot.events() >= events, "a later snapshot knows no less");
        events = snapshot.events();
        let bytes = said(&snapshot);
        assert_eq!(said(&snapshot.clone()), bytes);
        assert_eq!(said(&held), first);
        rounds.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(said(&held), first);
}

/// Sets the flag when the writer is through, also by a panic: readers must not read for ever.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn a_snapshot_never_changes_while_the_writer_goes_on() {
    let folder = std::env::temp_dir().join(format!("regulars-threads-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let options = Store::options().currency("EUR").clock(Clock::Manual).durability(Durability::OnFlush);
    let store = options.seal_events(64).open(&folder).expect("creates");
    let rule = regulars::Rule::from_json(r#"{"orders":"count","gte":1}"#).expect("reads");
    store.define(regulars::Segment::new("buyers", rule)).expect("defines");
    let all = messages(400);
    let (start, rest) = all.split_at(100);
    store.ingest_json(&body(start)).expect("ingests");
    let (done, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| read(&store, &done, &rounds))).collect();
        let writing = Done(&done);
        for (nth, batch) in rest.chunks(7).enumerate() {
            store.ingest_json(&body(batch)).expect("ingests");
            match nth % 9 {
                3 => store.seal().expect("seals"),
                7 => store.compact().expect("compacts"),
                _ => {}
            }
        }
        drop(writing);
        readers.into_iter().for_each(|reader| reader.join().expect("no reader fails"));
    });
    println!("{} readings beside the writer", rounds.into_inner());
    assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new());
    store.close().expect("closes");
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn writers_on_many_threads_add_up_to_one_store() {
    let all = messages(120);
    let options = || Store::options().currency("EUR").key([7; 32]).clock(Clock::Manual).seal_events(64);
    let (alone, together) = (options().in_memory().expect("opens"), options().in_memory().expect("opens"));
    alone.ingest_json(&body(&all)).expect("ingests");
    std::thread::scope(|scope| {
        for part in all.chunks(30) {
            let store = together.clone();
            scope.spawn(move || part.chunks(4).for_each(|some| drop(store.ingest_json(&body(some)).expect("ingests"))));
        }
    });
    let digest = |store: &Store| store.snapshot().digest().expect("digests");
    assert_eq!(digest(&alone), digest(&together));
}

/// A region of more than 100,000 identifiers is solved while readers go on with the partition before.
#[test]
fn nobody_waits_for_a_large_region() {
    const LINKS: usize = 60_000;
    let store = Store::options().key([7; 32]).clock(Clock::Manual).in_memory().expect("opens");
    // A visitor that changes cookie and device in turns: a chain.
    let link = |nth: usize| {
        let (cookie, device) = (nth.div_ceil(2), nth / 2);
        format!(
            r#"{{"type":"page","anonymousId":"a{cookie}","context":{{"device":{{"id":"d{device}"}}}},"timestamp":{}}}"#,
            1_767_571_200_000 + nth
        )
    };
    // Two chains first, then the link in between: it touches all of both.
    let all: Vec<String> = (0..2 * LINKS).filter(|nth| *nth != LINKS).map(link).collect();
    let started = std::time::Instant::now();
    let receipt = store.ingest_json(all.join("\n").as_bytes()).expect("ingests");
    assert_eq!(receipt.accepted, all.len() as u64);
    println!("{} profiles in {:?}", store.snapshot().profiles(), started.elapsed());
    let before = store.snapshot();
    let owner = |snapshot: &Snapshot| snapshot.resolve(regulars::id::anonymous("a0"), None).expect("resolves");
    let (done, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let now = store.snapshot();
                if now.events() == before.events() {
                    assert_eq!((now.profiles(), owner(&now)), (before.profiles(), owner(&before)));
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let writing = Done(&done);
        let started = std::time::Instant::now();
        let receipt = store.ingest_json(link(LINKS).as_bytes()).expect("ingests");
        println!("{:?} for the link: {receipt}", started.elapsed());
        drop(writing);
    });
    let rounds = rounds.into_inner();
    println!("{rounds} readings beside the solver");
    assert!(rounds >= 100, "{rounds}");
    assert!(store.snapshot().events() > before.events());
}

#[test]
fn a_store_that_syncs_by_itself_can_be_opened_as_soon_as_it_is_closed() {
    let dir = std::env::temp_dir().join(format!("regulars-interval-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let often = Durability::Interval(std::time::Duration::from_micros(200));
    for round in 0..40u64 {
        let store = Store::options().durability(often).open(&dir).expect("nobody has it");
        assert_eq!(store.stats().events, round);
        let body = format!(r#"{{"type":"identify","userId":"{round}"}}"#);
        store.ingest_json(body.as_bytes()).expect("room");
        if round % 2 == 0 {
            store.close().expect("in order");
        }
    }
    std::fs::remove_dir_all(&dir).expect("made above");
}
