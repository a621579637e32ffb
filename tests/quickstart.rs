//! The first program that a newcomer runs: it asserts what it tells.

#[path = "../examples/quickstart.rs"]
#[expect(dead_code, reason = "an example has a main of its own")]
mod example;

#[test]
fn the_quickstart_runs_and_stays_short() {
    let dir = std::env::temp_dir().join(format!("regulars-quickstart-test-{}", std::process::id()));
    let mut page = Vec::new();
    example::tour(&dir, &mut page).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.lines().count() <= 80, "{} lines", page.lines().count());
}
