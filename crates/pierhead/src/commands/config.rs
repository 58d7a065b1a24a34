//! `pierhead config`: checks the configuration, or shows what counts.

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::Place;
use crate::context::{self, StartError};
use crate::settings;

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
    let loaded = context::look(place)?;
    match command {
        ConfigCommand::Validate => {
            for warning in &loaded.warnings {
                println!("warning: {warning}");
            }
            let unsupported = settings::unsupported(&loaded.config);
            if !unsupported.is_empty() {
                return Err(StartError::Unsupported(unsupported.join("\n")));
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
