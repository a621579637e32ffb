//! Lines: of a body in memory, and of a stream of any length in bounded memory.

use memchr::memchr;
use std::io::{ErrorKind, Read, Result};

/// A line without BOM and CR, or `None` for a blank one.
pub(crate) fn clean(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let blank = line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
    (!blank).then_some(line)
}

/// The lines of a body with their numbers, cleaned, without the blank ones.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = Some(body);
    let physical = std::iter::from_fn(move || {
        let bytes = rest?;
        let (line, tail) = match memchr(b'\n', bytes).and_then(|at| bytes.split_at_checked(at)) {
            Some((line, tail)) => (line, tail.get(1..)),
            None => (bytes, None),
        };
        rest = tail;
        Some(line)
    });
    (1u64..).zip(physical).filter_map(|(number, line)| Some((number, clean(line)?)))
}

/// One line of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A line that is not blank, cleaned, with its number.
    Text(u64, &'a [u8]),
    /// A line beyond the limit; its bytes are gone.
    TooLarge(u64),
}

/// Lines of a reader, one buffer for all of them. A line beyond the limit is read over in constant memory.
pub(crate) struct LineReader<R> {
    inner: R,
    buffer: Vec<u8>,
    /// What of the buffer is read but not yet handed out.
    pending: std::ops::Range<usize>,
    line_bytes_max: usize,
    number: u64,
    read_bytes: u64,
}

/// A BOM and a CR do not count towards the limit.
const SLACK: usize = 4;
const CHUNK: usize = 64 * 1024;

impl<R: Read> LineReader<R> {
    pub(crate) fn new(inner: R, line_bytes_max: usize) -> Self {
        Self { inner, buffer: Vec::new(), pending: 0..0, line_bytes_max, number: 0, read_bytes: 0 }
    }

    /// How many bytes were read so far, for progress.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// The next line that is not blank; `None` at the end.
    ///
    /// # Errors
    /// Those of the reader.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>> {
        loop {
            let Some((start, end, too_large)) = self.advance()? else { return Ok(None) };
            let number = self.number;
            if too_large {
                return Ok(Some(Line::TooLarge(number)));
            }
            if clean(self.buffer.get(start..end).unwrap_or_default()).is_some() {
                let line = clean(self.buffer.get(start..end).unwrap_or_default()).unwrap_or_default();
                let over = line.len() > self.line_bytes_max;
                return Ok(Some(if over { Line::TooLarge(number) } else { Line::Text(number, line) }));
            }
        }
    }

    /// The span of the next physical line, and whether it went over the limit.
    fn advance(&mut self) -> Result<Option<(usize, usize, bool)>> {
        let mut too_large = false;
        let mut scanned = 0;
        loop {
            let pending = self.buffer.get(self.pending.clone()).unwrap_or_default();
            let fresh = pending.get(scanned..).unwrap_or_default();
            if let Some(len) = memchr(b'\n', fresh) {
                let start = self.pending.start;
                let end = start + scanned + len;
                self.pending.start = end + 1;
                self.number += 1;
                return Ok(Some((start, end, too_large || end - start > self.line_bytes_max + SLACK)));
            }
            scanned = pending.len();
            if scanned > self.line_bytes_max + SLACK {
                too_large = true;
                self.pending = 0..0;
                scanned = 0;
            }
            if self.fill()? == 0 {
                let Some((start, end)) = self.last_line(too_large) else { return Ok(None) };
                self.number += 1;
                return Ok(Some((start, end, too_large)));
            }
        }
    }

    /// What stands behind the last line break.
    fn last_line(&mut self, too_large: bool) -> Option<(usize, usize)> {
        let rest = self.pending.clone();
        self.pending = 0..0;
        (too_large || !rest.is_empty()).then_some((rest.start, rest.end))
    }

    fn fill(&mut self) -> Result<usize> {
        if self.pending.start > 0 {
            self.buffer.copy_within(self.pending.clone(), 0);
            self.pending = 0..self.pending.len();
        }
        let wanted = self.pending.end + CHUNK;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        loop {
            match self.inner.read(self.buffer.get_mut(self.pending.end..).unwrap_or_default()) {
                Ok(len) => {
                    self.pending.end += len;
                    self.read_bytes += len as u64;
                    return Ok(len);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A reader that hands out a few bytes at a time.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> Result<usize> {
            let len = self.0.len().min(self.1).min(out.len());
            out[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn lines(bytes: &[u8], max: usize, step: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut reader = LineReader::new(Dribble(bytes, step), max);
        let mut out = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            out.push(match line {
                Line::Text(number, text) => (number, Some(text.to_vec())),
                Line::TooLarge(number) => (number, None),
            });
        }
        assert_eq!(reader.read_bytes(), bytes.len() as u64);
        out
    }

    #[test]
    fn bom_cr_and_blank_lines_are_dropped_but_numbered() {
        let text = b"\xef\xbb\xbf{}\r\n\r\n  \t\n\xef\xbb\xbf[]\n1";
        assert_eq!(
            lines(text, 100, 3),
            [(1, Some(b"{}".to_vec())), (4, Some(b"[]".to_vec())), (5, Some(b"1".to_vec()))]
        );
    }

    #[test]
    fn a_line_beyond_the_limit_takes_no_memory() {
        let endless = std::io::repeat(b'x').take(50 << 20).chain(&b"\n{}"[..]);
        let mut reader = LineReader::new(endless, 1000);
        assert_eq!(reader.next_line().unwrap(), Some(Line::TooLarge(1)));
        assert_eq!(reader.next_line().unwrap(), Some(Line::Text(2, b"{}")));
        assert_eq!(reader.next_line().unwrap(), None);
        assert!(reader.buffer.len() < 4 * CHUNK);
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn streaming_equals_splitting(bytes in "[a\n\r ]{0,60}", step in 1usize..7, max in 1usize..9) {
            let bytes = bytes.as_bytes();
            let naive: Vec<_> = bytes
                .split(|byte| *byte == b'\n')
                .enumerate()
                .filter_map(|(at, line)| Some((at as u64 + 1, clean(line)?, line.len())))
                .map(|(number, line, _)| (number, (line.len() <= max).then(|| line.to_vec())))
                .collect();
            let split: Vec<_> = super::lines(bytes).map(|(number, line)| (number, line.to_vec())).collect();
            let cleaned = bytes.split(|byte| *byte == b'\n').map(clean);
            let expected: Vec<_> = (1u64..).zip(cleaned).filter_map(|(n, line)| Some((n, line?.to_vec()))).collect();
            prop_assert_eq!(split, expected);
            // A long blank line may be named too large; nothing else differs.
            let read: Vec<_> = lines(bytes, max, step)
                .into_iter()
                .filter(|(number, line)| line.is_some() || naive.iter().any(|(n, _)| n == number))
                .collect();
            prop_assert_eq!(read, naive);
        }
    }
}
