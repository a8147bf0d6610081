//! Fuzzing on the stable compiler: targets that judge any bytes by laws, and what feeds them.
//!
//! A target is a function and a folder of the same name in `tests/corpus`. In every test run the
//! corpus is judged whole, and then some hundreds of inputs that are made from it: by cutting and
//! splicing, by inserting words the target knows, and, where it is JSON, by grafting values of one
//! input onto another, so that most stay JSON. `cargo xtask fuzz [TARGET] [--seconds N]` goes on
//! for longer. What it finds belongs into the corpus, under a name that tells what it is.
//!
//! The engine is proptest, which the other properties use as well: it makes a find smaller before
//! it tells it. It does not watch which code an input reaches, as libFuzzer does; that needs a
//! nightly compiler. The corpus and the words are there to reach as far.

mod change;
mod graft;
mod input;
mod json;
mod lens;
mod patches;
mod query;

use input::Input;
use proptest::test_runner::{Config, TestError, TestRunner};
use std::fs;
use std::os::unix::fs::FileExt;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a run goes on, in seconds; without it, one batch.
const SECONDS: &str = "FUZZ_SECONDS";
/// Inputs between two looks at the clock.
const BATCH: u32 = 400;

/// What is fuzzed.
struct Target {
    /// Its folder in the corpus.
    name: &'static str,
    /// Words that lead further in than letters drawn at random.
    words: &'static [&'static str],
    /// Panics where a law does not hold.
    judge: fn(&[u8]),
}

impl Target {
    /// Judges the corpus, and what can be made of it.
    fn run(&self) {
        let corpus = self.corpus();
        for (file, bytes) in &corpus {
            let held = catch_unwind(|| (self.judge)(bytes));
            assert!(held.is_ok(), "{}", file.display());
        }
        let seeds = corpus.into_iter().map(|(_, bytes)| bytes).collect();
        let inputs = input::inputs(seeds, self.words);
        let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok());
        let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let config = Config { cases: BATCH, failure_persistence: None, ..Config::default() };
        // An overflow of the stack ends the process: then this is all that is left.
        let last = until.map(|_| fs::File::create(self.last()).unwrap());
        let mut batches = 0_u64;
        loop {
            // One runner does one batch: a second `run` of it would find its cases done.
            let run = TestRunner::new(config.clone()).run(&inputs, |Input(bytes)| {
                if let Some(last) = &last {
                    last.write_all_at(&bytes, 0).and_then(|()| last.set_len(bytes.len() as u64))?;
                }
                (self.judge)(&bytes);
                Ok(())
            });
            if let Err(error) = run {
                self.tell(&error);
            }
            batches += 1;
            if until.is_none_or(|until| Instant::now() >= until) {
                println!("{}: {} inputs", self.name, batches * u64::from(BATCH));
                return;
            }
        }
    }

    fn tell(&self, error: &TestError<Input>) -> ! {
        if let TestError::Fail(_, Input(bytes)) = error {
            let _ = fs::write(self.last(), bytes);
        }
        panic!("{error}\n{} has it, for tests/corpus/{}", self.last().display(), self.name);
    }

    /// Where the input is kept that is being judged.
    fn last(&self) -> PathBuf {
        std::env::temp_dir().join(format!("tmf683-fuzz-{}", self.name))
    }

    fn corpus(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(self.name);
        let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect()
    }
}

/// One test for each target, named after it.
macro_rules! targets {
    ($($test:ident: $target:expr;)*) => {
        $(#[test] fn $test() { $target.run(); })*

        #[test]
        fn every_folder_of_the_corpus_has_a_target() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
            let folders = fs::read_dir(folder).unwrap();
            let mut found: Vec<String> =
                folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
            found.sort();
            let mut named = vec![$($target.name),*];
            named.sort_unstable();
            assert_eq!(found, named);
        }
    };
}

targets! {
    change: change::CHANGE;
    fields: query::FIELDS;
    json: json::JSON;
    json_patch: patches::JSON_PATCH;
    json_patch_query: patches::JSON_PATCH_QUERY;
    lens: lens::LENS;
    merge_patch: patches::MERGE_PATCH;
    query: query::QUERY;
}
