//! Builds: as in a Quay without a builder they wait until somebody calls them off.

use reqwest::Method;

use super::{Engine, PASSWORD, Result, StatusCode, Value, json, json_of, kinds, refusal, start};

const BUILDS: &str = "/api/v1/repository/devel/app/build/";

async fn builds_are_requested_listed_and_called_off(engine: Engine) -> Result<()> {
    let (server, devel) = start(engine, json!({})).await?;
    let list = async |query: &str| -> Result<Value> {
        let listed = json_of(devel.get(&format!("{BUILDS}{query}")).await?, 200)?;
        Ok(listed["builds"].clone())
    };
    assert_eq!(list("").await?, json!([]));

    let request = json!({ "archive_url": "https://src.tide.example/ledger.tar.gz", "docker_tags": ["built"] });
    let answer = devel
        .post(BUILDS, request)
        .await?
        .expect(&[StatusCode::CREATED])?;
    let location = answer.header("location")?.to_owned();
    let build = answer.json()?;
    let uuid = build["id"].as_str().unwrap().to_owned();
    assert_eq!(
        build,
        json!({
            "id": uuid, "phase": "waiting", "started": build["started"], "display_name": "4b108cb", "status": {},
            "subdirectory": "/Dockerfile", "dockerfile_path": "/Dockerfile", "context": "/", "tags": ["built"],
            "manual_user": "devel", "is_writer": true, "trigger": null, "trigger_metadata": {},
            "resource_key": null, "pull_robot": null, "repository": { "namespace": "devel", "name": "app" },
            "error": null, "archive_url": "https://src.tide.example/ledger.tar.gz",
        })
    );
    assert_eq!(location, format!("{BUILDS}{uuid}/status"));
    assert_eq!(json_of(devel.get(&location).await?, 200)?, build);
    assert_eq!(
        json_of(devel.get(&format!("{BUILDS}{uuid}")).await?, 200)?,
        build
    );
    assert_eq!(
        json_of(
            devel.get(&format!("{BUILDS}{uuid}/logs?start=3")).await?,
            200
        )?,
        json!({ "start": 3, "total": 0, "logs": [] })
    );
    for path in ["status", "build"] {
        let shown = devel
            .get(&format!("/api/v1/superuser/{uuid}/{path}"))
            .await?;
        assert_eq!(json_of(shown, 200)?, build);
    }
    refusal(
        devel.get("/api/v1/superuser/none/build").await?,
        404,
        "not_found",
    )?;
    refusal(
        devel.get("/api/v1/superuser/none/logs").await?,
        400,
        "invalid_response",
    )?;
    let archive = format!("/api/v1/superuser/{uuid}/logs/archive");
    refusal(devel.get(&archive).await?, 400, "invalid_response")?;
    assert_eq!(list("").await?, json!([build]));
    assert_eq!(list("?since=4000000000").await?, json!([]));
    assert_eq!(list("?limit=0").await?, json!([]));
    assert_eq!(list("?limit=-1").await?, json!([]));

    // An uploaded context.
    let drop = json_of(
        devel
            .post(
                "/api/v1/filedrop/",
                json!({ "mimeType": "application/zip" }),
            )
            .await?,
        200,
    )?;
    let (url, file_id) = (
        drop["url"].as_str().unwrap(),
        drop["file_id"].as_str().unwrap(),
    );
    let path = &url[url.find("/userfiles/").unwrap()..];
    let nobody = server.anonymous();
    let upload = async |path: &str| {
        let request = nobody.request(Method::PUT, path).body("FROM scratch");
        nobody.send(request).await
    };
    assert_eq!(upload(&format!("/userfiles/{file_id}")).await?.status, 403);
    assert_eq!(upload(&path.replace(file_id, "other")).await?.status, 403);
    assert_eq!(
        nobody.get(&format!("/userfiles/{file_id}")).await?.status,
        404
    );
    let early = devel.post(BUILDS, json!({ "file_id": file_id })).await?;
    refusal(early, 400, "invalid_request")?;
    assert_eq!(
        upload(path).await?.expect(&[StatusCode::OK])?.text(),
        "Okay"
    );
    let fetched = nobody.get(&format!("/userfiles/{file_id}")).await?;
    assert_eq!(fetched.text(), "FROM scratch");
    let request = json!({ "file_id": file_id, "subdirectory": "a", "pull_robot": "devel+puller" });
    refusal(devel.post(BUILDS, request.clone()).await?, 404, "not_found")?;
    server.create_robot("devel+puller")?;
    let second = json_of(devel.post(BUILDS, request).await?, 201)?;
    assert_eq!(second["display_name"], "67c4282");
    assert_eq!(
        (
            &second["context"],
            &second["dockerfile_path"],
            &second["resource_key"]
        ),
        (&json!("a"), &json!("a/Dockerfile"), &json!(file_id))
    );
    assert_eq!(
        second["pull_robot"],
        json!({ "name": "devel+puller", "kind": "user", "is_robot": true })
    );

    for (wrong, text) in [
        (json!({}), "file_id or archive_url required"),
        (
            json!({ "archive_url": "ftp://a/b" }),
            "Invalid Archive URL: Must be http or https",
        ),
        (
            json!({ "archive_url": "no url" }),
            "Invalid Archive URL: Must be a valid URI",
        ),
        (
            json!({ "archive_url": "https://a/b", "docker_tags": [] }),
            "docker_tags must name 1 to 100 different tags",
        ),
        (
            json!({ "file_id": "none" }),
            "File none could not be found or is invalid",
        ),
    ] {
        let answer = devel.post(BUILDS, wrong).await?;
        assert_eq!(refusal(answer, 400, "invalid_request")?, text);
    }
    refusal(nobody.get(BUILDS).await?, 401, "invalid_token")?;
    assert_eq!(nobody.get(&format!("/buildlogs/{uuid}")).await?.status, 403);
    assert_eq!(
        nobody.get(&format!("/logarchive/{uuid}")).await?.status,
        403
    );
    // A page, so OAuth tokens do not count.
    let page = format!("/buildlogs/{uuid}");
    assert_eq!(devel.get(&page).await?.status, 403);
    let browser = server.signed_in("devel", PASSWORD).await?;
    let logs = browser.get(&page).await?;
    assert_eq!(
        logs.header("content-disposition")?,
        format!("attachment;filename={uuid}.json")
    );
    assert_eq!(logs.json()?, json!({ "logs": [] }));
    assert_eq!(list("").await?.as_array().unwrap().len(), 2);

    let one = format!("{BUILDS}{uuid}");
    let cancelled = devel.delete(&one).await?;
    assert_eq!(json_of(cancelled, 201)?, json!("Okay"));
    assert_eq!(json_of(devel.get(&one).await?, 200)?["phase"], "cancelled");
    let again = refusal(devel.delete(&one).await?, 400, "invalid_request")?;
    assert_eq!(again, "Build is currently running or has finished");
    refusal(
        devel.delete(&format!("{BUILDS}none")).await?,
        404,
        "not_found",
    )?;
    assert_eq!(
        kinds(&devel, "/api/v1/repository/devel/app/logs").await?,
        [
            "cancel_build",
            "build_dockerfile",
            "build_dockerfile",
            "create_repo"
        ]
    );
    Ok(())
}

on_engines! {
    builds_are_requested_listed_and_called_off
}
