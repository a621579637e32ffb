//! What a shop owner runs first: files in, and a look at the shop.
//!
//! ```text
//! cargo run --release --example import_history -- [--store DIR] [--currency EUR] [--zone Europe/Copenhagen]
//!     [--dates day-first|month-first] [--kind orders|customers] [--encoding windows-1252] [--skip LINES]
//!     [--as-of 2026-01-31] [--source NAME] [--undo] FILE...
//! ```
//! Files are exports of orders or customers (.csv; those of the common shop systems, tills and mailing tools and plain ones
//! are understood) or Segment messages (.ndjson, .jsonl, .json), each also with .gz behind. Without --store everything
//! stays in memory, and without --currency it is counted in the currency that the first file names.

use flate2::read::MultiGzDecoder;
use regulars::import::{CsvFile, DateOrder, Kind};
use regulars::{Currency, Ingest, Money, Reason, Receipt, Retracted, Segment, Snapshot, Store, Timestamp, when};
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How many lines a report shows by itself.
const LINES_SHOWN: usize = 5;

const USAGE: &str =
    "usage: import_history [--store DIR] [--currency CODE] [--zone ZONE] [--dates day-first|month-first]
    [--kind orders|customers] [--encoding NAME] [--skip LINES] [--as-of TIME] [--source NAME] [--undo] FILE...
--undo takes back what the import of the same files brought, said with the same options
files: orders or customers (.csv), Segment messages (.ndjson, .jsonl, .json); each also with .gz";

#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) store: Option<String>,
    currency: Option<String>,
    zone: Option<String>,
    dates: Option<DateOrder>,
    kind: Option<Kind>,
    encoding: Option<String>,
    skip: Option<u64>,
    as_of: Option<Timestamp>,
    source: Option<String>,
    pub(crate) undo: bool,
    pub(crate) files: Vec<PathBuf>,
}

/// What is asked for; nothing, where that is how to ask.
pub(crate) fn asked(arguments: impl Iterator<Item = OsString>) -> Result<Option<Asked>> {
    let mut asked = Asked::default();
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().and_then(|value| value.into_string().ok()).ok_or(USAGE);
        match argument.to_str().unwrap_or_default() {
            "--store" => asked.store = Some(place_of_store(value()?)?),
            "--currency" => asked.currency = Some(value()?),
            "--zone" => asked.zone = Some(value()?),
            "--dates" => {
                asked.dates = Some(match value()?.as_str() {
                    "day-first" => DateOrder::DayFirst,
                    "month-first" => DateOrder::MonthFirst,
                    _ => return Err(USAGE.into()),
                });
            }
            "--kind" => {
                asked.kind = Some(match value()?.as_str() {
                    "orders" => Kind::Orders,
                    "customers" => Kind::Customers,
                    _ => return Err(USAGE.into()),
                });
            }
            "--encoding" => asked.encoding = Some(value()?),
            "--skip" => asked.skip = Some(value()?.parse().map_err(|_| USAGE)?),
            "--as-of" => asked.as_of = Some(value()?.parse()?),
            "--source" => asked.source = Some(value()?),
            "--undo" => asked.undo = true,
            "--help" | "-h" => return Ok(None),
            flag if flag.starts_with('-') => return Err(USAGE.into()),
            _ => asked.files.push(argument.into()),
        }
    }
    if asked.files.is_empty() { Err(USAGE.into()) } else { Ok(Some(asked)) }
}

/// What begins like an option is one that lacks its value before, and no place for a store.
fn place_of_store(place: String) -> std::result::Result<String, &'static str> {
    if place.starts_with('-') || place.is_empty() { Err(USAGE) } else { Ok(place) }
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
        Reason::InvalidUtf8 => {
            "these rows hold bytes that the encoding does not have; say which it is with --encoding, or save the file as UTF-8"
        }
        Reason::InvalidTimestamp => {
            "write times as 2025-12-31 or 2025-12-31 18:30, or say --dates day-first or month-first; a number such as 46268 \
             is how a spreadsheet keeps a date: format the column as a date and save the file again"
        }
        Reason::InvalidJson => "a file of messages has one JSON object a line; a file of rows ends with .csv",
        Reason::MissingField => {
            "a Segment message has a type; a row of orders a number, a time and an amount (a line of totals has none of them)"
        }
        Reason::InvalidCsv => "these rows have another number of cells than the header, or a quote that is not closed",
        Reason::WrongType => {
            "amounts are digits with a decimal mark and at most their own currency around them; a word about consent is \
             yes, no or one that mailing tools use"
        }
        Reason::NotAnOrder => "drafts, unfinished payments, fees, and returns for nothing of nobody",
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

/// All lines that something was noticed about, where the report shows the first of them only: whatever is dropped is said.
fn tell_noticed(receipt: &Receipt, out: &mut impl Write) -> Result<()> {
    for (flag, lines) in receipt.flagged.iter().filter(|(_, lines)| lines.len() > LINES_SHOWN) {
        let all: Vec<String> = lines.iter().map(u64::to_string).collect();
        writeln!(out, "  about {flag}: lines {}", all.join(" "))?;
    }
    Ok(())
}

fn tell_undone(path: &str, done: &Retracted, what: &str, out: &mut impl Write) -> Result<()> {
    let Retracted { retracted, unknown, earlier, .. } = done;
    writeln!(out, "{path}: {retracted} {what} taken back")?;
    if *unknown > 0 {
        writeln!(out, "  {unknown} {what} were not there: never imported so, or taken back already")?;
    }
    if *earlier > 0 {
        writeln!(
            out,
            "  {earlier} {what} stay, for an earlier import brought them; --undo once more takes those back"
        )?;
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

/// A file with all that was said about it.
fn declared<'f>(mut file: CsvFile<'f>, asked: &Asked) -> CsvFile<'f> {
    if let Some(zone) = &asked.zone {
        file = file.time_zone(zone);
    }
    if let Some(order) = asked.dates {
        file = file.date_order(order);
    }
    if let Some(encoding) = &asked.encoding {
        file = file.encoding(encoding);
    }
    if let Some(lines) = asked.skip {
        file = file.skip(lines);
    }
    if let Some(at) = asked.as_of {
        file = file.as_of(at);
    }
    if let Some(source) = &asked.source {
        file = file.source(source);
    }
    file
}

/// The currency that the first file of rows names, if one does.
fn named_currency(asked: &Asked) -> Option<String> {
    asked.files.iter().find_map(|path| {
        let name = path.to_string_lossy().to_lowercase();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        if [".ndjson", ".jsonl", ".json"].iter().any(|end| plain.ends_with(end)) {
            return None;
        }
        let file = match plain == name {
            true => CsvFile::open(path, asked.kind).ok()?,
            false => CsvFile::new(MultiGzDecoder::new(File::open(path).ok()?), asked.kind),
        };
        declared(file, asked).inspect().ok()?.currency
    })
}

fn take_in(store: &Store, place: &Path, asked: &Asked, out: &mut impl Write) -> Result<()> {
    let path = place.display().to_string();
    let file = File::open(place).map_err(|error| format!("cannot open {path:?}: {error}"))?;
    let read = Arc::new(AtomicU64::new(0));
    let bar = Bar { name: path.clone(), total: file.metadata()?.len(), read: Arc::clone(&read) };
    let counted = Counted { inner: file, read: Arc::clone(&read) };
    let name = path.to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let packed = plain != name;
    let stream: Box<dyn Read> = if !packed { Box::new(counted) } else { Box::new(MultiGzDecoder::new(counted)) };
    if plain.ends_with(".ndjson") || plain.ends_with(".jsonl") || plain.ends_with(".json") {
        if asked.undo {
            let done = store.undo_ndjson(stream, &Ingest::new()).map_err(|error| plainly(&path, packed, &error))?;
            return tell_undone(&path, &done, "messages", out);
        }
        let receipt = store.import_ndjson(stream, &Ingest::new(), |progress| bar.show(progress.lines, "lines"));
        let receipt = receipt.map_err(|error| plainly(&path, packed, &error))?;
        bar.done();
        writeln!(out, "{path}: {receipt}")?;
        for reject in receipt.rejects.iter().take(5) {
            writeln!(out, "  {reject}")?;
        }
        return tell_remedies(&receipt, out).map_err(|error| format!("{path}: {error}").into());
    }
    // A plain file is wound back to be read again; what is unpacked on the way is held in memory.
    let opened = if packed { Ok(CsvFile::new(stream, asked.kind)) } else { CsvFile::open(place, asked.kind) };
    let opened = opened.map_err(|error| plainly(&path, packed, &error))?;
    let file = declared(opened, asked).on_progress(|progress| {
        if !packed {
            read.store(progress.bytes, Ordering::Relaxed);
        }
        bar.show(progress.rows, "rows");
    });
    if asked.undo {
        let done = store.undo(file).map_err(|error| plainly(&path, packed, &error))?;
        bar.done();
        return tell_undone(&path, &done, "rows", out);
    }
    let report = store.import(file).map_err(|error| plainly(&path, packed, &error))?;
    bar.done();
    write!(out, "{path}: {report}")?;
    tell_noticed(&report.receipt, out)?;
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
    let Some(asked) = asked(std::env::args_os().skip(1))? else {
        writeln!(out, "{USAGE}")?;
        return Ok(());
    };
    let named = if asked.currency.is_none() { named_currency(&asked) } else { None };
    let code = asked.currency.as_deref().or(named.as_deref()).unwrap_or("EUR");
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
            writeln!(out, "  in {code}, and amounts without a currency read as such: --currency says another one")?;
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
