//! Rust text as tokens, as far as the tests of the house need them: comments and literals are gone, lines are kept.

use std::path::{Path, PathBuf};

/// A word or one character of punctuation (`::` is one), and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// The tokens of a file without comments, strings, characters and lifetimes. Never fails: this reads what compiles.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut rest = text;
    let mut line = 1;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let len = skipped(rest).unwrap_or(0);
        let (skip, word) = if len > 0 {
            (len, None)
        } else if is_word(first) {
            let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            (len, rest.get(..len))
        } else if rest.starts_with("::") {
            (2, Some("::"))
        } else {
            (first.len_utf8(), rest.get(..first.len_utf8()).filter(|text| !text.trim().is_empty()))
        };
        if let Some(word) = word {
            tokens.push(Token { text: word.to_owned(), line });
        }
        let (passed, behind) = rest.split_at(skip);
        line += passed.matches('\n').count();
        rest = behind;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the comment, literal or lifetime that the text starts with.
fn skipped(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with('\'') {
        return Some(quoted_character(text));
    }
    // A string may carry a prefix; a word that only starts like one does not reach a quote.
    let prefix = text.len() - text.trim_start_matches(['b', 'r', 'c']).len();
    if prefix > 2 {
        return None;
    }
    let raw = text.get(..prefix)?.contains('r');
    let body = text.get(prefix..)?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let open = body.get(hashes..)?.starts_with('"') && (raw || hashes == 0);
    if !open {
        // b'x' is a byte.
        return (prefix == 1 && text.starts_with("b'")).then(|| 1 + quoted_character(body));
    }
    let content = prefix + hashes + 1;
    let end = if raw {
        text.get(content..)?.find(&format!("\"{}", "#".repeat(hashes))).map(|at| at + 1 + hashes)
    } else {
        unescaped(text.get(content..)?, '"')
    };
    Some(end.map_or(text.len(), |end| content + end))
}

/// How far it is behind the first such quote that no backslash escapes.
fn unescaped(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// `'x'` and `'\n'` with their quotes; of a lifetime, the quote and the word.
fn quoted_character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    let (first, second) = (chars.next().map(|(_, c)| c), chars.next());
    match (first, second) {
        (Some('\\'), _) => 1 + unescaped(text.get(1..).unwrap_or_default(), '\'').unwrap_or(0),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => {
            let word = text.get(1..).unwrap_or_default();
            1 + word.find(|c| !is_word(c)).unwrap_or(word.len())
        }
    }
}

/// The crate's own directory.
pub(crate) fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the crate, by its path from there.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(home().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file under a folder with that extension: path from the crate's directory with `/`, and text; sorted.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut open: Vec<PathBuf> = vec![home().join(folder)];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder of the crate can be listed");
            open.extend(entries.map(|entry| entry.expect("a folder of the crate can be listed").path()));
        } else if path.extension().is_some_and(|known| known == extension) {
            let from_home = path.strip_prefix(home()).expect("a file of the crate");
            let name: Vec<_> = from_home.iter().map(|part| part.to_string_lossy()).collect();
            let name = name.join("/");
            let text = read(&name);
            found.push((name, text));
        }
    }
    found.sort();
    found
}

#[test]
fn tokens_leave_out_what_is_no_code() {
    let text = r##"
        // crate::a
        /* crate::b /* crate::c */ crate::d */
        let s = "crate::e \" crate::f"; let r = r#"crate::g " crate::h"#; let b = b"crate::i";
        let c = ['"', '\'', '\\', 'x', b'"']; fn f<'a>(x: &'a str) -> Rest<'static> {}
        crate::real
    "##;
    let words: Vec<String> = tokens(text).into_iter().map(|token| token.text).collect();
    assert_eq!(words.iter().filter(|word| *word == "crate").count(), 1);
    let last = tokens(text).pop().expect("there are tokens");
    assert_eq!((last.text.as_str(), last.line), ("real", 6));
    assert!(words.contains(&"Rest".to_owned()) && words.contains(&"str".to_owned()));
}
