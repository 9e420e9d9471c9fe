//! Measures how well photographs are recognised, beside targets and peers, and writes tables, values and
//! plots.
//!
//! One run registers photographs in two registries of the built server, one for each reference that a
//! registrant may leave, attacks some of them, and puts every attacked and every other photograph to both and
//! to the peers. At most two photos are in memory at a time, beside the fingerprints of the registered ones.

mod chart;
mod orb;
mod peers;
mod phash;
pub(crate) mod photos;
mod plots;
mod registry;
mod report;
mod rows;
mod run;
mod tally;
mod targets;
mod wilson;

use crate::{BenchError, cleanup::Folder};
use std::path::PathBuf;

/// Threads that attack and ask.
const THREADS: usize = 2;

/// What to calibrate on.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Folder of photographs with an index.csv of the columns file and product_id; rendered pictures without
    /// it.
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Seed of the draw and of the attacks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Registered photographs that are attacked, each in every class.
    #[arg(long, default_value_t = 12)]
    originals: usize,
    /// Where tables, values and plots go.
    #[arg(long, value_name = "DIR", default_value = "docs/calibration")]
    out: PathBuf,
    /// Where touchstone-server is; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin: Option<PathBuf>,
    /// The Python that has OpenCV.
    #[arg(long, default_value = "python3")]
    python: String,
}

/// Measures and writes the report.
#[allow(clippy::print_stderr, reason = "this program talks to people")]
pub(crate) fn run(options: &Options) -> Result<(), BenchError> {
    let folder = Folder::new()?;
    let pictures = match &options.photos {
        Some(folder) => photos::listed(folder)?,
        None => {
            eprintln!("no --photos: rendering pictures");
            photos::rendered(folder.path())?
        }
    };
    let real = options.photos.is_some();
    let selection = photos::select(&pictures, options.seed, options.originals, real)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().map_err(BenchError::other)?;
    let measured = pool.install(|| run::measure(options, folder.path(), &selection))?;
    report::write(options, &selection, &measured)?;
    eprintln!("wrote {}", options.out.display());
    Ok(())
}
