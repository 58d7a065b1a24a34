//! The registry that needs no configuration: its data directory, and the secrets that it makes once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use pierhead_config::{Embedded, Secret};
use pierhead_db::encoding::random;
use serde::{Deserialize, Serialize};

/// The file of the generated secrets, in the data directory.
const SECRETS: &str = "secrets.json";
/// Length of a generated secret, in letters and digits.
const SECRET_LENGTH: usize = 48;

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{action} {path}: {source}", path = .path.display())]
pub(crate) struct DataError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

#[derive(Serialize, Deserialize)]
struct Secrets {
    #[serde(rename = "SECRET_KEY")]
    secret_key: String,
    #[serde(rename = "DATABASE_SECRET_KEY")]
    database_secret_key: String,
}

/// Opens the data directory, making it and its secrets when it is new.
pub(crate) fn open(data: &Path, listen: SocketAddr) -> Result<Embedded, DataError> {
    let fail = |action, path: &Path| {
        let path = path.to_owned();
        move |source| DataError {
            action,
            path,
            source,
        }
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(fail("cannot make the data directory", data))?;
    let path = data.join(SECRETS);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write_once(data, &path).map_err(fail("cannot write", &path))?;
            fs::read_to_string(&path)
        }
        read => read,
    }
    .map_err(fail("cannot read", &path))?;
    let secrets: Secrets = serde_json::from_str(&text).map_err(|error| {
        fail("cannot use the secrets in", &path)(io::Error::other(error.to_string()))
    })?;
    Ok(Embedded {
        data_dir: data.to_owned(),
        listen,
        secret_key: Secret::new(secrets.secret_key),
        database_secret_key: Secret::new(secrets.database_secret_key),
    })
}

/// Writes new secrets, readable by this user alone, unless another process was faster: what encrypts a database must never
/// be written a second time.
fn write_once(data: &Path, path: &Path) -> io::Result<()> {
    let random =
        || random::token(SECRET_LENGTH).map_err(|error| io::Error::other(error.to_string()));
    let secrets = Secrets {
        secret_key: random()?,
        database_secret_key: random()?,
    };
    let text = serde_json::to_string_pretty(&secrets)?;
    let beside = data.join(format!("{SECRETS}.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(data)?.sync_all(),
    }
}

/// Keeps a second server from the same data directory. Released when the process ends, however it ends.
pub(crate) fn lock(data: &Path) -> Result<File, DataError> {
    let path = data.join("pierhead.lock");
    let lock = || {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok(file)
    };
    lock().map_err(|source: io::Error| DataError {
        action: if source.kind() == io::ErrorKind::WouldBlock {
            "another pierhead serves from this data directory and holds"
        } else {
            "cannot lock"
        },
        path: path.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn listen() -> SocketAddr {
        "127.0.0.1:8080".parse().unwrap()
    }

    #[test]
    fn secrets_are_made_once_and_for_this_user_alone() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let first = open(&data, listen()).unwrap();
        let second = open(&data, listen()).unwrap();
        assert_eq!(first.secret_key.expose(), second.secret_key.expose());
        assert_ne!(
            first.secret_key.expose(),
            first.database_secret_key.expose()
        );
        let mode = fs::metadata(data.join(SECRETS)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    }

    #[test]
    fn damaged_secrets_are_reported_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(SECRETS), "{}").unwrap();
        let error = open(directory.path(), listen()).unwrap_err();
        assert!(error.to_string().contains(SECRETS), "{error}");
        assert_eq!(
            fs::read_to_string(directory.path().join(SECRETS)).unwrap(),
            "{}"
        );
    }

    #[test]
    fn a_data_directory_serves_one_process() {
        let directory = tempfile::tempdir().unwrap();
        let held = lock(directory.path()).unwrap();
        let error = lock(directory.path()).unwrap_err();
        assert!(error.to_string().contains("another pierhead"), "{error}");
        drop(held);
        lock(directory.path()).unwrap();
    }
}
