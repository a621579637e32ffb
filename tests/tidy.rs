//! Rules of the house that a program can check: sizes, idioms, who may touch what, and documents that keep up.

use crate::source::{Token, files, read, tokens};
use std::collections::BTreeSet;

/// The formatter keeps code at 120; what stands inside a macro it leaves alone.
const LINE_COLUMNS_MAX: usize = 140;
const FILE_BYTES_MAX: usize = 40 << 10;
const FUNCTION_LINES_MAX: usize = 70;

fn rust_files() -> Vec<(String, String)> {
    ["src", "tests", "benches", "examples", "fuzz/fuzz_targets"].into_iter().flat_map(|at| files(at, "rs")).collect()
}

fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Tokens as text with single spaces, for looking up short runs, and the line of each.
fn runs<'t>(tokens: &'t [Token], words: &'t [&'t str]) -> impl Iterator<Item = usize> + 't {
    let same = move |run: &&[Token]| run.iter().zip(words).all(|(token, word)| token.text == *word);
    tokens.windows(words.len()).filter(same).filter_map(|run| Some(run.first()?.line))
}

#[test]
fn files_and_lines_stay_short() {
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        if text.len() > FILE_BYTES_MAX {
            found.push(format!("{file}: {} bytes", text.len()));
        }
        for (number, line) in (1..).zip(text.lines()) {
            // A text is not broken for a column.
            let texts: usize = line.split('"').skip(1).step_by(2).map(|text| text.chars().count()).sum();
            let quoted = line.contains("r#\"") || line.trim_start().starts_with('"') || texts > 40;
            if line.chars().count() > LINE_COLUMNS_MAX && !quoted {
                found.push(format!("{file}:{number}: {} columns", line.chars().count()));
            }
            if line.contains('\t') || line.ends_with(' ') {
                found.push(format!("{file}:{number}: a tab, or a space at the end"));
            }
        }
    }
    none(&found);
}

/// Seeds of failures would be written to a directory at the top; an input that is worth keeping is a test.
#[test]
fn properties_keep_no_seeds() {
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, pair) in (1..).zip(lines.windows(2)) {
            let is_told = pair[1].starts_with("#![proptest_config(") && pair[1].contains("cases(");
            if pair[0] == concat!("propt", "est! {") && !is_told {
                found.push(format!("{file}:{number}: a property that does not take its configuration from `cases`"));
            }
        }
    }
    found.extend(files("proptest-regressions", "txt").into_iter().map(|(file, _)| file));
    none(&found);
}

#[test]
fn nothing_is_left_undone() {
    // Put together here, so that this file does not tell on itself.
    let marks = [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("HA", "CK")];
    let mut found = Vec::new();
    for (file, text) in rust_files() {
        for (number, line) in (1..).zip(text.lines()) {
            if marks.iter().any(|mark| line.contains(mark)) {
                found.push(format!("{file}:{number}: a note to do something"));
            }
        }
        let tokens = tokens(&text);
        for name in ["dbg", "todo", "unimplemented"] {
            found.extend(runs(&tokens, &[name, "!"]).map(|line| format!("{file}:{line}: {name}!")));
        }
    }
    none(&found);
}

/// Where the body of the function at a token starts and ends, and its name.
fn body(tokens: &[Token], at: usize) -> Option<(&str, usize, usize)> {
    let name = &tokens.get(at + 1)?.text;
    let mut depth = 0usize;
    for token in tokens.get(at..)? {
        match token.text.as_str() {
            ";" if depth == 0 => return None,
            "{" => depth += 1,
            "}" if depth == 1 => return Some((name, tokens.get(at)?.line, token.line)),
            "}" if depth == 0 => return None,
            "}" => depth -= 1,
            _ => {}
        }
    }
    None
}

#[test]
fn functions_fit_a_screen() {
    let mut found = Vec::new();
    for (file, text) in files("src", "rs") {
        // A table of cases is as long as it has cases.
        let tokens = if file.ends_with("tests.rs") { Vec::new() } else { tokens(&text) };
        for at in (0..tokens.len()).filter(|at| tokens.get(*at).is_some_and(|token| token.text == "fn")) {
            if let Some((name, first, last)) = body(&tokens, at)
                && last - first >= FUNCTION_LINES_MAX
            {
                found.push(format!("{file}:{first}: {name} has {} lines", last - first + 1));
            }
        }
    }
    none(&found);
}

#[test]
fn every_file_is_part_of_the_crate() {
    let files = files("src", "rs");
    let mut reached = BTreeSet::from(["src/lib.rs".to_owned()]);
    for (file, text) in &files {
        let folder = file.trim_end_matches(".rs").trim_end_matches("/mod").trim_end_matches("/lib");
        let tokens = tokens(text);
        for run in tokens.windows(3) {
            if let [module, name, end] = run
                && module.text == "mod"
                && end.text == ";"
            {
                reached.insert(format!("{folder}/{}.rs", name.text));
                reached.insert(format!("{folder}/{}/mod.rs", name.text));
            }
        }
    }
    let lost: Vec<String> = files.into_iter().map(|(file, _)| file).filter(|file| !reached.contains(file)).collect();
    none(&lost);
}

/// Code that may stand in some rooms only: what it is, how it reads, where it may be.
const HOME_ONLY: &[(&[&str], &[&str])] = &[
    (&["std", "::", "fs"], &["src/storage/", "src/import/"]),
    (&["fs", "::"], &["src/storage/", "src/import/"]),
    (&["File"], &["src/storage/", "src/import/"]),
    (&["memmap2"], &["src/storage/"]),
    (&["SystemTime"], &["src/store/"]),
    (&["Instant", "::", "now"], &["src/store/"]),
    (&["thread", "::"], &["src/store/"]),
    (&["unsafe"], &["src/storage/map.rs"]),
    (&["static", "mut"], &[]),
    (&["thread_local"], &[]),
    (&["std", "::", "net"], &[]),
    (&["async"], &[]),
    (&["println"], &[]),
    (&["eprintln"], &[]),
    (&["to_ne_bytes"], &[]),
    (&["from_ne_bytes"], &[]),
];

/// The tokens of a file up to its tests; of a file of tests, none.
fn shipped(file: &str, text: &str) -> Vec<Token> {
    let tests = ["tests.rs", "model.rs", "spec.rs"].iter().any(|name| file.ends_with(name)) || file.contains("/tests/");
    let mut tokens = if tests { Vec::new() } else { tokens(text) };
    let words = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let same = |run: &[Token]| run.iter().zip(words).all(|(token, word)| token.text == word);
    let inline = |at: &usize| tokens.get(at + words.len() + 1).is_some_and(|token| token.text == "{");
    let starts = tokens.windows(words.len()).enumerate().filter(|(_, run)| same(run)).map(|(at, _)| at);
    if let Some(end) = starts.into_iter().find(inline) {
        tokens.truncate(end);
    }
    tokens
}

#[test]
fn what_a_room_must_not_do_is_not_done_there() {
    let mut found = Vec::new();
    for (file, text) in files("src", "rs") {
        let tokens = shipped(&file, &text);
        for (words, rooms) in HOME_ONLY.iter().filter(|(_, rooms)| !rooms.iter().any(|room| file.starts_with(room))) {
            found.extend(
                runs(&tokens, words).map(|line| format!("{file}:{line}: {} outside {rooms:?}", words.concat())),
            );
        }
    }
    none(&found);
}

/// The numbered sections of a part as the code has them: `const NAME: u16 = n;` in a `mod section`.
fn sections(file: &str) -> Vec<(String, String)> {
    let text = read(file);
    let tokens = tokens(&text);
    let at = runs(&tokens, &["mod", "section"]).next().expect("the file has sections");
    let inside = tokens.windows(6).filter(|run| run.first().is_some_and(|token| token.line > at));
    let section = |run: &[Token]| match run {
        [word, name, _, width, _, number] if word.text == "const" && width.text == "u16" => {
            number.text.parse::<u16>().ok().map(|_| (number.text.clone(), name.text.to_lowercase()))
        }
        _ => None,
    };
    inside.filter_map(section).collect()
}

#[test]
fn format_md_tells_every_section() {
    let format = read("src/storage/FORMAT.md");
    let places = [
        ("src/identity/part.rs", "### Identifiers"),
        ("src/event/layout.rs", "### Events"),
        ("src/store/seal.rs", "## State"),
    ];
    let mut found = Vec::new();
    for (file, heading) in places {
        let told = format.split(heading).nth(1).unwrap_or_else(|| panic!("FORMAT.md lacks {heading}"));
        let told = told.split("\n#").next().unwrap_or_default();
        let sections = sections(file);
        assert!(sections.len() > 3, "{file} has sections");
        for (number, name) in sections {
            if !told.lines().any(|line| line.starts_with(&format!("| {number} | {name} |"))) {
                found.push(format!("{heading} lacks | {number} | {name} |, which {file} has"));
            }
        }
    }
    none(&found);
}

#[test]
fn format_md_tells_every_kind_of_log_record() {
    let format = read("src/storage/FORMAT.md");
    let told = format.split("### Kinds of records").nth(1).expect("FORMAT.md tells the kinds");
    let told = told.split("\n#").next().unwrap_or_default();
    let text = read("src/store/record.rs");
    let tokens = tokens(&text);
    let kinds = tokens.windows(6).filter_map(|run| match run {
        [word, name, _, width, _, number] if word.text == "const" && width.text == "u8" => {
            (name.text != "RECORD_VERSION").then(|| (number.text.clone(), name.text.to_lowercase()))
        }
        _ => None,
    });
    let lost: Vec<String> = kinds
        .map(|(number, name)| format!("| {number} | {name} |"))
        .filter(|row| !told.lines().any(|line| line.starts_with(row.as_str())))
        .collect();
    none(&lost);
}
