//! The Docker engine for tests: a daemon that keeps images in a folder of its own and never runs a container.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::process::{Process, find_program};
use crate::{Containerd, Error, Result, Sandbox, Tool};

/// A Docker daemon, ended when this value is dropped. It needs root.
#[derive(Debug)]
pub struct Docker {
    // Before containerd, which it needs until its end.
    _process: Process,
    _containerd: Containerd,
    socket: PathBuf,
    _folder: TempDir,
}

impl Docker {
    /// Starts a daemon without networks. What it mounts lives in a namespace of its own and ends with it.
    pub async fn start() -> Result<Self> {
        let program = find_program("dockerd", &[Path::new("/usr/sbin")]).ok_or(Error::Missing {
            program: "dockerd".to_owned(),
            install: "run scripts/install-tools (Debian: apt-get install docker.io)",
        })?;
        let containerd = Containerd::start().await?;
        let folder = tempfile::Builder::new()
            .prefix("pierhead-docker-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let path = |name: &str| folder.path().join(name);
        let socket = path("socket");
        let mut command = Command::new("unshare");
        command.arg("--mount").arg("--").arg(program);
        command
            .arg("--host")
            .arg(format!("unix://{}", socket.display()));
        command.arg("--containerd").arg(containerd.socket());
        command.arg("--data-root").arg(path("data"));
        command.arg("--exec-root").arg(path("exec"));
        command.arg("--pidfile").arg(path("pid"));
        command.args(["--storage-driver", "vfs", "--bridge", "none"]);
        command.args(["--iptables=false", "--ip6tables=false"]);
        let mut process = Process::spawn("dockerd", &mut command, &path("log"))?;
        process
            .ready("accepting connections", |_| async {
                Ok(UnixStream::connect(&socket).await.ok())
            })
            .await?;
        Ok(Self {
            _process: process,
            _containerd: containerd,
            socket,
            _folder: folder,
        })
    }

    /// `docker`, the command line client, talking to this daemon.
    pub fn client<'a>(&self, sandbox: &'a Sandbox) -> Result<Tool<'a>> {
        Ok(Tool::new("docker", sandbox)?
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display())))
    }
}
