//! The shell: one JSON command a line in, one JSON reply a line out, over the public API only.
//!
//! `cargo run --release --example shell -- DIR` opens (or creates) the store in DIR; `:memory:` keeps none.

mod command;
mod commands;
mod opening;
mod reply;
mod rulings;
mod session;

use std::io::{stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(place), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: shell DIR, or shell :memory:");
        return ExitCode::from(2);
    };
    match session::run(&place, stdin().lock(), stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the pipe broke: {error}");
            ExitCode::FAILURE
        }
    }
}
