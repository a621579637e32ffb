//! Money: integer minor units of one currency.

use serde::Serialize;
use std::fmt;

/// An ISO 4217 currency in circulation or unit of account, three capital letters.
///
/// ```
/// use regulars::Currency;
/// let yen: Currency = "JPY".parse()?;
/// assert_eq!(yen.decimals(), 0);
/// assert!("EURO".parse::<Currency>().is_err());
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Active ISO 4217 codes with two decimals.
const TWO: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY \
    COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR \
    ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK \
    MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP \
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER \
    ZAR ZMW ZWG ANG HRK BOV CHE CHW COU MXV USN";
const ZERO: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";
const FOUR: &str = "CLF UYW";

impl Currency {
    /// The currency of a code in capitals; `None` for a code that is no money.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        Self::from_bytes(bytes)
    }

    /// The code, for example `EUR`.
    ///
    /// ```
    /// assert_eq!("EUR".parse::<regulars::Currency>()?.code(), "EUR");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimals a major unit has: 2 for most, 0 for JPY, 3 for KWD, 4 for CLF.
    ///
    /// ```
    /// assert_eq!("KWD".parse::<regulars::Currency>()?.decimals(), 3);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn decimals(&self) -> u8 {
        decimals_of(self.0).unwrap_or(2)
    }

    pub(crate) fn bytes(self) -> [u8; 3] {
        self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 3]) -> Option<Self> {
        decimals_of(bytes).map(|_| Self(bytes))
    }
}

/// For each three capital letters one more than the decimals of that currency; zero where there is none. Amounts are read
/// one by one, so finding one's currency must cost a load.
static DECIMALS: [u8; 26 * 26 * 26] = {
    let mut table = [0; 26 * 26 * 26];
    fill(&mut table, TWO, 2);
    fill(&mut table, ZERO, 0);
    fill(&mut table, THREE, 3);
    fill(&mut table, FOUR, 4);
    table
};

#[expect(clippy::indexing_slicing, reason = "runs while compiling, where a slip is an error")]
const fn fill(table: &mut [u8], codes: &str, decimals: u8) {
    let codes = codes.as_bytes();
    let mut at = 0;
    while at + 2 < codes.len() {
        if codes[at] == b' ' {
            at += 1;
            continue;
        }
        if let Some(slot) = slot([codes[at], codes[at + 1], codes[at + 2]]) {
            table[slot] = decimals + 1;
        }
        at += 3;
    }
}

const fn slot([a, b, c]: [u8; 3]) -> Option<usize> {
    if !a.is_ascii_uppercase() || !b.is_ascii_uppercase() || !c.is_ascii_uppercase() {
        return None;
    }
    Some(((a - b'A') as usize * 26 + (b - b'A') as usize) * 26 + (c - b'A') as usize)
}

fn decimals_of(code: [u8; 3]) -> Option<u8> {
    DECIMALS.get(slot(code)?)?.checked_sub(1)
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl std::str::FromStr for Currency {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_code(text)
            .ok_or_else(|| crate::Error::invalid("a currency is an ISO 4217 code in capitals, for example EUR"))
    }
}

/// An amount in minor units (cents) of one currency.
///
/// ```
/// use regulars::Money;
/// let total = Money::new(1990, "EUR".parse()?);
/// assert_eq!(total.to_string(), "19.90 EUR");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Money {
    /// Minor units: cents for EUR, yen for JPY.
    pub minor: i64,
    /// What they are units of.
    pub currency: Currency,
}

impl Money {
    /// `minor` units of `currency`.
    ///
    /// ```
    /// assert_eq!(regulars::Money::new(500, "JPY".parse()?).to_string(), "500 JPY");
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.currency.decimals());
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if decimals == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction} {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_prints_with_the_decimals_of_its_currency() {
        let show = |minor, code: &str| Money::new(minor, code.parse().unwrap()).to_string();
        assert_eq!(show(5, "EUR"), "0.05 EUR");
        assert_eq!(show(-123_456, "KWD"), "-123.456 KWD");
        assert_eq!(show(0, "JPY"), "0 JPY");
        for (list, decimals) in [(TWO, 2), (ZERO, 0), (THREE, 3), (FOUR, 4)] {
            for code in list.split_ascii_whitespace() {
                assert_eq!(Currency::from_code(code).map(|known| known.decimals()), Some(decimals), "{code}");
            }
        }
        let known = [TWO, ZERO, THREE, FOUR].map(|list| list.split_ascii_whitespace().count());
        assert_eq!(DECIMALS.iter().filter(|of| **of > 0).count(), known.iter().sum::<usize>());
        for bad in ["EURO", "XXX", "eur", "", "X X"] {
            assert!(Currency::from_code(bad).is_none(), "{bad}");
        }
    }
}
