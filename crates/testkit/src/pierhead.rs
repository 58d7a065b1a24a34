//! The server under test: the built binary, started as a person or a pod starts it.
//!
//! With [`Engine::Sqlite`] and nothing else said it is the embedded default (`pierhead serve --data`);
//! otherwise a Quay `config.yaml` is written, as an installation has it, and overrides are merged into
//! its top-level keys. The server keeps port, data and database over [`Pierhead::restart`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::StatusCode;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, describe, run};
use crate::{Client, Credentials, Database, Error, Metrics, Port, Redis, Result};

mod builder;
mod quay_config;

pub use builder::{Builder, Engine};

const READY: &str = "listening on ";

/// A running server.
#[derive(Debug)]
pub struct Pierhead {
    process: Option<Process>,
    launch: Launch,
    base_url: String,
    database: Option<Database>,
    /// Kept alive for as long as the server.
    _redis: Option<Redis>,
    _port: Port,
    folder: TempDir,
}

/// Everything needed to start the same server again, and to run a subcommand beside it.
#[derive(Debug)]
struct Launch {
    binary: PathBuf,
    wrapper: Vec<String>,
    listen: Option<String>,
    config: Option<PathBuf>,
    data: Option<PathBuf>,
    environment: Vec<(String, String)>,
    log: PathBuf,
}

impl Launch {
    fn command(&self, subcommand: &[&str]) -> Command {
        let mut command = match self.wrapper.split_first() {
            Some((program, arguments)) if subcommand == ["serve"] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.binary);
                command
            }
            _ => Command::new(&self.binary),
        };
        command.args(subcommand);
        if let Some(folder) = &self.config {
            command.arg("--config").arg(folder);
        }
        if let Some(folder) = &self.data {
            command.arg("--data").arg(folder);
        }
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("QUAY") || text.starts_with("PIERHEAD") {
                command.env_remove(&name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Pierhead {
    /// A server to describe and start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The embedded default on `Engine::Sqlite`, a Quay installation on `Engine::PostgreSql`.
    pub async fn start(engine: Engine) -> Result<Self> {
        Self::builder().engine(engine).start().await
    }

    async fn serve(&mut self) -> Result<()> {
        let mut command = self.launch.command(&["serve"]);
        if let Some(address) = &self.launch.listen {
            command.args(["--listen", address]);
        }
        // The line is looked for in what this start printed, not in what an earlier one did.
        let before = fs::metadata(&self.launch.log).map_or(0, |file| file.len() as usize);
        let mut process = Process::spawn("pierhead serve", &mut command, &self.launch.log)?;
        let address = process
            .ready("printing `listening on`", |log| async move {
                let new = log.get(before..).unwrap_or_default();
                Ok(new.split_inclusive('\n').find_map(|line| {
                    let (_, address) = line.strip_suffix('\n')?.split_once(READY)?;
                    Some(
                        address
                            .split_whitespace()
                            .next()?
                            .trim_end_matches('/')
                            .to_owned(),
                    )
                }))
            })
            .await?;
        self.base_url = address;
        self.process = Some(process);
        Ok(())
    }

    /// `http://127.0.0.1:port`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// `127.0.0.1:port`: the registry's name in image references.
    pub fn host(&self) -> &str {
        self.base_url
            .split_once("://")
            .map_or(&self.base_url, |(_, host)| host)
    }

    /// The database, on PostgreSQL.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// The folder that holds everything the server stores on disk.
    pub fn data(&self) -> PathBuf {
        self.launch
            .data
            .clone()
            .unwrap_or_else(|| self.folder.path().join("storage"))
    }

    /// The folder of `config.yaml`, unless the server is the embedded default.
    pub fn config_folder(&self) -> Option<&Path> {
        self.launch.config.as_deref()
    }

    /// What the server printed since it was first started.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.launch.log).unwrap_or_default()
    }

    /// The server's process id while it runs.
    pub fn pid(&self) -> Result<u32> {
        self.process
            .as_ref()
            .map(Process::pid)
            .ok_or_else(|| Error::unexpected("the server is not running"))
    }

    /// Sends SIGTERM and requires the server to end with status 0.
    pub async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.terminate().await,
            None => Ok(()),
        }
    }

    /// Waits until the server, which was asked to end by a request, has ended with status 0.
    pub async fn ended(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.success("by itself").await,
            None => Ok(()),
        }
    }

    /// Ends the server at once, as the kernel's OOM killer would.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops the process without ending it, so that it neither answers nor closes connections.
    pub fn freeze(&self) -> Result<()> {
        self.process
            .as_ref()
            .map_or(Ok(()), |process| process.signal(Signal::STOP))
    }

    /// Lets a [frozen](Self::freeze) process go on.
    pub fn thaw(&self) -> Result<()> {
        self.process
            .as_ref()
            .map_or(Ok(()), |process| process.signal(Signal::CONT))
    }

    /// Starts the server again: after [`Self::kill9`] or [`Self::stop`] as it is, otherwise after a stop.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.serve().await
    }

    /// Starts the server again with these keys in its `config.yaml`.
    pub async fn restart_with(&mut self, changes: Value) -> Result<()> {
        if let (Some(stack), Value::Object(changes)) = (&self.launch.config, changes) {
            quay_config::change(stack, changes)?;
        }
        self.restart().await
    }

    /// Shifts the server's clock from the next start on; `offset` is libfaketime's, such as `+3d`.
    ///
    /// Times of files and the monotonic clock stay as they are.
    pub fn shift_clock(&mut self, offset: &str) -> Result<()> {
        self.launch.environment.extend(faketime(offset)?);
        Ok(())
    }

    /// Makes the first user by `POST /api/v1/user/initialize`; gives name and password.
    pub async fn initialize(&self, name: &str) -> Result<Credentials> {
        let credentials = Credentials::new(name, "correct-horse-battery-staple");
        let body = json!({
            "username": name,
            "password": credentials.password(),
            "email": format!("{name}@example.com"),
            "access_token": true,
        });
        let answer = Client::new(self, None)
            .send_json("POST", "/api/v1/user/initialize", &body)
            .await?
            .expect(&[StatusCode::OK])?;
        let made: Value = answer.json()?;
        for field in ["username", "email", "encrypted_password", "access_token"] {
            if made[field].as_str().is_none_or(str::is_empty) {
                return Err(Error::unexpected(format!(
                    "user/initialize answered no {field}: {made}"
                )));
            }
        }
        Ok(credentials)
    }

    /// Runs `pierhead SUBCOMMAND… --config/--data` beside the server and gives its standard output.
    pub fn run(&self, subcommand: &[&str]) -> Result<String> {
        run(&mut self.launch.command(subcommand))
    }

    /// Runs a subcommand that has to fail and gives what it printed on standard error.
    pub fn run_failing(&self, subcommand: &[&str]) -> Result<String> {
        match run(&mut self.launch.command(subcommand)) {
            Err(Error::Command { stderr, .. }) => Ok(stderr),
            Err(other) => Err(other),
            Ok(_) => Err(Error::unexpected(format!(
                "`{}` should have failed",
                describe(&self.launch.command(subcommand))
            ))),
        }
    }

    /// Makes an organization.
    pub fn create_organization(&self, name: &str, owner: &Credentials) -> Result<()> {
        self.run(&["org", "create", name, "--owner", owner.username()])
            .map(drop)
    }

    /// Makes a further user, with the password that the command generates.
    pub fn create_user(&self, name: &str) -> Result<Credentials> {
        let email = format!("{name}@example.com");
        self.make(
            &["user", "create", name, "--email", &email],
            name,
            "password",
        )
    }

    /// Makes a robot account (`namespace+name`) and gives its token.
    pub fn create_robot(&self, name: &str) -> Result<Credentials> {
        self.make(&["robot", "create", name], name, "token")
    }

    /// Runs a command that makes an account and prints its secret in a field of a JSON object.
    fn make(&self, command: &[&str], name: &str, secret: &str) -> Result<Credentials> {
        let printed = self.run(&[command, &["--output", "json"]].concat())?;
        let made: Value = serde_json::from_str(&printed).map_err(|error| {
            Error::unexpected(format!(
                "{} printed no JSON ({error}): {printed}",
                command.join(" ")
            ))
        })?;
        let Some(secret) = made[secret].as_str() else {
            let command = command.join(" ");
            return Err(Error::unexpected(format!(
                "{command} printed no {secret}: {printed}"
            )));
        };
        Ok(Credentials::new(name, secret))
    }

    /// Makes an empty repository.
    pub fn create_repository(&self, name: &str, visibility: &str) -> Result<()> {
        self.run(&["repo", "create", name, "--visibility", visibility])
            .map(drop)
    }

    /// Gives a `user`, `team` or `robot` (`kind`) a role on a repository; the role `none` takes it back.
    pub fn permit(&self, repository: &str, kind: &str, name: &str, role: &str) -> Result<()> {
        let kind = format!("--{kind}");
        self.run(&[
            "repo",
            "permission",
            repository,
            &kind,
            name,
            "--role",
            role,
        ])
        .map(drop)
    }

    /// The metrics as exported now.
    pub async fn metrics(&self) -> Result<Metrics> {
        let answer = Client::new(self, None)
            .send("GET", "/metrics")
            .await?
            .expect(&[StatusCode::OK])?;
        Ok(Metrics::parse(&answer.text()))
    }

    /// Statements that were executed for requests since the start.
    pub async fn statements(&self) -> Result<u64> {
        let labels = [("work", "request")];
        let metrics = self.metrics().await?;
        let count = metrics.sum("pierhead_db_statements_total", &labels);
        // A counter of whole numbers, far below 2^52.
        Ok(count.unwrap_or_default() as u64)
    }

    /// Statements that a request costs once what it needs is remembered: the fewest of three, because what is remembered is
    /// asked for again every few seconds.
    pub async fn statements_when_warm<T>(
        &self,
        request: impl AsyncFn() -> Result<T>,
    ) -> Result<u64> {
        let mut fewest = u64::MAX;
        for _ in 0..3 {
            let before = self.statements().await?;
            request().await?;
            fewest = fewest.min(self.statements().await? - before);
        }
        Ok(fewest)
    }
}

/// The binary under test: `PIERHEAD_BIN`, or the one that was built beside the running test.
fn binary() -> Result<PathBuf> {
    let missing = |path: &Path| Error::Missing {
        program: path.display().to_string(),
        install: "build it with `make dev`, or name a binary in PIERHEAD_BIN",
    };
    let path = if let Some(path) = std::env::var_os("PIERHEAD_BIN") {
        PathBuf::from(path)
    } else {
        // The test is target/<profile>/deps/<name>, the binary target/<profile>/pierhead.
        let test = std::env::current_exe().map_err(Error::io("find", "the test's program"))?;
        let profile = test.parent().and_then(Path::parent).unwrap_or(&test);
        profile.join("pierhead")
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(missing(&path))
    }
}

/// The environment of a process with another clock, as libfaketime understands it.
fn faketime(clock: &str) -> Result<[(String, String); 6]> {
    let library = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.is_file())
        .ok_or(Error::Missing {
            program: "libfaketime".to_owned(),
            install: "run scripts/install-tools (Debian: apt-get install libfaketime)",
        })?;
    Ok([
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME", clock.to_owned()),
        ("TZ", "UTC".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value)))
}
