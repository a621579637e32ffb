//! Rules that read as English: `when::orders().is(1) & when::days_since_last_order().between(60..=180)`.
//!
//! Start with a noun ([`trait_`], [`event`], [`orders`], [`bought`], ...), narrow it (`filter`, `within`), compare it;
//! the
//! result is a [`Rule`]. Rules combine with `&`, `|` and `!`.
//!
//! ```
//! use regulars::{Segment, Span, when};
//! let hesitating = Segment::new(
//!     "looks at shoes, buys none",
//!     when::event("Product Viewed").filter(when::property("category").is("shoes")).within(Span::days(30)).at_least(2)
//!         & !when::bought(when::property("category").is("shoes")).within(Span::days(30)),
//! );
//! assert_eq!(hesitating.name(), "looks at shoes, buys none");
//! ```

use super::compare::{Literal, Part, Relation, Test};
use super::json::DEPTH_MAX;
use super::node::{
    Answer, Ask, Condition as Inner, EventNode, LineMatch, Measure, Node, OrderMeasure, OrdersNode, Quantifier, Rule,
    Shop, Topic, Window,
};
use super::text::Text;
use super::when_macros::{compare_numbers, compare_values, narrow};
use crate::base::{Decimal, Span, Timestamp};
use std::ops::{BitAnd, BitOr, Not, RangeInclusive};

/// A value to compare with: a string, a number, true or false. Anything that converts into one will do.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::trait_("vip").is(true).to_json(), r#"{"trait":"vip","is":true}"#);
/// assert_eq!(when::trait_("visits").is(3).to_json(), r#"{"trait":"visits","is":3}"#);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar(Literal);

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self(Literal::Text(Text::new(text, false)))
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self(Literal::Bool(value))
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Self(Literal::Number(value.into()))
    }
}

impl From<Decimal> for Scalar {
    fn from(value: Decimal) -> Self {
        Self(Literal::Number(value))
    }
}

fn literals(values: impl IntoIterator<Item = impl Into<Scalar>>) -> Vec<Literal> {
    values.into_iter().map(|value| value.into().0).collect()
}

/// A trait by its name; a dotted path reaches into objects.
///
/// ```
/// use regulars::when;
/// let rule = when::trait_("address.country").is_in(["DE", "FR"]);
/// assert_eq!(rule.to_json(), r#"{"trait":"address.country","in":["DE","FR"]}"#);
/// ```
pub fn trait_(path: impl Into<String>) -> Value {
    Value(Subject::Trait(path.into()))
}

/// A value about a person, to be compared: a trait, or the property of the first, last or nth event.
///
/// ```
/// let coupon: regulars::when::Value = regulars::when::event("Order Completed").first("coupon");
/// assert!(coupon.is("WELCOME").to_json().contains("first(coupon)"));
/// ```
#[derive(Clone, Debug)]
pub struct Value(Subject);

#[derive(Clone, Debug)]
enum Subject {
    Trait(String),
    Event(Box<Events>, Measure),
    Identifiers(String),
}

impl Subject {
    fn compared(self, test: Test) -> Rule {
        Rule(match self {
            Self::Trait(path) => Node::Trait { path, test },
            Self::Event(events, measure) => {
                let Events { name, shop, window, filter } = *events;
                Node::Event(EventNode { name, shop, filter, ask: Ask::Measure(measure, window, test) })
            }
            Self::Identifiers(namespace) => Node::Identifiers { namespace, test },
        })
    }
}

impl Value {
    fn compared(self, test: Test) -> Rule {
        self.0.compared(test)
    }
}

compare_values!(Value => Rule, "when::trait_(\"tier\")", "it");

/// A property of an event, an order or a product line, for a `filter`; a dotted path reaches into objects.
///
/// ```
/// use regulars::when;
/// let cheap = when::property("price").less_than(10) & when::property("brand").is("A");
/// assert!(when::orders().filter(when::any_line(cheap)).at_least(1).to_json().contains(r#""line":"any""#));
/// ```
pub fn property(path: impl Into<String>) -> Property {
    Property(path.into())
}

/// A property, to be compared.
///
/// ```
/// let price: regulars::when::Property = regulars::when::property("price");
/// let _condition = price.at_least(10);
/// ```
#[derive(Clone, Debug)]
pub struct Property(String);

impl Property {
    fn compared(self, test: Test) -> Condition {
        Condition(Inner::Property { path: self.0, test })
    }
}

compare_values!(Property => Condition, "when::property(\"tier\")", "when::event(\"x\").filter(it).happened()");

/// What one event, order or product line must be like. Conditions combine with `&`, `|` and `!`.
///
/// ```
/// use regulars::when;
/// let condition: when::Condition = when::property("price").at_least(10) & !when::property("gift").is(true);
/// let _rule = when::event("Product Viewed").filter(condition).happened();
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(Inner);

/// Some product line meets the whole condition.
///
/// ```
/// use regulars::when;
/// let lines = when::any_line(when::property("brand").is("A") & when::property("price").more_than(50));
/// let _rule = when::orders().filter(lines).at_least(1);
/// ```
#[must_use]
pub fn any_line(condition: Condition) -> Condition {
    of_lines(Quantifier::Any, condition)
}

/// Every product line meets the condition, and there is at least one.
///
/// ```
/// use regulars::when;
/// let _rule = when::orders().filter(when::all_lines(when::property("brand").is("A"))).at_least(1);
/// ```
#[must_use]
pub fn all_lines(condition: Condition) -> Condition {
    of_lines(Quantifier::All, condition)
}

/// No product line meets the condition.
///
/// ```
/// use regulars::when;
/// let _rule = when::orders().filter(when::no_line(when::property("brand").is("A"))).at_least(1);
/// ```
#[must_use]
pub fn no_line(condition: Condition) -> Condition {
    of_lines(Quantifier::None, condition)
}

/// The answer to a request for consent: of a channel and a purpose, as in `email` and `marketing`.
///
/// ```
/// use regulars::when;
/// let rule = when::consent("email", "marketing").granted();
/// assert_eq!(rule.to_json(), r#"{"consent":["email","marketing"],"is":"granted"}"#);
/// ```
pub fn consent(channel: impl Into<String>, purpose: impl Into<String>) -> Consent {
    Consent(Topic { channel: Some(channel.into()), purpose: purpose.into() })
}

/// The answer to a request for consent to a purpose, whatever the channel: what cookie banners ask for.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::purpose("analytics").denied().to_json(), r#"{"consent":["analytics"],"is":"denied"}"#);
/// ```
pub fn purpose(purpose: impl Into<String>) -> Consent {
    Consent(Topic { channel: None, purpose: purpose.into() })
}

/// A request for consent, to say what the answer must be.
///
/// ```
/// let asked: regulars::when::Consent = regulars::when::consent("sms", "marketing");
/// let _rule = !asked.never_asked();
/// ```
#[derive(Clone, Debug)]
pub struct Consent(Topic);

impl Consent {
    fn is(self, answer: Answer) -> Rule {
        Rule(Node::Consent { topic: self.0, answer })
    }

    /// They said yes, and nothing else since.
    ///
    /// ```
    /// let _rule = regulars::when::consent("email", "marketing").granted();
    /// ```
    #[must_use]
    pub fn granted(self) -> Rule {
        self.is(Answer::Granted)
    }

    /// They said no, before or after a yes.
    ///
    /// ```
    /// let _rule = regulars::when::consent("email", "marketing").denied();
    /// ```
    #[must_use]
    pub fn denied(self) -> Rule {
        self.is(Answer::Denied)
    }

    /// They said no after a yes.
    ///
    /// ```
    /// let _rule = regulars::when::consent("email", "marketing").withdrawn();
    /// ```
    #[must_use]
    pub fn withdrawn(self) -> Rule {
        self.is(Answer::Withdrawn)
    }

    /// Nobody asked them.
    ///
    /// ```
    /// let _rule = regulars::when::consent("email", "marketing").never_asked();
    /// ```
    #[must_use]
    pub fn never_asked(self) -> Rule {
        self.is(Answer::NeverAsked)
    }
}

/// Whoever must not be contacted on a channel: they unsubscribed, complained, or their address bounced for good.
///
/// ```
/// use regulars::when;
/// let reachable = when::has("email") & !when::suppressed("email");
/// assert!(reachable.to_json().contains(r#"{"suppressed":"email"}"#));
/// ```
#[must_use]
pub fn suppressed(channel: impl Into<String>) -> Rule {
    Rule(Node::Suppressed { channel: channel.into() })
}

/// The events of a name: a track's own, or `identify`, `page`, `screen`, `group`, `alias`.
///
/// ```
/// use regulars::{Span, when};
/// let rule = when::event("Product Viewed").within(Span::days(30)).at_least(2);
/// assert_eq!(
///     rule.to_json(),
///     r#"{"event":"Product Viewed","window":{"last":"30d"},"measure":"count","gte":2}"#
/// );
/// ```
pub fn event(name: impl Into<String>) -> Events {
    Events { name: name.into(), shop: None, window: None, filter: None }
}

/// Events of one name; compared directly, it is their number.
///
/// ```
/// let views: regulars::when::Events = regulars::when::event("Product Viewed");
/// let _rule = views.at_least(3);
/// ```
#[derive(Clone, Debug)]
pub struct Events {
    name: String,
    shop: Shop,
    window: Option<Window>,
    filter: Option<Inner>,
}

narrow!(Events, "when::event(\"Product Viewed\")");
compare_numbers!(Events, "when::event(\"Product Viewed\")");

impl Events {
    fn compared(self, test: Test) -> Rule {
        Subject::Event(Box::new(self), Measure::Count).compared(test)
    }

    fn number(self, measure: Measure) -> Number {
        Number(Subject::Event(Box::new(self), measure))
    }

    fn asked(self, ask: Ask) -> Rule {
        Rule(Node::Event(EventNode { name: self.name, shop: self.shop, filter: self.filter, ask }))
    }

    /// At least one.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").happened();
    /// assert!(rule.to_json().contains(r#""event":"Order Completed""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn happened(self) -> Rule {
        let window = self.window;
        self.asked(Ask::Did(window))
    }

    /// None.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").never_happened();
    /// assert!(rule.to_json().contains(r#""not":{"event""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn never_happened(self) -> Rule {
        !self.happened()
    }

    /// On how many calendar days of the store's zone.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").days().at_least(3);
    /// assert!(rule.to_json().contains(r#""measure":"days""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn days(self) -> Number {
        self.number(Measure::Days)
    }

    /// The sum of a property; 0 of none.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").sum("total").at_least(100);
    /// assert!(rule.to_json().contains(r#""measure":"sum(total)""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn sum(self, path: impl Into<String>) -> Number {
        self.number(Measure::Sum(path.into()))
    }

    /// The average of a property; missing of none.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").average("total").at_least(100);
    /// assert!(rule.to_json().contains(r#""measure":"avg(total)""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn average(self, path: impl Into<String>) -> Number {
        self.number(Measure::Average(path.into()))
    }

    /// The least value of a property; missing of none.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").min("total").at_least(100);
    /// assert!(rule.to_json().contains(r#""measure":"min(total)""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn min(self, path: impl Into<String>) -> Number {
        self.number(Measure::Min(path.into()))
    }

    /// The greatest value of a property; missing of none.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").max("total").at_least(100);
    /// assert!(rule.to_json().contains(r#""measure":"max(total)""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn max(self, path: impl Into<String>) -> Number {
        self.number(Measure::Max(path.into()))
    }

    /// How many different values of a property.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").distinct("coupon").at_least(2);
    /// assert!(rule.to_json().contains(r#""measure":"distinct(coupon)""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn distinct(self, path: impl Into<String>) -> Number {
        self.number(Measure::Distinct(path.into()))
    }

    /// The property of the first of them.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").first("coupon").is("A");
    /// assert!(rule.to_json().contains(r#""measure":"first(coupon)""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn first(self, path: impl Into<String>) -> Value {
        Value(Subject::Event(Box::new(self), Measure::First(path.into())))
    }

    /// The property of the last of them.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").last("coupon").is("A");
    /// assert!(rule.to_json().contains(r#""measure":"last(coupon)""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn last(self, path: impl Into<String>) -> Value {
        Value(Subject::Event(Box::new(self), Measure::Last(path.into())))
    }

    /// The property of the nth of them, counted from 1.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").nth(2, "coupon").is("A");
    /// assert!(rule.to_json().contains(r#""measure":"nth(2, coupon)""#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn nth(self, nth: u32, path: impl Into<String>) -> Value {
        Value(Subject::Event(Box::new(self), Measure::Nth(nth, path.into())))
    }

    /// The first ever was in the last `span`. A window set before is not looked at.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").first_time_within(Span::days(30));
    /// assert!(rule.to_json().contains(r#""first_time_in":{"last":"30d"}"#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn first_time_within(self, span: Span) -> Rule {
        self.asked(Ask::FirstTimeIn(Window::Last(span)))
    }

    /// In the longer span, but not in the shorter one.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").stopped(Span::days(365), Span::days(90));
    /// assert!(rule.to_json().contains(r#""stopped":["365d","90d"]"#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn stopped(self, long: Span, short: Span) -> Rule {
        self.asked(Ask::Stopped(long, short))
    }

    /// In the last `span`; before the first of them none for as long as `gap`, and before that again.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").restarted(Span::days(90), Span::days(30));
    /// assert!(rule.to_json().contains(r#""restarted":["90d","30d"]"#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn restarted(self, gap: Span, span: Span) -> Rule {
        self.asked(Ask::Restarted { gap, window: span })
    }

    /// In at least `needed` of the last `periods` periods of that length.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let rule = when::event("Order Completed").regularly(Span::days(30), 3, 4);
    /// assert!(rule.to_json().contains(r#""regularly":["30d",3,4]"#));
    /// # let _ = Span::days(1);
    /// ```
    #[must_use]
    pub fn regularly(self, period: Span, needed: u32, periods: u32) -> Rule {
        self.asked(Ask::Regularly { period, needed, periods })
    }
}

/// A number about a person, to be compared.
///
/// ```
/// let spent: regulars::when::Number = regulars::when::event("Order Completed").sum("total");
/// let _rule = spent.at_least(100);
/// ```
#[derive(Clone, Debug)]
pub struct Number(Subject);

impl Number {
    fn compared(self, test: Test) -> Rule {
        self.0.compared(test)
    }
}

compare_numbers!(Number, "when::identifiers(\"device\")");

/// How many identifiers of a namespace the person has.
///
/// ```
/// use regulars::when;
/// let rule = when::identifiers("device").at_least(3);
/// assert_eq!(rule.to_json(), r#"{"identity":"count","namespace":"device","gte":3}"#);
/// ```
pub fn identifiers(namespace: impl Into<String>) -> Number {
    Number(Subject::Identifiers(namespace.into()))
}

/// The person has an identifier of that namespace.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::has("email").to_json(), r#"{"identity":"has","namespace":"email"}"#);
/// ```
pub fn has(namespace: impl Into<String>) -> Rule {
    Rule(Node::Has { namespace: namespace.into() })
}

/// The person has no identifier of a person. Makes sense in [`Universe::All`](crate::Universe::All) only.
///
/// ```
/// assert_eq!(regulars::when::is_anonymous().to_json(), r#"{"identity":"is_anonymous"}"#);
/// ```
#[must_use]
pub fn is_anonymous() -> Rule {
    Rule(Node::Anonymous)
}

/// The person is a member of another segment.
///
/// ```
/// assert_eq!(regulars::when::member_of("vip").to_json(), r#"{"segment":"vip"}"#);
/// ```
pub fn member_of(segment: impl Into<String>) -> Rule {
    Rule(Node::Segment(segment.into()))
}

fn of_lines(quantifier: Quantifier, condition: Condition) -> Condition {
    if condition.0.is_deeper_than(BUILT_DEPTH_MAX) {
        return condition;
    }
    Condition(Inner::Line(quantifier, Box::new(condition.0)))
}

/// At least `needed` of the rules hold.
///
/// ```
/// use regulars::when;
/// let rule = when::at_least(2, [when::has("email"), when::has("phone"), when::orders().at_least(1)]);
/// assert!(rule.to_json().starts_with(r#"{"at_least":[2,["#));
/// ```
pub fn at_least(needed: u32, rules: impl IntoIterator<Item = Rule>) -> Rule {
    let rules: Vec<Node> = rules.into_iter().map(|rule| rule.0).collect();
    match rules.iter().position(|rule| rule.is_deeper_than(BUILT_DEPTH_MAX)) {
        Some(deep) => Rule(rules.into_iter().nth(deep).unwrap_or(Node::Anonymous)),
        None => Rule(Node::AtLeast(needed, rules)),
    }
}

/// A measure of the person's orders, to be compared; amounts in major units of the store's currency.
///
/// ```
/// let spent: regulars::when::Orders = regulars::when::net_revenue();
/// let _rule = spent.within(regulars::Span::days(365)).more_than("199.50".parse::<regulars::Decimal>()?);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Orders {
    measure: OrderMeasure,
    shop: Shop,
    window: Option<Window>,
    filter: Option<Inner>,
}

narrow!(Orders, "when::orders()");
compare_numbers!(Orders, "when::orders()");

impl Orders {
    fn of(measure: OrderMeasure) -> Self {
        Self { measure, shop: None, window: None, filter: None }
    }

    fn compared(self, test: Test) -> Rule {
        let Self { measure, shop, window, filter } = self;
        Rule(Node::Orders(OrdersNode { measure, shop, window, filter, test }))
    }
}

/// The number of orders, refunded or not.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::orders().at_least(1).to_json(), r#"{"orders":"count","gte":1}"#);
/// ```
#[must_use]
pub fn orders() -> Orders {
    Orders::of(OrderMeasure::Count)
}

/// What the orders came to, less refunds; 0 without orders.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::net_revenue().at_least(1).to_json(), r#"{"orders":"net","gte":1}"#);
/// ```
#[must_use]
pub fn net_revenue() -> Orders {
    Orders::of(OrderMeasure::Net)
}

/// What the orders came to before refunds; 0 without orders.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::gross_revenue().at_least(1).to_json(), r#"{"orders":"gross","gte":1}"#);
/// ```
#[must_use]
pub fn gross_revenue() -> Orders {
    Orders::of(OrderMeasure::Gross)
}

/// Net revenue per order whose amount is known; missing without one.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::average_order().at_least(1).to_json(), r#"{"orders":"average","gte":1}"#);
/// ```
#[must_use]
pub fn average_order() -> Orders {
    Orders::of(OrderMeasure::Average)
}

/// Gross revenue per order whose amount is known; missing without one.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::average_order_gross().at_least(1).to_json(), r#"{"orders":"average_gross","gte":1}"#);
/// ```
#[must_use]
pub fn average_order_gross() -> Orders {
    Orders::of(OrderMeasure::AverageGross)
}

/// Whole days of 24 hours since the first order; missing without one.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::days_since_first_order().at_least(1).to_json(), r#"{"orders":"days_since_first","gte":1}"#);
/// ```
#[must_use]
pub fn days_since_first_order() -> Orders {
    Orders::of(OrderMeasure::DaysSinceFirst)
}

/// Whole days of 24 hours since the last order; missing without one.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::days_since_last_order().at_least(1).to_json(), r#"{"orders":"days_since_last","gte":1}"#);
/// ```
#[must_use]
pub fn days_since_last_order() -> Orders {
    Orders::of(OrderMeasure::DaysSinceLast)
}

/// Days between the first and the last order, per gap; missing below two orders.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::average_days_between_orders().at_least(1).to_json(), r#"{"orders":"average_days_between","gte":1}"#);
/// ```
#[must_use]
pub fn average_days_between_orders() -> Orders {
    Orders::of(OrderMeasure::AverageDaysBetween)
}

/// Discounts as a share of net revenue and discounts, 0 to 1.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::discount_share().at_least(1).to_json(), r#"{"orders":"discount_share","gte":1}"#);
/// ```
#[must_use]
pub fn discount_share() -> Orders {
    Orders::of(OrderMeasure::DiscountShare)
}

/// Refunds as a share of gross revenue.
///
/// ```
/// use regulars::when;
/// assert_eq!(when::refund_share().at_least(1).to_json(), r#"{"orders":"refund_share","gte":1}"#);
/// ```
#[must_use]
pub fn refund_share() -> Orders {
    Orders::of(OrderMeasure::RefundShare)
}

/// When the first order was.
///
/// ```
/// use regulars::when;
/// let rule = when::first_order().before("2011-03-01".parse()?);
/// assert_eq!(rule.to_json(), r#"{"orders":"first_at","lt":"2011-03-01"}"#);
/// # Ok::<(), regulars::Error>(())
/// ```
#[must_use]
pub fn first_order() -> OrderTime {
    OrderTime(OrderMeasure::FirstAt)
}

/// When the last order was.
///
/// ```
/// use regulars::when;
/// let rule = when::last_order().since("2011-03-01".parse()?);
/// assert_eq!(rule.to_json(), r#"{"orders":"last_at","gte":"2011-03-01"}"#);
/// # Ok::<(), regulars::Error>(())
/// ```
#[must_use]
pub fn last_order() -> OrderTime {
    OrderTime(OrderMeasure::LastAt)
}

/// The instant of an order, to be compared; without an order nothing about it is true.
///
/// ```
/// let first: regulars::when::OrderTime = regulars::when::first_order();
/// let _rule = first.before("2011-03-01".parse()?);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OrderTime(OrderMeasure);

impl OrderTime {
    fn compared(self, test: Test) -> Rule {
        Orders::of(self.0).compared(test)
    }

    /// Before the instant.
    ///
    /// ```
    /// let _rule = regulars::when::last_order().before("2011-03-01".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn before(self, instant: Timestamp) -> Rule {
        self.compared(Test::Compare(Relation::Lt, Literal::Instant(instant)))
    }

    /// At the instant or later.
    ///
    /// ```
    /// let _rule = regulars::when::first_order().since("2011-03-01".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn since(self, instant: Timestamp) -> Rule {
        self.compared(Test::Compare(Relation::Gte, Literal::Instant(instant)))
    }
}

/// An order with a product line that meets the condition: by `product_id`, `brand`, `category` or any other property.
///
/// ```
/// use regulars::{Span, when};
/// let rule = when::bought(when::property("brand").is("A")).within(Span::days(90));
/// assert_eq!(rule.to_json(), r#"{"bought":{"property":"brand","is":"A"},"window":{"last":"90d"}}"#);
/// ```
#[must_use]
pub fn bought(line: Condition) -> Bought {
    Bought { first: line, second: None, shop: None }
}

/// One order with two different lines, one for each condition.
///
/// ```
/// use regulars::when;
/// let rule = when::bought_together(when::property("category").is("tea"), when::property("category").is("cups")).ever();
/// assert!(rule.to_json().starts_with(r#"{"bought_together":["#));
/// ```
#[must_use]
pub fn bought_together(first: Condition, second: Condition) -> Bought {
    Bought { first, second: Some(second), shop: None }
}

/// Something bought; say when.
///
/// ```
/// let tea: regulars::when::Bought = regulars::when::bought(regulars::when::property("category").is("tea"));
/// let _rule = tea.ever();
/// ```
#[derive(Clone, Debug)]
pub struct Bought {
    first: Condition,
    second: Option<Condition>,
    shop: Shop,
}

impl Bought {
    fn rule(self, window: Option<Window>) -> Rule {
        let (first, shop) = (LineMatch::Condition(self.first.0), self.shop);
        Rule(match self.second {
            None => Node::Bought { what: first, shop, window },
            Some(second) => Node::BoughtTogether { first, second: LineMatch::Condition(second.0), shop, window },
        })
    }

    /// In one shop only.
    ///
    /// ```
    /// use regulars::when;
    /// let rule = when::bought(when::property("category").is("tea")).in_shop("dk").ever();
    /// assert!(rule.to_json().contains(r#""shop":"dk""#));
    /// ```
    #[must_use]
    pub fn in_shop(mut self, shop: impl Into<String>) -> Self {
        self.shop = Some(shop.into());
        self
    }

    /// At any time.
    ///
    /// ```
    /// let _rule = regulars::when::bought(regulars::when::property("category").is("tea")).ever();
    /// ```
    #[must_use]
    pub fn ever(self) -> Rule {
        self.rule(None)
    }

    /// In the last `span`.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let _rule = when::bought(when::property("category").is("tea")).within(Span::days(30));
    /// ```
    #[must_use]
    pub fn within(self, span: Span) -> Rule {
        self.rule(Some(Window::Last(span)))
    }

    /// Between `from` and `to` ago, the longer span first.
    ///
    /// ```
    /// use regulars::{Span, when};
    /// let _rule = when::bought(when::property("category").is("tea")).ago(Span::days(90), Span::days(30));
    /// ```
    #[must_use]
    pub fn ago(self, from: Span, to: Span) -> Rule {
        self.rule(Some(Window::Ago(from, to)))
    }

    /// From one instant to another, both included.
    ///
    /// ```
    /// use regulars::when;
    /// let range = "2011-01-01".parse()?..="2011-02-01".parse()?;
    /// let _rule = when::bought(when::property("category").is("tea")).during(range);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn during(self, range: RangeInclusive<Timestamp>) -> Rule {
        let (from, to) = range.into_inner();
        self.rule(Some(Window::Between(from, to)))
    }
}

/// A rule nests at most 64 deep; defining a deeper one, or asking it, is refused. Beyond twice that the builder adds no
/// more levels: what is refused anyhow must not grow until walking it, or dropping it, overflows the stack.
const BUILT_DEPTH_MAX: usize = 2 * DEPTH_MAX;

/// `a & b & c` is one node of three, so that a long chain makes no deep tree.
macro_rules! combine {
    ($type:ident, $node:ident) => {
        impl BitAnd for $type {
            type Output = Self;

            fn bitand(self, other: Self) -> Self {
                Self(match (self.0, other.0) {
                    ($node::And(mut all), one) if !one.is_deeper_than(BUILT_DEPTH_MAX) => {
                        all.push(one);
                        $node::And(all)
                    }
                    (deep, _) | (_, deep) if deep.is_deeper_than(BUILT_DEPTH_MAX) => deep,
                    (first, second) => $node::And(vec![first, second]),
                })
            }
        }

        impl BitOr for $type {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(match (self.0, other.0) {
                    ($node::Or(mut all), one) if !one.is_deeper_than(BUILT_DEPTH_MAX) => {
                        all.push(one);
                        $node::Or(all)
                    }
                    (deep, _) | (_, deep) if deep.is_deeper_than(BUILT_DEPTH_MAX) => deep,
                    (first, second) => $node::Or(vec![first, second]),
                })
            }
        }

        impl Not for $type {
            type Output = Self;

            fn not(self) -> Self {
                if self.0.is_deeper_than(BUILT_DEPTH_MAX) {
                    return self;
                }
                Self($node::Not(Box::new(self.0)))
            }
        }
    };
}

combine!(Rule, Node);
combine!(Condition, Inner);
