//! The way of the data is the order of `mod` lines in lib.rs, and no module imports from one that is declared below it.
//!
//! Every path that starts at `crate`, `$crate` or enough `super`s counts: in `use` trees and re-exports, in code, in
//! macros, in visibilities. Test modules count too: a unit test that needs a later room belongs in `tests/`. What
//! lib.rs
//! re-exports counts as the module it comes from. `error` is declared first, so all may import it and it imports
//! nothing.
//! Comments, documentation and strings do not count.

use crate::source::{Token, files, read, tokens};
use std::collections::BTreeMap;

/// The rooms in the order of lib.rs, and which room each name at the root comes from.
struct House {
    rooms: Vec<String>,
    names: BTreeMap<String, String>,
}

impl House {
    fn read(lib: &str) -> Self {
        let tokens = tokens(lib);
        let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
        let mut house = Self { rooms: Vec::new(), names: BTreeMap::new() };
        let mut at = 0;
        while at < tokens.len() {
            match word(at) {
                "mod" => house.rooms.push(word(at + 1).to_owned()),
                "use" => {
                    for leaf in leaves(&tokens, at + 1) {
                        if let Some(room) = leaf.path.first() {
                            house.names.insert(leaf.name, room.clone());
                        }
                    }
                }
                _ => {}
            }
            at += 1;
        }
        house
    }

    fn place(&self, room: &str) -> Option<usize> {
        self.rooms.iter().position(|known| known == room)
    }

    /// What is wrong with a path from the root in a file of `room`.
    fn complaint(&self, room: &str, path: &[String]) -> Option<String> {
        let first = match path.first().map(String::as_str) {
            None | Some("self" | "*") => return Some("takes the whole crate: name what is needed".to_owned()),
            Some(first) => first,
        };
        let target = self.names.get(first).map_or(first, String::as_str);
        match (self.place(room), self.place(target)) {
            (Some(own), Some(other)) if other > own => {
                Some(format!("{room} imports from {target}, which is declared below it"))
            }
            (Some(_), Some(_)) => None,
            (None, _) => Some(format!("{room} is not declared in lib.rs")),
            (_, None) => Some(format!("{first} is not declared in lib.rs")),
        }
    }
}

/// One path of a use tree, from where the tree starts, and the name that it brings.
struct Leaf {
    path: Vec<String>,
    name: String,
    line: usize,
}

/// A use tree as far as it has been read.
#[derive(Default)]
struct Tree {
    path: Vec<String>,
    rename: Option<String>,
    line: usize,
    /// Lengths of the path at each open brace.
    open: Vec<usize>,
    leaves: Vec<Leaf>,
}

impl Tree {
    /// A path ends here, if there is one.
    fn end(&mut self) {
        let base = self.open.last().copied().unwrap_or(0);
        let rename = self.rename.take();
        if self.path.len() > base {
            let name = rename.or_else(|| self.path.last().cloned()).unwrap_or_default();
            self.leaves.push(Leaf { path: self.path.clone(), name, line: self.line });
        }
        self.path.truncate(base);
    }
}

/// The paths of the tree that starts at a token: `a::{b, c::{d, e as f}}` has three.
fn leaves(tokens: &[Token], start: usize) -> Vec<Leaf> {
    let mut tree = Tree::default();
    let mut before = "::";
    for token in tokens.iter().skip(start) {
        let text = token.text.as_str();
        match (before, text) {
            ("::", "{") => tree.open.push(tree.path.len()),
            (_, ",") if !tree.open.is_empty() => tree.end(),
            (_, "}") if !tree.open.is_empty() => {
                tree.end();
                tree.open.pop();
                tree.path.truncate(tree.open.last().copied().unwrap_or(0));
                if tree.open.is_empty() {
                    break;
                }
            }
            (_, "::" | "as") => {}
            ("as", name) => tree.rename = Some(name.to_owned()),
            ("::" | "{" | ",", word) if is_path(word) => {
                tree.path.push(word.to_owned());
                tree.line = token.line;
            }
            _ => break,
        }
        before = text;
    }
    tree.end();
    tree.leaves
}

fn is_path(word: &str) -> bool {
    word == "*" || word.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Every import of a file from a room below its own, each with file and line.
fn climbs(house: &House, file: &str, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    if inside == "lib" {
        return Vec::new();
    }
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    let room = module.first().cloned().unwrap_or_default();
    // Of each open brace, whether it is that of an inline module.
    let mut braces: Vec<bool> = Vec::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut tree = None;
        match word(at) {
            "{" => {
                let inline = at >= 2 && word(at - 2) == "mod";
                if inline {
                    module.push(word(at - 1).to_owned());
                }
                braces.push(inline);
            }
            "}" if braces.pop() == Some(true) => drop(module.pop()),
            "extern" if word(at + 1) == "crate" && word(at + 2) == "self" => {
                found.push(format!("{file}:{}: renames the crate", line(&tokens, at)));
            }
            "crate" if word(at + 1) == "::" => tree = Some(at + 2),
            "crate" if word(at + 1) == "as" => tree = Some(tokens.len()),
            "super" if at < 2 || word(at - 2) != "super" => {
                let supers = (at..).step_by(2).take_while(|at| word(*at) == "super").count();
                let behind = at + supers * 2;
                // `pub(super)` and the like name a module, and take nothing from it.
                let tree_at = match word(behind - 1) {
                    "::" => Some(behind),
                    "as" => Some(tokens.len()),
                    _ => None,
                };
                tree = tree_at.filter(|_| supers >= module.len());
            }
            _ => {}
        }
        if let Some(tree) = tree {
            let leaves = leaves(&tokens, tree);
            let whole = [Leaf { path: Vec::new(), name: String::new(), line: line(&tokens, at) }];
            let leaves = if leaves.is_empty() { &whole[..] } else { &leaves };
            for leaf in leaves {
                if let Some(complaint) = house.complaint(&room, &leaf.path) {
                    found.push(format!("{file}:{}: {complaint}", leaf.line));
                }
            }
        }
        at += 1;
    }
    found
}

fn line(tokens: &[Token], at: usize) -> usize {
    tokens.get(at).map_or(0, |token| token.line)
}

#[test]
fn no_module_imports_from_one_below() {
    let house = House::read(&read("src/lib.rs"));
    let files = files("src", "rs");
    assert!(house.rooms.len() > 10 && files.len() > 50, "the house is where it is looked for");
    let found: Vec<String> = files.iter().flat_map(|(file, text)| climbs(&house, file, text)).collect();
    assert!(found.is_empty(), "imports that climb:\n{}", found.join("\n"));
}

#[test]
fn error_is_declared_first() {
    assert_eq!(House::read(&read("src/lib.rs")).rooms.first().map(String::as_str), Some("error"));
}

/// A small house to plant imports in.
fn small() -> House {
    House::read(
        "mod error;\npub mod base;\nmod storage;\nmod store;\n\
         pub use base::{Id, ident::{Name as Title}};\npub use store::Store;\npub use error::{Error, Result};",
    )
}

#[test]
fn planted_imports_are_seen_with_file_and_line() {
    let planted = [
        ("src/base/id.rs", "use std::fmt;\nuse crate::store::Store;", 2),
        ("src/base/id.rs", "use crate::{\n    error::Error,\n    store::{\n        self, Store},\n};", 4),
        ("src/base/mod.rs", "pub use crate::Store;", 1),
        ("src/base/mod.rs", "pub(crate) use crate::{Result, Store as Shop};", 1),
        ("src/storage/wal.rs", "fn f() {\n    let s = crate::store::open();\n}", 2),
        ("src/storage/wal.rs", "fn f(s: &crate::Store) {}", 1),
        ("src/storage/wal.rs", "macro_rules! m { () => { $crate::store::open() } }", 1),
        ("src/storage/wal.rs", "use super::super::store::Store;", 1),
        ("src/storage/mod.rs", "use super::store::Store;", 1),
        ("src/storage/mod.rs", "use super::{base, store::{Store}};", 1),
        ("src/storage/wal.rs", "mod tests {\n    use super::super::super::store::Store;\n}", 2),
        ("src/storage/wal.rs", "#[cfg(test)]\nmod tests {\n    use crate::store::Store;\n}", 3),
        ("src/storage/wal.rs", "use crate::*;", 1),
        ("src/storage/wal.rs", "use crate as root;", 1),
        ("src/storage/wal.rs", "use crate::{self as root};", 1),
        ("src/storage/wal.rs", "use super::super as root;", 1),
        ("src/storage/wal.rs", "extern crate self as root;", 1),
        ("src/storage/wal.rs", "use crate::nowhere::Thing;", 1),
        ("src/storage/wal.rs", "use crate::{base::{Id}, error::{Error}, store};", 1),
        ("src/error.rs", "use crate::base::Id;", 1),
        ("src/attic.rs", "use crate::base::Id;", 1),
    ];
    for (file, text, line) in planted {
        let found = climbs(&small(), file, text);
        assert!(found.iter().any(|told| told.starts_with(&format!("{file}:{line}: "))), "{text} told {found:?}");
    }
}

#[test]
fn imports_that_go_down_are_left_alone() {
    let fine = [
        ("src/store/mod.rs", "use crate::base::Id;\npub use handle::Store;\nuse crate::{Error, Result, Title};"),
        ("src/store/seal.rs", "use super::book::Book;\nuse super::super::storage::Part;\npub(super) fn f() {}"),
        ("src/store/seal.rs", "mod tests { use super::*; use super::super::book::Book; }"),
        ("src/storage/wal.rs", "// use crate::store::Store;\nconst A: &str = \"crate::store\";\npub(crate) fn f() {}"),
        ("src/storage/wal.rs", "/// [`Store`](crate::store::Store)\npub(in crate::storage) fn f<'a>(x: &'a str) {}"),
        ("src/storage/wal.rs", "use crate::{base::{Id, ident::{Name}}, error::Error};\nuse crate::storage::map;"),
        ("src/base/id.rs", "use crate::error::{Error, Result};\nuse super::money::Money;"),
        ("src/error.rs", "use std::fmt;"),
        ("src/lib.rs", "pub use store::Store;"),
    ];
    for (file, text) in fine {
        assert_eq!(climbs(&small(), file, text), Vec::<String>::new(), "{text}");
    }
}
