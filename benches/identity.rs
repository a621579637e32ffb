//! The identity graph at scale: hubs, chains, big stores and memory, as a report; then single commits by criterion.
//!
//! `cargo bench --bench identity` takes some minutes. `REGULARS_BENCH_HUB=1000000` makes hubs of that many messages
//! (else 200,000) in a shop that had as many ordinary ones before (`REGULARS_BENCH_SHOP`: so many instead),
//! `REGULARS_BENCH_PEOPLE=1000000` the large store (else 100,000).

#![expect(clippy::unwrap_used, reason = "a benchmark that fails shall stop")]

#[path = "../tests/streams.rs"]
mod streams;

use regulars::{Clock, Durability, NamespaceRule, Store};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use streams::{Hub, household, link, shopper};

/// Messages a commit.
const BATCH: u64 = 500;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A store on disk that removes itself.
struct Shop {
    store: Store,
    dir: PathBuf,
}

impl Shop {
    fn open(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("regulars-identity-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let options = Store::options().currency("EUR").clock(Clock::Manual).durability(Durability::OnFlush);
        Self { store: options.open(&dir).unwrap(), dir }
    }

    /// Ingests these messages in commits of [`BATCH`] and says how long that took.
    fn take(&self, numbers: std::ops::Range<u64>, message: impl Fn(&mut String, u64)) -> Duration {
        let bodies: Vec<String> = batches(numbers)
            .map(|batch| {
                batch.fold(String::new(), |mut body, n| {
                    message(&mut body, n);
                    body
                })
            })
            .collect();
        let start = Instant::now();
        for body in &bodies {
            let receipt = self.store.ingest_json(body.as_bytes()).unwrap();
            assert_eq!(receipt.rejected, 0);
        }
        start.elapsed()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn batches(numbers: std::ops::Range<u64>) -> impl Iterator<Item = std::ops::Range<u64>> {
    let end = numbers.end;
    numbers.step_by(usize::try_from(BATCH).unwrap()).map(move |from| from..(from + BATCH).min(end))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds for people to read")]
fn micros(time: Duration, events: u64) -> f64 {
    time.as_secs_f64() * 1e6 / events as f64
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

/// Ordinary events in three shops by turns, all of which had so many of them before: one has nothing else, one met a
/// hub so often, one as many other visitors.
fn beside_a_hub(hub: Hub, count: u64, before: u64) {
    const ROUNDS: u64 = 40;
    const OTHERS: u64 = 2000;
    let ordinary = |out: &mut String, n| shopper(out, n, (before / 10).max(20_000));
    let mut shops = [("alone", None), ("crowd", Some(Hub::Crowd)), ("hub", Some(hub))].map(|(name, hub)| {
        let shop = Shop::open(name);
        batches(0..before).for_each(|batch| _ = shop.take(batch, ordinary));
        if let Some(hub) = hub {
            batches(0..count).for_each(|batch| _ = shop.take(batch.clone(), |out, n| hub.prepare(out, n..n + 1)));
        }
        (shop, hub, Vec::new(), Vec::new())
    });
    for round in 0..ROUNDS {
        let messages = count / ROUNDS * round..count / ROUNDS * (round + 1);
        for (shop, hub, _, own) in &mut shops {
            if let Some(hub) = hub {
                own.push(micros(shop.take(messages.clone(), |out, n| hub.message(out, n)), count / ROUNDS));
            }
            // What is sealed and merged beside would be counted as somebody's.
            shop.store.compact().unwrap();
        }
        let others = before + OTHERS * round..before + OTHERS * (round + 1);
        shops.rotate_left(1);
        for (shop, _, times, _) in &mut shops {
            times.push(micros(shop.take(others.clone(), ordinary), OTHERS));
        }
    }
    shops.sort_by_key(|(_, hub, ..)| (hub.is_some(), *hub != Some(Hub::Crowd)));
    let [mut alone, mut crowd, mut busy] = shops.each_mut().map(|(_, _, times, _)| std::mem::take(times));
    let [alone, crowd, busy] = [median(&mut alone), median(&mut crowd), median(&mut busy)];
    let own = shops.last_mut().map(|(_, _, _, own)| std::mem::take(own)).unwrap_or_default();
    let [mut first, mut last] = [0..8, own.len() - 8..own.len()].map(|part| own.get(part).unwrap_or_default().to_vec());
    println!(
        "{hub:?} x {count} in a shop of {before}: others {busy:.2} us, {:+.1} % to as many visitors, {:+.1} % to nobody else; its own {:.2} us at first, {:.2} us at last",
        100.0 * (busy / crowd - 1.0),
        100.0 * (busy / alone - 1.0),
        median(&mut first),
        median(&mut last),
    );
}

/// A chain of so many identifiers, in one commit or in one each.
fn chain(count: u64, batch: u64) {
    let shop = Shop::open("chain");
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    for from in (0..count).step_by(usize::try_from(batch).unwrap()) {
        let mut body = String::new();
        (from..(from + batch).min(count)).for_each(|n| link(&mut body, n));
        let start = Instant::now();
        shop.store.ingest_json(body.as_bytes()).unwrap();
        slowest = slowest.max(start.elapsed());
    }
    let profiles = shop.store.stats().profiles;
    println!(
        "chain of {count}, {batch} a commit: {:?} in all, {slowest:?} at most, {profiles} profiles",
        start.elapsed()
    );
}

/// Other rules for a store of so many people, of whom a hundred are concerned, against deriving everything anew.
fn other_rules(people: u64) {
    let shop = Shop::open("rules");
    let ingest = shop.take(0..3 * people, |out, n| household(out, n, 100));
    let rules = shop.store.snapshot().rules().namespaces;
    let email = |limit| {
        let rule = NamespaceRule { limit: Some(limit), ..rules.get("email").unwrap().clone() };
        BTreeMap::from([("email".to_owned(), rule)])
    };
    let timed = |limit| {
        let start = Instant::now();
        let report = shop.store.set_rules(&email(limit)).unwrap();
        (start.elapsed(), report)
    };
    let changes = [2, 5, 2, 5].map(|limit| (limit, timed(limit)));
    let start = Instant::now();
    let anew = shop.store.snapshot().as_of("2100-01-01".parse().unwrap()).unwrap();
    let rebuild = start.elapsed();
    assert_eq!(anew.people(), people);
    println!("rules of {people} people: ingest {ingest:?}, all derived anew {rebuild:?}");
    for (limit, (time, report)) in changes {
        assert_eq!(report.split + report.merged, 100, "{report}");
        let share = 100.0 * time.as_secs_f64() / rebuild.as_secs_f64();
        println!("  at most {limit} e-mails: {time:?}, {share:.2} % of that; {report}");
    }
}

/// One event a commit into stores of so many people.
fn one_event(sizes: [u64; 2]) {
    const ROUNDS: u64 = 2000;
    let mut shops = sizes.map(|people| {
        let shop = Shop::open(&format!("people-{people}"));
        shop.take(0..3 * people, |out, n| household(out, n, 0));
        shop.store.compact().unwrap();
        (people, shop, Vec::new())
    });
    for round in 0..ROUNDS {
        for (people, shop, times) in &mut shops {
            let visitor = (round * 7919) % *people;
            let body = format!(
                r#"{{"type":"track","event":"Visit","messageId":"v{round}","userId":"p{visitor}","anonymousId":"p{visitor}-{round}"}}"#
            );
            let start = Instant::now();
            shop.store.ingest_json(body.as_bytes()).unwrap();
            times.push(micros(start.elapsed(), 1));
        }
    }
    for (people, _, times) in &mut shops {
        let middle = median(times);
        let slow = times.get(times.len() * 99 / 100).copied().unwrap_or(0.0);
        println!("one event into {people} people: {middle:.1} us median, {slow:.1} us p99");
    }
}

/// What solving costs an edge of ordinary customers' messages, and what identifiers and edges take on disk.
#[expect(clippy::cast_precision_loss, reason = "numbers for people to read")]
fn stream(messages: u64) {
    let shop = Shop::open("stream");
    let ingest = shop.take(0..messages, |out, n| shopper(out, n, messages / 10));
    let solved = shop.store.stats();
    shop.store.compact().unwrap();
    let stats = shop.store.stats();
    let share = |part: u64, of: u64| part as f64 / of as f64;
    println!(
        "stream of {messages}: {:.2} us a message; {} pairs named; solving {:.0} ns a pair, {:.1} % of the time, {:.2} identifiers a pair",
        micros(ingest, messages),
        solved.pairs_seen,
        1000.0 * share(solved.solving_us, solved.pairs_seen),
        100.0 * share(solved.solving_us, u64::try_from(ingest.as_micros()).unwrap()),
        share(solved.identifiers_solved, solved.pairs_seen),
    );
    println!(
        "  {} identifiers of {:.0} bytes each, {} edges of {:.0} bytes each, in {} parts",
        stats.identifiers,
        share(stats.identifier_bytes, stats.identifiers),
        stats.edges,
        share(stats.edge_bytes, stats.edges),
        stats.parts,
    );
}

fn main() {
    // Only some of it, for whoever is at work on it.
    let only = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.contains(only));
    let people = setting("REGULARS_BENCH_PEOPLE", 100_000);
    if wanted("rules") {
        other_rules(people);
    }
    if wanted("event") {
        one_event([10_000, people]);
    }
    if wanted("stream") {
        stream(10 * people);
    }
    let count = setting("REGULARS_BENCH_HUB", 200_000);
    for hub in Hub::ALL.into_iter().filter(|hub| wanted(&format!("hub {hub:?}"))) {
        let count = if hub == Hub::Office { count.min(100_000) } else { count };
        beside_a_hub(hub, count, setting("REGULARS_BENCH_SHOP", count));
    }
    if wanted("chain") {
        chain(20_000, 20_000);
        chain(20_000, 1);
    }
}
