//! What an operator may put in the place of ours: `favicon.ico` and `robots.txt` beside `config.yaml`, which Quay copies to its
//! static files and templates when it starts.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use bytes::Bytes;

/// The largest file in bytes that is taken. Icons have some kilobytes.
const LARGEST: u64 = 1 << 20;

/// The files of a site.
#[derive(Clone, Debug)]
pub struct SiteFiles {
    /// `/favicon.ico`.
    pub icon: Bytes,
    /// `/robots.txt`.
    pub robots: Bytes,
}

impl Default for SiteFiles {
    fn default() -> Self {
        Self {
            // A pier with a container on it, 32 × 32: our own drawing, under the licence of the code.
            icon: Bytes::from_static(include_bytes!("landing/favicon.ico")),
            // Nothing here is for crawlers.
            robots: Bytes::from_static(b"User-agent: *\nDisallow: /"),
        }
    }
}

impl SiteFiles {
    /// Those of a configuration directory; ours for those that it does not hold. One that cannot be read is logged and not
    /// used: a registry does not fail for its icon.
    pub fn read(directory: &Path) -> Self {
        let ours = Self::default();
        let given = |name: &str| match read(&directory.join(name)) {
            Ok(content) => content.map(Bytes::from),
            Err(error) => {
                tracing::warn!(%error, file = %directory.join(name).display(), "not used: cannot be read");
                None
            }
        };
        Self {
            icon: given("favicon.ico").unwrap_or(ours.icon),
            robots: given("robots.txt").unwrap_or(ours.robots),
        }
    }
}

fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match std::fs::metadata(path) {
        // Opening a pipe would wait for who writes to it.
        Ok(found) if !found.is_file() => return Err(ErrorKind::Unsupported.into()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let file = File::open(path)?;
    let mut content = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        let text = format!("it is longer than {LARGEST} bytes");
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, text));
    }
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_lies_beside_the_configuration_goes_before_ours() {
        let directory = tempfile::tempdir().unwrap();
        let ours = SiteFiles::default();
        assert_eq!(SiteFiles::read(directory.path()).icon, ours.icon);
        std::fs::write(directory.path().join("favicon.ico"), b"icon").unwrap();
        let files = SiteFiles::read(directory.path());
        assert_eq!(&files.icon[..], b"icon");
        assert_eq!(files.robots, ours.robots);
    }

    #[test]
    fn a_file_that_is_too_large_or_none_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let large = vec![0; (LARGEST + 1) as usize];
        std::fs::write(directory.path().join("favicon.ico"), large).unwrap();
        std::fs::create_dir(directory.path().join("robots.txt")).unwrap();
        let (files, ours) = (SiteFiles::read(directory.path()), SiteFiles::default());
        assert_eq!((files.icon, files.robots), (ours.icon, ours.robots));
    }
}
