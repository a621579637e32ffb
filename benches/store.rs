//! What a store costs, end to end: taking messages in, a commit of one, a snapshot, a look-up, a segment.
//!
//! Stores of 10 k and 100 k people; `REGULARS_BENCH_PEOPLE=1000000` adds one of that size. Every person has an identify,
//! a page view and an order. The messages are made, not recorded: see the README for what that means.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use regulars::{Clock, Durability, Segment, Store, id, when};
use std::fmt::Write;
use std::hint::black_box;
use std::path::PathBuf;

/// Messages of one call while a store is filled.
const BATCH: u64 = 1_000;

/// A directory that goes away with its store.
struct Home {
    path: PathBuf,
    store: Store,
}

impl Home {
    fn new(name: &str, durability: Durability) -> Self {
        let path = std::env::temp_dir().join(format!("regulars-bench-{}-{name}", std::process::id()));
        let options = Store::options().currency("EUR").clock(Clock::Manual).durability(durability);
        let store = options.open(&path).expect("a fresh directory opens");
        Self { path, store }
    }

    /// A sealed store of that many people.
    fn filled(people: u64) -> Self {
        let home = Self::new(&people.to_string(), Durability::OnFlush);
        for first in (0..people).step_by(1_000) {
            let body: String = (first..people.min(first + BATCH)).map(person).collect();
            home.ingest(&body);
        }
        home.store.compact().expect("the store seals");
        home
    }

    fn ingest(&self, body: &str) {
        let receipt = self.store.ingest_json(body.as_bytes()).expect("the store takes messages in");
        assert_eq!(receipt.rejects.len(), 0, "every message is good");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Left-overs in the temporary directory harm nobody.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// An instant of 2026, spread over the year by a number.
fn instant(number: u64) -> String {
    let (month, day, second) = (number % 12 + 1, number / 12 % 28 + 1, number / 336 % 60);
    format!("2026-{month:02}-{day:02}T10:00:{second:02}Z")
}

/// Everything that happened to one person, a line a message.
fn person(number: u64) -> String {
    let at = instant(number);
    let (price, product) = (number % 90 + 10, number % 500);
    let mut lines = String::new();
    let told = writeln!(
        lines,
        r#"{{"type":"identify","messageId":"i{number}","userId":"u{number}","timestamp":"{at}","traits":{{"email":"person{number}@example.com","tier":"gold"}}}}
{{"type":"page","messageId":"p{number}","anonymousId":"a{number}","userId":"u{number}","timestamp":"{at}","name":"Home"}}
{{"type":"track","event":"Order Completed","messageId":"o{number}","userId":"u{number}","timestamp":"{at}","properties":{{"order_id":"o{number}","total":{price},"currency":"EUR","products":[{{"product_id":"sku-{product}","price":{price},"quantity":1}}]}}}}"#
    );
    told.expect("writing to memory does not fail");
    lines
}

/// Page views of people who are known already.
fn views(first: u64, count: u64, people: u64) -> String {
    (first..first + count).fold(String::new(), |mut lines, number| {
        let (who, at) = (number.wrapping_mul(2_654_435_761) % people, instant(number));
        let told = writeln!(
            lines,
            r#"{{"type":"track","event":"Product Viewed","messageId":"v{number}","userId":"u{who}","timestamp":"{at}","properties":{{"product_id":"sku-1"}}}}"#
        );
        told.expect("writing to memory does not fail");
        lines
    })
}

fn ingest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest a batch of 1,000");
    group.throughput(Throughput::Elements(BATCH)).sample_size(20);
    for (name, durability) in [("synced", Durability::Sync), ("on flush", Durability::OnFlush)] {
        let home = Home::new(&name.replace(' ', "-"), durability);
        (0..10).for_each(|batch| home.ingest(&(batch * BATCH..(batch + 1) * BATCH).map(person).collect::<String>()));
        let mut next = 0;
        let mut body = || {
            next += BATCH;
            views(next, BATCH, 10 * BATCH)
        };
        group.bench_function(name, |b| b.iter_batched(&mut body, |body| home.ingest(&body), BatchSize::PerIteration));
    }
    group.finish();
}

fn commit_of_one(criterion: &mut Criterion, stores: &[(u64, Home)]) {
    let mut group = criterion.benchmark_group("commit one message, not synced");
    for (people, home) in stores {
        let mut next = 1 << 40;
        let mut body = || {
            next += 1;
            views(next, 1, *people)
        };
        group.bench_function(BenchmarkId::from_parameter(people), |b| {
            b.iter_batched(&mut body, |body| home.ingest(&body), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn snapshot(criterion: &mut Criterion, stores: &[(u64, Home)]) {
    let mut group = criterion.benchmark_group("snapshot");
    for (people, home) in stores {
        group.bench_function(BenchmarkId::from_parameter(people), |b| b.iter(|| black_box(home.store.snapshot())));
    }
    group.finish();
}

fn look_up(criterion: &mut Criterion, stores: &[(u64, Home)]) {
    let mut group = criterion.benchmark_group("resolve an e-mail address");
    for (people, home) in stores {
        let (snapshot, mut next) = (home.store.snapshot(), 0u64);
        group.bench_function(BenchmarkId::from_parameter(people), |b| {
            b.iter(|| {
                next = next.wrapping_add(7_919);
                let email = format!("person{}@example.com", next % people);
                assert!(snapshot.resolve(id::email(email), None).expect("the disk is well").is_some());
            });
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("profile page by e-mail address");
    for (people, home) in stores {
        let (snapshot, mut next) = (home.store.snapshot(), 0u64);
        group.bench_function(BenchmarkId::from_parameter(people), |b| {
            b.iter(|| {
                next = next.wrapping_add(7_919);
                let email = format!("person{}@example.com", next % people);
                black_box(snapshot.profile(id::email(email)).expect("the disk is well").expect("known"));
            });
        });
    }
    group.finish();
}

fn segment(criterion: &mut Criterion, stores: &[(u64, Home)]) {
    let buyers = Segment::new("lately", when::orders().is(1) & when::days_since_last_order().at_most(60));
    let at = "2026-12-01T00:00:00Z".parse().expect("an instant");
    let mut group = criterion.benchmark_group("evaluate a segment of orders");
    group.sample_size(10);
    for (people, home) in stores {
        let snapshot = home.store.snapshot();
        group.throughput(Throughput::Elements(*people));
        group.bench_function(BenchmarkId::from_parameter(people), |b| {
            b.iter(|| black_box(snapshot.members_at(&buyers, at).expect("the rule is good")));
        });
    }
    group.finish();
}

fn main() {
    let seconds = std::time::Duration::from_secs;
    let timed = Criterion::default().warm_up_time(seconds(1)).measurement_time(seconds(4));
    let mut criterion = timed.configure_from_args();
    ingest(&mut criterion);
    let extra = std::env::var("REGULARS_BENCH_PEOPLE").ok().and_then(|text| text.parse().ok());
    let sizes = [10_000, 100_000].into_iter().chain(extra);
    let stores: Vec<(u64, Home)> = sizes.map(|people| (people, Home::filled(people))).collect();
    snapshot(&mut criterion, &stores);
    look_up(&mut criterion, &stores);
    segment(&mut criterion, &stores);
    // Last, because it adds to the stores.
    commit_of_one(&mut criterion, &stores);
    criterion.final_summary();
}
