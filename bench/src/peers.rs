//! The registries that a run compares: how each is found, configured, started and logged in to.
//!
//! Every registry keeps its data in a folder of its own on the file system and listens on a free
//! loopback port. The peers run without authentication, Pierhead with tokens.

pub(crate) mod access;
mod distribution;
mod pierhead;
mod postgres;
mod zot;

use std::fmt::Debug;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

pub(crate) use self::access::Access;
pub(crate) use self::pierhead::database_of;
pub(crate) use self::postgres::Cluster;
use crate::arguments::Arguments;
use crate::error::{Doing as _, Error};
use crate::load::connection::Connection;
use crate::load::message::{Body, Request};
use crate::process::{Server, free_address};
use crate::report::FLOOR;

/// Name of Pierhead with its embedded default, the subject of the goals.
pub(crate) const PIERHEAD: &str = "pierhead";
/// Name of Pierhead on PostgreSQL.
pub(crate) const PIERHEAD_POSTGRES: &str = "pierhead-postgres";
/// Name of distribution v3.
pub(crate) const DISTRIBUTION: &str = "distribution";
/// Name of Debian's package of distribution v2.
pub(crate) const DOCKER_REGISTRY: &str = "docker-registry";
/// Name of zot.
pub(crate) const ZOT: &str = "zot";

/// A registry that can be started.
pub(crate) trait Product: Debug {
    /// Its name in tables.
    fn name(&self) -> &'static str;

    /// Writes what the server needs into `home` (which may hold an earlier life's data) and says
    /// how to start it there.
    fn command(&self, home: &Path, address: SocketAddr) -> Result<Command, Error>;

    /// Makes what clients need to log in to a server that runs with fresh data.
    fn access(&self, _home: &Path, _address: SocketAddr) -> Result<Access, Error> {
        Ok(Access::Open)
    }

    /// The database server that works for it.
    fn cluster(&self) -> Option<&Cluster> {
        None
    }

    /// Whether this is Pierhead.
    fn is_own(&self) -> bool {
        false
    }
}

/// Starts a registry in `home` and returns it with the time from exec to its first answer.
pub(crate) fn start(product: &dyn Product, home: &Path) -> Result<(Server, Duration), Error> {
    fs::create_dir_all(home).doing(|| format!("create the folder {}", home.display()))?;
    let address = free_address()?;
    let command = product.command(home, address)?;
    let mut server = Server::start(product.name(), command, address, home)?;
    let took = server.wait_until(answers)?;
    Ok((server, took))
}

/// Whether a registry answers `GET /v2/`, asking for a login or not.
fn answers(address: SocketAddr) -> bool {
    Connection::open(address)
        .and_then(|mut connection| connection.exchange(&Request::new("GET", "/v2/"), Body::Discard))
        .is_ok_and(|response| matches!(response.status, 200 | 401))
}

/// What a run found: the registries, and a line for each that is missing.
#[derive(Debug, Default)]
pub(crate) struct Field {
    /// Registries to run, Pierhead first.
    pub(crate) products: Vec<Rc<dyn Product>>,
    /// Why the others do not run.
    pub(crate) missing: Vec<String>,
}

/// Fails when the command line names a registry that nobody knows.
pub(crate) fn check_names(names: &[String]) -> Result<(), Error> {
    let known = [
        PIERHEAD,
        PIERHEAD_POSTGRES,
        DISTRIBUTION,
        DOCKER_REGISTRY,
        ZOT,
        FLOOR,
    ];
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Error::UnknownPeer {
            name: name.clone(),
            known: known.join(", "),
        }),
    }
}

/// Looks for every registry that the command line allows. PostgreSQL is started here when
/// Pierhead is to run on it; its data is in `dir`.
pub(crate) fn find(arguments: &Arguments, dir: &Path) -> Field {
    let mut field = Field::default();
    let wanted =
        |name: &str| arguments.peers.is_empty() || arguments.peers.iter().any(|peer| peer == name);
    let binary = arguments.pierhead.clone().unwrap_or_else(built_pierhead);
    if binary.is_file() {
        if wanted(PIERHEAD) {
            field
                .products
                .push(Rc::new(pierhead::Embedded::new(binary.clone())));
        }
        if wanted(PIERHEAD_POSTGRES) {
            match Cluster::start(&arguments.postgres, &dir.join("postgres")) {
                Ok(cluster) => field
                    .products
                    .push(Rc::new(pierhead::OnPostgres::new(binary, cluster))),
                Err(error) => field.missing.push(format!("{PIERHEAD_POSTGRES}: {error}")),
            }
        }
    } else if wanted(PIERHEAD) || wanted(PIERHEAD_POSTGRES) {
        field.missing.push(format!(
            "{PIERHEAD}: no binary at {} (run `make build`)",
            binary.display()
        ));
    }
    if wanted(DISTRIBUTION) {
        match tool("registry") {
            Some(binary) => field.products.push(Rc::new(distribution::Distribution::new(
                DISTRIBUTION,
                binary,
            ))),
            None => field.missing.push(format!(
                "{DISTRIBUTION}: no `registry` on the PATH or among the tools (go install \
                 github.com/distribution/distribution/v3/cmd/registry@v3.1.2)"
            )),
        }
    }
    if wanted(DOCKER_REGISTRY) {
        match tool("docker-registry") {
            Some(binary) => field.products.push(Rc::new(distribution::Distribution::new(
                DOCKER_REGISTRY,
                binary,
            ))),
            None => field.missing.push(format!(
                "{DOCKER_REGISTRY}: not installed (apt-get install docker-registry)"
            )),
        }
    }
    if wanted(ZOT) {
        match tool("zot") {
            Some(binary) => field.products.push(Rc::new(zot::Zot::new(binary))),
            None => field.missing.push(format!("{ZOT}: no `zot` on the PATH")),
        }
    }
    field
}

/// Where `make build` leaves Pierhead.
fn built_pierhead() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from("target"), PathBuf::from)
        .join("release/pierhead")
}

/// A program among the project's pinned tools or on the PATH.
fn tool(name: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("PIERHEAD_TOOLS")
        .map(PathBuf::from)
        .or_else(|| {
            std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/pierhead-tools"))
        })
        .map(|tools| tools.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    tools
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Writes a file of a server's configuration.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).doing(|| format!("write {}", path.display()))
}
