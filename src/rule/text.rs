//! Strings as rules compare them: NFC, and with case folded where the operator ends in `_ci`.

use crate::base::name::{folded, nfc};
use std::fmt;

/// A string of a rule: as spelled, and as compared.
#[derive(Clone, PartialEq)]
pub(crate) struct Text {
    pub(crate) spelled: Box<str>,
    compared: Option<Box<str>>,
}

impl Text {
    pub(crate) fn new(text: &str, fold: bool) -> Self {
        let compared = if fold { folded(text) } else { nfc(text) };
        let differs = (compared != text).then(|| Box::from(&*compared));
        Self { spelled: text.into(), compared: differs }
    }

    /// What a value's [`nfc`] or [`folded`] form is compared with.
    pub(crate) fn compared(&self) -> &str {
        self.compared.as_deref().unwrap_or(&self.spelled)
    }
}

/// A rule may hold somebody's address; logs shall not.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    #[test]
    fn composed_and_decomposed_are_one_string() {
        assert_eq!(nfc("Cafe\u{301}"), "Café");
        assert_eq!(Text::new("Cafe\u{301}", false).compared(), "Café");
        assert_eq!(&*Text::new("Cafe\u{301}", false).spelled, "Cafe\u{301}");
    }

    /// Pairs of Unicode's CaseFolding.txt (statuses C and F).
    #[test]
    fn case_folds_as_unicode_says() {
        for (a, b) in [
            ("STRASSE", "Straße"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ﬁ", "FI"),
            ("Ǆ", "ǆ"),
            ("\u{212a}", "k"),
            ("ÅRHUS", "århus"),
            ("ẞ", "ß"),
        ] {
            assert_eq!(folded(a), folded(b), "{a} {b}");
        }
        assert_ne!(folded("a"), folded("b"));
        assert_ne!(folded("ı"), folded("i"));
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn folding_is_idempotent_and_blind_to_composition(text: String) {
            let once = folded(&text).into_owned();
            prop_assert_eq!(&*folded(&once), once.as_str());
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(nfc(&decomposed), text.nfc().collect::<String>());
        }
    }
}
