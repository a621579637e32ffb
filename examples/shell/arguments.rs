//! What the shell is asked for when it is started.

pub(crate) const USAGE: &str = "usage: shell DIR, or shell :memory:
one JSON command a line on stdin, one JSON reply a line on stdout";

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A store in this place.
    Place(String),
    Help,
    /// Nothing that there is.
    Nothing,
}

/// Reads the arguments behind the program's name. A directory whose name begins with a dash is written `./-name`.
pub(crate) fn asked(mut arguments: impl Iterator<Item = String>) -> Asked {
    match (arguments.next(), arguments.next()) {
        (Some(flag), None) if flag == "--help" || flag == "-h" => Asked::Help,
        (Some(place), None) if !place.starts_with('-') && !place.is_empty() => Asked::Place(place),
        _ => Asked::Nothing,
    }
}
