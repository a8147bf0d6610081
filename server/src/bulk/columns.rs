//! CSV (RFC 4180): chosen attributes, one interaction a record.
//!
//! A path goes through arrays, so it may lead to several values: they are shown as a JSON array, and
//! objects as JSON. Texts stand as they are; what a spreadsheet makes of them is not known here.

use crate::domain::interaction::Members;
use crate::domain::path;
use anyhow::ensure;
use serde_json::Value;

/// What is shown, in order.
pub(crate) struct Columns(Vec<Vec<String>>);

impl Columns {
    /// Reads dotted paths with commas between them.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let path = |path: &str| path.trim().split('.').map(str::to_owned).collect::<Vec<_>>();
        let paths: Vec<_> = text.split(',').map(path).collect();
        let is_named = paths.iter().flatten().all(|name| !name.is_empty());
        ensure!(is_named, "expected attribute paths separated by commas");
        Ok(Self(paths))
    }

    /// The names of the columns.
    pub(super) fn head(&self) -> String {
        record(self.0.iter().map(|path| path.join(".")))
    }

    /// One interaction.
    pub(super) fn row(&self, view: &Members) -> String {
        record(self.0.iter().map(|path| cell(view, path).unwrap_or_default()))
    }

    /// The paths themselves.
    pub(super) fn paths(&self) -> &[Vec<String>] {
        &self.0
    }
}

/// What a cell shows of an interaction; `None` where nothing is there, or `null`.
pub(super) fn cell(view: &Members, path: &[String]) -> Option<String> {
    let mut found = Vec::new();
    path::each_at(view, path, &mut |value| found.push(value.clone()));
    match found.pop()? {
        only if found.is_empty() => match only {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => Some(other.to_string()),
        },
        last => {
            found.push(last);
            Some(Value::Array(found).to_string())
        }
    }
}

fn record(cells: impl Iterator<Item = String>) -> String {
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\r\n"
}

fn quoted(cell: String) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::reread;

    #[test]
    fn a_record() {
        let columns = Columns::parse("id, a.b,c,d").unwrap();
        assert_eq!(columns.head(), "id,a.b,c,d\r\n");
        for (document, expected) in [
            (r#"{"id":"1"}"#, "1,,,\r\n"),
            (
                r#"{"id":"x","a":[{"b":1e3},{"c":2}],"c":"say \"a\",\nb"}"#,
                "x,1e3,\"say \"\"a\"\",\nb\",\r\n",
            ),
            (
                r#"{"a":[{"b":"p"},{"b":"q"}],"c":null,"d":{"e":[]}}"#,
                ",\"[\"\"p\"\",\"\"q\"\"]\",,\"{\"\"e\"\":[]}\"\r\n",
            ),
        ] {
            assert_eq!(columns.row(&reread(document).unwrap()), expected, "{document}");
        }
        assert!(Columns::parse("id,").is_err());
    }
}
