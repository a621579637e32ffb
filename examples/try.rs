use regulars::*;
use std::io::Read;
use std::time::Instant;
fn main() -> Result<()> {
    let file = std::env::args().nth(1).unwrap();
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(&file).unwrap()).read_to_end(&mut text).unwrap();
    let dir = std::env::temp_dir().join("try.regulars");
    let _ = std::fs::remove_dir_all(&dir);
    let t = Instant::now();
    let store = Store::options()
        .currency("GBP")
        .clock(Clock::Manual)
        .durability(Durability::OnFlush)
        .seal_events(2000)
        .open(&dir)?;
    let receipt = store.ingest_reader(&text[..], &Ingest::new().batch_lines(500), |_| {})?;
    println!("{receipt} {:?}", t.elapsed());
    println!("{:?}", store.stats());
    let snap = store.snapshot();
    let t = Instant::now();
    let all = Segment::new("x", when::orders().at_least(1)).within(Universe::Known);
    println!("buyers {} {:?}", snap.members_at(&all, "2030-01-01".parse()?)?.len(), t.elapsed());
    let at = "2011-03-01T00:00:00Z".parse()?;
    for (name, json) in [
        ("30d 807", r#"{"orders":"days_since_last","lte":30}"#),
        ("652", r#"{"and":[{"orders":"count","is":1},{"orders":"days_since_last","between":[30,90]}]}"#),
        ("379", r#"{"orders":"count","window":{"last":"60d"},"gte":2}"#),
        ("332", r#"{"bought":{"product":"85123A"}}"#),
        (
            "63",
            r#"{"event":"Order Completed","where":{"line":"any","where":{"and":[{"property":"product_id","is":"85123A"},{"property":"quantity","gte":32}]}}}"#,
        ),
    ] {
        let t = Instant::now();
        let s = Segment::new("x", Rule::from_json(json)?);
        println!("{name}: {} {:?}", snap.members_at(&s, at)?.len(), t.elapsed());
    }
    println!("{}", snap.profile(id::user("17850"))?.map(|p| p.to_string()).unwrap_or_default());
    let t = Instant::now();
    println!("{:?} {:?}", snap.digest()?, t.elapsed());
    println!("{:?}", store.verify()?);
    store.close()?;
    let t = Instant::now();
    let store = Store::open(&dir)?;
    println!("open {:?} {:?}", t.elapsed(), store.stats());
    println!("{:?}", store.snapshot().digest()?);
    Ok(())
}
