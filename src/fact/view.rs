//! A fact as everybody reads it.

use super::kind::{Bits, Kind};
use super::layout::{FRAME_BYTES, IdRef, put_frame, put_message_id};
use super::named::{Named, Role};
use super::order::{Amount, OrderAction, OrderFact};
use crate::base::bytes::Reader;
use crate::base::doc::Doc;
use crate::base::{Currency, MessageId, Money, Timestamp};

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

    /// The message id, where it lies.
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
    use crate::fact::layout::FactParts;
    use crate::fact::order::OrderBrief;

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
