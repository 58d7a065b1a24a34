//! What has to hold after a crash.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pierhead_testkit::{Blob, Client, Error, Image, Pierhead, Result, digest_of, eventually};

use super::WORKERS;
use super::pushes::{Ledger, Moving, lock};

/// Everything the server said yes to is there, byte for byte.
pub(super) async fn verify_acknowledged(
    client: &Client,
    ledger: &Mutex<Ledger>,
    blobs: &[Arc<Blob>],
    manifests: &[(String, Arc<Image>)],
) -> Result<()> {
    let homes: HashMap<String, String> = lock(ledger)
        .blobs
        .keys()
        .filter_map(|key| key.split_once(' '))
        .map(|(repository, digest)| (digest.to_owned(), repository.to_owned()))
        .collect();
    for blob in blobs {
        let bytes = client.get_blob(&homes[&blob.digest], &blob.digest).await?;
        assert!(
            bytes == blob.bytes,
            "{} came back with {} other bytes",
            blob.digest,
            bytes.len()
        );
    }
    for (key, image) in manifests {
        let (repository, tag) = key.split_once(' ').unwrap();
        let served = client.get_manifest(repository, tag).await?;
        assert_eq!(served.bytes, image.manifest.bytes, "{key}");
        assert_eq!(served.digest, image.manifest.digest, "{key}");
    }
    Ok(())
}

/// What got no answer is there as a whole or not at all.
pub(super) async fn verify_unanswered(client: &Client, ledger: &Mutex<Ledger>) -> Result<()> {
    let (blobs, manifests, mut moving) = {
        let mut ledger = lock(ledger);
        let blobs = std::mem::take(&mut ledger.open_blobs);
        let manifests = std::mem::take(&mut ledger.open_manifests);
        (blobs, manifests, ledger.moving.clone())
    };
    for blob in blobs {
        for worker in 0..WORKERS {
            let path = format!("/v2/devel/crash-{worker}/blobs/{}", blob.digest);
            let answer = client.send("GET", &path).await?;
            match answer.status.as_u16() {
                200 => assert!(answer.body == blob.bytes, "{path} serves a part"),
                404 => {}
                other => panic!("{path}: {other} {}", answer.text()),
            }
        }
    }
    for (key, image) in manifests {
        let (repository, tag) = key.split_once(' ').unwrap();
        let answer = client.manifest("GET", repository, tag).await?;
        match answer.status.as_u16() {
            200 => {
                assert_eq!(answer.body, image.manifest.bytes, "{key}");
                for blob in image.blobs() {
                    assert!(client.get_blob(repository, &blob.digest).await? == blob.bytes);
                }
            }
            404 => {}
            other => panic!("{key}: {other} {}", answer.text()),
        }
    }
    for (key, tag) in &mut moving {
        let (repository, name) = key.split_once(' ').unwrap();
        let answer = client.manifest("GET", repository, name).await?;
        match answer.status.as_u16() {
            200 => {
                let mut possible = tag.acknowledged.iter().chain(&tag.asked);
                let named = possible.find(|image| image.manifest.bytes == answer.body);
                assert!(named.is_some(), "{key} names a third image");
                // From here on this is what the tag named before the next move.
                *tag = Moving {
                    acknowledged: named.cloned(),
                    asked: None,
                };
            }
            404 => {
                assert!(tag.acknowledged.is_none(), "{key} is gone");
                tag.asked = None;
            }
            other => panic!("{key}: {other} {}", answer.text()),
        }
    }
    lock(ledger).moving = moving;
    Ok(())
}

/// A file that is named by a digest holds the bytes of that digest.
pub(super) fn every_file_is_what_its_name_says(data: &Path) {
    let mut blobs = 0;
    for file in files_below(data) {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_blob = file.components().any(|part| part.as_os_str() == "sha256");
        if is_blob && name.len() == 64 {
            assert_eq!(
                digest_of(&fs::read(&file).unwrap()),
                format!("sha256:{name}")
            );
            blobs += 1;
        }
    }
    assert!(blobs > 0, "no blob below {}", data.display());
}

/// Three days later nothing of an unfinished upload is left.
pub(super) async fn leftovers_are_collected(server: &mut Pierhead) -> Result<()> {
    server.shift_clock("+3d")?;
    server.restart().await?;
    let data = server.data();
    let uploads = || -> Vec<PathBuf> {
        files_below(&data)
            .into_iter()
            .filter(|file| file.components().any(|part| part.as_os_str() == "uploads"))
            .collect()
    };
    let waited = eventually("the uploads that nobody finished to be gone", || async {
        Ok(uploads().is_empty().then_some(()))
    });
    waited
        .await
        .map_err(|error| Error::unexpected(format!("{error}\nleft: {:?}", uploads())))?;
    if let Some(database) = server.database() {
        eventually("the upload rows to be gone", || async {
            Ok((database.sql("select count(*) from blobupload")? == "0").then_some(()))
        })
        .await?;
    }
    server.stop().await
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    // A file may be gone between the listing and the look at it.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
