//! Lookups as SQL: where a probe finds its `seq`. The text consists of fixed pieces only; whatever a
//! client wrote is bound.

use crate::domain::index::Lookup;
use crate::store::plan::Probe;
use rusqlite::types::Value;

/// A table and its condition, and what that is bound to. The index is looked at up to the number `indexed`.
///
/// But for ranges and presence, the entries of a probe are found in the order of `seq`.
pub(super) fn entries(probe: &Probe, indexed: i64) -> (&'static str, Vec<Value>) {
    let text = |text: &String| vec![Value::from(text.clone())];
    match probe {
        Probe::Every => ("interaction WHERE TRUE", Vec::new()),
        Probe::Index(Lookup::Key(key)) => {
            let values = vec![i64::from(key.path).into(), key.value.clone().into(), indexed.into()];
            ("attribute WHERE path = ? AND value = ? AND seq <= ?", values)
        }
        // Text is above every integer in SQLite, so the upper bound leaves it out.
        Probe::Index(Lookup::Instants { path, from_us, to_us }) => {
            let values = [i64::from(*path), *from_us, *to_us, indexed].map(Value::from);
            ("attribute WHERE path = ? AND value BETWEEN ? AND ? AND seq <= ?", values.to_vec())
        }
        Probe::Present(path) => {
            let values = [i64::from(*path), indexed].map(Value::from);
            ("attribute WHERE path = ? AND seq <= ?", values.to_vec())
        }
        Probe::Id(id) => ("interaction WHERE id = ?", text(id)),
        Probe::OwnId(id) => ("interaction WHERE id = ? AND foreign_href IS NULL", text(id)),
        Probe::ForeignHref(href) => ("interaction WHERE foreign_href = ?", text(href)),
    }
}
