//! The head of a file: what it is, how it is written, which column is what; then its rows.

use super::csv::{COLUMNS_MAX, CsvReader};
use super::dates::{Clock, DateOrder};
use super::guess::looks_like_data;
use super::header::Header;
use super::input::{HEAD_BYTES, Input, Origin, read_error};
use super::kind::{Fit, recognize};
use super::looks::Looks;
use super::mapping::{AMOUNTS, From, Key, Mapping};
use super::options::{Home, Kind, Options};
use crate::Result;
use crate::base::zone::Zone;
use crate::base::{Currency, TraitKind};
use crate::error::Error;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};
use std::rc::Rc;

/// What may stand in front of the header and is taken off: a byte order mark and a line that names the delimiter.
const MARK_BYTES_MAX: usize = 16;
/// So far down a line is looked for that looks like the header.
const HEADER_LINES_MAX: u64 = 40;

/// What was found out about a file, or declared.
///
/// ```
/// use regulars::{Store, import::OrdersCsv};
/// let file = b"Order ID;Date;Email;Total\n1;31.12.2025 10:00;ann@example.com;19,90\n";
/// let report = Store::options().currency("EUR").in_memory()?.import(OrdersCsv::new(&file[..]))?;
/// assert_eq!((report.detected.delimiter, report.detected.decimal_comma), (';', true));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Detected {
    /// Orders or customers.
    pub kind: Kind,
    /// How its bytes are characters.
    pub encoding: String,
    /// Lines before the header that were left out.
    pub skipped: u64,
    /// What stands between cells.
    pub delimiter: char,
    /// Amounts are written `19,90`.
    pub decimal_comma: bool,
    /// Whether the day or the month comes first in dates written with slashes or dashes; none where nothing tells.
    pub date_order: Option<DateOrder>,
    /// There are dates such as 05/06/2025, and nothing in the file tells the day from the month, or rows contradict
    /// each other: such dates are refused until the order is declared.
    pub dates_ambiguous: bool,
    /// There are numbers such as 46268 where dates belong: what a spreadsheet calculates with. They are refused.
    pub dates_serial: bool,
    /// The zone of times that name none.
    pub time_zone: String,
    /// Who says so: `option`, `header`, `shop`, `store`, or `default`.
    pub time_zone_from: &'static str,
    /// The currency that the file names, by a column, a header or the signs around its amounts; of several the commonest.
    pub currency: Option<String>,
    /// Which column is what.
    pub mapping: BTreeMap<String, From>,
    /// Columns that nothing was read from.
    pub unmapped: Vec<String>,
}

/// How the cells of a file are read.
pub(super) struct Dialect {
    pub(super) mapping: Mapping,
    pub(super) decimal_comma: bool,
    pub(super) clock: Clock,
    /// The currency of amounts, where no column says it.
    pub(super) currency: Option<Currency>,
    /// The currency that a sign of several is likely to mean.
    pub(super) near: Option<Currency>,
    /// The traits whose type the store declares.
    pub(super) trait_kinds: BTreeMap<String, TraitKind>,
    /// The columns in the order of their headers: a row's content is the same in whatever order they stand.
    pub(super) by_header: Vec<Column>,
    pub(super) columns: usize,
    /// What is declared about the file, as a digest: a corrected mapping makes other messages of the same rows.
    pub(super) declared: Option<Rc<str>>,
}

/// One column of a file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column {
    pub(super) header: String,
    pub(super) at: usize,
    pub(super) holds: Holds,
}

/// What the cells of a column are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    Name,
    Amount,
    Text,
}

impl Holds {
    fn of(key: Option<&Key>) -> Self {
        match key {
            Some(Key::OrderId | Key::UserId | Key::CustomerId | Key::LoyaltyCard | Key::ProductId) => Self::Name,
            Some(key) if AMOUNTS.contains(key) => Self::Amount,
            _ => Self::Text,
        }
    }
}

type Text = BufReader<Box<dyn Read>>;

/// A file behind its header, from which rows can be read again and again.
pub(super) struct Rows {
    input: Input,
    front: Front,
    pub(super) dialect: Dialect,
    pub(super) detected: Detected,
}

/// What stands in front of the header's line, and how lines are cut.
#[derive(Clone, Copy)]
struct Front {
    bytes: usize,
    lines: u64,
    delimiter: u8,
}

impl Rows {
    /// Reads a file once, to find out all that has to be known before a row of it is stored.
    ///
    /// # Errors
    /// `Invalid` for a file that is empty, compressed, of another encoding or without a usable header; `Io`.
    pub(super) fn open(origin: Origin<'_>, options: &Options, home: &Home) -> Result<Self> {
        let input = Input::new(origin, options.encoding.as_deref(), options.memory_bytes())?;
        let head = input.head()?;
        let front = Front::of(&head, options)?;
        let rest = head.get(front.bytes..).unwrap_or_default();
        let Heading { headers, fit } = match heading(rest, front.delimiter, options) {
            Ok(heading) => heading,
            Err(error) => return Err(header_below(&head, options).unwrap_or(error)),
        };
        let Fit { kind, mapping } = fit;
        refuse_repeated(&headers, &mapping)?;
        let mut looks = Looks::default();
        let mut reader = reader(&input, front)?;
        let _header = reader.next_row().map_err(read_error)?;
        while let Some(row) = reader.next_row().map_err(read_error)? {
            looks.look(row.cells.ok(), &mapping);
        }
        if looks.rows() == 0 {
            return Err(Error::invalid("the file has a header and no rows; there is nothing to import"));
        }
        let found = Found { headers: &headers, kind, looks: &looks, delimiter: front.delimiter };
        let (dialect, mut detected) = described(&found, mapping, options, home)?;
        input.encoding.name().clone_into(&mut detected.encoding);
        Ok(Self { input, front, dialect, detected })
    }

    /// The rows from the first one on. Whoever read before is done.
    pub(super) fn read(&self) -> Result<CsvReader<Text>> {
        let mut reader = reader(&self.input, self.front)?;
        let _header = reader.next_row().map_err(read_error)?;
        Ok(reader)
    }
}

/// A reader that stands before the header.
fn reader(input: &Input, front: Front) -> Result<CsvReader<Text>> {
    let mut text = BufReader::new(input.text()?);
    std::io::copy(&mut (&mut text).take(front.bytes as u64), &mut std::io::sink()).map_err(read_error)?;
    Ok(CsvReader::new(text, front.delimiter, front.lines + 1))
}

/// What was found out about a file.
struct Found<'f> {
    headers: &'f [Header],
    kind: Kind,
    looks: &'f Looks,
    delimiter: u8,
}

/// How the cells are read, by what the file looks like, what is declared, and where the store is at home.
fn described(found: &Found<'_>, mapping: Mapping, options: &Options, home: &Home) -> Result<(Dialect, Detected)> {
    let Found { headers, kind, looks, delimiter } = *found;
    let date_order = options.date_order.or_else(|| looks.date_order());
    let (clock, time_zone, time_zone_from) = clock(headers, &mapping, date_order, options, home)?;
    let near = home.currency;
    let of_headers = || {
        let amounts = AMOUNTS.iter().filter(|key| **key != Key::Quantity).flat_map(|key| mapping.columns(key));
        amounts.filter_map(|at| headers.get(*at)).find_map(|header| header.currency)
    };
    let currency = if mapping.has(&Key::Currency) { None } else { of_headers().or_else(|| looks.currency(near)) };
    let named = looks.named_currency().or(currency);
    let decimal_comma = options.decimal_comma.unwrap_or_else(|| looks.decimal_comma(delimiter == b';'));
    let detected = Detected {
        kind,
        encoding: String::new(),
        skipped: options.skip.unwrap_or(0),
        delimiter: char::from(delimiter),
        decimal_comma,
        date_order,
        dates_ambiguous: looks.is_ambiguous() && date_order.is_none(),
        dates_serial: looks.is_serial(),
        time_zone,
        time_zone_from,
        currency: named.map(|currency| currency.code().to_owned()),
        mapping: mapping.shown(headers),
        unmapped: mapping.unmapped(headers),
    };
    let column = |(at, header): (usize, &Header)| Column {
        header: header.text.clone(),
        at,
        holds: Holds::of(mapping.key_of(at)),
    };
    let mut by_header: Vec<Column> = headers.iter().enumerate().map(column).collect();
    by_header.sort();
    let dialect = Dialect {
        decimal_comma,
        clock,
        currency,
        near,
        trait_kinds: home.trait_kinds.clone(),
        by_header,
        columns: headers.len(),
        declared: options.declared().map(Rc::from),
        mapping,
    };
    Ok((dialect, detected))
}

/// The zone of times that name none: of the option, of the header, of the shop, of the store.
fn clock(
    headers: &[Header],
    mapping: &Mapping,
    order: Option<DateOrder>,
    options: &Options,
    home: &Home,
) -> Result<(Clock, String, &'static str)> {
    let zone = |name: &str| {
        Zone::named(name).ok_or_else(|| Error::invalid("time_zone is no IANA time zone, for example Europe/Copenhagen"))
    };
    if let Some(name) = &options.time_zone {
        return Ok((Clock::of_zone(zone(name)?, true, order), name.clone(), "option"));
    }
    let header = mapping.columns(&Key::Time).iter().filter_map(|at| headers.get(*at)).find_map(|at| at.zone.clone());
    if let Some(place) = header {
        let shown = "that of the header".to_owned();
        return Ok((Clock { order, place, place_is_said: true }, shown, "header"));
    }
    match &home.time_zone {
        Some((name, from)) => Ok((Clock::of_zone(zone(name)?, false, order), name.clone(), from)),
        None => Ok((Clock::of_zone(Zone::default(), false, order), "UTC".to_owned(), "default")),
    }
}

/// The columns of a file, and what it is.
struct Heading {
    headers: Vec<Header>,
    fit: Fit,
}

fn heading(text: &[u8], delimiter: u8, options: &Options) -> Result<Heading> {
    let mut reader = CsvReader::new(text, delimiter, 1);
    let headers = headers(&mut reader)?;
    let fit = recognize(&headers, &sample(text, delimiter)?, options)?;
    Ok(Heading { headers, fit })
}

/// The error that names a later line which looks like the header, if there is one.
fn header_below(head: &[u8], options: &Options) -> Option<Error> {
    if options.skip.is_some() {
        return None;
    }
    let mut starts = head.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    (1..HEADER_LINES_MAX).find_map(|lines| {
        let text = head.get(starts.next()?..)?;
        let text = text.get(..text.len().min(64 << 10))?;
        if text.split(|byte| *byte == b'\n').next().is_none_or(|line| line.trim_ascii().is_empty()) {
            return None;
        }
        let delimiter = said_delimiter(options).ok()?.unwrap_or_else(|| detect_delimiter(text));
        heading(text, delimiter, options).ok()?;
        Some(Error::invalid(format!(
            "line {} looks like the header; skip the {lines} before it (option skip, --skip {lines})",
            lines + 1
        )))
    })
}

impl Front {
    fn of(head: &[u8], options: &Options) -> Result<Self> {
        let mut bytes = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut lines = 0;
        let rest = |bytes: usize| head.get(bytes..).unwrap_or_default();
        let mut declared = declared_delimiter(rest(bytes));
        if let Some((_, len)) = declared.filter(|_| options.skip.unwrap_or(0) == 0) {
            bytes += len;
            lines += 1;
        }
        for _ in 0..options.skip.unwrap_or(0) {
            let line = rest(bytes).iter().position(|byte| *byte == b'\n');
            bytes += line.ok_or_else(|| Error::invalid("skip leaves nothing of the file"))? + 1;
            lines += 1;
            declared = declared.or_else(|| declared_delimiter(rest(bytes)));
        }
        let delimiter = said_delimiter(options)?.or(declared.map(|(byte, _)| byte));
        let delimiter = delimiter.unwrap_or_else(|| detect_delimiter(rest(bytes)));
        Ok(Self { bytes, lines, delimiter })
    }
}

/// What the host says that stands between cells.
fn said_delimiter(options: &Options) -> Result<Option<u8>> {
    let good = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '"' | '\r' | '\n');
    match options.delimiter {
        Some(c) if !good(c) => {
            Err(Error::invalid("a delimiter is one ASCII character that is no letter, digit, quote or line end"))
        }
        said => Ok(said.and_then(|c| u8::try_from(c).ok())),
    }
}

/// The rows in the head of a file, behind its header. The last one may be cut, where the head is.
fn sample(head: &[u8], delimiter: u8) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    let cut = head.len() >= HEAD_BYTES - MARK_BYTES_MAX;
    let reader = CsvReader::new(head, delimiter, 1);
    let mut reader = if cut { reader.of_part() } else { reader };
    let _header = reader.next_row().map_err(read_error)?;
    while let Some(row) = reader.next_row().map_err(read_error)? {
        if let Ok(cells) = row.cells {
            rows.push((0..cells.len()).map(|at| cells.get(at).to_owned()).collect());
        }
    }
    if cut {
        rows.pop();
    }
    Ok(rows)
}

/// `sep=;` in the first line, as spreadsheets write it: the delimiter, and the length of the line.
fn declared_delimiter(head: &[u8]) -> Option<(u8, usize)> {
    let line = head.split_inclusive(|byte| *byte == b'\n').next()?;
    match line.trim_ascii_end() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] => Some((*delimiter, line.len())),
        // The tab is trimmed as well.
        b"sep=" => Some((b'\t', line.len())),
        _ => None,
    }
}

/// What stands most often in the first line that is not blank, outside of quotes.
fn detect_delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        for (_, count) in counts.iter_mut().filter(|(delimiter, _)| !quoted && delimiter == byte) {
            *count += 1;
        }
    }
    // The first of equals wins: a comma unless something else is commoner.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

fn headers(reader: &mut CsvReader<&[u8]>) -> Result<Vec<Header>> {
    let none = || Error::invalid("the file is empty; the first line of a CSV file names its columns");
    let row = reader.next_row().map_err(read_error)?.ok_or_else(none)?;
    let cells = row.cells.map_err(|_| {
        Error::invalid(format!("the header cannot be read; it is text of at most {COLUMNS_MAX} columns"))
    })?;
    let headers: Vec<Header> = (0..cells.len()).map(|at| Header::new(cells.get(at))).collect();
    if headers.iter().all(|header| header.text.is_empty()) {
        return Err(Error::invalid("the header is blank; the first line of a CSV file names its columns"));
    }
    if headers.iter().any(|header| looks_like_data(&header.text)) {
        return Err(Error::invalid("the first line looks like data; the first line of a CSV file names its columns"));
    }
    let mut seen = BTreeSet::new();
    if headers.iter().any(|header| !header.text.is_empty() && !seen.insert(header.text.to_lowercase())) {
        return Err(repeated());
    }
    Ok(headers)
}

fn repeated() -> Error {
    Error::invalid("two columns have the same header; give each a name of its own")
}

/// Two spellings of one header are a repeated one as well, where either of them is read.
fn refuse_repeated(headers: &[Header], mapping: &Mapping) -> Result<()> {
    let same = |a: &Header, b: &Header| a.full() == b.full() && !a.full().is_empty();
    let twice = headers.iter().enumerate().any(|(at, header)| {
        let later = headers.iter().enumerate().skip(at + 1);
        later.filter(|(_, other)| same(header, other)).any(|(other, _)| !mapping.is_free(at) || !mapping.is_free(other))
    });
    if twice { Err(repeated()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_those_of_the_header() {
        for (head, expected) in [
            ("a,b;c,d\n", b','),
            ("a;b;c\n1,2;3;4", b';'),
            ("a\tb\n", b'\t'),
            ("\n\"x;y;z\",b\n", b','),
            ("a|b\n", b'|'),
            ("single\n", b','),
        ] {
            assert_eq!(detect_delimiter(head.as_bytes()), expected, "{head}");
        }
        assert_eq!(declared_delimiter(b"sep=;\r\na;b"), Some((b';', 7)));
        assert_eq!(declared_delimiter(b"separate,b\n"), None);
    }

    #[test]
    fn files_that_are_no_csv_are_refused_with_a_remedy() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (b"\n\n", "empty"),
            (b",,\n1,2,3\n", "blank"),
            (b"a,a\n", "same header"),
            (b"\x1f\x8b\x08", "compressed"),
            (b"PK\x03\x04", "compressed"),
            (b"a\0,\0", "utf-16le"),
            (b"\0a\0,\0b\0\n", "utf-16be"),
            (b"\0\0\xfe\xff\0\0\0a", "UTF-32"),
            (b"order_id,time,total\n1,2025-11-03,\xe6\n", "windows-1252"),
            (b"order_id,time,total\n", "no rows"),
            (b"Order ID,time,order_id,total\n1,2,3,4\n", "same header"),
            (b"all amounts in EUR\n\norder_id,time,total\n1,2025-11-03,5\n", "--skip 2"),
            (b"a,b\n1,2\n", "order_id"),
            (b"1001,2025-11-03,ann@example.com,24.90\n", "looks like data"),
        ] {
            let options = Options { kind: Some(Kind::Orders), ..Options::default() };
            let error = Rows::open(Origin::Stream(Box::new(bytes)), &options, &Home::default()).err().expect("refused");
            assert!(error.to_string().contains(word), "{error}");
        }
        let wide = format!("{}x\n", "c,".repeat(COLUMNS_MAX));
        let wide = Origin::Stream(Box::new(wide.as_bytes()));
        assert!(Rows::open(wide, &Options::default(), &Home::default()).is_err());
    }
}
