//! What the cells of a whole file look like: whether a comma stands before decimals, whether the day comes before the
//! month, and in which currency amounts are.

use super::csv::Cells;
use super::dates::{DateOrder, is_serial, unordered};
use super::mapping::AMOUNTS;
use super::mapping::{Key, Mapping};
use super::money::{Sign, currency_of, without_sign};
use crate::base::Currency;

/// So many signs and currencies of a file are told apart; more are none.
const SIGNS_MAX: usize = 64;

/// What was seen so far.
#[derive(Default)]
pub(super) struct Looks {
    rows: u64,
    /// How often each sign stands around an amount, in the order of their first.
    signs: Vec<(Sign, u64)>,
    /// The same of the currencies that a column names.
    named: Vec<(Currency, u64)>,
    serial: bool,
    comma: bool,
    point: bool,
    /// A number may be one of thousands.
    unsure: bool,
    /// There are dates that do not start with the year.
    unordered: bool,
    day_first: bool,
    month_first: bool,
}

impl Looks {
    /// Looks at a row; at one that cannot be read, to count it.
    pub(super) fn look(&mut self, cells: Option<Cells<'_>>, mapping: &Mapping) {
        self.rows += 1;
        let Some(cells) = cells else { return };
        for key in &AMOUNTS {
            if let Some(text) = mapping.get(key, cells) {
                let (number, sign) = without_sign(text);
                self.look_at_number(&number);
                sign.into_iter().for_each(|sign| count(&mut self.signs, sign));
            }
        }
        if let Some(currency) = mapping.get(&Key::Currency, cells).and_then(currency_of) {
            count(&mut self.named, currency);
        }
        for key in mapping.keys() {
            match key {
                Key::Time | Key::CancelledAt => self.look_at_date(mapping.get(key, cells), true),
                Key::ConsentTime(_) | Key::OptedIn(_) => self.look_at_date(mapping.get(key, cells), true),
                Key::Unsubscribed(_) | Key::Bounced(_) | Key::Complained(_) => {
                    mapping.all(key, cells).into_iter().for_each(|cell| self.look_at_date(Some(cell), true));
                }
                Key::Trait(name) if name == "createdAt" => self.look_at_date(mapping.get(key, cells), false),
                _ => {}
            }
        }
    }

    fn look_at_date(&mut self, cell: Option<&str>, matters: bool) {
        let Some(cell) = cell else { return };
        self.serial |= matters && is_serial(cell);
        if let Some((mark, first, second)) = unordered(cell) {
            self.unordered |= matters && mark != '.' && first != second && first <= 12 && second <= 12;
            self.day_first |= first > 12 && second <= 12;
            self.month_first |= second > 12 && first <= 12;
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn is_ambiguous(&self) -> bool {
        self.unordered
    }

    pub(super) fn is_serial(&self) -> bool {
        self.serial
    }

    /// The currency that a column names most often.
    pub(super) fn named_currency(&self) -> Option<Currency> {
        commonest(&self.named)
    }

    /// The currency that most signs say; what a sign of several means is told by the others, else by the likely one.
    pub(super) fn currency(&self, near: Option<Currency>) -> Option<Currency> {
        let sure = |sign: &Sign| match sign {
            Sign::Sure(currency) => Some(*currency),
            Sign::Shared(_) => None,
        };
        let mut votes: Vec<(Currency, u64)> = Vec::new();
        for (sign, times) in &self.signs {
            let told = self.signs.iter().filter_map(|(other, _)| sure(other)).find(|other| sign.may_be(*other));
            let Some(currency) = sure(sign).or(told).or_else(|| sign.currency(near)) else { continue };
            match votes.iter_mut().find(|(known, _)| *known == currency) {
                Some((_, sum)) => *sum += times,
                None => votes.push((currency, *times)),
            }
        }
        commonest(&votes)
    }

    /// The last mark is the decimal one, unless exactly three digits follow, which could be thousands; of several equal
    /// marks none is, so the other one would be.
    fn look_at_number(&mut self, text: &str) {
        let Some(at) = text.rfind([',', '.']) else { return };
        let (comma, point) = (text.matches(',').count(), text.matches('.').count());
        match (comma, point) {
            (1, 0) | (0, 1) if text.len() - at - 1 == 3 && !text.trim_start_matches('-').starts_with('0') => {
                self.unsure |= point == 1
            }
            (0, 2..) => self.comma = true,
            (2.., 0) => self.point = true,
            _ if text.as_bytes().get(at) == Some(&b',') => self.comma = true,
            _ => self.point = true,
        }
    }

    /// Where semicolons stand between cells, commas stand in numbers: what may be 2.500 of something is no 2.5 then, and
    /// refused.
    pub(super) fn decimal_comma(&self, semicolons: bool) -> bool {
        match (self.comma, self.point) {
            (false, false) => self.unsure && semicolons,
            (comma, point) => comma && !point,
        }
    }

    pub(super) fn date_order(&self) -> Option<DateOrder> {
        match (self.day_first, self.month_first) {
            (true, false) => Some(DateOrder::DayFirst),
            (false, true) => Some(DateOrder::MonthFirst),
            _ => None,
        }
    }
}

fn count<T: PartialEq>(all: &mut Vec<(T, u64)>, one: T) {
    let room = all.len() < SIGNS_MAX;
    match all.iter_mut().find(|(known, _)| *known == one) {
        Some((_, times)) => *times += 1,
        None if room => all.push((one, 1)),
        None => {}
    }
}

/// Of equals the first.
fn commonest<T: Copy>(all: &[(T, u64)]) -> Option<T> {
    all.iter().rev().max_by_key(|(_, times)| *times).map(|(one, _)| *one)
}
