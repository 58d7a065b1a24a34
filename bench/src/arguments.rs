//! The command line of `pierhead-bench`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Compares Pierhead with every other registry found on this machine, in one run.
#[derive(Debug, Parser)]
#[command(name = "pierhead-bench", version)]
pub(crate) struct Arguments {
    /// What the measuring process does when it re-executes itself.
    #[command(subcommand)]
    pub(crate) floor: Option<Command>,

    /// How the result is printed. Progress always goes to standard error.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,

    /// Run only rows whose id contains one of these (comma separated), e.g. `manifest-tag,token`.
    #[arg(long, value_delimiter = ',', value_name = "PATTERN")]
    pub(crate) only: Vec<String>,

    /// Registries to run, by name (comma separated). Default: every one that is found. `floor`
    /// alone runs only the bare loops.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) peers: Vec<String>,

    /// A smoke run of under a minute: small sizes and short measures. Its numbers mean nothing.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Client connections of a measure, unless the row's name says otherwise.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) connections: u16,

    /// Seconds that each measure lasts after its warm-up.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) seconds: Option<f64>,

    /// Tags in the repository for the manifest rows.
    #[arg(long, value_delimiter = ',', value_name = "COUNT")]
    pub(crate) tags: Vec<u32>,

    /// Tags in the repository for the listing rows.
    #[arg(long, value_name = "COUNT")]
    pub(crate) list_tags: Option<u32>,

    /// Seconds after which filling a repository with tags is given up. Pierhead gets ten times as
    /// long, so that its rows have the full number.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) fill_seconds: Option<u64>,

    /// Tags in PostgreSQL for the start row.
    #[arg(long, value_name = "COUNT")]
    pub(crate) database_tags: Option<u32>,

    /// Folder for the registries' data; must be on a real disk for the write rows to mean
    /// something. A folder inside it is made and removed again.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// Pierhead's binary. Default: `release/pierhead` in the target folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) pierhead: Option<PathBuf>,

    /// Folder of PostgreSQL's programs.
    #[arg(long, value_name = "DIR", default_value = "/usr/lib/postgresql/15/bin")]
    pub(crate) postgres: PathBuf,
}

/// Hidden subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs one of the bare loops that the big rows are compared with.
    #[command(hide = true)]
    Floor {
        /// Which loop.
        #[arg(value_enum)]
        work: FloorWork,
        /// Where it listens.
        address: SocketAddr,
        /// Folder for the files it writes or sends.
        dir: PathBuf,
        /// Bytes of each transfer.
        size: u64,
    },
}

/// The bare loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FloorWork {
    /// An axum handler that answers a constant.
    Answer,
    /// Receive, hash, write, sync.
    Push,
    /// `sendfile` from the page cache.
    Pull,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A table for people.
    Text,
    /// One JSON document.
    Json,
}
