//! The PostgreSQL server that Pierhead runs on in one of the rows.
//!
//! PostgreSQL refuses to run as root, so a benchmark that root runs starts it as the user
//! `postgres`. It keeps `fsync` and `synchronous_commit` on: its durability is compared too.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Doing as _, Error};
use crate::process::{Server, free_address, run, usage};

const SUPERUSER: &str = "bench";
const SYSTEM_USER: &str = "postgres";

/// A running PostgreSQL cluster. Everybody on this machine may log in, for the length of the run.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    server: Server,
}

impl Cluster {
    /// Makes a cluster in `data` and starts it with the programs in this folder.
    pub(crate) fn start(programs: &Path, data: &Path) -> Result<Self, Error> {
        let identity = Identity::find()?;
        fs::create_dir_all(data).doing(|| format!("create the folder {}", data.display()))?;
        if let Some(identity) = &identity {
            chown(data, Some(identity.user), Some(identity.group))
                .doing(|| format!("give {} to {SYSTEM_USER}", data.display()))?;
        }
        let cluster = data.join("cluster");
        let mut initdb = identity.command(&programs.join("initdb"));
        initdb
            .current_dir(data)
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "-U",
                SUPERUSER,
                "-D",
            ])
            .arg(&cluster);
        run(initdb, "")?;

        let address = free_address()?;
        let mut postgres = identity.command(&programs.join("postgres"));
        postgres
            .current_dir(data)
            .arg("-D")
            .arg(&cluster)
            .arg("-p")
            .arg(address.port().to_string())
            .arg("-h")
            .arg(address.ip().to_string())
            .args(["-k", ""])
            .args(["-c", "max_connections=100", "-c", "shared_buffers=256MB"]);
        let mut server = Server::start("postgres", postgres, address, data)?;
        let programs = programs.to_owned();
        server.wait_until(|address| {
            psql(
                &programs,
                address,
                "postgres",
                "SELECT 1",
                Duration::from_secs(1),
            )
            .is_ok()
        })?;
        Ok(Self { programs, server })
    }

    /// Runs SQL in a database and returns what it printed.
    pub(crate) fn sql(&self, database: &str, text: &str) -> Result<String, Error> {
        psql(
            &self.programs,
            self.server.address(),
            database,
            text,
            Duration::from_mins(10),
        )
    }

    /// Makes an empty database unless there is one.
    pub(crate) fn ensure_database(&self, name: &str) -> Result<(), Error> {
        let found = self.sql(
            "postgres",
            &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"),
        )?;
        if found.trim().is_empty() {
            self.sql("postgres", &format!("CREATE DATABASE \"{name}\""))?;
        }
        Ok(())
    }

    /// The database's address for clients, as Quay's `DB_URI` writes it.
    pub(crate) fn uri(&self, database: &str) -> String {
        format!(
            "postgresql://{SUPERUSER}@{}/{database}",
            self.server.address()
        )
    }

    /// CPU time of the whole cluster.
    pub(crate) fn cpu(&self) -> Result<Duration, Error> {
        usage::cpu_with_children(self.server.pid())
    }
}

fn psql(
    programs: &Path,
    address: SocketAddr,
    database: &str,
    text: &str,
    limit: Duration,
) -> Result<String, Error> {
    let mut command = Command::new(programs.join("psql"));
    command
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
        .args(["-U", SUPERUSER, "-h", &address.ip().to_string()])
        .args(["-p", &address.port().to_string(), "-d", database])
        .env(
            "PGOPTIONS",
            format!("-c statement_timeout={}", limit.as_millis()),
        );
    run(command, text)
}

/// The system user that PostgreSQL runs as.
#[derive(Debug)]
struct Identity {
    user: u32,
    group: u32,
}

impl Identity {
    /// `None` when the benchmark itself does not run as root.
    fn find() -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").doing(|| "read /etc/passwd".to_owned())?;
        let found = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(SYSTEM_USER)).then_some(())?;
            Some(Self {
                user: fields.nth(1)?.parse().ok()?,
                group: fields.next()?.parse().ok()?,
            })
        });
        found.map(Some).ok_or_else(|| Error::Proc {
            path: "/etc/passwd".to_owned(),
            field: "the user postgres, which PostgreSQL is to run as",
        })
    }
}

/// Commands that run as somebody else when that is needed.
trait RunAs {
    fn command(&self, program: &Path) -> Command;
}

impl RunAs for Option<Identity> {
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(identity) = self {
            command.uid(identity.user).gid(identity.group);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_work_of_its_backends_is_charged_to_the_cluster() {
        let dir = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let programs = Path::new("/usr/lib/postgresql/15/bin");
        let cluster = Cluster::start(programs, &dir.path().join("postgres"))
            .expect("PostgreSQL 15 starts (apt-get install postgresql-15)");
        cluster.ensure_database("one").unwrap();
        cluster.ensure_database("one").unwrap();
        let before = cluster.cpu().unwrap();
        let answer = cluster
            .sql(
                "one",
                "SELECT sum(sqrt(n)) > 0 FROM generate_series(1, 5000000) AS n",
            )
            .unwrap();
        assert_eq!(answer.trim(), "t");
        // Once the postmaster has taken in the backend that ended.
        let enough = Duration::from_millis(100);
        let deadline = Instant::now() + Duration::from_mins(2);
        let mut used = Duration::ZERO;
        while used < enough && Instant::now() < deadline {
            used = cluster.cpu().unwrap().saturating_sub(before);
        }
        assert!(used >= enough, "{used:?}");
        let failed = cluster.sql("one", "SELECT 1/0");
        assert!(matches!(failed, Err(Error::Command { stderr, .. }) if stderr.contains("zero")));
    }
}
