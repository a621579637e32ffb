//! What a message costs until it is a fact: parsing and normalizing on one core, without the store.
//!
//! Each body is a thousand messages, a line or a batch member each, so criterion's elements are messages:
//! `cargo bench --bench message`. One thousand lines also spread what a call costs once.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails shall stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regulars::{Ingest, Store};
use std::hint::black_box;

const MESSAGES: usize = 1000;

/// A product view of 600 bytes, as a browser sends it.
fn track(at: usize) -> String {
    format!(
        r#"{{"anonymousId":"507f191e-810c-4972-9de8-{at:012x}","context":{{"ip":"192.0.2.8","library":{{"name":"analytics.js","version":"2.11.1"}},"locale":"en-US","page":{{"path":"/academy/","referrer":"","title":"Analytics Academy","url":"https://example.com/academy/"}},"userAgent":"Mozilla/5.0 (X11; Linux x86_64)"}},"event":"Product Viewed","messageId":"022bb90c-bbac-11e4-8dfc-{at:012x}","properties":{{"brand":"Gamer","category":"Games","currency":"USD","name":"Monopoly","price":18.99,"product_id":"507f1f77","quantity":1}},"sentAt":"2015-02-23T22:28:55.111Z","timestamp":"2015-02-23T22:28:55.387Z","type":"track","userId":"9798{at:06}"}}"#
    )
}

fn identify(at: usize) -> String {
    format!(
        r#"{{"type":"identify","messageId":"ajs-next-{at}-84d32beb4273e661a2257bfef41c4964","anonymousId":"507f191e-810c-4972-9de8-{at:012x}","userId":"u{at}","timestamp":"2026-02-23T22:28:55.387Z","traits":{{"email":"Ann.{at}@Example.com","phone":"+45 20 12 34 56","firstName":"Ann","lastName":"Smith","age":34,"vip":true,"createdAt":"2020-05-04T10:11:12.000Z","address":{{"city":"Aarhus","postalCode":"8000","country":"DK"}},"tags":["news","sale"]}},"context":{{"locale":"da-DK","timezone":"Europe/Copenhagen"}}}}"#
    )
}

fn order(at: usize) -> String {
    let line = |line: usize| {
        format!(
            r#"{{"product_id":"p{line}","sku":"G-{line}","name":"Monopoly: 3rd Edition","brand":"Gamer","category":"Games","price":{line}9.90,"quantity":{line}}}"#
        )
    };
    let lines: Vec<String> = (1..6).map(line).collect();
    format!(
        r#"{{"type":"track","event":"Order Completed","messageId":"o-{at}","userId":"u{at}","timestamp":"2026-02-23T22:28:55.387Z","properties":{{"order_id":"50314{at}","total":1097.50,"currency":"EUR","discount":2.5,"coupon":"hasbros","products":[{}]}}}}"#,
        lines.join(",")
    )
}

fn messages(criterion: &mut Criterion) {
    let store = Store::options().currency("EUR").in_memory().unwrap();
    let mut group = criterion.benchmark_group("message");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    let mut run = |name: String, body: String| {
        assert_eq!(store.check(body.as_bytes(), &Ingest::new()).unwrap().accepted, MESSAGES as u64, "{name}");
        group.bench_function(format!("{name} of {} bytes", body.len() / MESSAGES), |bencher| {
            bencher.iter(|| store.check(black_box(body.as_bytes()), &Ingest::new()).unwrap());
        });
    };
    let lines = |message: fn(usize) -> String| (0..MESSAGES).map(message).collect::<Vec<_>>().join("\n");
    run("track".to_owned(), lines(track));
    run("identify".to_owned(), lines(identify));
    run("order".to_owned(), lines(order));
    let members: Vec<String> = (0..MESSAGES).map(track).collect();
    let head = r#"{"sentAt":"2026-02-23T22:29:00.000Z","writeKey":"k","batch":["#;
    run("batch of tracks".to_owned(), format!("{head}{}]}}", members.join(",")));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).measurement_time(std::time::Duration::from_secs(3));
    targets = messages
}
criterion_main!(benches);
