//! Columns: typed values over bytes and over persistent (shared, copy-on-write) memory.

pub(crate) mod cow;
pub(crate) mod log;
pub(crate) mod rows;
