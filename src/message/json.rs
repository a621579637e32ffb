//! The tokens of JSON (RFC 8259), strictly: a cursor that reads strings, numbers and literals off valid UTF-8.

/// Bytes that are not JSON start here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadJson;

/// What a byte sequence that starts a value turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Null,
    /// `NaN`, `Infinity` or `-Infinity`, which are no JSON, and which some writers emit all the same.
    NotFinite,
    Bool(bool),
    /// As it is spelled.
    Number(&'a str),
    /// The string's text is in the lexer's caller's buffer, or borrowed.
    Str(Text<'a>),
    List,
    Object,
}

/// A string: borrowed where it holds no escape, else written to the caller's buffer as WTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text<'a> {
    Plain(&'a str),
    Escaped,
}

impl<'a> Text<'a> {
    /// The bytes, given the buffer that was passed to the lexer.
    pub(crate) fn bytes<'b>(self, buffer: &'b [u8]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Escaped => buffer,
        }
    }
}

/// A cursor over JSON text.
#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    /// The same text twice: slices of the one are known to be UTF-8, the other is quick to look into.
    whole: &'a str,
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { whole: text, text: text.as_bytes(), at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The cursor before the byte that it just consumed.
    pub(crate) fn back_one(&self) -> Self {
        Self { at: self.at.saturating_sub(1), ..*self }
    }

    /// The next byte that is no white space, not consumed.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at).copied() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Consumes `byte`, after white space, if it comes next.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), BadJson> {
        self.eat(byte).then_some(()).ok_or(BadJson)
    }

    /// The next value, or the start of the next container.
    #[inline(always)]
    pub(crate) fn value(&mut self, buffer: &mut Vec<u8>) -> Result<Token<'a>, BadJson> {
        match self.peek().ok_or(BadJson)? {
            b'"' => self.string(buffer).map(Token::Str),
            b'{' => {
                self.at += 1;
                Ok(Token::Object)
            }
            b'[' => {
                self.at += 1;
                Ok(Token::List)
            }
            b'-' | b'0'..=b'9' => {
                let start = self.at;
                self.number().map(Token::Number).or_else(|_| self.not_finite(start))
            }
            b't' => self.literal(b"true").map(|()| Token::Bool(true)),
            b'f' => self.literal(b"false").map(|()| Token::Bool(false)),
            b'n' => self.literal(b"null").map(|()| Token::Null),
            b'N' | b'I' => self.not_finite(self.at),
            _ => Err(BadJson),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), BadJson> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        rest.starts_with(word).then(|| self.at += word.len()).ok_or(BadJson)
    }

    #[cold]
    fn not_finite(&mut self, start: usize) -> Result<Token<'a>, BadJson> {
        self.at = start;
        let words: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
        let found = words.into_iter().any(|word| self.literal(word).is_ok());
        found.then_some(Token::NotFinite).ok_or(BadJson)
    }

    fn number(&mut self) -> Result<&'a str, BadJson> {
        let start = self.at;
        let next = |lexer: &Self| lexer.text.get(lexer.at).copied();
        self.at += usize::from(next(self) == Some(b'-'));
        if next(self) == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if next(self) == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(next(self), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(next(self), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.whole.get(start..self.at).ok_or(BadJson)
    }

    fn digits(&mut self) -> Result<(), BadJson> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += len;
        (len > 0).then_some(()).ok_or(BadJson)
    }

    /// A string, after its opening quote was seen but not consumed.
    #[inline(always)]
    pub(crate) fn string(&mut self, buffer: &mut Vec<u8>) -> Result<Text<'a>, BadJson> {
        if self.peek() != Some(b'"') {
            return Err(BadJson);
        }
        let start = self.at + 1;
        let rest = self.text.get(start..).unwrap_or_default();
        let plain = plain_len(rest);
        self.at = start + plain;
        if rest.get(plain) == Some(&b'"') {
            self.at += 1;
            return self.whole.get(start..start + plain).map(Text::Plain).ok_or(BadJson);
        }
        buffer.clear();
        buffer.extend_from_slice(rest.get(..plain).unwrap_or_default());
        self.escaped(buffer)
    }

    /// The rest of a string that holds an escape (or ends in an error).
    #[cold]
    fn escaped(&mut self, buffer: &mut Vec<u8>) -> Result<Text<'a>, BadJson> {
        loop {
            match self.text.get(self.at).ok_or(BadJson)? {
                b'"' => {
                    self.at += 1;
                    return Ok(Text::Escaped);
                }
                b'\\' => {
                    self.at += 1;
                    self.escape(buffer)?;
                }
                0..0x20 => return Err(BadJson),
                _ => {
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    let plain = plain_len(rest);
                    buffer.extend_from_slice(rest.get(..plain).unwrap_or_default());
                    self.at += plain;
                }
            }
        }
    }

    fn escape(&mut self, buffer: &mut Vec<u8>) -> Result<(), BadJson> {
        let kind = *self.text.get(self.at).ok_or(BadJson)?;
        self.at += 1;
        let byte = match kind {
            b'"' | b'\\' | b'/' => kind,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(buffer),
            _ => return Err(BadJson),
        };
        buffer.push(byte);
        Ok(())
    }

    /// A `\u` escape: a pair of surrogates is one character, a lone one stays three bytes of WTF-8.
    fn unicode(&mut self, buffer: &mut Vec<u8>) -> Result<(), BadJson> {
        let unit = self.hex4()?;
        if (0xd800..0xdc00).contains(&unit) {
            let tail = self.text.get(self.at..).unwrap_or_default();
            if tail.starts_with(b"\\u") {
                let before = self.at;
                self.at += 2;
                let low = self.hex4()?;
                if (0xdc00..0xe000).contains(&low) {
                    push_code_point(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), buffer);
                    return Ok(());
                }
                self.at = before;
            }
        }
        push_code_point(unit, buffer);
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, BadJson> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(BadJson)?;
        self.at += 4;
        digits
            .iter()
            .try_fold(0, |unit, digit| char::from(*digit).to_digit(16).map(|digit| unit << 4 | digit))
            .ok_or(BadJson)
    }
}

/// UTF-8 of a code point, surrogates included.
fn push_code_point(code: u32, buffer: &mut Vec<u8>) {
    if let Some(c) = char::from_u32(code) {
        buffer.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        return;
    }
    let byte = |shift: u32, mark: u32, mask: u32| crate::base::bytes::low8(u64::from(mark | (code >> shift & mask)));
    buffer.extend_from_slice(&[byte(12, 0xe0, 0x0f), byte(6, 0x80, 0x3f), byte(0, 0x80, 0x3f)]);
}

/// How many leading bytes are neither a quote, a backslash nor a control character: eight at a time.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut rest = bytes;
    while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = (word ^ (ONES * 0x22)).wrapping_sub(ONES);
        let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
        let control = word.wrapping_sub(ONES * 0x20);
        // All three only change the high bit of a byte that had none, so one look at the word's own bits serves for all.
        let hits = (quote | backslash | control) & !word & HIGH;
        if hits != 0 {
            // The lowest set bit is exact: a borrow can only raise false hits above a true one.
            return bytes.len() - rest.len() + (hits.trailing_zeros() / 8) as usize;
        }
        rest = tail;
    }
    let tail = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count();
    bytes.len() - rest.len() + tail
}

/// Skips one value in constant memory but one bit for each open container; the cursor must stand at its start.
pub(crate) fn skip_value(lexer: &mut Lexer<'_>, buffer: &mut Vec<u8>) -> Result<(), BadJson> {
    let mut open = BitStack::default();
    loop {
        match lexer.value(buffer)? {
            Token::List if !lexer.eat(b']') => {
                open.push(false);
                continue;
            }
            Token::Object if !lexer.eat(b'}') => {
                open.push(true);
                skip_key(lexer, buffer)?;
                continue;
            }
            _ => {}
        }
        // A value ended: close what ends with it, then go on behind the comma.
        loop {
            let Some(object) = open.top() else { return Ok(()) };
            if lexer.eat(b',') {
                if object {
                    skip_key(lexer, buffer)?;
                }
                break;
            }
            lexer.expect(if object { b'}' } else { b']' })?;
            open.pop();
        }
    }
}

fn skip_key(lexer: &mut Lexer<'_>, buffer: &mut Vec<u8>) -> Result<(), BadJson> {
    lexer.string(buffer)?;
    lexer.expect(b':')
}

/// A stack of bits.
#[derive(Default)]
struct BitStack {
    words: Vec<u64>,
    len: usize,
}

impl BitStack {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word = *word << 1 | u64::from(bit);
        }
        self.len += 1;
    }

    fn top(&self) -> Option<bool> {
        self.words.last().map(|word| word & 1 == 1)
    }

    fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
        if self.len.is_multiple_of(64) {
            self.words.pop();
        } else if let Some(word) = self.words.last_mut() {
            *word >>= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn valid(text: &str) -> bool {
        let mut lexer = Lexer::new(text);
        skip_value(&mut lexer, &mut Vec::new()).is_ok() && lexer.peek().is_none()
    }

    #[test]
    fn nesting_is_bounded_by_bits_not_by_the_stack() {
        let deep = 1_000_000;
        assert!(valid(&format!("{}{}", "[".repeat(deep), "]".repeat(deep))));
        assert!(!valid(&format!("{}{}", "[".repeat(deep), "]".repeat(deep - 1))));
        assert!(valid(&format!("{}1{}", "[{\"a\":".repeat(200), "}]".repeat(200))));
        assert!(!valid(&format!("{}1{}", "[{\"a\":".repeat(200), "]}".repeat(200))));
    }

    #[test]
    fn surrogates_pair_up_or_stay_alone() {
        let read = |text: &str| {
            let mut buffer = Vec::new();
            Lexer::new(text).string(&mut buffer).map(|text| text.bytes(&buffer).to_vec())
        };
        assert_eq!(read(r#""\ud83d\ude00""#), Ok("😀".as_bytes().to_vec()));
        assert_eq!(read(r#""\ud83d\ud83d\ude00""#), Ok([b"\xed\xa0\xbd", "😀".as_bytes()].concat()));
        assert_eq!(read(r#""\udc00a""#), Ok(b"\xed\xb0\x80a".to_vec()));
        assert_eq!(read(r#""\ud83d\u00""#), Err(BadJson));
        assert_eq!(read("\"a\u{1}\""), Err(BadJson));
    }

    #[test]
    fn three_bare_words_stand_for_a_value_and_no_others() {
        for word in ["NaN", "Infinity", "-Infinity"] {
            for text in [word.to_owned(), format!("[1, {word} ]"), format!("{{\"a\":{word},\"b\":[{word}]}}")] {
                assert!(valid(&text), "{text}");
            }
            for text in [format!("{word}x"), format!("[{word}1]"), format!("{{{word}:1}}"), format!("+{word}")] {
                assert!(!valid(&text), "{text}");
            }
        }
        for text in
            ["nan", "NAN", "-NaN", "Inf", "-Inf", "infinity", "INFINITY", "-infinity", "Na", "- Infinity", "undefined"]
        {
            assert!(!valid(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn plain_runs_end_where_a_loop_says(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let naive = bytes.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..0x20)).count();
            prop_assert_eq!(plain_len(&bytes), naive);
        }

        #[test]
        fn validity_is_serde_jsons(text in r#"([\[\]{},:"\\ 0-9.eE+\-a-c]|null|true|false|\\u[0-9a-f]{4}|"a"){0,12}"#) {
            // serde_json refuses lone surrogates and numbers beyond f64; RawValue of it would too, so leave those out.
            let ours = valid(&text);
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
}
