//! Promises that the compiler can keep, and numbers that are written down twice.

use crate::source::read;
use regulars::{Error, Members, Profile, Receipt, Segment, Snapshot, Store};

const fn any_thread<T: Send + Sync + 'static>() {}
const fn cheap<T: Clone>() {}

const _: () = {
    any_thread::<Store>();
    any_thread::<Snapshot>();
    any_thread::<Members>();
    any_thread::<Segment>();
    any_thread::<Profile>();
    any_thread::<Receipt>();
    any_thread::<Error>();
    cheap::<Store>();
    cheap::<Snapshot>();
    assert!(size_of::<Error>() == size_of::<usize>(), "an error is one word");
};

/// The value of a key in the package section of Cargo.toml.
fn package(key: &str) -> String {
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='));
    line.expect("the key is there").trim().trim_matches('"').to_owned()
}

#[test]
fn the_readme_names_the_oldest_compiler() {
    assert!(read("README.md").contains(&format!("Rust {}", package("rust-version"))), "README.md states another one");
}

#[test]
fn the_changelog_knows_this_version() {
    let heading = format!("## {}", package("version"));
    assert!(read("CHANGELOG.md").lines().any(|line| line.starts_with(&heading)), "CHANGELOG.md lacks {heading}");
}

#[test]
fn the_readme_and_ci_run_the_same_commands() {
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    for command in ["cargo test", "cargo run --release --example quickstart"] {
        assert!(readme.lines().any(|line| line.trim() == command), "README.md lacks {command}");
        assert!(ci.lines().any(|line| line.trim() == format!("run {command}")), ".ci/run lacks {command}");
    }
}
