//! A small shop, from its history to one customer who is everywhere: `cargo run --example quickstart`.
//!
//! Needs nothing, takes a second, and asserts what it tells.

use regulars::{Clock, Config, Id, Ingest, Receipt, Segment, Store, Timestamp, id, when};
use serde_json::{Value, json};
use std::error::Error;
use std::io::Write;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::temp_dir().join("quickstart.regulars");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    tour(&dir, &mut std::io::stdout().lock())
}

/// The whole story, told to `out`; the store stays in `dir`.
pub(crate) fn tour(dir: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let store = Store::options().config(config()?).clock(Clock::Manual).open(dir)?;

    writeln!(out, "1. A year of orders, as messages\n")?;
    let history = history();
    let receipt = store.ingest(history.join("\n").as_bytes(), &Ingest::new().received_at(day(365)))?;
    assert_eq!((receipt.accepted, receipt.rejected), (history.len() as u64, 0));
    writeln!(out, "   {receipt}: {} customers\n", store.snapshot().people())?;

    segments(&store, out)?;
    live(&store, out)?;
    profile(&store, out)?;
    crossings(&store, out)?;

    let stats = store.stats();
    store.close()?;
    // What was promised is on disk: another open finds the same.
    let again = Store::open(dir)?;
    assert_eq!(again.stats().events, stats.events);
    again.close()?;
    writeln!(out, "6. It is all in {}: {} events of {} customers.", dir.display(), stats.events, stats.people)?;
    writeln!(out, "   Ask on: cargo run --example shell -- {}", dir.display())?;
    writeln!(out, r#"   {{"do":"profile","identifier":["email","ann@example.com"]}}"#)?;
    Ok(())
}

/// The till writes the loyalty card into a property of its own.
fn config() -> Result<Config, serde_json::Error> {
    serde_json::from_str(
        r#"{"currency": "EUR", "mapping": {"loyalty_card": "properties.loyalty_card"},
            "sources": {"web": {"channel": "web"}, "till": {"channel": "pos"}}}"#,
    )
}

/// Midnight, `n` days after the shop opened.
fn day(n: i64) -> Timestamp {
    const OPENED_MS: i64 = 1_746_057_600_000; // 2025-05-01
    Timestamp::from_millisecond(OPENED_MS + n * 86_400_000)
}

/// Orders of 300 customers over 365 days: most buy once, some come back, a few keep coming.
fn history() -> Vec<String> {
    let mut dice = Dice(42);
    let mut orders = Vec::new();
    for customer in 0..300 {
        let count = match dice.below(100) {
            0..55 => 1,
            55..85 => 2 + dice.below(2),
            _ => 4 + dice.below(6),
        };
        let mut on = i64::from(dice.below(360));
        for _ in 0..count {
            if on >= 365 {
                break;
            }
            orders.push(order(customer, on, orders.len(), &mut dice));
            on += i64::from(10 + dice.below(35));
        }
    }
    orders
}

fn order(customer: u32, on: i64, number: usize, dice: &mut Dice) -> String {
    let cents = 1500 + dice.below(9000);
    let message = json!({
        "type": "track", "event": "Order Completed", "userId": format!("c{customer}"),
        "messageId": format!("history-{number}"), "timestamp": day(on),
        "properties": {"order_id": format!("A{number}"), "email": format!("customer{customer}@example.com"),
            "total": format!("{}.{:02}", cents / 100, cents % 100)},
    });
    message.to_string()
}

fn segments(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "2. Three segments, live from here on\n")?;
    let slipping = when::orders().is(1) & when::days_since_last_order().between(60..=180);
    let lost = when::orders().at_least(4) & when::days_since_last_order().at_least(90);
    for segment in [
        Segment::new("one-time buyers slipping away", slipping),
        Segment::new("loyal customers lost", lost),
        Segment::new("gold", when::net_revenue().at_least(300)),
    ] {
        let members = store.snapshot().members(&segment)?.len();
        assert!(members > 0);
        writeln!(out, "   {members:>4}  {}", segment.name())?;
        store.define(segment)?;
    }
    writeln!(out)?;
    Ok(())
}

/// Ann, who is nobody at first: on her phone, on her laptop, as a guest, at the till, and at last with an account.
fn live(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "3. A visitor on a phone and on a laptop, a guest order, the till, a login\n")?;
    let track = |event: &str, who: Value, properties: Value| {
        let mut message = json!({"type": "track", "event": event, "properties": properties});
        merge(&mut message, who);
        message
    };
    let (phone, laptop) = (json!({"anonymousId": "phone-7f3a"}), json!({"anonymousId": "laptop-c21e"}));
    let story = [
        ("web", 370, json!({"type": "page", "name": "Home", "anonymousId": "phone-7f3a"})),
        ("web", 370, track("Product Viewed", phone, json!({"product_id": "coffee", "price": 14.50}))),
        ("web", 371, track("Product Viewed", laptop.clone(), json!({"product_id": "kettle", "price": 89}))),
        (
            "web",
            371,
            track("Order Completed", laptop, json!({"order_id": "B1", "total": 89, "email": "Ann@Example.com"})),
        ),
        (
            "till",
            378,
            track(
                "Order Completed",
                json!({}),
                json!({"order_id": "T77", "total": "14.50",
            "loyalty_card": "L-0042", "email": "ann@example.com"}),
            ),
        ),
        (
            "web",
            390,
            json!({"type": "identify", "userId": "ann-1", "anonymousId": "phone-7f3a",
            "traits": {"email": "ann@example.com", "first_name": "Ann"}}),
        ),
    ];
    for (number, (source, on, mut message)) in story.into_iter().enumerate() {
        merge(&mut message, json!({"messageId": format!("live-{}", number + 1), "timestamp": day(on)}));
        let receipt = send(store, source, on, &message)?;
        let what = message.get("event").or(message.get("type")).and_then(Value::as_str).unwrap_or_default();
        writeln!(out, "   {source:<5} {what:<16} {receipt}")?;
    }
    writeln!(out)?;
    Ok(())
}

fn merge(message: &mut Value, more: Value) {
    if let (Value::Object(message), Value::Object(more)) = (message, more) {
        message.extend(more);
    }
}

fn send(store: &Store, source: &str, on: i64, message: &Value) -> regulars::Result<Receipt> {
    store.ingest(message.to_string().as_bytes(), &Ingest::new().source(source).received_at(day(on)))
}

fn profile(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "4. One customer\n")?;
    let snapshot = store.snapshot();
    let ann = snapshot.profile(id::email("ann@example.com"))?.ok_or("Ann is known")?;
    for one in
        [id::anonymous("phone-7f3a"), id::anonymous("laptop-c21e"), id::loyalty_card("L-0042"), id::user("ann-1")]
    {
        assert!(ann.identifiers.contains(&one), "{one} is hers");
    }
    assert_eq!((ann.events.len(), ann.orders.count, ann.orders.net_minor), (6, 2, 10_350));
    indented(out, &ann.to_string())?;
    writeln!(out, "   Why is the phone the one who paid at the till?\n")?;
    let why = snapshot.why(id::anonymous("phone-7f3a"), id::loyalty_card("L-0042"))?.ok_or("one person")?;
    let messages: Vec<&str> = why.path.iter().map(|step| step.message_id.as_str()).collect();
    assert_eq!(messages, ["live-6", "live-6", "live-5"].get(3 - messages.len()..).unwrap_or_default());
    indented(out, &why.to_string())
}

fn indented(out: &mut impl Write, text: &str) -> Result<(), Box<dyn Error>> {
    for line in text.lines() {
        writeln!(out, "{}", format!("   {line}").trim_end())?;
    }
    writeln!(out)?;
    Ok(())
}

/// Who enters and leaves: by an order, and by nothing but time.
fn crossings(store: &Store, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "5. Segments move, and receipts tell\n")?;
    let order = json!({"type": "track", "event": "Order Completed", "userId": "ann-1", "messageId": "live-7",
        "timestamp": day(395), "properties": {"order_id": "B2", "total": 219}});
    let receipt = send(store, "web", 395, &order)?;
    let ann: Id = id::user("ann-1");
    let profile = store.snapshot().resolve(ann, None)?.ok_or("Ann is known")?;
    assert_eq!(receipt.entered.get("gold"), Some(&vec![profile]));
    writeln!(out, "   Ann orders:       {receipt}")?;

    let wake = store.next_change()?.ok_or("time will change something")?;
    assert!(wake > day(395));
    writeln!(out, "   nothing happens:  next change by time alone at {wake}")?;
    let receipt = store.advance(day(430))?;
    let slipping = "one-time buyers slipping away";
    assert!(receipt.entered.contains_key(slipping) && receipt.left.contains_key(slipping));
    for (word, side) in [("entered", &receipt.entered), ("left", &receipt.left)] {
        for (segment, people) in side {
            writeln!(out, "   35 days later:    {:>3} {word} {segment}", people.len())?;
        }
    }
    writeln!(out)?;
    Ok(())
}

/// A small generator of our own, so that everybody sees the same shop.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(sides.max(1))).unwrap_or(0)
    }
}
