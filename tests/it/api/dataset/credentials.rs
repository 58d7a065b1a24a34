//! Credentials of every kind, and what Quay had begun: a grant whose code nobody exchanged, and an upload.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;

use super::*;

/// D18, and the promise that Quay's data is served as it is.
pub(super) async fn every_credential_is_given_what_quay_gave_it(engine: Engine) -> Result<()> {
    let site = TakenOver::start(engine).await?;
    tokens_are_granted_what_quay_granted(&site).await?;
    passwords_sign_in(&site).await?;
    tokens_of_applications_work(&site).await?;
    tokens_for_programs_are_shown_and_work(&site).await?;
    a_key_of_a_service_signs(&site).await
}

async fn tokens_are_granted_what_quay_granted(site: &TakenOver) -> Result<()> {
    for request in site.expected["token_requests"].as_array().unwrap() {
        let (name, secret) = (text(&request["username"]), text(&request["password"]));
        let scope = text(&request["requested"]);
        let answer = site.client(name, secret).request_token(&[scope]).await?;
        assert_eq!(json!(answer.status.as_u16()), request["status"], "{name}");
        if answer.status.is_success() {
            let token = answer.json()?;
            let granted = access(text(&token["token"]));
            assert_same(granted, request["access"].clone(), name);
        }
    }
    let credentials = fields(&site.expected["credentials"]);
    let robots = credentials
        .iter()
        .filter(|(_, given)| given["robot"] == true);
    for (name, given) in robots {
        let (namespace, _) = name.split_once('+').unwrap();
        let scope = format!("repository:{namespace}/anything:pull");
        let client = site.client(name, text(&given["token"]));
        client.token(&[&scope]).await?;
        if let Some(old) = given["previous_token_now_invalid"].as_str() {
            let refused = site.client(name, old).request_token(&[&scope]).await?;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{name}");
        }
    }
    Ok(())
}

async fn passwords_sign_in(site: &TakenOver) -> Result<()> {
    for (name, given) in fields(&site.expected["credentials"]) {
        let Some(password) = given["password"].as_str() else {
            continue;
        };
        let enabled = given["enabled"] != false;
        match site.server.signed_in(name, password).await {
            Ok(session) => {
                let me = seen(&session, "/api/v1/user/").await?;
                assert_eq!(me["username"], **name);
                assert!(enabled, "{name}");
            }
            Err(refused) => assert!(!enabled, "{name}: {refused}"),
        }
        if let Some(encrypted) = given["encrypted_password"].as_str() {
            let scope = format!("repository:{name}/anything:pull");
            let answer = site
                .client(name, encrypted)
                .request_token(&[&scope])
                .await?;
            assert_eq!(answer.status.is_success(), enabled, "{name}");
        }
    }
    Ok(())
}

async fn tokens_of_applications_work(site: &TakenOver) -> Result<()> {
    let credentials = &site.expected["credentials"];
    let notes = "/api/v1/repository/river/notes";
    for (token, status) in [
        (
            &credentials["oauth access token (river)"]["access_token"],
            200,
        ),
        (&credentials["oauth named token"]["token"], 200),
        // It was made for two and a half hours.
        (&credentials["harbormaster"]["oauth_token_2h30"], 401),
    ] {
        let client = site.server.with_token(text(token));
        let answer = client.get(notes).await?;
        assert_eq!(answer.status.as_u16(), status, "{token}");
    }
    // Neither may change the repository's settings: the scopes hold.
    let reader = site
        .server
        .with_token(text(&credentials["oauth named token"]["token"]));
    let change = json!({ "description": "x" });
    let answer = reader.put(notes, change).await?;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);

    let named = &credentials["oauth named token"];
    let application = &site.expected["other"]["oauth application"];
    let tokens = format!(
        "/api/v1/organization/harbor-ops/applications/{}/tokens",
        text(&application["client_id"])
    );
    let listed = seen(&site.river, &tokens).await?;
    let ours = listed["tokens"].as_array().unwrap().iter();
    let ours = ours.clone().find(|token| token["uuid"] == named["uuid"]);
    let mut expected = named.clone();
    expected.as_object_mut().unwrap().remove("token");
    assert_same(ours.unwrap().clone(), expected, "named token");
    Ok(())
}

async fn tokens_for_programs_are_shown_and_work(site: &TakenOver) -> Result<()> {
    for (name, owner) in [("app token oar", "river"), ("app token anchor", "stone")] {
        let expected = &site.expected["credentials"][name];
        let client = if owner == "river" {
            &site.river
        } else {
            &site.stone
        };
        let path = format!("/api/v1/user/apptoken/{}", text(&expected["uuid"]));
        let mut shown = seen(client, &path).await?;
        assert_same(shown["token"].take(), expected.clone(), name);
        let registry = site.client("$app", text(&expected["token_code"]));
        registry
            .token(&["repository:harbor-ops/beacon:pull"])
            .await?;
    }
    // The token of a build trigger, in the address that the trigger shows.
    let trigger = "/api/v1/repository/harbor-ops/ledger/trigger/";
    let shown = seen(&site.river, trigger).await?;
    let expected = site.expected["other"]["build trigger"].clone();
    assert_same(shown, expected.clone(), trigger);
    let address = text(&expected["triggers"][0]["config"]["credentials"][1]["value"]);
    let token = address.split(['@', ':']).nth(2).unwrap();
    let granted = site
        .client("$token", token)
        .token(&["repository:harbor-ops/ledger:pull"])
        .await?;
    assert_eq!(
        access(&granted),
        json!([{ "type": "repository", "name": "harbor-ops/ledger", "actions": ["pull"] }])
    );
    Ok(())
}

/// What the holder of the key asks the key server is done.
async fn a_key_of_a_service_signs(site: &TakenOver) -> Result<()> {
    let expected = &site.expected["credentials"]["service key lighthouse"];
    let kid = text(&expected["kid"]);
    let path = format!("/keys/services/lighthouse/keys/{kid}");
    let published = seen(&site.server.anonymous(), &path).await?;
    assert_eq!(published["kid"], kid);
    let key = EncodingKey::from_rsa_pem(text(&expected["private_key"]).as_bytes()).unwrap();
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::RS256)
    };
    let claims = json!({
        "iss": "lighthouse", "aud": site.server.base_url(), "iat": MOMENT, "nbf": MOMENT, "exp": MOMENT + 3600,
    });
    let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    let holder = site.server.with_token(&token);
    holder
        .delete(&path)
        .await?
        .expect(&[StatusCode::NO_CONTENT])?;
    let gone = site.server.anonymous().get(&path).await?;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    Ok(())
}

/// 2026-11-23 02:50 UTC, a little before the clock of [`Dataset`]'s server.
const MOMENT: i64 = 1_795_402_200;

pub(super) async fn what_was_begun_is_ended(engine: Engine) -> Result<()> {
    let site = TakenOver::start(engine).await?;
    a_code_is_exchanged_once(&site).await?;
    an_upload_goes_on_where_quay_left_it(&site).await
}

async fn a_code_is_exchanged_once(site: &TakenOver) -> Result<()> {
    let other = &site.expected["other"];
    let application = &other["oauth application"];
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", text(&application["client_id"])),
        ("client_secret", text(&application["client_secret"])),
        ("redirect_uri", text(&application["redirect_uri"])),
        ("code", text(&other["oauth unused code"])),
        ("scope", "repo:read"),
    ];
    let anonymous = site.server.anonymous();
    let exchange = async || -> Result<Response> {
        let request = anonymous.request(Method::POST, "/oauth/access_token");
        anonymous.send(request.form(&form)).await
    };
    let given = exchange().await?.expect(&[StatusCode::OK])?.json()?;
    let client = site.server.with_token(text(&given["access_token"]));
    seen(&client, "/api/v1/repository/river/notes").await?;
    let again = exchange().await?.expect(&[StatusCode::BAD_REQUEST])?;
    assert_eq!(again.json()?, json!({ "error": "invalid_grant" }));
    Ok(())
}

/// The state of the hash is Quay's.
async fn an_upload_goes_on_where_quay_left_it(site: &TakenOver) -> Result<()> {
    let upload = &site.expected["other"]["unfinished upload"];
    let ended = &upload["digest_when_ended_with"];
    let password = text(&site.expected["credentials"]["river"]["password"]);
    let river = site.client("river", password);
    let path = format!("/v2/river/notes/blobs/uploads/{}", text(&upload["uuid"]));
    let digest = text(&ended["digest"]);
    let request = river
        .request("PUT", &format!("{path}?digest={digest}"))?
        .header("content-type", "application/octet-stream")
        .body(text(&ended["text"]).to_owned());
    river
        .execute(request)
        .await?
        .expect(&[StatusCode::CREATED])?;
    let blob = river
        .send("GET", &format!("/v2/river/notes/blobs/{digest}"))
        .await?
        .expect(&[StatusCode::OK])?;
    let whole = format!("{}{}", text(&upload["received"]), text(&ended["text"]));
    assert_eq!(blob.text(), whole);
    Ok(())
}

/// The claim `access` of a token.
fn access(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()["access"].take()
}
