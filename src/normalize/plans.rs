//! What the numbering plans say at a glance: the phone numbers that are what they seem, with no prefix to take off.
//!
//! A country strips what its pattern of prefixes matches at the start of a number. Of each alternative of the pattern the
//! plan knows with which digits a match can begin, and for whole numbers also how long they are.

use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Hir, HirKind, Look};
use std::sync::OnceLock;

/// Country codes have at most three digits.
const CODES: usize = 1000;

/// How many digits a plain number has behind its country code.
const LENGTHS: std::ops::RangeInclusive<usize> = 4..=15;

const ALL_DIGITS: u16 = 0x3ff;

/// For each length the first digits, as bits, of numbers that no country of the code would change.
type Plan = [u16; 16];

/// The plan of a country code, made when the first such number comes; `None` for a code that no country has.
fn of(code: usize) -> Option<&'static Plan> {
    static PLANS: [OnceLock<Option<Plan>>; CODES] = [const { OnceLock::new() }; CODES];
    PLANS.get(code)?.get_or_init(|| plan(u16::try_from(code).ok()?)).as_ref()
}

/// Whether some country has that code.
pub(super) fn is_code(code: usize) -> bool {
    of(code).is_some()
}

/// Whether every country of the code would leave the number as it is, and has numbers of that length.
pub(super) fn is_plain(code: usize, national: &str) -> bool {
    let first = national.bytes().next().map_or(0, |digit| u32::from(digit.wrapping_sub(b'0')));
    let plain = of(code).and_then(|plan| plan.get(national.len()));
    plain.and_then(|digits| digits.checked_shr(first)).is_some_and(|digits| digits & 1 == 1)
}

fn plan(code: u16) -> Option<Plan> {
    let countries = DATABASE.by_code(&code)?;
    let mut plan = [0; 16];
    // What belongs to no country, such as freephone numbers of the whole world, is left to the library.
    let worldwide = DATABASE.region(&code).is_none_or(|regions| regions.contains(&"001"));
    let Some(lengths) = Lengths::of(code).filter(|_| !worldwide) else { return Some(plan) };
    for (len, plain) in plan.iter_mut().enumerate() {
        if LENGTHS.contains(&len) && lengths.has(len, false) {
            // A zero may be a prefix or part of the number: that has to be looked at closely.
            *plain = ALL_DIGITS & !1;
        }
    }
    for country in countries {
        take_prefixes(country, &mut plan);
    }
    Some(plan)
}

/// Leaves out the first digits of numbers from which the country might take a prefix.
fn take_prefixes(country: &Metadata, plan: &mut Plan) {
    let own = country.national_prefix().and_then(|prefix| prefix.bytes().next()).map_or(0, bit);
    let pattern = country.national_prefix_for_parsing().map(|pattern| {
        // The patterns are spread over lines, and the library reads them so.
        let mut parser = ParserBuilder::new().ignore_whitespace(true).unicode(false).utf8(false).build();
        parser.parse(pattern.as_str()).ok()
    });
    let alternatives = match &pattern {
        None => &[],
        Some(None) => return *plan = [0; 16],
        Some(Some(pattern)) => match pattern.kind() {
            HirKind::Alternation(alternatives) => alternatives.as_slice(),
            _ => std::slice::from_ref(pattern),
        },
    };
    for (len, plain) in plan.iter_mut().enumerate() {
        let fitting = alternatives.iter().filter(|one| fits(one, len));
        *plain &= !fitting.fold(own, |taken, one| taken | openings(one));
    }
}

/// Whether the alternative can match at the start of a number of that many digits.
fn fits(alternative: &Hir, len: usize) -> bool {
    let of = alternative.properties();
    let reaches = of.maximum_len().is_none_or(|most| most >= len) || !of.look_set_suffix().contains(Look::End);
    of.minimum_len().is_none_or(|least| least <= len) && reaches
}

/// The digits with which a match can begin.
fn openings(alternative: &Hir) -> u16 {
    let prefixes = Extractor::new().extract(alternative);
    let Some(literals) = prefixes.literals() else { return ALL_DIGITS };
    literals.iter().fold(0, |taken, literal| taken | literal.as_bytes().first().map_or(ALL_DIGITS, |first| bit(*first)))
}

/// All digits for what is none.
fn bit(digit: u8) -> u16 {
    match digit {
        b'0'..=b'9' => 1 << (digit - b'0'),
        _ => ALL_DIGITS,
    }
}

/// How many digits the numbers of a country code have.
pub(super) struct Lengths<'a>(&'a Metadata);

impl Lengths<'static> {
    pub(super) fn of(code: u16) -> Option<Self> {
        let countries = DATABASE.by_code(&code)?;
        let main = countries.iter().find(|country| country.is_main_country_for_code()).or(countries.first());
        main.copied().map(Self)
    }
}

impl Lengths<'_> {
    /// libphonenumber's "possible": some kind of number of that country code has that many digits; `local` admits those
    /// that can be dialed in one area only.
    pub(super) fn has(&self, digits: usize, local: bool) -> bool {
        let Ok(digits) = u16::try_from(digits) else { return false };
        kinds(self.0).into_iter().flatten().any(|kind| {
            kind.possible_length().contains(&digits) || (local && kind.possible_local_length().contains(&digits))
        })
    }
}

fn kinds(country: &Metadata) -> [Option<&Descriptor>; 10] {
    let kinds = country.descriptors();
    [
        kinds.fixed_line(),
        kinds.mobile(),
        kinds.toll_free(),
        kinds.premium_rate(),
        kinds.shared_cost(),
        kinds.personal_number(),
        kinds.voip(),
        kinds.pager(),
        kinds.uan(),
        kinds.voicemail(),
    ]
}
