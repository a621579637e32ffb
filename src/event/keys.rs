//! By what facts are found: the traits that they set, their orders, their products.

use super::row::OrderKey;
use crate::base::doc::Doc;
use crate::base::name::nfc;
use crate::fact::order::OrderAction;
use crate::fact::view::Fact;
use std::borrow::Cow;

/// The top-level traits that an identify message sets, by name, NFC: `context.traits`, overridden key by key by `traits`.
///
/// The `null` that clears a trait is among them.
pub(crate) fn traits_of(message: Doc<'_>) -> Vec<(Cow<'_, str>, Doc<'_>)> {
    let mut all: Vec<(Cow<'_, str>, Doc<'_>)> = Vec::new();
    let context = message.get("context").and_then(|context| context.get("traits"));
    for (key, value) in [context, message.get("traits")].into_iter().flatten().flat_map(Doc::members) {
        // Keys with lone surrogates name no trait that a rule could spell; they stay in the message.
        let Ok(key) = std::str::from_utf8(key) else { continue };
        let key = nfc(key);
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = value,
            None => all.push((key, value)),
        }
    }
    all
}

/// The key under which the facts of one order meet: a digest of (shop, order id), or of the message id where the order
/// has no usable id of its own; and those of one product of the catalogue. `None` for everything else.
pub(crate) fn order_key(fact: &Fact<'_>) -> Option<OrderKey> {
    let order = fact.order?;
    match order.order_id {
        Some(product) if order.action == OrderAction::Listed => return Some(product_key(fact.shop, product)),
        Some(order_id) => return Some(named_order_key(fact.shop, order_id)),
        None => {}
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"message");
    hasher.update(fact.id().to_string().as_bytes());
    hasher.finalize().as_bytes().first_chunk().copied()
}

/// The key of the order that a shop calls so.
pub(crate) fn named_order_key(shop: &str, order_id: &str) -> OrderKey {
    key_of(b"order", shop, order_id)
}

/// The key of the catalogue's entries of a product that a shop calls so.
pub(crate) fn product_key(shop: &str, product_id: &str) -> OrderKey {
    key_of(b"product", shop, product_id)
}

fn key_of(of: &[u8], shop: &str, id: &str) -> OrderKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(of);
    hasher.update(&(shop.len() as u64).to_le_bytes());
    hasher.update(shop.as_bytes());
    hasher.update(id.as_bytes());
    hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default()
}
