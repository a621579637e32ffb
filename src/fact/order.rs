//! What an order event says, in numbers.

use crate::base::{Currency, Money};

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

    pub(super) fn from_code(code: u8) -> Option<Self> {
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
