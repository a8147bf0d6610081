//! RFC 6902 appendix A, TMF630's examples and our bounds as tables; atomicity and bounds as properties.

use super::*;
use crate::domain::json;
use proptest::prelude::*;
use serde_json::json;

const BOUNDS: Bounds = Bounds { operations: 20, copied_bytes: 2_000, depth: 8 };

fn parsed(text: &str) -> Value {
    json::parse(text.replace('\'', "\"").as_bytes(), json::Limits::default()).unwrap()
}

fn patched(document: &Value, patch: &str, dialect: Dialect) -> Result<Value, Failure> {
    let mut patch = parsed(patch);
    if dialect == Dialect::Queries {
        delete_is_remove(&mut patch);
    }
    apply(document.clone(), &read(patch, dialect)?, BOUNDS)
}

/// `expected` is the document afterwards to the letter, or what the failure says.
#[track_caller]
fn check_in(dialect: Dialect, document: &str, patch: &str, expected: &str) {
    let got = match patched(&parsed(document), patch, dialect) {
        Ok(document) => document.to_string().replace('"', "'"),
        Err(failure) => failure.to_string(),
    };
    assert_eq!(got, expected, "{document} + {patch}");
}

#[track_caller]
fn check(document: &str, patch: &str, expected: &str) {
    check_in(Dialect::Pointers, document, patch, expected);
}

#[test]
fn appendix_a_of_the_rfc() {
    let patch = |operation: &str| format!("[{operation}]");
    for (document, operation, expected) in [
        // A.1 to A.16; A.13 is refused when the body is read, for a member is named twice.
        ("{'foo':'bar'}", "{'op':'add','path':'/baz','value':'qux'}", "{'foo':'bar','baz':'qux'}"),
        (
            "{'foo':['bar','baz']}",
            "{'op':'add','path':'/foo/1','value':'qux'}",
            "{'foo':['bar','qux','baz']}",
        ),
        ("{'baz':'qux','foo':'bar'}", "{'op':'remove','path':'/baz'}", "{'foo':'bar'}"),
        ("{'foo':['bar','qux','baz']}", "{'op':'remove','path':'/foo/1'}", "{'foo':['bar','baz']}"),
        (
            "{'baz':'qux','foo':'bar'}",
            "{'op':'replace','path':'/baz','value':'boo'}",
            "{'baz':'boo','foo':'bar'}",
        ),
        (
            "{'foo':{'bar':'baz','waldo':'fred'},'qux':{'corge':'grault'}}",
            "{'op':'move','from':'/foo/waldo','path':'/qux/thud'}",
            "{'foo':{'bar':'baz'},'qux':{'corge':'grault','thud':'fred'}}",
        ),
        (
            "{'foo':['all','grass','cows','eat']}",
            "{'op':'move','from':'/foo/1','path':'/foo/3'}",
            "{'foo':['all','cows','eat','grass']}",
        ),
        (
            "{'baz':'qux','foo':['a',2,'c']}",
            "{'op':'test','path':'/baz','value':'qux'},{'op':'test','path':'/foo/1','value':2}",
            "{'baz':'qux','foo':['a',2,'c']}",
        ),
        (
            "{'baz':'qux'}",
            "{'op':'test','path':'/baz','value':'bar'}",
            "operation [0], `test` `/baz`: the value there is another",
        ),
        (
            "{'foo':'bar'}",
            "{'op':'add','path':'/child','value':{'grandchild':{}}}",
            "{'foo':'bar','child':{'grandchild':{}}}",
        ),
        (
            "{'foo':'bar'}",
            "{'op':'add','path':'/baz','value':'qux','xyz':123}",
            "{'foo':'bar','baz':'qux'}",
        ),
        (
            "{'foo':'bar'}",
            "{'op':'add','path':'/baz/bat','value':'qux'}",
            "operation [0], `add` `/baz/bat`: there is no such place",
        ),
        ("{'/':9,'~1':10}", "{'op':'test','path':'/~01','value':10}", "{'/':9,'~1':10}"),
        (
            "{'/':9,'~1':10}",
            "{'op':'test','path':'/~01','value':'10'}",
            "operation [0], `test` `/~01`: the value there is another",
        ),
        (
            "{'foo':['bar']}",
            "{'op':'add','path':'/foo/-','value':['abc','def']}",
            "{'foo':['bar',['abc','def']]}",
        ),
    ] {
        check(document, &patch(operation), expected);
    }
    let twice = br#"[{"op":"add","path":"/baz","value":"qux","op":"remove"}]"#;
    assert!(json::parse(twice, json::Limits::default()).is_err());
}

#[test]
fn what_else_the_rfc_says() {
    let no_place = |text: &str| format!("operation {text}: there is no such place");
    for (document, patch, expected) in [
        ("{'a':1}", "[]", "{'a':1}"),
        ("{'a':1}", "[{'op':'add','path':'','value':[1]}]", "[1]"),
        ("{'a':1}", "[{'op':'replace','path':'','value':{}}]", "{}"),
        ("{'a':1}", "[{'op':'add','path':'/a','value':null}]", "{'a':null}"),
        ("{'a':[1]}", "[{'op':'add','path':'/a/1','value':2}]", "{'a':[1,2]}"),
        ("{'a':[1]}", "[{'op':'add','path':'/a/2','value':2}]", &no_place("[0], `add` `/a/2`")),
        ("{'a':[1]}", "[{'op':'add','path':'/a/01','value':2}]", &no_place("[0], `add` `/a/01`")),
        ("{'a':[1]}", "[{'op':'remove','path':'/a/-'}]", &no_place("[0], `remove` `/a/-`")),
        ("{'a':1}", "[{'op':'remove','path':'/b'}]", &no_place("[0], `remove` `/b`")),
        ("{'a':1}", "[{'op':'replace','path':'/b','value':1}]", &no_place("[0], `replace` `/b`")),
        (
            "{'a':1}",
            "[{'op':'remove','path':''}]",
            "operation [0], `remove` ``: the whole document cannot be removed",
        ),
        (
            "{'a':{'b':1}}",
            "[{'op':'move','from':'/a','path':'/a/b'}]",
            "operation [0], `move` `/a/b`: a value cannot be moved into itself",
        ),
        ("{'a':1,'b':2}", "[{'op':'move','from':'/a','path':'/a'}]", "{'a':1,'b':2}"),
        (
            "{'a':1}",
            "[{'op':'test','path':'/a','value':1},{'op':'copy','from':'/b','path':'/a'}]",
            "operation [1], `copy` `/a`: there is nothing at `from`",
        ),
        ("{'a':{'b':1}}", "[{'op':'copy','from':'/a','path':'/a/c'}]", "{'a':{'b':1,'c':{'b':1}}}"),
        ("{}", "[{'op':'add','path':'/a'}]", "operation [0], `add` `/a`: `value` is missing"),
        ("{}", "[{'op':'move','path':'/a'}]", "operation [0], `move` `/a`: `from` is missing"),
        (
            "{}",
            "[{'op':'add','path':'a','value':1}]",
            "operation [0], `add` `a`: `path` is not a JSON pointer (RFC 6901)",
        ),
        (
            "{}",
            "[{'op':'copy','from':'~','path':'/a'}]",
            "operation [0], `copy` `/a`: `from` is not a JSON pointer (RFC 6901)",
        ),
        ("{'a?b=c':1}", "[{'op':'remove','path':'/a?b=c'}]", "{}"),
    ] {
        check(document, patch, expected);
    }
}

#[test]
fn numbers_are_tested_by_value_and_keep_their_letters() {
    let test = |value: &str| format!("[{{'op':'test','path':'/n','value':{value}}}]");
    for (number, equal, other) in [
        ("1.0", "1", "1.1"),
        ("1e3", "1000.00", "1e4"),
        ("12345678901234567890123", "12345678901234567890123.0", "12345678901234567890124"),
        ("-0", "0", "'0'"),
        ("{'a':[0.10],'b':1}", "{'b':1.0,'a':[1e-1]}", "{'b':1,'a':[0.1],'c':1}"),
    ] {
        let document = format!("{{'n':{number}}}");
        check(&document, &test(equal), &document);
        let differs = "operation [0], `test` `/n`: the value there is another";
        check(&document, &test(other), differs);
    }
    check(
        "{'a':0.10,'b':{}}",
        "[{'op':'move','from':'/a','path':'/b/a'},{'op':'add','path':'/c','value':1E3}]",
        "{'b':{'a':0.10},'c':1E3}",
    );
}

#[test]
fn members_keep_their_order_and_a_last_type_stays_last() {
    for (document, patch, expected) in [
        ("{'a':1,'b':2,'c':3}", "[{'op':'remove','path':'/a'}]", "{'b':2,'c':3}"),
        (
            "{'a':1,'@type':'T'}",
            "[{'op':'add','path':'/b','value':2}]",
            "{'a':1,'b':2,'@type':'T'}",
        ),
        (
            "{'x':[{'a':1,'@type':'T'}],'@type':'P'}",
            "[{'op':'copy','from':'/x/0/a','path':'/x/0/b'},{'op':'move','from':'/x/0/a','path':'/c'}]",
            "{'x':[{'b':1,'@type':'T'}],'c':1,'@type':'P'}",
        ),
        (
            "{'@type':'T','a':1}",
            "[{'op':'replace','path':'/@type','value':'U'}]",
            "{'@type':'U','a':1}",
        ),
    ] {
        check(document, patch, expected);
    }
}

const NOTES: &str = "{'note':[{'author':'John Doe','text':'a','n':1},{'author':'Mary','text':'b'},\
                     {'author':'John Doe','text':'c','n':1.0,'date':'2024-05-01T00:00:00Z'}],\
                     'interactionItem':[{'id':'1','note':[{'author':'x','text':'d'},{'author':'y','text':'e'}]},\
                     {'id':'2','item':{'name':'bill'},'note':[{'author':'x','text':'f'}]}],'reason':'r'}";

/// What of [`NOTES`] a path selects.
#[track_caller]
fn check_selected(path: &str, expected: &[&str]) {
    let (pointer, query) = path.split_once('?').unwrap();
    let selection = selection::Selection::parse(pointer, query, "path").unwrap();
    let places = selection.places(&parsed(NOTES), 10).pointers;
    let places: Vec<String> = places.iter().map(|at| json::pointer(&at.0)).collect();
    assert_eq!(places, expected, "{path}");
}

#[test]
fn elements_are_selected_by_content() {
    for (path, expected) in [
        // TMF630's forms.
        ("/note?note.author=John Doe", &["/note/0", "/note/2"][..]),
        ("/note?note.author=John%20Doe", &["/note/0", "/note/2"]),
        ("/note/text?note.author=John Doe", &["/note/0/text", "/note/2/text"]),
        ("/note?note.author=John Doe&note.text=c", &["/note/2"]),
        ("/note?note.author=Mary&note.text=c", &[]),
        ("/interactionItem?id=2", &["/interactionItem/1"]),
        (
            "/interactionItem/note?interactionItem.id=1&note.author=x",
            &["/interactionItem/0/note/0"],
        ),
        // What follows from them.
        ("/note?author=Mary", &["/note/1"]),
        ("/note/text?author=Mary", &["/note/1/text"]),
        ("/note?note.n=1", &["/note/0", "/note/2"]),
        ("/note?date=2024-05-01T02:00:00%2B02:00", &["/note/2"]),
        ("/note?date=2024-05-01T02:00:00+02:00", &["/note/2"]),
        ("/note?author=John+Doe", &[]),
        ("/note/mood?author=Mary", &["/note/1/mood"]),
        ("/note/mood/x?author=Mary", &[]),
        ("/interactionItem/note?interactionItem.id=1", &["/interactionItem/0/note"]),
        ("/interactionItem/note/-?interactionItem.id=1", &["/interactionItem/0/note/-"]),
        ("/interactionItem/note/-?id=1", &["/interactionItem/0/note/-"]),
        ("/interactionItem/note/0/text?id=1", &["/interactionItem/0/note/0/text"]),
        (
            "/interactionItem/note?interactionItem.note.author=x",
            &["/interactionItem/0/note/0", "/interactionItem/1/note/0"],
        ),
        ("/interactionItem?interactionItem.note.author=y", &["/interactionItem/0"]),
        ("/interactionItem?interactionItem.item.name=bill", &["/interactionItem/1"]),
        ("/interactionItem/item?interactionItem.item.name=bill", &["/interactionItem/1/item"]),
        ("/interactionItem/note/text?author=y", &["/interactionItem/0/note/1/text"]),
        ("/reason?reason=r", &[]),
        ("/nothing?id=1", &[]),
        ("?id=1", &[]),
    ] {
        check_selected(path, expected);
    }
}

#[test]
fn operations_on_selected_elements() {
    let notes = "{'note':[{'author':'J D','text':'a'},{'author':'M'},{'author':'J D','text':'c'}]}";
    for (operation, expected) in [
        ("{'op':'remove','path':'/note?note.author=J D'}", "{'note':[{'author':'M'}]}"),
        ("{'op':'delete','path':'/note?author=J%20D'}", "{'note':[{'author':'M'}]}"),
        (
            "{'op':'remove','path':'/note/text?author=J D'}",
            "{'note':[{'author':'J D'},{'author':'M'},{'author':'J D'}]}",
        ),
        (
            "{'op':'replace','path':'/note?author=M','value':{'text':'z'}}",
            "{'note':[{'author':'J D','text':'a'},{'text':'z'},{'author':'J D','text':'c'}]}",
        ),
        (
            "{'op':'add','path':'/note/n?author=J D','value':1e1}",
            "{'note':[{'author':'J D','text':'a','n':1e1},{'author':'M'},{'author':'J D','text':'c','n':1e1}]}",
        ),
        ("{'op':'test','path':'/note/author?text=a','value':'J D'}", notes),
        (
            "{'op':'move','from':'/note?text=c','path':'/note/0'}",
            "{'note':[{'author':'J D','text':'c'},{'author':'J D','text':'a'},{'author':'M'}]}",
        ),
        (
            "{'op':'copy','from':'/note/text?text=c','path':'/note/text?author=M'}",
            "{'note':[{'author':'J D','text':'a'},{'author':'M','text':'c'},{'author':'J D','text':'c'}]}",
        ),
        (
            "{'op':'test','path':'/note/text?author=J D','value':'a'}",
            "operation [0], `test` `/note/text?author=J D`: the value there is another",
        ),
        (
            "{'op':'remove','path':'/note?author=Nobody'}",
            "operation [0], `remove` `/note?author=Nobody`: nothing is selected",
        ),
        (
            "{'op':'copy','from':'/note?author=J D','path':'/x'}",
            "operation [0], `copy` `/x`: it selects several places; `move` and `copy` go from one to one",
        ),
        (
            "{'op':'add','path':'/note?author=M','value':{}}",
            "operation [0], `add` `/note?author=M`: it selects elements, not a place to add at: use \
             `replace`, or name a member of them",
        ),
        (
            "{'op':'remove','path':'/note?author'}",
            "operation [0], `remove` `/note?author`: the query of `path` is not a list of name=value, \
             percent-encoded UTF-8",
        ),
        (
            "{'op':'remove','path':'/note?author=%ff'}",
            "operation [0], `remove` `/note?author=%ff`: the query of `path` is not a list of name=value, \
             percent-encoded UTF-8",
        ),
        (
            "{'op':'remove','path':'/note/1'}",
            "{'note':[{'author':'J D','text':'a'},{'author':'J D','text':'c'}]}",
        ),
    ] {
        check_in(Dialect::Queries, notes, &format!("[{operation}]"), expected);
    }
    check(
        notes,
        "[{'op':'delete','path':'/note'}]",
        "operation [0], `` `/note`: `op` is none of add, remove, replace, move, copy, test",
    );
}

#[test]
fn bounds() {
    let repeated =
        |operation: &str, times: usize| format!("[{}]", vec![operation; times].join(","));
    let doubling = "{'op':'copy','from':'/a','path':'/a/-'}";
    check_in(
        Dialect::Pointers,
        "{'a':[]}",
        &repeated(doubling, 20),
        "operation [6], `copy` `/a/-`: the result would be nested deeper than 8 levels \
         (limits.json_depth)",
    );
    let long = format!("{{'a':'{}'}}", "x".repeat(998));
    check(
        &long,
        &repeated("{'op':'copy','from':'/a','path':'/b'}", 2)[..],
        &long.replace('}', &format!(",'b':'{}'}}", "x".repeat(998))),
    );
    check(
        &long,
        &repeated("{'op':'copy','from':'/a','path':'/b'}", 3),
        "operation [2], `copy` `/b`: the patch copies more than 2000 bytes (limits.document_bytes)",
    );
    check(
        "{}",
        &repeated("{'op':'add','path':'/a','value':1}", 21),
        "operation [20], `add` `/a`: the patch has more than 20 operations (limits.patch_operations)",
    );
    let elements = format!("{{'a':[{}]}}", vec!["{'b':1}"; 21].join(","));
    check_in(
        Dialect::Queries,
        &elements,
        "[{'op':'remove','path':'/a?b=1'}]",
        "operation [0], `remove` `/a?b=1`: the patch has more than 20 operations (limits.patch_operations)",
    );
    let conditions = vec!["b=1"; 11].join("&");
    let test = format!("{{'op':'test','path':'/a/b?{conditions}','value':1}}");
    check_in(
        Dialect::Queries,
        "{'a':[{'b':1}]}",
        &repeated(&test, 2),
        &format!(
            "operation [1], `test` `/a/b?{conditions}`: the patch's queries have more than 20 conditions (limits.patch_operations)"
        ),
    );
    let deep = "/a".repeat(json::DEEPEST + 1);
    check(
        "{}",
        &format!("[{{'op':'remove','path':'{deep}'}}]"),
        &format!("operation [0], `remove` `{deep}`: `path` has more than 127 names"),
    );
    let value = format!("[{{'op':'replace','path':'/a?b=1','value':'{}'}}]", "x".repeat(998));
    let elements = |n| format!("{{'a':[{}]}}", vec!["{'b':1}"; n].join(","));
    assert!(patched(&parsed(&elements(3)), &value, Dialect::Queries).is_ok());
    let failure = patched(&parsed(&elements(4)), &value, Dialect::Queries).unwrap_err();
    assert_eq!(failure.problem, Problem::TooMuchCopied { limit: 2_000 });
}

fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![Just(json!(1)), Just(json!("x")), Just(Value::Null)];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(&["a", "b", "@type"][..]), inner), 0..4)
                .prop_map(|pairs| pairs.into_iter().collect()),
        ]
    })
    .boxed()
}

fn path() -> impl Strategy<Value = String> {
    let token = prop::sample::select(&["a", "b", "@type", "0", "1", "-"][..]);
    let tokens = prop::collection::vec(token, 0..4);
    let query = prop::sample::select(&["", "", "?a=1", "?a.b=x&b=1", "?b=x"][..]);
    (tokens, query).prop_map(|(tokens, query)| json::pointer(tokens) + query)
}

fn patch() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(&["add", "remove", "replace", "move", "copy", "test"][..]);
    let operation = (op, path(), path(), value()).prop_map(
        |(op, path, from, value)| json!({ "op": op, "path": path, "from": from, "value": value }),
    );
    prop::collection::vec(operation, 0..12).prop_map(Value::Array)
}

proptest! {
    #[test]
    fn a_result_is_within_its_bounds(document in value(), patch in patch()) {
        let sent = extent::text_bytes(&document) + extent::text_bytes(&patch);
        let deepest = extent::depth(&document).max(BOUNDS.depth);
        let operations = read(patch, Dialect::Queries);
        if let Ok(after) = operations.and_then(|o| apply(document, &o, BOUNDS)) {
            prop_assert!(extent::text_bytes(&after) <= sent + BOUNDS.copied_bytes);
            prop_assert!(extent::depth(&after) <= deepest);
        }
    }

    #[test]
    fn what_was_added_can_be_removed(document in value(), at in path(), value in value()) {
        let at = at.split('?').next().unwrap_or_default().to_owned();
        prop_assume!(!at.ends_with('-') && Pointer::parse(&at).unwrap().find(&document).is_none());
        let add = json!([{ "op": "add", "path": at, "value": value }]);
        let add = read(add, Dialect::Pointers).unwrap();
        let remove = read(json!([{ "op": "remove", "path": at }]), Dialect::Pointers).unwrap();
        if let Ok(added) = apply(document.clone(), &add, BOUNDS) {
            let removed = apply(added, &remove, BOUNDS).unwrap();
            prop_assert_eq!(removed.to_string(), document.to_string());
        }
    }

    #[test]
    fn tests_change_nothing(document in value(), patch in patch()) {
        let operations = read(patch, Dialect::Queries);
        prop_assume!(operations.is_ok());
        let tests = operations.unwrap().into_iter().filter(|o| matches!(o.action, Action::Test(_)));
        let tests: Vec<Operation> = tests.collect();
        if let Ok(after) = apply(document.clone(), &tests, BOUNDS) {
            prop_assert_eq!(after.to_string(), document.to_string());
        }
    }
}
