//! A condition over columns: asked once a distinct value, then looked up a fact or a line.

use crate::base::bytes::row32;
use crate::people::bits::Bits;
use crate::people::dictionary::Verdict;
use crate::people::ledger::{Ledger, Lines, Property, Wanted};
use crate::rule::compare::{Literal, Test};
use crate::rule::node::{Ask, Condition, LineMatch, Node, Quantifier};

/// The condition of the facts of an input, or of their lines.
pub(super) enum Filter<'l> {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Property(&'l Property, Verdict),
    Lines(Quantifier, &'l Lines, Box<Self>),
    Always(bool),
}

/// What a leaf reads of the facts of its input, beside their times.
pub(super) fn read_of(leaf: &Node) -> Wanted {
    let mut wanted = Wanted::default();
    let (shop, filter) = match leaf {
        Node::Event(event) => {
            if let Ask::Measure(measure, ..) = &event.ask {
                wanted.properties.extend(measure.path().map(str::to_owned));
            }
            (&event.shop, event.filter.as_ref())
        }
        Node::Orders(orders) => (&orders.shop, orders.filter.as_ref()),
        Node::Bought { what, shop, .. } => {
            read_by_match(what, &mut wanted);
            (shop, None)
        }
        Node::BoughtTogether { first, second, shop, .. } => {
            [first, second].into_iter().for_each(|what| read_by_match(what, &mut wanted));
            (shop, None)
        }
        _ => return wanted,
    };
    wanted.shops = shop.is_some();
    filter.into_iter().for_each(|filter| read_by(filter, &mut wanted));
    wanted
}

/// Adds what a condition reads of facts.
fn read_by(condition: &Condition, wanted: &mut Wanted) {
    match condition {
        Condition::And(inner) | Condition::Or(inner) => inner.iter().for_each(|one| read_by(one, wanted)),
        Condition::Not(inner) => read_by(inner, wanted),
        Condition::Property { path, .. } => _ = wanted.properties.insert(path.clone()),
        Condition::Line(_, inner) => read_of_lines(inner, wanted),
    }
}

/// Adds what a condition reads of product lines.
fn read_of_lines(condition: &Condition, wanted: &mut Wanted) {
    match condition {
        Condition::And(inner) | Condition::Or(inner) => inner.iter().for_each(|one| read_of_lines(one, wanted)),
        Condition::Not(inner) => read_of_lines(inner, wanted),
        Condition::Property { path, .. } => _ = wanted.lines.get_or_insert_default().insert(path.clone()),
        // Lines do not nest.
        Condition::Line(..) => _ = wanted.lines.get_or_insert_default(),
    }
}

/// Adds what a match reads of product lines.
fn read_by_match(what: &LineMatch, wanted: &mut Wanted) {
    wanted.lines.get_or_insert_default();
    match what {
        LineMatch::Condition(condition) => read_of_lines(condition, wanted),
        LineMatch::Product { product, brand, category } => {
            let lines = wanted.lines.get_or_insert_default();
            let given = [("product_id", product), ("brand", brand), ("category", category)];
            lines.extend(given.into_iter().filter(|(_, literal)| literal.is_some()).map(|(path, _)| path.to_owned()));
        }
    }
}

impl<'l> Filter<'l> {
    /// The condition of the facts of a ledger in which all that it reads was read. As deep as the condition, which parsing and
    /// definition bound.
    pub(super) fn of(condition: &Condition, ledger: &'l Ledger) -> Self {
        match condition {
            Condition::And(inner) => Self::And(inner.iter().map(|one| Self::of(one, ledger)).collect()),
            Condition::Or(inner) => Self::Or(inner.iter().map(|one| Self::of(one, ledger)).collect()),
            Condition::Not(inner) => Self::Not(Box::new(Self::of(inner, ledger))),
            Condition::Property { path, test } => Self::property(ledger.property(path), test),
            Condition::Line(quantifier, inner) => match ledger.lines() {
                Some(lines) => Self::Lines(*quantifier, lines, Box::new(Self::of_lines(inner, lines))),
                None => Self::Always(*quantifier == Quantifier::None),
            },
        }
    }

    /// The same of product lines.
    fn of_lines(condition: &Condition, lines: &'l Lines) -> Self {
        match condition {
            Condition::And(inner) => Self::And(inner.iter().map(|one| Self::of_lines(one, lines)).collect()),
            Condition::Or(inner) => Self::Or(inner.iter().map(|one| Self::of_lines(one, lines)).collect()),
            Condition::Not(inner) => Self::Not(Box::new(Self::of_lines(inner, lines))),
            Condition::Property { path, test } => Self::property(lines.property(path), test),
            // A line has no lines.
            Condition::Line(quantifier, _) => Self::Always(*quantifier == Quantifier::None),
        }
    }

    /// What a line must be.
    pub(super) fn of_match(what: &LineMatch, lines: &'l Lines) -> Self {
        match what {
            LineMatch::Condition(condition) => Self::of_lines(condition, lines),
            LineMatch::Product { product, brand, category } => {
                let given = [("product_id", product), ("brand", brand), ("category", category)];
                let is = |(path, literal): (&str, &Option<Literal>)| {
                    let value = literal.clone()?;
                    Some(Self::property(lines.property(path), &Test::Is { negated: false, value }))
                };
                Self::And(given.into_iter().filter_map(is).collect())
            }
        }
    }

    fn property(property: Option<&'l Property>, test: &Test) -> Self {
        property.map_or(Self::Always(false), |property| Self::Property(property, property.verdict(test)))
    }

    /// All facts or lines that pass, of so many.
    pub(super) fn matching(&self, len: usize) -> Bits {
        let len32 = row32(len);
        match self {
            Self::And(inner) => inner.iter().fold(Bits::all(len32), |mut left, one| {
                left.and(&one.matching(len));
                left
            }),
            Self::Or(inner) => inner.iter().fold(Bits::none(len32), |mut all, one| {
                all.or(&one.matching(len));
                all
            }),
            Self::Not(inner) => inner.matching(len).complement(),
            Self::Property(property, verdict) => property.matching(verdict),
            Self::Lines(..) => Bits::of(len32, |place| self.passes(place)),
            Self::Always(true) => Bits::all(len32),
            Self::Always(false) => Bits::none(len32),
        }
    }

    /// Whether the fact or line at a place passes.
    pub(super) fn passes(&self, place: usize) -> bool {
        match self {
            Self::And(inner) => inner.iter().all(|one| one.passes(place)),
            Self::Or(inner) => inner.iter().any(|one| one.passes(place)),
            Self::Not(inner) => !inner.passes(place),
            Self::Property(property, verdict) => verdict.holds(property.code(place)),
            Self::Lines(quantifier, lines, inner) => {
                let mut lines = lines.of(place);
                match quantifier {
                    Quantifier::Any => lines.any(|line| inner.passes(line)),
                    Quantifier::None => !lines.any(|line| inner.passes(line)),
                    // Of no lines nothing positive is true: an order without lines is not one "of brand A only".
                    Quantifier::All => !lines.is_empty() && lines.all(|line| inner.passes(line)),
                }
            }
            Self::Always(passes) => *passes,
        }
    }
}

/// The facts of a ledger that count: of a shop, and passing a filter.
pub(super) struct Counted<'l> {
    filter: Option<Filter<'l>>,
    of_shop: Option<Box<dyn Fn(usize) -> bool + 'l>>,
}

impl<'l> Counted<'l> {
    pub(super) fn new(ledger: &'l Ledger, shop: Option<&str>, condition: Option<&Condition>) -> Self {
        let of_shop = shop.map(|shop| -> Box<dyn Fn(usize) -> bool + 'l> { Box::new(ledger.is_of_shop(shop)) });
        Self { filter: condition.map(|condition| Filter::of(condition, ledger)), of_shop }
    }

    /// Whether all of them count.
    pub(super) fn is_all(&self) -> bool {
        self.filter.is_none() && self.of_shop.is_none()
    }

    pub(super) fn has(&self, entry: usize) -> bool {
        self.of_shop.as_ref().is_none_or(|of_shop| of_shop(entry))
            && self.filter.as_ref().is_none_or(|filter| filter.passes(entry))
    }
}

/// How many of a ledger's facts each of so many people has among some entries.
pub(super) fn counts(ledger: &Ledger, people: u32, range: std::ops::Range<usize>, counted: &Counted<'_>) -> Vec<u32> {
    let mut counts = vec![0u32; people as usize];
    for entry in range {
        let Some(ordinal) = ledger.entries.ordinal(entry).filter(|_| counted.has(entry)) else { continue };
        if let Some(count) = counts.get_mut(ordinal as usize) {
            *count += 1;
        }
    }
    debug_assert!(row32(counts.len()) == people);
    counts
}
