//! CNCF distribution: version 3, and version 2 as Debian's package `docker-registry`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Product, write};
use crate::error::Error;

/// A distribution registry with file system storage and its in-memory descriptor cache, which
/// Debian's configuration turns on too.
#[derive(Debug)]
pub(crate) struct Distribution {
    name: &'static str,
    binary: PathBuf,
}

impl Distribution {
    /// The registry at this path.
    pub(crate) fn new(name: &'static str, binary: PathBuf) -> Self {
        Self { name, binary }
    }
}

impl Product for Distribution {
    fn name(&self) -> &'static str {
        self.name
    }

    fn command(&self, home: &Path, address: SocketAddr) -> Result<Command, Error> {
        let config = home.join("config.yml");
        write(
            &config,
            &format!(
                "version: 0.1\n\
                 log:\n  level: error\n  accesslog:\n    disabled: true\n\
                 storage:\n  filesystem:\n    rootdirectory: {}\n  cache:\n    blobdescriptor: inmemory\n\
                 http:\n  addr: {address}\n",
                home.join("data").display(),
            ),
        )?;
        let mut command = Command::new(&self.binary);
        // Version 3 sends traces to a collector unless it is told not to.
        command
            .arg("serve")
            .arg(config)
            .env("OTEL_TRACES_EXPORTER", "none");
        Ok(command)
    }
}
