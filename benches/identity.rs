//! The identity graph at scale: hubs, chains, big stores and memory, as a report; then single commits by criterion.
//!
//! `cargo bench --bench identity` takes some minutes. `REGULARS_BENCH_HUB=1000000` makes hubs of that many messages
//! (else 200,000), `REGULARS_BENCH_PEOPLE=1000000` the large store (else 100,000).

#![expect(clippy::unwrap_used, reason = "a benchmark that fails shall stop")]

#[path = "../tests/streams.rs"]
mod streams;

use regulars::{Clock, Durability, Store};

use std::path::PathBuf;

use std::time::{Duration, Instant};
use streams::{Hub, link, shopper};

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

fn main() {
    let count = setting("REGULARS_BENCH_HUB", 200_000);
    for hub in Hub::ALL {
        beside_a_hub(hub, if hub == Hub::Office { count.min(100_000) } else { count });
    }
    chain(20_000, 20_000);
    chain(20_000, 1);
}
