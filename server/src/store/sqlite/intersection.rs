//! The sets of a plan as SQL: `seq` of the interactions that are in all of them.
//!
//! The smallest set leads and is gone through in creation order, the others are asked about each
//! of its members. The alternative, intersecting whole sets, would cost what the largest costs.
//! The text consists of fixed pieces only; whatever a client wrote is bound.

use crate::domain::index::Lookup;
use crate::store::plan::{AnyOf, Probe};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Sizes are compared only up to this many entries; beyond, all are "many".
const ENOUGH: i64 = 1000;

/// Pieces of a SELECT in which `c.seq` goes over the intersection:
/// `SELECT … FROM {from} {only} ORDER BY c.seq`.
#[derive(Debug)]
pub(super) struct Intersection {
    /// Tables.
    pub(super) from: String,
    /// Empty, or a WHERE clause.
    pub(super) only: String,
    /// What the question marks of `from` and `only` stand for, in this order.
    pub(super) values: Vec<Value>,
}

impl Intersection {
    /// The intersection of `sets`; all interactions if there are none.
    pub(super) fn of(connection: &Connection, sets: &[AnyOf]) -> rusqlite::Result<Self> {
        let mut sets = smallest_first(connection, sets)?.into_iter();
        let Some(lead) = sets.next() else {
            let from = "interaction AS c".to_owned();
            return Ok(Self { from, only: String::new(), values: Vec::new() });
        };
        let mut values = Vec::new();
        // UNION, not UNION ALL: an interaction may have two of the values.
        let from = format!("({}) AS c", select_each("seq", "", " UNION ", lead, &mut values));
        let mut only = String::new();
        for set in sets {
            only.push_str(if only.is_empty() { "WHERE " } else { " AND " });
            let any = select_each("1", " AND seq = c.seq", " UNION ALL ", set, &mut values);
            only.push_str(&format!("EXISTS ({any})"));
        }
        Ok(Self { from, only, values })
    }
}

fn smallest_first<'s>(
    connection: &Connection,
    sets: &'s [AnyOf],
) -> rusqlite::Result<Vec<&'s AnyOf>> {
    if sets.len() < 2 {
        return Ok(sets.iter().collect());
    }
    let mut sized = Vec::with_capacity(sets.len());
    for set in sets {
        sized.push((size(connection, set)?, set));
    }
    sized.sort_by_key(|(size, _)| *size);
    Ok(sized.into_iter().map(|(_, set)| set).collect())
}

/// How many entries a set has, counting no further than needed.
fn size(connection: &Connection, set: &AnyOf) -> rusqlite::Result<i64> {
    let mut size = 0;
    for probe in set {
        let (entries, mut values) = entries(probe);
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {entries} LIMIT ?)");
        values.push(Value::from(ENOUGH));
        size += connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(values), |row| row.get::<_, i64>(0))?;
        if size >= ENOUGH {
            break;
        }
    }
    Ok(size)
}

/// One SELECT for each probe, joined. Puts what they look for into `values`.
fn select_each(
    column: &str,
    and: &str,
    joiner: &str,
    set: &AnyOf,
    values: &mut Vec<Value>,
) -> String {
    let selects = set.iter().map(|probe| {
        let (entries, wanted) = entries(probe);
        values.extend(wanted);
        format!("SELECT {column} FROM {entries}{and}")
    });
    selects.collect::<Vec<_>>().join(joiner)
}

/// Where a probe finds its `seq`: a table and its condition, and what that is bound to.
fn entries(probe: &Probe) -> (&'static str, Vec<Value>) {
    let text = |text: &String| vec![Value::from(text.clone())];
    match probe {
        Probe::Index(Lookup::Key(key)) => {
            let values = vec![Value::from(i64::from(key.path)), Value::from(key.value.clone())];
            ("attribute WHERE path = ? AND value = ?", values)
        }
        // Text is above every integer in SQLite, so the upper bound leaves it out.
        Probe::Index(Lookup::Instants { path, from_us, to_us }) => {
            let values = [i64::from(*path), *from_us, *to_us].map(Value::from);
            ("attribute WHERE path = ? AND value BETWEEN ? AND ?", values.to_vec())
        }
        Probe::Id(id) => ("interaction WHERE id = ?", text(id)),
        Probe::OwnId(id) => ("interaction WHERE id = ? AND foreign_href IS NULL", text(id)),
        Probe::ForeignHref(href) => ("interaction WHERE foreign_href = ?", text(href)),
    }
}
