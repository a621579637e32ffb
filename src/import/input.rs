//! The bytes of a file, which are read more than once: whether they are text at all, and what their dates and amounts look
//! like, has to be known before the first row is stored.
//!
//! A file that can be wound back is read again; any other stream is held in memory, packed.

use super::encoding::Encoding;
use crate::Result;
use crate::error::Error;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

/// Where a file comes from.
pub(super) enum Origin<'r> {
    File(File),
    Stream(Box<dyn Read + 'r>),
}

/// A file that can be read from its start as often as needed.
pub(super) struct Input {
    kept: Kept,
    pub(super) encoding: Encoding,
    /// Lines end as they did on old machines, in a carriage return alone.
    returns_only: bool,
}

#[derive(Clone)]
enum Kept {
    File(Rc<File>),
    Packed(Rc<Vec<Box<[u8]>>>),
}

/// Bytes of a stream that are packed together.
const PIECE_BYTES: usize = 256 << 10;

impl Input {
    /// Takes a file in and finds out how its bytes are characters.
    ///
    /// # Errors
    /// `Invalid` for a file that is compressed, for a stream that takes more memory than it may, and for bytes of another
    /// encoding than UTF-8 where none is given; `Io`.
    pub(super) fn new(origin: Origin<'_>, encoding: Option<&str>, memory_bytes: usize) -> Result<Self> {
        let given = encoding.map(Encoding::named).transpose()?;
        let kept = match origin {
            Origin::File(mut file) => match file.rewind() {
                Ok(()) => Kept::File(Rc::new(file)),
                Err(_) => packed(Box::new(file), memory_bytes)?,
            },
            Origin::Stream(stream) => packed(stream, memory_bytes)?,
        };
        let head = head_of(kept.raw()?)?;
        refuse_other_formats(&head)?;
        let by_mark = match head.as_slice() {
            [0xff, 0xfe, ..] => Some(Encoding::Utf16 { big_end_first: false }),
            [0xfe, 0xff, ..] => Some(Encoding::Utf16 { big_end_first: true }),
            [0xef, 0xbb, 0xbf, ..] => Some(Encoding::Utf8),
            _ => None,
        };
        let encoding = match (given, by_mark) {
            (Some(given), Some(mark)) if given != mark => {
                return Err(Error::invalid(format!(
                    "the file begins with the mark of {}; leave the encoding {} out",
                    mark.name(),
                    given.name()
                )));
            }
            (given, mark) => given.or(mark).unwrap_or(Encoding::Utf8),
        };
        if given.is_none() && encoding == Encoding::Utf8 {
            refuse_other_bytes(&head, kept.raw()?)?;
        }
        let mut input = Self { kept, encoding, returns_only: false };
        let head = input.head()?;
        input.returns_only = head.contains(&b'\r') && !head.contains(&b'\n');
        Ok(input)
    }

    /// The file from its start, as UTF-8.
    pub(super) fn text(&self) -> Result<Box<dyn Read>> {
        let text = self.encoding.decode(self.kept.raw()?);
        Ok(if self.returns_only { Box::new(Returns(text)) } else { text })
    }

    /// How the text begins.
    pub(super) fn head(&self) -> Result<Vec<u8>> {
        head_of(self.text()?)
    }
}

/// Reads a carriage return as the end of a line.
struct Returns(Box<dyn Read>);

impl Read for Returns {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.0.read(buffer)?;
        let read = buffer.get_mut(..len).unwrap_or_default();
        read.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        Ok(len)
    }
}

/// How much of a file is looked at to find out how it is written.
pub(super) const HEAD_BYTES: usize = 256 << 10;

fn head_of(stream: impl Read) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    stream.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(read_error)?;
    Ok(head)
}

fn packed(mut stream: Box<dyn Read + '_>, memory_bytes: usize) -> Result<Kept> {
    let mut pieces: Vec<Box<[u8]>> = Vec::new();
    let mut held = 0;
    loop {
        let piece = {
            let mut piece = Vec::new();
            (&mut stream).take(PIECE_BYTES as u64).read_to_end(&mut piece).map_err(read_error)?;
            piece
        };
        if piece.is_empty() {
            return Ok(Kept::Packed(Rc::new(pieces)));
        }
        let packed = lz4_flex::block::compress_prepend_size(&piece).into_boxed_slice();
        held += packed.len() + size_of::<Box<[u8]>>();
        if held > memory_bytes {
            return Err(Error::invalid(
                "the stream takes more memory than it may; open it as a file, split it, or raise memory_bytes",
            ));
        }
        pieces.push(packed);
    }
}

impl Kept {
    /// The bytes from the start. Whoever read before is done.
    fn raw(&self) -> Result<Box<dyn Read>> {
        Ok(match self {
            Self::File(file) => {
                (&**file).seek(SeekFrom::Start(0)).map_err(read_error)?;
                Box::new(Again(Rc::clone(file)))
            }
            Self::Packed(pieces) => {
                Box::new(Pieces { all: Rc::clone(pieces), next: 0, piece: io::Cursor::new(Vec::new()) })
            }
        })
    }
}

struct Again(Rc<File>);

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

struct Pieces {
    all: Rc<Vec<Box<[u8]>>>,
    next: usize,
    piece: io::Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let len = self.piece.read(buffer)?;
            if len > 0 || buffer.is_empty() {
                return Ok(len);
            }
            let Some(packed) = self.all.get(self.next) else { return Ok(0) };
            self.next += 1;
            let piece = lz4_flex::block::decompress_size_prepended(packed).map_err(io::Error::other)?;
            self.piece = io::Cursor::new(piece);
        }
    }
}

/// Refuses what is no text at all.
///
/// # Errors
/// `Invalid` says what to do instead.
pub(crate) fn refuse_other_formats(head: &[u8]) -> Result<()> {
    if head.is_empty() {
        return Err(Error::invalid("the file is empty"));
    }
    let compressed: [&[u8]; 5] = [b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ"];
    if compressed.iter().any(|magic| head.starts_with(magic)) {
        return Err(Error::invalid(if head.starts_with(b"PK") {
            "the file is a workbook or an archive, and compressed; save the sheet as CSV in UTF-8, or unpack the archive"
        } else {
            "the file is compressed; unpack it, or pass a reader that does"
        }));
    }
    let other: [(&[u8], &str); 3] = [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "the file is a workbook; save the sheet as CSV in UTF-8"),
        (b"\xff\xfe\0\0", "the file is UTF-32; save it as UTF-8"),
        (b"\0\0\xfe\xff", "the file is UTF-32; save it as UTF-8"),
    ];
    let known = other.iter().find(|(magic, _)| head.starts_with(magic));
    known.map_or(Ok(()), |(_, remedy)| Err(Error::invalid(*remedy)))
}

/// UTF-16 without a mark, by its pattern: in the headers of such a file every other byte is zero, and only those.
fn unmarked_utf16(head: &[u8]) -> Option<Encoding> {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let pairs = line.get(..line.len().min(512) & !1).unwrap_or_default();
    let zeros_at = |at: usize| pairs.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros_at(0), zeros_at(1));
    // Most pairs, for a header may hold a few letters of other scripts.
    let is = even.min(odd) == 0 && even.max(odd) * 8 > pairs.len() * 3;
    is.then_some(Encoding::Utf16 { big_end_first: even > odd })
}

/// Whether text that has to be UTF-8 is UTF-16, with a mark or without.
pub(crate) fn is_utf16(head: &[u8]) -> bool {
    head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || unmarked_utf16(head).is_some()
}

fn refuse_other_bytes(head: &[u8], stream: Box<dyn Read>) -> Result<()> {
    if let Some(encoding) = unmarked_utf16(head) {
        return Err(Error::invalid(format!(
            "the file is UTF-16 without its mark; say so with the option encoding (--encoding {}), or save it as UTF-8",
            encoding.name()
        )));
    }
    if is_utf8(stream)? {
        return Ok(());
    }
    Err(Error::invalid(
        "the file is not UTF-8: nothing of it was stored; say what it is with the option encoding (spreadsheets in Western \
         Europe and America write it as --encoding windows-1252), or save it as CSV UTF-8",
    ))
}

/// Whether a stream is UTF-8 from its first byte to its last. A character may lie over the border of two pieces.
fn is_utf8(mut stream: Box<dyn Read>) -> Result<bool> {
    let mut buffer = vec![0; PIECE_BYTES];
    let mut kept = 0;
    loop {
        let len = match stream.read(buffer.get_mut(kept..).unwrap_or_default()) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_error(error)),
        };
        let bytes = buffer.get(..kept + len).unwrap_or_default();
        let good = match std::str::from_utf8(bytes) {
            Ok(_) => bytes.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Ok(false),
        };
        if len == 0 {
            return Ok(good == bytes.len());
        }
        let end = bytes.len();
        buffer.copy_within(good..end, 0);
        kept = end - good;
    }
}

/// What is said of a file that cannot be read.
pub(crate) fn read_error(error: std::io::Error) -> Error {
    Error::io("read", Path::new("the file to import"), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(bytes: &[u8], encoding: Option<&str>) -> Result<Vec<u8>> {
        // Two bytes at a time: every border falls inside of something.
        let input = Input::new(Origin::Stream(Box::new(bytes)), encoding, 1 << 20)?;
        let mut all = Vec::new();
        for _ in 0..2 {
            all.clear();
            input.text()?.read_to_end(&mut all).unwrap();
        }
        Ok(all)
    }

    #[test]
    fn text_is_read_as_often_as_needed() {
        let long = "æøå,".repeat(300_000);
        assert_eq!(input(long.as_bytes(), None).unwrap(), long.as_bytes());
        assert_eq!(input(b"\xff\xfea\0\xe6\0", None).unwrap(), "\u{feff}aæ".as_bytes());
        assert_eq!(input(b"\xe6", Some("windows-1252")).unwrap(), "æ".as_bytes());
        assert_eq!(input(b"a\0b\0", Some("utf-16le")).unwrap(), b"ab");
        assert_eq!(input(b"a\rb\r", None).unwrap(), b"a\nb\n");
        assert_eq!(input(b"a\rb\n", None).unwrap(), b"a\rb\n");
    }

    #[test]
    fn other_bytes_fail_as_a_whole_wherever_they_stand() {
        let mut late = "a,b\n".repeat(200_000).into_bytes();
        late.push(0xe6);
        for bytes in [&b"\xe6"[..], b"a\xe6b", b"a\xc3", &late] {
            let error = input(bytes, None).unwrap_err().to_string();
            assert!(error.contains("--encoding windows-1252"), "{error}");
        }
        assert!(input(b"a\0,\0b\0", None).unwrap_err().to_string().contains("utf-16le"));
        assert!(input(b"\xef\xbb\xbfa", Some("windows-1252")).unwrap_err().to_string().contains("utf-8"));
        let mut state = 88_172_645_463_325_252u64;
        let random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            b' ' + (state % 90) as u8
        };
        let many: Vec<u8> = std::iter::repeat_with(random).take(3_000_000).collect();
        let error = input(&many, None).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("memory")));
    }
}
