//! pgBouncer in transaction mode: a server connection belongs to a client only for one transaction.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::process::{Process, as_service_user, find_program, give_to_service_user};
use crate::{Error, Port, Postgres, Result};

/// A pooler in front of a [`Postgres`] server, ended when this value is dropped.
#[derive(Debug)]
pub struct PgBouncer {
    _process: Process,
    port: Port,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts a pooler with at most `pool_size` server connections per database. `ignored` names startup parameters that
    /// it drops; it refuses others that it does not know.
    pub async fn start(postgres: &Postgres, pool_size: u16, ignored: &[&str]) -> Result<Self> {
        let program =
            find_program("pgbouncer", &[Path::new("/usr/sbin")]).ok_or(Error::Missing {
                program: "pgbouncer".to_owned(),
                install: "run scripts/install-tools (Debian: apt-get install pgbouncer)",
            })?;
        let folder = tempfile::Builder::new()
            .prefix("pierhead-pgbouncer-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let port = Port::reserve()?;
        let number = port.number();
        // `auth_type = any` takes the user from the `[databases]` line.
        let settings = format!(
            "[databases]\n\
             * = host=127.0.0.1 port={server} user=quay\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {number}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = {pool_size}\n\
             max_client_conn = 500\n\
             ignore_startup_parameters = {ignored}\n",
            server = postgres.port(),
            ignored = [&["extra_float_digits"], ignored].concat().join(","),
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).map_err(Error::io("write", &file))?;
        give_to_service_user(folder.path())?;
        let mut command = as_service_user(program);
        command.current_dir(folder.path()).arg(&file);
        let mut process = Process::spawn("pgbouncer", &mut command, &folder.path().join("log"))?;
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

    use super::*;

    #[tokio::test]
    async fn a_pooler_leads_to_the_database_behind_it() {
        let postgres = Postgres::shared().await.unwrap();
        let database = postgres.empty_database().unwrap();
        database
            .sql("create table t (id int); insert into t values (7)")
            .unwrap();
        let pooler = PgBouncer::start(&postgres, 2, &[]).await.unwrap();
        assert_eq!(
            database
                .through(pooler.port())
                .sql("select id from t")
                .unwrap(),
            "7"
        );
    }
}
