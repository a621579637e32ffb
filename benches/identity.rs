//! The identity graph at scale: hubs, chains, big stores and memory, as a report; then single commits by criterion.
//!
//! `cargo bench --bench identity` takes some minutes. `REGULARS_BENCH_HUB=1000000` makes hubs of that many messages
//! (else 200,000), `REGULARS_BENCH_PEOPLE=1000000` the large store (else 100,000).

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

/// Ordinary events in two stores by turns, of which one meets a hub between them.
fn beside_a_hub(hub: Hub, count: u64) {
    const ROUNDS: u64 = 40;
    const OTHERS: u64 = 2000;
    let (plain, busy) = (Shop::open("plain"), Shop::open("busy"));
    batches(0..count).for_each(|batch| _ = busy.take(batch.clone(), |out, n| hub.prepare(out, n..n + 1)));
    for shop in [&plain, &busy] {
        shop.take(0..OTHERS, |out, n| shopper(out, n, 20_000));
    }
    let (mut alone, mut beside, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let messages = count / ROUNDS * round..count / ROUNDS * (round + 1);
        own.push(micros(busy.take(messages, |out, n| hub.message(out, n)), count / ROUNDS));
        let others = OTHERS * (round + 1)..OTHERS * (round + 2);
        let run = |shop: &Shop| micros(shop.take(others.clone(), |out, n| shopper(out, n, 20_000)), OTHERS);
        if round % 2 == 0 {
            alone.push(run(&plain));
            beside.push(run(&busy));
        } else {
            beside.push(run(&busy));
            alone.push(run(&plain));
        }
    }
    let mut last = own.split_off(own.len() - 8);
    own.truncate(8);
    let (alone, beside) = (median(&mut alone), median(&mut beside));
    println!(
        "{hub:?} x {count}: others {alone:.2} us alone, {beside:.2} us beside it ({:+.1} %); its own {:.2} us at first, {:.2} us at last",
        100.0 * (beside / alone - 1.0),
        median(&mut own),
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
    let start = Instant::now();
    let anew = shop.store.snapshot().as_of("2100-01-01".parse().unwrap()).unwrap();
    let rebuild = start.elapsed();
    assert_eq!(anew.people(), people);
    let share = |time: Duration| 100.0 * time.as_secs_f64() / rebuild.as_secs_f64();
    println!("rules of {people} people: ingest {ingest:?}, all derived anew {rebuild:?}");
    for limit in [2, 5, 2, 5] {
        let (time, report) = timed(limit);
        assert_eq!(report.split + report.merged, 100, "{report}");
        println!("  at most {limit} e-mails: {time:?}, {:.2} % of that; {report}", share(time));
    }
}

/// One event a commit into stores of so many people.
fn one_event(sizes: [u64; 2]) {
    const ROUNDS: u64 = 2000;
    let shops = sizes.map(|people| {
        let shop = Shop::open(&format!("people-{people}"));
        shop.take(0..3 * people, |out, n| household(out, n, 0));
        shop.store.compact().unwrap();
        (people, shop, Vec::new())
    });
    let mut shops = shops;
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

fn main() {
    let people = setting("REGULARS_BENCH_PEOPLE", 100_000);
    other_rules(people);
    one_event([10_000, people]);
    let count = setting("REGULARS_BENCH_HUB", 200_000);
    for hub in Hub::ALL {
        beside_a_hub(hub, if hub == Hub::Office { count.min(100_000) } else { count });
    }
    chain(20_000, 20_000);
    chain(20_000, 1);
}
