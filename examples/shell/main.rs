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

const USAGE: &str = "usage: shell DIR, or shell :memory:
one JSON command a line on stdin, one JSON reply a line on stdout";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let place = match (arguments.next(), arguments.next()) {
        (Some(flag), None) if flag == "--help" || flag == "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        // A directory of such a name is written ./-name.
        (Some(place), None) if !place.starts_with('-') && !place.is_empty() => place,
        _ => {
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
