//! How far an import has come.

/// How far an import has come.
///
/// ```
/// use regulars::{Store, import::CustomersCsv};
/// let mut rows = 0;
/// let file = CustomersCsv::new(&b"email\nann@example.com\n"[..]).on_progress(|progress| rows = progress.rows);
/// Store::in_memory()?.import(file)?;
/// assert_eq!(rows, 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Rows read.
    pub rows: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Rows a second since the start.
    pub rows_per_second: f64,
}

/// Told how far an import has come.
pub(crate) type OnProgress<'r> = Box<dyn FnMut(Progress) + 'r>;
