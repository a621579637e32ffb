//! Counts and sizes.

use super::inner::Inner;
use serde::Serialize;
use std::collections::BTreeMap;

/// What [`Store::stats`](crate::Store::stats) returns. Sizes are in bytes.
///
/// ```
/// let store = regulars::Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42"}"#)?;
/// let stats = store.stats();
/// assert_eq!((stats.events, stats.people, stats.identifiers), (1, 1, 1));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Accepted events.
    pub events: u64,
    /// Identifiers ever seen.
    pub identifiers: u64,
    /// Profiles, anonymous visitors included.
    pub profiles: u64,
    /// Profiles with an identifier of a person.
    pub people: u64,
    /// Live segments.
    pub segments: u64,
    /// Sealed parts.
    pub parts: u64,
    /// Events that are not in a part yet: what a recovery would replay.
    pub unsealed_events: u64,
    /// The same, in bytes.
    pub unsealed_bytes: u64,
    /// Events that the last open replayed from the log.
    pub replayed_events: u64,
    /// Log records that the last open replayed.
    pub replayed_records: u64,
    /// Log records that the last open wrote once more, since nothing proved that they were on disk.
    pub copied_records: u64,
    /// Bytes at the end of the log that the last open left out: the remains of a commit that was never acknowledged,
    /// or damage there.
    pub torn_bytes: u64,
    /// Files that a crash left over; they go when the store has sealed a part, is compacted, or closed in order.
    pub leftover_files: u64,
    /// Bytes of sealed parts.
    pub part_bytes: u64,
    /// Of those, what identifiers, their hash tables and states take.
    pub identifier_bytes: u64,
    /// Of those, what evidence takes.
    pub edge_bytes: u64,
    /// Pairs of identifiers with evidence in sealed parts; those in several parts count in each.
    pub edges: u64,
    /// Pairs of identifiers that events named together, since the store was opened, known ones included.
    pub pairs_seen: u64,
    /// Identifiers that were solved again since then, each time counted.
    pub identifiers_solved: u64,
    /// How long that took, in microseconds: to read what is known around them, to solve it, and to see what is different.
    pub solving_us: u64,
    /// Bytes of the active log.
    pub log_bytes: u64,
    /// Identifier states in memory that no part holds densely.
    pub overlay_states: u64,
    /// Bytes in memory of the columns of people that questions about everybody read, by input. They are made when they are
    /// first asked for, and let go when they take more than [`Options::column_bytes`](crate::Options::column_bytes).
    pub column_bytes: BTreeMap<String, u64>,
    /// The last log record.
    pub sequence: u64,
    /// The last log record known to be on disk.
    pub durable_sequence: u64,
    /// Why writing stopped, if it did.
    pub poisoned: Option<String>,
}

impl Stats {
    pub(super) fn of(inner: &Inner) -> Self {
        let measured = inner.writer.measured();
        let columns = inner.gate.published().people.bytes();
        Self {
            events: measured.events,
            identifiers: measured.identifiers,
            profiles: measured.profiles,
            people: measured.people,
            segments: measured.segments,
            parts: measured.parts,
            unsealed_events: measured.unsealed_events,
            unsealed_bytes: measured.unsealed_bytes,
            replayed_events: inner.recovery.replayed_events,
            replayed_records: inner.recovery.replayed_records,
            copied_records: inner.recovery.copied_records,
            torn_bytes: inner.recovery.torn_bytes,
            leftover_files: inner.catalog.leftovers().len() as u64,
            part_bytes: measured.part_bytes,
            identifier_bytes: measured.identifier_bytes,
            edge_bytes: measured.edge_bytes,
            edges: measured.edges,
            pairs_seen: measured.solving.pairs,
            identifiers_solved: measured.solving.identifiers,
            solving_us: u64::try_from(measured.solving.time.as_micros()).unwrap_or(u64::MAX),
            log_bytes: measured.log_bytes,
            overlay_states: measured.overlay_states,
            column_bytes: columns.into_iter().map(|(input, bytes)| (input, bytes as u64)).collect(),
            sequence: measured.sequence,
            durable_sequence: inner.gate.durable(),
            poisoned: inner.gate.poisoned().map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::base::Span;
    use crate::identity::clean::partition;
    use crate::identity::region::around;
    use crate::rule::node::Segment;
    use crate::rule::when;
    use crate::store::{Clock, Store};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    /// A customer comes back with another cookie now and then, signs in at every third visit, orders at every tenth.
    fn visit(nth: u64, customers: u64) -> String {
        let customer = nth.wrapping_mul(0x9e37_79b9_7f4a_7c15) % customers;
        let cookie = (nth * 4 / customers) * customers + customer;
        let ts = 1_700_000_000_000 + nth * 60_000;
        let who = format!(r#""anonymousId":"a{cookie}","timestamp":{ts}"#);
        match nth % 10 {
            0 => format!(
                r#"{{"type":"track","event":"Order Completed",{who},"userId":"{customer}",
                "properties":{{"order_id":"{nth}","total":1,"email":"c{customer}@example.com","phone":"+4520{:06}"}}}}"#,
                customer
            )
            .replace('\n', " "),
            3 | 6 | 9 => format!(
                r#"{{"type":"identify",{who},"userId":"{customer}","traits":{{"email":"c{customer}@example.com"}}}}"#
            ),
            _ => format!(r#"{{"type":"page",{who}}}"#),
        }
    }

    #[test]
    fn questions_wait_for_no_writer() {
        let store = Store::options().clock(Clock::Manual).in_memory().unwrap();
        store.advance("2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
        store.define(Segment::new("active", when::event("Visit").within(Span::days(30)).at_least(1))).unwrap();
        store
            .ingest_json(br#"{"type":"track","event":"Visit","userId":"42","timestamp":"2026-01-01T00:00:00Z"}"#)
            .unwrap();
        let writing = store.inner.writer.lock();
        let (told, heard) = mpsc::channel();
        let asking = store.clone();
        let asker = std::thread::spawn(move || told.send((asking.stats(), asking.next_change())).is_ok());
        let answers = heard.recv_timeout(Duration::from_secs(10));
        drop(writing);
        assert!(asker.join().unwrap());
        let (stats, next) = answers.expect("told while the writer is busy");
        assert_eq!((stats.events, stats.people, stats.segments, stats.sequence), (1, 1, 1, 3));
        assert_eq!(next.unwrap(), Some("2026-01-31T00:00:00Z".parse().unwrap()));
    }

    #[test]
    #[ignore = "a measurement: it means something in a release build on a quiet machine"]
    fn an_edge_of_a_stream_costs_little_to_solve_among_others() {
        let store = Store::options().seal_events(50_000).in_memory().unwrap();
        for batch in (0..200_000u64).collect::<Vec<_>>().chunks(10_000) {
            let lines: Vec<String> = batch.iter().map(|nth| visit(*nth, 20_000)).collect();
            assert_eq!(store.ingest_json(lines.join("\n").as_bytes()).unwrap().accepted, 10_000);
        }
        let snapshot = store.snapshot();
        let nodes = &snapshot.state.records.nodes;
        // What commits of that many messages have to solve, at places all over the store.
        for touched in [1u32, 10, 100, 1000] {
            let mut regions = Vec::new();
            for first in (0..nodes.len()).step_by(7 * touched as usize) {
                let some: Vec<u32> = (0..touched).map(|nth| (first + nth * 7919) % nodes.len()).collect();
                regions.push(around(nodes, &some).unwrap().0.region);
            }
            let edges: usize = regions.iter().map(|region| region.edges.len()).sum();
            let mut rounds: Vec<u128> = (0..9)
                .map(|_| {
                    let start = Instant::now();
                    for region in &regions {
                        assert_eq!(partition(region, &nodes.rulebook).profile.len(), region.nodes.len());
                    }
                    start.elapsed().as_nanos() / edges as u128
                })
                .collect();
            rounds.sort_unstable();
            let (count, each) = (regions.len(), rounds[rounds.len() / 2]);
            let text = format!("{touched} a commit: {count} regions, {edges} edges: {each} ns an edge");
            std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes()).unwrap();
            assert!(each <= 150, "{text}");
        }
    }
}
