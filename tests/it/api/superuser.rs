//! What superusers do with the accounts of others, and with the installation (api-v1.md §2.5, §5.22). What was done is read from
//! the audit log, as superusers read it.

use pierhead_testkit::{ApiClient, Engine, Pierhead, Response, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};

mod installation;
mod organizations;
mod people;
mod roles;

const PASSWORD: &str = "correct-horse-battery-staple";

/// A server with the superuser `devel`, the global read-only superuser `auditor`, and `ann`, who is neither. All are signed in
/// by web sessions.
struct World {
    server: Pierhead,
    devel: ApiClient,
    auditor: ApiClient,
    ann: ApiClient,
}

impl World {
    async fn start(engine: Engine, settings: Value) -> Result<Self> {
        let server = Pierhead::builder()
            .engine(engine)
            .config(json!({
                "SUPER_USERS": ["devel"],
                "GLOBAL_READONLY_SUPER_USERS": ["auditor"],
                "FEATURE_SUPERUSERS_FULL_ACCESS": false,
            }))
            .config(settings)
            .start()
            .await?;
        server.initialize_with_token("devel", PASSWORD).await?;
        let devel = server.signed_in("devel", PASSWORD).await?;
        let sign_in = async |name: &str| {
            let made = server.create_user(name)?;
            server.signed_in(name, made.password()).await
        };
        let (auditor, ann) = (sign_in("auditor").await?, sign_in("ann").await?);
        Ok(Self {
            server,
            devel,
            auditor,
            ann,
        })
    }

    /// The newest row of that kind in the audit log.
    async fn audited(&self, kind: &str) -> Result<Value> {
        let log = json_of(self.devel.get("/api/v1/superuser/logs").await?, 200)?;
        let rows = log["logs"].as_array().unwrap();
        let row = rows.iter().find(|row| row["kind"] == kind).cloned();
        let row = row.unwrap_or_else(|| panic!("no row {kind} in {log:#}"));
        assert_eq!(row["performer"]["name"], "devel", "{row}");
        Ok(row)
    }

    /// Every page of a list, each of `limit` entries but the last.
    async fn pages(&self, path: &str, list: &str, limit: usize) -> Result<Vec<Vec<String>>> {
        let first = format!("{path}?limit={limit}");
        let (mut pages, mut next) = (Vec::new(), first.clone());
        loop {
            let page = json_of(self.devel.get(&next).await?, 200)?;
            pages.push(names(&page[list]));
            match page["next_page"].as_str() {
                Some(token) => next = format!("{first}&next_page={token}"),
                None => return Ok(pages),
            }
        }
    }

    /// Statements that a page costs once what it needs is remembered.
    async fn statements(&self, path: &str) -> Result<u64> {
        let page = async || json_of(self.devel.get(path).await?, 200);
        self.server.statements_when_warm(page).await
    }
}

/// The JSON of an answer that has to have this status; null for an empty body.
fn json_of(answer: Response, status: u16) -> Result<Value> {
    let answer = answer.expect(&[StatusCode::from_u16(status).unwrap()])?;
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    answer.json()
}

/// The text of a refusal in shape a.
fn refusal(answer: Response, status: u16, error_type: &str) -> Result<String> {
    let body = json_of(answer, status)?;
    assert_eq!(body["error_type"], error_type, "{body}");
    assert_eq!(body["status"], status, "{body}");
    Ok(body["detail"].as_str().unwrap_or_default().to_owned())
}

/// The text of a refusal in shape d.
fn message(answer: Response) -> Result<String> {
    let body = json_of(answer, 400)?;
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    Ok(body["message"].as_str().unwrap().to_owned())
}

/// The names in a list.
fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|entry| entry["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The avatar is told by the unit tests of the view.
fn without_avatar(mut value: Value) -> Value {
    let avatar = value.as_object_mut().unwrap().remove("avatar");
    assert!(avatar.is_some_and(|avatar| avatar["hash"].is_string()));
    value
}

use installation::superusers_see_and_end_the_installation;
use organizations::organizations_are_listed_renamed_taken_over_and_deleted;
use people::people_are_made_listed_changed_and_deleted;
use roles::{full_access_is_for_those_who_have_it, only_superusers_get_in};

on_engines! {
    people_are_made_listed_changed_and_deleted
    organizations_are_listed_renamed_taken_over_and_deleted
    superusers_see_and_end_the_installation
    only_superusers_get_in
    full_access_is_for_those_who_have_it
}
