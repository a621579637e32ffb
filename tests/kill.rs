//! A real kill of a real process: nothing that was acknowledged is lost.

use regulars::{Store, id};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names the directory that the child ingests into; without it the child test does nothing.
const DIRECTORY: &str = "REGULARS_KILL_DIR";

/// Receipts after which the child is killed.
const RECEIPTS: usize = 40;

/// The child: a commit at a time, the number of each on stdout once its receipt is here, until it is killed.
#[test]
fn child_ingests_until_it_is_killed() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let store = Store::options().seal_events(64).open(Path::new(&dir)).unwrap();
    for commit in 0u64.. {
        let lines: String = (0..5).map(|n| message(commit * 5 + n)).collect();
        assert_eq!(store.ingest_json(lines.as_bytes()).unwrap().accepted, 5);
        println!("RECEIPT {commit}");
        std::io::stdout().flush().unwrap();
    }
}

fn message(number: u64) -> String {
    format!(
        "{{\"type\":\"identify\",\"userId\":\"u{}\",\"anonymousId\":\"a{number}\",\"messageId\":\"m{number}\",\
         \"traits\":{{\"email\":\"user{}@example.com\"}},\"timestamp\":\"2026-01-01T00:00:00Z\"}}\n",
        number % 17,
        number % 17
    )
}

/// Lets a child ingest and kills it; the number of its last receipt.
fn kill_a_child(dir: &Path) -> u64 {
    let this = std::env::current_exe().expect("a test is a program");
    let arguments = ["--exact", "kill::child_ingests_until_it_is_killed", "--nocapture", "--test-threads=1"];
    let mut command = Command::new(this);
    command.args(arguments).env(DIRECTORY, dir).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the test runs itself");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    // The harness prints the test's name before the first line of the test, on the same line.
    let mut receipts = lines.filter_map(|line| line.split_once("RECEIPT ")?.1.parse::<u64>().ok());
    let last = receipts.by_ref().take(RECEIPTS).last().expect("the child sends receipts");
    child.kill().expect("it runs still");
    // What it acknowledged between the last line read and its death counts too.
    let last = receipts.last().unwrap_or(last);
    child.wait().expect("it is dead");
    last
}

fn fresh(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("regulars-kill-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = fresh("once");
    let last = kill_a_child(&dir);
    let store = Store::open(&dir).unwrap();
    let stats = store.stats();
    let acknowledged = (last + 1) * 5;
    assert!(stats.events >= acknowledged, "{} events of {acknowledged} acknowledged", stats.events);
    assert_eq!(stats.events % 5, 0, "a commit is all or nothing");
    // The child made 40 commits and sealed every 64 events: the rest of the log is what an open replays.
    assert!(stats.replayed_events > 0 || stats.parts > 0);
    assert!(stats.replayed_events <= stats.events);
    let snapshot = store.snapshot();
    let ids: Vec<String> = snapshot.attribution().unwrap().iter().map(|(id, _)| id.to_string()).collect();
    for number in 0..acknowledged {
        assert!(ids.contains(&format!("m{number}")), "m{number} was acknowledged");
    }
    let ann = snapshot.profile(id::email("user3@example.com")).unwrap().unwrap();
    assert!(ann.identifiers.contains(&id::user("u3")));
    assert!(store.verify().unwrap().differences.is_empty());
    let (events, digest) = (stats.events, snapshot.digest().unwrap());
    drop(snapshot);
    store.close().unwrap();
    let again = Store::open(&dir).unwrap();
    assert_eq!((again.stats().events, again.snapshot().digest().unwrap()), (events, digest));
    again.close().unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}
