//! A fact: one normalized message, as logged.
//!
//! A fact *is* its bytes: `normalize` writes them once, and the log, the tail and the sealed parts hold them unchanged.
//! Everything downstream reads through [`Fact`], a borrowed view; nothing is parsed into owned fields.
//!
//! ```text
//! kind u8 | bits u16 | ts i64 | received_at i64 | content u64
//! | message id: 0, 16 bytes | 1, len, text
//! | source | shop | channel | name          each len, UTF-8
//! | identifiers: count varint, then (role u8, namespace code u8, value: len, UTF-8)*     by strength: code, then value
//! | order: action u8 (0: none) [, has key u8, key: len, text, amount, discount, lines u32]
//! | doc: the message as it came in, without its messageId and a canonical timestamp, to the end
//! ```
//! An amount is 0 (unknown), 1 (the whole order), 2 or 3 (known; in a currency that the refund does not name), currency 3
//! bytes, i64 minor units, or 4 (what the message says, once its order is known).

use crate::base::bytes::{Reader, put_bytes, put_str, put_varint};
use crate::base::doc::Doc;
use crate::base::ident::mask;
use crate::base::{Currency, MessageId, Money, Timestamp};

/// What kind of fact this is. The numbers are the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    Track = 1,
    Identify = 2,
    Page = 3,
    Screen = 4,
    Group = 5,
    Alias = 6,
    /// A fuzzy match of two identifiers, with its probability.
    Match = 7,
    /// An operator: two identifiers are the same person.
    Same = 8,
    /// An operator: never the same person.
    Deny = 9,
    /// An operator: forget what was said of two identifiers so far.
    Revoke = 10,
    /// Forget identifiers and messages, which it names by keyed hashes.
    Erase = 11,
    /// What the catalogue says of a product from then on.
    Product = 12,
    /// Take back messages, which it names with their contents by keyed hashes.
    Retract = 13,
}

impl Kind {
    /// Whether it is a statement of the host: it belongs to nobody, and no question about events sees it.
    pub(crate) fn is_statement(self) -> bool {
        self as u8 >= Self::Match as u8
    }

    /// Whether it takes other facts away. Such a fact stays for ever, and counts at every instant: the past does not
    /// bring back what is gone.
    pub(crate) fn takes_away(self) -> bool {
        matches!(self, Self::Erase | Self::Retract)
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Track,
            2 => Self::Identify,
            3 => Self::Page,
            4 => Self::Screen,
            5 => Self::Group,
            6 => Self::Alias,
            7 => Self::Match,
            8 => Self::Same,
            9 => Self::Deny,
            10 => Self::Revoke,
            11 => Self::Erase,
            12 => Self::Product,
            13 => Self::Retract,
            _ => return None,
        })
    }

    /// The wire's word for it, which is also the event name of everything but a track. Statements have names that no
    /// SDK sends.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Identify => "identify",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Match => "$match",
            Self::Same => "$alias",
            Self::Deny => "$deny",
            Self::Revoke => "$revoke",
            Self::Erase => "$erase",
            Self::Product => "$product",
            Self::Retract => "$retract",
        }
    }

    /// The type of a word in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Track, Self::Identify, Self::Page, Self::Screen, Self::Group, Self::Alias]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// Yes-or-no properties of a fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits(pub(crate) u16);

impl Bits {
    /// The source is a public endpoint: dates and feeds, never joins.
    pub(crate) const CLAIMED: u16 = 1;
    /// Strong evidence for identity (class 0): identify, alias, orders and rows of CSV importers.
    pub(crate) const STRONG: u16 = 2;
    /// The time came from the clock, not from the message.
    pub(crate) const TIME_DERIVED: u16 = 4;
    /// The message id came from the content, not from the message.
    pub(crate) const ID_DERIVED: u16 = 8;
    /// The message id was a JSON integer.
    pub(crate) const ID_INTEGER: u16 = 16;
    /// A statement that came as an alias message of a trusted operator source.
    pub(crate) const OPERATOR_ALIAS: u16 = 32;
    /// The message spells its timestamp as [`Timestamp`] prints it, so the document leaves it out.
    pub(crate) const TIME_CANONICAL: u16 = 64;
    /// It stands in the place of a claimed event with its id, which counts no longer. Set when the store accepts it.
    pub(crate) const DISPLACES: u16 = 128;

    /// It says something about consent or suppression.
    pub(crate) const CONSENT: u16 = 256;
    /// Its context names a time zone, or what may be one.
    pub(crate) const ZONE: u16 = 512;

    pub(crate) fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// Sets bits in the bytes of an encoded fact.
pub(crate) fn set_bits(fact: &mut [u8], bits: u16) {
    if let Some(slot) = fact.get_mut(1..3) {
        for (byte, bit) in slot.iter_mut().zip(bits.to_le_bytes()) {
            *byte |= bit;
        }
    }
}

/// How many identifiers of an event take part in identity.
pub(crate) const LIVE_MAX: usize = 20;

/// What an identifier of an event is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Role {
    /// Names the person.
    Live = 0,
    /// A person identifier from a claimed source: data, except for erasure.
    Claimed = 1,
    /// Beyond the first 20: data, except for erasure.
    Cut = 2,
    /// A statement of the host is about it.
    Stated = 3,
}

impl Role {
    /// That of an identifier among the first 20 of an event.
    pub(crate) fn of(claimed: bool, person: bool) -> Self {
        if claimed && person { Self::Claimed } else { Self::Live }
    }
}

/// Leaves the first 20 live identifiers, strongest first, and cuts the others; whether there are any.
pub(crate) fn cut_beyond(identifiers: &mut [Named<'_>]) -> bool {
    let mut cut = false;
    for beyond in identifiers.iter_mut().filter(|named| named.role == Role::Live).skip(LIVE_MAX) {
        beyond.role = Role::Cut;
        cut = true;
    }
    cut
}

/// One identifier that an event names, normalized.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named<'a> {
    pub(crate) namespace: u8,
    pub(crate) value: &'a str,
    pub(crate) role: Role,
}

/// The value is hidden but for its first letter.
impl std::fmt::Debug for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}:{}", self.role, self.namespace, mask(self.value))
    }
}

/// What an order event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderFact<'a> {
    pub(crate) action: OrderAction,
    /// The order's own id; without a usable one the order is keyed by its message id.
    pub(crate) order_id: Option<&'a str>,
    pub(crate) amount: Amount,
    /// `properties.discount`, in minor units of the amount's currency.
    pub(crate) discount_minor: Option<i64>,
    /// Members of `properties.products` that are objects.
    pub(crate) lines: u32,
}

/// An order fact without its order id: what settling needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderBrief {
    pub(crate) action: OrderAction,
    pub(crate) amount: Amount,
    pub(crate) discount_minor: Option<i64>,
    pub(crate) lines: u32,
}

impl OrderBrief {
    /// The brief as two cells of 16 bytes, for a column: action, tags, currency and lines; amount and discount.
    pub(crate) fn cells(self) -> [[u8; 16]; 2] {
        let (tag, money) = match self.amount {
            Amount::Unknown => (0, None),
            Amount::Whole => (1, None),
            Amount::Known(money) => (2, Some(money)),
            Amount::Assumed(money) => (3, Some(money)),
            Amount::OfOrder => (4, None),
        };
        let [x, y, z] = money.map_or([0; 3], |money| money.currency.bytes());
        let [a, b, c, d] = self.lines.to_le_bytes();
        let has_discount = u8::from(self.discount_minor.is_some());
        let minor = money.map_or(0, |money| money.minor).to_le_bytes();
        let discount = self.discount_minor.unwrap_or(0).to_le_bytes();
        let mut numbers = [0; 16];
        for (slot, byte) in numbers.iter_mut().zip(minor.into_iter().chain(discount)) {
            *slot = byte;
        }
        [[self.action as u8, tag, has_discount, 0, x, y, z, 0, a, b, c, d, 0, 0, 0, 0], numbers]
    }

    /// The brief of two cells, or `None` for cells that are none.
    pub(crate) fn from_cells([head, numbers]: [[u8; 16]; 2]) -> Option<Self> {
        let [action, tag, has_discount, _, x, y, z, _, a, b, c, d, ..] = head;
        let (minor, discount) = numbers.split_first_chunk::<8>()?;
        let money = || Some(Money::new(i64::from_le_bytes(*minor), Currency::from_bytes([x, y, z])?));
        let amount = match tag {
            0 => Amount::Unknown,
            1 => Amount::Whole,
            2 => Amount::Known(money()?),
            3 => Amount::Assumed(money()?),
            4 => Amount::OfOrder,
            _ => return None,
        };
        Some(Self {
            action: OrderAction::from_code(action)?,
            amount,
            discount_minor: discount
                .first_chunk()
                .filter(|_| has_discount != 0)
                .map(|bytes| i64::from_le_bytes(*bytes)),
            lines: u32::from_le_bytes([a, b, c, d]),
        })
    }
}

impl OrderFact<'_> {
    pub(crate) fn brief(&self) -> OrderBrief {
        let Self { action, amount, discount_minor, lines, .. } = *self;
        OrderBrief { action, amount, discount_minor, lines }
    }
}

/// The order events of the Segment spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum OrderAction {
    Completed = 1,
    Updated = 2,
    Refunded = 3,
    Cancelled = 4,
    /// No order at all but a product's entry in the catalogue, which is found by the same index.
    Listed = 5,
}

impl OrderAction {
    /// The order event of that name.
    pub(crate) fn from_event(name: &str) -> Option<Self> {
        Some(match name {
            "Order Completed" => Self::Completed,
            "Order Updated" => Self::Updated,
            "Order Refunded" => Self::Refunded,
            "Order Cancelled" => Self::Cancelled,
            _ => return None,
        })
    }

    fn from_code(code: u8) -> Option<Self> {
        let all = [Self::Completed, Self::Updated, Self::Refunded, Self::Cancelled, Self::Listed];
        all.into_iter().find(|action| *action as u8 == code)
    }
}

/// An amount, as far as it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    /// Nothing readable: never 0, never a guess.
    Unknown,
    /// The whole order: a cancellation, or a refund that names no amount.
    Whole,
    /// Exact minor units; of a refund the absolute value.
    Known(Money),
    /// Of a refund that names no currency: in that of its shop, unless its order is in another one.
    Assumed(Money),
    /// Of a refund: what the message says, of which its order tells the currency, or the prices of lines.
    OfOrder,
}

impl Amount {
    /// The amount, as far as the message alone tells it.
    pub(crate) fn known(self) -> Option<Money> {
        match self {
            Self::Known(money) | Self::Assumed(money) => Some(money),
            Self::Unknown | Self::Whole | Self::OfOrder => None,
        }
    }
}

/// The fields of a fact, to be encoded.
pub(crate) struct FactParts<'a> {
    pub(crate) kind: Kind,
    pub(crate) bits: Bits,
    pub(crate) ts: Timestamp,
    pub(crate) received_at: Timestamp,
    /// A 64-bit digest of the message without messageId, sentAt, receivedAt and derived time: equal ids with other
    /// content are conflicts.
    pub(crate) content: u64,
    pub(crate) id: &'a MessageId,
    pub(crate) source: &'a str,
    pub(crate) shop: &'a str,
    pub(crate) channel: &'a str,
    /// The event name of a track, else the type's name.
    pub(crate) name: &'a str,
    /// Sorted by (namespace code, value), distinct.
    pub(crate) identifiers: &'a [Named<'a>],
    pub(crate) order: Option<OrderFact<'a>>,
    pub(crate) doc: Doc<'a>,
}

impl FactParts<'_> {
    /// Appends the fact's bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_frame(out, self.kind, self.bits, [self.ts, self.received_at], self.content);
        put_message_id(out, self.id);
        for text in [self.source, self.shop, self.channel, self.name] {
            put_str(out, text);
        }
        put_varint(out, self.identifiers.len() as u64);
        for named in self.identifiers {
            out.extend_from_slice(&[named.role as u8, named.namespace]);
            put_str(out, named.value);
        }
        put_order(out, self.order);
        out.extend_from_slice(self.doc.bytes());
    }
}

/// Bytes of a fact before its message id.
const FRAME_BYTES: usize = 27;

fn put_frame(out: &mut Vec<u8>, kind: Kind, bits: Bits, times: [Timestamp; 2], content: u64) {
    out.push(kind as u8);
    out.extend_from_slice(&bits.0.to_le_bytes());
    for time in times {
        out.extend_from_slice(&time.as_millisecond().to_le_bytes());
    }
    out.extend_from_slice(&content.to_le_bytes());
}

fn put_message_id(out: &mut Vec<u8>, id: &MessageId) {
    match id {
        MessageId::Uuid(bytes) => {
            out.push(0);
            out.extend_from_slice(bytes);
        }
        MessageId::Text(text) => {
            out.push(1);
            put_bytes(out, text.as_bytes());
        }
    }
}

fn put_order(out: &mut Vec<u8>, order: Option<OrderFact<'_>>) {
    let Some(order) = order else {
        out.push(0);
        return;
    };
    out.push(order.action as u8);
    out.push(u8::from(order.order_id.is_some()));
    if let Some(order_id) = order.order_id {
        put_str(out, order_id);
    }
    match order.amount {
        Amount::Unknown => out.push(0),
        Amount::Whole => out.push(1),
        Amount::OfOrder => out.push(4),
        Amount::Known(money) | Amount::Assumed(money) => {
            out.push(if matches!(order.amount, Amount::Known(_)) { 2 } else { 3 });
            out.extend_from_slice(&money.currency.bytes());
            out.extend_from_slice(&money.minor.to_le_bytes());
        }
    }
    out.push(u8::from(order.discount_minor.is_some()));
    if let Some(discount) = order.discount_minor {
        out.extend_from_slice(&discount.to_le_bytes());
    }
    out.extend_from_slice(&order.lines.to_le_bytes());
}

/// A borrowed view of a fact's bytes.
#[derive(Clone, Copy)]
pub(crate) struct Fact<'a> {
    /// The bytes after the message id.
    rest: &'a [u8],
    pub(crate) kind: Kind,
    pub(crate) bits: Bits,
    pub(crate) ts: Timestamp,
    pub(crate) received_at: Timestamp,
    pub(crate) content: u64,
    id: IdRef<'a>,
    pub(crate) source: &'a str,
    pub(crate) shop: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) name: &'a str,
    identifiers: (usize, Reader<'a>),
    pub(crate) order: Option<OrderFact<'a>>,
    pub(crate) doc: Doc<'a>,
}

/// The part of a fact that sealed parts keep in columns of its own.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) bits: Bits,
    pub(crate) ts: Timestamp,
    pub(crate) content: u64,
    pub(crate) id: IdRef<'a>,
}

/// A message id inside a fact.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum IdRef<'a> {
    Uuid([u8; 16]),
    Text(&'a str),
}

impl<'a> From<&'a MessageId> for IdRef<'a> {
    fn from(id: &'a MessageId) -> Self {
        match id {
            MessageId::Uuid(bytes) => Self::Uuid(*bytes),
            MessageId::Text(text) => Self::Text(text),
        }
    }
}

impl<'a> IdRef<'a> {
    fn next(reader: &mut Reader<'a>) -> Option<Self> {
        match reader.u8()? {
            0 => reader.array().map(Self::Uuid),
            1 => reader.str().map(Self::Text),
            _ => None,
        }
    }

    pub(crate) fn to_owned(self) -> MessageId {
        match self {
            Self::Uuid(bytes) => MessageId::Uuid(bytes),
            Self::Text(text) => MessageId::Text(text.into()),
        }
    }
}

impl<'a> Fact<'a> {
    /// The view, or `None` for bytes that are no fact.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let kind = Kind::from_code(reader.u8()?)?;
        let bits = Bits(u16::from_le_bytes(reader.array()?));
        let ts = Timestamp::from_millisecond(reader.i64()?);
        let received_at = Timestamp::from_millisecond(reader.i64()?);
        let content = reader.u64()?;
        let id = IdRef::next(&mut reader)?;
        Self::framed(Frame { kind, bits, ts, content, id }, received_at, reader.rest())
    }

    /// The message id alone of a fact's bytes.
    pub(crate) fn id_of(bytes: &'a [u8]) -> Option<IdRef<'a>> {
        IdRef::next(&mut Reader::new(bytes.get(FRAME_BYTES..)?))
    }

    /// The view of a sealed record, whose frame lies in columns.
    pub(crate) fn unseal(record: &'a [u8], frame: Frame<'a>) -> Option<Self> {
        let mut reader = Reader::new(record);
        let received_at = Timestamp::from_millisecond(reader.i64()?);
        Self::framed(frame, received_at, reader.rest())
    }

    fn framed(frame: Frame<'a>, received_at: Timestamp, rest: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(rest);
        let Frame { kind, bits, ts, content, id } = frame;
        let (source, shop, channel, name) = (reader.str()?, reader.str()?, reader.str()?, reader.str()?);
        let count = reader.len()?;
        let identifiers = (count, reader);
        for _ in 0..count {
            next_named(&mut reader)?;
        }
        let order = next_order(&mut reader)?;
        let doc = Doc::new(reader.rest());
        Some(Self {
            rest,
            kind,
            bits,
            ts,
            received_at,
            content,
            id,
            source,
            shop,
            channel,
            name,
            identifiers,
            order,
            doc,
        })
    }

    /// Appends what a sealed part keeps of the fact beside its columns: received_at, and everything after the id.
    pub(crate) fn seal(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.received_at.as_millisecond().to_le_bytes());
        out.extend_from_slice(self.rest);
    }

    /// The fact's bytes, as they were logged.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.rest.len() + 64);
        put_frame(&mut out, self.kind, self.bits, [self.ts, self.received_at], self.content);
        put_message_id(&mut out, &self.id());
        out.extend_from_slice(self.rest);
        out
    }

    pub(crate) fn id(&self) -> MessageId {
        self.id.to_owned()
    }

    /// The same, where it lies.
    pub(crate) fn id_ref(&self) -> IdRef<'a> {
        self.id
    }

    pub(crate) fn claimed(&self) -> bool {
        self.bits.has(Bits::CLAIMED)
    }

    /// How likely a match says that its two identifiers are one person.
    pub(crate) fn probability(&self) -> f64 {
        let text = self.doc.get("probability").and_then(Doc::as_number);
        text.and_then(|text| text.parse().ok()).unwrap_or(0.0)
    }

    /// The identifiers, strongest first, all roles.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = Named<'a>> + use<'a> {
        let (count, mut reader) = self.identifiers;
        (0..count).map_while(move |_| next_named(&mut reader))
    }
}

fn next_named<'a>(reader: &mut Reader<'a>) -> Option<Named<'a>> {
    let role = match reader.u8()? {
        0 => Role::Live,
        1 => Role::Claimed,
        2 => Role::Cut,
        3 => Role::Stated,
        _ => return None,
    };
    Some(Named { role, namespace: reader.u8()?, value: reader.str()? })
}

fn next_order<'a>(reader: &mut Reader<'a>) -> Option<Option<OrderFact<'a>>> {
    let code = reader.u8()?;
    if code == 0 {
        return Some(None);
    }
    let action = OrderAction::from_code(code)?;
    let order_id = if reader.u8()? == 0 { None } else { Some(reader.str()?) };
    let amount = match reader.u8()? {
        0 => Amount::Unknown,
        1 => Amount::Whole,
        tag @ (2 | 3) => {
            let currency = Currency::from_bytes(reader.array()?)?;
            let money = Money::new(reader.i64()?, currency);
            if tag == 2 { Amount::Known(money) } else { Amount::Assumed(money) }
        }
        4 => Amount::OfOrder,
        _ => return None,
    };
    let discount_minor = if reader.u8()? == 0 { None } else { Some(reader.i64()?) };
    Some(Some(OrderFact { action, order_id, amount, discount_minor, lines: reader.u32()? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::doc::DocWriter;

    #[test]
    fn a_fact_reads_back_as_written_and_never_panics_on_damage() {
        let mut doc = Vec::new();
        DocWriter::new(&mut doc).string("rest");
        let order = OrderFact {
            action: OrderAction::Refunded,
            order_id: Some("o-1"),
            amount: Amount::Known(Money::new(1990, "EUR".parse().unwrap())),
            discount_minor: Some(5),
            lines: 3,
        };
        let identifiers = [
            Named { namespace: 0, value: "u1", role: Role::Claimed },
            Named { namespace: 6, value: "a1", role: Role::Live },
        ];
        let parts = FactParts {
            kind: Kind::Track,
            bits: Bits(Bits::CLAIMED),
            ts: Timestamp::from_millisecond(-5),
            received_at: Timestamp::from_millisecond(7),
            content: 99,
            id: &MessageId::new("m-1"),
            source: "web",
            shop: "dk",
            channel: "web",
            name: "Order Refunded",
            identifiers: &identifiers,
            order: Some(order),
            doc: Doc::new(&doc),
        };
        let mut bytes = Vec::new();
        parts.encode(&mut bytes);
        let fact = Fact::parse(&bytes).unwrap();
        assert_eq!(
            (fact.kind, fact.ts, fact.name, fact.id()),
            (Kind::Track, parts.ts, parts.name, MessageId::new("m-1"))
        );
        assert_eq!(fact.identifiers().collect::<Vec<_>>(), identifiers);
        assert_eq!(fact.order, Some(order));
        assert_eq!(OrderBrief::from_cells(order.brief().cells()), Some(order.brief()));
        assert_eq!(fact.doc.as_str().as_deref(), Some("rest"));
        assert_eq!(fact.to_bytes(), bytes);
        let mut sealed = Vec::new();
        fact.seal(&mut sealed);
        let frame = Frame { kind: fact.kind, bits: fact.bits, ts: fact.ts, content: 99, id: IdRef::Text("m-1") };
        assert_eq!(Fact::unseal(&sealed, frame).unwrap().to_bytes(), bytes);
        for cut in 0..bytes.len() {
            for flip in [0u8, 1, 0xff] {
                let mut damaged = bytes.clone();
                damaged[cut] ^= flip;
                let _ = Fact::parse(&damaged).map(|fact| fact.identifiers().count());
                let _ = Fact::parse(&damaged[..cut]);
            }
        }
    }
}
