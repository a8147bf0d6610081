//! What docs/LIMITS.md says about the settings is what the settings are.

use std::collections::BTreeMap;
use tmf683_server::config::DEFAULT_TOML;

const LIMITS: &str = include_str!("../../docs/LIMITS.md");

/// `key = value` below `[limits]`.
fn settings() -> BTreeMap<&'static str, &'static str> {
    let section = DEFAULT_TOML.split("\n[").find_map(|section| section.strip_prefix("limits]"));
    let pairs = section.unwrap().lines().filter(|line| !line.starts_with('#'));
    pairs.filter_map(|line| line.split_once(" = ")).collect()
}

/// `` | `key` | value | … `` below the heading "Settings".
fn documented() -> BTreeMap<&'static str, &'static str> {
    let section = LIMITS.split("\n## ").find_map(|section| section.strip_prefix("Settings"));
    let rows = section.unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split_once("` | "));
    cells.filter_map(|(key, rest)| Some((key, rest.split_once(" |")?.0))).collect()
}

#[test]
fn every_limit_is_documented_with_its_default() {
    assert!(settings().len() >= 12, "{:?}", settings());
    assert_eq!(documented(), settings());
}
