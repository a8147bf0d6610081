//! One pair of a query as a condition (the grammar is told in [`super::parse`]).
//!
//! Alternatives are found in the raw text, before values are decoded, so that `%2C` and `%3B` are
//! letters. What a name means is found in this order: the attribute of exactly that name; with an
//! operator as suffix; with an operator among its characters. So a member that is called `a.gt` or
//! `a>b` can be asked for, as every extension.

use crate::query::attribute::{Attribute, Scope};
use crate::query::error::QueryError;
use crate::query::filter::Condition;
use crate::query::operator::{self, Operator};
use crate::query::text::{self, NotUtf8};

/// An attribute, an operator, and the raw text behind it.
struct Expression<'q> {
    attribute: Attribute,
    operator: Operator,
    raw_value: &'q str,
}

/// The conditions of a query, of which each pair that is no directive is one.
#[derive(Debug, Default)]
pub struct Conditions {
    all: Vec<Condition>,
    comparisons: usize,
}

impl Conditions {
    /// Reads one more raw pair. The same attribute with the same operator is one condition.
    ///
    /// # Errors
    /// [`QueryError`] naming what cannot be honoured.
    pub fn add(&mut self, raw: &str, scope: &dyn Scope) -> Result<(), QueryError> {
        let condition = read(raw, scope)?;
        self.comparisons += condition.any_of.len();
        if self.comparisons > scope.limits().comparisons {
            return Err(QueryError::TooMany(scope.limits().comparisons));
        }
        match self.all.iter_mut().find(|seen| seen.name == condition.name) {
            Some(seen) => seen.any_of.extend(condition.any_of),
            None => self.all.push(condition),
        }
        Ok(())
    }

    /// All that were read.
    pub fn into_all(self) -> Vec<Condition> {
        self.all
    }
}

fn read(raw: &str, scope: &dyn Scope) -> Result<Condition, QueryError> {
    let first = expression(raw, scope)?;
    let mut condition = Condition {
        name: name_of(&first),
        any_of: Vec::new(),
        negated: first.operator == Operator::NotEqual,
    };
    let mut here = first;
    loop {
        // Patterns have commas and semicolons of their own, and take the rest of the pair.
        if here.operator == Operator::Regex {
            compare(&here, here.raw_value, scope, &mut condition)?;
            return Ok(condition);
        }
        let (part, rest) = match here.raw_value.split_once(';') {
            Some((part, rest)) => (part, Some(rest)),
            None => (here.raw_value, None),
        };
        for raw in part.split(',') {
            compare(&here, raw, scope, &mut condition)?;
        }
        let Some(rest) = rest else { return Ok(condition) };
        here = next(here, rest, &condition, scope)?;
    }
}

/// What stands behind a semicolon: an expression where it names an attribute, else one more value,
/// so that a semicolon in a URL does no harm.
fn next<'q>(
    before: Expression<'q>,
    rest: &'q str,
    condition: &Condition,
    scope: &dyn Scope,
) -> Result<Expression<'q>, QueryError> {
    let part = rest.split_once(';').map_or(rest, |(part, _)| part);
    let Ok(mut found) = expression(part, scope) else {
        return Ok(Expression { raw_value: rest, ..before });
    };
    // The value goes on beyond the part: to the end of the pair.
    let behind_name = part.len() - found.raw_value.len();
    found.raw_value = &rest[behind_name..];
    let negated = condition.negated || found.operator == Operator::NotEqual;
    if negated && name_of(&found) != condition.name {
        return Err(QueryError::NegatedAlternative(format!(
            "{}.ne",
            match found.operator {
                Operator::NotEqual => found.attribute.written,
                _ => before.attribute.written,
            }
        )));
    }
    Ok(found)
}

fn compare(
    expression: &Expression<'_>,
    raw: &str,
    scope: &dyn Scope,
    condition: &mut Condition,
) -> Result<(), QueryError> {
    let Expression { attribute, operator, .. } = expression;
    let operand = decoded(&attribute.written, raw)?;
    let terms = attribute.terms(*operator, &operand, scope.limits().regex_bytes)?;
    condition.any_of.extend(terms);
    Ok(())
}

fn name_of(expression: &Expression<'_>) -> String {
    format!("{}.{}", expression.attribute.written, expression.operator.suffix())
}

fn expression<'q>(raw: &'q str, scope: &dyn Scope) -> Result<Expression<'q>, QueryError> {
    let (raw_name, raw_value) = text::split(raw);
    let name = decoded(raw_name, raw_name)?;
    if let Some((attribute, operator)) = named(&name, scope)? {
        let raw_value = raw_value.ok_or_else(|| QueryError::NoValue(name.clone()))?;
        // `a==x`: no form encoder writes a plain `=` at the beginning of a value.
        let doubled = if operator == Operator::Equal { raw_value.strip_prefix('=') } else { None };
        return Ok(Expression { attribute, operator, raw_value: doubled.unwrap_or(raw_value) });
    }
    let Some(spelled) = operator::scan(raw) else { return Err(QueryError::UnknownPath(name)) };
    let name = decoded(spelled.raw_name, spelled.raw_name)?;
    let attribute = Attribute::find(&name, scope)?;
    let attribute = attribute.ok_or(QueryError::UnknownPath(name))?;
    Ok(Expression { attribute, operator: spelled.operator, raw_value: spelled.raw_value })
}

/// The attribute of that name or, failing that, with an operator as suffix.
fn named(name: &str, scope: &dyn Scope) -> Result<Option<(Attribute, Operator)>, QueryError> {
    if let Some(attribute) = Attribute::find(name, scope)? {
        return Ok(Some((attribute, Operator::Equal)));
    }
    let Some((path, suffix)) = name.rsplit_once('.') else { return Ok(None) };
    let Some(operator) = Operator::of_suffix(suffix) else { return Ok(None) };
    Ok(Attribute::find(path, scope)?.map(|attribute| (attribute, operator)))
}

/// Decodes a name or a value, for the parameter of that name.
pub fn decoded(name: &str, raw: &str) -> Result<String, QueryError> {
    text::decode(raw).map_err(|NotUtf8| QueryError::NotUtf8(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::query::filter::{Condition, Term};
    use crate::query::parse::tests::parsed;

    /// Conditions as text: AND is ` & `, OR is ` | `, a negation `!( … )`.
    fn conditions(raw_query: &str) -> String {
        let term = |term: &Term| {
            use crate::query::filter::Comparison::{Equal, Matches, Ordered};
            use crate::query::filter::Order;
            let path = term.path.join(".");
            match &term.comparison {
                Equal(operand) => format!("{path}={}", operand.text()),
                Ordered(Order::Greater, operand) => format!("{path}>{}", operand.text()),
                Ordered(Order::GreaterOrEqual, operand) => format!("{path}>={}", operand.text()),
                Ordered(Order::Less, operand) => format!("{path}<{}", operand.text()),
                Ordered(Order::LessOrEqual, operand) => format!("{path}<={}", operand.text()),
                Matches(pattern) => format!("{path}~{}", pattern.text()),
            }
        };
        let condition = |c: &Condition| {
            let any = c.any_of.iter().map(term).collect::<Vec<_>>().join(" | ");
            if c.negated { format!("!({any})") } else { any }
        };
        let filter = parsed(raw_query).unwrap_or_else(|e| panic!("{raw_query}: {e}")).filter;
        filter.conditions.iter().map(condition).collect::<Vec<_>>().join(" & ")
    }

    #[test]
    fn and_or_and_decoding() {
        for (raw_query, expected) in [
            ("", ""),
            ("offset=1&limit=2&fields=id&depth=1&expand=x", ""),
            ("status=open", "status=open"),
            ("status.eq=open", "status=open"),
            ("status=open&reason=a+b%2Bc%20d", "status=open & reason=a b+c d"),
            ("status=open,closed", "status=open | status=closed"),
            ("status=open&status=closed", "status=open | status=closed"),
            ("status=open&status.eq=closed", "status=open | status=closed"),
            ("status=open;closed", "status=open | status=closed"),
            ("status=open;status=closed", "status=open | status=closed"),
            ("status=open;reason=x,y", "status=open | reason=x | reason=y"),
            (
                "status=open;size.amount.gt=3;urgent=true",
                "status=open | size.amount>3 | urgent=true",
            ),
            ("status=open;size.amount%3E3;4", "status=open | size.amount>3 | size.amount>4"),
            ("reason=a%2Cb%3Bc", "reason=a,b;c"),
            ("href=http://x/1?a=b", "href=http://x/1?a=b"),
            ("href=http://x/1;v=2", "href=http://x/1 | href=v=2"),
            ("status=", "status="),
            ("relatedParty.party.id=7", "relatedParty.party.id=7"),
            ("vip.level=3", "vip.level=3"),
            ("odd%3Ename=3", "odd>name=3"),
            ("odd.gt=3", "odd.gt=3"),
            ("odd.gt.gt=3", "odd.gt>3"),
            ("either=3", "status=3 | reason=3"),
            ("&&status=open&", "status=open"),
        ] {
            assert_eq!(conditions(raw_query), expected, "{raw_query}");
        }
    }

    #[test]
    fn every_operator_in_every_spelling_for_every_kind() {
        for (attribute, value) in [
            ("reason", "a"),
            ("creationDate", "2024-01-01"),
            ("creationDate", "2024-01-01T00:00:00Z"),
            ("size.amount", "1.50"),
            ("vip.level", "3"),
            ("relatedParty.party.id", "7"),
            ("id", "7"),
        ] {
            for (spellings, sign) in [
                (&["=", ".eq=", "==", "%3D%3D", "%3D="][..], "="),
                (&[".gt=", ">", "%3E", "%3e"], ">"),
                (&[".gte=", ">=", "%3E%3D", "%3E=", ">%3D"], ">="),
                (&[".lt=", "<", "%3C"], "<"),
                (&[".lte=", "<=", "%3C%3D", "%3C=", "<%3D"], "<="),
            ] {
                for spelling in spellings {
                    let query = format!("{attribute}{spelling}{value}");
                    assert_eq!(conditions(&query), format!("{attribute}{sign}{value}"), "{query}");
                }
            }
            let negated = conditions(&format!("{attribute}.ne={value}"));
            assert_eq!(negated, format!("!({attribute}={value})"));
        }
        for spelling in ["reason.regex=", "reason*=", "reason%2A%3D", "reason%3D~", "reason%3D%7E"]
        {
            assert_eq!(conditions(&format!("{spelling}^a,b;c$")), "reason~^a,b;c$", "{spelling}");
        }
        assert_eq!(conditions("creationDate.regex=^2024"), "creationDate~^2024");
    }

    #[test]
    fn ranges_lists_and_negations() {
        for (raw_query, expected) in [
            (
                "creationDate.gte=2024-01-01&creationDate.lt=2024-02-01",
                "creationDate>=2024-01-01 & creationDate<2024-02-01",
            ),
            (
                "creationDate>2024-01-01,2025-01-01",
                "creationDate>2024-01-01 | creationDate>2025-01-01",
            ),
            (
                "creationDate.gt=2024-01-01&creationDate%3E2025-01-01",
                "creationDate>2024-01-01 | creationDate>2025-01-01",
            ),
            ("creationDate=2024-01-01T00:00:00+02:00", "creationDate=2024-01-01T00:00:00+02:00"),
            ("creationDate=2024-01-01T00:00:00%2B02:00", "creationDate=2024-01-01T00:00:00+02:00"),
            ("status.ne=a,b;c&status.ne=d", "!(status=a | status=b | status=c | status=d)"),
            ("status.ne=a;status.ne=b", "!(status=a | status=b)"),
            ("either.ne=3", "!(status=3 | reason=3)"),
            ("status=open;reason.regex=a;status=b", "status=open | reason~a;status=b"),
            ("status=~a", "status=~a"),
            ("status=%3Da", "status==a"),
            ("urgent=true&urgent.ne=false", "urgent=true & !(urgent=false)"),
        ] {
            assert_eq!(conditions(raw_query), expected, "{raw_query}");
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_named() {
        for (raw_query, expected) in [
            ("colour=red", "colour: no such attribute"),
            ("colour%3Ered", "colour: no such attribute"),
            ("colour", "colour: no such attribute"),
            ("status.like=open", "status.like: no such attribute"),
            ("status.gt>=open", "status.gt: no such attribute"),
            ("relatedParty.id=1", "relatedParty.id: no such attribute"),
            ("hidden=1", "hidden: no such attribute"),
            ("status..x=1", "status..x: no such attribute"),
            ("=1", ": no such attribute"),
            ("status", "status: expected a value"),
            ("status.gt", "status.gt: expected a value"),
            ("size=1", "size: has members of its own; name one of them"),
            ("size.ne=1", "size: has members of its own; name one of them"),
            ("size.amount=big", "size.amount: a number expected"),
            ("size.amount.ne=big", "size.amount: a number expected"),
            ("size.amount%3Ebig", "size.amount: a number expected"),
            ("urgent=yes", "urgent: true or false expected"),
            ("urgent.gt=false", "urgent: true and false cannot be compared by .gt"),
            ("urgent<true", "urgent: true and false cannot be compared by .lt"),
            ("urgent*=t", "urgent: true and false cannot be compared by .regex"),
            ("size.amount.regex=1", "size.amount: numbers cannot be compared by .regex"),
            ("creationDate=soon", "creationDate: a date or an RFC 3339 date-time expected"),
            ("creationDate.gt=soon", "creationDate: a date or an RFC 3339 date-time expected"),
            ("creationDate>=2024-1-1", "creationDate: a date or an RFC 3339 date-time expected"),
            ("creationDate>=2024-02-30", "creationDate: a date or an RFC 3339 date-time expected"),
            (
                "creationDate>=2024-01-01T00:00:00",
                "creationDate: a date or an RFC 3339 date-time expected",
            ),
            ("status.regex=a(b", "status: unclosed group at character 2"),
            (
                "status.ne=a;reason=b",
                "status.ne: not one of several alternatives; give it a parameter of its own",
            ),
            (
                "status=a;reason.ne=b",
                "reason.ne: not one of several alternatives; give it a parameter of its own",
            ),
            ("status=%FF", "status: not UTF-8"),
            ("status>%FF", "status>%FF: not UTF-8"),
            ("status=1,2,3,4,5", "more than 4 comparisons"),
            ("status.ne=1,2,3,4,5", "more than 4 comparisons"),
        ] {
            assert_eq!(parsed(raw_query).unwrap_err().to_string(), expected, "{raw_query}");
        }
    }
}
