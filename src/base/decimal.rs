//! Exact decimals: what JSON numbers, prices and exchange rates are before anybody rounds them.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number of up to 38 digits, `mantissa / 10^scale`, without the rounding of binary floating point.
///
/// ```
/// use regulars::Decimal;
/// let price: Decimal = "19.90".parse()?;
/// assert_eq!(price, "19.9".parse()?);
/// assert_eq!(price.to_string(), "19.9");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

/// Powers of ten that fit an `i128`.
const SCALE_MAX: u8 = 38;

impl Decimal {
    /// `mantissa / 10^scale`, in lowest terms.
    pub(crate) fn new(mut mantissa: i128, mut scale: u8) -> Self {
        // Nearly all numbers are short, and dividing long ones is slow.
        if let Ok(mut short) = i64::try_from(mantissa) {
            while scale > 0 && short % 10 == 0 {
                short /= 10;
                scale -= 1;
            }
            return Self { mantissa: i128::from(short), scale };
        }
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// Reads the JSON number grammar plus a leading `+`-less sign: digits, decimals, exponent. `None` where the exact
    /// value does not fit 38 digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || (digits.contains('.') && fraction.is_empty()) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let mut mantissa = 0i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            mantissa = mantissa.checked_mul(10)?.checked_add(digit)?;
        }
        let signed = if negative { -mantissa } else { mantissa };
        Self::shifted(signed, exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?)
    }

    /// The same; of a number with more decimals than fit, the rest counts as one more digit, so that it rounds as the
    /// exact value does.
    pub(crate) fn parse_near(text: &str) -> Option<Self> {
        const KEPT: usize = 20;
        if let Some(exact) = Self::parse(text) {
            return Some(exact);
        }
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.')?;
        let (kept, rest) = fraction.split_at_checked(KEPT)?;
        let more = rest.bytes().all(|byte| byte.is_ascii_digit()).then(|| rest.bytes().any(|byte| byte != b'0'))?;
        Self::parse(&format!("{whole}.{kept}{}e{exponent}", u8::from(more)))
    }

    /// `mantissa * 10^exponent`.
    fn shifted(mut mantissa: i128, mut exponent: i64) -> Option<Self> {
        if mantissa == 0 {
            return Some(Self { mantissa: 0, scale: 0 });
        }
        while exponent < 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            exponent += 1;
        }
        while exponent > 0 {
            mantissa = mantissa.checked_mul(10)?;
            exponent -= 1;
        }
        let scale = u8::try_from(-exponent).ok().filter(|scale| *scale <= SCALE_MAX)?;
        Some(Self { mantissa, scale })
    }

    /// The value in units of `10^-decimals`, rounded half to even, and whether rounding changed it.
    ///
    /// `None` where the result does not fit an `i64`.
    pub(crate) fn to_units(self, decimals: u8) -> Option<(i64, bool)> {
        if self.scale <= decimals {
            let factor = 10i128.checked_pow(u32::from(decimals - self.scale))?;
            return Some((i64::try_from(self.mantissa.checked_mul(factor)?).ok()?, false));
        }
        let divisor = 10i128.checked_pow(u32::from(self.scale - decimals))?;
        Some((i64::try_from(div_half_even(self.mantissa, divisor)).ok()?, true))
    }

    /// The product, exact, or `None` where it does not fit.
    pub(crate) fn checked_mul(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        let reduced = Self::new(mantissa, self.scale.checked_add(other.scale)?);
        (reduced.scale <= SCALE_MAX).then_some(reduced)
    }

    /// The sum, exact, or `None` where it does not fit.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let sum = self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?;
        Some(Self::new(sum, scale))
    }

    /// The negated value.
    pub(crate) fn negated(self) -> Self {
        Self { mantissa: -self.mantissa, scale: self.scale }
    }

    pub(crate) fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    pub(crate) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    fn at_scale(self, scale: u8) -> Option<i128> {
        if scale == self.scale {
            return Some(self.mantissa);
        }
        self.mantissa.checked_mul(10i128.checked_pow(u32::from(scale.checked_sub(self.scale)?))?)
    }
}

/// Division rounded to the nearest, ties to the even neighbor. `divisor` is positive.
pub(crate) fn div_half_even(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    match (rest * 2).cmp(&divisor) {
        Ordering::Less => quotient,
        Ordering::Greater => quotient + 1,
        Ordering::Equal => quotient + (quotient & 1),
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self { mantissa: i128::from(value), scale: 0 }
    }
}

impl std::str::FromStr for Decimal {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
            .ok_or_else(|| crate::Error::invalid("a decimal is digits with an optional point, up to 38 digits"))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        if let (Some(a), Some(b)) = (self.at_scale(scale), other.at_scale(scale)) {
            return a.cmp(&b);
        }
        // What stands in front of the point first; a fraction has at most 38 digits in any scale.
        let parts = |of: &Self| {
            let one = 10i128.pow(u32::from(of.scale));
            (of.mantissa.div_euclid(one), of.mantissa.rem_euclid(one) * 10i128.pow(u32::from(scale - of.scale)))
        };
        parts(self).cmp(&parts(other))
    }
}

impl Decimal {
    /// The nearest `f64`.
    pub(crate) fn approximate(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "an approximation is what the caller asked for")]
        let mantissa = self.mantissa as f64;
        mantissa / 10f64.powi(i32::from(self.scale))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl std::hash::Hash for Decimal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Self { mantissa, scale } = Self::new(self.mantissa, self.scale);
        (mantissa, scale).hash(state);
    }
}

/// As a string: no reader of JSON may round it.
impl serde::Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn units(text: &str) -> Option<(i64, bool)> {
        Decimal::parse(text)?.to_units(2)
    }

    #[test]
    fn cents_are_exact_and_ties_go_to_even() {
        assert_eq!(units("19.9"), Some((1990, false)));
        assert_eq!(units("0.1"), Some((10, false)));
        assert_eq!(units("1e2"), Some((10_000, false)));
        assert_eq!(units("0.125"), Some((12, true)));
        assert_eq!(units("0.135"), Some((14, true)));
        assert_eq!(units("-0.125"), Some((-12, true)));
        assert_eq!(units("2.5000"), Some((250, false)));
        assert_eq!(units("99999999999999999999"), None);
        for bad in ["", "-", ".", "1.", "1,5", "$5", "1e", "0x1", "1e999999999999"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn order_and_text_are_those_of_the_number(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000, scale in 0u8..4) {
            let (x, y) = (Decimal::new(i128::from(a), scale), Decimal::new(i128::from(b), scale));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(Decimal::parse(&x.to_string()), Some(x));
            prop_assert_eq!(x.checked_add(y), Some(Decimal::new(i128::from(a + b), scale)));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = Decimal::parse(&text);
        }
    }
}
