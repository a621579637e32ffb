//! The members of `properties` that commerce events are read from, and the numbers in them.

use crate::base::doc::Doc;
use crate::base::{Currency, Decimal};
use std::borrow::Cow;

/// The members of commerce events, and of their lines, that are money.
const MONEY: [&str; 8] = ["total", "revenue", "value", "subtotal", "discount", "tax", "shipping", "price"];

/// The documented members of `properties` that commerce events and contacts are read from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Props<'a> {
    pub(crate) email: Option<Doc<'a>>,
    pub(crate) phone: Option<Doc<'a>>,
    pub(crate) order_id: Option<Doc<'a>>,
    pub(crate) currency: Option<Doc<'a>>,
    pub(crate) products: Option<Doc<'a>>,
    pub(crate) total: Option<Doc<'a>>,
    pub(crate) revenue: Option<Doc<'a>>,
    pub(crate) value: Option<Doc<'a>>,
    pub(crate) subtotal: Option<Doc<'a>>,
    pub(crate) discount: Option<Doc<'a>>,
    /// Money that makes no order's amount, and yet has the range of all money.
    pub(crate) price: Option<Doc<'a>>,
    pub(crate) shipping: Option<Doc<'a>>,
    pub(crate) tax: Option<Doc<'a>>,
    pub(crate) quantity: Option<Doc<'a>>,
}

impl<'a> Props<'a> {
    pub(crate) fn read(properties: Option<Doc<'a>>) -> Self {
        let mut all = Self::default();
        let Some(properties) = properties else { return all };
        for (key, value) in properties.members() {
            let field = match key {
                b"email" => &mut all.email,
                b"phone" => &mut all.phone,
                b"order_id" => &mut all.order_id,
                b"currency" => &mut all.currency,
                b"products" => &mut all.products,
                b"total" => &mut all.total,
                b"revenue" => &mut all.revenue,
                b"value" => &mut all.value,
                b"subtotal" => &mut all.subtotal,
                b"discount" => &mut all.discount,
                b"price" => &mut all.price,
                b"shipping" => &mut all.shipping,
                b"tax" => &mut all.tax,
                b"quantity" => &mut all.quantity,
                _ => continue,
            };
            *field = (!value.is_absent()).then_some(value);
        }
        all
    }

    /// `total`, `revenue`, `value`, `subtotal` and `discount`.
    pub(crate) fn amounts(&self) -> [Option<Doc<'a>>; 5] {
        [self.total, self.revenue, self.value, self.subtotal, self.discount]
    }

    /// The product lines: what is no object is none.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Doc<'a>> {
        self.products.into_iter().flat_map(Doc::items).filter(|line| line.is_object())
    }

    pub(crate) fn money(&self) -> impl Iterator<Item = Doc<'a>> {
        self.amounts().into_iter().chain([self.price, self.shipping, self.tax]).flatten()
    }
}

/// The product lines of an event: what is no object is none.
pub(crate) fn product_lines<'a>(properties: Doc<'a>) -> impl Iterator<Item = Doc<'a>> {
    properties.get("products").into_iter().flat_map(Doc::items).filter(|line| line.is_object())
}

/// A line's quantity: 1 where none is said.
pub(crate) fn quantity_of(value: Option<Doc<'_>>) -> Option<Decimal> {
    match value {
        None => Some(Decimal::from(1)),
        Some(value) => decimal(value).filter(|count| !count.is_zero() && !count.is_negative()),
    }
}

/// A JSON number, or a string `-?digits(.digits)?`, as near as 38 digits hold it.
pub(crate) fn decimal(value: Doc<'_>) -> Option<Decimal> {
    if value.is_number() {
        return value.as_decimal().or_else(|| Decimal::parse_near(&value.as_number()?));
    }
    value.as_str().filter(|text| is_plain_decimal(text)).and_then(|text| Decimal::parse_near(&text))
}

/// The number exactly, where 38 digits hold it.
pub(crate) fn exact(value: Doc<'_>) -> Option<Decimal> {
    if value.is_number() { value.as_decimal() } else { number_text(value).and_then(|text| Decimal::parse(&text)) }
}

/// A number as it is spelled: a JSON number, or a string `-?digits(.digits)?`.
pub(crate) fn number_text(value: Doc<'_>) -> Option<Cow<'_, str>> {
    if value.is_number() { value.as_number() } else { value.as_str().filter(|text| is_plain_decimal(text)) }
}

/// Whether it is a number above 0, however small.
pub(crate) fn is_positive(value: Doc<'_>) -> bool {
    if let Some((digits, _)) = value.as_fixed() {
        return digits > 0;
    }
    number_text(value).is_some_and(|text| {
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        !mantissa.starts_with('-') && mantissa.bytes().any(|digit| (b'1'..=b'9').contains(&digit))
    })
}

pub(crate) fn is_plain_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits.split_once('.').map_or_else(|| all(digits), |(whole, fraction)| all(whole) && all(fraction))
}

/// Whether the member at a path is an amount of a commerce event.
pub(crate) fn is_money(path: &str) -> bool {
    MONEY.contains(&path)
}

/// The currency that an event says, in capitals or not, else the default one; `None` for one that does not exist.
pub(crate) fn currency_of(said: Option<Doc<'_>>, default: Option<Currency>) -> Option<Currency> {
    match said {
        Some(value) => {
            let said = value.as_str()?;
            Currency::from_code(&said).or_else(|| Currency::from_code(&said.trim().to_ascii_uppercase()))
        }
        None => default,
    }
}
