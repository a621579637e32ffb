//! A million events of a shop, streamed in, and what it costs: `cargo run --release --example million -- [N] [DIR]`.
//!
//! N defaults to 1,000,000 events of N/10 people, DIR to a fresh temporary directory. With `--hold` it sleeps after the
//! last receipt, so that a test can kill it and see what the next open finds.

use regulars::{Config, Ingest, Progress, Store, id};
use std::error::Error;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let hold = arguments.iter().any(|argument| argument == "--hold");
    let mut places = arguments.iter().filter(|argument| !argument.starts_with("--"));
    let events = places.next().map_or(Ok(1_000_000), |text| text.parse::<u64>())?;
    let dir = places.next().map_or_else(fresh, |dir| Ok(PathBuf::from(dir)))?;

    let store = Store::options().config(config()?).open(&dir)?;
    println!("{events} events of {} people into {}", people(events), dir.display());
    let start = Instant::now();
    let mut told = Instant::now();
    let receipt = store.ingest_reader(Generator::new(events), &Ingest::new(), |progress| {
        if told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            tell(progress, start.elapsed());
        }
    })?;
    let mut out = io::stdout().lock();
    writeln!(out, "LAST RECEIPT {}", receipt.accepted)?;
    out.flush()?;
    if hold {
        loop {
            std::thread::sleep(Duration::from_secs(3600));
        }
    }
    println!("{receipt}");
    println!("{:.0} events/s, {} MiB resident", rate(receipt.accepted, start.elapsed()), resident_mib());
    store.close()?;
    reopen(&dir)
}

/// Opens the store again and tells how long that took.
fn reopen(dir: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let store = Store::open(dir)?;
    println!("open             {:?}", start.elapsed());
    let start = Instant::now();
    let profile = store.snapshot().profile(id::email("person1@example.com"))?;
    println!(
        "first profile    {:?} ({} events)",
        start.elapsed(),
        profile.map_or(0, |p| p.activity.values().sum::<u64>())
    );
    let stats = store.stats();
    println!("replayed events  {}", stats.replayed_events);
    println!("people           {} of {} profiles, {} identifiers", stats.people, stats.profiles, stats.identifiers);
    let bytes = directory_bytes(dir)?;
    println!("on disk          {bytes} bytes, {} an event", bytes / stats.events.max(1));
    store.close()?;
    Ok(())
}

fn config() -> Result<Config, serde_json::Error> {
    serde_json::from_str(
        r#"{"currency": "EUR", "default_region": "DK", "mapping": {"loyalty_card": "properties.loyalty_card"}}"#,
    )
}

fn fresh() -> io::Result<PathBuf> {
    let dir = std::env::temp_dir().join("million.regulars");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(dir)
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn rate(events: u64, elapsed: Duration) -> f64 {
    events as f64 / elapsed.as_secs_f64().max(1e-9)
}

fn tell(progress: Progress, elapsed: Duration) {
    let per_second = rate(progress.accepted, elapsed);
    println!(
        "{:>10} events  {per_second:>8.0}/s  {:>6} MiB read  {:>5} MiB resident",
        progress.accepted,
        progress.bytes >> 20,
        resident_mib()
    );
}

/// Resident memory by the system's account; 0 where it keeps none.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn directory_bytes(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

fn people(events: u64) -> u64 {
    (events / 10).max(1)
}

/// The events as a stream of NDJSON: the same for everybody, and never in memory at once.
struct Generator {
    events: u64,
    next: u64,
    dice: Dice,
    line: Vec<u8>,
    read: usize,
}

impl Read for Generator {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            self.line.clear();
            self.read = 0;
            if self.next < self.events {
                self.event()?;
                self.next += 1;
            }
        }
        let rest = self.line.get(self.read..).unwrap_or_default();
        let count = io::copy(&mut rest.take(buffer.len() as u64), &mut &mut *buffer)?;
        let count = usize::try_from(count).unwrap_or(0);
        self.read += count;
        Ok(count)
    }
}

/// Who an event is about.
struct Person {
    number: u64,
    anonymous: [u64; 2],
    logged_in: bool,
}

impl Generator {
    fn new(events: u64) -> Self {
        Self { events, next: 0, dice: Dice(7), line: Vec::new(), read: 0 }
    }

    /// Some people come much more often than others, on up to four devices.
    fn person(&mut self) -> Person {
        let all = people(self.events);
        let number = self.dice.below(all).min(self.dice.below(all));
        let device = self.dice.below(2) + 2 * self.dice.below(2) * (number & 1);
        let anonymous = [mix(number * 4 + device), mix(number * 4 + device + (1 << 40))];
        // Every second person has an account, and is logged in on every third event.
        let logged_in = number.is_multiple_of(2) && self.dice.below(3) == 0;
        Person { number, anonymous, logged_in }
    }

    fn event(&mut self) -> io::Result<()> {
        let person = self.person();
        let kind = self.dice.below(100);
        self.line.push(b'{');
        match kind {
            0..6 => self.identify(&person)?,
            6..18 => self.page(&person)?,
            18..58 => self.product(&person, "Product Viewed")?,
            58..70 => self.product(&person, "Product Added")?,
            70..77 => self.checkout(&person)?,
            77..85 => self.order(&person)?,
            85..95 => self.email(&person, "Email Delivered")?,
            _ => self.email(&person, "Email Opened")?,
        }
        self.common()
    }

    /// The message's own fields: id, time and context.
    fn common(&mut self) -> io::Result<()> {
        const YEAR_MS: u64 = 31_536_000_000;
        const START_MS: u64 = 1_735_689_600_000; // 2025-01-01
        let at = START_MS + YEAR_MS / self.events.max(1) * self.next;
        let at = regulars::Timestamp::from_millisecond(i64::try_from(at).unwrap_or(0));
        let product = self.dice.below(5000);
        let id = uuid([mix(self.next + (1 << 50)), mix(self.next + (1 << 51))]);
        writeln!(
            self.line,
            r#","messageId":"{id}","timestamp":"{at}","context":{{"library":{{"name":"analytics.js","version":"2.11.1"}},"userAgent":"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1","locale":"da-DK","page":{{"url":"https://shop.example/products/{product}","path":"/products/{product}"}}}}}}"#
        )
    }

    fn who(&mut self, person: &Person) -> io::Result<()> {
        write!(self.line, r#""anonymousId":"{}""#, uuid(person.anonymous))?;
        if person.logged_in {
            write!(self.line, r#","userId":"u{}""#, person.number)?;
        }
        Ok(())
    }

    fn identify(&mut self, person: &Person) -> io::Result<()> {
        let number = person.number;
        let account = number.is_multiple_of(2);
        let tier = if number.is_multiple_of(20) { "gold" } else { "basic" };
        write!(self.line, r#""type":"identify","anonymousId":"{}""#, uuid(person.anonymous))?;
        if account {
            write!(self.line, r#","userId":"u{number}""#)?;
        }
        write!(self.line, r#","traits":{{"email":"person{number}@example.com","tier":"{tier}""#)?;
        if number.is_multiple_of(5) {
            write!(self.line, r#","phone":"+4520{:06}""#, number % 1_000_000)?;
        }
        self.line.push(b'}');
        Ok(())
    }

    fn page(&mut self, person: &Person) -> io::Result<()> {
        self.line.extend_from_slice(br#""type":"page","name":"Home","#);
        self.who(person)
    }

    fn track(&mut self, event: &str, person: &Person) -> io::Result<()> {
        write!(self.line, r#""type":"track","event":"{event}","#)?;
        self.who(person)
    }

    fn product(&mut self, person: &Person, event: &str) -> io::Result<()> {
        self.track(event, person)?;
        let line = self.order_line();
        write!(self.line, r#","properties":{line}"#)
    }

    fn checkout(&mut self, person: &Person) -> io::Result<()> {
        self.track("Checkout Started", person)?;
        let (cart, value) = (self.next, self.dice.below(200));
        write!(self.line, r#","properties":{{"cart_id":"c{cart}","value":{value}.00,"currency":"EUR"}}"#)
    }

    /// An order of one to three lines; one of eight is rung up at the till, by loyalty card.
    fn order(&mut self, person: &Person) -> io::Result<()> {
        let number = person.number;
        let till = number.is_multiple_of(4) && self.dice.below(2) == 0;
        if till {
            self.line.extend_from_slice(br#""type":"track","event":"Order Completed""#);
        } else {
            self.track("Order Completed", person)?;
        }
        let total = 10 + self.dice.below(190);
        write!(self.line, r#","properties":{{"order_id":"o{}","total":{total}.90,"currency":"EUR""#, self.next)?;
        if till {
            write!(self.line, r#","loyalty_card":"L-{number:07}""#)?;
        }
        // The till knows an e-mail address only of those who want the receipt by mail.
        if !till || self.dice.below(3) == 0 {
            write!(self.line, r#","email":"person{number}@example.com""#)?;
        }
        self.line.extend_from_slice(br#","products":["#);
        for at in 0..=self.dice.below(3) {
            let line = self.order_line();
            write!(self.line, "{}{line}", if at > 0 { "," } else { "" })?;
        }
        self.line.extend_from_slice(b"]}");
        Ok(())
    }

    fn order_line(&mut self) -> String {
        const CATEGORIES: [&str; 5] = ["coffee", "tea", "kitchen", "garden", "gifts"];
        let (product, price) = (self.dice.below(5000), 3 + self.dice.below(60));
        let category = CATEGORIES.iter().cycle().nth(usize::try_from(product % 5).unwrap_or(0)).unwrap_or(&"gifts");
        format!(
            r#"{{"product_id":"p{product}","category":"{category}","price":{price}.50,"quantity":{}}}"#,
            1 + self.dice.below(3)
        )
    }

    fn email(&mut self, person: &Person, event: &str) -> io::Result<()> {
        let (number, campaign) = (person.number, self.next / 50_000);
        write!(
            self.line,
            r#""type":"track","event":"{event}","properties":{{"email":"person{number}@example.com","campaign_id":"k{campaign}","email_subject":"News of the week"}}"#
        )
    }
}

/// Two words as a version 4 UUID.
fn uuid([a, b]: [u64; 2]) -> String {
    let (a, b) = (a & !0xf000 | 0x4000, b & !(0xc << 60) | (0x8 << 60));
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xffff, b >> 48, b & 0xffff_ffff_ffff)
}

/// SplitMix64's finalizer: a number that looks like chance and is always the same.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}

/// SplitMix64, counting.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) % sides.max(1)
    }
}
