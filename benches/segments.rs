//! Questions about everybody, each beside its answer by a loop over the generated data.
//!
//! `cargo bench --bench segments` asks 100,000 people with 1,000,000 events, in about two minutes;
//! `REGULARS_BENCH_PEOPLE=1000000` asks as many as you like, with ten events each. With `REGULARS_BENCH_DUMP=DIR` the same people
//! are written to `DIR` for `benches/peers/segments.py`, which asks DuckDB, Polars, SQLite and CRoaring the same.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails shall stop")]
#![expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "as above")]

mod shop;

use criterion::{Criterion, criterion_group, criterion_main};
use regulars::{Clock, Durability, Ingest, Rule, Segment, Store, Timestamp, Universe};
use shop::{DAY, Event, NOW, Shop, What};
use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

struct Question {
    name: &'static str,
    rule: &'static str,
    truth: fn(&Shop) -> usize,
}

const QUESTIONS: [Question; 5] = [
    Question {
        name: "a: five traits",
        rule: r#"{"and":[{"or":[{"trait":"country","in":["DE","FR","NL"]},{"trait":"tier","is":"gold"}]},
            {"trait":"consent","is":true},{"not":{"trait":"gender","is":"X"}},
            {"not":{"trait":"source","is":"paid_social"}}]}"#,
        truth: |shop| {
            let holds = |of: &&shop::Customer| {
                (["DE", "FR", "NL"].contains(&of.country) || of.tier == "gold")
                    && of.consent
                    && of.gender != "X"
                    && of.source != "paid_social"
            };
            shop.customers.iter().filter(holds).count()
        },
    },
    Question {
        name: "b: two ranges of numbers",
        rule: r#"{"and":[{"trait":"ltv","between":[5000,50000]},{"trait":"age","between":[25,40]}]}"#,
        truth: |shop| {
            let holds = |of: &&shop::Customer| (5000..=50_000).contains(&of.ltv) && (25..=40).contains(&of.age);
            shop.customers.iter().filter(holds).count()
        },
    },
    Question {
        name: "c: behavior in windows",
        rule: r#"{"and":[{"event":"Order Completed","measure":"count","window":{"last":"90d"},"gte":2},
            {"event":"Product Viewed","where":{"property":"category","is":"cat3"},"window":{"last":"30d"}},
            {"not":{"event":"Email Delivered","window":{"last":"7d"}}}]}"#,
        truth: |shop| {
            let within = |event: &Event, days: i64| event.ts > NOW - days * DAY && event.ts <= NOW;
            let (mut orders, mut viewed, mut mailed) = (vec![0; shop.customers.len()], HashSet::new(), HashSet::new());
            for event in &shop.events {
                match event.what {
                    What::Ordered(_) if within(event, 90) => orders[event.person as usize] += 1,
                    What::Viewed(3) if within(event, 30) => _ = viewed.insert(event.person),
                    What::Delivered if within(event, 7) => _ = mailed.insert(event.person),
                    _ => {}
                }
            }
            viewed.iter().filter(|person| orders[**person as usize] >= 2 && !mailed.contains(person)).count()
        },
    },
    Question {
        name: "d: bought one brand and never another",
        rule: r#"{"and":[{"bought":{"brand":"brand0"}},{"not":{"bought":{"brand":"brand1"}}}]}"#,
        truth: |shop| {
            let buyers = |brand: u64| -> HashSet<u32> {
                let has = |event: &&Event| matches!(&event.what, What::Ordered(lines) if lines.iter().any(|line| line.0 == brand));
                shop.events.iter().filter(has).map(|event| event.person).collect()
            };
            buyers(0).difference(&buyers(1)).count()
        },
    },
    Question {
        name: "e: spent between 50 and 500",
        rule: r#"{"orders":"net","between":[50,500]}"#,
        truth: |shop| {
            let mut net = vec![0; shop.customers.len()];
            for event in &shop.events {
                if let What::Ordered(lines) = &event.what {
                    net[event.person as usize] += lines.iter().map(|(_, cents)| cents).sum::<u64>();
                }
            }
            net.into_iter().filter(|net| (5000..=50_000).contains(net)).count()
        },
    },
];

fn people() -> u64 {
    std::env::var("REGULARS_BENCH_PEOPLE").ok().and_then(|people| people.parse().ok()).unwrap_or(100_000)
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(NOW)
}

/// Removes itself.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn filled(shop: &Shop) -> (Store, Scratch) {
    let dir = std::env::temp_dir().join(format!("regulars-bench-segments-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let options = Store::options().currency("EUR").clock(Clock::Manual).durability(Durability::OnFlush);
    let store = options.open(&dir).unwrap();
    let mut body = String::new();
    for (number, message) in (1..).zip(shop.messages()) {
        body.push_str(&message);
        body.push('\n');
        if number % 10_000 == 0 {
            ingest(&store, &body);
            body.clear();
        }
    }
    ingest(&store, &body);
    store.advance(now()).unwrap();
    (store, Scratch(dir))
}

fn ingest(store: &Store, body: &str) {
    let receipt = store.ingest(body.as_bytes(), &Ingest::new().received_at(now())).unwrap();
    assert_eq!(receipt.rejected, 0, "{receipt}");
}

fn segment(rule: &str) -> Segment {
    Segment::new("question", Rule::from_json(rule).unwrap()).within(Universe::All)
}

fn all(criterion: &mut Criterion) {
    let people = people();
    eprintln!(
        "{people} people with {} events: about {} s to make, and a minute to ask",
        people * 10,
        1 + people / 10_000
    );
    let shop = Shop::new(people, people * 10);
    if let Ok(dir) = std::env::var("REGULARS_BENCH_DUMP") {
        dump(&shop, Path::new(&dir)).unwrap();
    }
    let (store, _scratch) = filled(&shop);
    let mut group = criterion.benchmark_group(format!("{people} people"));
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    for Question { name, rule, truth } in QUESTIONS {
        let (segment, snapshot) = (segment(rule), store.snapshot());
        let started = Instant::now();
        let found = snapshot.members_at(&segment, now()).unwrap().len();
        eprintln!("{name}: {found} people; the first time {:?}", started.elapsed());
        assert_eq!(found, truth(&shop) as u64, "{name}");
        group.bench_function(name, |bench| bench.iter(|| snapshot.members_at(&segment, now()).unwrap().len()));
    }
    let mut round = 0;
    let behavior = segment(QUESTIONS[2].rule);
    group.bench_function("c, after a commit of one message", |bench| {
        bench.iter_custom(|times| {
            (0..times).fold(Duration::ZERO, |spent, _| {
                round += 1;
                let viewed = format!(
                    r#"{{"type":"track","event":"Product Viewed","userId":"u{}","messageId":"n{round}"}}"#,
                    round * 7919 % people
                );
                ingest(&store, &viewed);
                let started = Instant::now();
                std::hint::black_box(store.snapshot().members_at(&behavior, now()).unwrap().len());
                spent + started.elapsed()
            })
        });
    });
    group.finish();
    for (input, bytes) in store.stats().column_bytes {
        eprintln!("{input}: {bytes} bytes");
    }
}

/// Writes the people for the peers: customers, events and lines of orders, as CSV.
fn dump(shop: &Shop, dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let file = |name: &str| std::fs::File::create(dir.join(name)).map(std::io::BufWriter::new);
    let (mut customers, mut events, mut lines) = (file("customers.csv")?, file("events.csv")?, file("lines.csv")?);
    writeln!(customers, "person,country,tier,gender,source,consent,age,ltv")?;
    for (person, of) in shop.customers.iter().enumerate() {
        let shop::Customer { country, tier, gender, source, consent, age, ltv } = of;
        writeln!(customers, "{person},{country},{tier},{gender},{source},{consent},{age},{ltv}")?;
    }
    writeln!(events, "person,ts,event,category,cents")?;
    writeln!(lines, "person,brand")?;
    for Event { person, ts, what } in &shop.events {
        match what {
            What::Viewed(category) => writeln!(events, "{person},{ts},viewed,{category},0")?,
            What::Delivered => writeln!(events, "{person},{ts},delivered,-1,0")?,
            What::Ordered(ordered) => {
                writeln!(events, "{person},{ts},ordered,-1,{}", ordered.iter().map(|(_, cents)| cents).sum::<u64>())?;
                ordered.iter().try_for_each(|(brand, _)| writeln!(lines, "{person},{brand}"))?;
            }
        }
    }
    [customers, events, lines].iter_mut().try_for_each(std::io::Write::flush)
}

criterion_group!(benches, all);
criterion_main!(benches);
