//! Arguments and subcommands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use pierhead_auth::accounts::Accounts;

use crate::commands::output::{Format, Output};
use crate::commands::{CommandError, config, org, repo, robot, user};
use crate::context::{self, Context, StartError};
use crate::{logging, serve};

/// A container registry that takes over a Red Hat Quay installation in place.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where the configuration and the data are.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Directory of config.yaml. Default: $QUAYCONF/stack, $QUAYCONF, then /conf/stack; without any of them SQLite and
    /// local storage in the data directory.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory of a registry that has no config.yaml.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "./pierhead-data"
    )]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the registry.
    Serve(ServeArgs),
    /// Create the tables of an empty database, or say that nothing is to be done.
    Migrate {
        #[command(flatten)]
        place: Place,
    },
    /// Check or show the configuration.
    Config {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: config::ConfigCommand,
    },
    /// Make and change users.
    User {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        args: user::UserArgs,
        /// Form of the output.
        #[arg(long, global = true, value_enum, default_value_t)]
        output: Format,
    },
    /// Make and change organizations.
    Org {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        args: org::OrgArgs,
        /// Form of the output.
        #[arg(long, global = true, value_enum, default_value_t)]
        output: Format,
    },
    /// Make and change robot accounts.
    Robot {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        args: robot::RobotArgs,
        /// Form of the output.
        #[arg(long, global = true, value_enum, default_value_t)]
        output: Format,
    },
    /// Make and change repositories.
    Repo {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        args: repo::RepoArgs,
        /// Form of the output.
        #[arg(long, global = true, value_enum, default_value_t)]
        output: Format,
    },
}

/// How to serve.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The one address to listen on, instead of the configured ports. Default without config.yaml: 127.0.0.1:8080.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
}

impl Cli {
    pub(crate) fn run(self) -> Result<ExitCode, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        match self.command {
            Command::Serve(args) => runtime
                .block_on(serve::run(args))
                .map(|()| ExitCode::SUCCESS),
            Command::Config { place, command } => config::run(&place, &command),
            Command::Migrate { place } => {
                let loaded = context::load(&place, None)?;
                logging::start(logging::level(&loaded.config), None);
                runtime.block_on(async {
                    let context = Context::open_loaded(loaded).await?;
                    println!("{}", context.migration);
                    Ok(ExitCode::SUCCESS)
                })
            }
            Command::User {
                place,
                args,
                output,
            } => runtime.block_on(on_accounts(&place, output, async |accounts, out| {
                user::run(args, accounts, &mut std::io::stdin(), out).await
            })),
            Command::Org {
                place,
                args,
                output,
            } => runtime.block_on(on_accounts(&place, output, async |accounts, out| {
                org::run(args, accounts, out).await
            })),
            Command::Robot {
                place,
                args,
                output,
            } => runtime.block_on(on_accounts(&place, output, async |accounts, out| {
                robot::run(args, accounts, out).await
            })),
            Command::Repo {
                place,
                args,
                output,
            } => runtime.block_on(on_accounts(&place, output, async |accounts, out| {
                repo::run(args, accounts, out).await
            })),
        }
    }
}

/// Opens the installation and runs a subcommand on its accounts.
async fn on_accounts(
    place: &Place,
    format: Format,
    run: impl AsyncFnOnce(&Accounts, &mut Output<'_>) -> Result<(), CommandError>,
) -> Result<ExitCode, StartError> {
    let context = Context::open(place, None).await?;
    let mut stdout = std::io::stdout();
    let mut out = Output::new(format, &mut stdout);
    Ok(match run(&context.accounts, &mut out).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pierhead: {error}");
            ExitCode::FAILURE
        }
    })
}
