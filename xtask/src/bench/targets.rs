//! The targets, and whether they are met. One that is missed needs its reason in `reasons.toml`, told
//! with a measurement; one that is met may have none, so that no excuse outlives its cause.

use super::report::Table;
use anyhow::Context;
use std::collections::BTreeMap;

const REASONS: &str = include_str!("reasons.toml");

/// What is to be measured.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Target {
    GetToLive,
    GroupCommit,
    DurableToJudged,
    ListGrowth,
    DeepOffset,
    StartToReady,
    Resident,
    Import,
}

/// What it has to be.
#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

/// Key in `reasons.toml`, what it is, bound and unit.
const TARGETS: [(Target, &str, &str, Bound, &str); 8] = [
    (
        Target::GetToLive,
        "get_to_live",
        "GET by id to our own `/health/live`, requests/s at 32 connections",
        AtLeast(0.8),
        "",
    ),
    (
        Target::GroupCommit,
        "group_commit",
        "durable POST at 64 connections to the same with a commit for each request",
        AtLeast(7.0),
        "×",
    ),
    (
        Target::DurableToJudged,
        "durable_to_judged",
        "durable POST to POST that is only judged, at 64 connections",
        AtLeast(0.3),
        "",
    ),
    (
        Target::ListGrowth,
        "list_growth",
        "list of 20, filtered, exact count, at 10⁶ to 10⁴: CPU, the worst of three filters",
        AtMost(1.5),
        "×",
    ),
    (
        Target::DeepOffset,
        "deep_offset",
        "page at offset 900 000 of 10⁶ to offset 0: CPU",
        AtMost(1.5),
        "×",
    ),
    (Target::StartToReady, "start_to_ready", "start to ready at 10⁶", AtMost(2.0), " s"),
    (
        Target::Resident,
        "resident",
        "resident memory at 10⁶, after all loads",
        AtMost(256.0),
        " MiB",
    ),
    (
        Target::Import,
        "import",
        "import of 3.5 KB documents on one core",
        AtLeast(20_000.0),
        " documents/s",
    ),
];

/// What was found of the targets.
pub(super) type Found = BTreeMap<Target, f64>;

/// The table of targets, and what is wrong with the reasons.
pub(super) fn judge(found: &Found) -> anyhow::Result<(Table, Vec<String>)> {
    let reasons = toml::from_str(REASONS).context("reasons.toml")?;
    Ok(judge_by(found, &reasons))
}

fn judge_by(found: &Found, reasons: &BTreeMap<String, String>) -> (Table, Vec<String>) {
    let mut table = Table::new(["target", "bound", "measured", "verdict", "why"]);
    let mut complaints = Vec::new();
    let known = |key: &str| TARGETS.iter().any(|(_, known, ..)| *known == key);
    for key in reasons.keys().filter(|key| !known(key)) {
        complaints.push(format!("reasons.toml explains `{key}`, which is no target"));
    }
    for (target, key, what, bound, unit) in TARGETS {
        let reason = reasons.get(key);
        let (sign, bound, is_met) = match bound {
            AtLeast(bound) => ("≥", bound, found.get(&target).map(|&value| value >= bound)),
            AtMost(bound) => ("≤", bound, found.get(&target).map(|&value| value <= bound)),
        };
        let verdict = match (is_met, reason) {
            (None, _) => "not measured",
            (Some(true), None) => "met",
            (Some(false), Some(_)) => "missed",
            (Some(true), Some(_)) => {
                complaints.push(superfluous(key));
                "met"
            }
            (Some(false), None) => {
                complaints.push(unexplained(key));
                "missed"
            }
        };
        let measured = found.get(&target).map(|&value| number(value) + unit).unwrap_or_default();
        let why = reason.filter(|_| is_met == Some(false)).cloned().unwrap_or_default();
        let bound = format!("{sign} {}{unit}", number(bound));
        table.row([what.to_owned(), bound, measured, verdict.to_owned(), why]);
    }
    (table, complaints)
}

/// A report with the reasons as they are now, which can only be told once there is a report; and what is
/// wrong with them.
pub(super) fn explained(report: &str) -> anyhow::Result<(String, Vec<String>)> {
    let reasons = toml::from_str(REASONS).context("reasons.toml")?;
    Ok(explained_by(report, &reasons))
}

fn explained_by(report: &str, reasons: &BTreeMap<String, String>) -> (String, Vec<String>) {
    let (mut text, mut complaints) = (String::new(), Vec::new());
    for line in report.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let target = TARGETS.iter().find(|(_, _, what, ..)| cells.first() == Some(what));
        if let (Some((_, key, ..)), [what, bound, measured, verdict, _]) = (target, &*cells) {
            let reason = reasons.get(*key).map_or("", String::as_str);
            match (*verdict, reason) {
                ("missed", "") => complaints.push(unexplained(key)),
                ("met", reason) if !reason.is_empty() => complaints.push(superfluous(key)),
                _ => {}
            }
            let why = if *verdict == "missed" { reason } else { "" };
            text.push_str(&format!("| {what} | {bound} | {measured} | {verdict} | {why} |"));
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    (text, complaints)
}

fn unexplained(key: &str) -> String {
    format!("`{key}` is missed, and reasons.toml does not say why")
}

fn superfluous(key: &str) -> String {
    format!("reasons.toml explains `{key}`, which is met")
}

/// With three digits or more that count.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &[(Target, f64)], reasons: &[(&str, &str)], complaints: &[&str]) -> String {
        let reasons = reasons.iter().map(|(key, text)| ((*key).into(), (*text).into())).collect();
        let (table, found) = judge_by(&found.iter().copied().collect(), &reasons);
        assert_eq!(found, complaints);
        table.to_string()
    }

    #[test]
    fn a_miss_needs_a_reason_and_nothing_else_may_have_one() {
        let (met, missed) = ((Target::GroupCommit, 7.0), (Target::GroupCommit, 6.99));
        let reason = ("group_commit", "the disk is fast");
        let shown = check(&[met], &[], &[]);
        assert!(shown.contains("| ≥ 7.00× | 7.00× | met |  |"), "{shown}");
        assert!(shown.contains("| not measured |"), "{shown}");
        let shown = check(&[missed], &[reason], &[]);
        assert!(shown.contains("| 6.99× | missed | the disk is fast |"), "{shown}");
        check(&[met], &[reason], &["reasons.toml explains `group_commit`, which is met"]);
        let unexplained = "`group_commit` is missed, and reasons.toml does not say why";
        check(&[missed], &[], &[unexplained]);
        check(&[], &[reason, ("x", "")], &["reasons.toml explains `x`, which is no target"]);
    }

    #[test]
    fn a_report_is_explained_as_if_the_reasons_had_been_there() {
        let found = Found::from([(Target::GroupCommit, 6.0), (Target::Import, 30_000.0)]);
        let reasons = |text: &str| BTreeMap::from([("group_commit".to_owned(), text.to_owned())]);
        let (before, _) = judge_by(&found, &reasons("an old one"));
        let (after, _) = judge_by(&found, &reasons("a new one"));
        let report =
            |table: Table| format!("# All\n\n## Targets\n\n{table}\n## Other\n\n| a | b |\n");
        let (explained, complaints) = explained_by(&report(before), &reasons("a new one"));
        assert_eq!((explained, complaints), (report(after), vec![]));
        let (_, complaints) = explained_by(&explained_by("", &reasons("")).0, &BTreeMap::new());
        assert_eq!(complaints, [""; 0]);
        let (table, _) = judge_by(&found, &reasons("one"));
        let wrong = BTreeMap::from([("import".to_owned(), "slow".to_owned())]);
        let (_, complaints) = explained_by(&report(table), &wrong);
        assert_eq!(complaints, [unexplained("group_commit"), superfluous("import")]);
    }

    #[test]
    fn bounds_hold_on_their_side() {
        let shown = check(&[(Target::StartToReady, 0.25)], &[], &[]);
        assert!(shown.contains("| ≤ 2.00 s | 0.25 s | met |"), "{shown}");
    }

    #[test]
    fn the_reasons_can_be_read() {
        judge(&Found::new()).unwrap();
    }
}
