//! The catalogue: what the host says of its products, as facts.

use super::batch::Batch;
use super::handle::Store;
use super::inner::Inner;
use super::receipt::Receipt;
use super::ruling::Said;
use super::snapshot::Snapshot;
use crate::Result;
use crate::base::bytes::put_str;
use crate::base::{Decimal, Timestamp};
use crate::compose::message::{Members, object, text};
use crate::fact::kind::Kind;
use crate::message::reason::{Flags, Refusal};
use crate::message::wire::Wire;
use crate::message::{Limit, Reason};
use crate::view::Json;

/// What the catalogue says of a product from an instant on.
///
/// Lines of orders and events about products often name no more than a product id. Wherever a rule or a timeline asks
/// such a line for its brand, category, price or anything else that it does not say itself, the catalogue's latest entry
/// at or before the order's (or event's) time answers. What an order comes to is never worked out from the catalogue:
/// that is what was paid, or unknown.
///
/// An entry replaces the one before as a whole. Entries are facts: kept for ever, in whatever order they come.
///
/// ```
/// use regulars::{Product, Store, id, when};
/// let store = Store::options().currency("EUR").in_memory()?;
/// store.record_products(&[Product::new("kettle").brand("Alessi").price("24.90".parse()?).at("2025-01-01".parse()?)])?;
/// store.ingest_json(br#"{"type":"track","event":"Order Completed","userId":"42","timestamp":"2025-11-03",
///     "properties":{"order_id":"1001","total":24.90,"products":[{"product_id":"kettle"}]}}"#)?;
/// let fans = when::bought(when::property("brand").is("Alessi")).ever();
/// assert!(store.snapshot().matches(id::user("42"), &fans, None)?);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "this says what to record; pass it to Store::record_products"]
pub struct Product {
    shop: String,
    product_id: String,
    at: Option<Timestamp>,
    attributes: Members,
}

impl Product {
    /// The product that lines call so.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle");
    /// ```
    pub fn new(product_id: impl Into<String>) -> Self {
        Self { shop: String::new(), product_id: product_id.into(), at: None, attributes: Members::new() }
    }

    /// The shop whose product it is; else that of the default source. Product ids are the shop's own.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle").shop("de");
    /// ```
    pub fn shop(mut self, shop: impl Into<String>) -> Self {
        self.shop = shop.into();
        self
    }

    /// Since when it is so; else from now on, and orders of before know nothing of it.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle").at("2025-01-01".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// What it is called.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle").name("Kettle 9093");
    /// ```
    pub fn name(self, name: &str) -> Self {
        self.text("name", name)
    }

    /// Who makes it.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle").brand("Alessi");
    /// ```
    pub fn brand(self, brand: &str) -> Self {
        self.text("brand", brand)
    }

    /// Where it is found in the shop.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle").category("Kitchen");
    /// ```
    pub fn category(self, category: &str) -> Self {
        self.text("category", category)
    }

    /// The price of one.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle").price("24.90".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn price(self, price: Decimal) -> Self {
        self.attribute("price", price.to_string())
    }

    /// What one costs the shop.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle").cost("11.20".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn cost(self, cost: Decimal) -> Self {
        self.attribute("cost", cost.to_string())
    }

    /// Anything else, as JSON.
    ///
    /// ```
    /// let product = regulars::Product::new("kettle").attribute("colors", r#"["steel","black"]"#);
    /// ```
    pub fn attribute(mut self, name: impl Into<String>, json: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), json.into());
        self
    }

    fn text(self, name: &str, value: &str) -> Self {
        self.attribute(name, text(value))
    }
}

impl Inner {
    fn push_product(&self, batch: &mut Batch, line: u64, product: &Product, now: Timestamp) {
        let mut wire = Wire::default();
        match self.entry(product, &mut wire) {
            Ok(doc) => {
                let mut says = Vec::new();
                let (shop, product_id) = (product.shop.trim(), product.product_id.trim());
                [shop, product_id].into_iter().for_each(|text| put_str(&mut says, text));
                let said = Said {
                    kind: Kind::Product,
                    at: product.at,
                    id: None,
                    identifiers: Vec::new(),
                    product: Some((shop, product_id)),
                    says,
                    doc,
                    full: None,
                };
                self.push(batch, line, &said, now, Flags::default());
            }
            Err(reason) => batch.receipt.reject(line, None, reason),
        }
    }

    /// The document of an entry, held against the limits of messages.
    fn entry(&self, product: &Product, wire: &mut Wire) -> std::result::Result<Vec<u8>, Refusal> {
        let rules = &self.normalizer.wire;
        wire.read_line(format!("[{}]", object(&product.attributes)).as_bytes(), rules)?;
        let mut entries = wire.messages(rules);
        let (Some(entry), None) = (entries.next(), entries.next()) else { return Err(Reason::InvalidJson.into()) };
        let doc = entry.doc?;
        // A text that ends its member early starts another one.
        if doc.members().count() > product.attributes.len() {
            return Err(Reason::InvalidJson.into());
        }
        let product_id = product.product_id.trim();
        if product_id.is_empty() {
            return Err(Refusal::missing("product_id"));
        }
        if entry.out_of_range {
            return Err(Reason::NumberOutOfRange.into());
        }
        let most = self.normalizer.wire.limits.identifier_chars;
        if [product_id, product.shop.trim()].iter().any(|text| text.chars().count() > most) {
            return Err(Reason::Limit(Limit::Identifier).into());
        }
        Ok(doc.bytes().to_vec())
    }
}

impl Store {
    /// Takes in what the catalogue says of products: all of them in one commit. The same entry twice is a duplicate.
    ///
    /// **Cost**: as that many messages. Where live segments ask lines for more than their product id, everybody is
    /// looked at again, once a call.
    ///
    /// # Errors
    /// `Io` and `Poisoned`, as for every commit. A product that cannot be read is rejected in the receipt, by its place
    /// in the list from 1: `missing_field` without a product id, `invalid_json` for an attribute that is none, and the
    /// limits of messages.
    ///
    /// ```
    /// use regulars::{Product, Store};
    /// let store = Store::in_memory()?;
    /// let receipt = store.record_products(&[Product::new("kettle").brand("Alessi"), Product::new(" ")])?;
    /// assert_eq!((receipt.accepted, receipt.rejects[0].line), (1, 2));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn record_products(&self, products: &[Product]) -> Result<Receipt> {
        let mut batch = Batch::default();
        let now = self.inner.now();
        for (line, product) in (1..).zip(products) {
            self.inner.push_product(&mut batch, line, product, now);
        }
        self.commit(batch, None)
    }
}

impl Snapshot {
    /// What the catalogue says of a shop's product: its attributes as of an instant, else as of the latest entry.
    ///
    /// **Cost**: the product's entries.
    ///
    /// # Errors
    /// `Io` and `Corrupt`.
    ///
    /// ```
    /// use regulars::{Product, Store};
    /// let store = Store::in_memory()?;
    /// store.record_products(&[Product::new("kettle").brand("Alessi")])?;
    /// assert_eq!(store.snapshot().product("", "kettle", None)?.expect("known").as_str(), r#"{"brand":"Alessi"}"#);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn product(&self, shop: &str, product_id: &str, at: Option<Timestamp>) -> Result<Option<Json>> {
        let at = at.unwrap_or(Timestamp::MAX);
        let entry = self.state.records.product(shop.trim(), product_id.trim(), at)?;
        Ok(entry.map(|entry| Json::new(crate::base::doc::Doc::new(&entry))))
    }
}
