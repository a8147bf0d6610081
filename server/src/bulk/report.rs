//! What became of the lines of an import: counted, and each that was refused told by its line number
//! and JSON Pointer. To whom is theirs to know who run the import.

use super::document::Complaints;
use crate::http::schema::Violation;
use crate::store::contract::Imported;

/// Numbers of lines.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// New interactions.
    pub created: u64,
    /// Took the place of another of their id.
    pub replaced: u64,
    /// Left out, for another of their id stayed.
    pub skipped: u64,
    /// Were there already: from an earlier run.
    pub same: u64,
    /// Not taken; each is reported.
    pub refused: u64,
    /// The line the import stopped at, if it did.
    pub stopped_at: Option<u64>,
}

impl Summary {
    /// Whether every line did what it was to do.
    pub fn is_whole(&self) -> bool {
        self.refused == 0 && self.stopped_at.is_none()
    }

    /// Lines done with.
    pub fn lines(&self) -> u64 {
        self.created + self.replaced + self.skipped + self.same + self.refused
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { created, replaced, skipped, same, refused, stopped_at } = self;
        write!(
            f,
            "{created} created, {replaced} replaced, {skipped} skipped, {same} there already, \
             {refused} refused"
        )?;
        stopped_at.iter().try_for_each(|line| write!(f, ", stopped at line {line}"))
    }
}

/// Who is told. An import waits for it, and ends when it cannot be told.
pub(crate) trait Audience: Send {
    /// Something is wrong with a line.
    fn complaint(
        &mut self,
        line: u64,
        violation: &Violation,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// So much is done, and so many bytes of the source are read.
    fn reached(
        &mut self,
        summary: Summary,
        bytes: u64,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Counts and tells.
pub(super) struct Report<'a, A> {
    audience: &'a mut A,
    pub(super) summary: Summary,
}

impl<'a, A: Audience> Report<'a, A> {
    pub(super) fn new(audience: &'a mut A) -> Self {
        Self { audience, summary: Summary::default() }
    }

    /// A line that was not taken.
    pub(super) async fn refused(
        &mut self,
        line: u64,
        complaints: &Complaints,
    ) -> anyhow::Result<()> {
        self.summary.refused += 1;
        for violation in complaints {
            self.audience.complaint(line, violation).await?;
        }
        Ok(())
    }

    /// A line that was taken to the store.
    pub(super) async fn imported(&mut self, line: u64, fate: Imported) -> anyhow::Result<()> {
        match fate {
            Imported::Created => self.summary.created += 1,
            Imported::Replaced => self.summary.replaced += 1,
            Imported::Skipped => self.summary.skipped += 1,
            Imported::Same => self.summary.same += 1,
            Imported::Stopped => {
                self.summary.stopped_at = Some(line);
                let problem = "is the id of another interaction".to_owned();
                let violation = Violation { pointer: "/id".to_owned(), problem };
                self.refused(line, &vec![violation]).await?;
            }
        }
        Ok(())
    }

    /// All that is counted so far is done, and so many bytes of the source are read.
    pub(super) async fn reached(&mut self, bytes: u64) -> anyhow::Result<()> {
        self.audience.reached(self.summary, bytes).await
    }
}
