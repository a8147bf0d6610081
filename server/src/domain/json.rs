//! Strict reading of JSON (RFC 8259): what a client sent, every spelling kept (D3).
//!
//! Stricter than `serde_json::from_slice`: a member named twice is refused at any depth, nesting is
//! bounded by us, and errors say where in words a client can use. It does not judge what a document
//! means; that is the schema's work.
//!
//! Numbers keep their letters. serde_json respells exponents even under `arbitrary_precision`
//! (`1e3` becomes `1e+3`), so whoever reads JSON that must survive reads it here, never through
//! `serde_json::from_str`. It also hands numbers to visitors as a map with a magic key; an object of
//! a client that has such a key would turn into a number when it is read back, and is refused.

use super::interaction::Members;
use super::spelling::Numbers;
use super::tree::{Member, Object, Tree};
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

/// What member names may not begin with: serde_json's own notation for numbers and raw text.
const RESERVED: &str = "$serde_json::private::";

/// Up to so many members a name is looked for among all of them: quicker than by its hash.
const FEW_MEMBERS: usize = 32;
/// Most objects have no more, so their place does not have to grow.
const USUAL_MEMBERS: usize = 6;

/// Deepest nesting that serde_json reads, whatever [`Limits::depth`] allows.
pub const DEEPEST: usize = 127;

/// Bounds of what is read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep objects and arrays may be nested, up to [`DEEPEST`].
    pub depth: usize,
    /// How many items an array may have.
    pub items: usize,
    /// How many values there may be at all, members and items of every level counted. `[0],` is
    /// four bytes of text and four hundred of memory, so a bound on the text is not enough.
    pub values: usize,
}

impl Limits {
    /// For what was bounded when it came in.
    const NONE: Self = Self { depth: usize::MAX, items: usize::MAX, values: usize::MAX };
}

#[cfg(test)]
impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, ..Self::NONE }
    }
}

/// Why a text was not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JsonError {
    /// The bytes are not text.
    #[error("the body is not UTF-8: byte {at} does not belong")]
    NotUtf8 {
        /// Offset of the first wrong byte.
        at: usize,
    },
    /// RFC 8259 leaves the meaning open, and readers differ: better not to guess.
    #[error("member `{pointer}` appears twice")]
    DuplicateMember {
        /// JSON pointer of the member.
        pointer: String,
    },
    /// Deeper than [`Limits::depth`].
    #[error("nested deeper than {limit} levels at `{pointer}`")]
    TooDeep {
        /// JSON pointer of the first object or array that is too deep.
        pointer: String,
        /// The bound.
        limit: usize,
    },
    /// More items than [`Limits::items`].
    #[error("more than {limit} items in `{pointer}` (limits.array_items)")]
    TooLong {
        /// JSON pointer of the array.
        pointer: String,
        /// The bound.
        limit: usize,
    },
    /// More values than [`Limits::values`].
    #[error("more than {limit} values, at `{pointer}` (limits.json_values)")]
    TooMany {
        /// JSON pointer of the first value too many.
        pointer: String,
        /// The bound.
        limit: usize,
    },
    /// A name that would change meaning when the stored text is read again.
    #[error("the member name of `{pointer}` is reserved")]
    ReservedName {
        /// JSON pointer of the member.
        pointer: String,
    },
    /// Not JSON.
    #[error("{reason} at line {line}, column {column}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// What was wrong there.
        reason: String,
    },
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// See [`JsonError`].
pub fn read(bytes: &[u8], limits: Limits) -> Result<Tree<'_>, JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonError::NotUtf8 { at: error.valid_up_to() })?;
    let reading = Reading::new(text, limits);
    reading.run().map_err(|error| reading.explain(&error))
}

/// The same as a value that can be changed.
///
/// # Errors
/// See [`JsonError`].
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Value, JsonError> {
    read(bytes, limits).map(Value::from)
}

/// Reads the text of an object that was written by us, spellings kept. Not bounded beyond
/// serde_json's own recursion limit: it was when it came in.
pub fn reread(text: &str) -> Result<Members, serde_json::Error> {
    stored(text).map(Members::from)
}

/// The same, to be looked at.
pub fn stored(text: &str) -> Result<Object<'_>, serde_json::Error> {
    match Reading::new(text, Limits::NONE).run()? {
        Tree::Object(members) => Ok(members),
        _ => Err(serde_json::Error::custom("not an object")),
    }
}

/// JSON pointer (RFC 6901) of the place these member names and indices lead to.
pub fn pointer<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> String {
    segments.into_iter().fold(String::new(), |mut pointer, segment| {
        pointer.push('/');
        pointer.push_str(&segment.as_ref().replace('~', "~0").replace('/', "~1"));
        pointer
    })
}

/// One pass over one text.
struct Reading<'t> {
    text: &'t str,
    limits: Limits,
    numbers: Numbers<'t>,
    values: Cell<usize>,
    /// Filled only when something is wrong: reading well-formed JSON allocates no path.
    fault: RefCell<Option<Fault>>,
}

/// Something serde_json would not have minded.
struct Fault {
    kind: FaultKind,
    /// Innermost segment first: each level adds its own on the way out.
    path: Vec<String>,
}

#[derive(Clone, Copy)]
enum FaultKind {
    Duplicate,
    Deep,
    Long,
    Many,
    Reserved,
}

impl<'t> Reading<'t> {
    fn new(text: &'t str, limits: Limits) -> Self {
        let numbers = Numbers::of(text);
        Self { text, limits, numbers, values: Cell::new(0), fault: RefCell::default() }
    }

    fn run(&self) -> Result<Tree<'t>, serde_json::Error> {
        let mut source = serde_json::Deserializer::from_str(self.text);
        let value = Node { reading: self, depth: 0 }.deserialize(&mut source)?;
        source.end().map(|()| value)
    }

    /// Counts one more value.
    fn met<E: serde::de::Error>(&self) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > self.limits.values {
            return Err(self.refuse(FaultKind::Many, None));
        }
        Ok(())
    }

    fn refuse<E: serde::de::Error>(&self, kind: FaultKind, name: Option<String>) -> E {
        *self.fault.borrow_mut() = Some(Fault { kind, path: name.into_iter().collect() });
        E::custom("refused")
    }

    /// Adds a segment to the place of a fault, if there is one.
    fn step_out(&self, segment: impl FnOnce() -> String) {
        if let Some(fault) = self.fault.borrow_mut().as_mut() {
            fault.path.push(segment());
        }
    }

    fn explain(&self, error: &serde_json::Error) -> JsonError {
        let Some(fault) = &*self.fault.borrow() else {
            let text = error.to_string();
            let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
            return JsonError::Syntax {
                line: error.line(),
                column: error.column(),
                reason: reason.to_owned(),
            };
        };
        let pointer = pointer(fault.path.iter().rev());
        match fault.kind {
            FaultKind::Duplicate => JsonError::DuplicateMember { pointer },
            FaultKind::Deep => JsonError::TooDeep { pointer, limit: self.limits.depth },
            FaultKind::Long => JsonError::TooLong { pointer, limit: self.limits.items },
            FaultKind::Many => JsonError::TooMany { pointer, limit: self.limits.values },
            FaultKind::Reserved => JsonError::ReservedName { pointer },
        }
    }
}

/// A value that is to be read at some depth.
#[derive(Clone, Copy)]
struct Node<'r, 't> {
    reading: &'r Reading<'t>,
    depth: usize,
}

impl Node<'_, '_> {
    /// What lies inside this one, which is an object or array.
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= self.reading.limits.depth {
            return Err(self.reading.refuse(FaultKind::Deep, None));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = Tree<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<Tree<'de>, D::Error> {
        self.reading.met()?;
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = Tree<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree<'de>, E> {
        self.reading.numbers.met();
        Ok(Tree::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree<'de>, E> {
        self.reading.numbers.met();
        Ok(Tree::Number(value.into()))
    }

    /// Without escapes.
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Tree<'de>, A::Error> {
        let inside = self.inside()?;
        let mut array = Vec::new();
        loop {
            let is_full = array.len() == self.reading.limits.items;
            match elements.next_element_seed(inside) {
                Ok(Some(_)) if is_full => {
                    return Err(self.reading.refuse(FaultKind::Long, None));
                }
                Ok(Some(element)) => array.push(element),
                Ok(None) => return Ok(Tree::Array(array)),
                Err(error) => {
                    self.reading.step_out(|| array.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree<'de>, A::Error> {
        let mut next = access.next_key_seed(Name { text: self.reading.text })?;
        if let Some(MemberName::Number) = next {
            let respelled: String = access.next_value()?;
            return Ok(Tree::Number(self.reading.numbers.spelled(respelled)));
        }
        let inside = self.inside()?;
        let mut members = Vec::with_capacity(USUAL_MEMBERS);
        let mut names = HashSet::new();
        while let Some(MemberName::Given(name)) = next {
            if name.starts_with(RESERVED) {
                return Err(self.reading.refuse(FaultKind::Reserved, Some(name.into_owned())));
            }
            if is_among(&members, &name, &mut names) {
                return Err(self.reading.refuse(FaultKind::Duplicate, Some(name.into_owned())));
            }
            match access.next_value_seed(inside) {
                Ok(value) => members.push((name, value)),
                Err(error) => {
                    self.reading.step_out(|| name.into_owned());
                    return Err(error);
                }
            }
            next = access.next_key_seed(Name { text: self.reading.text })?;
        }
        Ok(Tree::Object(Object::of(members)))
    }
}

/// Whether one of the members has the name. Of an object that has many, `names` are those asked for so far.
fn is_among(members: &[Member<'_>], name: &str, names: &mut HashSet<String>) -> bool {
    if members.len() < FEW_MEMBERS {
        return members.iter().any(|(other, _)| other == name);
    }
    if names.is_empty() {
        names.extend(members.iter().map(|(name, _)| name.to_string()));
    }
    !names.insert(name.to_owned())
}

/// Reads a member name and tells serde_json's number key from the same letters sent by a client.
struct Name<'t> {
    text: &'t str,
}

enum MemberName<'t> {
    Given(Cow<'t, str>),
    Number,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = MemberName<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = MemberName<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }

    /// Names the client wrote without escapes are borrowed from the text; the number key is not.
    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        let sent = self.text.as_bytes().as_ptr_range().contains(&name.as_ptr());
        if !sent && name.starts_with(RESERVED) {
            return Ok(MemberName::Number);
        }
        Ok(MemberName::Given(Cow::Borrowed(name)))
    }

    /// Names with escapes.
    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(MemberName::Given(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let got = match parse(text.as_bytes(), Limits { depth: 4, items: 20, values: 40 }) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn spellings_and_order_survive() {
        for text in [
            r#"[0.10,1e3,1E+3,1e+3,1E3,2.50E-07,-0,-0.0,12345678901234567890123,1e400,-1e-400]"#,
            r#"{"b":1,"a":[true,false,null,"x"],"1e5":"2E5 \" 3E5","é":1E5,"c":{"d":18446744073709551615}}"#,
            r#"-9223372036854775808"#,
        ] {
            check(text, text);
            assert_eq!(reread(&format!(r#"{{"x":{text}}}"#)).unwrap()["x"].to_string(), text);
        }
    }

    #[test]
    fn members_named_twice() {
        check(r#"{"a":1,"b":{"a":2}}"#, r#"{"a":1,"b":{"a":2}}"#);
        check(r#"{"a":1,"a":1}"#, "member `/a` appears twice");
        check(r#"{"a":[0,{"~/":{"x":1,"\u0078":2}}]}"#, "member `/a/1/~0~1/x` appears twice");
        check(r#"{"":1,"":1}"#, "member `/` appears twice");
        let names =
            (0..2 * FEW_MEMBERS).map(|n| format!(r#""{n}":0"#)).collect::<Vec<_>>().join(",");
        let read = |last: &str| parse(format!("{{{names},{last}}}").as_bytes(), Limits::default());
        assert!(read(r#""last":0"#).is_ok());
        for twice in [0, FEW_MEMBERS, 2 * FEW_MEMBERS - 1] {
            let pointer = format!("/{twice}");
            assert_eq!(
                read(&format!(r#""{twice}":0"#)),
                Err(JsonError::DuplicateMember { pointer })
            );
        }
    }

    #[test]
    fn nesting() {
        check("[[[[0]]]]", "[[[[0]]]]");
        check("[[[[[]]]]]", "nested deeper than 4 levels at `/0/0/0/0`");
        check(r#"{"a":[{"b":{"c":{}}}]}"#, "nested deeper than 4 levels at `/a/0/b/c`");
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes(), Limits::NONE).is_err());
    }

    #[test]
    fn lengths_and_values() {
        let many = |value: &str, times| vec![value; times].join(",");
        for text in [format!("[{}]", many("0", 20)), format!("[[{}],[]]", many("0", 20))] {
            check(&text, &text);
        }
        let long = format!(r#"{{"a":[0,[{}]]}}"#, many("{}", 21));
        check(&long, "more than 20 items in `/a/1` (limits.array_items)");
        // The root, four arrays, and what is in them: 40 values, and one more.
        let inner = many("0", 8);
        let wide = |more: &str| format!("[[{inner}],[{inner}],[{inner}],[{inner},0,0{more}],0]");
        check(&wide(""), &wide(""));
        check(&wide(",0"), "more than 40 values, at `/4` (limits.json_values)");
        check(
            &format!(r#"[{}]"#, many(r#"{"a":0}"#, 20)),
            "more than 40 values, at `/19/a` (limits.json_values)",
        );
    }

    #[test]
    fn the_number_notation_of_serde_json_is_no_way_in() {
        check(r#"{"$serde_json::private::Number":"1"}"#, &reserved("Number"));
        check(r#"{"\u0024serde_json::private::Number":"1"}"#, &reserved("Number"));
        check(r#"{"$serde_json::private::RawValue":"{}"}"#, &reserved("RawValue"));
        check(r#"{"a":1.5,"$serde_json::private::Number":1}"#, &reserved("Number"));
        check(r#"["$serde_json::private::Number"]"#, r#"["$serde_json::private::Number"]"#);
    }

    fn reserved(name: &str) -> String {
        format!("the member name of `/$serde_json::private::{name}` is reserved")
    }

    #[test]
    fn not_json() {
        check("", "EOF while parsing a value at line 1, column 0");
        check("{} {}", "trailing characters at line 1, column 4");
        check("{\n\"a\" 1}", "expected `:` at line 2, column 5");
        check("[1,]", "trailing comma at line 1, column 4");
        check("[01]", "invalid number at line 1, column 3");
        check("[NaN]", "expected value at line 1, column 2");
        check(r#"["\ud800"]"#, "unexpected end of hex escape at line 1, column 9");
        assert_eq!(parse(b"[\"\xff\"]", Limits::default()), Err(JsonError::NotUtf8 { at: 2 }));
    }
}
