//! The disk and the page cache between rows: no row pays for what another one left behind.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use crate::error::{Doing as _, Error};

const CHUNK: usize = 256 * 1024;
/// More memory than this is not prepared.
const MOST: u64 = 2 * 1024 * 1024 * 1024;

/// Gets the file system of `folder` ready for a row that will write about `bytes`.
///
/// First everything that earlier rows wrote goes to the disk. Then as much page cache as the row
/// will need is used once and given back: in a virtual machine, memory that the guest has not used
/// for some time belongs to the host, and the first write to it costs ten times as much CPU as the
/// next one. The scratch file is removed before it reaches the disk.
pub(crate) fn prepare(folder: &Path, bytes: u64) -> Result<(), Error> {
    let doing = || format!("prepare the disk of {}", folder.display());
    let opened = File::open(folder).doing(doing)?;
    rustix::fs::syncfs(&opened).doing(doing)?;
    if bytes == 0 {
        return Ok(());
    }
    let path = folder.join("scratch");
    let chunk = vec![1; CHUNK];
    let mut file = File::create(&path).doing(doing)?;
    for _ in 0..bytes.min(MOST).div_ceil(CHUNK as u64) {
        file.write_all(&chunk).doing(doing)?;
    }
    fs::remove_file(&path).doing(doing)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn preparing_leaves_nothing_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path(), 3 * CHUNK as u64 + 1).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
