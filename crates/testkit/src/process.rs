//! A process that a test started: its log, its readiness, its end.
//!
//! Output goes to a file, so a chatty service never blocks on a full pipe and its log is there after it
//! was killed. The process is ended by its own id when the handle is dropped; the end of its log is
//! printed if the test is failing.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Error, Result, eventually};

/// How much of a log is shown.
const LOG_SHOWN: usize = 16 * 1024;

/// A running process with its log.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Set once the process is known to be gone.
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with both outputs appended to the file `log`.
    pub(crate) fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::io("open the log", log))?;
        let errors = file.try_clone().map_err(Error::io("open the log", log))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .map_err(Error::io("start", command.get_program()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            ended: None,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that the process printed so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `ready` gives a value; fails as soon as the process ends.
    pub(crate) async fn ready<T, F>(
        &mut self,
        condition: &str,
        mut ready: impl FnMut(String) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let condition = format!("{}: {condition}", self.name);
        let log = self.log.clone();
        let this = std::cell::RefCell::new(self);
        eventually(&condition, || {
            let ended = this.borrow_mut().poll();
            let printed = this.borrow().log();
            let name = this.borrow().name.clone();
            let ready = match ended {
                Ok(None) => Ok(ready(printed.clone())),
                Ok(Some(status)) => Err(Error::Process {
                    what: name,
                    reason: format!("ended with {status} before it was ready"),
                    log: tail(&printed),
                }),
                Err(error) => Err(error),
            };
            async move { ready?.await }
        })
        .await
        .map_err(|error| with_log(error, &log))
    }

    /// The exit status if the process has ended.
    pub(crate) fn poll(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self
                .child
                .try_wait()
                .map_err(Error::io("wait for", &self.name))?;
        }
        Ok(self.ended)
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|error| Error::io("signal", &self.name)(error.into()))
    }

    /// Waits for the end of the process.
    pub(crate) async fn exit(&mut self) -> Result<ExitStatus> {
        let log = self.log.clone();
        let condition = format!("the end of {}", self.name);
        let this = std::cell::RefCell::new(self);
        eventually(&condition, || {
            let polled = this.borrow_mut().poll();
            async move { polled }
        })
        .await
        .map_err(|error| with_log(error, &log))
    }

    /// Asks the process to end with SIGTERM and requires exit status 0.
    pub(crate) async fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        self.success("after SIGTERM").await
    }

    /// Waits until the process has ended, and requires exit status 0; `why` says in an error what made it end.
    pub(crate) async fn success(&mut self, why: &str) -> Result<()> {
        let status = self.exit().await?;
        if status.success() {
            return Ok(());
        }
        Err(self.failure(format!("ended with {status} {why}, not with 0")))
    }

    /// Ends the process with SIGKILL and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        if self.ended.is_none() {
            // Both fail only when the process is gone already, which is what is wanted.
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }

    pub(crate) fn failure(&self, reason: impl Into<String>) -> Error {
        Error::Process {
            what: self.name.clone(),
            reason: reason.into(),
            log: tail(&self.log()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of {} ---\n{}", self.name, tail(&self.log()));
        }
        self.kill();
    }
}

fn with_log(error: Error, log: &Path) -> Error {
    match error {
        Error::Deadline {
            condition, waited, ..
        } => {
            let printed = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
            Error::Deadline {
                condition,
                waited,
                detail: tail(&printed),
            }
        }
        other => other,
    }
}

/// The last part of a log.
pub(crate) fn tail(log: &str) -> String {
    let mut start = log.len().saturating_sub(LOG_SHOWN);
    while !log.is_char_boundary(start) {
        start += 1;
    }
    log[start..].to_owned()
}

/// Finds a program in the given folders, then on `PATH`.
pub(crate) fn find_program(name: &str, folders: &[&Path]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .iter()
        .map(|folder| folder.to_path_buf())
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// `program` run as the user `postgres` when the test runs as root: the database servers refuse root.
pub(crate) fn as_service_user(program: impl AsRef<OsStr>) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])
        .arg(program.as_ref());
    command
}

/// Runs a short-lived helper program of a service to its end; `Err` holds what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io("run", command.get_program()))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(Error::Command {
        command: describe(command),
        status: output.status.to_string(),
        stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The command line, for messages.
pub(crate) fn describe(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A folder that the database user may use: opened for reading, and owned by it when run as root.
pub(crate) fn give_to_service_user(folder: &Path) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        let id = |flag: &str| -> Result<u32> {
            run(Command::new("id").args([flag, "postgres"]))?
                .trim()
                .parse()
                .map_err(|_| Error::unexpected("`id` printed no number"))
        };
        std::os::unix::fs::chown(folder, Some(id("-u")?), Some(id("-g")?))
            .map_err(Error::io("chown", folder))?;
    }
    Ok(())
}
