//! Files that are not what was written: never another answer without a word.

use super::*;
use crate::ErrorKind;
use crate::storage::faulty::{Cut, Fault, Plan};
use crate::storage::vfs::Vfs as _;

/// How the writing of a log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Flushed,
    Closed,
    /// Copied into another log after a kill, and flushed.
    Recovered,
}

/// A log of 20 commits, and nothing else to rebuild it from.
fn written(durability: Durability, end: End) -> FaultyVfs {
    let mut disk = FaultyVfs::default();
    let mut store = open_as(&disk, durability).unwrap();
    for number in 0..20 {
        if number == 10 && end == End::Recovered {
            disk = disk.after_power_cut(Cut::Everything);
            store = open_as(&disk, durability).unwrap();
            assert_eq!((store.stats().copied_records, disk.logs().len()), (10, 2));
        }
        say(&store, number, &order("1", &format!("o{number}"), 1)).unwrap();
    }
    store.flush().unwrap();
    if end == End::Closed {
        store.close().unwrap();
    }
    disk.after_power_cut(Cut::Everything)
}

fn log_of(disk: &FaultyVfs) -> String {
    disk.logs().pop().unwrap()
}

/// Opens a damaged store: all 20 orders, or an error that names the log.
fn all_or_corrupt(disk: &FaultyVfs, log: &str, what: &str, tally: &mut Tally) {
    tally.images += 1;
    match open(disk) {
        Ok(store) => assert_eq!(store.stats().events, 20, "{what}: another answer with Ok"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
            assert!(error.place().unwrap().0.ends_with(log), "{what}: {error}");
        }
    }
}

#[test]
fn every_flip_and_truncation_of_a_log_is_told_after_a_flush_or_close() {
    let mut tally = Tally::default();
    let kinds = [Durability::Sync, Durability::OnFlush, Durability::Interval(std::time::Duration::from_secs(60))];
    let ends = [End::Flushed, End::Closed, End::Recovered];
    for (durability, end) in kinds.into_iter().flat_map(|durability| ends.map(|end| (durability, end))) {
        let disk = written(durability, end);
        let log = log_of(&disk);
        let len = usize::try_from(disk.len(&log).unwrap().unwrap()).unwrap();
        for byte in 0..len {
            tally.points += 1;
            let what = format!("{durability:?}, {end:?}, byte {byte}");
            let flipped = disk.damaged(&log, |bytes| bytes[byte] ^= 1 << (byte % 8));
            all_or_corrupt(&flipped, &log, &what, &mut tally);
            let cut = disk.damaged(&log, |bytes| bytes.truncate(byte));
            all_or_corrupt(&cut, &log, &format!("{what}, cut"), &mut tally);
        }
        all_or_corrupt(&disk.exchanged(&log, None), &log, "without its log", &mut tally);
        for behind in [vec![0; 40], vec![0xff; 4096], vec![1]] {
            let longer = disk.damaged(&log, |bytes| bytes.extend(&behind));
            let store = open(&longer).unwrap();
            let stats = store.stats();
            assert_eq!((stats.events, stats.torn_bytes), (20, behind.len() as u64), "what was left out is told");
        }
    }
    tally.tell("damages of a log after a flush or close");
}

#[test]
fn a_torn_tail_is_told_by_the_stats_and_to_whoever_listens() {
    let disk = FaultyVfs::default();
    let store = open(&disk).unwrap();
    one_more(&store, "first");
    one_more(&store, "second");
    let log = log_of(&disk);
    let killed = disk.after_power_cut(Cut::Everything);
    let torn = killed.damaged(&log, |bytes| bytes.truncate(bytes.len() - 9));
    let heard = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let listening = options(Durability::Sync).on_recovery(move |recovery| told.lock().push(recovery.clone()));
    let store = Store::over(Arc::new(torn.clone()), listening.clone()).unwrap();
    assert!(has_one_more(&store, "first") && !has_one_more(&store, "second"));
    let recovery = heard.lock().pop().unwrap();
    assert!(recovery.torn_bytes > 0 && recovery.torn_at.unwrap().0.ends_with(&log));
    assert_eq!((recovery.copied_records, recovery.leftover_files), (1, 0));
    assert_eq!(store.stats().torn_bytes, recovery.torn_bytes);
    store.close().unwrap();
    let store = Store::over(Arc::new(torn.clone()), listening).unwrap();
    assert!(heard.lock().is_empty(), "an orderly end leaves nothing to tell");
    assert_eq!((store.stats().torn_bytes, store.stats().copied_records), (0, 0));
}

#[test]
fn every_older_list_of_files_is_refused_and_nothing_is_deleted() {
    let mut tally = Tally::default();
    let disk = FaultyVfs::default();
    let store = open(&disk).unwrap();
    let mut lists = vec![disk.read("manifest").unwrap().to_vec()];
    for step in SCRIPT {
        step(&store).unwrap();
        let list = disk.read("manifest").unwrap().to_vec();
        let images = [disk.after_power_cut(Cut::Everything), disk.exchanged("durable", None)];
        for (old, list) in lists.iter().enumerate().filter(|(_, old)| **old != list) {
            for image in &images {
                tally.images += 1;
                let image = image.exchanged("manifest", Some(list.clone()));
                let before = image.list().unwrap();
                let error = open(&image).err().unwrap_or_else(|| panic!("list {old} of {}", lists.len()));
                assert_eq!(error.kind(), ErrorKind::Corrupt, "list {old} of {}: {error}", lists.len());
                assert_eq!(image.list().unwrap(), before, "list {old} of {}", lists.len());
            }
        }
        if lists.last() != Some(&list) {
            tally.points += 1;
            lists.push(list);
        }
    }
    tally.tell("older lists of files");
}

#[test]
fn an_older_list_that_does_not_name_the_newest_log_is_refused() {
    let mut refused = 0;
    for operation in 0..30 {
        let disk = FaultyVfs::default();
        let store = open(&disk).unwrap();
        one_more(&store, "first");
        let before = disk.read("manifest").unwrap().to_vec();
        disk.plan(Plan::FailsAt(disk.operations() + operation, Fault::Full));
        // The tail is frozen, its part finds no room, and commits go on in the next log.
        if store.seal().is_ok() || store.stats().poisoned.is_some() || disk.read("manifest").unwrap()[..] == before {
            continue;
        }
        one_more(&store, "second");
        let image = disk.exchanged("durable", None).exchanged("manifest", Some(before));
        let names = image.list().unwrap();
        let error = open(&image).expect_err("commits would be lost");
        assert!(error.kind() == ErrorKind::Corrupt && error.place().unwrap().0.ends_with("manifest"), "{error}");
        assert_eq!(image.list().unwrap(), names);
        let whole = open(&disk.exchanged("durable", None)).unwrap();
        assert!(has_one_more(&whole, "first") && has_one_more(&whole, "second"));
        refused += 1;
    }
    assert!(refused > 1, "{refused}");
}

#[test]
fn what_a_crash_left_over_goes_when_the_store_is_closed_in_order() {
    let disk = FaultyVfs::default();
    let store = open(&disk).unwrap();
    one_more(&store, "first");
    store.close().unwrap();
    let left = disk.exchanged("0000000077.part", Some(b"half a part".to_vec()));
    let left = left.exchanged("x.tmp", Some(Vec::new())).exchanged("notes.txt", Some(Vec::new()));
    let store = open(&left).unwrap();
    assert_eq!(store.stats().leftover_files, 2);
    assert!(left.list().unwrap().contains(&"0000000077.part".to_owned()));
    store.seal().unwrap();
    store.close().unwrap();
    let names = left.list().unwrap();
    assert!(!names.iter().any(|name| name == "0000000077.part" || name == "x.tmp"), "{names:?}");
    assert!(names.contains(&"notes.txt".to_owned()), "what is not ours stays");
}

#[test]
fn compaction_shows_nobody_what_is_not_durable() {
    let disk = FaultyVfs::default();
    let store = open(&disk).unwrap();
    one_more(&store, "first");
    // A commit that is logged and waits for the disk: what another thread would be doing.
    let mut writer = store.inner.writer.lock();
    let payload = 5i64.to_le_bytes();
    writer.log(&store.inner.gate, super::super::record::kind::ADVANCE, &payload).unwrap();
    writer.book.advance(Timestamp::from_millisecond(5)).unwrap();
    drop(writer);
    let seen = store.snapshot();
    store.publish(&mut store.inner.writer.lock());
    assert_eq!(store.snapshot().state.sequence, seen.state.sequence);
    store.flush().unwrap();
    assert_eq!(store.snapshot().state.sequence, seen.state.sequence + 1);
}
