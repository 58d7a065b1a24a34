//! Redis for tests: a `redis-server` that keeps nothing on disk.

use std::fs;
use std::process::Command;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::process::{Process, find_program};
use crate::{Error, Port, Result};

/// A Redis server, ended when this value is dropped.
#[derive(Debug)]
pub struct Redis {
    _process: Process,
    port: Port,
    password: Option<String>,
    _folder: TempDir,
}

/// What a server asks of its clients.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// A password.
    pub password: Option<String>,
    /// TLS, with this certificate and its key in PEM.
    pub tls: Option<(String, String)>,
}

impl Redis {
    /// Starts a server without a password.
    pub async fn start() -> Result<Self> {
        Self::start_with(RedisOptions::default()).await
    }

    /// Starts a server.
    pub async fn start_with(options: RedisOptions) -> Result<Self> {
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
            .args(["--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"]);
        if let Some((certificate, key)) = &options.tls {
            for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
                let path = folder.path().join(name);
                fs::write(&path, pem).map_err(Error::io("write", &path))?;
            }
            command
                .args(["--port", "0", "--tls-port", &number.to_string()])
                .args(["--tls-cert-file", "server.crt"])
                .args(["--tls-key-file", "server.key"])
                .args(["--tls-ca-cert-file", "server.crt"])
                .args(["--tls-auth-clients", "no"]);
        } else {
            command.args(["--port", &number.to_string()]);
        }
        if let Some(password) = &options.password {
            command.args(["--requirepass", password]);
        }
        let mut process = Process::spawn("redis-server", &mut command, &folder.path().join("log"))?;
        process
            .ready("accepting connections", |_| async move {
                Ok(TcpStream::connect(("127.0.0.1", number)).await.ok())
            })
            .await?;
        Ok(Self {
            _process: process,
            port,
            password: options.password,
            _folder: folder,
        })
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Sends a command as any other client would, and gives the first line of the answer. Not over TLS.
    pub async fn send(&self, command: &[&str]) -> Result<String> {
        let failed = Error::io("speak to", "redis-server");
        let exchange = async {
            let mut connection = TcpStream::connect(("127.0.0.1", self.port())).await?;
            let (reader, mut writer) = connection.split();
            let mut reader = BufReader::new(reader);
            let login = self.password.as_deref().map(|password| ["AUTH", password]);
            let commands = [login.as_ref().map(<[&str; 2]>::as_slice), Some(command)];
            let mut line = String::new();
            for command in commands.into_iter().flatten() {
                let parts = command
                    .iter()
                    .map(|part| format!("${}\r\n{part}\r\n", part.len()));
                let text = format!("*{}\r\n{}", command.len(), parts.collect::<String>());
                writer.write_all(text.as_bytes()).await?;
                line.clear();
                reader.read_line(&mut line).await?;
            }
            Ok(line.trim_end().to_owned())
        };
        exchange.await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[tokio::test]
    async fn redis_answers_on_its_port() {
        let redis = Redis::start().await.unwrap();
        assert_eq!(redis.send(&["PING"]).await.unwrap(), "+PONG");
    }

    #[tokio::test]
    async fn redis_wants_its_password() {
        let password = Some("secret words".to_owned());
        let options = RedisOptions {
            password,
            ..RedisOptions::default()
        };
        let mut redis = Redis::start_with(options).await.unwrap();
        assert_eq!(redis.send(&["PING"]).await.unwrap(), "+PONG");
        redis.password = None;
        let refused = redis.send(&["PING"]).await.unwrap();
        assert!(refused.starts_with("-NOAUTH"), "{refused}");
    }
}
