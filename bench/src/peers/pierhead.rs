//! Pierhead: the embedded default, and a Quay configuration on PostgreSQL.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::access::{ApiAccess, Basic, TokenAccess, challenged_service};
use super::{Access, Cluster, PIERHEAD, PIERHEAD_POSTGRES, Product, write};
use crate::error::Error;
use crate::load::connection::Connection;
use crate::load::message::{Body, Request};
use crate::process;

const USER: &str = "bench";
const PASSWORD: &str = "benchmark-pass";
const ROBOT: &str = "bench+ci";

/// Pierhead as `pierhead serve` starts it: SQLite, local disk, token authentication.
#[derive(Debug)]
pub(crate) struct Embedded {
    binary: PathBuf,
}

impl Embedded {
    /// The binary at this path.
    pub(crate) fn new(binary: PathBuf) -> Self {
        Self { binary }
    }

    fn subcommand(&self, words: &[&str], home: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(words).arg("--data").arg(home.join("data"));
        command
    }
}

impl Product for Embedded {
    fn name(&self) -> &'static str {
        PIERHEAD
    }

    fn command(&self, home: &Path, address: SocketAddr) -> Result<Command, Error> {
        let mut command = self.subcommand(&["serve"], home);
        command.arg("--listen").arg(address.to_string());
        Ok(command)
    }

    fn access(&self, home: &Path, address: SocketAddr) -> Result<Access, Error> {
        log_in(address, self.subcommand(&ROBOT_CREATE, home))
    }

    fn is_own(&self) -> bool {
        true
    }
}

/// Pierhead with a Quay `config.yaml` that names PostgreSQL.
#[derive(Debug)]
pub(crate) struct OnPostgres {
    binary: PathBuf,
    cluster: Cluster,
}

impl OnPostgres {
    /// The binary at this path and the cluster that holds its databases.
    pub(crate) fn new(binary: PathBuf, cluster: Cluster) -> Self {
        Self { binary, cluster }
    }

    /// `--config` names the folder that holds `config.yaml`, as `/conf/stack` does in a container.
    fn subcommand(&self, words: &[&str], home: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(words).arg("--config").arg(home);
        command
    }
}

impl Product for OnPostgres {
    fn name(&self) -> &'static str {
        PIERHEAD_POSTGRES
    }

    fn command(&self, home: &Path, address: SocketAddr) -> Result<Command, Error> {
        let database = database_of(home);
        self.cluster.ensure_database(&database)?;
        let config = serde_json::json!({
            "SERVER_HOSTNAME": address.to_string(),
            "PREFERRED_URL_SCHEME": "http",
            "SETUP_COMPLETE": true,
            "SECRET_KEY": "7f1c9a52-9a0e-4a6b-8f0e-5d2d2f6f0b11",
            "DATABASE_SECRET_KEY": "0b4f3a7e-62a4-4f0c-9a53-2f4d9ed1c6a8",
            "AUTHENTICATION_TYPE": "Database",
            "DB_URI": self.cluster.uri(&database),
            "DISTRIBUTED_STORAGE_CONFIG": {
                "default": ["LocalStorage", { "storage_path": home.join("data") }],
            },
            "DISTRIBUTED_STORAGE_PREFERENCE": ["default"],
            "DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS": ["default"],
            "FEATURE_USER_INITIALIZE": true,
        });
        // JSON is YAML.
        write(&home.join("config.yaml"), &format!("{config:#}\n"))?;
        let mut command = self.subcommand(&["serve"], home);
        command.arg("--listen").arg(address.to_string());
        Ok(command)
    }

    fn access(&self, home: &Path, address: SocketAddr) -> Result<Access, Error> {
        log_in(address, self.subcommand(&ROBOT_CREATE, home))
    }

    fn cluster(&self) -> Option<&Cluster> {
        Some(&self.cluster)
    }

    fn is_own(&self) -> bool {
        true
    }
}

const ROBOT_CREATE: [&str; 5] = ["robot", "create", ROBOT, "--output", "json"];

/// The database of the server whose folder this is: every folder has its own.
pub(crate) fn database_of(home: &Path) -> String {
    home.file_name()
        .map(|name| {
            name.to_string_lossy()
                .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
        })
        .unwrap_or_default()
}

/// Makes the first user and a robot.
fn log_in(address: SocketAddr, robot: Command) -> Result<Access, Error> {
    let body = serde_json::json!({
        "username": USER,
        "password": PASSWORD,
        "email": "bench@example.com",
        "access_token": true,
    })
    .to_string();
    let target = "/api/v1/user/initialize";
    let request = Request {
        content_type: Some("application/json"),
        body: &[body.as_bytes()],
        ..Request::new("POST", target)
    };
    let response = Connection::open(address)?.exchange(&request, Body::Keep)?;
    if response.status != 200 {
        return Err(Error::Answer {
            target: format!("POST {target}"),
            expected: "status 200".to_owned(),
            got: format!(
                "status {} {}",
                response.status,
                String::from_utf8_lossy(&response.body)
            ),
        });
    }
    let made: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let api = made["access_token"].as_str().map(|token| ApiAccess {
        token: token.to_owned(),
        sign_in: serde_json::json!({ "username": USER, "password": PASSWORD }).to_string(),
    });
    Ok(Access::Token(TokenAccess {
        service: challenged_service(address)?,
        user: Basic::new(USER, PASSWORD),
        robot: create_robot(robot),
        api,
    }))
}

fn create_robot(command: Command) -> Result<Basic, String> {
    let output = process::run(command, "").map_err(|error| error.to_string())?;
    let robot: serde_json::Value =
        serde_json::from_str(&output).map_err(|error| format!("`robot create`: {error}"))?;
    match (robot["name"].as_str(), robot["token"].as_str()) {
        (Some(name), Some(token)) => Ok(Basic::new(name, token)),
        _ => Err("`robot create` printed no name and token".to_owned()),
    }
}
