//! Names as they compare: of events, traits and members, whoever's keyboard composed their letters; and texts with case
//! folded.

use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The NFC form; ASCII, which most texts are, is its own.
pub(crate) fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// The NFC form with case folded: `STRASSE`, `Straße` and `strasse` are one.
///
/// Lower, upper, lower, letter by letter, makes the same letters equal as Unicode's full case folding does; that the
/// dotless `ı` is no `i` is the one exception to be made. A whole string lowered at once would fold a final sigma
/// apart.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        return if lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_lowercase()) };
    }
    let upper = |c: char| {
        let dotless = (c == 'ı').then_some(c);
        let upper = dotless.is_none().then(|| c.to_uppercase());
        dotless.into_iter().chain(upper.into_iter().flatten())
    };
    let composed = nfc(text);
    let letters = composed.chars().flat_map(char::to_lowercase).flat_map(upper).flat_map(char::to_lowercase);
    Cow::Owned(letters.nfc().collect())
}

/// A name of a channel, purpose or status as it compares: trimmed, and whatever its case.
pub(crate) fn label(text: &str) -> Cow<'_, str> {
    folded(text.trim())
}

/// Whether two keys of a document are one name. Keys with lone surrogates are names only of themselves.
pub(crate) fn is_same_name(a: &[u8], b: &[u8]) -> bool {
    a == b || !(a.is_ascii() && b.is_ascii()) && is_composed_alike(a, b)
}

#[cold]
fn is_composed_alike(a: &[u8], b: &[u8]) -> bool {
    let texts = std::str::from_utf8(a).ok().zip(std::str::from_utf8(b).ok());
    texts.is_some_and(|(a, b)| nfc(a) == nfc(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_one_however_they_are_composed() {
        for (a, b, same) in [
            ("Café", "Cafe\u{301}", true),
            ("Å", "\u{212b}", true),
            ("K", "\u{212a}", true),
            ("q\u{307}\u{323}", "q\u{323}\u{307}", true),
            ("가", "\u{1100}\u{1161}", true),
            ("cafe", "Cafe", false),
            ("ﬁ", "fi", false),
            ("", "a", false),
        ] {
            assert_eq!(is_same_name(a.as_bytes(), b.as_bytes()), same, "{a} {b}");
            assert_eq!(nfc(a) == nfc(b), same, "{a} {b}");
        }
        assert!(!is_same_name(b"\xed\xa0\x80", "\u{fffd}".as_bytes()));
    }

    #[test]
    fn labels_are_one_whatever_their_case_and_blanks() {
        for (a, b) in [("Email", "\u{a0}EMAIL\t"), ("Straße", "STRASSE"), ("cafe\u{301}", "CAFÉ"), ("ﬁlme", "Filme")]
        {
            assert_eq!(label(a), label(b));
        }
        assert_ne!(label("email"), label("e mail"));
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn every_form_is_the_same_name(text: String) {
            let (composed, decomposed): (String, String) = (text.nfc().collect(), text.nfd().collect());
            prop_assert!(is_same_name(composed.as_bytes(), decomposed.as_bytes()));
            prop_assert_eq!(nfc(&decomposed), composed);
        }
    }
}
