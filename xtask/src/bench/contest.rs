//! Loads that take turns: within each round every one runs once, so that whatever else the machine does
//! falls on all of them alike. What is shown are medians over the rounds; what is compared are the
//! numbers of one round with each other, and of those ratios the median.

use super::report::Table;
use super::server::Server;
use super::wrk::{Load, Measured, Wrk};

/// One load on one server.
pub(super) struct Turn<'a> {
    pub(super) server: &'a Server,
    pub(super) load: Load,
}

impl<'a> Turn<'a> {
    pub(super) fn new(server: &'a Server, load: Load) -> Self {
        Self { server, load }
    }
}

/// How long to measure.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub(super) rounds: usize,
    /// Of one turn.
    pub(super) seconds: u32,
}

/// What the turns of one load cost, a round each.
pub(super) struct Cost {
    pub(super) name: String,
    rounds: Vec<Round>,
}

struct Round {
    measured: Measured,
    /// Processor time of the server, and its database, for one request.
    cpu_micros: f64,
}

/// Runs all turns, after a second each to warm up.
pub(super) fn contest(wrk: &Wrk, pace: Pace, turns: &[Turn<'_>]) -> anyhow::Result<Vec<Cost>> {
    let mut costs: Vec<Cost> = turns
        .iter()
        .map(|turn| Cost { name: turn.load.name.clone(), rounds: Vec::new() })
        .collect();
    for Turn { server, load } in turns {
        wrk.attempt(&server.origin, load, 1)?;
        server.settle()?;
    }
    for _ in 0..pace.rounds {
        for (Turn { server, load }, cost) in turns.iter().zip(&mut costs) {
            let before = server.cpu_seconds()?;
            let measured = wrk.run(&server.origin, load, pace.seconds)?;
            let cpu_micros = (server.settle()? - before) * 1e6 / measured.requests;
            println!("{}: {measured}, {cpu_micros:.1} µs of CPU", load.name);
            cost.rounds.push(Round { measured, cpu_micros });
        }
    }
    Ok(costs)
}

impl Cost {
    pub(super) fn per_second(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.measured.per_second))
    }

    pub(super) fn cpu_micros(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.cpu_micros))
    }

    /// How many times as many requests a second as the other.
    pub(super) fn faster_than(&self, other: &Self) -> f64 {
        self.ratio(other, |round| round.measured.per_second)
    }

    /// How many times the processor time of the other.
    pub(super) fn dearer_than(&self, other: &Self) -> f64 {
        self.ratio(other, |round| round.cpu_micros)
    }

    /// The same, round by round: where these are on both sides of one, there is no difference.
    pub(super) fn dearer_by_round(&self, other: &Self) -> Vec<f64> {
        self.ratios(other, |round| round.cpu_micros).collect()
    }

    fn ratio(&self, other: &Self, of: fn(&Round) -> f64) -> f64 {
        median(self.ratios(other, of))
    }

    fn ratios(&self, other: &Self, of: fn(&Round) -> f64) -> impl Iterator<Item = f64> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        // What is too little to be counted is a tick at least.
        pairs.map(move |(ours, theirs)| of(ours) / of(theirs).max(f64::MIN_POSITIVE))
    }

    /// What [`Cost::cells`] are.
    pub(super) const HEAD: [&str; 5] =
        ["requests/s", "CPU µs/request", "p50 ms", "p99 ms", "p99.9 ms"];

    /// Rates, processor time, and latencies.
    pub(super) fn cells(&self) -> [String; 5] {
        let milliseconds = |of: fn(&Measured) -> f64| {
            format!("{:.2}", median(self.rounds.iter().map(|r| of(&r.measured))) / 1000.0)
        };
        [
            format!("{:.0}", self.per_second()),
            format!("{:.1}", self.cpu_micros()),
            milliseconds(|measured| measured.p50),
            milliseconds(|measured| measured.p99),
            milliseconds(|measured| measured.p999),
        ]
    }
}

/// A row for each; `of` says what they are costs of.
pub(super) fn table(of: &str, costs: &[Cost]) -> Table {
    let mut table = Table::new([&[of][..], &Cost::HEAD].concat());
    for cost in costs {
        table.row(std::iter::once(cost.name.clone()).chain(cost.cells()));
    }
    table
}

/// The middle of them; nothing of nothing.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => 0.0,
        (Some(upper), 0) => (values[middle - 1] + upper) / 2.0,
        (Some(middle), _) => *middle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(name: &str, rounds: &[(f64, f64)]) -> Cost {
        let round = |&(per_second, cpu_micros): &(f64, f64)| {
            let (requests, p50, p99, p999, most) = (9.0, 1500.0, 2000.0, 3000.0, 4000.0);
            let measured = Measured { requests, per_second, p50, p99, p999, most };
            Round { measured, cpu_micros }
        };
        Cost { name: name.into(), rounds: rounds.iter().map(round).collect() }
    }

    #[test]
    fn ratios_are_made_within_rounds() {
        // The machine was slow in the second round: for both.
        let ours = cost("ours", &[(200.0, 10.0), (20.0, 20.0), (220.0, 10.0)]);
        let theirs = cost("theirs", &[(100.0, 30.0), (10.0, 60.0), (100.0, 25.0)]);
        assert_eq!(ours.faster_than(&theirs), 2.0);
        assert_eq!(theirs.dearer_than(&ours), 3.0);
        assert_eq!(theirs.dearer_by_round(&ours), [3.0, 3.0, 2.5]);
        assert_eq!(ours.per_second(), 200.0);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        for (values, expected) in
            [(&[][..], 0.0), (&[3.0], 3.0), (&[4.0, 1.0], 2.5), (&[9.0, 1.0, 2.0], 2.0)]
        {
            assert_eq!(median(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn a_load_is_a_row() {
        let shown = table("load", &[cost("GET", &[(100.4, 30.04)])]).to_string();
        assert!(shown.ends_with("| GET | 100 | 30.0 | 1.50 | 2.00 | 3.00 |\n"), "{shown}");
    }
}
