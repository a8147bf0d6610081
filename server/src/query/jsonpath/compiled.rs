//! A parsed path as it is judged: types of functions checked (RFC 9535 §2.4.3), patterns compiled,
//! `$` and nested descents gone.

use super::JsonPathError;
use crate::query::pattern::Pattern;
use jsonpath_rust::parser::model;
use model::{Comparison, FilterAtom, FnArg, Literal, Test, TestFunction};
use serde_json::{Number, Value};

/// One step from nodes to nodes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    /// From the node and everything below it, else from the node alone.
    pub(super) descends: bool,
    /// A child that several of them select is selected as often.
    pub(super) selectors: Vec<Selector>,
}

/// Which children.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Selector {
    Name(String),
    Wildcard,
    /// From the end if it is negative.
    Index(i64),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Filter(Logical),
}

/// What is asked of a child.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Logical {
    Any(Vec<Logical>),
    All(Vec<Logical>),
    Not(Box<Logical>),
    Exists(Vec<Segment>),
    Compares(Comparable, Relation, Comparable),
    Matches(Comparable, Pattern),
}

/// A relation of two values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What comes to one value or none.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Comparable {
    Literal(Value),
    /// The only node, if there is just one: `@.name`, and `value()`.
    Only(Vec<Segment>),
    Length(Box<Comparable>),
    Count(Vec<Segment>),
}

/// Compiles the path of a list; `start` is where its first segment stands.
///
/// # Errors
/// [`JsonPathError`]
pub(super) fn root(
    segments: Vec<model::Segment>,
    start: usize,
    regex_bytes: usize,
) -> Result<Vec<Segment>, JsonPathError> {
    let compiled = Compiler { regex_bytes }.query(segments, false)?;
    // An index counts in the list, which is not the one the path is asked of. A name the list has
    // not, being a list, but who writes it means the interaction's.
    let of_any_list = |first: &Segment| {
        first.selectors.iter().all(|selector| match selector {
            Selector::Wildcard | Selector::Filter(_) => true,
            Selector::Name(_) => first.descends,
            Selector::Index(_) | Selector::Slice { .. } => false,
        })
    };
    match compiled.first().is_some_and(of_any_list) {
        true => Ok(compiled),
        false => Err(JsonPathError::WholeList(start)),
    }
}

struct Compiler {
    regex_bytes: usize,
}

impl Compiler {
    /// `below`: what comes here may come from anywhere below the same node already.
    fn query(
        &self,
        segments: Vec<model::Segment>,
        mut below: bool,
    ) -> Result<Vec<Segment>, JsonPathError> {
        let mut compiled = Vec::with_capacity(segments.len());
        for segment in segments {
            let (descends, segment) = match segment {
                model::Segment::Descendant(_) if below => return Err(JsonPathError::Descents),
                model::Segment::Descendant(inner) => (true, *inner),
                other => (false, other),
            };
            below |= descends;
            let selectors = match segment {
                model::Segment::Selector(one) => vec![one],
                model::Segment::Selectors(many) => many,
                model::Segment::Descendant(_) => return Err(JsonPathError::Descents),
            };
            let selectors = selectors.into_iter().map(|selector| self.selector(selector, below));
            compiled.push(Segment { descends, selectors: selectors.collect::<Result<_, _>>()? });
        }
        Ok(compiled)
    }

    fn selector(&self, selector: model::Selector, below: bool) -> Result<Selector, JsonPathError> {
        Ok(match selector {
            model::Selector::Name(name) => Selector::Name(name),
            model::Selector::Wildcard => Selector::Wildcard,
            model::Selector::Index(at) => Selector::Index(at),
            model::Selector::Slice(start, end, step) => {
                Selector::Slice { start, end, step: step.unwrap_or(1) }
            }
            model::Selector::Filter(filter) => Selector::Filter(self.logical(filter, below)?),
        })
    }

    fn logical(&self, filter: model::Filter, below: bool) -> Result<Logical, JsonPathError> {
        let all = |filters: Vec<model::Filter>| {
            filters.into_iter().map(|filter| self.logical(filter, below)).collect::<Result<_, _>>()
        };
        let (logical, not) = match filter {
            model::Filter::Or(filters) => (Logical::Any(all(filters)?), false),
            model::Filter::And(filters) => (Logical::All(all(filters)?), false),
            model::Filter::Atom(FilterAtom::Filter { expr, not }) => {
                (self.logical(*expr, below)?, not)
            }
            model::Filter::Atom(FilterAtom::Test { expr, not }) => (self.test(*expr, below)?, not),
            model::Filter::Atom(FilterAtom::Comparison(compared)) => {
                (self.comparison(*compared, below)?, false)
            }
        };
        Ok(if not { Logical::Not(Box::new(logical)) } else { logical })
    }

    fn test(&self, test: Test, below: bool) -> Result<Logical, JsonPathError> {
        let function = match test {
            Test::RelQuery(segments) => return Ok(Logical::Exists(self.query(segments, below)?)),
            Test::AbsQuery(_) => return Err(JsonPathError::Root(1)),
            Test::Function(function) => *function,
        };
        match function {
            TestFunction::Match(text, pattern) => {
                let anchored =
                    self.pattern("match", pattern, |text| format!("(?R)^(?:{text})$"))?;
                Ok(Logical::Matches(self.value("match", text, below)?, anchored))
            }
            TestFunction::Search(text, pattern) => {
                let anywhere = self.pattern("search", pattern, |text| format!("(?R){text}"))?;
                Ok(Logical::Matches(self.value("search", text, below)?, anywhere))
            }
            other => Err(wrong(name(&other), "gives a value; compare it with another")),
        }
    }

    fn comparison(&self, compared: Comparison, below: bool) -> Result<Logical, JsonPathError> {
        let (left, relation, right) = match compared {
            Comparison::Eq(left, right) => (left, Relation::Equal, right),
            Comparison::Ne(left, right) => (left, Relation::NotEqual, right),
            Comparison::Lt(left, right) => (left, Relation::Less, right),
            Comparison::Lte(left, right) => (left, Relation::LessOrEqual, right),
            Comparison::Gt(left, right) => (left, Relation::Greater, right),
            Comparison::Gte(left, right) => (left, Relation::GreaterOrEqual, right),
        };
        let (left, right) = (self.comparable(left, below)?, self.comparable(right, below)?);
        Ok(Logical::Compares(left, relation, right))
    }

    fn comparable(
        &self,
        comparable: model::Comparable,
        below: bool,
    ) -> Result<Comparable, JsonPathError> {
        match comparable {
            model::Comparable::Literal(value) => literal(value),
            model::Comparable::Function(function) => self.value_of(function, below),
            model::Comparable::SingularQuery(model::SingularQuery::Root(_)) => {
                Err(JsonPathError::Root(1))
            }
            model::Comparable::SingularQuery(model::SingularQuery::Current(steps)) => {
                let segments = steps.into_iter().map(|step| Segment {
                    descends: false,
                    selectors: vec![match step {
                        model::SingularQuerySegment::Index(at) => Selector::Index(at),
                        model::SingularQuerySegment::Name(name) => Selector::Name(name),
                    }],
                });
                Ok(Comparable::Only(segments.collect()))
            }
        }
    }

    /// A function whose result is a value.
    fn value_of(&self, function: TestFunction, below: bool) -> Result<Comparable, JsonPathError> {
        match function {
            TestFunction::Length(argument) => {
                Ok(Comparable::Length(Box::new(self.value("length", *argument, below)?)))
            }
            TestFunction::Count(argument) => {
                Ok(Comparable::Count(self.nodes("count", argument, below)?))
            }
            TestFunction::Value(argument) => {
                Ok(Comparable::Only(self.nodes("value", argument, below)?))
            }
            other => Err(wrong(name(&other), "gives no value to compare")),
        }
    }

    /// An argument that must come to a value.
    fn value(&self, of: &str, argument: FnArg, below: bool) -> Result<Comparable, JsonPathError> {
        const EXPECTED: &str = "takes a value: a literal or a path to a single node";
        match argument {
            FnArg::Literal(value) => literal(value),
            FnArg::Test(test) => match *test {
                Test::Function(function) => self.value_of(*function, below),
                Test::RelQuery(segments) => {
                    let segments = self.query(segments, below)?;
                    let is_single = segments.iter().all(Segment::is_single);
                    is_single.then_some(Comparable::Only(segments)).ok_or(wrong(of, EXPECTED))
                }
                Test::AbsQuery(_) => Err(JsonPathError::Root(1)),
            },
            FnArg::Filter(_) => Err(wrong(of, EXPECTED)),
        }
    }

    /// An argument that must be a path.
    fn nodes(&self, of: &str, argument: FnArg, below: bool) -> Result<Vec<Segment>, JsonPathError> {
        match argument {
            FnArg::Test(test) if matches!(*test, Test::RelQuery(_)) => match *test {
                Test::RelQuery(segments) => self.query(segments, below),
                Test::AbsQuery(_) | Test::Function(_) => Ok(Vec::new()),
            },
            _ => Err(wrong(of, "takes a path")),
        }
    }

    /// The RFC calls a malformed pattern one that nothing matches; whoever wrote it is told.
    fn pattern(
        &self,
        of: &str,
        argument: FnArg,
        placed: impl Fn(&str) -> String,
    ) -> Result<Pattern, JsonPathError> {
        let FnArg::Literal(Literal::String(text)) = argument else {
            return Err(wrong(of, "takes its pattern from the path, as a text"));
        };
        // By itself first: it could close the group that we put it into.
        let compiled = Pattern::new(&text, self.regex_bytes)
            .and_then(|_| Pattern::new(&placed(&text), self.regex_bytes.saturating_add(16)));
        compiled.map_err(|source| JsonPathError::Pattern { pattern: text, source })
    }
}

impl Segment {
    /// Whether it leads from one node to one at most.
    fn is_single(&self) -> bool {
        !self.descends && matches!(self.selectors[..], [Selector::Name(_) | Selector::Index(_)])
    }
}

fn literal(literal: Literal) -> Result<Comparable, JsonPathError> {
    let value = match literal {
        Literal::Int(number) => Value::from(number),
        Literal::Float(number) => match Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => return Err(JsonPathError::Invalid(format!("the number {number}"))),
        },
        Literal::String(text) => Value::String(text),
        Literal::Bool(value) => Value::Bool(value),
        Literal::Null => Value::Null,
    };
    Ok(Comparable::Literal(value))
}

fn name(function: &TestFunction) -> &str {
    match function {
        TestFunction::Custom(name, _) => name,
        TestFunction::Length(_) => "length",
        TestFunction::Value(_) => "value",
        TestFunction::Count(_) => "count",
        TestFunction::Search(..) => "search",
        TestFunction::Match(..) => "match",
    }
}

fn wrong(function: &str, problem: &'static str) -> JsonPathError {
    JsonPathError::Function { name: function.to_owned(), problem }
}
