//! Rows of a bench, measured in random order.
//!
//! A slow row in front of a fast one shifts it by up to 1.6, so that a fixed order would put the same error into every run.
//! The seed is printed; given as `BENCH_SEED` it repeats an order. What a row gives is compared with what it has to give
//! before it is timed. The time is that of the processor, so that what else runs on the machine counts for less. Arguments on the command line are those of criterion.

use std::env;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use criterion::{Bencher, Criterion, SamplingMode, Throughput};

use crate::processor_time::ProcessorTime;
use crate::random::Random;

/// All rows of a bench; [`Rows::run`] measures them.
#[allow(missing_debug_implementations, reason = "closures have nothing to show")]
#[derive(Default)]
pub struct Rows<'a> {
    rows: Vec<Row<'a>>,
}

type Bench<'a> = Box<dyn FnMut(&mut Bencher<'_, ProcessorTime>) + 'a>;

struct Row<'a> {
    group: String,
    name: String,
    throughput: Throughput,
    bench: Bench<'a>,
}

/// Rows that stand under one name, because they do the same work.
#[allow(missing_debug_implementations, reason = "closures have nothing to show")]
pub struct Group<'rows, 'a> {
    rows: &'rows mut Rows<'a>,
    name: String,
    throughput: Throughput,
}

impl<'a> Rows<'a> {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A group whose rows each do as much as `throughput` says.
    pub fn group(&mut self, name: impl Into<String>, throughput: Throughput) -> Group<'_, 'a> {
        Group { rows: self, name: name.into(), throughput }
    }

    /// A group whose rows each go over so many octets.
    pub fn octets(&mut self, name: impl Into<String>, octets: usize) -> Group<'_, 'a> {
        self.group(name, Throughput::Bytes(octets as u64))
    }

    /// Measures the rows that the command line selects.
    pub fn run(self) {
        let Self { mut rows } = self;
        let seed = seed();
        eprintln!("rows in random order: BENCH_SEED={seed} repeats it");
        shuffle(&mut rows, &mut Random::new(seed));
        // Many short samples: the fastest of them is one that nothing came between.
        let mut criterion = Criterion::default()
            .sample_size(25)
            .warm_up_time(Duration::from_millis(150))
            .measurement_time(Duration::from_millis(350))
            .nresamples(1000)
            .without_plots()
            .with_measurement(ProcessorTime)
            .configure_from_args();
        for Row { group, name, throughput, mut bench } in rows {
            criterion
                .benchmark_group(group)
                .sampling_mode(SamplingMode::Flat)
                .throughput(throughput)
                .bench_function(name, &mut *bench);
        }
        criterion.final_summary();
    }
}

impl<'a> Group<'_, 'a> {
    /// Adds a row. `run` is called once before it is timed, and has to give `expected`.
    pub fn row<T: PartialEq + Debug + 'a>(
        &mut self,
        name: impl Into<String>,
        expected: T,
        mut run: impl FnMut() -> T + 'a,
    ) -> &mut Self {
        let (group, name) = (self.name.clone(), name.into());
        let title = format!("{group}/{name}");
        let mut expected = Some(expected);
        let bench = Box::new(move |bencher: &mut Bencher<'_, ProcessorTime>| {
            // Called for every sample, and not at all where the command line selects other rows.
            if let Some(expected) = expected.take() {
                assert_eq!(run(), expected, "{title} gives something else");
            }
            bencher.iter(&mut run);
        });
        self.rows.rows.push(Row { group, name, throughput: self.throughput.clone(), bench });
        self
    }
}

fn seed() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    env::var("BENCH_SEED").map_or_else(
        |_| since.map_or(0, |since| u64::from(since.subsec_nanos())),
        |seed| seed.parse().expect("BENCH_SEED is a number"),
    )
}

fn shuffle<T>(rows: &mut [T], random: &mut Random) {
    for last in (1..rows.len()).rev() {
        rows.swap(last, random.below(last + 1));
    }
}
