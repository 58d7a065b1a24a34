//! Lists of tags, page by page.

use super::*;

async fn pages_of_tags(engine: Engine) {
    let (mut server, owner, client) = start(engine).await;
    let image = Image::build(1, &[300]);
    client.push_image("devel/app", "t0", &image).await.unwrap();
    let cost = async |query| {
        let page = async || Ok(tags(&owner, query).await);
        server.statements_when_warm(page).await.unwrap()
    };
    assert!(cost("limit=5").await <= 2);
    for number in 1..23 {
        let tag = format!("{APP}/tag/t{number}");
        let point = json!({ "manifest_digest": image.manifest.digest });
        owner
            .put(&tag, point)
            .await
            .unwrap()
            .expect(&[StatusCode::CREATED])
            .unwrap();
    }
    assert!(cost("limit=5").await <= 2);
    assert!(cost("limit=5&page=3").await <= 2);
    // Pages in order, pages out of order, and pages after something came in front.
    let expected = |numbers: std::ops::Range<usize>| -> Vec<String> {
        numbers.rev().map(|number| format!("t{number}")).collect()
    };
    for page in [1, 2, 3, 4, 5, 2, 4] {
        let list = get(&owner, &format!("{APP}/tag/?limit=5&page={page}")).await;
        let end: usize = 23 - 5 * (page - 1);
        let shown = list["tags"].as_array().unwrap();
        assert_eq!(
            names(shown),
            expected(end.saturating_sub(5)..end),
            "page {page}"
        );
        assert_eq!(
            (&list["page"], &list["has_additional"]),
            (&json!(page), &json!(page < 5))
        );
    }
    // The repository tells its tags in that order, too.
    let viewed = get(&owner, APP).await;
    let names_told: Vec<_> = viewed["tags"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names_told, expected(0..23));
    client.push_image("devel/app", "t23", &image).await.unwrap();
    assert_eq!(
        names(&tags(&owner, "limit=5&page=2").await),
        expected(14..19)
    );
    // Filters.
    assert_eq!(
        names(&tags(&owner, "filter_tag_name=like:T2&limit=100").await),
        ["t23", "t22", "t21", "t20", "t2"]
    );
    assert_eq!(
        names(&tags(&owner, "filter_tag_name=like:2&limit=2&page=2").await),
        ["t21", "t20"]
    );
    assert_eq!(names(&tags(&owner, "filter_tag_name=eq:t7").await), ["t7"]);
    assert!(tags(&owner, "filter_tag_name=like:_").await.is_empty());
    assert_eq!(tags(&owner, "limit=1000").await.len(), 24);
    assert_eq!(tags(&owner, "limit=0").await.len(), 1);
    assert_eq!(
        status(owner.get(&format!("{APP}/tag/?filter_tag_name=t")).await).0,
        400
    );
    assert_eq!(
        status(owner.get(&format!("{APP}/tag/?page=x")).await).0,
        400
    );
    assert_eq!(
        status(owner.get("/api/v1/repository/devel/none/tag/").await),
        (404, "not_found".to_owned())
    );
    let slashless = owner.get(&format!("{APP}/tag")).await.unwrap();
    assert_eq!(slashless.status, StatusCode::PERMANENT_REDIRECT);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn tags_are_paged_on_sqlite() {
    pages_of_tags(Engine::Sqlite).await;
}

#[tokio::test]
async fn tags_are_paged_on_postgresql() {
    pages_of_tags(Engine::PostgreSql).await;
}
