//! Content trust: which tags are signed, as a server of trust metadata tells it, and what happens while it does not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pierhead_testkit::{Client, Engine, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::installation::{Installation, json_of};
use super::quota::expect_audit;

/// Answers of the server of trust metadata by method and path, and what it was asked with.
#[derive(Clone, Default)]
struct Metadata {
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Metadata {
    /// Starts it; gives its URL.
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let this = Self::default();
        let served = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move { served.serve(stream).await });
            }
        });
        (this, url)
    }

    async fn serve(&self, mut stream: tokio::net::TcpStream) {
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        let mut line = String::new();
        let mut token = String::new();
        while let Ok(Some(next)) = lines.next_line().await {
            if line.is_empty() {
                next.trim_end_matches(" HTTP/1.1").clone_into(&mut line);
            } else if next.is_empty() {
                break;
            } else if let Some((name, value)) = next.split_once(": ")
                && name.eq_ignore_ascii_case("authorization")
            {
                value.clone_into(&mut token);
            }
        }
        let answer = self.answers.lock().unwrap().get(&line).cloned();
        let (status, body) = answer.unwrap_or((404, String::new()));
        self.asked.lock().unwrap().push((line, token));
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let _ = writer.write_all(format!("{head}{body}").as_bytes()).await;
    }

    fn answer(&self, line: &str, status: u16, body: &Value) {
        let mut answers = self.answers.lock().unwrap();
        answers.insert(line.to_owned(), (status, body.to_string()));
    }

    /// What it was asked since the last time.
    fn asked(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn tags_are_signed(engine: Engine) -> Result<()> {
    let (metadata, url) = Metadata::start().await;
    let config = json!({
        "FEATURE_SIGNING": true, "TUF_SERVER": url, "TUF_GUN_PREFIX": "registry.example.com",
        "TUF_API_TIMEOUT_SECONDS": 30,
        "FEATURE_SUPERUSERS_FULL_ACCESS": true, "SUPER_USERS": ["devel"],
    });
    let site = Installation::start(engine, config).await?;
    site.server.create_repository("devel/app", "public")?;
    let app = "/api/v1/repository/devel/app";
    let (change, signatures) = (format!("{app}/changetrust"), format!("{app}/signatures"));
    let roots = async || -> Result<Value> {
        let client = Client::new(&site.server, Some(&site.devel));
        let context =
            claims(&client.token(&["repository:devel/app:pull"]).await?)["context"].clone();
        let root = &context["com.apostille.roots"]["devel/app"];
        assert_eq!(context["com.apostille.root"], *root);
        Ok(root.clone())
    };

    // Off: nothing is signed.
    assert_eq!(site.get(app).await?["trust_enabled"], false);
    site.call(Method::GET, &signatures, None, 404).await?;
    assert_eq!(roots().await?, "$disabled");
    assert!(metadata.asked().is_empty());
    let nobody = site.server.anonymous();
    json_of(nobody.get(&signatures).await?, 404)?;
    for wrong in [
        json!({}),
        json!({ "trust_enabled": null }),
        json!({ "trust_enabled": "yes" }),
    ] {
        site.post(&change, wrong, 400).await?;
    }
    let elsewhere = "/api/v1/repository/devel/none";
    let on = json!({ "trust_enabled": true });
    site.post(&format!("{elsewhere}/changetrust"), on.clone(), 404)
        .await?;
    site.call(Method::GET, &format!("{elsewhere}/signatures"), None, 404)
        .await?;
    json_of(nobody.post(&change, on.clone()).await?, 403)?;

    // On, though the server has no metadata yet.
    assert_eq!(
        site.post(&change, on.clone(), 200).await?,
        json!({ "success": true })
    );
    let base = "/v2/registry.example.com/devel/app/_trust/tuf/";
    let asked = metadata.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, format!("GET {base}targets/releases.json"));
    let token = claims(asked[0].1.strip_prefix("Bearer ").unwrap());
    let name = "registry.example.com/devel/app";
    assert_eq!(
        (&token["sub"], &token["aud"]),
        (&json!("(anonymous)"), &json!(site.server.host()))
    );
    assert_eq!(
        token["access"],
        json!([{ "type": "repository", "name": name, "actions": ["pull"] }])
    );
    assert_eq!(
        token["context"]["com.apostille.roots"],
        json!({ name: "signer" })
    );
    expect_audit(
        &site,
        "change_repo_trust",
        &json!({ "repo": "app", "namespace": "devel", "trust_enabled": true }),
    )?;
    assert_eq!(site.get(app).await?["trust_enabled"], true);
    assert_eq!(roots().await?, "signer");
    let stranger = Client::new(&site.server, None);
    let pull = claims(&stranger.token(&["repository:devel/app:pull"]).await?);
    assert_eq!(pull["context"]["com.apostille.root"], "quay");
    assert_eq!(
        site.get(&signatures).await?,
        json!({ "delegations": { "targets": null } })
    );

    // With metadata, and a delegation that leads back.
    let target = json!({ "hashes": { "sha256": "q" }, "length": 3 });
    let end = "2030-01-01T00:00:00Z";
    metadata.answer(
        &format!("GET {base}targets.json"),
        200,
        &json!({ "signed": {
            "targets": {}, "expires": end,
            "delegations": { "roles": [{ "name": "targets/releases" }, { "name": "targets/gone" }] },
        } }),
    );
    metadata.answer(
        &format!("GET {base}targets/releases.json"),
        200,
        &json!({ "signed": {
            "targets": { "latest": target }, "expires": end,
            "delegations": { "roles": [{ "name": "targets" }] },
        } }),
    );
    assert_eq!(
        json_of(nobody.get(&signatures).await?, 200)?,
        json!({ "delegations": {
            "targets/releases": { "targets": { "latest": target }, "expiration": end },
            "targets/gone": null,
        } })
    );
    let asked = metadata.asked();
    assert_eq!(asked.len(), 4, "each role is asked for once: {asked:?}");

    // What was signed has to be deleted before trust changes.
    let off = json!({ "trust_enabled": false });
    let failed = site.post(&change, off.clone(), 520).await?;
    assert_eq!(failed["error_type"], "downstream_issue");
    assert_eq!(
        failed["error_message"],
        "Unable to delete downstream trust metadata"
    );
    assert_eq!(site.get(app).await?["trust_enabled"], true);
    metadata.answer(&format!("DELETE {base}"), 200, &json!(null));
    metadata.asked();
    assert_eq!(
        site.post(&change, off, 200).await?,
        json!({ "success": true })
    );
    let asked = metadata.asked();
    let deletion = claims(asked[1].1.strip_prefix("Bearer ").unwrap());
    assert_eq!(asked[1].0, format!("DELETE {base}"));
    assert_eq!(deletion["access"][0]["actions"], json!(["*"]));
    assert_eq!(roots().await?, "$disabled");
    site.call(Method::GET, &signatures, None, 404).await?;
    // The token opens nothing here.
    let answer = stranger
        .execute_plain(
            stranger
                .request("GET", "/v2/devel/app/tags/list")?
                .header("authorization", &asked[1].1),
        )
        .await?;
    assert_eq!(answer.status, 401);
    Ok(())
}

/// Without a server, or with one that answers nothing of use, there are no signatures; trust can be switched all the same.
async fn without_metadata_nothing_is_signed(engine: Engine) -> Result<()> {
    let config = json!({ "FEATURE_SIGNING": true, "SUPER_USERS": ["devel"] });
    let site = Installation::start(engine, config).await?;
    site.server.create_repository("devel/app", "private")?;
    let app = "/api/v1/repository/devel/app";
    let on = json!({ "trust_enabled": true });
    site.post(&format!("{app}/changetrust"), on, 200).await?;
    assert_eq!(
        site.get(&format!("{app}/signatures")).await?,
        json!({ "delegations": { "targets": null } })
    );
    // Off by default: as if it were not there.
    let plain = Installation::start(engine, json!({ "SUPER_USERS": ["devel"] })).await?;
    plain.server.create_repository("devel/app", "private")?;
    plain
        .call(Method::GET, &format!("{app}/signatures"), None, 404)
        .await?;
    assert_eq!(plain.get("/config").await?["features"]["SIGNING"], false);
    Ok(())
}

on_engines! {
    tags_are_signed
    without_metadata_nothing_is_signed
}
