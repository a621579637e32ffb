//! The rule tree, and a segment: a rule with a name.

use super::compare::{Literal, Test};
use crate::base::name::label;
use crate::base::{Span, Timestamp};
use crate::error::{Error, Result};
use crate::fact::props::is_money;
use crate::normalize::consent::ConsentStatus;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A rule about one person at one instant: true or false.
///
/// Written with the builder in [`when`](crate::when), combined with `&`, `|` and `!`, or read from JSON, one operator a
/// node. Both forms hold the same tree: what one writes, the other reads.
///
/// ```
/// use regulars::{Rule, when};
/// let built = when::trait_("tier").is("gold") & when::orders().at_least(2);
/// let read = Rule::from_json(r#"{"and":[{"trait":"tier","is":"gold"},{"orders":"count","gte":2}]}"#)?;
/// assert_eq!(built, read);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rule(pub(crate) Node);

/// Whom a segment speaks about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Universe {
    /// Known people: profiles with an identifier of a person, such as an e-mail address.
    ///
    /// ```
    /// assert_eq!(regulars::Universe::default(), regulars::Universe::Known);
    /// ```
    #[default]
    Known,
    /// Anonymous visitors too.
    ///
    /// ```
    /// assert_eq!(serde_json::to_string(&regulars::Universe::All)?, "\"all\"");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    All,
}

/// A named rule. Its members are the people of its universe for whom the rule holds.
///
/// ```
/// use regulars::{Segment, when};
/// let slipping = Segment::new(
///     "one-time buyers slipping away",
///     when::orders().is(1) & when::days_since_last_order().between(60..=180),
/// );
/// assert_eq!(slipping.name(), "one-time buyers slipping away");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    name: String,
    rule: Rule,
    #[serde(default)]
    universe: Universe,
}

impl Segment {
    /// A segment of known people.
    ///
    /// ```
    /// use regulars::{Segment, Universe, when};
    /// let segment = Segment::new("gold", when::trait_("tier").is("gold"));
    /// assert_eq!(segment.universe(), Universe::Known);
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, rule: Rule) -> Self {
        Self { name: name.into(), rule, universe: Universe::Known }
    }

    /// The same segment over another universe.
    ///
    /// ```
    /// use regulars::{Segment, Universe, when};
    /// let visitors = Segment::new("visitors", when::is_anonymous()).within(Universe::All);
    /// assert_eq!(visitors.universe(), Universe::All);
    /// ```
    #[must_use]
    pub fn within(mut self, universe: Universe) -> Self {
        self.universe = universe;
        self
    }

    /// The name, unique in a store.
    ///
    /// ```
    /// use regulars::{Segment, when};
    /// assert_eq!(Segment::new("vip", when::orders().at_least(10)).name(), "vip");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rule.
    ///
    /// ```
    /// use regulars::{Segment, when};
    /// let rule = when::orders().at_least(10);
    /// assert_eq!(Segment::new("vip", rule.clone()).rule(), &rule);
    /// ```
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Whom it speaks about.
    ///
    /// ```
    /// use regulars::{Segment, Universe, when};
    /// assert_eq!(Segment::new("vip", when::orders().at_least(10)).universe(), Universe::Known);
    /// ```
    #[must_use]
    pub fn universe(&self) -> Universe {
        self.universe
    }

    /// Refuses what cannot be defined: a name that is blank or longer than 256 bytes, a rule that does not read back.
    pub(crate) fn check(&self) -> Result<()> {
        if self.name.trim().is_empty() || self.name.len() > 256 {
            return Err(Error::invalid("a segment needs a name of at most 256 bytes that is not blank"));
        }
        self.rule.check()
    }
}

/// One node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    AtLeast(u32, Vec<Node>),
    Segment(String),
    Trait { path: String, test: Test },
    Event(EventNode),
    Orders(OrdersNode),
    Bought { what: LineMatch, shop: Shop, window: Option<Window> },
    BoughtTogether { first: LineMatch, second: LineMatch, shop: Shop, window: Option<Window> },
    Consent { topic: Topic, answer: Answer },
    Suppressed { channel: String },
    Has { namespace: String },
    Identifiers { namespace: String, test: Test },
    Anonymous,
}

impl Node {
    /// Whether rules stand inside each other for more than so many levels. Looks no deeper than that.
    pub(crate) fn is_deeper_than(&self, levels: usize) -> bool {
        levels.checked_sub(1).is_none_or(|left| self.children().iter().any(|rule| rule.is_deeper_than(left)))
    }

    /// The rules inside this one.
    pub(crate) fn children(&self) -> &[Node] {
        match self {
            Self::And(rules) | Self::Or(rules) | Self::AtLeast(_, rules) => rules,
            Self::Not(rule) => std::slice::from_ref(rule),
            _ => &[],
        }
    }
}

/// The one shop whose events and orders count; none: all of them.
pub(crate) type Shop = Option<String>;

/// Whether something of a shop counts.
pub(crate) fn is_of_shop(wanted: &Shop, shop: &str) -> bool {
    wanted.as_deref().is_none_or(|wanted| wanted == shop)
}

/// What consent is asked about: a purpose on a channel, or a purpose whatever the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) channel: Option<String>,
    pub(crate) purpose: String,
}

impl Topic {
    /// Channel and purpose as names compare.
    pub(crate) fn names(&self) -> (Option<Cow<'_, str>>, Cow<'_, str>) {
        (self.channel.as_deref().map(label), label(&self.purpose))
    }
}

/// What a person's consent must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted,
    /// They said no, before or after a yes.
    Denied,
    /// No after a yes.
    Withdrawn,
    NeverAsked,
}

impl Answer {
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Granted, "granted"),
        (Self::Denied, "denied"),
        (Self::Withdrawn, "withdrawn"),
        (Self::NeverAsked, "never_asked"),
    ];

    pub(crate) fn holds(self, status: Option<ConsentStatus>) -> bool {
        match self {
            Self::Granted => status == Some(ConsentStatus::Granted),
            Self::Denied => matches!(status, Some(ConsentStatus::Denied | ConsentStatus::Withdrawn)),
            Self::Withdrawn => status == Some(ConsentStatus::Withdrawn),
            Self::NeverAsked => status.is_none(),
        }
    }
}

/// Something about a person's events of one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventNode {
    pub(crate) name: String,
    pub(crate) shop: Shop,
    pub(crate) filter: Option<Condition>,
    pub(crate) ask: Ask,
}

impl EventNode {
    /// Whether it looks at amounts, of the events or of their lines.
    pub(crate) fn reads_money(&self) -> bool {
        let measured = match &self.ask {
            Ask::Measure(measure, ..) => measure.path(),
            _ => None,
        };
        measured.is_some_and(is_money) || self.filter.as_ref().is_some_and(Condition::reads_money)
    }
}

/// What is asked about the events.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    /// At least one.
    Did(Option<Window>),
    /// A measure of them, compared.
    Measure(Measure, Option<Window>, Test),
    /// The first ever lies in the window.
    FirstTimeIn(Window),
    /// Did in the longer window, not in the shorter.
    Stopped(Span, Span),
    /// Did in the window, and not in the gap before the first of them, and did before that.
    Restarted { gap: Span, window: Span },
    /// At least one event in `needed` of the `periods` periods that end now.
    Regularly { period: Span, needed: u32, periods: u32 },
}

/// A number or a value that events add up to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measure {
    Count,
    /// Distinct calendar days of the store's zone.
    Days,
    Sum(String),
    Average(String),
    Min(String),
    Max(String),
    Distinct(String),
    First(String),
    Last(String),
    /// Counted from 1.
    Nth(u32, String),
}

impl Measure {
    /// The property that it is taken of.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Count | Self::Days => None,
            Self::Sum(path) | Self::Average(path) | Self::Min(path) | Self::Max(path) => Some(path),
            Self::Distinct(path) | Self::First(path) | Self::Last(path) | Self::Nth(_, path) => Some(path),
        }
    }
}

/// Something about a person's orders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OrdersNode {
    pub(crate) measure: OrderMeasure,
    pub(crate) shop: Shop,
    pub(crate) window: Option<Window>,
    pub(crate) filter: Option<Condition>,
    pub(crate) test: Test,
}

/// A measure of orders, net of refunds where it does not say gross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderMeasure {
    Count,
    Net,
    Gross,
    Average,
    AverageGross,
    FirstAt,
    LastAt,
    DaysSinceFirst,
    DaysSinceLast,
    AverageDaysBetween,
    DiscountShare,
    RefundShare,
}

impl OrderMeasure {
    pub(crate) const ALL: [Self; 12] = [
        Self::Count,
        Self::Net,
        Self::Gross,
        Self::Average,
        Self::AverageGross,
        Self::FirstAt,
        Self::LastAt,
        Self::DaysSinceFirst,
        Self::DaysSinceLast,
        Self::AverageDaysBetween,
        Self::DiscountShare,
        Self::RefundShare,
    ];

    /// The word for it in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Net => "net",
            Self::Gross => "gross",
            Self::Average => "average",
            Self::AverageGross => "average_gross",
            Self::FirstAt => "first_at",
            Self::LastAt => "last_at",
            Self::DaysSinceFirst => "days_since_first",
            Self::DaysSinceLast => "days_since_last",
            Self::AverageDaysBetween => "average_days_between",
            Self::DiscountShare => "discount_share",
            Self::RefundShare => "refund_share",
        }
    }
}

/// Which instants count, seen from the instant of the question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Window {
    /// `(t - w, t]`
    Last(Span),
    /// `(t - a, t - b]`
    Ago(Span, Span),
    /// Both ends included, whatever the instant of the question.
    Between(Timestamp, Timestamp),
}

impl Window {
    /// The window at `at` as `(after, up to]`; never beyond `at`.
    pub(crate) fn bounds(window: Option<Self>, at: Timestamp) -> (Timestamp, Timestamp) {
        let back = |span: Span| at.plus_millisecond(-span.as_millisecond());
        match window {
            None => (Timestamp::MIN, at),
            Some(Self::Last(span)) => (back(span), at),
            Some(Self::Ago(from, to)) => (back(from), back(to)),
            Some(Self::Between(from, to)) => (from.plus_millisecond(-1), to.min(at)),
        }
    }
}

/// A condition on one event, one order or one product line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Property { path: String, test: Test },
    Line(Quantifier, Box<Condition>),
}

impl Condition {
    /// As [`Node::is_deeper_than`].
    pub(crate) fn is_deeper_than(&self, levels: usize) -> bool {
        let Some(left) = levels.checked_sub(1) else { return true };
        match self {
            Self::And(inner) | Self::Or(inner) => inner.iter().any(|inner| inner.is_deeper_than(left)),
            Self::Not(inner) | Self::Line(_, inner) => inner.is_deeper_than(left),
            Self::Property { .. } => false,
        }
    }

    /// Whether it asks for product lines. As deep as the condition, which parsing and definition bound.
    pub(crate) fn reads_lines(&self) -> bool {
        match self {
            Self::And(inner) | Self::Or(inner) => inner.iter().any(Self::reads_lines),
            Self::Not(inner) => inner.reads_lines(),
            Self::Property { .. } => false,
            Self::Line(..) => true,
        }
    }

    /// Whether it asks for amounts. As deep as the condition, which parsing and definition bound.
    fn reads_money(&self) -> bool {
        match self {
            Self::And(inner) | Self::Or(inner) => inner.iter().any(Self::reads_money),
            Self::Not(inner) | Self::Line(_, inner) => inner.reads_money(),
            Self::Property { path, .. } => is_money(path),
        }
    }
}

impl LineMatch {
    /// Whether it asks for more than which product a line is of.
    pub(crate) fn reads_lines(&self) -> bool {
        !matches!(self, Self::Product { brand: None, category: None, .. })
    }
}

/// How many product lines the whole condition must hold for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    /// Every line, and there is at least one.
    All,
    None,
}

/// One product line of an order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LineMatch {
    /// All that are given must be equal; at least one is.
    Product {
        product: Option<Literal>,
        brand: Option<Literal>,
        category: Option<Literal>,
    },
    Condition(Condition),
}
