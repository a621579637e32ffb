//! Real shops, against facts about them that were counted without this crate: see the README beside the data.

use flate2::read::GzDecoder;
use regulars::{Clock, Durability, Ingest, Options, Receipt, Rule, Segment, Snapshot, Store, Universe, id};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// A compressed file of the data; none, said aloud, where the data is not there.
pub(crate) fn file(name: &str) -> Option<GzDecoder<File>> {
    let folder = std::env::var_os("REGULARS_DATA").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let file = File::open(folder.join(name)).ok().map(GzDecoder::new);
    if file.is_none() {
        println!("skipped: {name} is not in ../shared/data nor in REGULARS_DATA");
    }
    file
}

/// The messages of a file, a line each.
fn lines(name: &str) -> Option<Vec<String>> {
    let mut text = String::new();
    file(&format!("{name}.ndjson.gz"))?.read_to_string(&mut text).expect("gzip of UTF-8");
    Some(text.lines().map(str::to_owned).collect())
}

fn options(currency: &str) -> Options {
    let options = Store::options().currency(currency).key([7; 32]).clock(Clock::Manual);
    options.durability(Durability::OnFlush).seal_events(2000)
}

fn ingest(store: &Store, lines: &[String], batch: u64) -> Receipt {
    let text = lines.join("\n");
    store.ingest_reader(text.as_bytes(), &Ingest::new().batch_lines(batch), |_| {}).expect("ingests")
}

fn count(snapshot: &Snapshot, rule: &str, universe: Universe, at: &str) -> u64 {
    let segment = Segment::new("asked", Rule::from_json(rule).expect("reads")).within(universe);
    snapshot.members_at(&segment, at.parse().expect("an instant")).expect("evaluates").len()
}

/// What all people together ordered, and how often each event stands in their histories.
#[derive(Debug, Default, PartialEq)]
struct Totals {
    orders: u64,
    gross: i64,
    refunded: i64,
    activity: BTreeMap<String, u64>,
}

fn totals(snapshot: &Snapshot) -> Totals {
    let mut totals = Totals::default();
    let mut seen = std::collections::BTreeSet::new();
    for owner in snapshot.identifiers().expect("readable") {
        if !owner.profile.is_some_and(|profile| seen.insert(profile)) {
            continue;
        }
        let page = snapshot.profile(owner.id).expect("readable").expect("known");
        totals.orders += page.orders.count;
        totals.gross += page.orders.gross_minor;
        totals.refunded += page.orders.refunded_minor;
        page.activity.into_iter().for_each(|(name, count)| *totals.activity.entry(name).or_default() += count);
    }
    totals
}

fn everything_is_a_duplicate(store: &Store, lines: &[String]) {
    let again = ingest(store, lines, 4000);
    assert_eq!((again.accepted, again.duplicates, again.conflicting), (0, lines.len() as u64, 0));
}

#[test]
fn online_retail() {
    let Some(lines) = lines("online_retail_2010-12_to_2011-02") else { return };
    let store = options("GBP").in_memory().expect("opens");
    let receipt = ingest(&store, &lines, 3000);
    assert_eq!((receipt.accepted, receipt.rejected), (6432, 0));
    let snapshot = store.snapshot();
    assert_eq!((snapshot.profiles(), snapshot.people()), (2283, 1749));
    let totals = totals(&snapshot);
    assert_eq!((totals.orders, totals.gross, totals.refunded), (3875, 203_874_259, 23_172_266));
    let activity = [("Order Completed", 3875), ("Order Refunded", 805), ("identify", 1752)];
    assert_eq!(totals.activity, activity.map(|(name, count)| (name.to_owned(), count)).into());
    segments_of_online_retail(&snapshot);
    let ann = snapshot.profile(id::user("17850")).expect("readable").expect("known");
    assert_eq!(ann.traits["address"].as_str(), r#"{"country":"United Kingdom"}"#);
    everything_is_a_duplicate(&store, &lines);
}

fn segments_of_online_retail(snapshot: &Snapshot) {
    let at = "2011-03-01T00:00:00Z";
    let known = |rule: &str| count(snapshot, rule, Universe::Known, at);
    let orders = |test: &str| known(&format!(r#"{{"orders":"count",{test}}}"#));
    assert_eq!(orders(r#""gte":1"#), 1682);
    let by_count = [r#""is":1"#, r#""is":2"#, r#""is":3"#, r#""is":4"#, r#""gte":5"#].map(orders);
    assert_eq!(by_count, [1020, 301, 175, 72, 114]);
    assert_eq!(known(r#"{"orders":"days_since_last","lte":30}"#), 807, "days that are counted down");
    assert_eq!(known(r#"{"orders":"count","window":{"last":"30d"},"gte":1}"#), 807);
    assert_eq!(known(r#"{"orders":"count","window":{"last":"60d"},"gte":1}"#), 1237);
    let once = r#"{"and":[{"orders":"count","is":1},{"orders":"days_since_last","between":[30,90]}]}"#;
    assert_eq!(known(once), 652);
    assert_eq!(orders(r#""window":{"last":"60d"},"gte":2"#), 379);
    let bought = r#"{"bought":{"product":"85123A"}}"#;
    assert_eq!((known(bought), count(snapshot, bought, Universe::All, at)), (332, 385));
    let of = |product: &str, quantity: &str| {
        format!(r#"{{"event":"Order Completed","where":{{"and":[{product},{quantity}]}}}}"#)
    };
    let (product, quantity) = (r#"{"property":"product_id","is":"85123A"}"#, r#"{"property":"quantity","gte":32}"#);
    let line = |condition: &str| format!(r#"{{"line":"any","where":{condition}}}"#);
    let same_line = line(&format!(r#"{{"and":[{product},{quantity}]}}"#));
    assert_eq!(known(&format!(r#"{{"event":"Order Completed","where":{same_line}}}"#)), 63);
    // The mistake to avoid: the two conditions met by different lines.
    assert_eq!(known(&of(&line(product), &line(quantity))), 132);
}

#[test]
fn cdnow() {
    let Some(lines) = lines("cdnow_sample") else { return };
    let store = options("USD").in_memory().expect("opens");
    let receipt = ingest(&store, &lines, 5000);
    assert_eq!((receipt.accepted, receipt.rejected), (2357 + 6919, 0));
    let snapshot = store.snapshot();
    assert_eq!((snapshot.profiles(), snapshot.people()), (2357, 2357));
    let totals = totals(&snapshot);
    assert_eq!((totals.orders, totals.gross, totals.refunded), (6919, 24_409_194, 0));
    everything_is_a_duplicate(&store, &lines);
}

#[test]
fn complete_journey() {
    let Some(lines) = lines("completejourney") else { return };
    let store = options("USD").in_memory().expect("opens");
    let receipt = ingest(&store, &lines, 10_000);
    assert_eq!((receipt.accepted, receipt.rejected), (lines.len() as u64, 0));
    let snapshot = store.snapshot();
    let totals = totals(&snapshot);
    assert_eq!((totals.orders, totals.gross, totals.refunded), (47_243, 23_393_524, 0));
    assert_eq!(count(&snapshot, r#"{"orders":"count","gte":1}"#, Universe::Known, "2020-01-01T00:00:00Z"), 2377);
    assert_eq!(totals.activity["Order Completed"], 47_243);
    assert_eq!(totals.activity.values().sum::<u64>(), lines.len() as u64);
}

#[test]
fn clickstream() {
    let Some(lines) = lines("clickstream_2024-01_to_04") else { return };
    let store = options("USD").in_memory().expect("opens");
    let receipt = ingest(&store, &lines, 5000);
    assert_eq!((receipt.accepted, receipt.rejected), (14_897, 0));
    let snapshot = store.snapshot();
    assert_eq!((snapshot.profiles(), snapshot.people(), snapshot.events()), (535, 535, 14_897));
    let activity = totals(&snapshot).activity;
    let counted = [
        ("identify", 535),
        ("page", 2192),
        ("Product Viewed", 3202),
        ("Product Added", 534),
        ("Cart Viewed", 479),
        ("Checkout Step Viewed", 383),
        ("Payment Info Entered", 255),
        ("Order Completed", 203),
    ];
    for (name, count) in counted {
        assert_eq!(activity[name], count, "{name}");
    }
    assert_eq!(activity.values().sum::<u64>(), 14_897);
    everything_is_a_duplicate(&store, &lines);
}

/// Shuffles by a fixed rule: the same on every machine.
fn shuffled(lines: &[String], seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 20
    };
    let mut keyed: Vec<(u64, &String)> = lines.iter().map(|line| (next(), line)).collect();
    keyed.sort();
    keyed.into_iter().map(|(_, line)| line.clone()).collect()
}

/// One store in the file's order; others shuffled, in other batches, half of it after a restart: the same digest.
fn any_order(name: &str, currency: &str, take: usize) {
    let Some(mut lines) = lines(name) else { return };
    lines.truncate(take);
    let digest = |store: &Store| store.snapshot().digest().expect("digests");
    let straight = options(currency).in_memory().expect("opens");
    ingest(&straight, &lines, 100_000);
    let expected = digest(&straight);
    for (seed, batch) in [(1, 97), (2, 1500)] {
        let folder = std::env::temp_dir().join(format!("regulars-data-{name}-{seed}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let mixed = shuffled(&lines, seed);
        let (first, second) = mixed.split_at(mixed.len() / 2);
        let store = options(currency).seal_events(700).open(&folder).expect("creates");
        ingest(&store, first, batch);
        store.close().expect("closes");
        let store = options(currency).seal_events(700).open(&folder).expect("opens");
        ingest(&store, second, batch);
        assert_eq!(digest(&store), expected, "{name}, shuffle {seed}");
        assert_eq!(store.verify().expect("verifies").differences, Vec::<String>::new());
        store.close().expect("closes");
        let _ = std::fs::remove_dir_all(&folder);
    }
}

#[test]
fn online_retail_in_any_order() {
    any_order("online_retail_2010-12_to_2011-02", "GBP", 7000);
}

#[test]
fn clickstream_in_any_order() {
    any_order("clickstream_2024-01_to_04", "USD", 9000);
}

/// Examples of a file, each under its key.
fn examples(name: &str, key: &str) -> Option<Vec<serde_json::Value>> {
    let take = |line: &String| serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON")[key].take();
    Some(lines(name)?.iter().map(take).collect())
}

fn in_memory() -> Store {
    Store::options().clock(Clock::Manual).in_memory().expect("opens")
}

/// Each example into a store of its own, so that none is a duplicate: what was accepted reads back equal as JSON.
fn reads_back(example: &serde_json::Value, how: &Ingest) -> Receipt {
    let store = in_memory();
    let receipt = store.ingest(example.to_string().as_bytes(), how).expect("ingests");
    if receipt.accepted == 1 {
        let messages = store.snapshot().messages(None, 1).expect("readable");
        let back: serde_json::Value = serde_json::from_str(messages[0].1.as_str()).expect("JSON");
        assert_eq!(back, *example);
    }
    receipt
}

/// What the documentation demands of an example, by its own words: a known type, its required fields, a name.
fn expected(example: &serde_json::Value, default: Option<&str>) -> &'static str {
    let present =
        |value: &serde_json::Value| !(value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()));
    let has = |path: &str| present(path.split('.').fold(example, |value, key| &value[key]));
    let kind = example["type"].as_str().or(default).unwrap_or_default().to_lowercase();
    let required: &[&str] = match kind.as_str() {
        "track" => &["event"],
        "group" => &["groupId"],
        "alias" => &["userId", "previousId"],
        "identify" | "page" | "screen" => &[],
        "" => return "missing_field",
        _ => return "unknown_type",
    };
    let named = [
        "userId",
        "anonymousId",
        "properties.email",
        "properties.phone",
        "context.traits.email",
        "context.traits.phone",
    ];
    let devices = ["context.device.id", "context.device.advertisingId", "context.externalIds"];
    let own = kind != "group" && (has("traits.email") || has("traits.phone"));
    if !required.iter().all(|path| has(path)) {
        "missing_field"
    } else if own || named.iter().chain(&devices).any(|path| has(path)) {
        "accepted"
    } else {
        "no_identifier"
    }
}

fn check_examples(name: &str, default: Option<&str>) {
    let Some(examples) = examples(name, "event") else { return };
    let mut accepted = 0;
    for example in &examples {
        let how = default.map_or_else(Ingest::new, |kind| Ingest::new().default_type(kind));
        let receipt = reads_back(example, &how);
        let outcome = receipt.rejects.first().map_or("accepted", |reject| reject.reason.name());
        assert_eq!(outcome, expected(example, default), "{example}");
        accepted += receipt.accepted;
    }
    println!("{name}: {accepted} of {} accepted", examples.len());
}

#[test]
fn examples_of_the_public_documentation() {
    check_examples("segment_spec_docs", None);
}

#[test]
fn examples_that_name_no_type() {
    check_examples("segment_spec_docs_untyped", None);
    check_examples("segment_spec_docs_untyped", Some("track"));
    check_examples("segment_spec_docs_untyped", Some("identify"));
}

#[test]
fn examples_that_are_no_json() {
    let Some(examples) = examples("segment_spec_docs_invalid_json", "raw") else { return };
    for example in &examples {
        let receipt = in_memory().ingest_json(example.as_str().expect("text").as_bytes()).expect("ingests");
        let line = example.as_str().expect("text").replace(['\n', '\r'], " ");
        let alone = in_memory().ingest_json(line.as_bytes()).expect("ingests");
        assert_eq!(receipt.accepted, 0, "{example}");
        assert!(receipt.reasons.contains_key(&regulars::Reason::InvalidJson), "{example}");
        assert_eq!(alone.reasons, [(regulars::Reason::InvalidJson, 1)].into(), "{example}");
    }
}

#[test]
fn batches_of_analytics_go() {
    let Some(batches) = examples("segment_analytics_go_batches", "batch") else { return };
    let all = in_memory();
    let mut messages = 0;
    for batch in &batches {
        let members = batch["batch"].as_array().expect("a list").len() as u64;
        let store = in_memory();
        let receipt = store.ingest_json(batch.to_string().as_bytes()).expect("ingests");
        assert_eq!((receipt.accepted + receipt.duplicates, receipt.rejected), (members, 0), "{batch}");
        messages += members;
        all.ingest_json(batch.to_string().as_bytes()).expect("ingests");
    }
    // The fixtures share one messageId, so a store takes the first of them only.
    let ids: std::collections::BTreeSet<String> = batches
        .iter()
        .flat_map(|batch| batch["batch"].as_array().expect("a list"))
        .map(|message| message["messageId"].to_string())
        .collect();
    assert_eq!(all.snapshot().events(), ids.len() as u64, "{messages} messages");
}

#[test]
fn one_id_for_five_messages() {
    let store = in_memory();
    let body: Vec<String> = (0..5)
        .map(|at| format!(r#"{{"type":"track","event":"e{at}","userId":"u{at}","messageId":"I'm unique","sentAt":"2026-01-0{}"}}"#, at + 1))
        .collect();
    let receipt = store.ingest_json(body.join("\n").as_bytes()).expect("ingests");
    assert_eq!((receipt.accepted, receipt.duplicates, receipt.conflicting), (1, 4, 4));
    let again = store.ingest_json(body.join("\n").as_bytes()).expect("ingests");
    assert_eq!((again.accepted, again.duplicates, again.conflicting), (0, 5, 4));
    let snapshot = store.snapshot();
    assert_eq!(snapshot.events(), 1);
    assert!(snapshot.profile(id::user("u0")).expect("readable").is_some(), "the first accepted stands");
    assert!(snapshot.profile(id::user("u1")).expect("readable").is_none());
}
