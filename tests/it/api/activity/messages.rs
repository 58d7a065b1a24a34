//! Banners, error descriptions and capabilities.

use super::{Engine, Result, Value, json, json_of, refusal, start};

async fn banners_are_shown_to_everybody(engine: Engine) -> Result<()> {
    let (server, devel) = start(engine, json!({})).await?;
    let nobody = server.anonymous();
    let shown = async || json_of(nobody.get("/api/v1/messages").await?, 200);
    assert_eq!(shown().await?, json!({ "messages": [] }));

    let banner = json!({
        "message": { "content": "High tide at **noon**", "media_type": "text/markdown", "severity": "warning" },
    });
    let made = devel.post("/api/v1/messages", banner.clone()).await?;
    assert_eq!((made.status.as_u16(), made.text()), (201, String::new()));
    let messages = shown().await?;
    let uuid = messages["messages"][0]["uuid"].as_str().unwrap().to_owned();
    assert_eq!(
        messages,
        json!({ "messages": [{
            "uuid": uuid, "content": "High tide at **noon**", "severity": "warning", "media_type": "text/markdown",
        }] })
    );

    for wrong in [
        json!({}),
        json!({ "message": {} }),
        json!({ "message": { "content": "a", "media_type": "text/html", "severity": "info" } }),
        json!({ "message": { "content": "a", "media_type": "text/plain", "severity": "loud" } }),
        json!({ "message": { "content": null, "media_type": "text/plain", "severity": "info" } }),
        json!({ "message": { "content": "a".repeat(70_000), "media_type": "text/plain", "severity": "info" } }),
    ] {
        let answer = devel.post("/api/v1/messages", wrong).await?;
        refusal(answer, 400, "invalid_request")?;
    }
    // Neither a token nor what a browser would have to send.
    let refused = nobody.post("/api/v1/messages", banner.clone()).await?;
    assert!(json_of(refused, 403)?["error"].is_string());
    assert_eq!(shown().await?, messages);

    // Who is no superuser is refused in the framework's words.
    let ann = server.create_user("ann")?;
    let ann = server.signed_in("ann", ann.password()).await?;
    let told = "You don't have the permission to access the requested resource. It is either read-protected or not \
                readable by the server.";
    for answer in [
        ann.post("/api/v1/messages", banner).await?,
        ann.delete(&format!("/api/v1/message/{uuid}")).await?,
    ] {
        assert_eq!(json_of(answer, 403)?, json!({ "message": told }));
    }
    assert_eq!(shown().await?, messages);

    for _ in 0..2 {
        let gone = devel.delete(&format!("/api/v1/message/{uuid}")).await?;
        assert_eq!(gone.status, 204);
    }
    assert_eq!(shown().await?, json!({ "messages": [] }));

    let described = json_of(nobody.get("/api/v1/error/tag_immutable").await?, 200)?;
    assert_eq!(described["title"], "tag_immutable");
    let address = described["type"].as_str().unwrap();
    assert!(
        address.ends_with("/api/v1/error/tag_immutable"),
        "{address}"
    );
    refusal(nobody.get("/api/v1/error/no_such").await?, 404, "not_found")?;
    let capabilities: Value = json_of(nobody.get("/api/v1/registry/capabilities").await?, 200)?;
    assert_eq!(
        capabilities,
        json!({
            "sparse_manifests": {
                "supported": false, "required_architectures": [], "optional_architectures_allowed": false,
            },
            "mirror_architectures": ["amd64", "arm64", "ppc64le", "s390x"],
        })
    );
    Ok(())
}

on_engines! {
    banners_are_shown_to_everybody
}
