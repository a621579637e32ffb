//! The way of the data is the order of `mod` lines, in lib.rs and in every room, and no module imports from one that is
//! declared below it: not from a room further down, and not from a file further down in its own room.
//!
//! Every path that starts at `crate`, `$crate` or enough `super`s counts: in `use` trees and re-exports, in code, in
//! macros, in visibilities. Test modules count too: a unit test that needs a later room belongs in `tests/`. What
//! lib.rs
//! re-exports counts as the module it comes from. `error` is declared first, so all may import it and it imports
//! nothing.
//! Comments, documentation and strings do not count.

use crate::source::{Token, files, read, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// The modules of a `mod.rs` (or lib.rs) in reading order, and what it re-exports from them.
#[derive(Default)]
struct Door {
    modules: Vec<String>,
    /// Modules that are compiled for tests only.
    tests: BTreeSet<String>,
    /// Names that this file re-exports, each with the module that it comes from.
    names: BTreeMap<String, String>,
}

impl Door {
    fn read(text: &str) -> Self {
        let tokens = tokens(text);
        let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
        let mut door = Self::default();
        let mut depth = 0usize;
        for at in 0..tokens.len() {
            match word(at) {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                "mod" if depth == 0 && word(at + 2) == ";" => {
                    let before = (at.saturating_sub(12)..at).map(word).collect::<String>();
                    let own = before.rsplit([';', '}']).next().unwrap_or_default();
                    if own.contains("cfg(test)") {
                        door.tests.insert(word(at + 1).to_owned());
                    }
                    door.modules.push(word(at + 1).to_owned());
                }
                "use" if depth == 0 => {
                    for leaf in leaves(&tokens, at + 1) {
                        let own = leaf.path.iter().find(|part| *part != "self");
                        if let Some(module) = own {
                            door.names.insert(leaf.name, module.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        door
    }

    fn place(&self, module: &str) -> Option<usize> {
        self.modules.iter().position(|known| known == module)
    }
}

/// Every door by the path of its module; that of the crate has none.
struct House {
    doors: BTreeMap<Vec<String>, Door>,
}

impl House {
    /// From all files of `src`, by their paths.
    fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let door = |(file, text): (&str, &str)| {
            let inside = file.strip_prefix("src/")?;
            let path = if inside == "lib.rs" { "" } else { inside.strip_suffix("/mod.rs")? };
            Some((path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(), Door::read(text)))
        };
        Self { doors: files.into_iter().filter_map(door).collect() }
    }

    fn rooms(&self) -> &[String] {
        self.doors.get(&Vec::new()).map_or(&[], |door| &door.modules)
    }

    /// What is wrong with the path, from the root, of something that module `own` takes. Inside its room a unit test may
    /// take what it needs.
    fn complaint(&self, own: &[String], path: &[String], in_test: bool) -> Option<String> {
        for depth in 0..own.len() {
            let door = self.doors.get(own.get(..depth)?)?;
            let here = own.get(depth)?;
            if depth > 0 && (in_test || door.tests.contains(here)) {
                return None;
            }
            let above = own.get(..depth).map(|above| above.join("::")).unwrap_or_default();
            let first = match path.get(depth).map(String::as_str) {
                None | Some("self" | "*") if depth == 0 => {
                    return Some("takes the whole crate: name what is needed".to_owned());
                }
                None | Some("self") => return None,
                Some("*") => return Some(format!("takes all of {above}: name what is needed")),
                Some(first) => first,
            };
            if first == here {
                continue;
            }
            let named = door.names.get(first);
            let target = named.map_or(first, String::as_str);
            if named.is_some() && target == here {
                return Some(format!("takes {first} through {}: name the module that declares it", root_of(&above)));
            }
            return match (door.place(here), door.place(target)) {
                (Some(own), Some(other)) if other > own => {
                    Some(format!("{here} imports from {target}, which is declared below it"))
                }
                (Some(_), Some(_)) => None,
                (None, _) => Some(format!("{here} is not declared in {}", root_of(&above))),
                (_, None) => Some(format!("takes {first}, which {} itself declares", root_of(&above))),
            };
        }
        None
    }
}

fn root_of(module: &str) -> &str {
    if module.is_empty() { "lib.rs" } else { module }
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

/// Every import of a file from a module that stands below its own, each with file and line.
fn climbs(house: &House, file: &str, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    if inside == "lib" {
        return Vec::new();
    }
    let own: Vec<String> = inside.split('/').map(str::to_owned).collect();
    let mut module = own.clone();
    // Of each open brace, whether it is that of an inline module.
    let mut braces: Vec<bool> = Vec::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut tree = None;
        // The module that a path starts from, where it does not start at the root.
        let mut base = Vec::new();
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
                tree = tree_at;
                base = module.get(..module.len().saturating_sub(supers)).unwrap_or_default().to_vec();
            }
            _ => {}
        }
        if let Some(tree) = tree {
            let leaves = leaves(&tokens, tree);
            let whole = [Leaf { path: Vec::new(), name: String::new(), line: line(&tokens, at) }];
            let leaves = if leaves.is_empty() { &whole[..] } else { &leaves };
            let in_test = module.get(own.len()).is_some_and(|inline| inline == "tests");
            for leaf in leaves {
                let path = [base.as_slice(), leaf.path.as_slice()].concat();
                if let Some(complaint) = house.complaint(&own, &path, in_test) {
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
    let files = files("src", "rs");
    let house = House::read(files.iter().map(|(file, text)| (file.as_str(), text.as_str())));
    assert!(house.rooms().len() > 10 && files.len() > 50, "the house is where it is looked for");
    let found: Vec<String> = files.iter().flat_map(|(file, text)| climbs(&house, file, text)).collect();
    assert!(found.is_empty(), "imports that climb:\n{}", found.join("\n"));
}

#[test]
fn error_is_declared_first() {
    let lib = read("src/lib.rs");
    assert_eq!(House::read([("src/lib.rs", lib.as_str())]).rooms().first().map(String::as_str), Some("error"));
}

/// A small house to plant imports in.
fn small() -> House {
    House::read([
        (
            "src/lib.rs",
            "mod error;\npub mod base;\nmod storage;\nmod store;\n\
             pub use base::{Id, ident::{Name as Title}};\npub use store::Store;\npub use error::{Error, Result};",
        ),
        ("src/base/mod.rs", "mod time;\nmod id;\nmod money;\npub use money::Money;"),
        ("src/storage/mod.rs", "mod map;\nmod wal;\npub(crate) type StoreId = u8;"),
        (
            "src/store/mod.rs",
            "mod book;\nmod seal;\nmod handle;\n#[cfg(test)]\nmod crash;\nmod disk;\npub use handle::Store;",
        ),
        ("src/store/disk/mod.rs", "mod catalog;\nmod recover;\npub(super) use catalog::Catalog;"),
    ])
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
        // Inside a room.
        ("src/base/id.rs", "use super::money::Money;", 1),
        ("src/base/id.rs", "use crate::base::money::Money;", 1),
        ("src/base/id.rs", "use crate::base::Money;", 1),
        ("src/base/id.rs", "fn f(m: super::money::Money) {}", 1),
        ("src/base/time.rs", "use super::{id::Id, money::{self}};", 1),
        ("src/base/money.rs", "use crate::Id;", 1),
        ("src/base/time.rs", "use super::attic::Thing;", 1),
        ("src/storage/wal.rs", "use super::StoreId;", 1),
        ("src/storage/wal.rs", "use super::*;", 1),
        ("src/storage/map.rs", "mod inner {\n    use super::super::wal::Wal;\n}", 2),
        ("src/store/seal.rs", "use super::disk::catalog::Catalog;", 1),
        ("src/store/disk/catalog.rs", "use super::recover::open;", 1),
        ("src/store/disk/recover.rs", "use super::Catalog;\nuse super::super::crash::look;\nuse crate::Store;", 3),
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
        ("src/store/seal.rs", "mod tests { use super::*; use super::super::handle::Store; }"),
        ("src/store/crash.rs", "use super::*;\nuse super::disk::recover::open;"),
        ("src/store/disk/recover.rs", "use super::catalog::Catalog;\nuse super::super::book::Book;"),
        ("src/store/disk/recover.rs", "use crate::store::seal::Seal;\nuse crate::base::money::Money;"),
        ("src/storage/wal.rs", "// use crate::store::Store;\nconst A: &str = \"crate::store\";\npub(crate) fn f() {}"),
        ("src/storage/wal.rs", "/// [`Store`](crate::store::Store)\npub(in crate::storage) fn f<'a>(x: &'a str) {}"),
        ("src/storage/wal.rs", "use crate::{base::{Id, ident::{Name}}, error::Error};\nuse crate::storage::map;"),
        ("src/base/id.rs", "use crate::error::{Error, Result};\nuse super::time::Timestamp;"),
        ("src/error.rs", "use std::fmt;"),
        ("src/lib.rs", "pub use store::Store;"),
    ];
    for (file, text) in fine {
        assert_eq!(climbs(&small(), file, text), Vec::<String>::new(), "{text}");
    }
}
