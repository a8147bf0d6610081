//! Lookups as SQL: where a probe finds its `seq`. The text consists of fixed pieces only; whatever a
//! client wrote is bound.

use super::change::{digest, findable, path_number};
use crate::domain::index::{KeyValue, Lookup};
use crate::store::plan::Probe;
use tokio_postgres::types::ToSql;

/// What a parameter is bound to.
pub(super) type Value = Box<dyn ToSql + Sync + Send>;

/// A table and its condition, of which `$1` is not its own, and what `$2` and so on stand for.
///
/// `None`: ranges and presence, whose entries lie in another order.
pub(super) fn entries(probe: &Probe) -> Option<(&'static str, Vec<Value>)> {
    let value = |value| -> Vec<Value> { vec![value] };
    Some(match probe {
        Probe::Every => ("interaction WHERE TRUE", Vec::new()),
        Probe::Index(Lookup::Key(key)) => {
            let path = Box::new(path_number(key.path));
            match &key.value {
                KeyValue::Text(text) => (
                    "attribute_text WHERE path = $2 AND value = $3",
                    vec![path, Box::new(text.clone().into_bytes())],
                ),
                KeyValue::Instant(instant) => (
                    "attribute_instant WHERE path = $2 AND value = $3",
                    vec![path, Box::new(*instant)],
                ),
            }
        }
        Probe::Index(Lookup::Instants { .. }) | Probe::Present(_) => return None,
        Probe::Id(id) => {
            ("interaction WHERE id = $2", value(Box::new(findable(id).map(str::to_owned))))
        }
        Probe::OwnId(id) => (
            "interaction WHERE id = $2 AND foreign_href IS NULL",
            value(Box::new(findable(id).map(str::to_owned))),
        ),
        Probe::ForeignHref(href) => {
            ("interaction WHERE href_digest = $2", value(Box::new(digest(href).to_vec())))
        }
    })
}
