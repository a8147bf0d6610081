//! What the server sets and what clients may not change (DESIGN "Server-set members").
//!
//! Works on canonical members, which have neither `id` nor `href`. It does not validate: documents
//! come here after the schema has accepted them. Time is an argument.

use super::interaction::{Members, keeping_type_last};
use super::scalar::Instant;
use super::tree::{Object, Tree};
use serde_json::Value;

/// The only root `@type` of the API; others must say they extend it.
const ROOT_TYPE: &str = "PartyInteraction";

/// Whether a client may state the dates the server would set otherwise. v4's schemas have them in
/// their Create and Update forms, v5's do not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StatedDates {
    /// `creationDate` (on create) and `statusChangeDate` are the client's where it sends them.
    Kept,
    /// The server's word counts.
    Overruled,
}

/// A change that is not allowed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Members that stay as they are once the interaction exists.
    #[error("cannot be changed: {}", .members.join(", "))]
    Immutable {
        /// Their names, all that the change touches.
        members: Vec<&'static str>,
    },
    /// A foreign root `@type` (D5).
    #[error(
        "`@type` is `{found}`: with another type than {ROOT_TYPE}, `@baseType` must be {ROOT_TYPE}"
    )]
    ForeignType {
        /// The `@type`, or its JSON text when it is not even a string.
        found: String,
    },
}

/// The effect of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// The interaction as it is now.
    pub members: Members,
    /// `status` is another.
    pub status: bool,
    /// Members that are different, other than `status` and the dates the server keeps: in the order
    /// of the members, those that are gone last.
    pub attributes: Vec<String>,
}

/// A new interaction: server-set members filled in, `id` and `href` of the client dropped.
///
/// `lastUpdate` is always the server's. `status` is `opened` where it is absent.
pub fn created<'t>(mut members: Object<'t>, now: &'t str, stated: StatedDates) -> Object<'t> {
    members.keeping_type_last(|members| {
        members.remove("id");
        members.remove("href");
        if members.stated("status").is_none() {
            members.set("status", "opened");
        }
        for name in ["creationDate", "statusChangeDate"] {
            if stated == StatedDates::Overruled || members.stated(name).is_none() {
                members.set(name, now);
            }
        }
        members.set("lastUpdate", now);
    });
    members
}

/// An interaction that comes from elsewhere: it keeps its dates and its status, and gets what it has
/// not. Answers the names of what it got too.
pub fn imported<'t>(mut members: Object<'t>, now: &'t str) -> (Object<'t>, Vec<&'static str>) {
    let mut got = Vec::new();
    members.keeping_type_last(|members| {
        let values = [
            ("status", "opened"),
            ("creationDate", now),
            ("statusChangeDate", now),
            ("lastUpdate", now),
        ];
        for (name, value) in values {
            if members.stated(name).is_none() {
                members.set(name, value);
                got.push(name);
            }
        }
    });
    (members, got)
}

/// A changed interaction, or `None` when nothing would be different: then nothing is written, and
/// nobody is told. A `lastUpdate` sent by a client is not a difference.
///
/// When `status` changes, `statusChangeDate` is now, unless the client may state it and has sent
/// another than before. Sent alone, it is taken or ignored by the same right.
///
/// # Errors
/// `direction`, `creationDate` or `@type` would be different. The same instant in other letters is
/// no change of `creationDate`; the first letters stay.
pub fn changed(
    before: &Members,
    mut after: Members,
    now: &str,
    stated: StatedDates,
) -> Result<Option<Changed>, Refusal> {
    check_immutable(Vec::new(), before, &after)?;
    let status = before.get("status") != after.get("status");
    keeping_type_last(&mut after, |after| {
        restore(after, before, "creationDate");
        restore(after, before, "lastUpdate");
        let date = "statusChangeDate";
        let sent = after
            .get(date)
            .filter(|date| !date.is_null() && before.get("statusChangeDate") != Some(date));
        if stated == StatedDates::Overruled || sent.is_none() {
            restore(after, before, date);
            if status {
                set(after, date, now);
            }
        }
    });
    if *before == after {
        return Ok(None);
    }
    let attributes =
        different_apart_from(&["status", "statusChangeDate", "lastUpdate"], before, &after);
    keeping_type_last(&mut after, |after| set(after, "lastUpdate", now));
    Ok(Some(Changed { members: after, status, attributes }))
}

/// Judges the root `@type` (D5): `PartyInteraction`, absent, or an extension that says what it
/// extends.
///
/// # Errors
/// Another `@type` without `@baseType: PartyInteraction`.
pub fn check_root_type(members: &Object<'_>) -> Result<(), Refusal> {
    let extends = members.get("@baseType").and_then(Tree::as_str) == Some(ROOT_TYPE);
    match members.get("@type") {
        None => Ok(()),
        Some(Tree::Text(name)) if extends || name == ROOT_TYPE => Ok(()),
        Some(Tree::Text(name)) => Err(Refusal::ForeignType { found: name.to_string() }),
        Some(other) => Err(Refusal::ForeignType { found: Value::from(other.clone()).to_string() }),
    }
}

/// Takes `id` and `href` out of a patch, where they may stand if they are the interaction's own;
/// answers those that are not.
pub fn take_identity(patch: &mut Members, id: &str, href: &str) -> Vec<&'static str> {
    let mut touched = Vec::new();
    for (name, own) in [("id", id), ("href", href)] {
        if patch.shift_remove(name).is_some_and(|sent| sent.as_str() != Some(own)) {
            touched.push(name);
        }
    }
    touched
}

/// Takes `id` and `href` out of a changed representation, where they stood and still must; answers
/// those that are gone or others.
pub fn take_kept_identity(after: &mut Members, id: &str, href: &str) -> Vec<&'static str> {
    let mut touched = Vec::new();
    for (name, own) in [("id", id), ("href", href)] {
        if after.shift_remove(name).is_none_or(|kept| kept.as_str() != Some(own)) {
            touched.push(name);
        }
    }
    touched
}

/// Judges what a change touches, beside what is known to be `touched` already.
///
/// # Errors
/// Names every immutable member that would be different.
pub fn check_immutable(
    mut touched: Vec<&'static str>,
    before: &Members,
    after: &Members,
) -> Result<(), Refusal> {
    let compared = [
        ("direction", before.get("direction") != after.get("direction")),
        ("creationDate", !same_instant(before.get("creationDate"), after.get("creationDate"))),
        ("@type", root_type(before) != root_type(after)),
    ];
    touched.extend(compared.into_iter().filter_map(|(name, differs)| differs.then_some(name)));
    if touched.is_empty() { Ok(()) } else { Err(Refusal::Immutable { members: touched }) }
}

/// The root `@type`; an absent one and the default are the same.
fn root_type(members: &Members) -> Option<&Value> {
    members.get("@type").filter(|found| found.as_str() != Some(ROOT_TYPE))
}

fn same_instant(one: Option<&Value>, other: Option<&Value>) -> bool {
    let read = |value: Option<&Value>| value.and_then(Value::as_str).and_then(Instant::parse);
    one == other || read(one).is_some_and(|one| read(other) == Some(one))
}

fn set(members: &mut Members, name: &str, value: &str) {
    members.insert(name.to_owned(), value.into());
}

fn restore(after: &mut Members, before: &Members, name: &str) {
    match before.get(name) {
        Some(value) => drop(after.insert(name.to_owned(), value.clone())),
        None => drop(after.shift_remove(name)),
    }
}

fn different_apart_from(names: &[&str], before: &Members, after: &Members) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let different =
        |name: &&String| !names.contains(&name.as_str()) && before.get(*name) != after.get(*name);
    after.keys().chain(gone).filter(different).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::{reread, stored};

    const NOW: &str = "2024-05-01T00:00:00Z";

    fn members(text: &str) -> Members {
        reread(&text.replace('\'', "\"")).unwrap()
    }

    #[track_caller]
    fn check_created(sent: &str, dates: StatedDates, expected: &str) {
        let sent = sent.replace('\'', "\"");
        let got = created(stored(&sent).unwrap(), NOW, dates).to_text();
        assert_eq!(got.replace('"', "'").replace(NOW, "now"), expected);
    }

    #[test]
    fn creation() {
        check_created(
            "{'id':'x','href':'y','reason':'r','@type':'PartyInteraction'}",
            StatedDates::Overruled,
            "{'reason':'r','status':'opened','creationDate':'now','statusChangeDate':'now','lastUpdate':'now','@type':'PartyInteraction'}",
        );
        let dated = "{'creationDate':'c','statusChangeDate':'s','lastUpdate':'l','status':'x'}";
        check_created(
            dated,
            StatedDates::Overruled,
            "{'creationDate':'now','statusChangeDate':'now','lastUpdate':'now','status':'x'}",
        );
        check_created(
            dated,
            StatedDates::Kept,
            "{'creationDate':'c','statusChangeDate':'s','lastUpdate':'now','status':'x'}",
        );
    }

    #[test]
    fn what_is_imported_keeps_what_it_has() {
        for (sent, expected, got) in [
            (
                "{'status':'x','creationDate':'c','lastUpdate':'l','statusChangeDate':'s','n':1}",
                "{'status':'x','creationDate':'c','lastUpdate':'l','statusChangeDate':'s','n':1}",
                "",
            ),
            (
                "{'lastUpdate':null,'n':1,'@type':'T'}",
                "{'lastUpdate':'now','n':1,'status':'opened','creationDate':'now','statusChangeDate':'now','@type':'T'}",
                "status creationDate statusChangeDate lastUpdate",
            ),
        ] {
            let sent = sent.replace('\'', "\"");
            let (members, names) = imported(stored(&sent).unwrap(), NOW);
            let text = members.to_text().replace('"', "'").replace(NOW, "now");
            assert_eq!((text.as_str(), names.join(" ").as_str()), (expected, got));
        }
    }

    /// `s` and the names of attributes tell what changed, `-` that nothing did.
    #[track_caller]
    fn check_changed(after: &str, stated: StatedDates, expected: &str) {
        let before = members(
            "{'status':'a','n':1,'direction':'in','creationDate':'2020-01-01T00:00:00Z','lastUpdate':'l','statusChangeDate':'d'}",
        );
        let mut patched = before.clone();
        super::super::merge_patch::apply(&mut patched, members(after));
        let got = match changed(&before, patched, NOW, stated) {
            Err(refusal) => refusal.to_string(),
            Ok(None) => "-".to_owned(),
            Ok(Some(changed)) => {
                assert_eq!(changed.members["lastUpdate"], NOW);
                assert_eq!(changed.members["creationDate"], before["creationDate"]);
                let date = changed.members["statusChangeDate"].to_string();
                let status = if changed.status { "s" } else { "" };
                format!("{status}{} {date}", changed.attributes.join(","))
            }
        };
        assert_eq!(got.replace('"', "").replace(NOW, "now"), expected, "{after}");
    }

    #[test]
    fn changes() {
        use StatedDates::{Kept, Overruled};
        check_changed("{}", Kept, "-");
        check_changed("{'lastUpdate':'x'}", Kept, "-");
        check_changed("{'status':'b'}", Overruled, "s now");
        check_changed("{'status':'b'}", Kept, "s now");
        check_changed("{'status':'b','statusChangeDate':'x','n':2}", Kept, "sn x");
        check_changed("{'status':'b','statusChangeDate':'x'}", Overruled, "s now");
        check_changed("{'statusChangeDate':'x'}", Overruled, "-");
        check_changed("{'statusChangeDate':null}", Kept, "-");
        check_changed("{'statusChangeDate':'x'}", Kept, " x");
        check_changed("{'m':{'x':1}}", Kept, "m d");
        check_changed("{'n':1.0}", Kept, "n d");
        check_changed("{'o':1,'n':null,'m':2}", Kept, "o,m,n d");
        check_changed("{'creationDate':'2020-01-01T01:00:00+01:00'}", Kept, "-");
        check_changed("{'direction':'in','@type':'PartyInteraction','n':2}", Kept, "n,@type d");
        check_changed(
            "{'direction':'out','creationDate':null,'@type':'Mine'}",
            Kept,
            "cannot be changed: direction, creationDate, @type",
        );
    }

    #[test]
    fn identity_in_a_patch() {
        let mut patch = members("{'id':'1','href':'h','n':1}");
        assert!(take_identity(&mut patch, "1", "h").is_empty());
        assert_eq!(patch, members("{'n':1}"));
        let touched = take_identity(&mut members("{'id':null,'href':'x'}"), "1", "h");
        assert_eq!(touched, ["id", "href"]);
        let mut after = members("{'id':'1','href':'h','n':1}");
        assert!(take_kept_identity(&mut after, "1", "h").is_empty());
        assert_eq!(after, members("{'n':1}"));
        assert_eq!(take_kept_identity(&mut members("{'href':1}"), "1", "h"), ["id", "href"]);
    }

    #[test]
    fn root_types() {
        let check = |text: &str, ok: bool| {
            let sent = text.replace('\'', "\"");
            assert_eq!(check_root_type(&stored(&sent).unwrap()).is_ok(), ok, "{text}");
        };
        check("{}", true);
        check("{'@type':'PartyInteraction'}", true);
        check("{'@type':'Mine'}", false);
        check("{'@type':'Mine','@baseType':'Other'}", false);
        check("{'@type':'Mine','@baseType':'PartyInteraction'}", true);
        check("{'@type':1,'@baseType':'PartyInteraction'}", false);
    }
}
