//! Redis for tests: a `redis-server` that keeps nothing on disk.

use std::process::Command;

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::process::{Process, find_program};
use crate::{Error, Port, Result};

/// A Redis server, ended when this value is dropped.
#[derive(Debug)]
pub struct Redis {
    _process: Process,
    port: Port,
    _folder: TempDir,
}

impl Redis {
    /// Starts a server without a password.
    pub async fn start() -> Result<Self> {
        let program = find_program("redis-server", &[]).ok_or(Error::Missing {
            program: "redis-server".to_owned(),
            install: "run scripts/install-tools (Debian: apt-get install redis-server)",
        })?;
        let folder = tempfile::Builder::new()
            .prefix("pierhead-redis-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let port = Port::reserve()?;
        let number = port.number();
        let mut command = Command::new(program);
        command
            .current_dir(folder.path())
            .args(["--bind", "127.0.0.1", "--port", &number.to_string()])
            .args(["--save", "", "--appendonly", "no"]);
        let mut process = Process::spawn("redis-server", &mut command, &folder.path().join("log"))?;
        process
            .ready("accepting connections", |_| async move {
                Ok(TcpStream::connect(("127.0.0.1", number)).await.ok())
            })
            .await?;
        Ok(Self {
            _process: process,
            port,
            _folder: folder,
        })
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port.number()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn redis_answers_on_its_port() {
        let redis = Redis::start().await.unwrap();
        let mut connection = TcpStream::connect(("127.0.0.1", redis.port()))
            .await
            .unwrap();
        connection.write_all(b"PING\r\n").await.unwrap();
        let mut answer = [0; 7];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+PONG\r\n");
    }
}
