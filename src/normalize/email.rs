//! E-mail addresses: lower case, NFC, the domain as A-labels. No folding of dots or `+suffix`, no deliverability
//! checks.

use unicode_normalization::UnicodeNormalization;

/// Characters of an address at most.
const CHARS_MAX: usize = 254;

/// Appends the normal form; `None` for what is no address.
pub(crate) fn normalize(raw: &str, out: &mut String) -> Option<()> {
    plain(raw.trim(), out).or_else(|| general(raw, out))
}

/// The common case without allocation: ASCII, no A-label to check.
fn plain(raw: &str, out: &mut String) -> Option<()> {
    let at = raw.find('@')?;
    let bytes = raw.as_bytes();
    let punycode = bytes.contains(&b'-') && bytes.windows(4).any(|four| four.eq_ignore_ascii_case(b"xn--"));
    if !raw.is_ascii() || punycode || !is_address(raw, at) {
        return None;
    }
    let start = out.len();
    out.push_str(raw);
    out.get_mut(start..)?.make_ascii_lowercase();
    Some(())
}

fn general(raw: &str, out: &mut String) -> Option<()> {
    if raw.len() > 4 * CHARS_MAX * 4 {
        return None;
    }
    let visible: String = raw.chars().filter(|c| !is_zero_width(*c)).nfc().collect();
    // Lower-casing can leave a letter and a mark that compose.
    let lower: String = visible.trim().to_lowercase().nfc().collect();
    let (local, domain) = lower.split_once('@')?;
    if domain.chars().any(is_refused) {
        return None;
    }
    let domain = idna::domain_to_ascii(domain).ok()?;
    let address = format!("{local}@{domain}");
    is_address(&address, local.len()).then(|| out.push_str(&address))
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Whether the text, whose first `@` is given, has the shape of an address.
fn is_address(text: &str, at: usize) -> bool {
    let (Some(local), Some(domain)) = (text.get(..at), text.get(at + 1..)) else { return false };
    let few = text.len() <= CHARS_MAX || text.chars().count() <= CHARS_MAX;
    few && !local.is_empty()
        && !text.chars().any(is_refused)
        && !domain.contains('@')
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.as_bytes().windows(2).any(|two| two == b"..")
}

fn is_refused(c: char) -> bool {
    let mark = matches!(c, '\0'..=' ' | '\u{7f}' | ',' | ';' | ':' | '<' | '>' | '"');
    mark || (!c.is_ascii() && (c.is_whitespace() || c.is_control()))
}

/// The mailbox that a normalized address reaches: without what stands behind a `+`, and without the dots that Gmail does
/// not see.
pub(crate) fn mailbox(address: &str) -> Option<String> {
    let (local, domain) = address.split_once('@')?;
    let gmail = matches!(domain, "gmail.com" | "googlemail.com");
    let named = local.split('+').next().unwrap_or(local);
    let plain = if gmail { named.replace('.', "") } else { named.to_owned() };
    let local = if plain.is_empty() { local } else { plain.as_str() };
    Some(format!("{local}@{}", if gmail { "gmail.com" } else { domain }))
}

/// Whether a label of a normalized address mixes letters of scripts that look alike (Latin, Greek, Cyrillic, ...).
pub(crate) fn mixes_scripts(address: &str) -> bool {
    let Some((_, domain)) = address.split_once('@') else { return false };
    // Hardly any domain has hyphens, and they are quickly looked for.
    if !domain.contains('-') || !domain.contains("xn--") {
        return false;
    }
    let (domain, _) = idna::domain_to_unicode(domain);
    domain.split('.').any(|label| {
        let mut scripts = label.chars().filter_map(script);
        let first = scripts.next();
        scripts.any(|script| Some(script) != first)
    })
}

/// The confusable alphabets only: Han, Kana and Hangul mix with Latin every day.
fn script(c: char) -> Option<u8> {
    match u32::from(c) {
        0x41..=0x5a | 0x61..=0x7a | 0xaa | 0xba | 0xc0..=0x24f | 0x1e00..=0x1eff => Some(0),
        0x370..=0x3ff | 0x1f00..=0x1fff => Some(1),
        0x400..=0x52f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f => Some(2),
        0x530..=0x58f => Some(3),
        0x590..=0x5ff => Some(4),
        0x10a0..=0x10ff | 0x1c90..=0x1cbf => Some(5),
        0x13a0..=0x13ff | 0xab70..=0xabbf => Some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(raw: &str) -> Option<String> {
        let mut out = String::new();
        normalize(raw, &mut out).map(|()| out)
    }

    #[test]
    fn spellings_of_one_address_are_one() {
        let same = |a: &str, b: &str| assert_eq!(read(a), Some(b.to_owned()), "{a}");
        same(" Ann@Example.COM ", "ann@example.com");
        same("Jörg@exämple.de", "jörg@xn--exmple-cua.de");
        same("jörg@XN--exmple-cua.de", "jörg@xn--exmple-cua.de");
        same("Jo\u{308}rg@exa\u{308}mple.de", "jörg@xn--exmple-cua.de");
        same("a\u{200b}nn@exam\u{feff}ple.com\u{2060}", "ann@example.com");
        same("ann@example。com", "ann@example.com");
        same("ann@ＥＸＡＭＰＬＥ.com", "ann@example.com");
        same("a.n.n+shop@gmail.com", "a.n.n+shop@gmail.com");
        same("o'brien!#$%&*@x.co", "o'brien!#$%&*@x.co");
        same("a..b@x.co", "a..b@x.co");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@x.co", "a".repeat(250));
        for bad in [
            "",
            "ann",
            "@x.co",
            "ann@",
            "ann@x",
            "ann@x..co",
            "ann@x.co.",
            "ann@.co",
            "a b@x.co",
            "a@b@x.co",
            "a,b@x.co",
            "<a@x.co>",
            "a@x.co;",
            "a:b@x.co",
            "\"a\"@x.co",
            "a\u{7f}@x.co",
            "ann@xn--a.de",
            "a@x\u{a0}.co",
            &long,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_of_one_mailbox_are_one() {
        for (address, reaches) in [
            ("a.n.n+shop@gmail.com", "ann@gmail.com"),
            ("ann@googlemail.com", "ann@gmail.com"),
            ("a.nn+x+y@shop.dk", "a.nn@shop.dk"),
            ("+x@shop.dk", "+x@shop.dk"),
            ("..@gmail.com", "..@gmail.com"),
        ] {
            assert_eq!(mailbox(address).as_deref(), Some(reaches));
            assert_eq!(mailbox(reaches).as_deref(), Some(reaches), "it is its own mailbox");
        }
    }

    #[test]
    fn alphabets_that_look_alike_are_noticed() {
        let mixed = |raw: &str| mixes_scripts(&read(raw).unwrap());
        assert!(mixed("a@pаypal.com"), "a Cyrillic letter in a Latin label");
        assert!(!mixed("a@пример.com") && !mixed("a@exämple.de") && !mixed("a@paypal.com") && !mixed("a@toyota車.jp"));
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn normal_forms_are_fixed_points(raw in "[a-zA-ZäÄßΣСİ1.@+_ -]{1,12}@[a-zA-ZäÄßΣСİ1-]{1,6}\\.[a-z。]{1,4}") {
            if let Some(once) = read(&raw) {
                prop_assert_eq!(read(&once), Some(once.clone()));
            }
        }

        #[test]
        fn the_short_way_equals_the_long_one(raw in "[ -~]{0,6}@?[ -~]{0,10}") {
            let (mut short, mut long) = (String::new(), String::new());
            if plain(raw.trim(), &mut short).is_some() {
                prop_assert!(general(&raw, &mut long).is_some());
                prop_assert_eq!(short, long);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(raw: String) {
            let _ = read(&raw);
        }
    }
}
