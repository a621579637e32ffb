//! What the importer of files is asked for on its command line.

#[path = "../examples/import_history.rs"]
#[allow(dead_code, reason = "only what it is asked for is looked at here")]
mod import_history;

use import_history::asked;
use std::ffi::OsString;
use std::path::PathBuf;

/// Places of a store and files; none, where that is how to ask; an error, where it is nothing that there is.
#[expect(clippy::type_complexity, reason = "what is compared, in one piece")]
fn of(words: &[&str]) -> Result<Option<(Option<String>, Vec<PathBuf>, bool)>, String> {
    let asked = asked(words.iter().map(OsString::from)).map_err(|error| error.to_string())?;
    Ok(asked.map(|asked| (asked.store, asked.files, asked.undo)))
}

#[test]
fn what_looks_like_an_option_is_no_place_and_no_file() {
    for help in [&["--help"][..], &["-h"], &["orders.csv", "--help"], &["--store", "shop", "-h"]] {
        assert_eq!(of(help), Ok(None), "{help:?}");
    }
    for wrong in [
        &[][..],
        &["--store"],
        &["--store", "--help"],
        &["--store", "--currency", "EUR", "orders.csv"],
        &["--store", "", "orders.csv"],
        &["--store", "shop"],
        &["--nonsense", "orders.csv"],
        &["--dates", "sideways", "orders.csv"],
        &["--kind", "products", "orders.csv"],
        &["--skip", "few", "orders.csv"],
        &["orders.csv", "--skip"],
    ] {
        let error = of(wrong).expect_err("is refused");
        assert!(error.starts_with("usage: import_history"), "{wrong:?}: {error}");
    }
    let both = (Some("shop".to_owned()), vec![PathBuf::from("orders.csv")], true);
    assert_eq!(of(&["--store", "shop", "--undo", "orders.csv"]), Ok(Some(both)));
}
