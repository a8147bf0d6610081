//! The sets of a plan as SQL: `seq` of the interactions that are in all of them.
//!
//! The smallest set leads and is gone through in creation order, the others are asked about each
//! of its members. The alternative, intersecting whole sets, would cost what the largest costs.
//! The text consists of fixed pieces only; whatever a client wrote is bound.

use super::plan::{AnyOf, Probe};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Sizes are compared only up to this many entries; beyond, all are "many".
const ENOUGH: i64 = 1000;

/// Pieces of a SELECT in which `c.seq` goes over the candidates:
/// `SELECT … FROM {from} {only} ORDER BY c.seq`.
#[derive(Debug)]
pub(super) struct Candidates {
    /// Tables.
    pub(super) from: String,
    /// Empty, or a WHERE clause.
    pub(super) only: String,
    /// What the question marks of `from` and `only` stand for, in this order.
    pub(super) values: Vec<Value>,
}

impl Candidates {
    /// The intersection of `sets`; all interactions if there are none.
    pub(super) fn of(connection: &Connection, mut sets: Vec<AnyOf>) -> rusqlite::Result<Self> {
        if sets.len() > 1 {
            let sizes = sets.iter().map(|set| size(connection, set));
            let sizes = sizes.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut sized: Vec<_> = sizes.into_iter().zip(sets).collect();
            sized.sort_by_key(|(size, _)| *size);
            sets = sized.into_iter().map(|(_, set)| set).collect();
        }
        let mut sets = sets.into_iter();
        let Some(lead) = sets.next() else {
            let from = "interaction AS c".to_owned();
            return Ok(Self { from, only: String::new(), values: Vec::new() });
        };
        let mut values = Vec::new();
        // UNION, not UNION ALL: an interaction may have two of the values.
        let from = format!("({}) AS c", select_each("seq", "", " UNION ", lead, &mut values));
        let tests: Vec<String> = sets
            .map(|set| {
                let any = select_each("1", " AND seq = c.seq", " UNION ALL ", set, &mut values);
                format!("EXISTS ({any})")
            })
            .collect();
        let only = match tests.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", tests.join(" AND ")),
        };
        Ok(Self { from, only, values })
    }
}

/// How many entries a set has, counting no further than needed.
fn size(connection: &Connection, set: &AnyOf) -> rusqlite::Result<i64> {
    let mut size = 0;
    for probe in set {
        let mut values = Vec::new();
        let limit = format!(" LIMIT {ENOUGH}");
        let entries = select_each("1", &limit, "", vec![probe.clone()], &mut values);
        size += connection
            .prepare_cached(&format!("SELECT count(*) FROM ({entries})"))?
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
    suffix: &str,
    joiner: &str,
    set: AnyOf,
    values: &mut Vec<Value>,
) -> String {
    let selects = set.into_iter().map(|probe| {
        let from = match probe {
            Probe::Key(key) => {
                values.push(Value::from(i64::from(key.path)));
                values.push(Value::from(key.value));
                "attribute WHERE path = ? AND value = ?"
            }
            Probe::Id(id) => {
                values.push(Value::from(id));
                "interaction WHERE id = ?"
            }
            Probe::OwnId(id) => {
                values.push(Value::from(id));
                "interaction WHERE id = ? AND foreign_href IS NULL"
            }
            Probe::ForeignHref(href) => {
                values.push(Value::from(href));
                "interaction WHERE foreign_href = ?"
            }
        };
        format!("SELECT {column} FROM {from}{suffix}")
    });
    selects.collect::<Vec<_>>().join(joiner)
}
