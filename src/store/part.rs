//! A sealed part of the store, open.

use super::catalog::Catalog;
use crate::Result;
use crate::event::part::EventPart;
use crate::identity::part::NodePart;
use crate::storage::part::{Part, Sealed};
use std::sync::Arc;

/// An open part: its file, and what is in it.
#[derive(Clone)]
pub(super) struct OpenPart {
    pub(super) sealed: Sealed,
    pub(super) nodes: Arc<NodePart>,
    pub(super) events: Arc<EventPart>,
    file: Part,
}

impl OpenPart {
    pub(super) fn open(catalog: &Catalog, sealed: Sealed) -> Result<Self> {
        let file = Part::open_listed(catalog.vfs.as_ref(), &sealed)?;
        let nodes = Arc::new(NodePart::open(&file)?);
        let events = Arc::new(EventPart::open(&file, nodes.base())?);
        Ok(Self { sealed, nodes, events, file })
    }

    /// Opens a part that was just written, once every byte of it was read: before what it was made from goes. Whoever
    /// asks it first finds its pages mapped and verified.
    pub(super) fn read_back(catalog: &Catalog, sealed: Sealed) -> Result<Self> {
        let part = Self::open(catalog, sealed)?;
        part.verify()?;
        Ok(part)
    }

    /// Checks every byte against its checksum.
    pub(super) fn verify(&self) -> Result<()> {
        self.file.verify()
    }
}
