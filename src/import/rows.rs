//! The head of a file: what it is, how it is written, which column is what; then its rows.

use super::csv::{COLUMNS_MAX, CsvReader};
use super::guess::{Guesses, looks_like_data};
use super::mapping::{From, Key, Mapping};
use super::values::{DateOrder, unordered};
use super::{Kind, Options};
use crate::Result;
use crate::base::TraitKind;
use crate::base::zone::Zone;
use crate::error::Error;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Chain, Cursor, Read};
use std::path::Path;

/// How much of a file is looked at to find out how it is written.
const HEAD_BYTES: usize = 256 << 10;
/// What may stand in front of the header and is taken off: a byte order mark and a line that names the delimiter.
const MARK_BYTES_MAX: usize = 16;

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
    /// What stands between cells.
    pub delimiter: char,
    /// Amounts are written `19,90`.
    pub decimal_comma: bool,
    /// Whether the day or the month comes first in dates written with slashes or dashes; none where nothing tells.
    pub date_order: Option<DateOrder>,
    /// There are dates such as 05/06/2025, and nothing in the first rows tells the day from the month, or rows contradict
    /// each other: such dates are refused until the order is declared.
    pub dates_ambiguous: bool,
    /// The zone of times that name none.
    pub time_zone: String,
    /// Which column is what.
    pub mapping: BTreeMap<String, From>,
    /// Columns that nothing was read from.
    pub unmapped: Vec<String>,
}

/// How the cells of a file are read.
pub(super) struct Dialect {
    pub(super) mapping: Mapping,
    pub(super) decimal_comma: bool,
    pub(super) date_order: Option<DateOrder>,
    pub(super) zone: Zone,
    /// The traits whose type the store declares.
    pub(super) trait_kinds: BTreeMap<String, TraitKind>,
    /// The columns in the order of their headers: a row's content is the same in whatever order they stand.
    pub(super) by_header: Vec<Column>,
    pub(super) columns: usize,
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

/// The keys that are numbers.
const AMOUNTS: [Key; 6] = [Key::Price, Key::LineTotal, Key::Total, Key::Discount, Key::Refunded, Key::Quantity];

type Input<'r> = BufReader<Chain<Cursor<Vec<u8>>, Box<dyn Read + 'r>>>;

/// A file behind its header.
pub(super) struct Rows<'r> {
    pub(super) reader: CsvReader<Input<'r>>,
    pub(super) dialect: Dialect,
    pub(super) detected: Detected,
}

pub(super) fn read_error(error: std::io::Error) -> Error {
    Error::io("read", Path::new("the file to import"), error)
}

impl<'r> Rows<'r> {
    /// Reads the head of a file.
    ///
    /// # Errors
    /// `Invalid` for a file that is empty, compressed, UTF-16 or without a usable header; `Io`.
    pub(super) fn open(
        mut stream: Box<dyn Read + 'r>,
        options: &Options,
        trait_kinds: &BTreeMap<String, TraitKind>,
    ) -> Result<Self> {
        let mut head = text_head(&mut stream)?;
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        let mut line = 1;
        let declared = declared_delimiter(&head);
        if let Some((_, len)) = declared {
            head.drain(..len);
            line += 1;
        }
        let delimiter = said_delimiter(options)?.or(declared.map(|(byte, _)| byte));
        let delimiter = delimiter.unwrap_or_else(|| detect_delimiter(&head));
        let sample = sample(&head, delimiter)?;
        let mut reader = CsvReader::new(BufReader::new(Cursor::new(head).chain(stream)), delimiter, line);
        let headers = headers(&mut reader)?;
        let guesses = Guesses::new(&headers, &sample);
        let kind = options.kind.unwrap_or(if guesses.looks_like_orders() { Kind::Orders } else { Kind::Customers });
        let mapping = Mapping::new(&options.mapping, &headers, kind == Kind::Orders, &guesses)?;
        let seen = Seen::of(&sample, &mapping);
        let decimal_comma = options.decimal_comma.unwrap_or_else(|| seen.decimal_comma(delimiter));
        let date_order = options.date_order.or_else(|| seen.date_order());
        let zone_name = options.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let zone = Zone::named(&zone_name)
            .ok_or_else(|| Error::invalid("time_zone is no IANA time zone, for example Europe/Copenhagen"))?;
        let detected = Detected {
            kind,
            delimiter: char::from(delimiter),
            decimal_comma,
            date_order,
            dates_ambiguous: seen.unordered && date_order.is_none(),
            time_zone: zone_name,
            mapping: mapping.shown(&headers),
            unmapped: mapping.unmapped(&headers),
        };
        let columns = headers.len();
        let column = |(at, header)| Column { header, at, holds: Holds::of(mapping.key_of(at)) };
        let mut by_header: Vec<Column> = headers.into_iter().enumerate().map(column).collect();
        by_header.sort();
        let trait_kinds = trait_kinds.clone();
        let dialect = Dialect { mapping, decimal_comma, date_order, zone, trait_kinds, by_header, columns };
        Ok(Self { reader, dialect, detected })
    }
}

/// Reads how a file begins.
///
/// # Errors
/// `Invalid` for one that is compressed or UTF-16; `Io`.
pub(crate) fn text_head(stream: &mut impl Read) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    stream.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(read_error)?;
    refuse_other_formats(&head).map(|()| head)
}

fn refuse_other_formats(head: &[u8]) -> Result<()> {
    let compressed: [&[u8]; 5] = [b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ"];
    if compressed.iter().any(|magic| head.starts_with(magic)) {
        let remedy = if head.starts_with(b"PK") {
            "the file is a workbook or an archive, and compressed; save the sheet as CSV in UTF-8, or unpack the archive"
        } else {
            "the file is compressed; unpack it, or pass a reader that does"
        };
        return Err(Error::invalid(remedy));
    }
    if is_utf16(head) {
        return Err(Error::invalid("the file is no UTF-8 text but UTF-16; save it as UTF-8"));
    }
    Ok(())
}

/// By its mark; without one, by its pattern: in the headers of such a file every other byte is zero, and only those.
fn is_utf16(head: &[u8]) -> bool {
    let marked = [&b"\xff\xfe"[..], b"\xfe\xff", b"\0\0\xfe\xff"].iter().any(|mark| head.starts_with(mark));
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let pairs = line.get(..line.len().min(512) & !1).unwrap_or_default();
    let zeros_at = |at: usize| pairs.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros_at(0), zeros_at(1));
    // Most pairs, for a header may hold a few letters of other scripts.
    marked || (even.min(odd) == 0 && even.max(odd) * 8 > pairs.len() * 3)
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

fn headers(reader: &mut CsvReader<Input<'_>>) -> Result<Vec<String>> {
    let none = || Error::invalid("the file is empty; the first line of a CSV file names its columns");
    let row = reader.next_row().map_err(read_error)?.ok_or_else(none)?;
    let cells = row.cells.map_err(|_| {
        Error::invalid(format!("the header cannot be read; it is UTF-8 text of at most {COLUMNS_MAX} columns"))
    })?;
    let headers: Vec<String> = (0..cells.len()).map(|at| cells.get(at).to_owned()).collect();
    if headers.iter().all(String::is_empty) {
        return Err(Error::invalid("the header is blank; the first line of a CSV file names its columns"));
    }
    if headers.iter().any(|header| looks_like_data(header)) {
        return Err(Error::invalid("the first line looks like data; the first line of a CSV file names its columns"));
    }
    let mut seen = BTreeSet::new();
    if headers.iter().any(|header| !header.is_empty() && !seen.insert(header.as_str())) {
        return Err(Error::invalid("two columns have the same header; give each a name of its own"));
    }
    Ok(headers)
}

/// What the cells of a sample look like.
#[derive(Default)]
struct Seen {
    comma: bool,
    point: bool,
    /// A number may be one of thousands.
    unsure: bool,
    /// There are dates that do not start with the year.
    unordered: bool,
    day_first: bool,
    month_first: bool,
}

impl Seen {
    fn of(sample: &[Vec<String>], mapping: &Mapping) -> Self {
        let mut seen = Self::default();
        for row in sample {
            let cell = |key: &Key| mapping.column(key).and_then(|at| row.get(at));
            for key in AMOUNTS {
                cell(&key).into_iter().for_each(|text| seen.look_at_number(text));
            }
            if let Some((mark, first, second)) = cell(&Key::Time).and_then(|text| unordered(text)) {
                seen.unordered |= mark != '.' && first != second && first <= 12 && second <= 12;
                seen.day_first |= first > 12 && second <= 12;
                seen.month_first |= second > 12 && first <= 12;
            }
        }
        seen
    }

    /// The last mark is the decimal one, unless exactly three digits follow, which could be thousands; of several equal
    /// marks none is, so the other one would be.
    fn look_at_number(&mut self, text: &str) {
        let Some(at) = text.rfind([',', '.']) else { return };
        let (comma, point) = (text.matches(',').count(), text.matches('.').count());
        match (comma, point) {
            (1, 0) | (0, 1) if text.len() - at - 1 == 3 && !text.trim_start_matches('-').starts_with('0') => {
                self.unsure |= point == 1
            }
            (0, 2..) => self.comma = true,
            (2.., 0) => self.point = true,
            _ if text.as_bytes().get(at) == Some(&b',') => self.comma = true,
            _ => self.point = true,
        }
    }

    /// Where semicolons stand between cells, commas stand in numbers: what may be 2.500 of something is no 2.5 then, and
    /// refused.
    fn decimal_comma(&self, delimiter: u8) -> bool {
        match (self.comma, self.point) {
            (false, false) => self.unsure && delimiter == b';',
            (comma, point) => comma && !point,
        }
    }

    fn date_order(&self) -> Option<DateOrder> {
        match (self.day_first, self.month_first) {
            (true, false) => Some(DateOrder::DayFirst),
            (false, true) => Some(DateOrder::MonthFirst),
            _ => None,
        }
    }
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
            (b"\xff\xfea\0", "UTF-8"),
            (b"a\0,\0", "UTF-8"),
            (b"\0a\0,\0b\0\n", "UTF-16"),
            (b"\0\0\xfe\xff\0\0\0a", "UTF-16"),
            (b"a,b\n1,2\n", "order_id"),
            (b"1001,2025-11-03,ann@example.com,24.90\n", "looks like data"),
        ] {
            let options = Options { kind: Some(Kind::Orders), ..Options::default() };
            let error = Rows::open(Box::new(bytes), &options, &BTreeMap::new()).err().expect("refused");
            assert!(error.to_string().contains(word), "{error}");
        }
        let wide = format!("{}x\n", "c,".repeat(COLUMNS_MAX));
        assert!(Rows::open(Box::new(wide.as_bytes()), &Options::default(), &BTreeMap::new()).is_err());
    }
}
