//! Comparisons: one operator with its operands, held against one value.
//!
//! A positive comparison on a missing value, or on one of another type, is false; a negated operator is the exact
//! complement of its positive form. Nothing is coerced: the string "5" is not the number 5.

use super::text::Text;
use crate::base::doc::Doc;
use crate::base::name::{folded, nfc};
use crate::base::{Decimal, Timestamp};
use std::borrow::Cow;
use std::cmp::Ordering;

/// A value that a rule names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Number(Decimal),
    Text(Text),
    Instant(Timestamp),
}

/// A value of a person, to be compared.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Missing,
    Doc(Doc<'a>),
    /// A name: a text, or an integer, whose digits are one.
    Name(Doc<'a>),
    Number(Decimal),
    /// Numerator and denominator, which is above zero: averages and shares are compared without dividing.
    Ratio(Decimal, Decimal),
    Instant(Timestamp),
}

impl<'a> Value<'a> {
    /// A member of a document; `null` is missing.
    pub(crate) fn of(doc: Option<Doc<'a>>) -> Self {
        doc.filter(|doc| !doc.is_null()).map_or(Self::Missing, Self::Doc)
    }

    /// The number that it is.
    pub(crate) fn as_decimal(self) -> Option<Decimal> {
        match self {
            Self::Doc(doc) => doc.as_decimal(),
            Self::Number(number) => Some(number),
            Self::Missing | Self::Name(_) | Self::Ratio(..) | Self::Instant(_) => None,
        }
    }

    fn is_missing(self) -> bool {
        matches!(self, Self::Missing)
    }

    /// How the value stands to a literal of its own type; `None` for any other.
    fn cmp(self, literal: &Literal) -> Option<Ordering> {
        match (self, literal) {
            (Self::Doc(doc), Literal::Number(number)) => Some(doc.as_decimal()?.cmp(number)),
            (Self::Number(value), Literal::Number(number)) => Some(value.cmp(number)),
            (Self::Ratio(numerator, denominator), Literal::Number(number)) => {
                Some(match denominator.checked_mul(*number) {
                    Some(product) => numerator.cmp(&product),
                    // Beyond 38 digits only floating point is left.
                    None => (numerator.approximate() / denominator.approximate()).total_cmp(&number.approximate()),
                })
            }
            (Self::Instant(value), Literal::Instant(instant)) => Some(value.cmp(instant)),
            _ => None,
        }
    }

    pub(crate) fn equals(self, literal: &Literal) -> bool {
        match (self, literal) {
            (Self::Doc(doc), Literal::Bool(value)) => doc.as_bool() == Some(*value),
            (Self::Doc(doc), Literal::Text(text)) => doc.as_str().is_some_and(|own| nfc(&own) == text.compared()),
            (Self::Name(doc), Literal::Text(text)) => name(doc).is_some_and(|own| nfc(&own) == text.compared()),
            (Self::Name(doc), Literal::Number(number)) => name(doc).is_some_and(|own| *own == number.to_string()),
            _ => self.cmp(literal) == Some(Ordering::Equal),
        }
    }
}

/// The text of a name.
pub(crate) fn name(doc: Doc<'_>) -> Option<Cow<'_, str>> {
    doc.as_str().or_else(|| doc.as_integer())
}

/// `lt`, `lte`, `gt`, `gte`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Lt,
    Lte,
    Gt,
    Gte,
}

impl Relation {
    pub(crate) const ALL: [(Self, &'static str); 4] =
        [(Self::Lt, "lt"), (Self::Lte, "lte"), (Self::Gt, "gt"), (Self::Gte, "gte")];

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Lt => ordering.is_lt(),
            Self::Lte => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Gte => ordering.is_ge(),
        }
    }
}

/// Where in a string the needle must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Anywhere,
    Start,
    End,
}

impl Part {
    pub(crate) const ALL: [(Self, &'static str); 3] =
        [(Self::Anywhere, "contains"), (Self::Start, "starts_with"), (Self::End, "ends_with")];
}

/// One operator and its operands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Is {
        negated: bool,
        value: Literal,
    },
    In {
        negated: bool,
        values: Vec<Literal>,
    },
    Set {
        negated: bool,
    },
    Compare(Relation, Literal),
    /// Both ends included.
    Between(Literal, Literal),
    /// A part of a string, or (`contains` only) a member of a list.
    Has {
        part: Part,
        negated: bool,
        fold: bool,
        needle: Literal,
    },
    ContainsAny(Vec<Literal>),
    ContainsAll(Vec<Literal>),
    /// The length of a list.
    Len(Box<Test>),
}

impl Test {
    pub(crate) fn holds(&self, value: Value<'_>) -> bool {
        match self {
            Self::Is { negated, value: literal } => value.equals(literal) != *negated,
            Self::In { negated, values } => values.iter().any(|literal| value.equals(literal)) != *negated,
            Self::Set { negated } => value.is_missing() == *negated,
            Self::Compare(relation, literal) => value.cmp(literal).is_some_and(|ordering| relation.holds(ordering)),
            Self::Between(low, high) => {
                value.cmp(low).is_some_and(Ordering::is_ge) && value.cmp(high).is_some_and(Ordering::is_le)
            }
            Self::Has { part, negated, fold, needle } => has(value, *part, *fold, needle) != *negated,
            Self::ContainsAny(wanted) => list(value).is_some_and(|list| wanted.iter().any(|one| contains(list, one))),
            Self::ContainsAll(wanted) => list(value).is_some_and(|list| wanted.iter().all(|one| contains(list, one))),
            Self::Len(test) => test.holds(list(value).map_or(Value::Missing, |list| {
                Value::Number(Decimal::from(i64::try_from(list.items().count()).unwrap_or(i64::MAX)))
            })),
        }
    }

    /// The literals that it compares with.
    pub(crate) fn literals(&self) -> &[Literal] {
        match self {
            Self::Is { value, .. } | Self::Compare(_, value) | Self::Has { needle: value, .. } => {
                std::slice::from_ref(value)
            }
            Self::In { values, .. } | Self::ContainsAny(values) | Self::ContainsAll(values) => values,
            Self::Between(..) | Self::Set { .. } | Self::Len(_) => &[],
        }
    }

    /// The largest number that it names: beyond that, all counts look alike.
    pub(crate) fn largest_number(&self) -> Option<Decimal> {
        let number = |literal: &Literal| if let Literal::Number(number) = literal { Some(*number) } else { None };
        match self {
            Self::Between(low, high) => number(low).max(number(high)),
            _ => self.literals().iter().filter_map(number).max(),
        }
    }
}

fn list(value: Value<'_>) -> Option<Doc<'_>> {
    if let Value::Doc(doc) = value { Some(doc).filter(|doc| doc.is_list()) } else { None }
}

fn contains(list: Doc<'_>, wanted: &Literal) -> bool {
    list.items().any(|item| Value::Doc(item).equals(wanted))
}

fn has(value: Value<'_>, part: Part, fold: bool, needle: &Literal) -> bool {
    let (doc, named) = match value {
        Value::Doc(doc) => (doc, false),
        Value::Name(doc) => (doc, true),
        _ => return false,
    };
    let normal = |doc: Doc<'_>| {
        let own = if named { name(doc) } else { doc.as_str() }?;
        Some(if fold { folded(&own).into_owned() } else { nfc(&own).into_owned() })
    };
    match needle {
        Literal::Text(text) if doc.is_list() => {
            part == Part::Anywhere && doc.items().any(|item| normal(item).is_some_and(|own| own == text.compared()))
        }
        Literal::Text(text) => normal(doc).is_some_and(|own| match part {
            Part::Anywhere => own.contains(text.compared()),
            Part::Start => own.starts_with(text.compared()),
            Part::End => own.ends_with(text.compared()),
        }),
        _ => part == Part::Anywhere && doc.is_list() && contains(doc, needle),
    }
}
