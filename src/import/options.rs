//! What is declared about a file, and what the store says where a file does not.

use super::dates::DateOrder;
use super::digest::{hash_of, hex};
use super::mapping::From;
use crate::base::{Currency, Timestamp, TraitKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// How much memory the orders of one file may take, or what is remembered of its customers.
const MEMORY_BYTES: usize = 2 << 30;

/// What a file is about.
///
/// ```
/// assert_eq!(serde_json::to_string(&regulars::import::Kind::Orders)?, "\"orders\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A row an order, or a row a line of one.
    Orders,
    /// A row a customer.
    Customers,
}

/// What the store says about files that do not say it themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Home {
    /// The zone of the source's shop, or of the store, and which of the two.
    pub(crate) time_zone: Option<(String, &'static str)>,
    pub(crate) currency: Option<Currency>,
    /// The traits whose type is declared.
    pub(crate) trait_kinds: BTreeMap<String, TraitKind>,
}

/// How a file is to be read; what is not said is found out.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) kind: Option<Kind>,
    pub(super) mapping: BTreeMap<String, From>,
    pub(super) delimiter: Option<char>,
    pub(super) decimal_comma: Option<bool>,
    pub(super) date_order: Option<DateOrder>,
    pub(super) time_zone: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) skip: Option<u64>,
    pub(super) as_of: Option<Timestamp>,
    pub(super) memory_bytes: Option<usize>,
}

impl Options {
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_bytes.unwrap_or(MEMORY_BYTES)
    }

    /// A digest of all that decides what cells mean; none where all of it is found out.
    pub(super) fn declared(&self) -> Option<String> {
        let mut said: Vec<String> = self.mapping.iter().map(|(key, from)| format!("{key} from {from}")).collect();
        said.extend(self.delimiter.map(|delimiter| format!("delimiter {delimiter}")));
        said.extend(self.decimal_comma.map(|comma| format!("decimal_comma {comma}")));
        said.extend(self.date_order.map(|order| order.to_string()));
        said.extend(self.time_zone.as_ref().map(|zone| format!("time_zone {zone}")));
        said.extend(self.encoding.as_ref().map(|name| format!("encoding {name}")));
        let digest = || hex(hash_of(said.iter().map(|text| text.as_str().into())));
        Some(digest()).filter(|_| !said.is_empty())
    }
}
