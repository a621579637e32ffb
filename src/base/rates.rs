//! Recorded exchange rates.

use super::decimal::Decimal;
use super::money::{Currency, Money};
use super::time::{Timestamp, days_from_civil};
use super::zone::Zone;
use std::collections::BTreeMap;

/// One recorded rate: from a day on, one unit of `from` is worth `rate` units of `to`.
///
/// ```
/// use regulars::{Currency, Rate};
/// let rate = Rate::new("2026-01-31", "SEK".parse()?, "EUR".parse()?, "0.0871".parse()?)?;
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Days since 1970-01-01.
    pub(crate) day: i64,
    pub(crate) from: Currency,
    pub(crate) to: Currency,
    pub(crate) rate: Decimal,
}

impl Rate {
    /// The rate of a day, `YYYY-MM-DD`.
    ///
    /// # Errors
    /// `Invalid` for a day that does not exist, a rate that is not above zero, or one between a currency and itself.
    ///
    /// ```
    /// use regulars::Rate;
    /// let (sek, eur) = ("SEK".parse()?, "EUR".parse()?);
    /// assert!(Rate::new("2026-02-30", sek, eur, "0.0871".parse()?).is_err());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn new(date: &str, from: Currency, to: Currency, rate: Decimal) -> crate::Result<Self> {
        let parts: Vec<i64> = date.split('-').map_while(|part| part.parse().ok()).collect();
        let day = match parts[..] {
            [year, month, day] if date.len() == 10 => days_from_civil(year, month, day),
            _ => None,
        };
        let day = day.ok_or_else(|| crate::Error::invalid("the date of a rate is YYYY-MM-DD"))?;
        if rate.is_negative() || rate.is_zero() || from == to {
            return Err(crate::Error::invalid("a rate is above zero and between two currencies"));
        }
        Ok(Self { day, from, to, rate })
    }
}

/// All recorded rates: the latest at or before a day counts; no inverse and no cross rates.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    /// Whose days count.
    zone: Zone,
    known: BTreeMap<(Currency, Currency, i64), Decimal>,
}

impl Rates {
    /// No rates yet, by the days of a zone.
    pub(crate) fn new(zone: Zone) -> Self {
        Self { zone, known: BTreeMap::new() }
    }

    /// Records a rate; another one of the same day and currencies is replaced.
    pub(crate) fn record(&mut self, rate: Rate) {
        self.known.insert((rate.from, rate.to, rate.day), rate.rate);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Rate> + '_ {
        self.known.iter().map(|((from, to, day), rate)| Rate { day: *day, from: *from, to: *to, rate: *rate })
    }

    /// The amount in another currency at the day of an instant, rounded half to even; `None` without a rate, and where
    /// the result does not fit.
    pub(crate) fn convert(&self, money: Money, to: Currency, at: Timestamp) -> Option<i64> {
        if money.currency == to {
            return Some(money.minor);
        }
        let day = self.zone.day(at);
        let from = money.currency;
        let (_, rate) = self.known.range((from, to, i64::MIN)..=(from, to, day)).next_back()?;
        let major = Decimal::new(i128::from(money.minor), from.decimals());
        major.checked_mul(*rate)?.to_units(to.decimals()).map(|(minor, _)| minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_rate_at_or_before_the_day_counts() {
        let (sek, eur) = ("SEK".parse().unwrap(), "EUR".parse().unwrap());
        let mut rates = Rates::default();
        rates.record(Rate::new("2026-01-10", sek, eur, "0.1".parse().unwrap()).unwrap());
        rates.record(Rate::new("2026-01-20", sek, eur, "0.125".parse().unwrap()).unwrap());
        let convert = |minor, day: &str| rates.convert(Money::new(minor, sek), eur, day.parse().unwrap());
        assert_eq!(convert(1000, "2026-01-09"), None, "no rate yet");
        assert_eq!(convert(1000, "2026-01-10"), Some(100));
        assert_eq!(convert(1000, "2026-01-19T23:59:59.999Z"), Some(100));
        assert_eq!(convert(100, "2026-01-20"), Some(12), "12.5 goes to the even neighbor");
        assert_eq!(convert(300, "2026-02-01"), Some(38), "37.5 goes to the even neighbor");
        assert_eq!(rates.convert(Money::new(5, eur), sek, "2026-02-01".parse().unwrap()), None, "no inverse rates");
        let mut local = Rates::new(Zone::named("Europe/Copenhagen").unwrap());
        rates.iter().for_each(|rate| local.record(rate));
        let at = "2026-01-19T23:00:00Z".parse().unwrap();
        assert_eq!(local.convert(Money::new(100, sek), eur, at), Some(12), "a day begins at its zone's midnight");
        assert!(Rate::new("2026-1-1", sek, eur, "1".parse().unwrap()).is_err());
        assert!(Rate::new("2026-01-01", sek, eur, "0".parse().unwrap()).is_err());
    }
}
