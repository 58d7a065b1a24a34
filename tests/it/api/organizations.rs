//! Organizations, their people, teams, default permissions, robots, and names to complete (api-v1.md §5.3–§5.6, §5.20).
//! Requirements Q1 (namespaces become organizations), Q2 (a robot for each purpose), Q7 (an organization of its own) and Q22
//! (a deleted project's organization goes), as far as the API has to carry them.

use pierhead_testkit::{ApiClient, Engine, Pierhead, Response, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};

mod accounts;
mod prototypes;
mod robots;
mod teams;

const PASSWORD: &str = "correct-horse-battery-staple";

/// A server with the superuser `devel` and three people who are signed in; `ann` owns the organization `acme`.
struct World {
    server: Pierhead,
    devel: ApiClient,
    ann: ApiClient,
    bob: ApiClient,
    eve: ApiClient,
}

impl World {
    async fn start(engine: Engine, settings: Value) -> Result<Self> {
        let server = Pierhead::builder()
            .engine(engine)
            .config(settings)
            .start()
            .await?;
        let devel = server.initialize_with_token("devel", PASSWORD).await?;
        let sign_in = async |name: &str| {
            let made = server.create_user(name)?;
            server.signed_in(name, made.password()).await
        };
        let (ann, bob, eve) = (
            sign_in("ann").await?,
            sign_in("bob").await?,
            sign_in("eve").await?,
        );
        ann.post(
            "/api/v1/organization/",
            json!({ "name": "acme", "email": "team@acme.example" }),
        )
        .await?
        .expect(&[StatusCode::CREATED])?;
        Ok(Self {
            server,
            devel,
            ann,
            bob,
            eve,
        })
    }
}

/// The JSON of an answer that has to have this status.
fn json_of(answer: Response, status: u16) -> Result<Value> {
    answer
        .expect(&[StatusCode::from_u16(status).unwrap()])?
        .json()
}

/// Shape a of an answer: status and `error_type`.
fn refusal(answer: Response, status: u16, error_type: &str) -> Result<Value> {
    let body = json_of(answer, status)?;
    assert_eq!(body["error_type"], error_type, "{body}");
    assert_eq!(body["status"], status, "{body}");
    Ok(body)
}

/// The values of a field of a list's entries.
fn names(list: &Value, field: &str) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|entry| entry[field].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The avatar is told by the unit tests of the view; here only its kind.
fn without_avatar(mut value: Value) -> Value {
    let avatar = value
        .as_object_mut()
        .and_then(|value| value.remove("avatar"));
    assert!(
        avatar.is_some_and(|avatar| avatar["hash"].is_string()),
        "{value}"
    );
    value
}

use accounts::{an_organization_is_made_seen_changed_and_deleted, people_are_listed_and_removed};
use prototypes::default_permissions_are_made_changed_and_deleted;
use robots::robots_are_made_listed_renewed_and_deleted;
use teams::{people_from_outside_are_invited, teams_get_members_and_permissions};

on_engines! {
    an_organization_is_made_seen_changed_and_deleted
    people_are_listed_and_removed
    default_permissions_are_made_changed_and_deleted
    robots_are_made_listed_renewed_and_deleted
    teams_get_members_and_permissions
    people_from_outside_are_invited
}
