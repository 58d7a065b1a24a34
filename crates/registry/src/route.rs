//! The routes below `/v2/`, and who may call each: the guard is part of the route's definition.
//!
//! Repository names may contain slashes, so a path is read from its end: `…/manifests/<reference>`, `…/blobs/<digest>`,
//! `…/blobs/uploads/[<uuid>]`, `…/tags/list`, `…/referrers/<digest>`.

use axum::http::Method;

/// What a route needs of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The `pull` grant, or a public repository.
    Pull,
    /// The `push` grant. The challenge names `pull,push`.
    Push,
}

impl Guard {
    /// The actions that a challenge names.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// An operation on a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `GET`, `HEAD` of a manifest.
    PullManifest,
    /// `PUT` of a manifest.
    PushManifest,
    /// `DELETE` of a manifest or tag.
    DeleteManifest,
    /// `GET`, `HEAD` of a blob.
    PullBlob,
    /// `DELETE` of a blob.
    DeleteBlob,
    /// `POST` to begin an upload, to mount, or to push at once.
    StartUpload,
    /// `GET` of an upload.
    UploadStatus,
    /// `PATCH` of an upload.
    AppendUpload,
    /// `PUT` of an upload.
    FinishUpload,
    /// `DELETE` of an upload.
    CancelUpload,
    /// `GET` of the tags.
    ListTags,
    /// `GET` of the referrers of a digest.
    ListReferrers,
}

/// Every operation with its method, its path and its guard.
pub const OPERATIONS: &[(Operation, &str, &str, Guard)] = &[
    (
        Operation::PullManifest,
        "GET, HEAD",
        "manifests/{reference}",
        Guard::Pull,
    ),
    (
        Operation::PushManifest,
        "PUT",
        "manifests/{reference}",
        Guard::Push,
    ),
    (
        Operation::DeleteManifest,
        "DELETE",
        "manifests/{reference}",
        Guard::Push,
    ),
    (
        Operation::PullBlob,
        "GET, HEAD",
        "blobs/{digest}",
        Guard::Pull,
    ),
    (
        Operation::DeleteBlob,
        "DELETE",
        "blobs/{digest}",
        Guard::Push,
    ),
    (
        Operation::StartUpload,
        "POST",
        "blobs/uploads/",
        Guard::Push,
    ),
    (
        Operation::UploadStatus,
        "GET",
        "blobs/uploads/{uuid}",
        Guard::Push,
    ),
    (
        Operation::AppendUpload,
        "PATCH",
        "blobs/uploads/{uuid}",
        Guard::Push,
    ),
    (
        Operation::FinishUpload,
        "PUT",
        "blobs/uploads/{uuid}",
        Guard::Push,
    ),
    (
        Operation::CancelUpload,
        "DELETE",
        "blobs/uploads/{uuid}",
        Guard::Push,
    ),
    (Operation::ListTags, "GET", "tags/list", Guard::Pull),
    (
        Operation::ListReferrers,
        "GET",
        "referrers/{digest}",
        Guard::Pull,
    ),
];

impl Operation {
    /// Who may call it.
    pub fn guard(self) -> Guard {
        match self {
            Self::PullManifest | Self::PullBlob | Self::ListTags | Self::ListReferrers => {
                Guard::Pull
            }
            Self::PushManifest
            | Self::DeleteManifest
            | Self::DeleteBlob
            | Self::StartUpload
            | Self::UploadStatus
            | Self::AppendUpload
            | Self::FinishUpload
            | Self::CancelUpload => Guard::Push,
        }
    }

    /// Whether it changes anything, so that a read-only registry refuses it.
    pub fn writes(self) -> bool {
        !matches!(
            self,
            Self::PullManifest
                | Self::PullBlob
                | Self::ListTags
                | Self::ListReferrers
                | Self::UploadStatus
        )
    }

    /// The name of Quay's endpoint, for the `route` label of `quay_request_duration_seconds`.
    pub fn endpoint(self, by_digest: bool) -> &'static str {
        match (self, by_digest) {
            (Self::PullManifest, false) => "v2.fetch_manifest_by_tagname",
            (Self::PullManifest, true) => "v2.fetch_manifest_by_digest",
            (Self::PushManifest, false) => "v2.write_manifest_by_tagname",
            (Self::PushManifest, true) => "v2.write_manifest_by_digest",
            (Self::DeleteManifest, false) => "v2.delete_manifest_by_tag",
            (Self::DeleteManifest, true) => "v2.delete_manifest_by_digest",
            (Self::PullBlob, _) => "v2.download_blob",
            (Self::DeleteBlob, _) => "v2.delete_digest",
            (Self::StartUpload, _) => "v2.start_blob_upload",
            (Self::UploadStatus, _) => "v2.fetch_existing_upload",
            (Self::AppendUpload, _) => "v2.upload_chunk",
            (Self::FinishUpload, _) => "v2.monolithic_upload_or_last_chunk",
            (Self::CancelUpload, _) => "v2.cancel_upload",
            (Self::ListTags, _) => "v2.list_all_tags",
            (Self::ListReferrers, _) => "v2.list_manifest_referrers",
        }
    }
}

/// A path below `/v2/`, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route<'p> {
    /// What is asked for.
    pub operation: Operation,
    /// The repository name as it stands in the path.
    pub name: &'p str,
    /// Reference, digest or upload id; empty where the path has none.
    pub target: &'p str,
}

/// What a path and method come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match<'p> {
    /// A route.
    Route(Route<'p>),
    /// A known path with a method that it does not have.
    MethodNotAllowed,
    /// No path of this registry.
    NotFound,
}

/// Takes a path (without `/v2/`) and a method apart.
pub(crate) fn parse<'p>(method: &Method, path: &'p str) -> Match<'p> {
    let Some((name, kind, target)) = split(path) else {
        return Match::NotFound;
    };
    let operation = match (kind, method.as_str()) {
        (Kind::Manifest, "GET" | "HEAD") => Operation::PullManifest,
        (Kind::Manifest, "PUT") => Operation::PushManifest,
        (Kind::Manifest, "DELETE") => Operation::DeleteManifest,
        (Kind::Blob, "GET" | "HEAD") => Operation::PullBlob,
        (Kind::Blob, "DELETE") => Operation::DeleteBlob,
        (Kind::Uploads, "POST") => Operation::StartUpload,
        (Kind::Upload, "GET" | "HEAD") => Operation::UploadStatus,
        (Kind::Upload, "PATCH") => Operation::AppendUpload,
        (Kind::Upload, "PUT") => Operation::FinishUpload,
        (Kind::Upload, "DELETE") => Operation::CancelUpload,
        (Kind::Tags, "GET" | "HEAD") => Operation::ListTags,
        (Kind::Referrers, "GET" | "HEAD") => Operation::ListReferrers,
        _ => return Match::MethodNotAllowed,
    };
    Match::Route(Route {
        operation,
        name,
        target,
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Manifest,
    Blob,
    Uploads,
    Upload,
    Tags,
    Referrers,
}

fn split(path: &str) -> Option<(&str, Kind, &str)> {
    if let Some(name) = path
        .strip_suffix("/blobs/uploads/")
        .or_else(|| path.strip_suffix("/blobs/uploads"))
    {
        return Some((name, Kind::Uploads, ""));
    }
    if let Some(name) = path.strip_suffix("/tags/list") {
        return Some((name, Kind::Tags, ""));
    }
    let (rest, target) = path.rsplit_once('/')?;
    if let Some(name) = rest.strip_suffix("/blobs/uploads") {
        return Some((name, Kind::Upload, target));
    }
    if let Some(name) = rest.strip_suffix("/manifests") {
        return Some((name, Kind::Manifest, target));
    }
    if let Some(name) = rest.strip_suffix("/blobs") {
        return Some((name, Kind::Blob, target));
    }
    let name = rest.strip_suffix("/referrers")?;
    Some((name, Kind::Referrers, target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(
        method: &Method,
        path: &'static str,
    ) -> Option<(Operation, &'static str, &'static str)> {
        match parse(method, path) {
            Match::Route(route) => Some((route.operation, route.name, route.target)),
            _ => None,
        }
    }

    #[test]
    fn names_may_contain_what_looks_like_a_route() {
        assert_eq!(
            route(&Method::GET, "org/a/manifests/b/manifests/latest"),
            Some((Operation::PullManifest, "org/a/manifests/b", "latest"))
        );
        assert_eq!(
            route(&Method::POST, "org/blobs/uploads/x/blobs/uploads/"),
            Some((Operation::StartUpload, "org/blobs/uploads/x", ""))
        );
        assert_eq!(
            route(&Method::GET, "org/tags/list/tags/list"),
            Some((Operation::ListTags, "org/tags/list", ""))
        );
    }

    #[test]
    fn a_known_path_with_another_method_is_told_apart_from_no_path() {
        assert_eq!(
            parse(&Method::POST, "a/b/manifests/c"),
            Match::MethodNotAllowed
        );
        assert_eq!(parse(&Method::GET, "a/b/c/d"), Match::NotFound);
        assert_eq!(parse(&Method::GET, ""), Match::NotFound);
    }

    #[test]
    fn the_table_of_operations_says_what_the_router_does() {
        for (operation, methods, path, guard) in OPERATIONS {
            let path = format!("ns/repo/{}", path.replace(['{', '}'], ""));
            for method in methods.split(", ") {
                let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
                match parse(&method, &path) {
                    Match::Route(route) => assert_eq!(route.operation, *operation),
                    other => assert!(false_with(&other), "{method} {path}: {other:?}"),
                }
            }
            assert_eq!(operation.guard(), *guard, "{operation:?}");
            assert_eq!(
                operation.writes(),
                *guard == Guard::Push && *operation != Operation::UploadStatus
            );
        }
    }

    fn false_with(_: &Match<'_>) -> bool {
        false
    }
}
