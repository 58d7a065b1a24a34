//! The `pierhead` command line: parses arguments, opens what the subcommand works on, and wires the rooms together.
//! It holds no rule of the domain.

mod bootstrap;
mod cli;
mod commands;
mod context;
mod embedded;
mod log_export;
mod logging;
mod redis;
mod serve;
mod settings;
mod stores;
mod traces;
mod trust;
mod workers;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;

/// Answers are small and many: the C library's allocator took a tenth of the processor's time of a manifest.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pierhead: {error}");
            ExitCode::FAILURE
        }
    }
}
