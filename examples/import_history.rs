//! What a shop owner runs first: files in, and a look at the shop.
//!
//! ```text
//! cargo run --release --example import_history -- [--store DIR] [--currency EUR] [--zone Europe/Copenhagen]
//!     [--dates day-first|month-first] FILE...
//! ```
//! Files are exports of orders or customers (.csv; Shopify's, WooCommerce's and plain ones are understood) or Segment
//! messages (.ndjson, .jsonl), each also with .gz behind. Without --store everything stays in memory.

use flate2::read::MultiGzDecoder;
use regulars::import::{CsvFile, DateOrder};
use regulars::{Currency, Ingest, Money, Reason, Receipt, Segment, Snapshot, Store, when};
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str =
    "usage: import_history [--store DIR] [--currency CODE] [--zone ZONE] [--dates day-first|month-first] FILE...
files: orders or customers (.csv), Segment messages (.ndjson, .jsonl); each also with .gz";

struct Asked {
    store: Option<String>,
    currency: Option<String>,
    zone: Option<String>,
    dates: Option<DateOrder>,
    files: Vec<PathBuf>,
}

fn asked(arguments: impl Iterator<Item = OsString>) -> Result<Asked> {
    let mut asked = Asked { store: None, currency: None, zone: None, dates: None, files: Vec::new() };
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().and_then(|value| value.into_string().ok()).ok_or(USAGE);
        match argument.to_str().unwrap_or_default() {
            "--store" => asked.store = Some(value()?),
            "--currency" => asked.currency = Some(value()?),
            "--zone" => asked.zone = Some(value()?),
            "--dates" => {
                asked.dates = Some(match value()?.as_str() {
                    "day-first" => DateOrder::DayFirst,
                    "month-first" => DateOrder::MonthFirst,
                    _ => return Err(USAGE.into()),
                });
            }
            "--help" | "-h" => {
                println!("{USAGE}");
                std::process::exit(0);
            }
            flag if flag.starts_with("--") => return Err(USAGE.into()),
            _ => asked.files.push(argument.into()),
        }
    }
    if asked.files.is_empty() { Err(USAGE.into()) } else { Ok(asked) }
}

/// A stream that counts what was read of the file itself: of a compressed one, the compressed bytes.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// One file being read, and how much of it was.
struct Bar {
    name: String,
    total: u64,
    read: Arc<AtomicU64>,
}

impl Bar {
    fn show(&self, count: u64, what: &str) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let done = self.read.load(Ordering::Relaxed).min(self.total);
        let tenths = (done * 30).checked_div(self.total).unwrap_or(30);
        let tenths = usize::try_from(tenths).unwrap_or(30).min(30);
        eprint!("\r{} [{}{}] {count} {what}   ", self.name, "#".repeat(tenths), " ".repeat(30 - tenths));
        let _ = std::io::stderr().flush();
    }

    fn done(&self) {
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
    }
}

/// What to do about rows that were refused for a reason.
fn remedy(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::InvalidUtf8 => "save the file as UTF-8 (spreadsheets call it CSV UTF-8)",
        Reason::InvalidTimestamp => {
            "write times as 2025-12-31 or 2025-12-31 18:30, or say --dates day-first or month-first"
        }
        Reason::InvalidJson => "a file of messages has one JSON object a line; a file of rows ends with .csv",
        Reason::InvalidCsv => "these rows have another number of cells than the header, or a quote that is not closed",
        Reason::WrongType => "amounts are digits with a decimal mark, without words or symbols",
        _ => return None,
    })
}

fn tell_remedies(receipt: &Receipt, out: &mut impl Write) -> Result<()> {
    for reason in receipt.reasons.keys() {
        if let Some(remedy) = remedy(*reason) {
            writeln!(out, "  about {reason}: {remedy}")?;
        }
    }
    if receipt.accepted + receipt.duplicates == 0 && receipt.rejected > 0 {
        return Err("nothing in this file could be used".into());
    }
    Ok(())
}

/// What reading a file can fail of: the packer's words say nothing to those who did not write it.
fn plainly(path: &str, packed: bool, error: &regulars::Error) -> String {
    if packed && error.kind() == regulars::ErrorKind::Io {
        return format!(
            "{path}: the file cannot be unpacked: it is damaged, cut, or no .gz; export or download it again"
        );
    }
    format!("{path}: {error}")
}

fn take_in(store: &Store, file: &Path, asked: &Asked, out: &mut impl Write) -> Result<()> {
    let path = file.display().to_string();
    let file = File::open(file).map_err(|error| format!("cannot open {path:?}: {error}"))?;
    let read = Arc::new(AtomicU64::new(0));
    let bar = Bar { name: path.clone(), total: file.metadata()?.len(), read: Arc::clone(&read) };
    let counted = Counted { inner: file, read };
    let name = path.to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let packed = plain != name;
    let stream: Box<dyn Read> = if !packed { Box::new(counted) } else { Box::new(MultiGzDecoder::new(counted)) };
    if plain.ends_with(".ndjson") || plain.ends_with(".jsonl") || plain.ends_with(".json") {
        let receipt = store.import_ndjson(stream, &Ingest::new(), |progress| bar.show(progress.lines, "lines"));
        let receipt = receipt.map_err(|error| plainly(&path, packed, &error))?;
        bar.done();
        writeln!(out, "{path}: {receipt}")?;
        for reject in receipt.rejects.iter().take(5) {
            writeln!(out, "  line {}: {}", reject.line, reject.reason)?;
        }
        return tell_remedies(&receipt, out).map_err(|error| format!("{path}: {error}").into());
    }
    let mut file = CsvFile::new(stream, None).on_progress(|progress| bar.show(progress.rows, "rows"));
    if let Some(zone) = &asked.zone {
        file = file.time_zone(zone);
    }
    if let Some(order) = asked.dates {
        file = file.date_order(order);
    }
    let report = store.import(file).map_err(|error| plainly(&path, packed, &error))?;
    bar.done();
    write!(out, "{path}: {report}")?;
    tell_remedies(&report.receipt, out).map_err(|error| format!("{path}: {error}").into())
}

fn shop(snapshot: &Snapshot, currency: Currency, out: &mut impl Write) -> Result<()> {
    let (people, profiles) = (snapshot.people(), snapshot.profiles());
    writeln!(out, "\n{people} people and {} anonymous visitors, {} events", profiles - people, snapshot.events())?;
    let months = snapshot.revenue_by_month()?;
    let most = months.iter().map(|month| month.net_minor).max().unwrap_or(0).max(1);
    writeln!(out, "\nRevenue, net of refunds")?;
    for month in &months {
        let width = usize::try_from(i128::from(month.net_minor.max(0)) * 40 / i128::from(most)).unwrap_or(0);
        let net = Money::new(month.net_minor, currency).to_string();
        writeln!(out, "  {}  {net:>18}  {:>7} orders  {}", month.month, month.orders, "#".repeat(width))?;
    }
    let unknown: u64 = months.iter().map(|month| month.orders_unknown).sum();
    if unknown > 0 {
        writeln!(
            out,
            "  {unknown} orders are not in it: in another currency than {currency}, or without a readable amount"
        )?;
    }
    Ok(())
}

/// Three segments, as of the end of the history: an old export has no recent buyers today.
fn segments(store: &Store, out: &mut impl Write) -> Result<()> {
    let snapshot = store.snapshot();
    let Some(last) = snapshot.last_event()? else { return Ok(()) };
    writeln!(out, "\nSegments, as of {last}")?;
    for segment in [
        Segment::new(
            "one-time buyers slipping away",
            when::orders().is(1) & when::days_since_last_order().between(30..=90),
        ),
        Segment::new(
            "regulars: two or more orders, one in the last 60 days",
            when::orders().at_least(2) & when::days_since_last_order().at_most(60),
        ),
        Segment::new(
            "loyal once, silent for 60 days",
            when::orders().at_least(3) & when::days_since_last_order().more_than(60),
        ),
    ] {
        writeln!(out, "  {:>7}  {}", snapshot.members_at(&segment, last)?.len(), segment.name())?;
    }
    Ok(())
}

fn run(out: &mut impl Write) -> Result<()> {
    let asked = asked(std::env::args_os().skip(1))?;
    let code = asked.currency.as_deref().unwrap_or("EUR");
    let currency: Currency = code.parse()?;
    let mut options = Store::options().currency(code);
    if let Some(zone) = &asked.zone {
        let config = serde_json::json!({"currency": code, "time_zone": zone});
        options = options.config(serde_json::from_value(config)?);
    }
    let store = match &asked.store {
        Some(place) => options.open(place)?,
        None => options.in_memory()?,
    };
    let mut failed = 0;
    for file in &asked.files {
        if let Err(error) = take_in(&store, file, &asked, out) {
            if is_broken_pipe(error.as_ref()) {
                return Err(error);
            }
            eprintln!("{error}");
            failed += 1;
        }
    }
    if failed < asked.files.len() {
        shop(&store.snapshot(), currency, out)?;
        if asked.currency.is_none() {
            writeln!(out, "  in EUR, and amounts without a currency read as such: --currency says another one")?;
        }
        segments(&store, out)?;
    }
    store.close()?;
    match failed {
        0 => Ok(()),
        1 => Err("1 file could not be used; see above".into()),
        _ => Err(format!("{failed} files could not be used; see above").into()),
    }
}

/// Whoever reads the report may stop before its end.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn main() -> ExitCode {
    let Err(error) = run(&mut std::io::stdout()) else { return ExitCode::SUCCESS };
    if is_broken_pipe(error.as_ref()) {
        return ExitCode::SUCCESS;
    }
    eprintln!("{error}");
    ExitCode::FAILURE
}
