//! The two files of the signing key: the private key as PKCS#1 PEM, and its id.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A key file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the service key file {} cannot be {action}", .path.display())]
pub struct KeyFileError {
    /// The file.
    pub path: PathBuf,
    /// `read` or `written`.
    pub action: &'static str,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Id and private key; `None` if either file is missing.
pub(super) fn read(key: &Path, kid: &Path) -> Result<Option<(String, String)>, KeyFileError> {
    let (Some(pem), Some(kid)) = (read_one(key)?, read_one(kid)?) else {
        return Ok(None);
    };
    Ok(Some((kid.trim().to_owned(), pem)))
}

fn read_one(path: &Path) -> Result<Option<String>, KeyFileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyFileError {
            path: path.to_owned(),
            action: "read",
            source,
        }),
    }
}

/// Replaces both files, each at once, readable by their owner only.
pub(super) fn write(key: &Path, kid: &Path, id: &str, pem: &str) -> Result<(), KeyFileError> {
    write_one(key, pem)?;
    write_one(kid, id)
}

fn write_one(path: &Path, text: &str) -> Result<(), KeyFileError> {
    replace(path, text).map_err(|source| KeyFileError {
        path: path.to_owned(),
        action: "written",
        source,
    })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let beside = PathBuf::from(beside);
    // Left behind by a crash of a process with the same id.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
