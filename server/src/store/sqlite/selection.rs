//! Which interactions match: a [`Plan`] carried out, before anything is read for an answer.
//!
//! The matches are a set of creation numbers, compressed: a bit for each where they lie close, two
//! bytes where they do not. Totals, offsets and places in the order are arithmetic on it.

use super::intersection::Intersection;
use super::session::{Session, because};
use super::window::signed;
use crate::domain::interaction::{Interaction, Members};
use crate::query::filter::Filter;
use crate::store::contract::{StoreError, StoreResult};
use crate::store::plan::{AnyOf, Matching, Plan};
use roaring::RoaringTreemap;
use rusqlite::{Connection, Row, params_from_iter};

/// The interactions that match.
#[derive(Debug)]
pub(super) enum Selection {
    /// All there are: so many.
    All(u64),
    /// Those of these numbers.
    Some(RoaringTreemap),
}

impl Selection {
    /// Finds the matches of `filter`, and says how many documents were read for it. Stops when
    /// nobody wants them any more.
    pub(super) fn of(
        session: Session<'_>,
        plan: &Plan,
        filter: &Filter,
    ) -> StoreResult<(Self, u64)> {
        match &plan.matching {
            Matching::Nothing => Ok((Self::Some(RoaringTreemap::new()), 0)),
            Matching::Everything => {
                let mut count = session.prepare("SELECT count(*) FROM interaction")?;
                let all = count.query_row([], |row| number_from(row, 0)).map_err(because)?;
                Ok((Self::All(all), 0))
            }
            Matching::Exact(sets) => {
                let numbers = exact(session.snapshot, sets).map_err(because)?;
                Ok((Self::Some(numbers), 0))
            }
            Matching::Evaluate(sets) => {
                session.scan(candidates(session, sets)?, || plan.unindexed())?;
                let (numbers, documents) = evaluate(session, sets, filter)?;
                Ok((Self::Some(numbers), documents))
            }
        }
    }

    /// How many match.
    pub(super) fn total(&self) -> u64 {
        match self {
            Self::All(all) => *all,
            Self::Some(numbers) => numbers.len(),
        }
    }

    /// Shows each match, in creation order. Stops when nobody wants them any more.
    pub(super) fn each(
        &self,
        session: Session<'_>,
        show: &mut dyn FnMut(u64, Interaction) -> StoreResult<()>,
    ) -> StoreResult<()> {
        let mut show_row = |row: &Row<'_>| {
            session.check()?;
            let number = number_from(row, 4).map_err(because)?;
            show(number, interaction_from(row).map_err(because)?)
        };
        match self {
            Self::All(_) => {
                let mut statement = session.prepare(EACH)?;
                let mut rows = statement.query([]).map_err(because)?;
                while let Some(row) = rows.next().map_err(because)? {
                    show_row(row)?;
                }
            }
            Self::Some(numbers) => {
                let mut statement = session.prepare(ONE)?;
                for number in numbers {
                    let mut rows = statement.query([signed(number)]).map_err(because)?;
                    rows.next().map_err(because)?.map_or(Ok(()), &mut show_row)?;
                }
            }
        }
        Ok(())
    }
}

const EACH: &str = "SELECT id, version, foreign_href, document, seq FROM interaction ORDER BY seq";
const ONE: &str = "SELECT id, version, foreign_href, document, seq FROM interaction WHERE seq = ?";

/// On the index alone.
fn exact(snapshot: &Connection, sets: &[AnyOf]) -> rusqlite::Result<RoaringTreemap> {
    let Intersection { from, only, values } = Intersection::of(snapshot, sets)?;
    let mut numbers = RoaringTreemap::new();
    let mut statement = snapshot.prepare_cached(&format!("SELECT c.seq FROM {from} {only}"))?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        numbers.insert(number_from(row, 0)?);
    }
    Ok(numbers)
}

/// How many documents there are to look at; 0 where that does not matter, and no more than does.
fn candidates(session: Session<'_>, sets: &[AnyOf]) -> StoreResult<u64> {
    let Some(most) = session.scan_documents else { return Ok(0) };
    let intersection = Intersection::of(session.snapshot, sets).map_err(because)?;
    let Intersection { from, only, mut values } = intersection;
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} {only} LIMIT ?)");
    values.push(signed(most.saturating_add(1)).into());
    let mut statement = session.prepare(&sql)?;
    statement.query_row(params_from_iter(values), |row| number_from(row, 0)).map_err(because)
}

/// Looks at each candidate, once; how many there were is told too.
fn evaluate(
    session: Session<'_>,
    sets: &[AnyOf],
    filter: &Filter,
) -> StoreResult<(RoaringTreemap, u64)> {
    let intersection = Intersection::of(session.snapshot, sets).map_err(because)?;
    let Intersection { from, only, values } = intersection;
    // CROSS JOIN keeps the order of the tables: the candidates lead.
    let sql = format!(
        "SELECT i.id, i.version, i.foreign_href, i.document, i.seq
         FROM {from} CROSS JOIN interaction AS i ON i.seq = c.seq {only} ORDER BY c.seq"
    );
    let mut statement = session.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(because)?;
    let (mut numbers, mut documents) = (RoaringTreemap::new(), 0);
    while let Some(row) = rows.next().map_err(because)? {
        session.check()?;
        documents += 1;
        let interaction = interaction_from(row).map_err(because)?;
        if filter.matches(&interaction, &members_of(&interaction)?) {
            numbers.insert(number_from(row, 4).map_err(because)?);
        }
    }
    Ok((numbers, documents))
}

/// The members of a stored document.
pub(super) fn members_of(interaction: &Interaction) -> StoreResult<Members> {
    interaction
        .members()
        .map_err(|e| StoreError::Failed { what: "reading a stored document", source: Box::new(e) })
}

/// Reads a row that begins with `id, version, foreign_href, document`.
pub(super) fn interaction_from(row: &Row<'_>) -> rusqlite::Result<Interaction> {
    Ok(Interaction {
        id: row.get(0)?,
        version: row.get(1)?,
        foreign_href: row.get(2)?,
        text: row.get(3)?,
    })
}

/// Reads the creation number in a column. SQLite counts from 1.
pub(super) fn number_from(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}
