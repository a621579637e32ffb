//! What a host waits for: ingest, one commit, a snapshot, a look-up, a segment, at growing store sizes.
//!
//! `cargo bench` measures at 10,000 and 100,000 people; `REGULARS_BENCH_PEOPLE=1000000` adds a size of your own.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails shall stop")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use regulars::{Clock, Durability, Segment, Span, Store, id, when};
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

fn sizes() -> Vec<u64> {
    let own = std::env::var("REGULARS_BENCH_PEOPLE").ok().and_then(|people| people.parse().ok());
    [10_000, 100_000].into_iter().chain(own).collect()
}

/// A store on disk that removes itself.
struct Shop {
    store: Store,
    dir: PathBuf,
}

impl Shop {
    fn open(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("regulars-bench-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let options = Store::options().currency("EUR").clock(Clock::Manual).durability(Durability::OnFlush);
        Self { store: options.open(&dir).unwrap(), dir }
    }

    /// A shop where everybody has an e-mail, a cookie and one order.
    fn of(people: u64) -> Self {
        let shop = Self::open(&people.to_string());
        for start in (0..people).step_by(5000) {
            let mut body = String::new();
            for person in start..(start + 5000).min(people) {
                identify(&mut body, person);
                order(&mut body, person);
            }
            shop.store.ingest_json(body.as_bytes()).unwrap();
        }
        shop.store.advance("2026-03-01T00:00:00Z".parse().unwrap()).unwrap();
        shop
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn identify(out: &mut String, person: u64) {
    let tier = if person.is_multiple_of(7) { "gold" } else { "none" };
    let _ = writeln!(
        out,
        r#"{{"type":"identify","messageId":"i{person}","userId":"u{person}","anonymousId":"a{person}","timestamp":"2026-01-{:02}T10:00:00.000Z","traits":{{"email":"user.{person}@example.com","tier":"{tier}"}}}}"#,
        1 + person % 28
    );
}

fn order(out: &mut String, person: u64) {
    let _ = writeln!(
        out,
        r#"{{"type":"track","event":"Order Completed","messageId":"o{person}","userId":"u{person}","timestamp":"2026-02-{:02}T10:00:00.000Z","properties":{{"order_id":"o{person}","total":19.90,"products":[{{"product_id":"p{}","price":19.90,"quantity":1}}]}}}}"#,
        1 + person % 28,
        person % 1000
    );
}

fn page(person: u64, round: u64) -> String {
    format!(
        r#"{{"type":"track","event":"Product Viewed","messageId":"v{round}","userId":"u{person}","timestamp":"2026-02-28T10:00:00.000Z","properties":{{"product_id":"p{}"}}}}"#,
        round % 1000
    )
}

fn ingest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest");
    let body = (0..500).fold(String::new(), |mut body, person| {
        identify(&mut body, person);
        order(&mut body, person);
        body
    });
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1,000 messages in one commit, new store", |bench| {
        bench.iter_batched(
            || Shop::open("ingest"),
            |shop| {
                shop.store.ingest_json(body.as_bytes()).unwrap();
                shop
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn at_size(criterion: &mut Criterion, people: u64) {
    let shop = Shop::of(people);
    let store = &shop.store;
    let mut group = criterion.benchmark_group(format!("{people} people"));
    let mut round = 0;
    group.bench_function("commit of one message, without fsync", |bench| {
        bench.iter(|| {
            round += 1;
            store.ingest_json(page(round * 7919 % people, round).as_bytes()).unwrap()
        });
    });
    group.bench_function("snapshot", |bench| bench.iter(|| black_box(store.snapshot())));
    let snapshot = store.snapshot();
    let mut person = 0;
    group.bench_function("profile by e-mail", |bench| {
        bench.iter(|| {
            person = (person + 7919) % people;
            snapshot.profile(id::email(format!("user.{person}@example.com"))).unwrap().unwrap()
        });
    });
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    let at = "2026-03-01T00:00:00Z".parse().unwrap();
    let rule = when::trait_("tier").is("gold") & when::orders().within(Span::days(14)).at_least(1);
    let segment = Segment::new("gold lately", rule);
    group.bench_function("segment of a trait and orders in a window", |bench| {
        bench.iter(|| snapshot.members_at(&segment, at).unwrap().len());
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    ingest(criterion);
    for people in sizes() {
        at_size(criterion, people);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    targets = all
}
criterion_main!(benches);
