//! `docs/CONFORMANCE.md`: each rule of `tests/rules.toml` with the tests that show it, per version.
//!
//! Nothing in it is typed but the rules. The tests write down what they have shown (`shows!` of
//! `tests/harness`), one line each: rule, version, test, with tabs between. A rule that no test shows
//! fails the run, unless it is listed as not yet kept; so does one that is listed though a test
//! shows it, and a test that claims what is no rule.

use anyhow::{Context, ensure};
use serde::Deserialize;
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

const RULES: &str = "tests/rules.toml";
const TABLE: &str = "docs/CONFORMANCE.md";

/// Every version there is.
const VERSIONS: [&str; 2] = ["v4", "v5"];
/// How much the source insists; `ours` where the sources are silent.
const LEVELS: [&str; 4] = ["MUST", "SHOULD", "MAY", "ours"];

/// `tests/rules.toml`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    section: Vec<Section>,
    #[serde(default)]
    not_yet: Vec<NotYet>,
}

/// Rules of one subject.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    /// Where the rules come from, unless a rule says otherwise.
    source: String,
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    /// One of [`LEVELS`].
    level: String,
    text: String,
    source: Option<String>,
    /// The only version it is about.
    only: Option<String>,
}

/// Rules that no test shows, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotYet {
    because: String,
    rules: Vec<String>,
}

/// Which tests have shown a rule in a version.
type Shown<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>;

/// Writes the table from the records of a whole run or, to check, compares it with the one there is.
///
/// # Errors
/// Rules and records do not agree, or the table that is there differs from this one.
pub(crate) fn publish(root: &Path, records: &str, check: bool) -> anyhow::Result<()> {
    let rules = std::fs::read_to_string(root.join(RULES)).context(RULES)?;
    let rules: Rules = toml::from_str(&rules).context(RULES)?;
    let table = table(&rules, records)?;
    let path = root.join(TABLE);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    if check {
        let diff = TextDiff::from_lines(&before, &table);
        ensure!(
            before == table,
            "{}{TABLE} differs from what the tests show: run `cargo xtask test`",
            diff.unified_diff()
        );
    } else if before != table {
        std::fs::create_dir_all(path.parent().context(TABLE)?)?;
        std::fs::write(&path, table).context(TABLE)?;
        println!("{TABLE} is written");
    }
    Ok(())
}

fn table(rules: &Rules, records: &str) -> anyhow::Result<String> {
    let mut shown = Shown::new();
    for line in records.lines() {
        let [rule, version, test] = line.split('\t').collect::<Vec<_>>()[..] else {
            anyhow::bail!("no record: {line:?}");
        };
        shown.entry((rule, version)).or_default().insert(test);
    }
    let complaints = complaints(rules, &shown);
    ensure!(complaints.is_empty(), "{RULES}: {}", complaints.join("\n"));
    Ok(written(rules, &shown))
}

/// What does not hold between the rules, the list of those not yet kept, and the tests.
fn complaints(rules: &Rules, shown: &Shown<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut known = BTreeSet::new();
    for rule in rules.section.iter().flat_map(|section| &section.rule) {
        let id = rule.id.as_str();
        if !known.insert(id) {
            complaints.push(format!("`{id}` is there twice"));
        }
        if !LEVELS.contains(&rule.level.as_str()) {
            complaints.push(format!("`{id}`: a level is one of {LEVELS:?}"));
        }
        for version in VERSIONS {
            let is_shown = shown.contains_key(&(id, version));
            match (applies(rule, version), reason(rules, id)) {
                (true, None) if !is_shown => {
                    complaints.push(format!("no test shows `{id}` in {version}"));
                }
                (false, _) if is_shown => {
                    complaints.push(format!("`{id}` is not about {version}, but a test shows it"));
                }
                (true, Some(_)) if is_shown => {
                    complaints.push(format!("`{id}` is shown in {version}: it is kept by now"));
                }
                _ => {}
            }
        }
    }
    let listed = rules.not_yet.iter().flat_map(|not_yet| &not_yet.rules).map(String::as_str);
    let named: BTreeSet<_> = listed.chain(shown.keys().map(|(rule, _)| *rule)).collect();
    complaints.extend(named.difference(&known).map(|id| format!("`{id}` is no rule")));
    complaints
}

fn applies(rule: &Rule, version: &str) -> bool {
    rule.only.as_deref().is_none_or(|only| only == version)
}

/// Why a rule is not kept yet, if it is listed.
fn reason<'a>(rules: &'a Rules, id: &str) -> Option<&'a str> {
    let listed = rules.not_yet.iter().find(|list| list.rules.iter().any(|listed| listed == id));
    listed.map(|list| list.because.as_str())
}

fn written(rules: &Rules, shown: &Shown<'_>) -> String {
    let all: usize = rules.section.iter().map(|section| section.rule.len()).sum();
    let open: usize = rules.not_yet.iter().map(|list| list.rules.len()).sum();
    let mut text = format!(
        "<!-- Generated by `cargo xtask test` from {RULES} and what the tests showed. -->\n\n\
         # Conformance\n\n\
         {all} rules: those of TMF630, TMF683 and the RFCs that apply here, in our own words, and a few of \
         our\nown. Each is followed by the tests that show it against a real server (`tests/conformance` and\n\
         `tests/faults`; `cargo xtask test` runs them). {} are kept; {open} are not yet, and say why.\n",
        all - open
    );
    for section in &rules.section {
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            text,
            "\n## {}\n\nSource: {}.\n\n| rule | level | v4 | v5 | shown by |\n|---|---|---|---|---|\n",
            section.title, section.source
        );
        for rule in &section.rule {
            let source = rule.source.as_ref().map(|source| format!(" ({source})"));
            let _ = writeln!(
                text,
                "| `{}`<br>{}{} | {} | {} | {} |",
                rule.id,
                rule.text,
                source.unwrap_or_default(),
                rule.level,
                VERSIONS.map(|version| verdict(rules, rule, version, shown)).join(" | "),
                shown_by(rules, rule, shown),
            );
        }
    }
    text
}

fn verdict(rules: &Rules, rule: &Rule, version: &str, shown: &Shown<'_>) -> &'static str {
    match applies(rule, version) {
        false => "–",
        true if shown.contains_key(&(rule.id.as_str(), version)) => "✓",
        true if reason(rules, &rule.id).is_some() => "not yet",
        true => "✗",
    }
}

fn shown_by(rules: &Rules, rule: &Rule, shown: &Shown<'_>) -> String {
    if let Some(because) = reason(rules, &rule.id) {
        return because.to_owned();
    }
    let of_version = |version| shown.get(&(rule.id.as_str(), version));
    let tests: BTreeSet<_> = VERSIONS.into_iter().filter_map(of_version).flatten().collect();
    tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: &str = r#"
        [[section]]
        title = "Lists"
        source = "TMF630"
        rule = [
            { id = "a", level = "MUST", text = "A holds." },
            { id = "b", level = "ours", text = "B holds.", only = "v5", source = "RFC 1" },
            { id = "c", level = "MAY", text = "C holds." },
        ]
        [[not_yet]]
        because = "nobody asked"
        rules = ["c"]
    "#;

    fn check(rules: &str, records: &[&str]) -> Result<String, String> {
        let rules: Rules = toml::from_str(rules).unwrap();
        let records = records.join("\n").replace(' ', "\t");
        table(&rules, &records).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_is_shown_or_listed_with_a_reason() {
        let records = ["a v4 m::x", "a v5 m::y", "a v5 m::x", "b v5 n::z", "a v4 m::x"];
        let table = check(THREE, &records).unwrap();
        for row in [
            "3 rules",
            "2 are kept; 1 are not yet",
            "| `a`<br>A holds. | MUST | ✓ | ✓ | `m::x`<br>`m::y` |\n",
            "| `b`<br>B holds. (RFC 1) | ours | – | ✓ | `n::z` |\n",
            "| `c`<br>C holds. | MAY | not yet | not yet | nobody asked |\n",
        ] {
            assert!(table.contains(row), "{row}{table}");
        }
    }

    #[test]
    fn what_does_not_agree_is_named() {
        let good = ["a v4 x", "a v5 x", "b v5 x"];
        for (more, complaint) in [
            ("b v4 x", "`b` is not about v4, but a test shows it"),
            ("c v4 x", "`c` is shown in v4: it is kept by now"),
            ("d v4 x", "`d` is no rule"),
            ("d v4", "no record: \"d\\tv4\""),
        ] {
            let told = check(THREE, &[&good[..], &[more]].concat()).unwrap_err();
            assert!(told.contains(complaint), "{told}");
        }
        let told = check(THREE, &good[1..]).unwrap_err();
        assert!(told.contains("no test shows `a` in v4"), "{told}");
        let told = check(&THREE.replace("\"c\",", "\"a\","), &good).unwrap_err();
        assert!(told.contains("`a` is there twice"), "{told}");
        let told = check(&THREE.replace("MAY", "CAN"), &good).unwrap_err();
        assert!(told.contains("`c`: a level is one of"), "{told}");
        let told = check(&THREE.replace("[\"c\"]", "[\"c\", \"e\"]"), &good).unwrap_err();
        assert!(told.contains("`e` is no rule"), "{told}");
    }

    #[test]
    fn a_table_that_is_not_of_this_run_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("tests")).unwrap();
        std::fs::write(root.path().join(RULES), THREE).unwrap();
        let publish = |records, check| publish(root.path(), records, check);
        let (one, other) = ("a\tv4\tx\na\tv5\tx\nb\tv5\tx\n", "a\tv4\ty\na\tv5\tx\nb\tv5\tx\n");
        publish(one, true).unwrap_err();
        publish(one, false).unwrap();
        publish(one, true).unwrap();
        let told = publish(other, true).unwrap_err().to_string();
        assert!(told.contains("`x`<br>`y`") && told.contains("cargo xtask test"), "{told}");
    }
}
