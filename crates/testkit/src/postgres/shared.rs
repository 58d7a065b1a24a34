//! One PostgreSQL server for all processes of a test run.
//!
//! The run is that of nextest (`NEXTEST_RUN_ID`, its process is every test's parent) or, under plain
//! `cargo test`, this process. A folder per run holds the server; whoever locks it first starts the
//! server together with a shell that outlives the test: it waits for the end of the run's process, then
//! stops the server and removes the folder. So an aborted run leaves nothing behind either.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

use super::{Durability, accepts, prepare, server};
use crate::process::tail;
use crate::{Error, Port, Result, eventually};

/// Arguments: the run's process id, the folder, then the server's command line.
const KEEPER: &str = r#"
run=$1 folder=$2; shift 2
"$@" >"$folder/log" 2>&1 &
server=$!
tail --pid="$run" -f /dev/null
kill -INT "$server"
wait "$server"
rm -rf "$folder"
"#;

/// The shared server's port and folder.
pub(super) async fn find_or_start() -> Result<(u16, PathBuf)> {
    let (run, owner) = match (std::env::var("NEXTEST_RUN_ID"), rustix::process::getppid()) {
        (Ok(id), Some(parent)) => (id, parent.as_raw_nonzero().get().cast_unsigned()),
        _ => (std::process::id().to_string(), std::process::id()),
    };
    let user = rustix::process::geteuid().as_raw();
    let folder = std::env::temp_dir().join(format!("pierhead-testkit-{user}-{run}"));
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    // The server's user has to reach the folders below.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))
        .map_err(Error::io("open", &folder))?;

    let port_file = folder.join("port");
    let _lock = lock(&folder.join("lock")).await?;
    if let Ok(text) = fs::read_to_string(&port_file) {
        let port = text.trim().parse().map_err(|_| {
            Error::unexpected(format!("{} holds no port: {text:?}", port_file.display()))
        })?;
        return Ok((port, folder));
    }
    let port = start(&folder, owner).await?;
    fs::write(&port_file, port.to_string()).map_err(Error::io("write", &port_file))?;
    Ok((port, folder))
}

async fn start(folder: &Path, owner: u32) -> Result<u16> {
    let home = folder.join("postgres");
    if home.exists() {
        return Err(Error::unexpected(format!(
            "an earlier test of this run could not start PostgreSQL; see {}",
            home.join("log").display()
        )));
    }
    fs::create_dir(&home).map_err(Error::io("create", &home))?;
    prepare(&home)?;
    let port = Port::reserve()?;
    let server = server(&home, port.number(), Durability::Off);
    Command::new("sh")
        .args(["-c", KEEPER, "postgres-of-the-test-run", &owner.to_string()])
        .arg(folder)
        .arg(server.get_program())
        .args(server.get_args())
        .current_dir("/")
        // A group of its own: the end of this test is not the end of the server.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::io("start", "sh"))?;
    let number = port.number();
    let log = folder.join("log");
    eventually(
        "PostgreSQL of the test run to accept connections",
        || async { Ok(accepts(number).then_some(())) },
    )
    .await
    .map_err(|error| match error {
        Error::Deadline {
            condition, waited, ..
        } => Error::Deadline {
            condition,
            waited,
            detail: tail(&fs::read_to_string(&log).unwrap_or_default()),
        },
        other => other,
    })?;
    Ok(number)
}

/// Waits for an exclusive lock on a file and holds it until the value is dropped.
pub(super) async fn lock(path: &Path) -> Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(Error::io("open", path))?;
    eventually(&format!("the lock {}", path.display()), || async {
        Ok(flock(&file, FlockOperation::NonBlockingLockExclusive)
            .is_ok()
            .then_some(()))
    })
    .await?;
    Ok(file)
}
