//! Sums of products with more digits than a [`Decimal`](super::Decimal) holds: slow, and rounded as the exact value is.

/// A limb holds nine digits.
const LIMB: u64 = 1_000_000_000;
const DIGITS: i64 = 9;
/// Limbs of a factor behind the point, and in front of it: 405 digits each, more than any `f64` has in front of its.
const FRACTION: usize = 45;
const LIMBS: usize = 2 * FRACTION;
/// Limbs of a product, and one for what the sum carries over.
const SUM: usize = 2 * LIMBS + 1;

/// A sum of products of decimals.
pub(crate) struct WideSum {
    /// The products above zero and those below, apart.
    sides: [Vec<u64>; 2],
}

impl WideSum {
    pub(crate) fn new() -> Self {
        Self { sides: [vec![0; SUM], vec![0; SUM]] }
    }

    /// Adds the product of two numbers of the JSON grammar; `None` for one of 10^405 or more.
    pub(crate) fn add(&mut self, a: &str, b: &str) -> Option<()> {
        let (a_below, a) = factor(a)?;
        let (b_below, b) = factor(b)?;
        let side = self.sides.get_mut(usize::from(a_below != b_below))?;
        for (at, a) in a.iter().enumerate().filter(|(_, a)| **a > 0) {
            let mut carry = 0;
            for (slot, b) in side.get_mut(at..)?.iter_mut().zip(b.iter().copied().chain(std::iter::repeat(0))) {
                let sum = *slot + a * b + carry;
                (*slot, carry) = (sum % LIMB, sum / LIMB);
            }
        }
        Some(())
    }

    /// The sum in units of `10^-decimals`, rounded half to even, and whether rounding changed it; `None` beyond `i64`.
    pub(crate) fn to_units(&self, decimals: u8) -> Option<(i64, bool)> {
        let [above, below] = &self.sides;
        let negative = above.iter().rev().lt(below.iter().rev());
        let (more, less) = if negative { (below, above) } else { (above, below) };
        let factor = 10u64.checked_pow(decimals.into()).filter(|factor| *factor < LIMB)?;
        let (mut carry, mut borrow) = (0, 0);
        let mut units = Vec::with_capacity(SUM);
        for (more, less) in more.iter().zip(less) {
            let limb = more + LIMB - less - borrow;
            borrow = u64::from(limb < LIMB);
            let limb = limb % LIMB * factor + carry;
            units.push(limb % LIMB);
            carry = limb / LIMB;
        }
        let (fraction, whole) = units.split_at_checked(2 * FRACTION)?;
        let (first, rest) = fraction.split_last()?;
        let rest = rest.iter().any(|limb| *limb > 0);
        let mut value = 0i128;
        for limb in whole.iter().rev() {
            value = value.checked_mul(i128::from(LIMB))?.checked_add(i128::from(*limb))?;
        }
        let half = *first == LIMB / 2;
        value = value.checked_add(i128::from(*first > LIMB / 2 || half && (rest || value % 2 == 1)))?;
        let minor = i64::try_from(if negative { -value } else { value }).ok()?;
        (carry == 0).then_some((minor, *first > 0 || rest))
    }
}

/// Whether a number is below zero, and its limbs, the last ones first. What stands 405 digits or more behind the point
/// counts as one more digit.
fn factor(text: &str) -> Option<(bool, [u64; LIMBS])> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (below, digits) = mantissa.strip_prefix('-').map_or((false, mantissa), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent = match exponent.strip_prefix('-') {
        Some(small) => small.parse().map_or(i64::MIN / 4, |exponent: i64| -exponent),
        None => exponent.trim_start_matches('+').parse().unwrap_or(i64::MAX / 4),
    };
    let point = i64::try_from(whole.len()).ok()?.saturating_add(exponent).saturating_add(DIGITS * FRACTION as i64);
    let mut limbs = [0; LIMBS];
    for (place, digit) in (1i64..).zip(whole.bytes().chain(fraction.bytes())).filter(|(_, digit)| *digit != b'0') {
        let at = point.saturating_sub(place);
        if at <= 0 {
            limbs[0] |= 1;
            break;
        }
        let limb = limbs.get_mut(usize::try_from(at / DIGITS).ok()?)?;
        *limb += u64::from(digit.wrapping_sub(b'0')) * 10u64.pow(u32::try_from(at % DIGITS).ok()?);
    }
    Some((below, limbs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Decimal;
    use proptest::prelude::*;

    fn sum(products: &[(&str, &str)], decimals: u8) -> Option<(i64, bool)> {
        let mut sum = WideSum::new();
        for (a, b) in products {
            sum.add(a, b)?;
        }
        sum.to_units(decimals)
    }

    #[test]
    fn numbers_of_any_length_are_rounded_as_they_are() {
        let third = format!("0.{}", "3".repeat(60));
        assert_eq!(sum(&[("3", &third)], 2), Some((100, true)));
        assert_eq!(sum(&[("3e20", &third), ("-1e20", "1")], 0), Some((0, true)));
        assert_eq!(sum(&[("1e300", "1e-300")], 2), Some((100, false)));
        assert_eq!(sum(&[("1e39", "0")], 2), Some((0, false)));
        assert_eq!(sum(&[("1e39", "1")], 2), None);
        assert_eq!(sum(&[("1e400", "1e400")], 2), None);
        assert_eq!(sum(&[("1e500", "1")], 2), None);
        assert_eq!(sum(&[("1701411834604692317316873037158841057.276", "1")], 2), None);
        assert_eq!(sum(&[("1e-500", "1"), ("0.005", "1")], 2), Some((1, true)));
        assert_eq!(sum(&[("0.005", "1")], 2), Some((0, true)));
        assert_eq!(sum(&[("1e-99999999999999999999", "1")], 2), Some((0, true)));
        assert_eq!(sum(&[("92233720368547758.07", "1")], 2), Some((i64::MAX, false)));
        assert_eq!(sum(&[("-92233720368547758.08", "1")], 2), Some((i64::MIN, false)));
        assert_eq!(sum(&[("90000000000000000", "0.00000000000000000005888888888888888888")], 2), Some((1, true)));
        assert_eq!(sum(&[("90000000000000000", "0.0000000000000000000588888888888888888888")], 2), Some((1, true)));
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn rounding_agrees_with_exact_decimals(text in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,8})?([eE][+-]?[0-9])?", decimals in 0u8..4) {
            let exact = Decimal::parse(&text).and_then(|exact| exact.to_units(decimals));
            prop_assert_eq!(sum(&[(&text, "1")], decimals), exact);
        }

        #[test]
        fn sums_agree_with_exact_decimals(
            products in prop::collection::vec(("-?[0-9]{1,9}(\\.[0-9]{1,6})?", "-?[0-9]{1,6}(\\.[0-9]{1,4})?"), 0..5),
            decimals in 0u8..5,
        ) {
            let mut exact = Decimal::from(0);
            for (a, b) in &products {
                let product = Decimal::parse(a).unwrap().checked_mul(Decimal::parse(b).unwrap()).unwrap();
                exact = exact.checked_add(product).unwrap();
            }
            let products: Vec<(&str, &str)> = products.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            prop_assert_eq!(sum(&products, decimals), exact.to_units(decimals));
        }
    }
}
