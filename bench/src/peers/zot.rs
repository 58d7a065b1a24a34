//! zot, with local storage and everything else at its defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Product, ZOT, write};
use crate::error::Error;

/// A zot registry.
#[derive(Debug)]
pub(crate) struct Zot {
    binary: PathBuf,
}

impl Zot {
    /// The registry at this path.
    pub(crate) fn new(binary: PathBuf) -> Self {
        Self { binary }
    }
}

impl Product for Zot {
    fn name(&self) -> &'static str {
        ZOT
    }

    fn command(&self, home: &Path, address: SocketAddr) -> Result<Command, Error> {
        let config = home.join("config.json");
        let text = serde_json::json!({
            "distSpecVersion": "1.1.1",
            "storage": { "rootDirectory": home.join("data") },
            "http": { "address": address.ip().to_string(), "port": address.port().to_string() },
            "log": { "level": "error" },
        });
        write(&config, &text.to_string())?;
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg(config);
        Ok(command)
    }
}
