//! Laws of rules.
