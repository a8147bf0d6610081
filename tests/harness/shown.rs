//! Which rules of `tests/rules.toml` a test shows.
//!
//! `shows!(api, ["paging.limit"])` claims rules until the end of its block. A block that ends well is
//! written down as one line, rule, version and test, in the file [`RECORDS`] names; one that panics
//! is not, and fails its test besides. `cargo xtask test` sets the variable, and makes
//! `docs/CONFORMANCE.md` of the lines; any other run of the tests writes nothing.

use crate::api::{Api, Version};
use std::fmt::Write as _;
use std::io::Write as _;

/// The environment variable with the path of the records.
const RECORDS: &str = "CONFORMANCE_RECORDS";

/// Claims that the rest of the block shows these rules, through an API or, without one, of the
/// server whatever the version.
#[macro_export]
macro_rules! shows {
    ([$($rule:expr),+ $(,)?]) => {
        $crate::shows!($crate::APIS, [$($rule),+])
    };
    ($apis:expr, [$($rule:expr),+ $(,)?]) => {
        let _shown = $crate::Shown::new($apis, ::std::any::type_name_of_val(&|| ()), &[$($rule),+]);
    };
}

/// A claim that stands when it is dropped without a panic.
#[must_use]
pub struct Shown {
    lines: String,
}

impl Shown {
    /// `place` is the type of a closure in the test, which has the name of the test in it.
    pub fn new(apis: impl IntoIterator<Item = Api>, place: &str, rules: &[&str]) -> Self {
        let test = place.trim_end_matches("::{{closure}}");
        let test = test.split_once("::").map_or(test, |(_crate, test)| test);
        let mut lines = String::new();
        for api in apis {
            let version = match api.version {
                Version::V4 => "v4",
                Version::V5 => "v5",
            };
            for rule in rules {
                writeln!(lines, "{rule}\t{version}\t{test}").unwrap();
            }
        }
        Self { lines }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let Some(path) = std::env::var_os(RECORDS) else { return };
        if !std::thread::panicking() {
            // One write, so that tests side by side do not write into each other's lines.
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            file.and_then(|mut file| file.write_all(self.lines.as_bytes())).unwrap();
        }
    }
}
