//! What kind of fact, and what is special about it.

/// What kind of fact this is. The numbers are the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    Track = 1,
    Identify = 2,
    Page = 3,
    Screen = 4,
    Group = 5,
    Alias = 6,
    /// A fuzzy match of two identifiers, with its probability.
    Match = 7,
    /// An operator: two identifiers are the same person.
    Same = 8,
    /// An operator: never the same person.
    Deny = 9,
    /// An operator: forget what was said of two identifiers so far.
    Revoke = 10,
    /// Forget identifiers and messages, which it names by keyed hashes.
    Erase = 11,
    /// What the catalogue says of a product from then on.
    Product = 12,
    /// Take back messages, which it names with their contents by keyed hashes.
    Retract = 13,
}

impl Kind {
    /// Whether it is a statement of the host: it belongs to nobody, and no question about events sees it.
    pub(crate) fn is_statement(self) -> bool {
        self as u8 >= Self::Match as u8
    }

    /// Whether it takes other facts away. Such a fact stays for ever, and counts at every instant: the past does not
    /// bring back what is gone.
    pub(crate) fn takes_away(self) -> bool {
        matches!(self, Self::Erase | Self::Retract)
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Track,
            2 => Self::Identify,
            3 => Self::Page,
            4 => Self::Screen,
            5 => Self::Group,
            6 => Self::Alias,
            7 => Self::Match,
            8 => Self::Same,
            9 => Self::Deny,
            10 => Self::Revoke,
            11 => Self::Erase,
            12 => Self::Product,
            13 => Self::Retract,
            _ => return None,
        })
    }

    /// The wire's word for it, which is also the event name of everything but a track. Statements have names that no
    /// SDK sends.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Identify => "identify",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Match => "$match",
            Self::Same => "$alias",
            Self::Deny => "$deny",
            Self::Revoke => "$revoke",
            Self::Erase => "$erase",
            Self::Product => "$product",
            Self::Retract => "$retract",
        }
    }

    /// The type of a word in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Track, Self::Identify, Self::Page, Self::Screen, Self::Group, Self::Alias]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// Yes-or-no properties of a fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits(pub(crate) u16);

impl Bits {
    /// The source is a public endpoint: dates and feeds, never joins.
    pub(crate) const CLAIMED: u16 = 1;
    /// Strong evidence for identity (class 0): identify, alias, orders and rows of CSV importers.
    pub(crate) const STRONG: u16 = 2;
    /// The time came from the clock, not from the message.
    pub(crate) const TIME_DERIVED: u16 = 4;
    /// The message id came from the content, not from the message.
    pub(crate) const ID_DERIVED: u16 = 8;
    /// The message id was a JSON integer.
    pub(crate) const ID_INTEGER: u16 = 16;
    /// A statement that came as an alias message of a trusted operator source.
    pub(crate) const OPERATOR_ALIAS: u16 = 32;
    /// The message spells its timestamp as [`Timestamp`] prints it, so the document leaves it out.
    pub(crate) const TIME_CANONICAL: u16 = 64;
    /// It stands in the place of a claimed event with its id, which counts no longer. Set when the store accepts it.
    pub(crate) const DISPLACES: u16 = 128;

    /// It says something about consent or suppression.
    pub(crate) const CONSENT: u16 = 256;
    /// Its context names a time zone, or what may be one.
    pub(crate) const ZONE: u16 = 512;

    pub(crate) fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}
