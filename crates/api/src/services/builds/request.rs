//! What somebody asks to be built, checked and made ready.

use pierhead_auth::{Role, TeamRole};
use pierhead_db::queries::builds::{self, PullRobot};
use pierhead_oci::RepositoryName;
use serde_json::Map;
use sha2::{Digest as _, Sha224};
use url::Url;

use super::Prepared;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::services::stored_files;
use crate::state::Api;

/// Longest text of a request in bytes.
const LONGEST: usize = 4096;
/// Most tags of a build.
const MOST_TAGS: usize = 100;

/// A build as it is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct BuildRequest {
    /// The id of an uploaded build context.
    pub(crate) file_id: Option<String>,
    /// Where the build context is fetched from.
    pub(crate) archive_url: Option<String>,
    pub(crate) subdirectory: Option<String>,
    pub(crate) dockerfile_path: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) pull_robot: Option<String>,
    pub(crate) docker_tags: Option<Vec<String>>,
}

/// A build that can be queued, and the robot that pulls its base images.
pub(crate) async fn prepare(
    api: &Api,
    caller: &Caller,
    request: BuildRequest,
) -> Result<(Prepared, Option<PullRobot>)> {
    check_lengths(&request)?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (file_id, archive_url) = (given(&request.file_id), given(&request.archive_url));
    if file_id.is_none() && archive_url.is_none() {
        return Err(Error::invalid_request("file_id or archive_url required"));
    }
    if let Some(url) = &archive_url {
        let url = Url::parse(url)
            .map_err(|_| Error::invalid_request("Invalid Archive URL: Must be a valid URI"))?;
        if !matches!(url.scheme(), "http" | "https") {
            let text = "Invalid Archive URL: Must be http or https";
            return Err(Error::invalid_request(text));
        }
    }
    let (context, subdirectory) = dockerfile(&request);
    let tags = request
        .docker_tags
        .unwrap_or_else(|| vec!["latest".to_owned()]);
    let robot = match request.pull_robot.filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(pull_robot(api, caller, &name).await?),
    };
    let name = match (&file_id, &archive_url) {
        (Some(file), _) => {
            check_owner(api, caller, file).await?;
            stored_files::checksum(api, file).await?.ok_or_else(|| {
                Error::invalid_request(format!("File {file} could not be found or is invalid"))
            })?
        }
        (None, url) => short_hash(url.as_deref().unwrap_or_default()),
    };
    let prepared = Prepared {
        name,
        dockerfile_id: file_id,
        archive_url,
        tags,
        subdirectory,
        context,
        is_manual: true,
        metadata: Map::new(),
        trigger: None,
    };
    Ok((prepared, robot))
}

fn check_lengths(request: &BuildRequest) -> Result<()> {
    let texts = [
        &request.file_id,
        &request.archive_url,
        &request.subdirectory,
        &request.dockerfile_path,
        &request.context,
        &request.pull_robot,
    ];
    let tags = request.docker_tags.as_deref().unwrap_or_default();
    let mut lengths = texts.into_iter().flatten().chain(tags).map(String::len);
    if lengths.any(|length| length > LONGEST) {
        let text = format!("A text of a build request has at most {LONGEST} bytes");
        return Err(Error::invalid_request(text));
    }
    if request.docker_tags.is_some() {
        let unique: std::collections::HashSet<&String> = tags.iter().collect();
        if tags.is_empty() || unique.len() != tags.len() || tags.len() > MOST_TAGS {
            let text = format!("docker_tags must name 1 to {MOST_TAGS} different tags");
            return Err(Error::invalid_request(text));
        }
    }
    Ok(())
}

/// Where the context and the Dockerfile lie inside the archive.
fn dockerfile(request: &BuildRequest) -> (String, String) {
    let context = request.context.clone();
    if let Some(path) = &request.dockerfile_path {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = match folder.trim_end_matches('/') {
            "" if path.starts_with('/') => "/",
            folder => folder,
        };
        return (context.unwrap_or_else(|| folder.to_owned()), path.clone());
    }
    let folder = match &request.subdirectory {
        Some(folder) => folder.clone(),
        None => context.unwrap_or_else(|| "/".to_owned()),
    };
    let slash = if folder.ends_with('/') { "" } else { "/" };
    let path = format!("{folder}{slash}Dockerfile");
    (folder, path)
}

/// A robot of a namespace that the caller administers.
async fn pull_robot(api: &Api, caller: &Caller, name: &str) -> Result<PullRobot> {
    let Some((namespace, _)) = name.split_once('+') else {
        return Err(Error::unauthorized(caller));
    };
    let robot = robot_of_namespace(api, name).await?;
    let rights = api
        .auth()
        .namespace_rights(caller.credential(), namespace)
        .await?;
    if rights.role < Some(TeamRole::Admin) && !caller.has_full_access() {
        return Err(Error::unauthorized(caller));
    }
    Ok(robot)
}

/// The robot of that name; 404 when there is none.
pub(crate) async fn robot_of_namespace(api: &Api, name: &str) -> Result<PullRobot> {
    let mut conn = api.db().read().await?;
    builds::pull_robot(&mut conn, name)
        .await?
        .ok_or_else(Error::not_found)
}

/// A build context that was used before may be used again by those who may push to where it was used.
async fn check_owner(api: &Api, caller: &Caller, file_id: &str) -> Result<()> {
    let owner = {
        let mut conn = api.db().read().await?;
        builds::repository_of_resource(&mut conn, file_id).await?
    };
    let Some((namespace, name)) = owner else {
        return Ok(());
    };
    let role = match RepositoryName::new(&namespace, &name) {
        Ok(name) => {
            let who = caller.credential();
            api.auth().repository_rights(who, &name).await?.role
        }
        Err(_) => None,
    };
    if role >= Some(Role::Write) || caller.has_full_access() {
        Ok(())
    } else {
        Err(Error::unauthorized(caller))
    }
}

/// Seven hexadecimal digits of the hash of a URL.
fn short_hash(url: &str) -> String {
    let digest = Sha224::digest(url);
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .take(7)
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(
        dockerfile_path: Option<&str>,
        subdirectory: Option<&str>,
        context: Option<&str>,
    ) -> (String, String) {
        dockerfile(&BuildRequest {
            dockerfile_path: dockerfile_path.map(str::to_owned),
            subdirectory: subdirectory.map(str::to_owned),
            context: context.map(str::to_owned),
            ..BuildRequest::default()
        })
    }

    #[test]
    fn the_context_is_the_folder_of_the_dockerfile_unless_it_is_given() {
        let pair = |context: &str, path: &str| (context.to_owned(), path.to_owned());
        assert_eq!(places(None, None, None), pair("/", "/Dockerfile"));
        assert_eq!(
            places(Some("/a/b.Dockerfile"), None, None),
            pair("/a", "/a/b.Dockerfile")
        );
        assert_eq!(
            places(Some("/Dockerfile"), None, None),
            pair("/", "/Dockerfile")
        );
        assert_eq!(
            places(Some("Dockerfile"), None, None),
            pair("", "Dockerfile")
        );
        assert_eq!(places(Some("/a/D"), None, Some("/c")), pair("/c", "/a/D"));
        assert_eq!(places(None, Some("a"), None), pair("a", "a/Dockerfile"));
        assert_eq!(
            places(None, Some("a/"), Some("/c")),
            pair("a/", "a/Dockerfile")
        );
        assert_eq!(places(None, None, Some("/c")), pair("/c", "/c/Dockerfile"));
    }

    #[test]
    fn a_build_is_named_by_the_hash_of_its_archive() {
        assert_eq!(
            short_hash("https://src.tide.example/ledger.tar.gz"),
            "4b108cb"
        );
    }
}
