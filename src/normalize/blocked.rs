//! Values that identify nobody: placeholders that broken clients send for everybody.

use crate::base::Blocked;

const WORDS: &str = "null|(null)|<nil>|undefined|none|nil|nan|n/a|na|-|-1|0|true|false|anonymous|unknown|guest|user|test|void|\
    [object object]|id|email|distinctid|distinct_id|not_authenticated|not-specified|user_null|test@test.com|a@a.com|\
    noreply@example.com";

/// Top-level domains of e-mail addresses that nobody has.
const DOMAINS: [&str; 3] = ["test", "localhost", "invalid"];

/// The compiled list.
pub(crate) struct BlockedValues {
    /// Lower-case words, by their length in bytes.
    words: Vec<Vec<String>>,
    built_in: bool,
}

impl BlockedValues {
    pub(crate) fn new(config: &Blocked) -> Self {
        let mut all = Self { words: Vec::new(), built_in: !config.replace };
        if all.built_in {
            WORDS.split('|').for_each(|word| all.add(word));
        }
        config.add.iter().for_each(|word| all.add(word));
        all
    }

    /// Just these values, none of which is built in.
    pub(crate) fn listed(values: &[String]) -> Self {
        let mut all = Self { words: Vec::new(), built_in: false };
        values.iter().for_each(|word| all.add(word));
        all
    }

    /// Whether nothing is blocked.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty() && !self.built_in
    }

    fn add(&mut self, word: &str) {
        let word = word.trim().to_lowercase();
        if self.words.len() <= word.len() {
            self.words.resize(word.len() + 1, Vec::new());
        }
        if let Some(list) = self.words.get_mut(word.len()) {
            list.push(word);
        }
    }

    /// Whether the value as a whole is blocked, bare or inside quotes, brackets or blanks.
    pub(crate) fn covers(&self, value: &str) -> bool {
        let bare = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        if bare(value.as_bytes().first()) && bare(value.as_bytes().last()) {
            return self.has_word(value) || (self.built_in && is_pattern(value));
        }
        let mut layer = value.trim();
        loop {
            if layer.is_empty() || self.has_word(layer) || (self.built_in && is_pattern(layer)) {
                return true;
            }
            let inner = layer.strip_prefix(opens).unwrap_or(layer);
            let inner = inner.strip_suffix(closes).unwrap_or(inner).trim();
            if inner.len() == layer.len() {
                return false;
            }
            layer = inner;
        }
    }

    /// Whether an address belongs to a domain that nobody has.
    pub(crate) fn covers_domain(&self, email: &str) -> bool {
        let email = email.trim();
        // What stands behind the last dot or `@` is the top of the domain.
        let top_at = email.bytes().rposition(|byte| matches!(byte, b'.' | b'@')).map_or(0, |at| at + 1);
        let top = email.get(top_at..).unwrap_or_default();
        self.built_in && DOMAINS.iter().any(|domain| domain.eq_ignore_ascii_case(top)) && email.contains('@')
    }

    fn has_word(&self, value: &str) -> bool {
        if value.is_ascii() {
            let candidates = self.words.get(value.len()).map(Vec::as_slice).unwrap_or_default();
            return candidates.iter().any(|word| word.eq_ignore_ascii_case(value));
        }
        let lower = value.to_lowercase();
        self.words.get(lower.len()).is_some_and(|candidates| candidates.contains(&lower))
    }
}

fn opens(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '(' | '[' | '{' | '<' | '«' | '“' | '„' | '‘' | '‚' | '‹' | '”' | '’')
}

fn closes(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | ')' | ']' | '}' | '>' | '»' | '”' | '“' | '’' | '‘' | '›')
}

/// `^[0-]*$`, one character four times or more, an unrendered template.
fn is_pattern(value: &str) -> bool {
    if value.bytes().all(|byte| matches!(byte, b'0' | b'-')) {
        return true;
    }
    let template = value.starts_with("{{") && value.ends_with("}}")
        || value.starts_with("${") && value.ends_with('}')
        || value.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("%7B%7B"));
    template || is_repeated(value)
}

fn is_repeated(value: &str) -> bool {
    let mut chars = value.chars();
    let first = chars.next();
    let mut count = 1;
    chars.all(|c| {
        count += 1;
        Some(c) == first
    }) && count >= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_blocked_whatever_they_are_wrapped_in() {
        let list = BlockedValues::new(&Blocked::default());
        for bad in [
            "",
            "  ",
            "null",
            "NULL",
            "(null)",
            "<nil>",
            "\"undefined\"",
            "[none]",
            " 'n/a' ",
            "-1",
            "0",
            "000",
            "--",
            "00000000-0000-0000-0000-000000000000",
            "[object Object]",
            "\"[object Object]\"",
            "aaaa",
            "1111111",
            "{{user.id}}",
            "${id}",
            "%7b%7Bid%7D%7D",
            "Test@Test.com",
            "<noreply@example.com>",
            "{guest}",
            "((nan))",
            "éééé",
        ] {
            assert!(list.covers(bad), "{bad:?}");
        }
        for good in ["aaa", "u1", "testing", "user_1", "10", "example.com", "null@x.com", "{a}", "a-1", "éé", "(1)"] {
            assert!(!list.covers(good), "{good:?}");
        }
        assert!(
            list.covers_domain("a@b.Test") && list.covers_domain("a@localhost") && !list.covers_domain("a@test.com")
        );
    }

    #[test]
    fn a_host_extends_or_replaces_the_list() {
        let more = BlockedValues::new(&Blocked { add: vec!["Kunde ÅÅ".into()], replace: false });
        assert!(more.covers("'kunde åå'") && more.covers("null"));
        let other = BlockedValues::new(&Blocked { add: vec!["kasse".into()], replace: true });
        assert!(other.covers("KASSE") && !other.covers("null") && !other.covers("0000") && other.covers(" "));
    }
}
