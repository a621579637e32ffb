//! One error type, one machine word wide; its kinds are named after what the caller should do.
//!
//! Messages say what was wrong and what to do next. They never contain an identifier's or a trait's value: whoever
//! builds an error passes names of fields, files, offsets and limits, not data.

use std::fmt;
use std::path::{Path, PathBuf};

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do about an [`Error`].
///
/// ```
/// use regulars::{ErrorKind, Store};
/// let err = Store::options().currency("EURO").in_memory().unwrap_err();
/// assert_eq!(err.kind(), ErrorKind::Invalid);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call was wrong: fix the arguments and call again.
    Invalid,
    /// Nothing of that name or identifier exists; check it, or create it first.
    NotFound,
    /// Several people could be meant: name one of them; see [`Error::candidates`].
    Ambiguous,
    /// Another process has the store open; close it there, or open another directory.
    Locked,
    /// The operating system refused; free space, fix permissions, or look at the disk.
    Io,
    /// Bytes on disk are not what was written. The error names file and offset; restore that file from a backup.
    Corrupt,
    /// The store was written by a newer (or no longer supported) version; open it with that one.
    Version,
    /// An earlier failure left durability unknown, so writing stopped. Reads go on; reopen the store to recover.
    Poisoned,
    /// A destination refused a delivery.
    Destination,
    /// The capability is not part of this version.
    Unsupported,
}

impl ErrorKind {
    /// The kind's name, as logs and protocols spell it.
    ///
    /// ```
    /// assert_eq!(regulars::ErrorKind::Corrupt.name(), "Corrupt");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::NotFound => "NotFound",
            Self::Ambiguous => "Ambiguous",
            Self::Locked => "Locked",
            Self::Io => "Io",
            Self::Corrupt => "Corrupt",
            Self::Version => "Version",
            Self::Poisoned => "Poisoned",
            Self::Destination => "Destination",
            Self::Unsupported => "Unsupported",
        }
    }
}

/// Everything that can go wrong in a call, in one word.
///
/// Match on [`Error::kind`]; the text is for people and may change.
///
/// ```
/// assert_eq!(size_of::<regulars::Error>(), size_of::<usize>());
/// ```
pub struct Error(Box<Inner>);

#[derive(thiserror::Error, Debug)]
#[error("{message}")]
struct Inner {
    kind: ErrorKind,
    message: String,
    place: Option<(PathBuf, u64)>,
    candidates: Vec<String>,
    source: Option<std::io::Error>,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), place: None, candidates: Vec::new(), source: None }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Several could be meant, by their public ids.
    pub(crate) fn ambiguous(message: impl Into<String>, candidates: Vec<String>) -> Self {
        let mut error = Self::new(ErrorKind::Ambiguous, message);
        error.0.candidates = candidates;
        error
    }

    pub(crate) fn locked(path: &Path) -> Self {
        Self::new(ErrorKind::Locked, format!("{} is open in another process; close it there first", path.display()))
    }

    pub(crate) fn version(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Version, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn poisoned(cause: &str) -> Self {
        Self::new(
            ErrorKind::Poisoned,
            format!("writing stopped after an earlier failure ({cause}); close and reopen the store to recover"),
        )
    }

    /// Bytes that are not what was written: names the file and the offset of the first byte in doubt.
    pub(crate) fn corrupt(path: &Path, offset: u64, what: &str) -> Self {
        let message = format!("{} at byte {offset}: {what}; restore this file from a backup", path.display());
        let mut error = Self::new(ErrorKind::Corrupt, message);
        error.0.place = Some((path.to_path_buf(), offset));
        error
    }

    /// An operating-system error, with what was being done to which file.
    pub(crate) fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        let mut error = Self::new(ErrorKind::Io, format!("cannot {doing} {}: {source}", path.display()));
        error.0.source = Some(source);
        error
    }

    /// Whether there is no room on the disk: the same call may go well later.
    pub(crate) fn is_out_of_space(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        self.0.source.as_ref().is_some_and(|source| matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// Whether the operating system does not let this process do it.
    pub(crate) fn is_denied(&self) -> bool {
        self.0.source.as_ref().is_some_and(|source| source.kind() == std::io::ErrorKind::PermissionDenied)
    }

    /// What to do about it.
    ///
    /// ```
    /// # use regulars::{ErrorKind, Store};
    /// let err = Store::open("/dev/null/nowhere").unwrap_err();
    /// assert_eq!(err.kind(), ErrorKind::Io);
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// For [`ErrorKind::Ambiguous`]: the public ids of everybody who could be meant.
    ///
    /// ```
    /// use regulars::{Erasure, ErrorKind, ProfileId, Store, id};
    /// let store = Store::in_memory()?;
    /// for user in ["1", "2", "3"] {
    ///     let text = format!(r#"{{"type":"identify","userId":"{user}","traits":{{"email":"home@example.com"}}}}"#);
    ///     store.ingest_json(text.as_bytes())?;
    /// }
    /// let error = store.erase(&Erasure::person(id::email("home@example.com"))).unwrap_err();
    /// assert_eq!((error.kind(), error.candidates().len()), (ErrorKind::Ambiguous, 3));
    /// let one: ProfileId = error.candidates()[0].parse()?;
    /// assert_eq!(store.erase(&Erasure::profile(one))?.events, 1);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn candidates(&self) -> &[String] {
        &self.0.candidates
    }

    /// For [`ErrorKind::Corrupt`]: the file and the byte offset in doubt.
    ///
    /// ```
    /// # use regulars::Store;
    /// assert!(Store::open("/dev/null/nowhere").unwrap_err().place().is_none());
    /// ```
    #[must_use]
    pub fn place(&self) -> Option<(&Path, u64)> {
        self.0.place.as_ref().map(|(path, offset)| (path.as_path(), *offset))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {})", self.kind().name(), self.0)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|e| e as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>(), "a speed bump: Result<T> should stay small");
    }

    #[test]
    fn corrupt_names_file_and_offset() {
        let error = Error::corrupt(Path::new("part-1"), 64, "checksum mismatch");
        assert_eq!(error.place(), Some((Path::new("part-1"), 64)));
        assert!(error.to_string().contains("part-1 at byte 64"));
    }
}
