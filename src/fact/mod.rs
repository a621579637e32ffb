//! A fact: one normalized message, as logged, and what everybody reads of it.
//!
//! `normalize` writes facts; nobody else does. The log, the tail and the sealed parts hold their bytes unchanged.

pub(crate) mod kind;
pub(crate) mod named;
pub(crate) mod order;
pub(crate) mod layout;
pub(crate) mod view;
pub(crate) mod topic;
pub(crate) mod props;
pub(crate) mod refund;
