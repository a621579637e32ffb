//! The typed reading of the events that the Segment spec defines for shops and for e-mail.
//!
//! The message keeps whatever was sent; this is what its documented properties say, each absent where it is missing or
//! of another type.

use crate::Result;
use crate::base::doc::Doc;
use crate::base::{Currency, Decimal, Money};
use crate::fact::kind::Kind;
use crate::fact::props::currency_of;
use crate::fact::props::{decimal, product_lines, quantity_of};
use crate::fact::topic::Topic;
use crate::fact::view::Fact;
use crate::profile::records::Records;
use serde::Serialize;

/// What a commerce or e-mail event says, by its kind.
///
/// ```
/// use regulars::{EventDetails, Store, id};
/// let store = Store::options().currency("EUR").in_memory()?;
/// store.ingest_json(br#"{"type":"track","event":"Product Added","userId":"42",
///     "properties":{"cart_id":"c1","product_id":"kettle","price":"24.90","quantity":2}}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// let Some(EventDetails::Product { cart_id, line }) = &ann.events[0].details else { panic!("a product event") };
/// assert_eq!((cart_id.as_deref(), line.price.expect("known").minor), (Some("c1"), 2490));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventDetails {
    /// Order Completed, Updated, Refunded or Cancelled.
    Order {
        /// The order's own id.
        order_id: Option<String>,
        /// What the message says it comes to; of a refund the absolute amount.
        amount: Option<Money>,
        /// The coupon that was used.
        coupon: Option<String>,
        /// What was bought, or came back.
        lines: Vec<ProductLine>,
    },
    /// Something was done with one product: viewed, clicked, added, removed, shared, reviewed, wished for.
    Product {
        /// The cart that it went into or left.
        cart_id: Option<String>,
        /// The product.
        line: ProductLine,
    },
    /// A list of products was viewed, filtered or searched.
    ProductList {
        /// The list.
        list_id: Option<String>,
        /// What was searched for.
        query: Option<String>,
        /// What was shown.
        lines: Vec<ProductLine>,
    },
    /// A cart was viewed or shared.
    Cart {
        /// The cart.
        cart_id: Option<String>,
        /// What was in it.
        lines: Vec<ProductLine>,
    },
    /// A checkout was started, a step of it viewed or completed, or payment entered.
    Checkout {
        /// The checkout.
        checkout_id: Option<String>,
        /// The order that it is to become.
        order_id: Option<String>,
        /// The number of the step.
        step: Option<i64>,
        /// What was in it.
        lines: Vec<ProductLine>,
    },
    /// A coupon was entered, applied, denied or removed.
    Coupon {
        /// The coupon.
        coupon: Option<String>,
        /// The order or cart that it was meant for.
        order_id: Option<String>,
    },
    /// A promotion was viewed or clicked.
    Promotion {
        /// The promotion.
        promotion_id: Option<String>,
        /// Its name.
        name: Option<String>,
    },
    /// A message of a campaign was delivered, opened, clicked, bounced, marked as spam or unsubscribed from.
    Campaign {
        /// The channel, for example `email`.
        channel: String,
        /// The campaign.
        campaign_id: Option<String>,
        /// The message of the campaign.
        message_id: Option<String>,
        /// The address that was used.
        address: Option<String>,
        /// The link that was clicked.
        link: Option<String>,
    },
}

/// One product of an event.
///
/// ```
/// use regulars::{EventDetails, Store, id};
/// let store = Store::options().currency("EUR").in_memory()?;
/// store.ingest_json(br#"{"type":"track","event":"Product Viewed","userId":"42","properties":{"product_id":"kettle"}}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// let Some(EventDetails::Product { line, .. }) = &ann.events[0].details else { panic!("a product event") };
/// assert_eq!((line.product_id.as_deref(), line.price), (Some("kettle"), None));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProductLine {
    /// The shop's id of the product.
    pub product_id: Option<String>,
    /// Stock keeping unit.
    pub sku: Option<String>,
    /// What it is called.
    pub name: Option<String>,
    /// Who makes it.
    pub brand: Option<String>,
    /// Where it is found in the shop.
    pub category: Option<String>,
    /// Color, size and the like.
    pub variant: Option<String>,
    /// The price of one.
    pub price: Option<Money>,
    /// How many: 1 where nothing is said, none where it cannot be read.
    pub quantity: Option<Decimal>,
}

/// What was bought by whom is personal data; `Debug` output ends up in logs.
impl std::fmt::Debug for EventDetails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Order { .. } => "Order(..)",
            Self::Product { .. } => "Product(..)",
            Self::ProductList { .. } => "ProductList(..)",
            Self::Cart { .. } => "Cart(..)",
            Self::Checkout { .. } => "Checkout(..)",
            Self::Coupon { .. } => "Coupon(..)",
            Self::Promotion { .. } => "Promotion(..)",
            Self::Campaign { .. } => "Campaign(..)",
        })
    }
}

impl std::fmt::Debug for ProductLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProductLine(..)")
    }
}

impl EventDetails {
    /// What a fact says, if it is an event of the spec, and the catalogue where its lines say nothing.
    pub(super) fn read(fact: &Fact<'_>, records: &Records) -> Result<Option<Self>> {
        let topic = if fact.kind == Kind::Track { Topic::of(fact.name) } else { None };
        let Some(topic) = topic else { return Ok(None) };
        let properties = fact.doc.get("properties").unwrap_or(Doc::new(&[]));
        let text = |key| name_of(properties, key);
        let reader = LineReader::new(fact, properties, records);
        Ok(Some(match topic {
            Topic::Order => Self::Order {
                order_id: text("order_id"),
                amount: fact.order.and_then(|order| order.amount.known()),
                coupon: text("coupon"),
                lines: reader.lines()?,
            },
            Topic::Product => Self::Product { cart_id: text("cart_id"), line: reader.line(properties)? },
            Topic::ProductList => {
                Self::ProductList { list_id: text("list_id"), query: text("query"), lines: reader.lines()? }
            }
            Topic::Cart => Self::Cart { cart_id: text("cart_id"), lines: reader.lines()? },
            Topic::Checkout => Self::Checkout {
                checkout_id: text("checkout_id"),
                order_id: text("order_id"),
                step: properties.get("step").and_then(|step| step.as_name()?.parse().ok()),
                lines: reader.lines()?,
            },
            Topic::Coupon => Self::Coupon {
                coupon: text("coupon_id").or_else(|| text("coupon_name")).or_else(|| text("coupon")),
                order_id: text("order_id").or_else(|| text("cart_id")),
            },
            Topic::Promotion => Self::Promotion { promotion_id: text("promotion_id"), name: text("name") },
            Topic::Campaign => campaign(fact, properties),
        }))
    }
}

/// Reads the product lines of one event.
struct LineReader<'a> {
    fact: &'a Fact<'a>,
    properties: Doc<'a>,
    records: &'a Records,
    /// What the shop's amounts are in, the catalogue's among them; and those of the event.
    shops: Option<Currency>,
    currency: Option<Currency>,
}

impl<'a> LineReader<'a> {
    fn new(fact: &'a Fact<'a>, properties: Doc<'a>, records: &'a Records) -> Self {
        let shops = records.reading.currency_at(fact.shop);
        let currency = currency_of(properties.get("currency").filter(|value| !value.is_absent()), shops);
        Self { fact, properties, records, shops, currency }
    }

    fn lines(&self) -> Result<Vec<ProductLine>> {
        product_lines(self.properties).map(|line| self.line(line)).collect()
    }

    fn line(&self, line: Doc<'_>) -> Result<ProductLine> {
        let whole = self.records.line(self.fact.shop, line, self.fact.ts)?;
        let says_price = line.get("price").is_some_and(|price| !price.is_absent());
        Ok(ProductLine::read(Doc::new(&whole), if says_price { self.currency } else { self.shops }))
    }
}

fn campaign(fact: &Fact<'_>, properties: Doc<'_>) -> EventDetails {
    let text = |key| name_of(properties, key);
    let traits = ["context.traits.email", "traits.email"];
    let address = || traits.into_iter().find_map(|path| fact.doc.path(path)?.as_name());
    EventDetails::Campaign {
        channel: text("channel").unwrap_or_else(|| "email".to_owned()),
        campaign_id: text("campaign_id"),
        message_id: text("email_id").or_else(|| text("message_id")),
        address: text("email").or_else(address),
        link: text("link_url").or_else(|| text("link_id")),
    }
}

impl ProductLine {
    fn read(line: Doc<'_>, currency: Option<Currency>) -> Self {
        let text = |key| name_of(line, key);
        let price = || {
            let (currency, price) = (currency?, decimal(line.get("price")?)?);
            price.to_units(currency.decimals()).map(|(minor, _)| Money::new(minor, currency))
        };
        let quantity = quantity_of(line.get("quantity").filter(|value| !value.is_absent()));
        Self {
            product_id: text("product_id"),
            sku: text("sku"),
            name: text("name"),
            brand: text("brand"),
            category: text("category"),
            variant: text("variant"),
            price: price(),
            quantity,
        }
    }
}

fn name_of(object: Doc<'_>, key: &str) -> Option<String> {
    object.get(key)?.as_name()
}
