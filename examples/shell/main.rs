//! The shell: one JSON command a line in, one JSON reply a line out, over the public API only.
//!
//! `cargo run --release --example shell -- DIR` opens (or creates) the store in DIR; `:memory:` keeps none.

mod arguments;
mod command;
mod commands;
mod opening;
mod reply;
mod rulings;
mod session;

use arguments::{Asked, USAGE, asked};
use std::io::{stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let place = match asked(std::env::args().skip(1)) {
        Asked::Place(place) => place,
        Asked::Help => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Asked::Nothing => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
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
