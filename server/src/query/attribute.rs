//! What a name in a query addresses, and which comparisons its values allow.

use crate::domain::decimal::Decimal;
use crate::domain::scalar::{Instant, Operand};
use crate::query::error::QueryError;
use crate::query::filter::{Comparison, Order, Path, Term};
use crate::query::operator::Operator;
use crate::query::parse::QueryLimits;
use crate::query::pattern::Pattern;
use crate::query::vocabulary::Kind;

/// What the names in a query mean.
pub trait Scope {
    /// Where the attribute of that path is in what is judged, and of what kind its values are:
    /// nowhere when there is no such attribute, at several places when it may be at any of them.
    fn places(&self, path: &[String]) -> Vec<(Path, Kind)>;

    /// What the operator allows.
    fn limits(&self) -> &QueryLimits;
}

/// An attribute that a query may name.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The path as the caller wrote it, decoded.
    pub written: String,
    /// Where it is in canonical documents; a match at any of them is a match.
    pub places: Vec<(Path, Kind)>,
}

impl Attribute {
    /// The attribute of that path; `None`: neither the document nor any stored interaction has it.
    ///
    /// # Errors
    /// [`QueryError::NotAValue`]
    pub fn find(written: &str, scope: &dyn Scope) -> Result<Option<Self>, QueryError> {
        let path: Path = written.split('.').map(str::to_owned).collect();
        let places = scope.places(&path);
        if places.iter().any(|(_, kind)| *kind == Kind::Object) {
            return Err(QueryError::NotAValue(written.to_owned()));
        }
        Ok((!places.is_empty()).then(|| Self { written: written.to_owned(), places }))
    }

    /// The terms that compare it with one operand, one for each place.
    ///
    /// # Errors
    /// The operator or the operand does not go with the attribute's kind.
    pub fn terms(
        &self,
        operator: Operator,
        operand: &str,
        regex_bytes: usize,
    ) -> Result<Vec<Term>, QueryError> {
        let term = |(path, kind): &(Path, Kind)| {
            let comparison = self.comparison(operator, operand, *kind, regex_bytes)?;
            Ok(Term { path: path.clone(), comparison })
        };
        self.places.iter().map(term).collect()
    }

    fn comparison(
        &self,
        operator: Operator,
        operand: &str,
        kind: Kind,
        regex_bytes: usize,
    ) -> Result<Comparison, QueryError> {
        let order = match operator {
            Operator::Regex => return self.matches(operand, kind, regex_bytes),
            Operator::Equal | Operator::NotEqual => None,
            Operator::Greater => Some(Order::Greater),
            Operator::GreaterOrEqual => Some(Order::GreaterOrEqual),
            Operator::Less => Some(Order::Less),
            Operator::LessOrEqual => Some(Order::LessOrEqual),
        };
        if order.is_some() && kind == Kind::Boolean {
            return Err(self.wrong_operator("true and false", operator));
        }
        let operand = self.operand(operand, kind)?;
        Ok(match order {
            None => Comparison::Equal(operand),
            Some(order) => Comparison::Ordered(order, operand),
        })
    }

    fn matches(
        &self,
        pattern: &str,
        kind: Kind,
        most_bytes: usize,
    ) -> Result<Comparison, QueryError> {
        match kind {
            Kind::Number => Err(self.wrong_operator("numbers", Operator::Regex)),
            Kind::Boolean => Err(self.wrong_operator("true and false", Operator::Regex)),
            Kind::Text | Kind::Instant | Kind::Any | Kind::Object => {
                Pattern::new(pattern, most_bytes)
                    .map(Comparison::Matches)
                    .map_err(|source| QueryError::Pattern { path: self.written.clone(), source })
            }
        }
    }

    fn operand(&self, operand: &str, kind: Kind) -> Result<Operand, QueryError> {
        let (fits, expected) = match kind {
            Kind::Text | Kind::Any | Kind::Object => (true, ""),
            Kind::Instant => {
                // A plus sign decodes to a blank, and in a timestamp it can have been nothing else.
                let mended = operand.replacen(' ', "+", 1);
                if Instant::parse(operand).is_none() && Instant::parse(&mended).is_some() {
                    return Ok(Operand::new(mended));
                }
                (Instant::parse(operand).is_some(), "a date or an RFC 3339 date-time")
            }
            Kind::Number => (Decimal::parse(operand).is_some(), "a number"),
            Kind::Boolean => (matches!(operand, "true" | "false"), "true or false"),
        };
        if fits {
            Ok(Operand::new(operand))
        } else {
            Err(QueryError::WrongKind { path: self.written.clone(), expected })
        }
    }

    fn wrong_operator(&self, kind: &'static str, operator: Operator) -> QueryError {
        let (path, operator) = (self.written.clone(), operator.suffix());
        QueryError::WrongOperator { path, kind, operator }
    }
}
