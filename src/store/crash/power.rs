//! Processes that are killed, and power that goes.

use super::*;
use crate::storage::faulty::{Cut, Fault, Lie, Plan};

/// Of a power cut at one moment: nothing, all, and some of what was not synced.
fn cuts(seed: u64) -> [Cut; 6] {
    [
        Cut::Everything,
        Cut::Nothing,
        Cut::InOrder(seed),
        Cut::InOrder(seed + 1),
        Cut::AnyOrder(seed + 2),
        Cut::AnyOrder(seed + 3),
    ]
}

/// How many operations the whole script takes, from making the store to closing it.
fn operations() -> u64 {
    let disk = FaultyVfs::default();
    let run = Run::on(&disk, Durability::Sync);
    assert_eq!(run.acknowledged, SCRIPT.len());
    disk.operations()
}

/// A disk on which the process died at an operation.
fn killed_at(operation: u64, durability: Durability) -> (FaultyVfs, Run) {
    let disk = FaultyVfs::default();
    disk.plan(Plan::DeadFrom(operation));
    let run = Run::on(&disk, durability);
    disk.killed();
    (disk, run)
}

#[test]
fn a_power_cut_at_every_operation_and_one_after_the_recovery() {
    let expected = expected();
    let mut tally = Tally::default();
    for operation in 0..=operations() {
        tally.points += 1;
        let (disk, run) = killed_at(operation, Durability::Sync);
        for cut in cuts(operation * 16) {
            let image = disk.after_power_cut(cut);
            let what = format!("operation {operation}, {cut:?}");
            let store = tally.check(&image, &run, &expected, &what);
            one_more(&store, "later");
            let again = image.after_power_cut(Cut::Nothing);
            tally.images += 1;
            let store = open(&again).unwrap_or_else(|error| panic!("{what}, and again: {error}"));
            assert!(has_one_more(&store, "later"), "{what}, and again: a commit is lost");
        }
    }
    tally.tell("power cuts");
}

#[test]
fn a_power_cut_at_every_operation_of_a_recovery() {
    let expected = expected();
    let mut tally = Tally::default();
    for operation in (0..=operations()).step_by(3) {
        let (disk, run) = killed_at(operation, Durability::Sync);
        for cut in [Cut::Everything, Cut::Nothing, Cut::AnyOrder(operation)] {
            for inner in 0.. {
                let image = disk.after_power_cut(cut);
                image.plan(Plan::DeadFrom(inner));
                let whole = open(&image).is_ok();
                image.killed();
                tally.points += 1;
                for second in [Cut::Nothing, Cut::AnyOrder(inner), Cut::InOrder(inner)] {
                    let what = format!("operation {operation}, {cut:?}, recovery {inner}, {second:?}");
                    let image = image.after_power_cut(second);
                    drop(tally.check(&image, &run, &expected, &what));
                }
                if whole {
                    break;
                }
            }
        }
    }
    tally.tell("power cuts within recoveries");
}

#[test]
fn a_kill_at_every_operation_a_second_process_and_a_power_cut() {
    let expected = expected();
    let mut tally = Tally::default();
    for operation in 0..=operations() {
        tally.points += 1;
        let (disk, run) = killed_at(operation, Durability::Sync);
        let store = tally.check(&disk, &run, &expected, &format!("kill at {operation}"));
        one_more(&store, "second");
        for cut in cuts(operation * 16) {
            let what = format!("kill at {operation}, {cut:?}");
            tally.images += 1;
            let again = open(&disk.after_power_cut(cut)).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(has_one_more(&again, "second"), "{what}: the second process's commit is lost");
            one_more(&again, "third");
        }
    }
    tally.tell("kills, second processes, power cuts");
}

#[test]
fn every_operation_fails_once_the_store_is_opened_again_and_the_power_goes() {
    let expected = expected();
    let mut tally = Tally::default();
    for fault in [Fault::Broken, Fault::Short] {
        for operation in 0..=operations() {
            tally.points += 1;
            let disk = FaultyVfs::default();
            disk.plan(Plan::FailsAt(operation, fault));
            let run = Run::on(&disk, Durability::Sync);
            tally.faults += disk.faults();
            disk.killed();
            // The second process sees what the kernel has in memory, whether it is on the disk or not.
            let store = tally.check(&disk, &run, &expected, &format!("{fault:?} at {operation}"));
            one_more(&store, "second");
            for cut in cuts(operation * 16) {
                let what = format!("{fault:?} at {operation}, {cut:?}");
                tally.images += 1;
                let again = open(&disk.after_power_cut(cut)).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(has_one_more(&again, "second"), "{what}: an acknowledged commit is lost");
            }
        }
    }
    tally.tell("failures, second processes, power cuts");
}

#[test]
fn a_sync_that_fails_at_a_second_process_loses_nothing_either() {
    let mut tally = Tally::default();
    for operation in (0..=operations()).step_by(5) {
        for inner in 0.. {
            let (disk, run) = killed_at(operation, Durability::Sync);
            disk.plan(Plan::FailsAt(disk.operations() + inner, Fault::Broken));
            let opened = open(&disk).map(|store| say(&store, 24 * 60, r#"{"type":"identify","userId":"second"}"#));
            let (faults, acknowledged) = (disk.faults(), matches!(opened, Ok(Ok(()))));
            tally.faults += faults;
            tally.points += 1;
            disk.killed();
            let again = open(&disk).unwrap_or_else(|error| panic!("{operation}, {inner}: {error}"));
            one_more(&again, "third");
            drop(again);
            for cut in [Cut::Nothing, Cut::AnyOrder(operation + inner)] {
                let what = format!("operation {operation}, then {inner} fails, {cut:?}");
                tally.images += 1;
                let last = open(&disk.after_power_cut(cut)).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(has_one_more(&last, "third"), "{what}: the third process's commit is lost");
                assert!(!acknowledged || has_one_more(&last, "second"), "{what}: the second's is lost");
            }
            if run.tried == 0 || faults == 0 {
                break;
            }
        }
    }
    tally.tell("failures in second processes");
}

#[test]
fn a_second_process_dies_too_and_the_power_goes() {
    let expected = expected();
    let mut tally = Tally::default();
    for operation in 0..=operations() {
        for plan in [Plan::DeadFrom(operation), Plan::FailsAt(operation, Fault::Broken)] {
            for inner in 0.. {
                let disk = FaultyVfs::default();
                disk.plan(plan);
                let run = Run::on(&disk, Durability::Sync);
                disk.killed();
                disk.plan(Plan::DeadFrom(disk.operations() + inner));
                let done = open(&disk).is_ok();
                disk.killed();
                tally.points += 1;
                for cut in [Cut::Nothing, Cut::InOrder(inner), Cut::AnyOrder(inner), Cut::AnyOrder(operation + inner)] {
                    let what = format!("{plan:?}, the second dies after {inner}, {cut:?}");
                    drop(tally.check(&disk.after_power_cut(cut), &run, &expected, &what));
                }
                if done {
                    break;
                }
            }
        }
    }
    tally.tell("second processes that die");
}

#[test]
fn without_a_sync_a_crash_leaves_a_prefix_that_has_what_was_flushed() {
    let expected = expected();
    let mut tally = Tally::default();
    for operation in 0..=operations() {
        tally.points += 1;
        let (disk, run) = killed_at(operation, Durability::OnFlush);
        for cut in cuts(operation * 16) {
            let what = format!("on flush, operation {operation}, {cut:?}");
            drop(tally.check(&disk.after_power_cut(cut), &run, &expected, &what));
        }
        let killed = Run { acknowledged: run.tried.saturating_sub(1), ..run };
        drop(tally.check(&disk, &killed, &expected, &format!("on flush, kill at {operation}")));
    }
    tally.tell("power cuts without syncs");
}

#[test]
fn a_store_recovered_is_one_whose_every_state_follows_from_its_facts() {
    let expected = expected();
    let mut tally = Tally::default();
    for operation in (0..=operations()).step_by(4) {
        tally.points += 1;
        let (disk, run) = killed_at(operation, Durability::Sync);
        let what = format!("operation {operation}");
        let store = tally.check(&disk.after_power_cut(Cut::AnyOrder(operation)), &run, &expected, &what);
        let verified = store.verify().unwrap();
        assert!(verified.differences.is_empty(), "{what}: {:?}", verified.differences);
    }
    tally.tell("recovered stores verified");
}

#[test]
fn a_disk_that_breaks_for_good_loses_nothing_that_was_acknowledged() {
    let expected = expected();
    let mut tally = Tally::default();
    for operation in 0..=operations() {
        tally.points += 1;
        let disk = FaultyVfs::default();
        disk.plan(Plan::FailsFrom(operation, Fault::Broken));
        let run = Run::on(&disk, Durability::Sync);
        tally.faults += disk.faults();
        for cut in cuts(operation * 16) {
            let what = format!("broken from {operation}, {cut:?}");
            drop(tally.check(&disk.after_power_cut(cut), &run, &expected, &what));
        }
    }
    tally.tell("disks that broke for good");
}

#[test]
fn disks_that_lie_are_noticed_by_these_tests() {
    let expected = expected();
    for lie in [Lie::Data, Lie::Names] {
        let mut violations = 0;
        for operation in 0..=operations() {
            let disk = FaultyVfs::default();
            disk.lie(lie);
            disk.plan(Plan::DeadFrom(operation));
            let run = Run::on(&disk, Durability::Sync);
            violations += u64::from(look(&disk.after_power_cut(Cut::Nothing), &run, &expected).is_err());
        }
        assert!(violations > operations() / 2, "{lie:?}: {violations}");
    }
}
