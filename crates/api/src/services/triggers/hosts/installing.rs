//! What a trigger leaves at its service, and how it is taken back: a webhook or a key that nobody knows of must not stay, so
//! what may have been added is looked for when an installation fails, with time of its own.

use pierhead_config::Secret;
use serde_json::{Map, Value};

use super::{GitHost, HostError, Result};
use crate::services::hosted::connection::path;

/// One of the two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::triggers) enum Part {
    /// The builder's key.
    Key,
    /// Where pushes are reported to.
    Webhook,
}

/// What is left there.
#[derive(Clone, Debug)]
pub(in crate::services::triggers) struct Installation<'a> {
    /// The builder's key, `ssh-rsa …`.
    pub(in crate::services::triggers) public_key: &'a str,
    /// The address for pushes, with a token in it.
    pub(in crate::services::triggers) webhook: &'a Secret,
    /// `REGISTRY_TITLE`.
    pub(in crate::services::triggers) title: &'a str,
    /// `REGISTRY_TITLE_SHORT`.
    pub(in crate::services::triggers) short_title: &'a str,
}

impl Installation<'_> {
    /// Whether a key or an address that a service lists is the one of this installation.
    pub(super) fn has(&self, part: Part, listed: Option<&str>) -> bool {
        // Services leave out the comment of a key.
        let words = |key: &str| -> Vec<String> {
            let words = key.split_whitespace().take(2);
            words.map(str::to_owned).collect()
        };
        listed.is_some_and(|listed| match part {
            Part::Key => words(listed) == words(self.public_key),
            Part::Webhook => listed == self.webhook.expose(),
        })
    }
}

/// Where a service keeps the parts of one kind.
#[derive(Clone, Debug)]
pub(in crate::services::triggers) struct Shelf {
    /// The path of the list.
    pub(super) path: String,
    /// What a part in the list has its key or address under.
    pub(super) content: &'static str,
    /// And its id.
    pub(super) id: &'static str,
}

impl Shelf {
    /// The path of the part with this id.
    pub(super) fn place(&self, id: &Value) -> Result<String> {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let segment = path(&[&id]).ok_or_else(|| {
            HostError::Failed(format!("{id:?} is no id of something at a git service"))
        })?;
        Ok(format!("{}{segment}", self.path))
    }
}

/// Adds the builder's key and the webhook; gives what the settings must keep of them. If it fails, what was added is removed.
pub(in crate::services::triggers) async fn install(
    host: &dyn GitHost,
    source: &str,
    installation: &Installation<'_>,
) -> Result<Map<String, Value>> {
    let mut config = host.before_installation(source).await?;
    for part in [Part::Key, Part::Webhook] {
        match host.add(source, part, installation).await {
            Ok(id) => config.insert(host.setting(part).to_owned(), id),
            Err(error) => {
                let host = host.renewed();
                let mut problems = Vec::new();
                if error.is_failure() {
                    problems = search(&*host, source, part, installation).await;
                }
                problems.extend(uninstall(&*host, source, &config).await);
                for problem in problems {
                    let error = &problem as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        source,
                        "something of no use may stay at a git service"
                    );
                }
                return Err(host.not_added(source, part, error));
            }
        };
    }
    Ok(config)
}

/// Removes a part that the service may have added although it did not say so.
async fn search(
    host: &dyn GitHost,
    source: &str,
    part: Part,
    installation: &Installation<'_>,
) -> Vec<HostError> {
    let found = match host.added(source, part, installation).await {
        Ok(found) => found,
        Err(error) => return vec![error],
    };
    let mut problems = Vec::new();
    for id in found {
        problems.extend(host.remove(source, part, &id).await.err());
    }
    problems
}

/// Removes what the settings say was added. What cannot be removed does not keep the rest from it.
pub(in crate::services::triggers) async fn uninstall(
    host: &dyn GitHost,
    source: &str,
    config: &Map<String, Value>,
) -> Vec<HostError> {
    let mut problems = Vec::new();
    for part in [Part::Webhook, Part::Key] {
        let id = config.get(host.setting(part));
        if let Some(id) = id.filter(|id| id.is_number() || id.is_string()) {
            problems.extend(host.remove(source, part, id).await.err());
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_a_place_below_its_list() {
        let shelf = Shelf {
            path: "/hooks".to_owned(),
            content: "url",
            id: "id",
        };
        let place = |id: Value| shelf.place(&id).ok();
        assert_eq!(place(7.into()).as_deref(), Some("/hooks/7"));
        assert_eq!(place("{1-2}".into()).as_deref(), Some("/hooks/%7B1-2%7D"));
        assert_eq!(place("..".into()), None);
    }

    #[test]
    fn a_key_is_known_without_its_comment_and_an_address_as_a_whole() {
        let webhook = Secret::new("https://$token:a@registry/webhooks/push/trigger/1");
        let installation = Installation {
            public_key: "ssh-rsa AAAA comment",
            webhook: &webhook,
            title: "",
            short_title: "",
        };
        let has = |part, listed| installation.has(part, Some(listed));
        assert!(has(Part::Key, "ssh-rsa AAAA"));
        assert!(!has(Part::Key, "ssh-rsa AAAB comment"));
        assert!(has(Part::Webhook, webhook.expose()));
        assert!(!has(
            Part::Webhook,
            "https://registry/webhooks/push/trigger/1"
        ));
        assert!(!installation.has(Part::Key, None));
    }
}
