//! An installation that Quay 3.18 populated, taken over in place: everything it held is there, and reads as Quay told it. It is
//! a few hours after Quay's last answer, so that what has an end has it where Quay said.

use pierhead_testkit::{
    ApiClient, Client, Credentials, Dataset, Engine, Pierhead, Response, Result,
};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

mod credentials;
mod namespaces;
mod repositories;

/// What depends on the moment of the question, or is tested elsewhere (avatars, by the unit tests of the view).
const VOLATILE: [&str; 5] = [
    "avatar",
    "last_accessed",
    "last_modified",
    "quota_report",
    "size",
];

/// The installation, what Quay answered for it, and some of its people: a superuser with full access, the owner of most things,
/// and somebody who has some.
struct TakenOver {
    server: Pierhead,
    expected: Value,
    harbormaster: ApiClient,
    river: ApiClient,
    stone: ApiClient,
    /// Holds the storage.
    _place: tempfile::TempDir,
}

impl TakenOver {
    async fn start(engine: Engine) -> Result<Self> {
        let place = tempfile::tempdir().unwrap();
        let dataset = Dataset::of_quay();
        let server = dataset.builder(engine, place.path())?.start().await?;
        let expected = dataset.expected()?;
        let sign_in = async |name: &str| {
            let password = expected["credentials"][name]["password"].as_str().unwrap();
            server.signed_in(name, password).await
        };
        Ok(Self {
            harbormaster: sign_in("harbormaster").await?,
            river: sign_in("river").await?,
            stone: sign_in("stone").await?,
            server,
            expected,
            _place: place,
        })
    }

    /// A registry client.
    fn client(&self, name: &str, secret: &str) -> Client {
        Client::new(&self.server, Some(&Credentials::new(name, secret)))
    }
}

/// What is answered to somebody who may see it.
async fn seen(by: &ApiClient, path: &str) -> Result<Value> {
    by.get(path).await?.expect(&[StatusCode::OK])?.json()
}

/// Whether two values say the same, but for what is [`VOLATILE`] and for the order of lists, which Quay leaves open.
fn assert_same(mut answered: Value, mut expected: Value, about: &str) {
    plain(&mut answered);
    plain(&mut expected);
    assert_eq!(answered, expected, "{about}");
}

fn plain(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !VOLATILE.contains(&name.as_str()));
            fields.values_mut().for_each(plain);
            value.sort_all_objects();
        }
        Value::Array(items) => {
            items.iter_mut().for_each(plain);
            items.sort_by_key(Value::to_string);
        }
        _ => {}
    }
}

/// The fields of an object.
fn fields(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

use credentials::{every_credential_is_given_what_quay_gave_it, what_was_begun_is_ended};
use namespaces::people_and_organizations_are_as_quay_left_them;
use repositories::repositories_are_as_quay_left_them;

on_engines! {
    every_credential_is_given_what_quay_gave_it
    what_was_begun_is_ended
    people_and_organizations_are_as_quay_left_them
    repositories_are_as_quay_left_them
}
