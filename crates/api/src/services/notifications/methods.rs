//! How people can be told (api-v1.md §8.3): whether the settings of a method can be delivered to.

use pierhead_client::AddressGuard;
use pierhead_db::Conn;
use pierhead_db::queries::{notification_hooks, organizations, users};
use pierhead_jobs::json_template::JsonTemplate;
use serde_json::{Map, Value};

use super::Owner;
use crate::error::{Error, Result};
use crate::state::Api;

/// Refuses settings that could never be delivered to.
pub(super) async fn check(
    api: &Api,
    owner: &Owner,
    method: &str,
    config: &Map<String, Value>,
) -> Result<()> {
    match method {
        "quay_notification" => {
            let mut conn = api.db().read().await?;
            target(&mut conn, owner, config).await
        }
        "email" => email(api, owner, config).await,
        "webhook" => webhook(api, config).await,
        "slack" => needs(config, "url", "Missing Slack Callback URL"),
        "flowdock" => needs(config, "flow_api_token", "Missing Flowdock API Token"),
        "hipchat" => {
            let token = "Missing Hipchat Room Notification Token";
            needs(config, "notification_token", token)?;
            needs(config, "room_id", "Missing Hipchat Room ID")
        }
        other => Err(Error::invalid_request(format!(
            "Unable to find method: {other}"
        ))),
    }
}

fn text<'c>(config: &'c Map<String, Value>, key: &str) -> Option<&'c str> {
    config
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// A setting that must be there; numbers count, too.
fn needs(config: &Map<String, Value>, key: &str, missing: &str) -> Result<()> {
    let given = match config.get(key) {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        _ => false,
    };
    if given {
        Ok(())
    } else {
        Err(Error::invalid_request(missing))
    }
}

/// Somebody in the console: a person, the organization of the repository, or one of its teams.
async fn target(conn: &mut Conn, owner: &Owner, config: &Map<String, Value>) -> Result<()> {
    let refuse = |text: String| Err(Error::invalid_request(text));
    let target = config.get("target").and_then(Value::as_object);
    let field = |name| target.and_then(|target| text(target, name));
    let (Some(kind), Some(name)) = (field("kind"), field("name")) else {
        return refuse("Missing target".to_owned());
    };
    match kind {
        "user" => match users::find(conn, name).await? {
            Some(user) if !user.organization && !user.robot => Ok(()),
            _ => refuse(format!("Unknown user {name}")),
        },
        "org" => match users::find(conn, name).await? {
            Some(org) if org.organization && name == owner.namespace => Ok(()),
            Some(org) if org.organization => {
                refuse("Organization name must match repository namespace".to_owned())
            }
            _ => refuse(format!("Unknown organization {name}")),
        },
        "team" => match organizations::find_team(conn, owner.namespace_id, name).await? {
            Some(_) => Ok(()),
            None => refuse(format!("Unknown team {name}")),
        },
        other => refuse(format!("Unknown target kind {other}")),
    }
}

/// An address that has agreed to get mail of the repository. Hooks of namespaces go to whoever runs the namespace.
async fn email(api: &Api, owner: &Owner, config: &Map<String, Value>) -> Result<()> {
    let Some((repository, _)) = &owner.repository else {
        return Ok(());
    };
    let Some(email) = text(config, "email") else {
        return Err(Error::invalid_request("Missing e-mail address"));
    };
    let mut conn = api.db().read().await?;
    match notification_hooks::email_is_confirmed(&mut conn, *repository, email).await? {
        Some(true) => Ok(()),
        _ => Err(Error::invalid_request(
            "The specified e-mail address is not authorized to receive notifications for this repository",
        )),
    }
}

/// A server that may be called. A name that cannot be resolved now may be later.
async fn webhook(api: &Api, config: &Map<String, Value>) -> Result<()> {
    let Some(url) = text(config, "url") else {
        return Err(Error::invalid_request("Missing webhook URL"));
    };
    let invalid = |_| Error::invalid_request("Invalid webhook URL");
    let settings = api.config();
    let guard = AddressGuard::webhooks(
        &settings.mirroring.ssrf_allowed_hosts,
        &settings.mail.webhook_hostname_blacklist,
    );
    guard.check_url(url).map_err(invalid)?;
    if let Err(refused) = guard.resolve_url(url).await
        && refused.is_blocked()
    {
        return Err(invalid(refused));
    }
    match config.get("template") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(template)) if template.is_empty() => Ok(()),
        Some(Value::String(template)) => JsonTemplate::parse(template)
            .map(drop)
            .map_err(|error| Error::invalid_request(error.to_string())),
        Some(_) => Err(Error::invalid_request(
            "Could not parse template: it must be a string that holds JSON",
        )),
    }
}
