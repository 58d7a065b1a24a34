//! Files that are no blobs: exported logs, build contexts, archived logs of builds (api-v1.md §6.5). Each lies in its folder of a
//! storage location under a name that came from here.

use std::io::Read as _;
use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use pierhead_http::FileSlice;
use pierhead_oci::digest::Algorithm;
use pierhead_oci::hasher::Hasher;
use pierhead_storage::{Content, ContentPath};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::state::Api;

/// Largest build context in bytes.
pub(crate) const LARGEST_CONTEXT: u64 = 1024 * 1024 * 1024;
/// Largest archived log in bytes, unpacked.
const LARGEST_LOG: u64 = 64 * 1024 * 1024;
/// Bytes read at once.
const READ_BUFFER: usize = 256 * 1024;

/// Which folder of which location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Folder {
    /// `EXPORT_ACTION_LOGS_STORAGE_PATH`, where blobs are written.
    ExportedLogs,
    /// `USERFILES_PATH` in `USERFILES_LOCATION`.
    BuildContexts,
    /// `LOG_ARCHIVE_PATH` in `LOG_ARCHIVE_LOCATION`.
    BuildLogs,
}

impl Folder {
    fn path(self, api: &Api, name: &str) -> Option<ContentPath> {
        let config = api.config();
        let folder = match self {
            Self::ExportedLogs => &config.logs.export_action_logs_storage_path,
            Self::BuildContexts => &config.storage.userfiles_path,
            Self::BuildLogs => &config.storage.log_archive_path,
        };
        ContentPath::in_folder(folder, name)
    }

    /// The location. Quay's default, `local_us`, names none in most installations: then it is the one that takes blobs.
    fn location(self, api: &Api) -> String {
        let config = api.config();
        let wanted = match self {
            Self::ExportedLogs => None,
            Self::BuildContexts => Some(config.storage.userfiles_location.as_str()),
            Self::BuildLogs => Some(config.storage.log_archive_location.as_str()),
        };
        wanted
            .filter(|wanted| api.storage().location_ids().any(|id| id == *wanted))
            .unwrap_or_else(|| api.storage().write_location())
            .to_owned()
    }

    /// `None` when there is no such file.
    async fn open(self, api: &Api, name: &str) -> Result<Option<Content>> {
        let Some(path) = self.path(api, name) else {
            return Ok(None);
        };
        let placements = [self.location(api)];
        match api.storage().open(&placements, &path).await {
            Ok(content) => Ok(Some(content)),
            Err(pierhead_storage::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn failed(error: &pierhead_storage::Error) -> Error {
    Error::Internal(error.to_string())
}

fn slice(content: Content) -> FileSlice {
    let Content::File { file, size } = content;
    FileSlice::new(file, 0, size)
}

/// An exported log; 404 when there is none of that name, or when files are fetched from the object store itself.
pub(crate) async fn exported_log(api: &Api, name: &str) -> Result<FileSlice> {
    let content = Folder::ExportedLogs.open(api, name).await?;
    Ok(slice(content.ok_or_else(Error::no_such_page)?))
}

/// A build context; 404 when there is none of that id.
pub(crate) async fn build_context(api: &Api, file_id: &str) -> Result<FileSlice> {
    let content = Folder::BuildContexts.open(api, file_id).await?;
    Ok(slice(content.ok_or_else(Error::no_such_page)?))
}

/// What allows an upload of a build context.
#[derive(Debug, Deserialize, Serialize)]
struct Permit {
    file_id: String,
}

/// A new id for a build context, and what allows to upload it for the next two days.
pub(crate) fn prepare_upload(api: &Api) -> Result<(String, String)> {
    let file_id = Uuid::new_v4().to_string();
    let permit = Permit {
        file_id: file_id.clone(),
    };
    let permit = api.page_tokens().seal(&permit, api.clock().now().into())?;
    Ok((file_id, permit))
}

/// Stores a build context that somebody was allowed to upload.
pub(crate) async fn store_context<S, E>(
    api: &Api,
    file_id: &str,
    permit: &str,
    bytes: S,
) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
{
    let now = api.clock().now().into();
    let allowed = api
        .page_tokens()
        .open::<Permit>(permit, now)
        .is_some_and(|permit| permit.file_id == file_id);
    let path = Folder::BuildContexts.path(api, file_id);
    let Some(path) = path.filter(|_| allowed) else {
        let text = "This upload was not prepared here: ask POST /api/v1/filedrop/ for a URL.";
        return Err(Error::web(StatusCode::FORBIDDEN, text));
    };
    let location = Folder::BuildContexts.location(api);
    let mut file = api
        .storage()
        .write_file(&location)
        .await
        .map_err(|error| failed(&error))?;
    let mut bytes = std::pin::pin!(bytes);
    loop {
        let refusal = match bytes.try_next().await {
            Ok(Some(piece)) if file.received() + piece.len() as u64 <= LARGEST_CONTEXT => {
                match file.push(piece).await {
                    Ok(()) => continue,
                    Err(error) => failed(&error),
                }
            }
            Ok(Some(_)) => Error::web(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("A build context has at most {LARGEST_CONTEXT} bytes."),
            ),
            Ok(None) => break,
            Err(_) => Error::web(StatusCode::BAD_REQUEST, "The upload was cut off."),
        };
        if let Err(error) = file.abandon().await {
            tracing::warn!(%error, "a refused build context could not be removed; the clean-up of uploads will");
        }
        return Err(refusal);
    }
    file.finish(&path).await.map_err(|error| failed(&error))?;
    Ok(())
}

/// Seven hexadecimal digits of the hash of a build context; `None` when there is none of that id.
pub(crate) async fn checksum(api: &Api, file_id: &str) -> Result<Option<String>> {
    let Some(Content::File { file, size }) = Folder::BuildContexts.open(api, file_id).await? else {
        return Ok(None);
    };
    let hash = tokio::task::spawn_blocking(move || hash(&file, size))
        .await
        .map_err(|_| Error::Internal("hashing a build context was stopped".to_owned()))?
        .map_err(|error| Error::Internal(format!("a build context could not be read: {error}")))?;
    Ok(Some(hash))
}

fn hash(file: &Arc<std::fs::File>, size: u64) -> std::io::Result<String> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut reader = (&**file).take(size);
    let mut buffer = vec![0; READ_BUFFER];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finish().hex().chars().take(7).collect()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// The archived log of a build, unpacked; `None` when there is none.
pub(crate) async fn build_log(api: &Api, uuid: &str) -> Result<Option<Vec<u8>>> {
    let Some(Content::File { file, .. }) = Folder::BuildLogs.open(api, uuid).await? else {
        return Ok(None);
    };
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        let unpacker = flate2::read::MultiGzDecoder::new(&*file);
        let read = unpacker.take(LARGEST_LOG + 1).read_to_end(&mut text)?;
        if read as u64 > LARGEST_LOG {
            return Err(std::io::Error::other(format!(
                "it has more than {LARGEST_LOG} bytes"
            )));
        }
        Ok(text)
    })
    .await
    .map_err(|_| Error::Internal("unpacking a log was stopped".to_owned()))?;
    let unpacked = unpacked.map_err(|error| {
        Error::Internal(format!(
            "the archived log of build {uuid} cannot be read: {error}"
        ))
    })?;
    Ok(Some(unpacked))
}
