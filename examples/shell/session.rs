//! The loop: a line in, a reply out.

use super::command::Command;
use super::commands::execute;
use super::opening::{Opened, open};
use super::reply::{Failure, Reply};
use std::io::{self, BufRead, Read, Write};

/// A line beyond this is refused: a command holds at most one commit of messages; `file` streams more.
const LINE_BYTES_MAX: u64 = 256 << 20;

/// Serves commands until the input ends, then closes the store. `false`: the store could not be opened or closed.
pub(crate) fn run(place: &str, mut input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut opened: Option<Opened> = None;
    let mut line = Vec::new();
    while let Some(whole) = read_line(&mut input, &mut line)? {
        if whole && line.trim_ascii().is_empty() {
            continue;
        }
        let too_long = || Failure::invalid("a command has at most 256 MiB; ingest a file instead");
        let command = if whole { Command::parse(&line) } else { Err(too_long()) };
        let (reply, go_on) = match &command {
            Ok(command) => serve(place, &mut opened, command),
            Err(failure) => (failure.line(), true),
        };
        output.write_all(reply.as_bytes())?;
        output.write_all(b"\n")?;
        output.flush()?;
        if !go_on {
            return Ok(false);
        }
    }
    let closed = match opened {
        Some(opened) => opened.store.close().map_err(Failure::from),
        // Nobody asked for anything: the store is created all the same.
        None => open(place, None).and_then(|opened| Ok(opened.store.close()?)),
    };
    if let Err(failure) = &closed {
        eprintln!("{}", failure.line());
    }
    Ok(closed.is_ok())
}

/// The reply to a command, and whether the shell goes on: not when the store cannot be opened.
fn serve(place: &str, opened: &mut Option<Opened>, command: &Command<'_>) -> (String, bool) {
    let is_open = command.name == "open";
    let line = |reply: Result<Reply, Failure>| reply.map_or_else(|failure| failure.line(), Reply::line);
    if let Some(opened) = opened {
        let late = || Err(Failure::invalid("the store is open: open goes first, or not at all"));
        return (line(if is_open { late() } else { execute(&opened.store, command) }), true);
    }
    match open(place, is_open.then_some(command)) {
        Ok(now) => {
            let opened = opened.insert(now);
            (line(if is_open { opened.reply() } else { execute(&opened.store, command) }), true)
        }
        Err(failure) => (failure.line(), false),
    }
}

/// Reads one line into `line`; `false` if it is longer than allowed (it is skipped), `None` at the end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    let whole = line.ends_with(b"\n") || (line.len() as u64) < LINE_BYTES_MAX;
    if !whole {
        line.clear();
        input.skip_until(b'\n')?;
    }
    Ok(Some(whole))
}
