//! Streams of messages that strain the identity graph, the same for everybody; each ends up as lines of NDJSON.

use regulars::Timestamp;
use std::fmt::Write as _;

/// An instant of the streams: minutes since the start of 2026.
fn at(minute: u64) -> Timestamp {
    const START_MS: i64 = 1_767_225_600_000;
    Timestamp::from_millisecond(START_MS + 60_000 * i64::try_from(minute).unwrap_or(0))
}

/// The minutes of half a year: a stream that is to lie in the past starts again after them.
const MINUTES: u64 = 26 * 7 * 24 * 60;

/// One identify message that names these identifiers, as (namespace, value).
fn identify(out: &mut String, id: &str, minute: u64, identifiers: &[(&str, String)]) {
    let _ = write!(out, r#"{{"type":"identify","messageId":"{id}","timestamp":"{}""#, at(minute));
    let mut traits = Vec::new();
    let mut context = String::new();
    for (namespace, value) in identifiers {
        match *namespace {
            "user_id" => _ = write!(out, r#","userId":"{value}""#),
            "anonymous_id" => _ = write!(out, r#","anonymousId":"{value}""#),
            "device" => _ = write!(context, r#","context":{{"device":{{"id":"{value}"}}}}"#),
            name => traits.push(format!(r#""{name}":"{value}""#)),
        }
    }
    let _ = writeln!(out, r#"{context},"traits":{{{}}}}}"#, traits.join(","));
}

/// What a hub is seen with, again and again: number `n` of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hub {
    /// One cookie with ever new e-mails.
    Bot,
    /// One cookie with e-mails that the store knew before it.
    LateBot,
    /// One account with ever new cookies.
    Account,
    /// One e-mail with ever new accounts.
    Office,
    /// One device with ever new cookies, of nobody known.
    Tablet,
    /// Two cookies, an account and an e-mail by turns, and three of them at once.
    Alternating,
    /// No hub: ever new visitors with an e-mail each, to compare with.
    Crowd,
}

impl Hub {
    pub(crate) const ALL: [Self; 6] =
        [Self::Bot, Self::LateBot, Self::Account, Self::Office, Self::Tablet, Self::Alternating];

    /// What has to be in the store before the hub comes, for `count` messages of it.
    pub(crate) fn prepare(self, out: &mut String, numbers: std::ops::Range<u64>) {
        if self == Self::LateBot {
            numbers.for_each(|n| identify(out, &format!("p{n}"), n, &[("email", format!("h{n}@example.com"))]));
        }
    }

    /// Message `n`.
    pub(crate) fn message(self, out: &mut String, n: u64) {
        let email = || ("email", format!("h{n}@example.com"));
        let cookie = |name: &str| ("anonymous_id", format!("hub-{name}"));
        let account = || ("user_id", "hub-account".to_owned());
        let office = || ("email", "hub@example.com".to_owned());
        let identifiers = match self {
            Self::Bot | Self::LateBot => vec![cookie("bot"), email()],
            Self::Crowd => vec![("anonymous_id", format!("h{n}")), email()],
            Self::Account => vec![account(), ("anonymous_id", format!("h{n}"))],
            Self::Office => vec![office(), ("user_id", format!("h{n}"))],
            Self::Tablet => vec![("device", "hub-tablet".to_owned()), ("anonymous_id", format!("h{n}"))],
            Self::Alternating => match n % 5 {
                0 => vec![cookie("one"), email()],
                1 => vec![cookie("two"), email()],
                2 => vec![account(), ("anonymous_id", format!("h{n}"))],
                3 => vec![office(), ("user_id", format!("h{n}"))],
                _ => vec![cookie("one"), account(), office()],
            },
        };
        identify(out, &format!("h{n}"), n, &identifiers);
    }
}

/// Message `n` of ordinary customers: some come much more often than others, on up to four cookies, every second one
/// with an account. There are as many as a tenth of the messages.
pub(crate) fn shopper(out: &mut String, n: u64, people: u64) {
    let dice = |salt: u64, sides: u64| mix(n * 8 + salt) % sides.max(1);
    let person = dice(0, people).min(dice(1, people));
    let cookie = dice(2, 2) + 2 * dice(3, 2) * (person & 1);
    let account = person.is_multiple_of(2);
    let mut identifiers = vec![("anonymous_id", format!("c{person}-{cookie}"))];
    if dice(4, 100) < 8 {
        identifiers.push(("email", format!("person.{person}@example.com")));
        if person.is_multiple_of(5) {
            identifiers.push(("phone", format!("+4520{:06}", person % 1_000_000)));
        }
        if account {
            identifiers.push(("user_id", format!("u{person}")));
        }
    } else if account && dice(5, 3) == 0 {
        identifiers.push(("user_id", format!("u{person}")));
    }
    identify(out, &format!("s{n}"), n, &identifiers);
}

/// Message `n` of people who each come three times; so many of the first ones have three e-mails, the others one.
pub(crate) fn household(out: &mut String, n: u64, with_three: u64) {
    let (person, visit, minute) = (n / 3, n % 3, n % MINUTES);
    let email =
        if person < with_three { format!("p{person}.{visit}@example.com") } else { format!("p{person}@example.com") };
    let account = ("user_id", format!("p{person}"));
    let identifiers = match visit {
        0 => vec![account, ("email", email), ("anonymous_id", format!("p{person}-0"))],
        1 => vec![account, ("email", email), ("phone", format!("+45{:08}", 20_000_000 + person))],
        _ => vec![account, ("email", email), ("anonymous_id", format!("p{person}-1"))],
    };
    identify(out, &format!("r{n}"), minute, &identifiers);
}

/// Link `n` of a chain in which nothing is shared: devices and cookies by turns, a cookie a month.
pub(crate) fn link(out: &mut String, n: u64) {
    let identifier = |n: u64| match n % 2 {
        0 => ("device", format!("chain-{n}")),
        _ => ("anonymous_id", format!("chain-{n}")),
    };
    identify(out, &format!("l{n}"), n * 30_000, &[identifier(n), identifier(n + 1)]);
}

fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
