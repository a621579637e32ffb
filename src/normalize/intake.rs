//! Bytes in, facts and rejects out: each message of a body or of a line ends as exactly one of the two.

use super::clock::{self, Clock};
use super::consent::Speech;
use super::fields::{Fields, push_name};
use super::names::Names;
use super::normalizer::{Intake, ReceivedAt};
use super::order::{self, OrderMoney};
use crate::base::canon::{self, Digest};
use crate::base::doc::{Doc, DocWriter};
use crate::base::name::nfc;
use crate::base::time::DAY_MS;
use crate::base::{MessageId, MessageIdPolicy, Timestamp};
use crate::fact::kind::{Bits, Kind};
use crate::fact::layout::FactParts;
use crate::fact::named::Role;
use crate::fact::order::{OrderAction, OrderFact};
use crate::fact::props::Props;
use crate::fact::view::Fact;
use crate::message::lines;
use crate::message::reason::{Flags, Refusal};
use crate::message::wire::{Defaults, Raw, Wire};
use crate::message::{Flag, Limit, Reason};
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

/// Buffers that live on from message to message.
#[derive(Default)]
pub(crate) struct Scratch {
    wire: Wire,
    build: Build,
}

#[derive(Default)]
struct Build {
    names: Names,
    text: String,
    order_id: String,
    doc: Vec<u8>,
    canonical: Vec<u8>,
    fact: Vec<u8>,
    /// How much the envelope of this line may still add to its messages.
    room_bytes: usize,
}

/// An envelope's context is copied into its messages, of which a line holds many: this many times the longest line, and
/// no more, so that a short line cannot fill the memory.
const FILLED_LINES_MAX: usize = 16;

/// What became of one message.
pub(crate) enum Outcome<'a> {
    /// It is a fact; the store may still find it to be a duplicate, suppressed or over a limit of the store.
    Fact {
        line: u64,
        ordinal: Option<u32>,
        /// Bytes that [`Fact::parse`] reads.
        fact: &'a [u8],
        flags: Flags,
    },
    /// It was refused.
    Reject { line: u64, ordinal: Option<u32>, reason: Reason, field: Option<&'static str> },
}

/// Reads a body: one JSON value whatever its line breaks, else a message, array or envelope a line.
pub(crate) fn read_body(body: &[u8], intake: &Intake<'_>, scratch: &mut Scratch, sink: &mut dyn FnMut(Outcome<'_>)) {
    let rules = &intake.normalizer.wire;
    let mut lines = lines::lines(body);
    let Some((number, line)) = lines.next() else { return };
    let read = scratch.wire.read_line(line, rules);
    // A first line that is a value of its own is one line of many; one that is none may be the start of one.
    if matches!(read, Err(Reason::InvalidJson | Reason::TooDeep | Reason::TooLarge)) && line.len() < body.len() {
        let bare = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        if let Some(whole) = std::str::from_utf8(bare).ok().and_then(|text| scratch.wire.read_whole(text, rules)) {
            return emit(whole, number, intake, scratch, sink);
        }
    }
    emit(read, number, intake, scratch, sink);
    for (number, line) in lines {
        read_line(line, number, intake, scratch, sink);
    }
}

/// Reads one cleaned line that is not blank.
pub(crate) fn read_line(
    line: &[u8],
    number: u64,
    intake: &Intake<'_>,
    scratch: &mut Scratch,
    sink: &mut dyn FnMut(Outcome<'_>),
) {
    let read = scratch.wire.read_line(line, &intake.normalizer.wire);
    emit(read, number, intake, scratch, sink);
}

fn emit(
    read: Result<(), Reason>,
    line: u64,
    intake: &Intake<'_>,
    scratch: &mut Scratch,
    sink: &mut dyn FnMut(Outcome<'_>),
) {
    if let Err(reason) = read {
        // Of an envelope nothing but its list of messages has a type.
        let field = (reason == Reason::WrongType && scratch.wire.is_envelope()).then_some("batch");
        return sink(Outcome::Reject { line, ordinal: None, reason, field });
    }
    let Scratch { wire, build } = scratch;
    let defaults = wire.defaults();
    build.room_bytes = intake.normalizer.wire.limits.line_bytes.saturating_mul(FILLED_LINES_MAX);
    for raw in wire.messages(&intake.normalizer.wire) {
        let ordinal = raw.ordinal;
        match build.message(&raw, defaults, intake) {
            Ok(flags) => sink(Outcome::Fact { line, ordinal, fact: &build.fact, flags }),
            Err(Refusal { reason, field }) => sink(Outcome::Reject { line, ordinal, reason, field }),
        }
    }
}

impl Build {
    /// Turns one message into a fact, or finds the first check that it fails.
    fn message(&mut self, raw: &Raw<'_>, defaults: Defaults<'_>, intake: &Intake<'_>) -> Result<Flags, Refusal> {
        let message = raw.doc?;
        let fields = Fields::read(message, defaults);
        let limits = &intake.normalizer.wire.limits;
        let filled = filled(&fields).map(|(_, value)| value.bytes().len()).sum::<usize>();
        if raw.text_bytes.saturating_add(filled) > limits.message_bytes || filled > self.room_bytes {
            return Err(Reason::TooLarge.into());
        }
        self.room_bytes -= filled;
        let mut flags = noticed(raw, &fields, defaults, intake);
        let kind = fields.kind(intake.default_type);
        let props = Props::read(fields.properties);
        self.names.find(intake, kind.ok().flatten(), message, &fields, &props)?;
        fields.check_limits(limits, &mut self.text)?;
        if props.products.is_some_and(|products| products.items().nth(limits.products).is_some()) {
            return Err(Reason::Limit(Limit::Products).into());
        }
        let kind = kind?;
        fields.check_types(&mut flags)?;
        let kind = fields.check_required(kind)?;
        if intake.normalizer.message_id == MessageIdPolicy::Refuse && fields.message_id.is_none() {
            return Err(Refusal::missing("messageId"));
        }
        let said_at = fields.timestamp(&mut flags)?;
        let filled_beyond =
            fields.context_filled && defaults.context_beyond || fields.sent_at_filled && defaults.sent_at_beyond;
        if raw.out_of_range || filled_beyond {
            return Err(Reason::NumberOutOfRange.into());
        }
        self.text.clear();
        if let Some(event) = fields.event {
            push_name(event, &mut self.text);
        }
        if let Cow::Owned(composed) = nfc(&self.text) {
            self.text = composed;
        }
        let event = if kind == Kind::Track { self.text.as_str() } else { "" };
        let action = OrderAction::from_event(event);
        let money = match action {
            Some(action) => Some(order::read(action, &props, intake.currency, &mut flags)?),
            None => order::check(event, &props, intake.currency, &mut flags).map(|()| None)?,
        };
        if self.names.is_empty() {
            return Err(Reason::NoIdentifier.into());
        }
        let mistyped = kind == Kind::Identify && fields.has_mistyped_trait(&intake.normalizer.trait_kinds);
        if fields.within.is_mismatched() || mistyped {
            flags.set(Flag::TypeMismatch);
        }
        if fields.group_id.is_some_and(is_no_name) {
            flags.set(Flag::UnusableIdentifier);
        }
        let order_id = action.is_some() && self.order_id(&props, intake, &mut flags);
        let times = times(&fields, said_at, intake, &mut flags);
        let order = action.zip(money);
        let content = raw.content;
        self.encode(Parts { message, content, fields, kind, times, order, order_id }, intake, &mut flags);
        Ok(flags)
    }

    /// Writes the order's own id; false, and flagged, where there is no usable one.
    fn order_id(&mut self, props: &Props<'_>, intake: &Intake<'_>, flags: &mut Flags) -> bool {
        self.order_id.clear();
        let named = props.order_id.filter(|id| id.as_str().is_some() || id.as_integer().is_some());
        if let Some(id) = named {
            push_name(id, &mut self.order_id);
        }
        let usable = named.is_some() && intake.normalizer.identifiers.names_order(&self.order_id);
        if !usable {
            flags.set(Flag::OrderIdMissing);
        }
        usable
    }

    fn encode(&mut self, parts: Parts<'_>, intake: &Intake<'_>, flags: &mut Flags) {
        let Parts { message, mut content, fields, kind, times, order, order_id } = parts;
        let operator = kind == Kind::Alias && intake.operator_alias;
        let mut identifiers = self.names.normalize(intake, flags);
        if operator {
            identifiers.iter_mut().for_each(|named| named.role = Role::Stated);
        }
        let (id, id_bits) = message_id(message, &fields, intake, &mut self.canonical, flags);
        let given = id_bits & Bits::ID_DERIVED == 0;
        let canonical_time = keep(&mut self.doc, message, &fields, given, times.ts, &mut content);
        // An id of the content stands for it: what it leaves out makes no conflict.
        let of_content = !given && fields.message_id.and_then(Doc::as_wtf8).is_none();
        let content = id_digest(&id).filter(|_| of_content).unwrap_or_else(|| content.finish());
        let strong = intake.rows || matches!(kind, Kind::Identify | Kind::Alias) || order.is_some();
        let bits = id_bits
            | if intake.claimed { Bits::CLAIMED } else { 0 }
            | if strong { Bits::STRONG } else { 0 }
            | if times.derived { Bits::TIME_DERIVED } else { 0 }
            | if canonical_time { Bits::TIME_CANONICAL } else { 0 }
            | if operator { Bits::OPERATOR_ALIAS } else { 0 }
            | if fields.within.has_zone() { Bits::ZONE } else { 0 }
            | consent(kind, &self.text, &fields, flags);
        let order = order.map(|(action, money)| OrderFact {
            action,
            order_id: order_id.then_some(self.order_id.trim()),
            amount: money.amount,
            discount_minor: money.discount_minor,
            lines: money.lines,
        });
        self.fact.clear();
        let kind = if operator { Kind::Same } else { kind };
        let parts = FactParts {
            kind,
            bits: Bits(bits),
            ts: times.ts,
            received_at: times.received_at,
            content,
            id: &id,
            source: intake.source,
            shop: intake.shop,
            channel: intake.channel,
            name: if kind == Kind::Track { &self.text } else { kind.name() },
            identifiers: &identifiers,
            order,
            doc: Doc::new(&self.doc),
        };
        parts.encode(&mut self.fact);
    }
}

/// Writes the members that the fact keeps: those of the message, without an id that the fact holds anyway, and the
/// envelope's. Takes what is no content out of `content`; true if the time was left out, since the fact's own prints
/// as that very text.
fn keep(
    out: &mut Vec<u8>,
    message: Doc<'_>,
    fields: &Fields<'_>,
    id_given: bool,
    ts: Timestamp,
    content: &mut Digest,
) -> bool {
    out.clear();
    let mut doc = DocWriter::new(out);
    let root = doc.object();
    let mut canonical_time = false;
    for member in message.whole_members() {
        let (kept, counted) = match member.key {
            b"messageId" => (!id_given, !id_given),
            b"sentAt" => (!fields.sent_at_filled, false),
            b"receivedAt" | b"_metadata" => (true, false),
            b"context" => (!fields.context_filled, !fields.context_filled),
            b"timestamp" if member.value.as_instant() == Some(ts) => {
                canonical_time = true;
                (false, true)
            }
            _ => (true, true),
        };
        if !counted {
            content.remove_member(member);
        }
        if kept {
            doc.copy_member(member);
        }
    }
    for (key, value) in filled(fields) {
        doc.key(key);
        doc.copy(value);
        if key == b"context" {
            // An object, or the empty list that counts as one.
            content.add_digested_member(key, canon::digest(value));
        }
    }
    doc.close(root);
    canonical_time
}

/// What there is to say of a message before it is looked into.
fn noticed(raw: &Raw<'_>, fields: &Fields<'_>, defaults: Defaults<'_>, intake: &Intake<'_>) -> Flags {
    let mut flags = Flags::default();
    if raw.not_finite || fields.context_filled && defaults.context_not_finite {
        flags.set(Flag::NotFinite);
    }
    if intake.undeclared {
        flags.set(Flag::UnknownSource);
    }
    flags
}

/// Whether a text holds a NUL or a lone surrogate.
fn is_no_name(value: Doc<'_>) -> bool {
    value.as_wtf8().is_some() || value.as_str().is_some_and(|text| text.contains('\0'))
}

/// The bit of a message that speaks of consent; flagged where it cannot be understood.
fn consent(kind: Kind, event: &str, fields: &Fields<'_>, flags: &mut Flags) -> u16 {
    let track = (kind == Kind::Track).then_some(event);
    let context = fields.context.filter(|_| fields.within.consent.is_some());
    let speech = Speech { track, properties: fields.properties, context };
    if speech.is_silent() {
        return 0;
    }
    let (said, unreadable) = speech.read();
    if unreadable {
        flags.set(Flag::ConsentUnreadable);
    }
    if said.is_empty() { 0 } else { Bits::CONSENT }
}

/// A message that passed every check.
struct Parts<'a> {
    message: Doc<'a>,
    /// What the message says, all its members.
    content: Digest,
    fields: Fields<'a>,
    kind: Kind,
    times: Times,
    order: Option<(OrderAction, OrderMoney)>,
    order_id: bool,
}

/// What the envelope adds to the message.
fn filled<'a>(fields: &Fields<'a>) -> impl Iterator<Item = (&'static [u8], Doc<'a>)> {
    let sent_at = fields.sent_at.filter(|_| fields.sent_at_filled).map(|value| (&b"sentAt"[..], value));
    let context = fields.context.filter(|_| fields.context_filled).map(|value| (&b"context"[..], value));
    sent_at.into_iter().chain(context)
}

/// The id that the message names, or one by the store's policy; with the bits that say where it is from.
fn message_id(
    message: Doc<'_>,
    fields: &Fields<'_>,
    intake: &Intake<'_>,
    canonical: &mut Vec<u8>,
    flags: &mut Flags,
) -> (MessageId, u16) {
    if let Some(value) = fields.message_id {
        if let Some(uuid) = value.as_uuid() {
            return (MessageId::Uuid(uuid), 0);
        }
        if let Some(text) = value.as_str() {
            return (MessageId::Text(text.into()), 0);
        }
        if let Some(digits) = value.as_integer() {
            return (MessageId::Text(digits.into()), Bits::ID_INTEGER);
        }
        flags.set(Flag::UnusableMessageId);
    }
    if intake.normalizer.message_id == MessageIdPolicy::Random {
        return (random_id(), Bits::ID_DERIVED);
    }
    if let Some(bytes) = fields.message_id.and_then(Doc::as_wtf8) {
        // No text, but a name for ever all the same: what repeats it is a duplicate, whatever else it says.
        return (hashed_id(b"messageId", bytes), Bits::ID_DERIVED);
    }
    let said = message.members().filter(|(key, value)| match *key {
        b"sentAt" | b"receivedAt" | b"writeKey" | b"_metadata" => false,
        b"messageId" => !value.is_absent(),
        _ => !value.is_null(),
    });
    canonical.clear();
    canon::object_bytes(said, canonical);
    (hashed_id(b"", canonical), Bits::ID_DERIVED)
}

/// The first half of an id of ours.
fn id_digest(id: &MessageId) -> Option<u64> {
    let MessageId::Uuid(bytes) = id else { return None };
    bytes.first_chunk().map(|head| u64::from_le_bytes(*head))
}

fn hashed_id(what: &[u8], bytes: &[u8]) -> MessageId {
    let hash = blake3::Hasher::new().update(what).update(bytes).finalize();
    MessageId::Uuid(hash.as_bytes().first_chunk().copied().unwrap_or_default())
}

/// 128 bits from the randomness that the standard library seeds its hash maps with.
fn random_id() -> MessageId {
    let word = || std::collections::hash_map::RandomState::new().build_hasher().finish().to_le_bytes();
    let mut id = [0; 16];
    for (slot, byte) in id.iter_mut().zip(word().into_iter().chain(word())) {
        *slot = byte;
    }
    MessageId::Uuid(id)
}

#[derive(Clone, Copy)]
struct Times {
    ts: Timestamp,
    received_at: Timestamp,
    derived: bool,
}

/// When it happened: as said, else as received, corrected by what the sender's clock says about the delay.
fn times(fields: &Fields<'_>, said_at: Option<Timestamp>, intake: &Intake<'_>, flags: &mut Flags) -> Times {
    let mut clock = |field| note_clock(clock::read(field), said_at.is_none(), flags);
    let (sent_at, original) = (clock(fields.sent_at).nanoseconds(), clock(fields.original_timestamp).nanoseconds());
    let received_at = match intake.received_at {
        ReceivedAt::At(instant) => instant,
        ReceivedAt::FromMessage { fallback } => clock(fields.received_at).instant().unwrap_or(fallback),
    };
    let ts = said_at.unwrap_or_else(|| {
        // What happened before a millisecond was over happened in it: instants are cut, so delays are rounded up.
        let delay = sent_at.zip(original).map_or(0, |(sent_at, original)| (sent_at - original).max(0));
        let delay = i64::try_from((delay + 999_999) / 1_000_000).unwrap_or(i64::MAX);
        let moved = received_at.plus_millisecond(delay.saturating_neg());
        if moved.as_millisecond() < clock::YEAR_ONE_MS {
            flags.set(Flag::ClockUnreadable);
            return received_at;
        }
        moved
    });
    if ts > received_at.plus_millisecond(DAY_MS) {
        flags.set(Flag::Future);
    }
    Times { ts, received_at, derived: said_at.is_none() }
}

fn note_clock(clock: Clock, used: bool, flags: &mut Flags) -> Clock {
    match clock {
        Clock::Unreadable => flags.set(Flag::ClockUnreadable),
        Clock::WrongType => flags.set(Flag::TypeMismatch),
        Clock::At { zone_missing: true, .. } if used => flags.set(Flag::ZoneMissing),
        Clock::At { .. } | Clock::Absent => {}
    }
    clock
}

/// The message that a fact was made of, equal as JSON to what came in.
pub(crate) fn message_json(fact: &Fact<'_>) -> String {
    let mut members = Vec::new();
    if !fact.bits.has(Bits::ID_DERIVED) {
        let mut id = fact.id().to_string();
        if !fact.bits.has(Bits::ID_INTEGER) {
            let text = std::mem::take(&mut id);
            crate::base::doc::write_text(&text, &mut id);
        }
        members.push(format!("\"messageId\":{id}"));
    }
    if fact.bits.has(Bits::TIME_CANONICAL) {
        members.push(format!("\"timestamp\":\"{}\"", fact.ts));
    }
    let rest = fact.doc.to_json();
    let rest = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    members.extend((!rest.is_empty()).then(|| rest.to_owned()));
    format!("{{{}}}", members.join(","))
}
