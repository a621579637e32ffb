//! A file that was read once, and hands out what it holds.

use super::csv::Cells;
use super::customers::{Customers, Groups};
use super::input::read_error;
use super::options::Kind;
use super::orders::Orders;
use super::rows::{Detected, Rows};
use super::sink::{Sink, Unheard};
use crate::Result;
use crate::base::Timestamp;
use crate::message::Reason;

/// A file that was read once.
pub(crate) struct Started {
    pub(super) rows: Rows,
    pub(super) source: String,
    pub(super) memory: usize,
    pub(super) as_of: Option<Timestamp>,
}

/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

impl Started {
    pub(crate) fn detected(&self) -> Detected {
        self.rows.detected.clone()
    }

    /// Hands out everything in the file.
    pub(crate) fn run(&self, sink: &mut dyn Sink) -> Result<()> {
        match self.rows.detected.kind {
            Kind::Orders => {
                let mut orders = Orders::new(&self.source, self.memory);
                self.each_row(sink, &mut |line, cells, sink| orders.take(line, cells, &self.rows.dialect, sink))?;
                orders.emit(sink)
            }
            Kind::Customers => {
                let mut groups = Groups::new(self.memory);
                self.each_row(&mut Unheard(sink), &mut |_, cells, sink| groups.add(cells, &self.rows.dialect, sink))?;
                let mut customers = Customers::new(&self.source, self.as_of, groups);
                self.each_row(sink, &mut |line, cells, sink| customers.take(line, cells, &self.rows.dialect, sink))
            }
        }
    }

    fn each_row(&self, sink: &mut dyn Sink, take: &mut TakeRow<'_>) -> Result<()> {
        let columns = self.rows.dialect.columns;
        let mut reader = self.rows.read()?;
        let mut rows = 0;
        loop {
            if rows % PROGRESS_ROWS == 0 {
                sink.read(rows, reader.read_bytes());
            }
            let Some(row) = reader.next_row().map_err(read_error)? else { break };
            rows += 1;
            let line = row.line;
            let fits = |cells: &Cells<'_>| cells.len() == columns;
            match row.cells.and_then(|cells| Some(cells).filter(fits).ok_or(Reason::InvalidCsv)) {
                Err(reason) => sink.reject(line, reason.into()),
                Ok(cells) => take(line, cells, sink)?,
            }
        }
        sink.read(rows, reader.read_bytes());
        Ok(())
    }
}

/// What to do with a row, by its line.
type TakeRow<'t> = dyn FnMut(u64, Cells<'_>, &mut dyn Sink) -> Result<()> + 't;
