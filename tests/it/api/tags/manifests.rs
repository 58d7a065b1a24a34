//! Manifests with their layers and labels, and what a scanner says of them.

use super::*;

/// C5: a manifest with its layers and labels; security waits for a scanner.
async fn manifests(engine: Engine) {
    let (mut server, owner, client) = start(engine).await;
    let image = Image::build(1, &[300, 400]);
    client
        .push_image("devel/app", "latest", &image)
        .await
        .unwrap();
    let digest = &image.manifest.digest;
    let path = format!("{APP}/manifest/{digest}");
    let view = get(&owner, &path).await;
    assert_eq!(
        view["manifest_data"].as_str().unwrap().as_bytes(),
        image.manifest.bytes
    );
    assert_eq!(
        (&view["digest"], &view["is_manifest_list"]),
        (&json!(digest), &json!(false))
    );
    assert_eq!(view["config_media_type"], media_types::OCI_CONFIG);
    let layers = view["layers"].as_array().unwrap();
    let shown: Vec<_> = layers
        .iter()
        .map(|layer| layer["blob_digest"].as_str().unwrap())
        .collect();
    let expected: Vec<_> = image
        .layers
        .iter()
        .map(|layer| layer.digest.as_str())
        .collect();
    assert_eq!(shown, expected);
    for key in [
        "index",
        "compressed_size",
        "is_remote",
        "urls",
        "command",
        "comment",
        "author",
        "created_datetime",
    ] {
        assert!(layers[0].get(key).is_some(), "{key}");
    }

    let index = Index::build(5, &[200]);
    client
        .push_index("devel/app", "multi", &index)
        .await
        .unwrap();
    let list = tags(&owner, "specificTag=multi").await.remove(0);
    assert_eq!(
        (&list["is_manifest_list"], &list["is_sparse"], &list["size"]),
        (&json!(true), &json!(false), &Value::Null)
    );
    assert_eq!(list["child_manifest_count"], list["present_child_count"]);
    assert!(
        list["child_manifests_presence"]
            .as_object()
            .unwrap()
            .values()
            .all(|there| there == true)
    );
    let view = get(&owner, &format!("{APP}/manifest/{}", index.manifest.digest)).await;
    assert_eq!(
        (&view["layers"], &view["layers_compressed_size"]),
        (&Value::Null, &json!(0))
    );
    let child = list["child_manifests_presence"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap();
    get(&owner, &format!("{APP}/manifest/{child}")).await;

    let missing = format!("{APP}/manifest/sha256:{}", "0".repeat(64));
    assert_eq!(
        status(owner.get(&missing).await),
        (404, "not_found".to_owned())
    );
    assert_eq!(
        status(owner.get(&format!("{APP}/manifest/latest")).await).0,
        404
    );

    // Labels.
    let labels = format!("{path}/labels");
    let label = |key: &str, value: &str, media_type: Value| json!({ "key": key, "value": value, "media_type": media_type });
    let added = owner
        .post(
            &labels,
            label("com.example.team", r#"{"a":1}"#, Value::Null),
        )
        .await
        .unwrap();
    let added = added.expect(&[StatusCode::CREATED]).unwrap();
    let location = added.header("location").unwrap().to_owned();
    let mut view = added.json().unwrap()["label"].clone();
    let id = view.as_object_mut().unwrap().remove("id").unwrap();
    assert_eq!(location, format!("{labels}/{}", id.as_str().unwrap()));
    let expected = json!({ "key": "com.example.team", "value": r#"{"a":1}"#, "source_type": "api", "media_type": "application/json" });
    assert_eq!(view, expected);
    assert_eq!(get(&owner, &location).await["id"], id);
    owner
        .post(&labels, label("other", "text", json!("text/plain")))
        .await
        .unwrap()
        .expect(&[StatusCode::CREATED])
        .unwrap();
    assert_eq!(
        get(&owner, &format!("{labels}?filter=COM.")).await["labels"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let before = get(&owner, &labels).await;
    for bad in [
        label("quay.expires-after", "1h", Value::Null),
        label("io.k8s.x", "", Value::Null),
        label("Bad", "", Value::Null),
        label("", "", Value::Null),
        label("a", "", json!("image/png")),
        json!({ "key": "a", "value": "b" }),
        json!({ "key": "a", "value": 1, "media_type": null }),
    ] {
        assert_eq!(
            status(owner.post(&labels, bad.clone()).await).0,
            400,
            "{bad}"
        );
    }
    assert_eq!(get(&owner, &labels).await, before);
    assert_eq!(
        status(
            owner
                .post(&format!("{missing}/labels"), label("a", "", Value::Null))
                .await
        )
        .0,
        404
    );
    let of_content = before["labels"]
        .as_array()
        .unwrap()
        .iter()
        .find(|label| label["source_type"] == "manifest");
    if let Some(of_content) = of_content {
        let fixed = format!("{labels}/{}", of_content["id"].as_str().unwrap());
        assert_eq!(status(owner.delete(&fixed).await).0, 400);
    }
    owner
        .delete(&location)
        .await
        .unwrap()
        .expect(&[StatusCode::NO_CONTENT])
        .unwrap();
    assert_eq!(status(owner.get(&location).await).0, 404);
    assert_eq!(status(owner.delete(&location).await).0, 404);

    // Security: also with what registry clients have.
    let security = format!("{path}/security");
    let queued = json!({ "status": "queued", "data": null });
    assert_eq!(
        get(&owner, &format!("{security}?vulnerabilities=true")).await,
        queued
    );
    let anonymous = server.anonymous();
    assert_eq!(
        status(anonymous.get(&security).await),
        (401, "invalid_token".to_owned())
    );
    let with_basic = |password: &'static str| {
        anonymous
            .request(reqwest::Method::GET, &security)
            .basic_auth("devel", Some(password))
    };
    let answer = anonymous.send(with_basic(PASSWORD)).await.unwrap();
    assert_eq!(
        answer.expect(&[StatusCode::OK]).unwrap().json().unwrap(),
        queued
    );
    assert_eq!(
        status(anonymous.send(with_basic("wrong-password")).await),
        (401, "invalid_token".to_owned())
    );
    // Nowhere else.
    let elsewhere = anonymous
        .request(reqwest::Method::GET, &path)
        .basic_auth("devel", Some(PASSWORD));
    assert_eq!(status(anonymous.send(elsewhere).await).0, 401);
    assert_eq!(
        status(owner.get(&format!("{missing}/security")).await).0,
        404
    );

    let pulls = get(&owner, &format!("{path}/pull_statistics")).await;
    assert_eq!(
        (
            &pulls["manifest_digest"],
            pulls["manifest_pull_count"].is_i64()
        ),
        (&json!(digest), true)
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn manifests_are_shown_on_sqlite() {
    manifests(Engine::Sqlite).await;
}

#[tokio::test]
async fn manifests_are_shown_on_postgresql() {
    manifests(Engine::PostgreSql).await;
}
