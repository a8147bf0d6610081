//! The sets of a plan as SQL: `seq` of the interactions that are in all of them.
//!
//! The smallest set leads, the others are asked about each of its members. The text consists of fixed
//! pieces only; whatever a client wrote is bound.

use super::change::{digest, findable, path_number};
use super::error::Result;
use crate::domain::index::{KeyValue, Lookup};
use crate::store::plan::{AnyOf, Probe};
use deadpool_postgres::Transaction;
use tokio_postgres::types::ToSql;

/// Sizes are compared only up to this many entries; beyond, all are "many".
const ENOUGH: i64 = 1000;

/// What a parameter is bound to.
pub(super) type Value = Box<dyn ToSql + Sync + Send>;

/// A SELECT of `seq`, and what its parameters stand for.
#[derive(Default)]
pub(super) struct Intersection {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Intersection {
    /// The intersection of `sets`; all interactions if there are none.
    pub(super) async fn of(snapshot: &Transaction<'_>, sets: &[AnyOf]) -> Result<Self> {
        let mut sets = smallest_first(snapshot, sets).await?.into_iter();
        let mut made = Self::default();
        let Some(lead) = sets.next() else {
            made.sql = "SELECT seq FROM interaction".to_owned();
            return Ok(made);
        };
        // UNION, not UNION ALL: an interaction may have two of the values.
        let lead = made.select_each("seq", "", " UNION ", lead);
        let mut only = String::new();
        for set in sets {
            only.push_str(if only.is_empty() { " WHERE " } else { " AND " });
            let any = made.select_each("1", " AND e.seq = c.seq", " UNION ALL ", set);
            only.push_str(&format!("EXISTS ({any})"));
        }
        made.sql = format!("SELECT c.seq FROM ({lead}) AS c{only}");
        Ok(made)
    }

    /// Adds a value, and answers with the parameter that stands for it.
    pub(super) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }

    /// As the driver takes them.
    pub(super) fn bound(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
    }

    /// One SELECT for each probe, joined.
    fn select_each(&mut self, column: &str, and: &str, joiner: &str, set: &AnyOf) -> String {
        let selects = set.iter().map(|probe| {
            let entries = self.entries(probe);
            format!("SELECT {column} FROM {entries}{and}")
        });
        selects.collect::<Vec<_>>().join(joiner)
    }

    /// Where a probe finds its `seq`: a table and its condition.
    fn entries(&mut self, probe: &Probe) -> String {
        match probe {
            Probe::Index(Lookup::Key(key)) => {
                let path = self.bind(path_number(key.path));
                let (table, value) = match &key.value {
                    KeyValue::Text(text) => ("text", self.bind(text.clone().into_bytes())),
                    KeyValue::Instant(instant) => ("instant", self.bind(*instant)),
                };
                format!("attribute_{table} AS e WHERE e.path = {path} AND e.value = {value}")
            }
            Probe::Index(Lookup::Instants { path, from_us, to_us }) => {
                let path = self.bind(path_number(*path));
                let (from, to) = (self.bind(*from_us), self.bind(*to_us));
                format!(
                    "attribute_instant AS e WHERE e.path = {path} AND e.value BETWEEN {from} AND {to}"
                )
            }
            Probe::Id(id) => {
                let id = self.bind(findable(id).map(str::to_owned));
                format!("interaction AS e WHERE e.id = {id}")
            }
            Probe::OwnId(id) => {
                let id = self.bind(findable(id).map(str::to_owned));
                format!("interaction AS e WHERE e.id = {id} AND e.foreign_href IS NULL")
            }
            Probe::ForeignHref(href) => {
                let digest = self.bind(digest(href).to_vec());
                format!("interaction AS e WHERE e.href_digest = {digest}")
            }
        }
    }
}

async fn smallest_first<'s>(
    snapshot: &Transaction<'_>,
    sets: &'s [AnyOf],
) -> Result<Vec<&'s AnyOf>> {
    if sets.len() < 2 {
        return Ok(sets.iter().collect());
    }
    let mut sized = Vec::with_capacity(sets.len());
    for set in sets {
        sized.push((size(snapshot, set).await?, set));
    }
    sized.sort_by_key(|(size, _)| *size);
    Ok(sized.into_iter().map(|(_, set)| set).collect())
}

/// How many entries a set has, counting no further than needed.
async fn size(snapshot: &Transaction<'_>, set: &AnyOf) -> Result<i64> {
    let mut made = Intersection::default();
    let all = made.select_each("1", "", " UNION ALL ", set);
    let enough = made.bind(ENOUGH);
    let sql = format!("SELECT count(*) FROM ({all} LIMIT {enough}) AS part");
    Ok(snapshot.query_one(&sql, &made.bound()).await?.get(0))
}
