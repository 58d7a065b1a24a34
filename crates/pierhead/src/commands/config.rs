//! `pierhead config`: checks the configuration, or shows what counts.

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::Place;
use crate::context::{self, StartError};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report every problem and every warning; changes nothing.
    Validate,
    /// Print every field with its value or default, secrets redacted.
    Print,
}

/// Runs the subcommand. Exit code 1 if the configuration has problems.
pub(crate) fn run(place: &Place, command: &ConfigCommand) -> Result<ExitCode, StartError> {
    let loaded = context::load(place, None)?;
    match command {
        ConfigCommand::Validate => {
            for warning in &loaded.warnings {
                println!("warning: {warning}");
            }
            match &loaded.directory {
                Some(directory) => println!("{}: no problems", directory.display()),
                None => println!("no config.yaml: the embedded default has no problems"),
            }
        }
        ConfigCommand::Print => print!("{}", loaded.config.print()),
    }
    Ok(ExitCode::SUCCESS)
}
