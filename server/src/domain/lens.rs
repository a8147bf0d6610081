//! The v4 lens (D4): how a canonical (v5-shaped) interaction looks in v4, and how a v4 document is
//! written back over it without losing what v4 cannot show.
//!
//! Laws, property-tested in `lens/laws.rs`, with JSON equality that counts number spellings:
//! `get(put(s, v)) == v` for every v4 document `v`, over any stored `s` or none, and
//! `put(s, get(s)) == s` to the letter. The lens is total: a member that has not the shape the
//! table expects passes through unchanged. It knows nothing of `id` and `href` of the interaction
//! (they are added at the edge), and judges nothing: validation is the schema's work.
//!
//! v5 wants an `@type` in every object, v4 clients mostly send none. **An `@type` the lens had to
//! add stands last in its object; everything a client sent stands before it.** So an `@type` that
//! stands last and is the default of its place is not shown in v4, and one that a v4 client sent
//! is moved to the front where it would stand last. An object that has nothing but an `@type`
//! shows it. Whoever changes canonical documents keeps a last-standing `@type` last.

mod pairing;
mod table;

#[cfg(test)]
mod laws;

use super::interaction::Members;
use crate::query::filter::Path;
use serde_json::{Map, Value};
use table::{Child, Place, ROOT, Shape, Wrapping};

/// Members of a wrapper that describe the wrapper itself. v4 has no wrapper, so it has no place
/// for them; its own members of these names belong to the entity inside.
const OF_WRAPPER: [&str; 3] = ["@type", "@baseType", "@schemaLocation"];

/// Why a v4 document cannot be written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LensError {
    /// The member would be mistaken for another when read back.
    #[error("`{pointer}` is not a v4 name: v4 calls this member `{v4}`")]
    NameTaken {
        /// JSON pointer of the member.
        pointer: String,
        /// The name v4 has for it.
        v4: &'static str,
    },
}

/// The v4 view of a canonical document.
pub fn get(canonical: &Members) -> Members {
    get_object(&ROOT, canonical)
}

/// The canonical document whose v4 view is `view`, made from what is stored so that hidden members
/// stay. Elements of arrays are matched with stored ones by content, `id`, or position.
///
/// # Errors
/// The document has a member under the name v5 gives to a v4 member (`relatedChannel`).
pub fn put(stored: Option<&Members>, view: Members) -> Result<Members, LensError> {
    match stored {
        Some(stored) if get(stored) == view => Ok(stored.clone()),
        _ => put_object(&ROOT, stored, view),
    }
}

/// Where the member at a dotted v4 path is found in canonical documents. Nowhere: v4 has no such
/// path. Twice: a member v4 does not know, which lies with the wrapper or with the entity inside.
pub fn paths_to_canonical(path: &[String]) -> Vec<Path> {
    let mut place = &ROOT;
    let mut canonical = Path::new();
    for (at, name) in path.iter().enumerate() {
        let Some(child) = place.child_of_v4(name) else {
            if place.child_of_canonical(name).is_some() {
                return Vec::new();
            }
            return vec![[canonical.as_slice(), &path[at..]].concat()];
        };
        canonical.push(child.canonical.to_owned());
        match child.shape {
            Shape::Object(inner) => place = inner,
            Shape::Wrapped(wrapping) => {
                return paths_in_wrapper(wrapping, canonical, &path[at + 1..]);
            }
        }
    }
    vec![canonical]
}

/// What v4 calls a canonical member of the interaction; `None`: it has no place for it.
pub fn name_in_v4(canonical: &str) -> Option<&str> {
    match ROOT.child_of_canonical(canonical) {
        Some(child) => Some(child.v4),
        None => ROOT.child_of_v4(canonical).is_none().then_some(canonical),
    }
}

fn paths_in_wrapper(wrapping: &Wrapping, wrapper: Path, rest: &[String]) -> Vec<Path> {
    let beside = [wrapper.as_slice(), rest].concat();
    let inside = [wrapper.as_slice(), &[wrapping.key.to_owned()], rest].concat();
    match rest.first().map(String::as_str) {
        None | Some("role") => vec![beside],
        Some(name) if name == wrapping.key || OF_WRAPPER.contains(&name) => vec![inside],
        Some(_) => vec![inside, beside],
    }
}

fn get_object(place: &Place, canonical: &Members) -> Members {
    let implied = type_is_implied(canonical, place.default_type);
    let mut view = Map::new();
    for (name, value) in canonical {
        if let Some(child) = place.child_of_canonical(name) {
            view.insert(child.v4.to_owned(), get_child(child, value));
        } else if !(place.child_of_v4(name).is_some() || implied && name == "@type") {
            view.insert(name.clone(), value.clone());
        }
    }
    view
}

fn get_child(child: &Child, canonical: &Value) -> Value {
    match canonical {
        Value::Array(entries) if child.many => {
            entries.iter().map(|entry| get_entry(child.shape, entry)).collect()
        }
        other if child.many => other.clone(),
        entry => get_entry(child.shape, entry),
    }
}

fn get_entry(shape: Shape, canonical: &Value) -> Value {
    match (canonical, shape) {
        (Value::Object(members), Shape::Object(place)) => get_object(place, members).into(),
        (Value::Object(members), Shape::Wrapped(wrapping)) => get_wrapped(wrapping, members).into(),
        (other, _) => other.clone(),
    }
}

/// Flattens a wrapper: the members of the entity inside take the entity's place, and win over
/// equally named ones of the wrapper. `role` is the wrapper's.
fn get_wrapped(wrapping: &Wrapping, outer: &Members) -> Members {
    let inner = outer.get(wrapping.key).and_then(Value::as_object);
    let mut view = Map::new();
    for (name, value) in outer {
        match inner {
            Some(inner) if name == wrapping.key => {
                let implied = type_is_implied(inner, wrapping.inner_type);
                let shown = |name: &str| name != "role" && !(implied && name == "@type");
                let members = inner.iter().filter(|(name, _)| shown(name));
                view.extend(members.map(|(name, value)| (name.clone(), value.clone())));
            }
            _ if OF_WRAPPER.contains(&name.as_str()) => {}
            Some(inner) if name != "role" && inner.contains_key(name) => {}
            _ => {
                view.insert(name.clone(), value.clone());
            }
        }
    }
    view
}

fn put_object(
    place: &Place,
    stored: Option<&Members>,
    view: Members,
) -> Result<Members, LensError> {
    let mut canonical = Map::new();
    for (name, value) in view {
        if let Some(child) = place.child_of_v4(&name) {
            let before = stored.and_then(|stored| stored.get(child.canonical));
            let value = put_child(child, before, value).map_err(|error| error.inside(&name))?;
            canonical.insert(child.canonical.to_owned(), value);
        } else if let Some(child) = place.child_of_canonical(&name) {
            let taken = LensError::NameTaken { pointer: String::new(), v4: child.v4 };
            return Err(taken.inside(&name));
        } else {
            canonical.insert(name, value);
        }
    }
    for (name, value) in stored.into_iter().flatten() {
        if place.child_of_v4(name).is_some() && place.child_of_canonical(name).is_none() {
            canonical.insert(name.clone(), value.clone());
        }
    }
    imply_type(&mut canonical, place.default_type);
    Ok(canonical)
}

fn put_child(child: &Child, stored: Option<&Value>, view: Value) -> Result<Value, LensError> {
    if !child.many {
        return put_entry(child.shape, stored, view);
    }
    let Value::Array(entries) = view else { return Ok(view) };
    let before = stored.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let images: Vec<_> = before.iter().map(|entry| get_entry(child.shape, entry)).collect();
    let partners = pairing::pair(&images, &entries);
    let entries = entries.into_iter().zip(partners).enumerate().map(|(at, (entry, partner))| {
        let partner = partner.and_then(|partner| before.get(partner));
        put_entry(child.shape, partner, entry).map_err(|error| error.inside(&at.to_string()))
    });
    entries.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn put_entry(shape: Shape, stored: Option<&Value>, view: Value) -> Result<Value, LensError> {
    match stored {
        Some(stored) if get_entry(shape, stored) == view => return Ok(stored.clone()),
        _ => {}
    }
    let before = stored.and_then(Value::as_object);
    match (view, shape) {
        (Value::Object(view), Shape::Object(place)) => {
            put_object(place, before, view).map(Value::Object)
        }
        (Value::Object(view), Shape::Wrapped(wrapping)) => {
            Ok(Value::Object(put_wrapped(wrapping, before, view)))
        }
        (other, _) => Ok(other),
    }
}

/// The reverse of [`get_wrapped`]. A member goes back to where it was found, a new one to the
/// entity inside; one that is gone is gone from both.
fn put_wrapped(wrapping: &Wrapping, stored: Option<&Members>, view: Members) -> Members {
    let nothing = Map::new();
    let stored = stored.unwrap_or(&nothing);
    let stored_inner = stored.get(wrapping.key).and_then(Value::as_object).unwrap_or(&nothing);
    let describes_wrapper = |name: &str| OF_WRAPPER.contains(&name);
    let mut outer = Map::new();
    let mut inner = Map::new();
    let mut inner_at = None;
    for (name, value) in view {
        let found_outside = stored.contains_key(&name)
            && !stored_inner.contains_key(&name)
            && !describes_wrapper(&name)
            && name != wrapping.key;
        if name == "role" || found_outside {
            outer.insert(name, value);
        } else {
            inner_at.get_or_insert(outer.len());
            inner.insert(name, value);
        }
    }
    for (name, value) in stored {
        let won_over = name != wrapping.key && name != "role" && inner.contains_key(name);
        if describes_wrapper(name) || won_over {
            outer.insert(name.clone(), value.clone());
        }
    }
    if let Some(hidden) = stored_inner.get("role") {
        inner.insert("role".to_owned(), hidden.clone());
    }
    imply_type(&mut inner, wrapping.inner_type);
    if !inner.is_empty() {
        let at = inner_at.unwrap_or(outer.len());
        outer.shift_insert(at, wrapping.key.to_owned(), inner.into());
    }
    if !outer.contains_key("@type") {
        outer.insert("@type".to_owned(), wrapping.outer_type.into());
    }
    outer
}

/// Whether the `@type` of this object is one that goes without saying in v4.
fn type_is_implied(members: &Members, default_type: fn(&Members) -> &'static str) -> bool {
    members.len() > 1
        && members.iter().next_back().is_some_and(|(name, value)| {
            name == "@type" && value.as_str() == Some(default_type(members))
        })
}

/// Gives an object the `@type` v5 wants, so that v4 shows it only if it was sent.
fn imply_type(members: &mut Members, default_type: fn(&Members) -> &'static str) {
    if type_is_implied(members, default_type) {
        if let Some(sent) = members.shift_remove("@type") {
            members.shift_insert(0, "@type".to_owned(), sent);
        }
    } else if !members.is_empty() && !members.contains_key("@type") {
        members.insert("@type".to_owned(), default_type(members).into());
    }
}

impl LensError {
    fn inside(self, segment: &str) -> Self {
        let Self::NameTaken { pointer, v4 } = self;
        Self::NameTaken { pointer: super::json::pointer([segment]) + &pointer, v4 }
    }
}
