//! The file with the token: `{"access_token": "…"}`, mode 0600, replaced as a whole.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use pierhead_config::Secret;
use serde_json::json;

/// Writes the file through a temporary one beside it, and its folder if that is missing (mode 0700).
pub(super) fn write(path: &Path, token: &Secret) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", uuid::Uuid::new_v4()));
    let temporary = Path::new(&temporary);
    let written = fill(temporary, token).and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        // What matters is why it could not be written.
        let _ = fs::remove_file(temporary);
    }
    written?;
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn fill(path: &Path, token: &Secret) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let content = json!({ "access_token": token.expose() }).to_string();
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// Removes the file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
