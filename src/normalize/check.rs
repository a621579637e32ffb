//! What must hold for any bytes whatsoever: the body of the fuzz target, and of property tests.

use super::intake::{Outcome, Scratch, message_json, read_body};
use super::normalizer::{Intake, Normalizer, ReceivedAt};
use crate::base::canon;
use crate::base::{Config, Timestamp, Trust};
use crate::fact::view::Fact;
use crate::message::{Reason, lines};

/// Reads the bytes as a body and as a stream of lines, and checks every fact that comes out.
///
/// # Panics
/// If a law is broken.
pub(crate) fn check_message_bytes(data: &[u8]) {
    let normalizer = Normalizer::new(&Config::default()).expect("the default configuration is valid");
    let received_at = ReceivedAt::At(Timestamp::from_millisecond(1_700_000_000_000));
    let intake = |trust| Intake::new(&normalizer, Some("web"), Some(trust), None, received_at).expect("valid");
    for trust in [Trust::Verified, Trust::Claimed] {
        let intake = intake(trust);
        let mut facts = Vec::new();
        let mut sink = |outcome: Outcome<'_>| {
            if let Outcome::Fact { fact, .. } = outcome {
                facts.push(fact.to_vec());
            }
        };
        let mut scratch = Scratch::default();
        read_body(data, &intake, &mut scratch, &mut sink);
        facts.iter().for_each(|bytes| check_fact(bytes, &intake, &mut scratch));
    }
    check_lines(data);
}

/// A fact parses, is in order, and its message reads back as the same fact.
fn check_fact(bytes: &[u8], intake: &Intake<'_>, scratch: &mut Scratch) {
    let fact = Fact::parse(bytes).expect("a fact parses");
    let names: Vec<_> = fact.identifiers().map(|named| (named.namespace, named.value.to_owned())).collect();
    assert!(names.is_sorted() && names.windows(2).all(|pair| pair.first() != pair.last()), "identifiers are a set");
    let json = message_json(&fact);
    let mut again = Vec::new();
    let mut sink = |outcome: Outcome<'_>| match outcome {
        Outcome::Fact { fact, .. } => again.push(fact.to_vec()),
        // Escapes may be longer than what they stand for.
        Outcome::Reject { reason, .. } => assert_eq!(reason, Reason::TooLarge, "what was accepted is accepted again"),
    };
    read_body(json.as_bytes(), intake, scratch, &mut sink);
    for bytes in again {
        let second = Fact::parse(&bytes).expect("a fact parses");
        assert_eq!((fact.kind, fact.content, fact.ts), (second.kind, second.content, second.ts));
        assert_eq!(canon::digest(fact.doc), canon::digest(second.doc), "the message is the same");
        assert!(fact.bits.has(crate::fact::kind::Bits::ID_DERIVED) || fact.id() == second.id());
        assert!(second.identifiers().map(|n| (n.namespace, n.value.to_owned())).eq(names.iter().cloned()));
    }
}

/// Streaming sees the lines that splitting sees.
fn check_lines(data: &[u8]) {
    let mut reader = lines::LineReader::new(data, 1 << 20);
    let mut streamed = Vec::new();
    while let Some(line) = reader.next_line().expect("reading memory does not fail") {
        if let lines::Line::Text(number, text) = line {
            streamed.push((number, text.to_vec()));
        }
    }
    let split = (1u64..).zip(data.split(|byte| *byte == b'\n'));
    let split = split.filter_map(|(number, line)| Some((number, lines::clean(line)?.to_vec())));
    assert!(split.filter(|(_, line)| line.len() <= 1 << 20).eq(streamed));
}
