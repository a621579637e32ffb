//! Statements of the host in the small universe, and how they are told to a store.

use super::check::at;
use super::message::instant;
use super::spec::{Ident, Said, SpecFact};
use proptest::prelude::*;
use regulars::{Erased, Erasure, Id, MessageId, Receipt, Ruling, Store};

fn ident() -> impl Strategy<Value = Ident> {
    let all = vec![
        ("user_id", "u1"),
        ("user_id", "u2"),
        ("user_id", "u3"),
        ("customer_id", "c1"),
        ("loyalty_card", "l1"),
        ("email", "e1@x.example"),
        ("email", "e2@x.example"),
        ("phone", "+4520123451"),
        ("device", "d1"),
        ("anonymous_id", "a1"),
        ("anonymous_id", "a2"),
    ];
    prop::sample::select(all).prop_map(|(namespace, value)| (namespace.to_owned(), value.to_owned()))
}

fn said() -> impl Strategy<Value = Said> {
    let two = || (ident(), ident());
    let probability = prop::sample::select(vec![0.8, 0.9, 0.95, 1.0]);
    let messages = prop::collection::vec((any::<bool>(), 0u8..40), 0..2);
    let messages = messages.prop_map(|all| {
        let id = |(claimed, at): (bool, u8)| format!("{}{at:02}", if claimed { "c" } else { "m" });
        all.into_iter().map(id).collect::<Vec<_>>()
    });
    prop_oneof![
        2 => (ident(), ident(), probability).prop_map(|(a, b, probability)| Said::Match { a, b, probability }),
        3 => two().prop_map(|(a, b)| Said::Alias { a, b }),
        3 => two().prop_map(|(a, b)| Said::Deny { a, b }),
        3 => two().prop_map(|(a, b)| Said::Revoke { a, b }),
        2 => (prop::collection::vec(ident(), 0..2), messages)
            .prop_map(|(identifiers, messages)| Said::Erase { identifiers, messages }),
    ]
}

/// A statement of the small universe; now and then one id says two things.
pub(crate) fn statement() -> impl Strategy<Value = SpecFact> {
    (0u8..60, instant(), said()).prop_map(|(id, ts, said)| SpecFact { id: format!("s{id:02}"), ts, said })
}

fn id((namespace, value): &Ident) -> Id {
    Id::new(namespace.as_str(), value.as_str())
}

/// Ids to take back: of messages, statements and nobody.
pub(crate) fn ids() -> impl Strategy<Value = Vec<String>> {
    let id = (prop::sample::select(vec!['m', 'm', 'c', 's']), 0u8..40).prop_map(|(kind, at)| format!("{kind}{at:02}"));
    prop::collection::vec(id, 1..6)
}

/// Tells a store.
pub(crate) fn tell(store: &Store, fact: &SpecFact) -> Receipt {
    let (ts, name) = (at(fact.ts), MessageId::new(&fact.id));
    let ruling = match &fact.said {
        Said::Match { a, b, probability } => Ruling::matched(id(a), id(b), *probability),
        Said::Alias { a, b } => Ruling::alias(id(a), id(b)),
        Said::Deny { a, b } => Ruling::deny(id(a), id(b)),
        Said::Revoke { a, b } => Ruling::revoke(id(a), id(b)),
        Said::Erase { identifiers, messages } => {
            let messages = messages.iter().map(|id| MessageId::new(id));
            let erasure = Erasure::identifiers(identifiers.iter().map(id)).messages(messages);
            let Erased { receipt, .. } = store.erase(&erasure.at(ts).id(name)).expect("erases");
            return receipt;
        }
        Said::Event { .. } | Said::Retract { .. } => unreachable!("told in another way"),
    };
    store.rule(ruling.at(ts).id(name)).expect("rules")
}
