//! Looking at a trigger's settings before it is set up: is the Dockerfile there, and can the builder pull what it is built on?

use pierhead_auth::{Repository, TeamRole};
use pierhead_db::queries::{account_refs, repository_permissions};
use pierhead_oci::RepositoryName;
use serde_json::{Map, Value};

use super::dockerfile::base_image;
use super::sources::{Found, source};
use super::{Service, Trigger, host};
use crate::caller::Caller;
use crate::error::Result;
use crate::state::Api;

/// Most robots of one answer.
const MOST_ROBOTS: i64 = 1000;

/// A robot that could pull the base image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Puller {
    pub(crate) name: String,
    /// It may already.
    pub(crate) can_read: bool,
}

/// What is to be known of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// Where the base image is, if it is in this registry; the trigger's namespace if not.
    pub(crate) namespace: String,
    /// Its repository, if it is in this registry.
    pub(crate) name: Option<String>,
    pub(crate) robots: Vec<Puller>,
    /// `publicbase`, `requiresrobot`, `warning` or `error`.
    pub(crate) status: &'static str,
    pub(crate) message: Option<String>,
    /// The caller administers the trigger's namespace.
    pub(crate) is_admin: bool,
}

/// Looks at settings; `None` for servers that cannot be asked.
pub(crate) async fn analyze(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    trigger: &Trigger,
    config: &Map<String, Value>,
) -> Result<Option<Found<Analysis>>> {
    if trigger.service() == Service::CustomGit {
        return Ok(None);
    }
    let host = host(api, trigger).await?;
    let contents = match source(config) {
        Ok(source) => host.file(source, dockerfile_path(config), config).await,
        Err(error) => Err(error),
    };
    let contents = match Found::of(contents)? {
        Found::Found(contents) => contents.filter(|contents| !contents.is_empty()),
        Found::Problem(text) => {
            let text = format!("Could not analyze the repository: {text}");
            return Ok(Some(Found::Problem(text)));
        }
    };
    let verdict = verdict(api, caller, repository, config, contents.as_deref()).await?;
    let namespace = repository.name.namespace();
    let rights = api
        .auth()
        .namespace_rights(caller.credential(), namespace)
        .await?;
    let is_admin = rights.role >= Some(TeamRole::Admin) || caller.has_full_access();
    let (base_namespace, base) = match verdict.base {
        Some(base) => (base.name.namespace().to_owned(), Some(base)),
        None => (namespace.to_owned(), None),
    };
    let robots = if is_admin && base_namespace == namespace {
        pullers(api, namespace, base.as_deref()).await?
    } else {
        Vec::new()
    };
    Ok(Some(Found::Found(Analysis {
        namespace: base_namespace,
        name: base.map(|base| base.name.repository().to_owned()),
        robots,
        status: verdict.status,
        message: verdict.message,
        is_admin,
    })))
}

struct Verdict {
    status: &'static str,
    message: Option<String>,
    base: Option<std::sync::Arc<Repository>>,
}

impl Verdict {
    fn said(status: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            message: Some(message.into()),
            base: None,
        }
    }
}

async fn verdict(
    api: &Api,
    caller: &Caller,
    repository: &Repository,
    config: &Map<String, Value>,
    contents: Option<&[u8]>,
) -> Result<Verdict> {
    let Some(contents) = contents else {
        let text = "Specified Dockerfile path for the trigger was not found on the main branch. This trigger may fail.";
        return Ok(Verdict::said("warning", text));
    };
    let Ok(dockerfile) = std::str::from_utf8(contents) else {
        let text = "Could not parse the Dockerfile specified";
        return Ok(Verdict::said("error", text));
    };
    let setting = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let (context, path) = (setting("context"), setting("dockerfile_path"));
    if !context.is_empty() && !is_parent(context, path) {
        let text = format!("Dockerfile, {path}, is not a child of the context, {context}.");
        return Ok(Verdict::said("error", text));
    }
    let Some(image) = base_image(dockerfile) else {
        let text = "No FROM line found in the Dockerfile";
        return Ok(Verdict::said("warning", text));
    };
    let public = Verdict {
        status: "publicbase",
        message: None,
        base: None,
    };
    let prefix = format!("{}/", api.0.config.hostname);
    let Some(name) = image.strip_prefix(&prefix) else {
        return Ok(public);
    };
    let parts: Vec<&str> = name.split('/').collect();
    let [namespace, name] = parts[..] else {
        let text = format!(r#""{image}" is not a valid Quay repository path"#);
        return Ok(Verdict::said("warning", text));
    };
    let base = match RepositoryName::new(namespace, name) {
        Ok(name) => {
            let who = caller.credential();
            api.auth().repository_rights(who, &name).await?.repository
        }
        Err(_) => None,
    };
    // A private repository of others is as good as none.
    let own = namespace == repository.name.namespace();
    let Some(base) = base.filter(|base| base.public || own) else {
        let text = format!(r#"Repository "{image}" referenced by the Dockerfile was not found"#);
        return Ok(Verdict::said("error", text));
    };
    Ok(Verdict {
        status: if base.public {
            "publicbase"
        } else {
            "requiresrobot"
        },
        message: None,
        base: Some(base),
    })
}

/// The robots of a namespace, and whether each may pull from the repository.
async fn pullers(api: &Api, namespace: &str, base: Option<&Repository>) -> Result<Vec<Puller>> {
    let mut conn = api.db().read().await?;
    let readers = match base {
        Some(base) => repository_permissions::robots(&mut conn, base.id).await?,
        None => Vec::new(),
    };
    let prefix = format!("{namespace}+");
    let robots = account_refs::robots_matching(&mut conn, &prefix, None, MOST_ROBOTS).await?;
    Ok(robots
        .into_iter()
        .map(|found| Puller {
            can_read: readers.contains(&found.account.username),
            name: found.account.username,
        })
        .collect())
}

/// The Dockerfile that settings name, from the repository's root.
fn dockerfile_path(config: &Map<String, Value>) -> &str {
    let path = config.get("dockerfile_path").and_then(Value::as_str);
    let path = path.filter(|path| !path.is_empty()).unwrap_or("Dockerfile");
    path.strip_prefix('/').unwrap_or(path)
}

/// Whether a folder is one above a file.
fn is_parent(context: &str, file: &str) -> bool {
    if file.is_empty() {
        return false;
    }
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    match (normal(context), normal(folder)) {
        (Some(context), Some(folder)) => folder.starts_with(&context),
        _ => false,
    }
}

/// The names of a path from the root; `None` if it leaves it.
fn normal(path: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_a_folder_above_its_dockerfile() {
        for (context, file) in [
            ("/", "/Dockerfile"),
            ("/", "Dockerfile"),
            ("a", "/a/b/Dockerfile"),
            ("/a/", "/a/Dockerfile"),
            ("/a/../a", "/a/Dockerfile"),
        ] {
            assert!(is_parent(context, file), "{context} {file}");
        }
        for (context, file) in [
            ("/a", "/ab/Dockerfile"),
            ("/a/b", "/a/Dockerfile"),
            ("/", ""),
            ("../a", "/a/Dockerfile"),
        ] {
            assert!(!is_parent(context, file), "{context} {file}");
        }
    }
}
