//! The dictionary of event and trait names: the only strings that are global to a store.
//!
//! Names compare as NFC, and are kept so. Codes are given in the order of the log, so a replay gives the same ones; they
//! never leave the store.

use crate::base::name::nfc;
use ahash::AHashMap;
use std::sync::Arc;

/// `name <-> code`, shared by every snapshot until a new name arrives.
#[derive(Clone, Default)]
pub(crate) struct Names {
    list: Vec<Arc<str>>,
    codes: AHashMap<Arc<str>, u16>,
}

impl Names {
    /// The dictionary of a list in code order.
    pub(crate) fn from_list<'a>(list: impl Iterator<Item = &'a str>) -> Self {
        let mut names = Self::default();
        list.for_each(|name| {
            names.add(name);
        });
        names
    }

    pub(crate) fn code(&self, name: &str) -> Option<u16> {
        self.codes.get(&*nfc(name)).copied()
    }

    pub(crate) fn name(&self, code: u16) -> &str {
        self.list.get(usize::from(code)).map_or("", |name| name)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|name| name.as_ref())
    }

    /// The code of a name, given to it if it is new. `None` when all 65,535 are taken.
    pub(crate) fn add(&mut self, name: &str) -> Option<u16> {
        if let Some(code) = self.code(name) {
            return Some(code);
        }
        let code = u16::try_from(self.list.len()).ok().filter(|code| *code < u16::MAX)?;
        let name: Arc<str> = nfc(name).into();
        self.list.push(Arc::clone(&name));
        self.codes.insert(name, code);
        Some(code)
    }
}
