//! `pierhead-bench`: Pierhead and every other registry that is installed, measured on the same
//! machine in one run. `docs/benchmarks.md` tells how to run it and what each row means.
//!
//! All registries run for the whole time, and every kind of work is done to one after the other
//! before the next kind begins, so that a ratio compares measures that are seconds apart.

mod arguments;
mod cases;
mod disk;
mod error;
mod figures;
mod floor;
mod interrupt;
mod load;
mod peers;
mod plan;
mod process;
mod report;
mod run;
mod subject;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command, Output};
use crate::error::{Doing as _, Error};
use crate::plan::Plan;
use crate::report::Report;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.floor {
        Some(Command::Floor {
            work,
            address,
            dir,
            size,
        }) => floor::serve(*work, *address, dir, *size).map(|()| ExitCode::SUCCESS),
        None => benchmark(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("pierhead-bench: {error}");
        ExitCode::FAILURE
    })
}

/// Runs everything and prints the report. Fails when a row failed.
fn benchmark(arguments: &Arguments) -> Result<ExitCode, Error> {
    interrupt::listen()?;
    let plan = Plan::new(arguments);
    peers::check_names(&arguments.peers)?;
    let folder = run::work_folder(arguments)?;
    let mut report = run::run(arguments, &plan, folder.path())?;
    report.goals = report::goals::judge(&report, &plan);
    // Removing what a long run has written takes a while, so the result comes first.
    print(&report, arguments.output)?;
    folder
        .close()
        .doing(|| "remove the run's data".to_owned())?;
    Ok(if report.failures() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(report: &Report, output: Output) -> Result<(), Error> {
    match output {
        Output::Text => print!("{}", report::text(report)),
        Output::Json => {
            let text = serde_json::to_string_pretty(report).map_err(|error| Error::Io {
                doing: "write the report as JSON".to_owned(),
                source: error.into(),
            })?;
            println!("{text}");
        }
    }
    Ok(())
}
