//! The servers of a run: started on a free loopback port, ended by their own process id.
//!
//! Each server runs in its own process group, so that Ctrl-C reaches only the benchmark, which
//! then ends the servers in order. What a server prints goes to a file in its folder.

pub(crate) mod usage;

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Doing as _, Error};

/// How long a server may take to start, and to end after SIGTERM.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(1);

/// A running server. It is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    name: String,
    child: Child,
    address: SocketAddr,
    started: Instant,
    log: PathBuf,
}

impl Server {
    /// Starts `command` as the server that will listen on `address`, logging into `home`.
    pub(crate) fn start(
        name: &str,
        mut command: Command,
        address: SocketAddr,
        home: &Path,
    ) -> Result<Self, Error> {
        let log = home.join("server.log");
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .doing(|| format!("open {}", log.display()))?;
        let errors = output
            .try_clone()
            .doing(|| format!("open {}", log.display()))?;
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn {
                program: command.get_program().into(),
                source,
            })?;
        Ok(Self {
            name: name.to_owned(),
            child,
            address,
            started,
            log,
        })
    }

    /// Waits until `ready` says yes and returns the time since the start.
    pub(crate) fn wait_until(
        &mut self,
        mut ready: impl FnMut(SocketAddr) -> bool,
    ) -> Result<Duration, Error> {
        loop {
            if ready(self.address) {
                return Ok(self.started.elapsed());
            }
            let ended = self
                .child
                .try_wait()
                .doing(|| format!("look after {}", self.name))?
                .is_some();
            if ended || self.started.elapsed() > PATIENCE {
                return Err(Error::NotReady {
                    name: self.name.clone(),
                    waited: self.started.elapsed(),
                    log: tail(&self.log),
                });
            }
            thread::sleep(POLL);
        }
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server: SIGTERM, then SIGKILL when that does not help.
    fn end(&mut self) {
        let terminated = Pid::from_raw(self.child.id() as i32)
            .is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let asked = Instant::now();
        while terminated && asked.elapsed() < PATIENCE / 4 {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(POLL * 5),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        // The process may have ended in between; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A loopback address whose port was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .doing(|| "find a free port on 127.0.0.1".to_owned())
}

/// Runs a program to its end, with `input` on its standard input, and returns what it printed.
pub(crate) fn run(mut command: Command, input: &str) -> Result<String, Error> {
    let spawn_error = |command: &Command, source| Error::Spawn {
        program: command.get_program().into(),
        source,
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| spawn_error(&command, source))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that fails early closes its input; its status and message tell why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|source| spawn_error(&command, source))?;
    if !output.status.success() {
        return Err(Error::Command {
            command: format!("{command:?}"),
            status: output.status.to_string(),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
