//! Tags that were moved away and back.

use super::*;

/// How often a tag is moved away and back.
const CHURN: usize = 80;

/// However often a tag was moved away and back, one statement removes all that can be restored.
async fn a_tag_that_came_back_often(engine: Engine) {
    let (mut server, owner, client) = start(engine).await;
    let mut digests = Vec::new();
    for seed in [1, 2] {
        let image = Image::build(seed, &[300]);
        client
            .push_image("devel/app", "churn", &image)
            .await
            .unwrap();
        digests.push(image.manifest.digest);
    }
    let point = |digest: &str| json!({ "manifest_digest": digest });
    let churn = format!("{APP}/tag/churn");
    let (first, second) = (&digests[0], &digests[1]);
    for digest in [first, second].into_iter().cycle().take(CHURN) {
        owner
            .post(&format!("{churn}/restore"), point(digest))
            .await
            .unwrap()
            .expect(&[StatusCode::OK])
            .unwrap();
    }
    let before = server.statements().await.unwrap();
    owner
        .post(&format!("{churn}/expire"), point(first))
        .await
        .unwrap()
        .expect(&[StatusCode::OK])
        .unwrap();
    let cost = server.statements().await.unwrap() - before;
    assert!(cost < CHURN as u64 / 2, "{cost} statements");
    assert_eq!(
        status(owner.post(&format!("{churn}/expire"), point(first)).await),
        (404, "not_found".to_owned())
    );
    assert_eq!(pulled(&client, "churn").await.as_ref(), Some(second));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_tag_came_back_often_on_sqlite() {
    a_tag_that_came_back_often(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_tag_came_back_often_on_postgresql() {
    a_tag_that_came_back_often(Engine::PostgreSql).await;
}
