//! An installation that Quay 3.18 populated, taken over in place: everything it held is there, and reads as Quay told it.

use pierhead_testkit::{Client, Credentials, Dataset, Pierhead};
use serde_json::{Value, json};

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
