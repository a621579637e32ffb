//! One line of the wire as messages: a message, an array of messages or an envelope, written as documents in one pass.
//!
//! The pass never recurses, notices every fault at its message (so one bad message leaves its neighbors alone), and
//! rejects the whole line only where its JSON breaks.

use super::json::{BadJson, Lexer, Text, Token, skip_value};
use super::reason::{Limit, Reason};
use super::shape::{Repeats, Slot, Step, beyond_f64, is_known, key_hash};
use crate::base::Limits;
use crate::base::bytes::Reader;
use crate::base::canon::{self, Digest};
use crate::base::doc::{Doc, DocWriter, Open};

/// What the pass has to know of a store's configuration.
pub(crate) struct WireRules {
    pub(crate) limits: Limits,
    /// Dotted paths besides the documented ones that must not be repeated: those of the host's mapping.
    pub(crate) mapped: Vec<String>,
}

/// An open container.
struct Frame {
    open: Open,
    at: usize,
    object: bool,
    /// Where this object's key hashes start, and where the key of its current member stands.
    hashes_at: usize,
    key_at: usize,
    /// A bit for each key seen, by its digest; and whether one was set twice.
    seen: u64,
    twice: bool,
    digest: Digest,
}

/// One line, parsed; the buffers live on for the next line.
#[derive(Default)]
pub(crate) struct Wire {
    doc: Vec<u8>,
    text: Vec<u8>,
    frames: Vec<Frame>,
    hashes: Vec<u32>,
    repeats: Repeats,
    root: Slot,
    elements: Vec<Slot>,
    /// How many frames are open around an element of the list of messages, while that list is open.
    list_level: Option<usize>,
    /// The same, while inside an element.
    element_level: Option<usize>,
    /// The root has a member `batch`; the key that was read last is it.
    has_batch: bool,
    at_batch: bool,
    /// The root's context holds a bare `NaN` or the like.
    context_not_finite: bool,
    /// A container was too deep before the JSON broke.
    too_deep: bool,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Message,
    List,
    Envelope,
}

/// One message of a line, or why its shape is refused.
pub(crate) struct Raw<'a> {
    /// Its place in an array or envelope, from 1.
    pub(crate) ordinal: Option<u32>,
    pub(crate) doc: Result<Doc<'a>, Reason>,
    /// It holds a number beyond `f64`.
    pub(crate) out_of_range: bool,
    /// It holds a bare `NaN` or the like, read as null.
    pub(crate) not_finite: bool,
    pub(crate) text_bytes: usize,
    /// What an object says.
    pub(crate) content: Digest,
}

/// What an envelope says for those of its messages that do not say it themselves.
#[derive(Clone, Copy, Default)]
pub(crate) struct Defaults<'a> {
    pub(crate) sent_at: Option<Doc<'a>>,
    pub(crate) context: Option<Doc<'a>>,
    /// It holds a number beyond `f64`.
    pub(crate) sent_at_beyond: bool,
    pub(crate) context_beyond: bool,
    /// It holds a bare `NaN` or the like, read as null.
    pub(crate) context_not_finite: bool,
}

/// Why a text is not one value.
enum Stop {
    Bad,
    TooLong,
}

impl From<BadJson> for Stop {
    fn from(_: BadJson) -> Self {
        Self::Bad
    }
}

impl Wire {
    /// Reads a cleaned line.
    ///
    /// # Errors
    /// The reason for which the line as a whole is rejected.
    pub(crate) fn read_line(&mut self, line: &[u8], rules: &WireRules) -> Result<(), Reason> {
        if line.len() > rules.limits.line_bytes {
            return Err(Reason::TooLarge);
        }
        let text = std::str::from_utf8(line).map_err(|_| Reason::InvalidUtf8)?;
        let mut lexer = Lexer::new(text);
        let read = self.read_value(&mut lexer, rules).and_then(|()| match lexer.peek() {
            None => Ok(()),
            Some(_) => Err(Stop::Bad),
        });
        match read {
            Ok(()) => self.settle(rules),
            Err(_) if self.too_deep => Err(Reason::TooDeep),
            Err(_) => Err(Reason::InvalidJson),
        }
    }

    /// Reads a body that is one JSON value, whatever its line breaks; `None` if it is not.
    pub(crate) fn read_whole(&mut self, body: &str, rules: &WireRules) -> Option<Result<(), Reason>> {
        let mut lexer = Lexer::new(body);
        lexer.peek()?;
        let start = lexer.clone();
        let too_long = match self.read_value(&mut lexer, rules) {
            Ok(()) => lexer.at() - start.at() > rules.limits.line_bytes,
            Err(Stop::Bad) => return None,
            Err(Stop::TooLong) => {
                lexer = start;
                skip_value(&mut lexer, &mut self.text).ok()?;
                true
            }
        };
        if lexer.peek().is_some() {
            return None;
        }
        Some(if too_long { Err(Reason::TooLarge) } else { self.settle(rules) })
    }

    /// The messages of the line, in order.
    pub(crate) fn messages<'w>(&'w self, rules: &'w WireRules) -> impl Iterator<Item = Raw<'w>> {
        let root = Doc::new(&self.doc);
        let list = match self.shape {
            Shape::Message => None,
            Shape::List => Some(root),
            Shape::Envelope => root.get("batch"),
        };
        let single = (self.shape == Shape::Message).then_some((&self.root, root, None));
        let many = (1u32..).zip(self.elements.iter().zip(list.into_iter().flat_map(Doc::items)));
        let many = many.map(|(ordinal, (slot, doc))| (slot, doc, Some(ordinal)));
        single.into_iter().chain(many).map(|(slot, doc, ordinal)| {
            let object = if doc.is_object() { Ok(doc) } else { Err(Reason::WrongType) };
            let doc = slot.verdict(&rules.limits).and(object);
            let Slot { out_of_range, not_finite, text_bytes, content, .. } = *slot;
            Raw { ordinal, doc, out_of_range, not_finite, text_bytes, content }
        })
    }

    /// What the envelope says for its messages.
    pub(crate) fn defaults(&self) -> Defaults<'_> {
        if self.shape != Shape::Envelope {
            return Defaults::default();
        }
        let root = Doc::new(&self.doc);
        let present = |key| root.get(key).filter(|value| !value.is_absent());
        let (sent_at, context) = (present("sentAt"), present("context"));
        // The envelope's other members are nobody's, whatever numbers they hold.
        let beyond = |value: Option<Doc<'_>>| self.root.out_of_range && value.is_some_and(holds_beyond_f64);
        let (sent_at_beyond, context_beyond) = (beyond(sent_at), beyond(context));
        Defaults { sent_at, context, sent_at_beyond, context_beyond, context_not_finite: self.context_not_finite }
    }

    /// Whether the line is an envelope, readable or not.
    pub(crate) fn is_envelope(&self) -> bool {
        self.shape == Shape::Envelope
    }

    /// Decides what the line is, once it is known to be JSON.
    fn settle(&mut self, rules: &WireRules) -> Result<(), Reason> {
        let root = Doc::new(&self.doc);
        if root.is_list() {
            self.shape = Shape::List;
            return Ok(());
        }
        self.shape = Shape::Message;
        if !root.is_object() {
            self.root.verdict(&rules.limits)?;
            return Err(Reason::WrongType);
        }
        if !self.has_batch {
            return Ok(());
        }
        let Some(batch) = root.get("batch").filter(|batch| !batch.is_absent()) else { return Ok(()) };
        let envelope = match root.get("type").filter(|kind| !kind.is_absent()) {
            None => true,
            Some(kind) => kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("batch")),
        };
        if !envelope {
            self.root.absorb(&self.elements);
            return Ok(());
        }
        let is_list = batch.is_list();
        // The size limit of a message is none of an envelope's.
        Slot { text_bytes: 0, ..self.root }.verdict(&rules.limits)?;
        self.shape = Shape::Envelope;
        if is_list { Ok(()) } else { Err(Reason::WrongType) }
    }

    fn read_value(&mut self, lexer: &mut Lexer<'_>, rules: &WireRules) -> Result<(), Stop> {
        self.doc.clear();
        self.frames.clear();
        self.hashes.clear();
        self.elements.clear();
        self.list_level = None;
        self.element_level = None;
        self.has_batch = false;
        self.at_batch = false;
        self.context_not_finite = false;
        self.too_deep = false;
        self.shape = Shape::Message;
        lexer.peek();
        self.root = Slot { text_at: lexer.at(), ..Slot::default() };
        let end = lexer.at().saturating_add(rules.limits.line_bytes);
        loop {
            if lexer.at() > end {
                return Err(Stop::TooLong);
            }
            self.start_element(lexer);
            if self.value(lexer, rules)? {
                continue;
            }
            if self.end_values(lexer, rules)? {
                self.root.text_bytes = lexer.at() - self.root.text_at;
                return Ok(());
            }
        }
    }

    /// Writes a scalar or opens a container; true if a container is open now and its next value comes.
    fn value(&mut self, lexer: &mut Lexer<'_>, rules: &WireRules) -> Result<bool, Stop> {
        let token = lexer.value(&mut self.text)?;
        let at = self.doc.len();
        let mut doc = DocWriter::new(&mut self.doc);
        match token {
            Token::Null => doc.null(),
            Token::NotFinite => {
                doc.null();
                self.note_not_finite();
            }
            Token::Bool(value) => doc.bool(value),
            Token::Number(digits) => {
                doc.number(digits);
                if beyond_f64(digits) && !self.is_long_name(digits) {
                    self.slot().out_of_range = true;
                }
                let number = canon::number_digest(Doc::new(self.doc.get(at..).unwrap_or_default()));
                self.say(number);
                return Ok(false);
            }
            Token::Str(Text::Plain(text)) => doc.string(text),
            Token::Str(Text::Escaped) => doc.wtf8(&self.text),
            Token::List | Token::Object => return self.open(lexer, token == Token::Object, rules),
        }
        self.say_plainly(at);
        Ok(false)
    }

    #[cold]
    fn note_not_finite(&mut self) {
        let in_context = self.element_level.is_none() && self.path().first() == Some(&Step::Key(b"context"));
        self.context_not_finite |= in_context;
        self.slot().not_finite = true;
    }

    /// Counts a value that is neither a container nor a number, and starts at `at`, in what its container says.
    #[inline]
    fn say_plainly(&mut self, at: usize) {
        let Some(frame) = self.frames.last_mut() else { return };
        if frame.object {
            frame.digest.add_plain_member(self.doc.get(frame.key_at..).unwrap_or_default());
        } else {
            frame.digest.add_item(canon::digest(Doc::new(self.doc.get(at..).unwrap_or_default())));
        }
    }

    /// Counts a container or a number in what its container says.
    fn say(&mut self, value: u64) {
        let Some(frame) = self.frames.last_mut() else { return };
        if frame.object {
            let member = self.doc.get(frame.key_at..).unwrap_or_default();
            frame.digest.add_digested_member(Reader::new(member).bytes().unwrap_or_default(), value);
        } else {
            frame.digest.add_item(value);
        }
    }

    /// An integer that is an identifier is a name, not a number, however many digits it has.
    fn is_long_name(&self, digits: &str) -> bool {
        let fields: [&[u8]; 5] = [b"userId", b"anonymousId", b"previousId", b"groupId", b"messageId"];
        let integer = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        integer && matches!(self.path().as_slice(), [Step::Key(key)] if fields.contains(key))
    }

    fn open(&mut self, lexer: &mut Lexer<'_>, object: bool, rules: &WireRules) -> Result<bool, Stop> {
        let depth = self.frames.len() - self.element_level.unwrap_or(0);
        let slot = self.slot();
        slot.depth = slot.depth.max(depth);
        if depth > rules.limits.depth {
            self.too_deep = true;
            *lexer = lexer.back_one();
            skip_value(lexer, &mut self.text)?;
            let at = self.doc.len();
            DocWriter::new(&mut self.doc).null();
            self.say_plainly(at);
            return Ok(false);
        }
        let at = self.doc.len();
        let mut doc = DocWriter::new(&mut self.doc);
        let open = if object { doc.object() } else { doc.list() };
        let digest = if object { Digest::object() } else { Digest::list() };
        let hashes_at = self.hashes.len();
        self.frames.push(Frame { open, at, object, hashes_at, key_at: 0, seen: 0, twice: false, digest });
        let level = self.frames.len();
        if !object && (level == 1 || level == 2 && self.at_batch) {
            self.list_level = Some(level);
        }
        if lexer.eat(if object { b'}' } else { b']' }) {
            self.close(rules);
            return Ok(false);
        }
        if object {
            self.key(lexer, rules)?;
        }
        Ok(true)
    }

    /// Closes what ends behind a value; true if that was the whole text.
    fn end_values(&mut self, lexer: &mut Lexer<'_>, rules: &WireRules) -> Result<bool, Stop> {
        loop {
            self.end_element(lexer);
            let Some(frame) = self.frames.last() else { return Ok(true) };
            let object = frame.object;
            if lexer.eat(b',') {
                if object {
                    self.key(lexer, rules)?;
                }
                return Ok(false);
            }
            lexer.expect(if object { b'}' } else { b']' })?;
            self.close(rules);
        }
    }

    fn key(&mut self, lexer: &mut Lexer<'_>, rules: &WireRules) -> Result<(), Stop> {
        let text = lexer.string(&mut self.text)?;
        lexer.expect(b':')?;
        let key = text.bytes(&self.text);
        if self.frames.len() == 1 {
            self.at_batch = key == b"batch";
            self.has_batch |= self.at_batch;
        }
        let too_long = key.len() > rules.limits.key_bytes;
        let hash = key_hash(key);
        self.hashes.push(hash);
        let count = self.hashes.len();
        let key_at = self.doc.len();
        DocWriter::new(&mut self.doc).key(key);
        let Some(frame) = self.frames.last_mut() else { return Err(Stop::Bad) };
        frame.key_at = key_at;
        let bit = 1 << (hash >> 26);
        frame.twice |= frame.seen & bit != 0;
        frame.seen |= bit;
        let too_many = count - frame.hashes_at > rules.limits.keys;
        if too_long || too_many {
            let limit = if too_long { Limit::Key } else { Limit::Keys };
            self.slot().limit.get_or_insert(limit);
        }
        Ok(())
    }

    fn slot(&mut self) -> &mut Slot {
        match (self.element_level, self.elements.last_mut()) {
            (Some(_), Some(element)) => element,
            _ => &mut self.root,
        }
    }

    /// Notices that a message of an array or envelope starts: the root array, or the root object's `batch`.
    #[inline]
    fn start_element(&mut self, lexer: &mut Lexer<'_>) {
        if self.list_level.is_none() || self.element_level.is_some() || self.list_level != Some(self.frames.len()) {
            return;
        }
        lexer.peek();
        self.element_level = self.list_level;
        self.elements.push(Slot { text_at: lexer.at(), ..Slot::default() });
    }

    #[inline]
    fn end_element(&mut self, lexer: &Lexer<'_>) {
        if self.element_level == Some(self.frames.len()) {
            let slot = self.slot();
            slot.text_bytes = lexer.at() - slot.text_at;
            self.element_level = None;
        }
    }

    fn key_of(&self, frame: &Frame) -> &[u8] {
        let bytes = self.doc.get(frame.key_at..).unwrap_or_default();
        Reader::new(bytes).bytes().unwrap_or_default()
    }

    fn close(&mut self, rules: &WireRules) {
        if self.list_level == Some(self.frames.len()) {
            self.list_level = None;
        }
        let Some(mut frame) = self.frames.pop() else { return };
        DocWriter::new(&mut self.doc).close(frame.open);
        let repeated = frame.twice && self.repeats.may_hold(self.hashes.get(frame.hashes_at..).unwrap_or_default());
        self.hashes.truncate(frame.hashes_at);
        if repeated && self.drop_repeats(frame.at, rules) {
            frame.digest = Digest::object();
            let object = Doc::new(self.doc.get(frame.at..).unwrap_or_default());
            object.whole_members().for_each(|member| frame.digest.add_member(member));
        }
        if self.frames.len() == self.element_level.unwrap_or(0) {
            self.slot().content = frame.digest;
        }
        self.say(frame.digest.finish());
    }

    /// Takes a closer look at an object, the last value written, whose keys seem to repeat; true if they did.
    #[cold]
    fn drop_repeats(&mut self, at: usize, rules: &WireRules) -> bool {
        let mut repeats = std::mem::take(&mut self.repeats);
        let path = self.path();
        let refused = repeats.gather(Doc::new(self.doc.get(at..).unwrap_or_default()), |key| {
            let mut full = path.clone();
            full.push(Step::Key(key));
            is_known(&full, &rules.mapped)
        });
        if let Some(refused) = refused {
            repeats.replace(&mut self.doc, at);
            self.slot().duplicate |= refused;
        }
        self.repeats = repeats;
        refused.is_some()
    }

    /// The steps, inside its message, to what is read or closed now.
    fn path(&self) -> Vec<Step<'_>> {
        let open = self.frames.iter().skip(self.element_level.unwrap_or(0));
        open.map(|frame| if frame.object { Step::Key(self.key_of(frame)) } else { Step::Item }).collect()
    }
}

/// Whether a number beyond `f64` stands anywhere inside. Documents nest at most as deep as messages may.
fn holds_beyond_f64(value: Doc<'_>) -> bool {
    value.as_number().is_some_and(|digits| beyond_f64(&digits))
        || value.items().chain(value.members().map(|(_, value)| value)).any(holds_beyond_f64)
}
