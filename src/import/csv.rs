//! Rows of a CSV file, each with the physical line on which it starts, in bounded memory.
//!
//! A reader of our own, since three things decide about every row: the physical line (quoted cells hold line breaks),
//! where an open quote began, and a bound on every cell however long the file makes it.
//!
//! A quote that nothing closes costs the row in which it stands, not the rest of the file: reading goes on behind the
//! line where it was opened.

use crate::message::Reason;
use std::io::{self, BufRead, Cursor};

/// More than that in one cell is `too_large`.
pub(super) const CELL_BYTES_MAX: usize = 32 << 10;
/// More columns than that fail the file.
pub(super) const COLUMNS_MAX: usize = 500;

/// A quoted cell that is open for longer than that was never meant to close.
const OPEN_BYTES_MAX: usize = 8 << 20;
/// So much of a file is read twice at most.
const REREAD_BYTES_MAX: usize = 256 << 20;

/// One row: its cells, or why it cannot be read.
pub(super) struct Row<'a> {
    pub(super) line: u64,
    pub(super) cells: Result<Cells<'a>, Reason>,
}

/// The cells of a row, unquoted.
#[derive(Clone, Copy, Default)]
pub(super) struct Cells<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Cells<'a> {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell, trimmed and without its guard; blank where the row has no such cell.
    pub(super) fn get(&self, column: usize) -> &'a str {
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        unguarded(self.ends.get(column).and_then(|end| self.text.get(start..*end)).unwrap_or_default().trim())
    }
}

/// The cell without the apostrophe that exports put before what a spreadsheet would compute.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit() || "+-=@".contains(c)) => rest,
        _ => cell,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote inside a quoted cell: it ends the cell, or stands for itself.
    QuoteSeen,
}

/// Reads rows from a stream.
pub(super) struct CsvReader<R> {
    input: R,
    delimiter: u8,
    line: u64,
    bytes: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
    state: State,
    problem: Option<Reason>,
    /// A quote that closed a cell stood where one opens a cell, and text behind it.
    crossed: bool,
    /// Cells beyond the bound are counted, not kept.
    extra_cells: usize,
    /// Nothing but white space so far: no row.
    blank: bool,
    ended: bool,
    /// Of a row of several lines what stands for the first, once it is over: how much of `text`, and what was wrong; and
    /// the bytes behind it.
    first_line: Option<(usize, Option<Reason>)>,
    behind: Vec<u8>,
    /// To be read again before the stream goes on.
    again: Cursor<Vec<u8>>,
    reread_left: usize,
}

impl<R: BufRead> CsvReader<R> {
    /// Reads on from the start of a line; `line` is its number.
    pub(super) fn new(input: R, delimiter: u8, line: u64) -> Self {
        Self {
            input,
            delimiter,
            line,
            bytes: 0,
            text: Vec::new(),
            ends: Vec::new(),
            state: State::CellStart,
            problem: None,
            crossed: false,
            extra_cells: 0,
            blank: true,
            ended: false,
            first_line: None,
            behind: Vec::new(),
            again: Cursor::default(),
            reread_left: REREAD_BYTES_MAX,
        }
    }

    /// The same over a stream that is cut somewhere: a quote that is open there may be closed behind it.
    pub(super) fn of_part(self) -> Self {
        Self { reread_left: 0, ..self }
    }

    /// Bytes read so far.
    pub(super) fn read_bytes(&self) -> u64 {
        self.bytes
    }

    /// The next row that is not blank; `None` at the end.
    pub(super) fn next_row(&mut self) -> io::Result<Option<Row<'_>>> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let start = self.line;
            self.begin();
            if self.read_record()? && !self.blank {
                if self.state == State::Quoted || self.was_closed_by_another() {
                    self.go_back(start);
                }
                return Ok(Some(self.row(start)));
            }
        }
    }

    fn begin(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.state = State::CellStart;
        self.problem = None;
        self.crossed = false;
        self.extra_cells = 0;
        self.blank = true;
        self.first_line = None;
        self.behind.clear();
    }

    /// Whether the quote that is open at the end of the first line was closed by one that was to open a cell.
    fn was_closed_by_another(&self) -> bool {
        let before = self.first_line.is_some_and(|(_, problem)| problem.is_none());
        let whole = self.behind.len() < self.reread_left.min(OPEN_BYTES_MAX);
        before && whole && self.crossed && self.problem == Some(Reason::InvalidCsv)
    }

    /// Behind a quote that was never closed: reads on from the second line of the row. What else was wrong there was
    /// wrong with the lines that follow.
    fn go_back(&mut self, start: u64) {
        let Some((len, problem)) = self.first_line else { return };
        if self.behind.is_empty() || self.behind.len() > self.reread_left {
            return;
        }
        self.reread_left -= self.behind.len();
        let mut again = std::mem::take(&mut self.behind);
        again.extend_from_slice(self.again.fill_buf().unwrap_or_default());
        self.again = Cursor::new(again);
        self.text.truncate(len);
        self.ends.retain(|end| *end <= len);
        self.problem = problem.or(Some(Reason::InvalidCsv));
        (self.line, self.ended) = (start + 1, false);
    }

    /// What is too large was not kept, so it comes before what its bytes would say.
    fn row(&self, line: u64) -> Row<'_> {
        // Bytes that only the border between two cells keeps apart must not become one character.
        let whole = |text: &&str| self.ends.iter().all(|end| text.is_char_boundary(*end));
        let cells = match (self.problem, std::str::from_utf8(&self.text).ok().filter(whole)) {
            (Some(Reason::TooLarge), _) => Err(Reason::TooLarge),
            (_, None) => Err(Reason::InvalidUtf8),
            (Some(reason), Some(_)) => Err(reason),
            (None, Some(_)) if self.extra_cells > 0 => Err(Reason::InvalidCsv),
            (None, Some(text)) => Ok(Cells { text, ends: &self.ends }),
        };
        Row { line, cells }
    }

    /// Reads to the end of a record; false if there was nothing left.
    fn read_record(&mut self) -> io::Result<bool> {
        let mut some = false;
        loop {
            let again = !self.again.fill_buf()?.is_empty();
            let input: &mut dyn BufRead = if again { &mut self.again } else { &mut self.input };
            let chunk = match input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                self.ended = true;
                if some {
                    self.end_of_file();
                }
                return Ok(some);
            }
            some = true;
            let (mut used, mut complete) = (0, false);
            // The chunk is borrowed from the input; what a byte does to the record is not.
            let record = &mut Record {
                delimiter: self.delimiter,
                line: &mut self.line,
                text: &mut self.text,
                ends: &mut self.ends,
                state: &mut self.state,
                problem: &mut self.problem,
                crossed: &mut self.crossed,
                extra_cells: &mut self.extra_cells,
                blank: &mut self.blank,
                behind: &mut self.behind,
                first_line: &mut self.first_line,
                behind_max: self.reread_left.min(OPEN_BYTES_MAX),
            };
            for byte in chunk {
                used += 1;
                if record.take(*byte) {
                    complete = true;
                    break;
                }
            }
            input.consume(used);
            self.bytes += if again { 0 } else { used as u64 };
            if complete {
                return Ok(true);
            }
        }
    }

    fn end_of_file(&mut self) {
        if self.state == State::Quoted {
            self.problem.get_or_insert(Reason::InvalidCsv);
        }
        if self.text.last() == Some(&b'\r') && self.state == State::Plain {
            self.text.pop();
        }
        self.ends.push(self.text.len());
    }
}

/// The record under way.
struct Record<'r> {
    delimiter: u8,
    line: &'r mut u64,
    text: &'r mut Vec<u8>,
    ends: &'r mut Vec<usize>,
    state: &'r mut State,
    problem: &'r mut Option<Reason>,
    crossed: &'r mut bool,
    extra_cells: &'r mut usize,
    blank: &'r mut bool,
    behind: &'r mut Vec<u8>,
    first_line: &'r mut Option<(usize, Option<Reason>)>,
    behind_max: usize,
}

impl Record<'_> {
    /// Takes the next byte; true if it ended the record, or if a cell is open for too long to be meant so.
    fn take(&mut self, byte: u8) -> bool {
        if self.first_line.is_some() && self.behind.len() < self.behind_max {
            self.behind.push(byte);
        }
        self.read(byte) || (*self.state == State::Quoted && self.behind.len() == OPEN_BYTES_MAX)
    }

    fn read(&mut self, byte: u8) -> bool {
        *self.blank &= byte.is_ascii_whitespace() && byte != self.delimiter;
        match (*self.state, byte) {
            (State::Quoted, b'"') => *self.state = State::QuoteSeen,
            (State::Quoted, b'\n') => {
                self.first_line.get_or_insert((self.text.len(), *self.problem));
                *self.line += 1;
                self.push(byte);
            }
            (State::Quoted, _) => self.push(byte),
            (State::QuoteSeen, b'"') => {
                *self.state = State::Quoted;
                self.push(byte);
            }
            (_, b'\n') => {
                if *self.state == State::Plain && self.text.last() == Some(&b'\r') {
                    self.text.pop();
                }
                *self.line += 1;
                self.end_cell();
                return true;
            }
            (_, _) if byte == self.delimiter => self.end_cell(),
            (State::CellStart, b'"') => *self.state = State::Quoted,
            // The carriage return of a line end behind a quoted cell.
            (State::QuoteSeen, b'\r') => {}
            (State::QuoteSeen, _) => {
                let first = *self.problem != Some(Reason::InvalidCsv);
                *self.crossed |=
                    first && self.text.last().is_some_and(|last| *last == self.delimiter || *last == b'\n');
                self.note(Reason::InvalidCsv);
                self.push(byte);
            }
            (State::CellStart | State::Plain, _) => {
                *self.state = State::Plain;
                self.push(byte);
            }
        }
        false
    }

    fn end_cell(&mut self) {
        *self.state = State::CellStart;
        if self.ends.len() >= COLUMNS_MAX {
            *self.extra_cells += 1;
        } else {
            self.ends.push(self.text.len());
        }
    }

    fn push(&mut self, byte: u8) {
        let start = self.ends.last().copied().unwrap_or(0);
        if self.text.len() - start >= CELL_BYTES_MAX {
            self.note(Reason::TooLarge);
        } else if self.ends.len() < COLUMNS_MAX {
            self.text.push(byte);
        }
    }

    fn note(&mut self, reason: Reason) {
        if *self.problem != Some(Reason::TooLarge) {
            *self.problem = Some(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, Result<Vec<String>, Reason>)> {
        let mut all = Vec::new();
        // A tiny buffer: every border falls inside of something.
        let mut reader = CsvReader::new(io::BufReader::with_capacity(3, text.as_bytes()), b',', 1);
        while let Some(row) = reader.next_row().unwrap() {
            let cells = row.cells.map(|cells| (0..cells.len()).map(|at| cells.get(at).to_owned()).collect());
            all.push((row.line, cells));
        }
        all
    }

    fn good(line: u64, cells: &[&str]) -> (u64, Result<Vec<String>, Reason>) {
        (line, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn rows_know_their_line_whatever_their_cells_hold() {
        let text = "a,b\r\n\n\"x\ny\",\"say \"\"hi\"\"\"\r\n5\" pipe,\n,last";
        let expected = [
            good(1, &["a", "b"]),
            good(3, &["x\ny", "say \"hi\""]),
            good(5, &["5\" pipe", ""]),
            good(6, &["", "last"]),
        ];
        assert_eq!(rows(text), expected);
    }

    #[test]
    fn what_is_no_row_is_named_on_the_line_where_it_starts() {
        assert_eq!(rows("a\n\"x\"y,1\nb"), [good(1, &["a"]), (2, Err(Reason::InvalidCsv)), good(3, &["b"])]);
        let long = format!("a,{}\nb,1\n", "x".repeat(CELL_BYTES_MAX + 1));
        assert_eq!(rows(&long), [(1, Err(Reason::TooLarge)), good(2, &["b", "1"])]);
        let full = format!("a,{}\n", "x".repeat(CELL_BYTES_MAX));
        assert!(rows(&full)[0].1.is_ok());
    }

    #[test]
    fn an_open_quote_costs_its_own_row_only() {
        let bad = |line| (line, Err(Reason::InvalidCsv));
        assert_eq!(rows("a\n\"open\nb\nc"), [good(1, &["a"]), bad(2), good(3, &["b"]), good(4, &["c"])]);
        assert_eq!(rows("1,\"open\n\n2,b\n\"3\",\"\"\n"), [bad(1), good(3, &["2", "b"]), good(4, &["3", ""])]);
        assert_eq!(rows("\"open"), [bad(1)]);
        // What stands behind it says nothing about it, nor does it hide what was wrong before.
        let long = "x".repeat(CELL_BYTES_MAX + 1);
        let mut reader = CsvReader::new(&b"\"open\n\xff\nb"[..], b',', 1);
        assert_eq!(reader.next_row().unwrap().unwrap().cells.err(), Some(Reason::InvalidCsv));
        assert_eq!(reader.next_row().unwrap().unwrap().cells.err(), Some(Reason::InvalidUtf8));
        assert_eq!(rows(&format!("\"open\n{long}\nb")), [bad(1), (2, Err(Reason::TooLarge)), good(3, &["b"])]);
        assert_eq!(rows(&format!("{long},\"open\nb")), [(1, Err(Reason::TooLarge)), good(2, &["b"])]);
        // A cell that is closed is one cell, however long.
        assert_eq!(
            rows(&format!("\"{}\"\nb", "x\n".repeat(CELL_BYTES_MAX))).first().unwrap(),
            &(1, Err(Reason::TooLarge))
        );
    }

    #[test]
    fn a_quote_that_another_one_closes_costs_its_own_row_only() {
        let bad = |line| (line, Err(Reason::InvalidCsv));
        let text = "1,\"a,1\n2,b,2\n3,c,3\n4,\"d,4\n5,e,5\n";
        let expected =
            [bad(1), good(2, &["2", "b", "2"]), good(3, &["3", "c", "3"]), bad(4), good(5, &["5", "e", "5"])];
        assert_eq!(rows(text), expected);
        assert_eq!(
            rows("1,\"open,2\n2,\"fine\",3\n3,x,4"),
            [bad(1), good(2, &["2", "fine", "3"]), good(3, &["3", "x", "4"])]
        );
        // A quote behind a letter is no reason to take a row of several lines apart, nor is what is wrong on the first.
        assert_eq!(rows("\"several\nlines\" more,5\n1,2\n"), [bad(1), good(3, &["1", "2"])]);
        assert_eq!(rows("\"x\"y,\"several\nlines\"\n1,2\n"), [bad(1), good(3, &["1", "2"])]);
    }

    /// Neither reads a file again and again nor holds much of it.
    #[test]
    fn a_file_of_open_quotes_ends() {
        let line = "a\"b,\"\n";
        let text = line.repeat(40_000_000 / line.len());
        let mut reader = CsvReader::new(text.as_bytes(), b',', 1);
        let mut count = 0;
        while let Some(row) = reader.next_row().unwrap() {
            count += u64::from(row.cells.is_err());
        }
        assert!(count > 10 && reader.behind.capacity() + reader.again.get_ref().len() < 4 * OPEN_BYTES_MAX, "{count}");
        assert_eq!(reader.read_bytes(), text.len() as u64);
    }

    #[test]
    fn a_row_of_other_bytes_is_refused_alone() {
        for bad in [&b"a,\xff\nb,c\n"[..], b"a\xc3,\xa9b\nb,c\n", b"\xff\"x\"y,\"\xff\"z\nb,c\n"] {
            let mut reader = CsvReader::new(bad, b',', 1);
            assert_eq!(reader.next_row().unwrap().unwrap().cells.err(), Some(Reason::InvalidUtf8));
            assert!(reader.next_row().unwrap().unwrap().cells.is_ok());
        }
    }

    #[test]
    fn the_first_check_that_fails_names_the_reason() {
        let long = "x".repeat(CELL_BYTES_MAX + 1);
        let too_large = [(1, Err(Reason::TooLarge))];
        assert_eq!(rows(&format!("\"a\"b,{long}\n")), too_large);
        assert_eq!(rows(&format!("{long},\"a\"b\n")), too_large);
        assert_eq!(rows(&format!("\"{long}\n")), too_large);
    }

    #[test]
    fn one_guard_is_not_part_of_a_cell() {
        for (cell, expected) in [
            ("'7012", "7012"),
            ("'+45", "+45"),
            ("'-3", "-3"),
            ("'=x", "=x"),
            ("'@x", "@x"),
            ("''7", "''7"),
            ("'Neil", "'Neil"),
            ("O'7", "O'7"),
            ("'", "'"),
        ] {
            assert_eq!(unguarded(cell), expected);
        }
    }

    #[test]
    fn a_line_of_white_space_is_no_row_and_a_quoted_nothing_is_one() {
        assert_eq!(rows("a\n \t\r\n\"\"\n\n"), [good(1, &["a"]), good(3, &[""])]);
        assert_eq!(rows("a,b\n,\n"), [good(1, &["a", "b"]), good(2, &["", ""])]);
    }
}
