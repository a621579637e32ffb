//! The bodies of the fuzz targets in `fuzz/`, for those alone: not part of the API, and behind a feature.

/// Reads any bytes as messages, as one body and as a stream of lines, and checks what comes out: a fact parses, names
/// its
/// identifiers in order, and its message reads back as the same fact.
///
/// # Panics
/// If one of that does not hold.
///
/// ```
/// regulars::fuzzing::check_message(br#"{"type":"page","userId":"42"}"#);
/// ```
pub fn check_message(data: &[u8]) {
    crate::normalize::check::check_message_bytes(data);
}
