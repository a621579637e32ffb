//! Laws of rules, examples of the language, and a real shop's numbers.

mod examples;
mod laws;
mod model;
mod retail;
