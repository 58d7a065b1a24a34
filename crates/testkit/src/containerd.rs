//! containerd for tests: a daemon that keeps images in a folder of its own and never runs a container.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::process::{Process, find_program};
use crate::{Error, Result, Sandbox, Tool};

/// A containerd, ended when this value is dropped. It needs root.
#[derive(Debug)]
pub struct Containerd {
    _process: Process,
    socket: PathBuf,
    _folder: TempDir,
}

impl Containerd {
    /// Starts a daemon without the interface for Kubernetes.
    ///
    /// # Errors
    /// When it is not installed, does not start, or the test does not run as root.
    pub async fn start() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::unexpected(
                "containerd and dockerd need root: run the tests of docker and containerd as root",
            ));
        }
        let program = find_program("containerd", &[]).ok_or(Error::Missing {
            program: "containerd".to_owned(),
            install: "run scripts/install-tools (Debian: apt-get install containerd)",
        })?;
        let folder = tempfile::Builder::new()
            .prefix("pierhead-containerd-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let path = |name: &str| folder.path().join(name);
        let socket = path("socket");
        let settings = format!(
            "version = 2\n\
             root = \"{home}/root\"\n\
             state = \"{home}/state\"\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\n\
             address = \"{home}/socket\"\n",
            home = folder.path().display(),
        );
        let file = path("config.toml");
        fs::write(&file, settings).map_err(Error::io("write", &file))?;
        let mut command = Command::new(program);
        command.arg("--config").arg(&file);
        let mut process = Process::spawn("containerd", &mut command, &path("log"))?;
        process
            .ready("accepting connections", |_| async {
                Ok(UnixStream::connect(&socket).await.ok())
            })
            .await?;
        Ok(Self {
            _process: process,
            socket,
            _folder: folder,
        })
    }

    /// `ctr`, its command line client, talking to this daemon.
    pub fn ctr<'a>(&self, sandbox: &'a Sandbox) -> Result<Tool<'a>> {
        Ok(Tool::new("ctr", sandbox)?.env("CONTAINERD_ADDRESS", self.socket.display().to_string()))
    }

    pub(crate) fn socket(&self) -> &PathBuf {
        &self.socket
    }
}
