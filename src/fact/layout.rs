//! A fact: one normalized message, as logged.
//!
//! A fact *is* its bytes: `normalize` writes them once, and the log, the tail and the sealed parts hold them unchanged.
//! Everything downstream reads through [`Fact`](super::view::Fact), a borrowed view; nothing is parsed into owned fields.
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

use super::kind::{Bits, Kind};
use super::named::Named;
use super::order::{Amount, OrderFact};
use crate::base::bytes::{Reader, put_bytes, put_str, put_varint};
use crate::base::doc::Doc;
use crate::base::{MessageId, Timestamp};

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
pub(super) const FRAME_BYTES: usize = 27;

pub(super) fn put_frame(out: &mut Vec<u8>, kind: Kind, bits: Bits, times: [Timestamp; 2], content: u64) {
    out.push(kind as u8);
    out.extend_from_slice(&bits.0.to_le_bytes());
    for time in times {
        out.extend_from_slice(&time.as_millisecond().to_le_bytes());
    }
    out.extend_from_slice(&content.to_le_bytes());
}

pub(super) fn put_message_id(out: &mut Vec<u8>, id: &MessageId) {
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

/// Sets bits in the bytes of an encoded fact.
pub(crate) fn set_bits(fact: &mut [u8], bits: u16) {
    if let Some(slot) = fact.get_mut(1..3) {
        for (byte, bit) in slot.iter_mut().zip(bits.to_le_bytes()) {
            *byte |= bit;
        }
    }
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
    pub(super) fn next(reader: &mut Reader<'a>) -> Option<Self> {
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
