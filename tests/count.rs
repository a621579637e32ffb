//! What the current thread allocates: how often, and how many bytes at once at most.

#![expect(unsafe_code, reason = "an allocator cannot be written without it; this one only counts and hands on")]

use regulars::{Clock, Ingest, Store};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn note(bytes: i64) {
    // A thread that ends has no counters any more.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + u64::from(bytes > 0)));
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

// SAFETY: every call goes to the system's allocator unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(signed(layout.size()));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(-signed(layout.size()));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(signed(size));
        note(-signed(layout.size()));
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Forgets the peak so far; the bytes that are held now.
pub(crate) fn peak_reset() -> i64 {
    PEAK.set(HELD.get());
    HELD.get()
}

/// The most bytes that were held at once since then.
pub(crate) fn peak() -> i64 {
    PEAK.get()
}

/// Allocations of a dry run over that many messages of that many fields.
fn allocations(store: &Store, kind: &str, messages: usize, fields: usize) -> u64 {
    let members: Vec<String> = (0..fields)
        .map(|at| match at % 5 {
            0 => format!("\"k{at}\":\"some text of no consequence\""),
            1 => format!("\"k{at}\":{at}.25"),
            2 => format!("\"k{at}\":{at}000"),
            3 => format!("\"k{at}\":true"),
            _ => format!("\"k{at}\":\"2026-01-01T00:00:00.000Z\""),
        })
        .collect();
    let members = members.join(",");
    let line = |at: usize| {
        format!(
            r#"{{"type":"{kind}","event":"e","messageId":"m{at}","userId":"u{at}","anonymousId":"a{at}","timestamp":"2026-01-01T00:00:00.000Z","properties":{{{members}}},"traits":{{"email":"u{at}@example.com",{members}}}}}"#
        )
    };
    let body: Vec<String> = (0..messages).map(line).collect();
    let body = body.join("\n");
    let before = CALLS.get();
    let receipt = store.check(body.as_bytes(), &Ingest::new()).unwrap();
    assert_eq!(receipt.accepted, messages as u64);
    CALLS.get() - before
}

#[test]
fn allocations_of_a_message_do_not_grow_with_its_fields() {
    let store = Store::options().clock(Clock::Manual).in_memory().unwrap();
    for kind in ["track", "identify", "page"] {
        let each = |fields| {
            // The buffers of a call grow once, so take two lengths apart.
            let (short, long) = (allocations(&store, kind, 100, fields), allocations(&store, kind, 1100, fields));
            (long - short) / 1000
        };
        let (few, many) = (each(5), each(200));
        assert_eq!(few, many, "{kind}");
        assert!(few <= 4, "{kind}: {few} allocations a message");
    }
}
