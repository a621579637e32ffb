//! A disk that fills up, and is emptied again.

use super::*;
use crate::storage::faulty::{Cut, Fault, Plan};

#[test]
fn a_full_disk_at_any_byte_loses_nothing_and_works_again_when_there_is_room() {
    let expected = expected();
    let mut tally = Tally::default();
    for room in (0..24_000).step_by(97) {
        tally.points += 1;
        let disk = FaultyVfs::default();
        disk.set_room(Some(room));
        let Ok(store) = open(&disk) else { continue };
        let run = Run::of(&store, Durability::Sync);
        tally.faults += disk.faults();
        assert_eq!(store.stats().poisoned, None, "{room} bytes: a full disk waits, it stops nothing");
        let what = format!("{room} bytes of room");
        drop(tally.check(&disk.after_power_cut(Cut::Nothing), &run, &expected, &what));
        // Reopened while it is still full: reads go on.
        let full = disk.after_power_cut(Cut::Everything);
        full.set_room(Some(0));
        drop(tally.check(&full, &run, &expected, &format!("{what}, opened full")));
        disk.set_room(None);
        finish(&store, &run, &expected, &what);
        drop(store);
        let whole = Run { acknowledged: SCRIPT.len(), tried: SCRIPT.len() };
        drop(tally.check(&disk.after_power_cut(Cut::Nothing), &whole, &expected, &format!("{what}, then whole")));
    }
    tally.tell("full disks");
}

/// The rest of the script, by the same handle.
fn finish(store: &Store, run: &Run, expected: &[String], what: &str) {
    let done = if run.acknowledged == run.tried { run.tried } else { run.tried - 1 };
    for step in &SCRIPT[done..] {
        step(store).unwrap_or_else(|error| panic!("{what}: not after there is room: {error}"));
    }
    assert_eq!(digest(store).unwrap(), expected[SCRIPT.len()], "{what}");
}

#[test]
fn every_operation_may_find_the_disk_full_once() {
    let expected = expected();
    let mut tally = Tally::default();
    for operation in 0.. {
        let disk = FaultyVfs::default();
        disk.plan(Plan::FailsAt(operation, Fault::Full));
        let Ok(store) = open(&disk) else { continue };
        let run = Run::of(&store, Durability::Sync);
        if disk.faults() == 0 {
            break;
        }
        tally.points += 1;
        tally.faults += disk.faults();
        let what = format!("full at operation {operation}");
        drop(tally.check(&disk.after_power_cut(Cut::Nothing), &run, &expected, &what));
        // A sync is never tried again, whatever it says; everything else is.
        if store.stats().poisoned.is_none() {
            finish(&store, &run, &expected, &what);
        }
    }
    tally.tell("moments of a full disk");
}

#[test]
fn a_store_opened_on_a_full_disk_is_read_and_takes_commits_once_there_is_room() {
    let disk = FaultyVfs::default();
    let store = open(&disk).unwrap();
    one_more(&store, "first");
    disk.plan(Plan::DeadFrom(disk.operations()));
    drop(store);
    disk.killed();
    disk.set_room(Some(0));
    let store = open(&disk).unwrap();
    assert!(has_one_more(&store, "first"));
    let refused = say(&store, 24 * 60, r#"{"type":"identify","userId":"second"}"#).unwrap_err();
    assert_eq!((refused.kind(), store.stats().poisoned), (crate::ErrorKind::Io, None));
    assert_eq!(store.flush().unwrap_err().kind(), crate::ErrorKind::Io);
    disk.set_room(None);
    one_more(&store, "second");
    let after = open(&disk.after_power_cut(Cut::Nothing)).unwrap();
    assert!(has_one_more(&after, "first") && has_one_more(&after, "second"));
}

#[test]
fn other_rules_that_found_no_room_for_their_part_do_not_keep_the_store_from_opening() {
    let disk = FaultyVfs::default();
    let store = open(&disk).unwrap();
    assert_eq!(Run::of(&store, Durability::Sync).acknowledged, SCRIPT.len());
    store.close().unwrap();
    let expected = expected();
    // The log of the change, without the part that takes the place of all.
    for room in (0..40_000).step_by(1_000) {
        let disk = FaultyVfs::default();
        let store = open(&disk).unwrap();
        SCRIPT[..23].iter().for_each(|step| step(&store).unwrap());
        disk.set_room(Some(room));
        let changed = SCRIPT[23](&store).is_ok();
        assert_eq!(store.stats().poisoned, None);
        disk.plan(Plan::DeadFrom(disk.operations()));
        drop(store);
        disk.killed();
        disk.set_room(Some(room / 2));
        let store = open(&disk).unwrap();
        assert_eq!(digest(&store).unwrap(), expected[23 + usize::from(changed)]);
        disk.set_room(None);
        store.seal().unwrap();
    }
}
