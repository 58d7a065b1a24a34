//! Tags and manifests: pages, changes that the next pull sees, history, labels, security.

use pierhead_testkit::{
    ApiClient, Client, Credentials, Engine, Image, Index, Pierhead, Response, Result, media_types,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

mod history;
mod manifests;
mod pages;

const PASSWORD: &str = "correct-horse";
const APP: &str = "/api/v1/repository/devel/app";

/// A server with the repository `devel/app`, its owner with every scope, and the owner's registry client.
async fn start(engine: Engine) -> (Pierhead, ApiClient, Client) {
    let server = Pierhead::builder()
        .engine(engine)
        .config(json!({
            "FEATURE_IMMUTABLE_TAGS": true,
            "FEATURE_IMAGE_PULL_STATS": true,
            "FEATURE_SECURITY_SCANNER": true,
            "SECURITY_SCANNER_V4_ENDPOINT": "http://127.0.0.1:1",
            "PERMANENTLY_DELETE_TAGS": true,
        }))
        .start()
        .await
        .unwrap();
    let owner = server
        .initialize_with_token("devel", PASSWORD)
        .await
        .unwrap();
    server.create_repository("devel/app", "private").unwrap();
    let client = Client::new(&server, Some(&Credentials::new("devel", PASSWORD)));
    (server, owner, client)
}

async fn get(client: &ApiClient, path: &str) -> Value {
    let answer = client.get(path).await.unwrap();
    answer.expect(&[StatusCode::OK]).unwrap().json().unwrap()
}

async fn tags(client: &ApiClient, query: &str) -> Vec<Value> {
    let list = get(client, &format!("{APP}/tag/?{query}")).await;
    list["tags"].as_array().unwrap().clone()
}

fn names(tags: &[Value]) -> Vec<&str> {
    tags.iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect()
}

fn status(answer: Result<Response>) -> (u16, String) {
    let answer = answer.unwrap();
    let body = answer.json().unwrap_or_default();
    let why = ["error_type", "message", "error"]
        .iter()
        .find_map(|key| body[key].as_str())
        .unwrap_or_default();
    (answer.status.as_u16(), why.to_owned())
}

fn now_s() -> i64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    elapsed.unwrap().as_secs() as i64
}

/// What a tag points to, as the next pull sees it.
async fn pulled(client: &Client, tag: &str) -> Option<String> {
    let answer = client.manifest("GET", "devel/app", tag).await.unwrap();
    answer
        .status
        .is_success()
        .then(|| answer.header("docker-content-digest").unwrap().to_owned())
}

async fn life_of_a_tag(engine: Engine) {
    let (mut server, owner, client) = start(engine).await;
    let (one, two) = (Image::build(1, &[300]), Image::build(2, &[400]));
    client
        .push_image("devel/app", "latest", &one)
        .await
        .unwrap();
    client.push_image("devel/app", "other", &two).await.unwrap();
    let (first, second) = (one.manifest.digest.clone(), two.manifest.digest.clone());

    // The view of a tag.
    let mut tag = tags(&owner, "specificTag=latest").await.remove(0);
    let started = tag
        .as_object_mut()
        .unwrap()
        .remove("start_ts")
        .unwrap()
        .as_i64()
        .unwrap();
    assert!((now_s() - started).abs() < 60);
    let modified = tag
        .as_object_mut()
        .unwrap()
        .remove("last_modified")
        .unwrap();
    assert!(modified.as_str().unwrap().ends_with(" -0000"), "{modified}");
    let size: usize = one.layers.iter().map(|layer| layer.bytes.len()).sum();
    let expected = json!({
        "name": "latest", "reversion": false, "immutable": false, "manifest_digest": first,
        "is_manifest_list": false, "size": size,
    });
    assert_eq!(tag, expected);

    // Moving and making: the next pull sees it, whatever was cached.
    assert_eq!(pulled(&client, "latest").await.as_ref(), Some(&first));
    let point = |digest: &str| json!({ "manifest_digest": digest });
    let moved = owner
        .put(&format!("{APP}/tag/latest"), point(&second))
        .await
        .unwrap();
    assert_eq!(
        (moved.status, moved.json().unwrap()),
        (StatusCode::CREATED, json!("Updated"))
    );
    assert_eq!(pulled(&client, "latest").await.as_ref(), Some(&second));
    // What no tag names any more cannot be pointed to, but restored.
    assert_eq!(
        status(owner.put(&format!("{APP}/tag/new"), point(&first)).await),
        (404, "not_found".to_owned())
    );
    owner
        .post(&format!("{APP}/tag/latest/restore"), point(&first))
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    assert_eq!(pulled(&client, "latest").await.as_ref(), Some(&first));
    owner
        .put(&format!("{APP}/tag/new"), point(&first))
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();
    assert_eq!(pulled(&client, "new").await.as_ref(), Some(&first));
    let history = tags(&owner, "specificTag=latest").await;
    let reversions: Vec<_> = history
        .iter()
        .map(|tag| tag["reversion"].as_bool().unwrap())
        .collect();
    assert_eq!(reversions, [true, false, false]);
    assert!(history[1]["end_ts"].is_i64() && history[0].get("end_ts").is_none());
    assert_eq!(
        names(&tags(&owner, "onlyActiveTags=true").await),
        ["new", "latest", "other"]
    );

    // Bad input: nothing changes.
    let before = tags(&owner, "").await;
    let missing = format!("sha256:{}", "0".repeat(64));
    for (tag, change, expected) in [
        ("latest", point(&missing), 404),
        ("latest", json!({ "manifest_digest": null }), 404),
        ("latest", json!({ "manifest_digest": 3 }), 400),
        ("latest", json!({ "immutable": "yes" }), 400),
        ("latest", json!({ "immutable": null }), 400),
        ("latest", json!({ "expiration": "tomorrow" }), 400),
        ("latest", json!({ "expiration": now_s() - 10 }), 400),
        ("latest", json!({ "expiration": 1e300 }), 400),
        ("none", json!({ "expiration": now_s() + 9_000 }), 404),
        ("none", json!({ "immutable": true }), 404),
        ("-bad", point(&first), 400),
        // The first half would do; the second does not.
        (
            "latest",
            json!({ "expiration": now_s() + 9_000, "manifest_digest": missing }),
            404,
        ),
    ] {
        let answer = status(owner.put(&format!("{APP}/tag/{tag}"), change.clone()).await);
        assert_eq!(answer.0, expected, "{tag} {change} {answer:?}");
    }
    assert_eq!(
        status(
            owner
                .post(&format!("{APP}/tag/latest/restore"), json!({}))
                .await
        )
        .0,
        400
    );
    assert_eq!(
        status(
            owner
                .post(&format!("{APP}/tag/latest/restore"), point(&missing))
                .await
        )
        .0,
        404
    );
    assert_eq!(
        status(owner.delete(&format!("{APP}/tag/none")).await),
        (404, "not_found".to_owned())
    );
    assert_eq!(tags(&owner, "").await, before);
    let anonymous = server.anonymous();
    assert_eq!(
        status(anonymous.get(&format!("{APP}/tag/")).await),
        (401, "invalid_token".to_owned())
    );
    assert_eq!(
        status(
            anonymous
                .put(&format!("{APP}/tag/latest"), point(&second))
                .await
        )
        .0,
        403
    );

    // Expiry: at least an hour after the tag began, and taken back.
    let tag = format!("{APP}/tag/latest");
    let week = now_s() + 7 * 86_400;
    for (wanted, expected) in [
        (json!(week), Some(week)),
        (json!(now_s() + 600), Some(0)),
        (json!(null), None),
    ] {
        owner
            .put(&tag, json!({ "expiration": wanted }))
            .await
            .unwrap()
            .expect(&[StatusCode::CREATED])
            .unwrap();
        let shown = tags(&owner, "specificTag=latest&onlyActiveTags=true")
            .await
            .remove(0);
        match expected {
            Some(0) => assert_eq!(
                shown["end_ts"].as_i64().unwrap() - shown["start_ts"].as_i64().unwrap(),
                3_600
            ),
            Some(end) => assert_eq!(shown["end_ts"].as_i64(), Some(end), "{shown}"),
            None => assert!(shown.get("end_ts").is_none() && shown.get("expiration").is_none()),
        }
    }

    // Immutability: neither moved nor deleted, by nobody; and no expiry beside it.
    owner
        .put(&tag, json!({ "immutable": true }))
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();
    let immutable = (409, "tag_immutable".to_owned());
    assert_eq!(status(owner.delete(&tag).await), immutable);
    assert_eq!(status(owner.put(&tag, point(&second)).await), immutable);
    assert_eq!(
        status(owner.post(&format!("{tag}/restore"), point(&second)).await),
        immutable
    );
    let (code, why) = status(owner.put(&tag, json!({ "expiration": week })).await);
    assert!(code == 400 && why.contains("immutable"), "{code} {why}");
    assert!(
        client
            .push_image("devel/app", "latest", &two)
            .await
            .is_err()
    );
    assert_eq!(pulled(&client, "latest").await.as_ref(), Some(&first));
    owner
        .put(&tag, json!({ "immutable": false }))
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();
    owner
        .put(&tag, json!({ "expiration": week }))
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();
    let (code, why) = status(owner.put(&tag, json!({ "immutable": true })).await);
    assert!(code == 400 && why.contains("expiration"), "{code} {why}");
    owner
        .put(&tag, json!({ "expiration": null }))
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();

    // Deleted at once; signatures go with the last tag of their image.
    let signature = format!("{}.sig", second.replace(':', "-"));
    client
        .push_image("devel/app", &signature, &Image::build(3, &[100]))
        .await
        .unwrap();
    owner
        .put(&format!("{APP}/tag/again"), point(&second))
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();
    owner
        .delete(&format!("{APP}/tag/other"))
        .await
        .unwrap()
        .expect(&[StatusCode::NO_CONTENT])
        .unwrap();
    assert_eq!(pulled(&client, "other").await, None);
    assert!(pulled(&client, &signature).await.is_some());
    owner
        .delete(&format!("{APP}/tag/again"))
        .await
        .unwrap()
        .expect(&[StatusCode::NO_CONTENT])
        .unwrap();
    assert_eq!(pulled(&client, &signature).await, None);
    assert!(names(&tags(&owner, "").await).contains(&"other"));
    assert_eq!(
        names(&tags(&owner, "onlyActiveTags=true").await),
        ["new", "latest"]
    );

    // Removed from the time machine: nothing is left to be removed.
    let expire = format!("{APP}/tag/other/expire");
    assert_eq!(
        status(owner.post(&expire, json!({})).await),
        (400, "invalid_request".to_owned())
    );
    owner
        .post(&expire, point(&second))
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    assert_eq!(
        status(owner.post(&expire, point(&second)).await),
        (404, "not_found".to_owned())
    );
    let alive = json!({ "is_alive": true });
    owner
        .post(&format!("{APP}/tag/new/expire"), alive.clone())
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    assert_eq!(pulled(&client, "new").await, None);
    assert_eq!(
        status(owner.post(&format!("{APP}/tag/new/expire"), alive).await).0,
        404
    );

    // Pull statistics.
    let statistics = get(&owner, &format!("{tag}/pull_statistics")).await;
    assert_eq!(
        (
            &statistics["tag_name"],
            &statistics["current_manifest_digest"]
        ),
        (&json!("latest"), &json!(first))
    );
    assert!(statistics["tag_pull_count"].is_i64(), "{statistics}");
    assert_eq!(
        status(owner.get(&format!("{APP}/tag/none/pull_statistics")).await).0,
        404
    );

    if let Some(database) = server.database() {
        let kinds = "select k.name, l.metadata_json from logentry3 l join logentrykind k on k.id = l.kind_id \
            where k.name like '%tag%' order by l.id";
        let rows = database.sql(kinds).unwrap();
        let kinds: Vec<_> = rows
            .lines()
            .map(|row| row.split('|').next().unwrap())
            .collect();
        let expected = [
            "move_tag",
            "revert_tag",
            "create_tag",
            "change_tag_expiration",
            "change_tag_expiration",
            "change_tag_expiration",
            "change_tag_immutability",
            "change_tag_immutability",
            "change_tag_expiration",
            "change_tag_expiration",
            "create_tag",
            "delete_tag",
            "delete_tag",
            "permanently_delete_tag",
            "permanently_delete_tag",
        ];
        assert_eq!(kinds, expected, "{rows}");
        let moved = rows.lines().next().unwrap().split_once('|').unwrap().1;
        let moved: Value = serde_json::from_str(moved).unwrap();
        assert_eq!(
            (&moved["username"], &moved["original_manifest_digest"]),
            (&json!("devel"), &json!(first)),
            "{moved}"
        );
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_tag_lives_on_sqlite() {
    life_of_a_tag(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_tag_lives_on_postgresql() {
    life_of_a_tag(Engine::PostgreSql).await;
}
