//! Runs a client program as a person would, in a [`Sandbox`], with a limit on its time.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::process::find_program;
use crate::{Error, Result, Sandbox};

/// How long a client may take for one command, if nothing else is said.
const LIMIT: Duration = Duration::from_mins(2);

/// Where `scripts/install-tools` puts programs: `PIERHEAD_TOOLS`, or a folder of the user's cache.
pub(crate) fn tools_folder() -> PathBuf {
    std::env::var_os("PIERHEAD_TOOLS").map_or_else(
        || {
            PathBuf::from(std::env::var_os("HOME").unwrap_or_default())
                .join(".cache/pierhead-tools")
        },
        PathBuf::from,
    )
}

/// A client program that is installed.
#[derive(Debug)]
pub struct Tool<'a> {
    name: String,
    program: PathBuf,
    sandbox: &'a Sandbox,
    environment: Vec<(String, String)>,
    limit: Duration,
}

/// What a program printed.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its standard output, without a line's end at the end.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Whether it ended with status 0.
    pub success: bool,
    command: String,
    status: String,
}

impl<'a> Tool<'a> {
    /// Finds a program in the tools folder (`PIERHEAD_TOOLS`), then on `PATH`.
    pub fn new(name: &str, sandbox: &'a Sandbox) -> Result<Self> {
        let program = find_program(name, &[&tools_folder().join("bin"), Path::new("/usr/sbin")])
            .ok_or_else(|| Error::Missing {
                program: name.to_owned(),
                install: "run scripts/install-tools",
            })?;
        Ok(Self {
            name: name.to_owned(),
            program,
            sandbox,
            environment: Vec::new(),
            limit: LIMIT,
        })
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Gives the program more time for each command.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the program and requires success; gives its standard output.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        Ok(self
            .run_with_input(arguments, "")
            .await?
            .succeeded()?
            .stdout)
    }

    /// Runs the program, requires success and reads its standard output as JSON.
    pub async fn run_json(&self, arguments: &[&str]) -> Result<Value> {
        let stdout = self.run(arguments).await?;
        serde_json::from_str(&stdout).map_err(|error| {
            Error::unexpected(format!("{} printed no JSON ({error}): {stdout}", self.name))
        })
    }

    /// Runs the program and requires that it fails; gives what it complained about.
    pub async fn run_failing(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run_with_input(arguments, "").await?;
        if output.success {
            return Err(Error::unexpected(format!(
                "`{}` should have failed",
                output.command
            )));
        }
        Ok(output.stderr)
    }

    /// Runs the program with text on its standard input and gives whatever comes of it.
    pub async fn run_with_input(&self, arguments: &[&str], input: &str) -> Result<Output> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.sandbox.folder())
            .envs(self.sandbox.environment())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for proxy in [
            "http_proxy",
            "https_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "all_proxy",
        ] {
            command.env_remove(proxy);
        }
        let line = std::iter::once(self.name.as_str()).chain(arguments.iter().copied());
        let line = line.collect::<Vec<_>>().join(" ");
        let mut child = command.spawn().map_err(Error::io("start", &self.program))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input is not a failure.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = tokio::time::timeout(self.limit, child.wait_with_output())
            .await
            .map_err(|_| Error::Deadline {
                condition: format!("the end of `{line}`"),
                waited: self.limit,
                detail: String::new(),
            })?
            .map_err(Error::io("wait for", &self.program))?;
        Ok(Output {
            stdout: String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            success: output.status.success(),
            status: output.status.to_string(),
            command: line,
        })
    }
}

impl Output {
    /// The output itself if the program succeeded.
    pub fn succeeded(self) -> Result<Self> {
        if self.success {
            return Ok(self);
        }
        Err(Error::Command {
            command: self.command,
            status: self.status,
            stdout: self.stdout,
            stderr: self.stderr,
        })
    }
}
