//! Bytes of other encodings -> UTF-8, as a stream.
//!
//! What the encoding has no character for becomes a byte that UTF-8 does not have, so the row in which it stands is
//! refused as `invalid_utf8`, alone.

use crate::Result;
use crate::error::Error;
use std::io::{self, Read};

/// How a file's bytes are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16 {
        big_end_first: bool,
    },
    /// One byte a character; those from 128 on by this table.
    Table(&'static Table),
}

/// The upper half of an encoding of one byte a character.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    name: &'static str,
    aliases: &'static [&'static str],
    /// U+FFFD where the encoding has no character. An empty one maps every byte to the character of its number.
    upper: &'static str,
}

static TABLES: [Table; 11] = [
    Table { name: "windows-1252", aliases: &["cp1252", "ansi", "win1252", "western"], upper: WINDOWS_1252 },
    Table { name: "iso-8859-1", aliases: &["latin1", "l1", "iso88591"], upper: "" },
    Table { name: "iso-8859-15", aliases: &["latin9", "l9", "iso885915"], upper: ISO_8859_15 },
    Table { name: "iso-8859-2", aliases: &["latin2", "l2", "iso88592"], upper: ISO_8859_2 },
    Table { name: "windows-1250", aliases: &["cp1250", "win1250"], upper: WINDOWS_1250 },
    Table { name: "windows-1251", aliases: &["cp1251", "win1251"], upper: WINDOWS_1251 },
    Table { name: "windows-1253", aliases: &["cp1253", "win1253"], upper: WINDOWS_1253 },
    Table { name: "windows-1254", aliases: &["cp1254", "win1254"], upper: WINDOWS_1254 },
    Table { name: "macintosh", aliases: &["mac", "macroman", "xmacroman"], upper: MACINTOSH },
    Table { name: "cp850", aliases: &["ibm850", "850", "dos"], upper: CP850 },
    Table { name: "cp437", aliases: &["ibm437", "437"], upper: CP437 },
];

impl Encoding {
    /// The encoding of a name, in any case and with or without its hyphens.
    ///
    /// # Errors
    /// `Invalid` for one that is not known, with those that are.
    pub(super) fn named(name: &str) -> Result<Self> {
        let plain = |name: &str| -> String {
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        let asked = plain(name);
        match asked.as_str() {
            "utf8" => return Ok(Self::Utf8),
            "utf16" | "utf16le" | "unicode" => return Ok(Self::Utf16 { big_end_first: false }),
            "utf16be" => return Ok(Self::Utf16 { big_end_first: true }),
            _ => {}
        }
        let is = |table: &&Table| plain(table.name) == asked || table.aliases.contains(&asked.as_str());
        TABLES.iter().find(is).map(Self::Table).ok_or_else(|| {
            let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
            Error::invalid(format!("an encoding is utf-8, utf-16le, utf-16be, {}", names.join(", ")))
        })
    }

    /// The name under which it is reported.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 { big_end_first: false } => "utf-16le",
            Self::Utf16 { big_end_first: true } => "utf-16be",
            Self::Table(table) => table.name,
        }
    }

    /// The stream as UTF-8.
    pub(super) fn decode(self, stream: Box<dyn Read>) -> Box<dyn Read> {
        match self {
            Self::Utf8 => stream,
            Self::Utf16 { big_end_first } => {
                Box::new(Decoded::new(stream, Utf16 { big_end_first, ..Utf16::default() }))
            }
            Self::Table(table) => Box::new(Decoded::new(stream, Bytewise::new(table))),
        }
    }
}

/// A byte that stands nowhere in UTF-8.
const NO_CHARACTER: u8 = 0xff;

/// What turns bytes into UTF-8, piece by piece.
trait Decode {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>);
    /// Behind the last byte.
    fn end(&mut self, out: &mut Vec<u8>);
}

struct Bytewise(Vec<Option<char>>);

impl Bytewise {
    fn new(table: &Table) -> Self {
        if table.upper.is_empty() {
            return Self((128u8..=255).map(|byte| Some(char::from(byte))).collect());
        }
        Self(table.upper.chars().map(|c| Some(c).filter(|c| *c != '\u{fffd}')).collect())
    }
}

impl Decode for Bytewise {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            if byte.is_ascii() {
                out.push(*byte);
                continue;
            }
            match self.0.get(usize::from(*byte) - 128).copied().flatten() {
                Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => out.push(NO_CHARACTER),
            }
        }
    }

    fn end(&mut self, _: &mut Vec<u8>) {}
}

#[derive(Default)]
struct Utf16 {
    big_end_first: bool,
    half: Option<u8>,
    high: Option<u16>,
}

impl Utf16 {
    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        let mut push = |units: &[u16]| {
            for read in char::decode_utf16(units.iter().copied()) {
                match read {
                    Ok(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    Err(_) => out.push(NO_CHARACTER),
                }
            }
        };
        match (self.high.take(), unit) {
            (Some(high), 0xdc00..=0xdfff) => push(&[high, unit]),
            (high, _) => {
                high.into_iter().for_each(|high| push(&[high]));
                if (0xd800..0xdc00).contains(&unit) {
                    self.high = Some(unit);
                } else {
                    push(&[unit]);
                }
            }
        }
    }
}

impl Decode for Utf16 {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            let Some(first) = self.half.replace(*byte) else { continue };
            self.half = None;
            let pair = [first, *byte];
            let unit = if self.big_end_first { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
            self.unit(unit, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.half.take().is_some() | self.high.take().is_some() {
            out.push(NO_CHARACTER);
        }
    }
}

struct Decoded<D> {
    stream: Box<dyn Read>,
    decode: D,
    raw: Vec<u8>,
    out: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<D: Decode> Decoded<D> {
    fn new(stream: Box<dyn Read>, decode: D) -> Self {
        Self { stream, decode, raw: vec![0; 64 << 10], out: Vec::new(), at: 0, ended: false }
    }
}

impl<D: Decode> Read for Decoded<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out.len() && !self.ended {
            self.out.clear();
            self.at = 0;
            match self.stream.read(&mut self.raw) {
                Ok(0) => {
                    self.ended = true;
                    self.decode.end(&mut self.out);
                }
                Ok(len) => self.decode.take(self.raw.get(..len).unwrap_or_default(), &mut self.out),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let len = self.out.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += len;
        Ok(len)
    }
}

const WINDOWS_1250: &str = "€\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰Š‹ŚŤŽŹ\u{fffd}‘’“”•–—\u{fffd}™š›śťžź\u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";
const WINDOWS_1251: &str = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{fffd}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя";
const WINDOWS_1252: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";
const WINDOWS_1253: &str = "€\u{fffd}‚ƒ„…†‡\u{fffd}‰\u{fffd}‹\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}‘’“”•–—\u{fffd}™\u{fffd}›\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{a0}΅Ά£¤¥¦§¨©\u{fffd}«¬\u{ad}®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\u{fffd}ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\u{fffd}";
const WINDOWS_1254: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}\u{fffd}\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}\u{fffd}Ÿ\u{a0}¡¢£¤¥¦§¨©ª«¬\u{ad}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ";
const ISO_8859_2: &str = "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\u{a0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{ad}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";
const ISO_8859_15: &str = "\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}\u{a0}¡¢£€¥Š§š©ª«¬\u{ad}®¯°±²³Žµ¶·ž¹º»ŒœŸ¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ";
const MACINTOSH: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // A byte at a time: every border falls inside of something.
        let dribble = bytes.iter().copied().map(|byte| io::Cursor::new(vec![byte]));
        let stream = dribble.fold(Box::new(io::empty()) as Box<dyn Read>, |all, one| Box::new(all.chain(one)));
        Encoding::named(name).unwrap().decode(stream).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn each_encoding_has_its_letters() {
        for (name, bytes, text) in [
            ("windows-1252", &b"M\xfcller \x80 \x9cuvre"[..], "Müller € œuvre"),
            ("CP1252", b"\xe6\xf8\xe5", "æøå"),
            ("latin1", b"K\xf6ln\x85", "Köln\u{85}"),
            ("ISO-8859-15", b"\xa4\xbd", "€œ"),
            ("windows-1250", b"\xa3\xf3d\x9f", "Łódź"),
            ("iso-8859-2", b"\xa3\xf3d\xbc", "Łódź"),
            ("windows-1251", b"\xcc\xee\xf1\xea\xe2\xe0", "Москва"),
            ("windows-1253", b"\xc1\xe8\xde\xed\xe1", "Αθήνα"),
            ("windows-1254", b"\xddstanbul \xfe", "İstanbul ş"),
            ("macintosh", b"Z\x9frich \x8a", "Zürich ä"),
            ("cp850", b"K\x94ln \x9b", "Köln ø"),
            ("cp437", b"K\x94ln", "Köln"),
            ("utf-8", "Zürich".as_bytes(), "Zürich"),
            ("utf-16le", b"\xe6\x00=\xd8\x00\xde", "æ😀"),
            ("UTF-16BE", b"\x00\xe6\xd8=\xde\x00", "æ😀"),
        ] {
            assert_eq!(String::from_utf8(decoded(name, bytes)).as_deref(), Ok(text), "{name}");
        }
        assert!(TABLES.iter().all(|table| table.upper.is_empty() || table.upper.chars().count() == 128));
        assert!(Encoding::named("klingon").is_err());
    }

    #[test]
    fn what_an_encoding_does_not_have_is_no_character() {
        for (name, bytes) in [
            ("windows-1252", &b"a\x81b"[..]),
            ("windows-1253", b"\xd2"),
            ("utf-16le", b"\x00\xdc"),
            ("utf-16le", b"=\xd8"),
            ("utf-16le", b"a\x00b"),
            ("utf-16be", b"\xd8=\x00a"),
        ] {
            assert!(String::from_utf8(decoded(name, bytes)).is_err(), "{name}");
        }
    }
}
