//! An installation that Quay 3.18 populated, taken over in place: everything it held is there, and reads as Quay told it.

use pierhead_testkit::{ApiClient, Client, Credentials, Dataset, Pierhead};
use serde_json::{Map, Value, json};

/// The installation, and what Quay answered for it.
struct TakenOver {
    server: Pierhead,
    expected: Value,
    /// Holds the storage.
    _place: tempfile::TempDir,
}

impl TakenOver {
    async fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let dataset = Dataset::of_quay();
        let server = dataset.builder(place.path()).unwrap().start().await;
        Self {
            server: server.unwrap(),
            expected: dataset.expected().unwrap(),
            _place: place,
        }
    }

    fn password(&self, user: &str) -> &str {
        self.expected["credentials"][user]["password"]
            .as_str()
            .unwrap()
    }

    async fn signed_in(&self, user: &str) -> ApiClient {
        self.server
            .signed_in(user, self.password(user))
            .await
            .unwrap()
    }
}

/// What depends on the moment, on use, or on who looks.
const MOMENTARY: [&str; 9] = [
    "avatar",
    "last_accessed",
    "last_modified",
    "quota_report",
    "quotas",
    "size",
    "number_of_failures",
    "repo_count",
    "popularity",
];

/// The value without [`MOMENTARY`] fields.
fn lasting(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| !MOMENTARY.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), lasting(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(lasting).collect(),
        other => other.clone(),
    }
}

/// Quay also names repositories that are being deleted, by the uuid that they were renamed to.
fn without_deleted(mut value: Value) -> Value {
    let deleted = |name: &Value| name.as_str().is_some_and(|name| name.len() == 36);
    for member in value["members"].as_array_mut().into_iter().flatten() {
        if let Some(repositories) = member["repositories"].as_array_mut() {
            repositories.retain(|name| !deleted(name));
        }
    }
    value
}

/// D18, and the promise that Quay's data is served as it is: every kind of credential gets what Quay gave it.
#[tokio::test]
async fn every_credential_is_given_what_quay_gave_it() {
    let site = TakenOver::start().await;
    for request in site.expected["token_requests"].as_array().unwrap() {
        let (name, secret) = (&request["username"], &request["password"]);
        let credentials = Credentials::new(name.as_str().unwrap(), secret.as_str().unwrap());
        let client = Client::new(&site.server, Some(&credentials));
        let scope = request["requested"].as_str().unwrap();
        let answer = client.request_token(&[scope]).await.unwrap();
        assert_eq!(json!(answer.status.as_u16()), request["status"], "{name}");
        if answer.status.is_success() {
            let token = answer.json().unwrap();
            let mut granted = access(token["token"].as_str().unwrap());
            let mut expected = request["access"].clone();
            for list in [&mut granted, &mut expected] {
                for entry in list.as_array_mut().unwrap() {
                    sort(&mut entry["actions"]);
                }
            }
            assert_eq!(granted, expected, "{name}");
        }
    }
}

/// In an order that does not depend on the order of keys.
fn sort(list: &mut Value) {
    if let Some(items) = list.as_array_mut() {
        for item in &mut *items {
            item.sort_all_objects();
        }
        items.sort_by_key(Value::to_string);
    }
}

/// The claim `access` of a token.
fn access(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()["access"].clone()
}

/// The tags of every repository, with their history, are those that Quay listed.
#[tokio::test]
async fn every_tag_reads_as_quay_told_it() {
    let site = TakenOver::start().await;
    let root = site.signed_in("harbormaster").await;
    for (name, repository) in site.expected["repositories"].as_object().unwrap() {
        let path = format!("/api/v1/repository/{name}/tag/?limit=100");
        let answer = root.get(&path).await.unwrap().json().unwrap();
        let expected = &repository["tag_rows"];
        let mut told = lasting(&answer["tags"]);
        let mut expected = lasting(expected);
        for list in [&mut told, &mut expected] {
            sort(list);
            for tag in list.as_array_mut().unwrap() {
                let tag = tag.as_object_mut().unwrap();
                // The time machine has moved on since: what was ended then may be out of its reach.
                tag.shift_remove("expiration");
            }
        }
        assert_eq!(told, expected, "{name}");
    }
}

/// Accounts and organizations read as Quay told them.
#[tokio::test]
async fn accounts_and_organizations_read_as_quay_told_them() {
    let site = TakenOver::start().await;
    let river = site.signed_in("river").await;
    let told = river.get("/api/v1/user/").await.unwrap().json().unwrap();
    let mut told = lasting(&told);
    let mut expected = lasting(&site.expected["users"]["river"]);
    for user in [&mut told, &mut expected] {
        sort(&mut user["organizations"]);
    }
    assert_eq!(told, expected);
    for (name, organization) in site.expected["organizations"].as_object().unwrap() {
        let path = format!("/api/v1/organization/{name}");
        let told = river.get(&path).await.unwrap().json().unwrap();
        assert_eq!(
            lasting(&told),
            lasting(&organization["organization"]),
            "{name}"
        );
        for (part, path) in [
            ("members", "members"),
            ("robots", "robots?permissions=true&token=false"),
            ("prototypes", "prototypes"),
            ("applications", "applications"),
            ("quota", "quota"),
            ("autoprune", "autoprunepolicy/"),
            ("immutability", "immutabilitypolicy/"),
            ("proxycache", "proxycache"),
            ("notifications", "notifications"),
        ] {
            let Some(expected) = organization.get(part) else {
                continue;
            };
            let path = format!("/api/v1/organization/{name}/{path}");
            let answer = river.get(&path).await.unwrap();
            let told = answer.json().unwrap();
            assert_eq!(lasting(&told), without_deleted(lasting(expected)), "{path}");
        }
    }
}
