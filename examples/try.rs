//! Scratch.
use regulars::*;
use std::time::Instant;
fn rss() -> String {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM") || l.starts_with("RssAnon"))
        .collect::<Vec<_>>()
        .join(" ")
}
fn main() -> Result<()> {
    let file = std::env::args().nth(1).unwrap();
    let dir = std::path::PathBuf::from("/tmp/try.regulars");
    if std::env::args().nth(2).is_none() {
        let _ = std::fs::remove_dir_all(&dir);
        let t = Instant::now();
        let store = Store::options().currency("EUR").clock(Clock::Manual).durability(Durability::OnFlush).open(&dir)?;
        let receipt = store.ingest_reader(std::fs::File::open(&file).unwrap(), &Ingest::new(), |p| {
            if p.lines % 100_000 == 0 {
                println!("{} {:?} {}", p.lines, t.elapsed(), rss())
            }
        })?;
        println!("{receipt} {:?}", t.elapsed());
        println!("{:?}", store.stats());
        store.close()?;
    }
    let t = Instant::now();
    let store = Store::options().open(&dir)?;
    println!("open {:?} {:?} {}", t.elapsed(), store.stats(), rss());
    let t = Instant::now();
    let p = store.snapshot().profile(id::email("user.77@gmail.com"))?;
    println!("first profile {:?} {}", t.elapsed(), p.is_some());
    let mut v = vec![];
    for i in 0..300 {
        let t = Instant::now();
        let p = store.snapshot().profile(id::email(format!("user.{}@gmail.com", i * 331)))?;
        v.push((t.elapsed(), p.map_or(0, |p| p.activity.values().sum::<u64>())));
    }
    v.sort();
    println!("profile p50 {:?} p99 {:?}", v[150], v[296]);
    let t = Instant::now();
    for _ in 0..1000 {
        std::hint::black_box(store.snapshot());
    }
    println!("snapshot {:?}", t.elapsed() / 1000);
    let mut v = vec![];
    drop(store);
    let store = Store::options().durability(Durability::OnFlush).open(&dir)?;
    for i in 0..1000 {
        let b = format!(
            r#"{{"type":"track","event":"Product Viewed","anonymousId":"x{}","userId":"u{:08}","properties":{{"a":{i}}}}}"#,
            i % 7,
            i * 97
        );
        let t = Instant::now();
        store.ingest_json(b.as_bytes())?;
        v.push(t.elapsed());
    }
    v.sort();
    println!("commit p50 {:?} p99 {:?} max {:?}", v[500], v[990], v[999]);
    let t = Instant::now();
    let s = Segment::new("x", Rule::from_json(r#"{"orders":"count","gte":2}"#)?);
    println!("members {} {:?}", store.snapshot().members_at(&s, "2030-01-01".parse()?)?.len(), t.elapsed());
    let t = Instant::now();
    let s = Segment::new(
        "x",
        Rule::from_json(r#"{"event":"Product Viewed","window":{"last":"30d"},"measure":"count","gte":2}"#)?,
    );
    println!("members {} {:?}", store.snapshot().members_at(&s, "2025-12-01".parse()?)?.len(), t.elapsed());
    println!("{}", rss());
    Ok(())
}
