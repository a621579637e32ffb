//! Orders, and their product lines.

use super::message::{Core, Members, Message, common, object, text};
use crate::base::{Currency, Decimal, Id, MessageId, Timestamp};
use serde::Serialize;

/// What happened to an order. Amounts are decimals, exactly as given.
///
/// ```
/// use regulars::{Store, compose::Order, id};
/// let store = Store::options().currency("EUR").in_memory()?;
/// store.send(Order::completed("1001", [id::user("42")]).total("49.80".parse()?))?;
/// store.send(Order::refunded("1001", [id::user("42")]).total("24.90".parse()?))?;
/// assert_eq!(store.snapshot().profile(id::user("42"))?.expect("known").orders.net_minor, 2490);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "this says something; pass it to Store::send"]
pub struct Order(Core);

impl Order {
    fn new(event: &str, order_id: &str, who: impl IntoIterator<Item = Id>) -> Self {
        let mut core = Core::new("track", "properties", who);
        core.put("event", event);
        core.set("order_id", order_id);
        Self(core)
    }

    /// It was placed.
    ///
    /// ```
    /// let order = regulars::compose::Order::completed("1001", [regulars::id::user("42")]);
    /// ```
    pub fn completed(order_id: &str, who: impl IntoIterator<Item = Id>) -> Self {
        Self::new("Order Completed", order_id, who)
    }

    /// It is another one now: its lines and amount take the place of those before.
    ///
    /// ```
    /// let order = regulars::compose::Order::updated("1001", [regulars::id::user("42")]);
    /// ```
    pub fn updated(order_id: &str, who: impl IntoIterator<Item = Id>) -> Self {
        Self::new("Order Updated", order_id, who)
    }

    /// Some of it came back: `total`, else the lines, else all of it.
    ///
    /// ```
    /// let refund = regulars::compose::Order::refunded("1001", [regulars::id::user("42")]);
    /// ```
    pub fn refunded(order_id: &str, who: impl IntoIterator<Item = Id>) -> Self {
        Self::new("Order Refunded", order_id, who)
    }

    /// It was called off.
    ///
    /// ```
    /// let order = regulars::compose::Order::cancelled("1001", [regulars::id::user("42")]);
    /// ```
    pub fn cancelled(order_id: &str, who: impl IntoIterator<Item = Id>) -> Self {
        Self::new("Order Cancelled", order_id, who)
    }

    /// What it comes to.
    ///
    /// ```
    /// let order = regulars::compose::Order::completed("1", [regulars::id::user("42")]).total("19.90".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn total(self, total: Decimal) -> Self {
        self.amount("total", total)
    }

    /// What was taken off.
    ///
    /// ```
    /// let order = regulars::compose::Order::completed("1", [regulars::id::user("42")]).discount("5".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn discount(self, discount: Decimal) -> Self {
        self.amount("discount", discount)
    }

    /// The currency of its amounts; else the shop's.
    ///
    /// ```
    /// let order = regulars::compose::Order::completed("1", [regulars::id::user("42")]).currency("SEK".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn currency(self, currency: Currency) -> Self {
        self.with("currency", currency.to_string())
    }

    /// What was bought, or came back: a line each.
    ///
    /// ```
    /// use regulars::{compose::{Line, Order}, id};
    /// let order = Order::completed("1", [id::user("42")]).line(Line::new("kettle")).line(Line::new("tea"));
    /// ```
    pub fn line(mut self, line: Line) -> Self {
        self.0.lines.push(object(&line.0));
        self
    }

    fn amount(mut self, name: &str, amount: Decimal) -> Self {
        self.0.body.insert(name.to_owned(), amount.to_string());
        self
    }

    /// Any other property of it.
    ///
    /// ```
    /// let order = regulars::compose::Order::completed("1", [regulars::id::user("42")]).with("coupon", "SPRING");
    /// ```
    pub fn with(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.0.set(name, value);
        self
    }
}

common!(Order);

/// One product of an order.
///
/// ```
/// let line = regulars::compose::Line::new("kettle").price("24.90".parse()?).quantity(2.into());
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "this is part of an order; pass it to Order::line"]
pub struct Line(Members);

impl Line {
    /// The product that the shop calls so; one of it, unless more is said.
    ///
    /// ```
    /// let line = regulars::compose::Line::new("kettle");
    /// ```
    pub fn new(product_id: &str) -> Self {
        Self(Members::new()).with("product_id", product_id)
    }

    /// The price of one.
    ///
    /// ```
    /// let line = regulars::compose::Line::new("kettle").price("24.90".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn price(self, price: Decimal) -> Self {
        self.number("price", price)
    }

    /// How many.
    ///
    /// ```
    /// let line = regulars::compose::Line::new("tea").quantity("0.5".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn quantity(self, quantity: Decimal) -> Self {
        self.number("quantity", quantity)
    }

    /// What it is called.
    ///
    /// ```
    /// let line = regulars::compose::Line::new("kettle").name("Kettle 9093");
    /// ```
    pub fn name(self, name: &str) -> Self {
        self.with("name", name)
    }

    /// Who makes it.
    ///
    /// ```
    /// let line = regulars::compose::Line::new("kettle").brand("Alessi");
    /// ```
    pub fn brand(self, brand: &str) -> Self {
        self.with("brand", brand)
    }

    /// Where it is found in the shop.
    ///
    /// ```
    /// let line = regulars::compose::Line::new("kettle").category("Kitchen");
    /// ```
    pub fn category(self, category: &str) -> Self {
        self.with("category", category)
    }

    /// Anything else that is said of it.
    ///
    /// ```
    /// let line = regulars::compose::Line::new("kettle").with("color", "steel");
    /// ```
    pub fn with(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.0.insert(name.into(), text(value));
        self
    }

    fn number(mut self, name: &str, value: Decimal) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }
}
