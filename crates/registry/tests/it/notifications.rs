//! What a push puts into Quay's queue of notifications.

use serde_json::{Value, json};

use crate::site::{Image, Site};

/// Adds a hook for an event to a repository.
pub(crate) async fn hook(site: &Site, repository: &str, event: &str, uuid: &str) {
    site.sql(&format!(
        "INSERT INTO repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json, number_of_failures) \
         SELECT '{uuid}', r.id, e.id, m.id, '{{}}', '{{}}', 0 FROM repository r, externalnotificationevent e, externalnotificationmethod m \
         WHERE r.name = '{repository}' AND e.name = '{event}' AND m.name = 'webhook'"
    ))
    .await;
}

const ITEMS: &str = "SELECT queue_name, CASE WHEN available THEN 1 ELSE 0 END, retries_remaining, \
    CASE WHEN processing_expires IS NULL THEN 1 ELSE 0 END, LENGTH(state_id), body FROM queueitem ORDER BY id";

/// Name of the queue and body of each item; what the others hold is the same for all.
async fn items(site: &Site) -> Vec<(String, Value)> {
    let rows = site.sql(ITEMS).await;
    rows.lines()
        .map(|row| {
            let (head, body) = row.split_at(row.find('{').unwrap());
            let name = head.strip_suffix("|1|5|1|36|").unwrap();
            (name.to_owned(), serde_json::from_str(body).unwrap())
        })
        .collect()
}

on_both_engines! {
    // registry.md §12: repo_push {"updated_tags": [tag]}, one item for each hook.
    fn a_push_is_queued_for_each_hook_of_the_repository(site) {
        let ann = site.ann(&["ann/app", "ann/other"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "before", &image).await;
        ann.push_image("ann/other", "before", &image).await;
        hook(site, "app", "repo_push", "6f1c1f4e-0000-4000-8000-000000000001").await;
        hook(site, "app", "repo_push", "6f1c1f4e-0000-4000-8000-000000000002").await;
        hook(site, "app", "vulnerability_found", "6f1c1f4e-0000-4000-8000-000000000003").await;
        hook(site, "other", "vulnerability_found", "6f1c1f4e-0000-4000-8000-000000000004").await;

        ann.push_image("ann/other", "after", &image).await;
        ann.push_image("ann/app", "v1", &image).await;
        let ann_id: i64 = site.sql("SELECT id FROM \"user\" WHERE username = 'ann'").await.parse().unwrap();
        let body = |uuid: &str, tags: Value| json!({
            "notification_uuid": uuid,
            "event_data": {
                "repository": "ann/app",
                "namespace": "ann",
                "name": "app",
                "docker_url": "registry.test/ann/app",
                "homepage": "https://registry.test/repository/ann/app",
                "updated_tags": tags,
            },
            "performer_data": { "entity_id": ann_id, "entity_name": "ann" },
        });
        let mut queued = items(site).await;
        queued.sort_by_key(|(_, body)| body["notification_uuid"].to_string());
        let name = "notification/ann/app/repo_push/".to_owned();
        let one = |tags: Value| (name.clone(), body("6f1c1f4e-0000-4000-8000-000000000001", tags));
        let two = |tags: Value| (name.clone(), body("6f1c1f4e-0000-4000-8000-000000000002", tags));
        assert_eq!(queued, [one(json!(["v1"])), two(json!(["v1"]))]);
        let ready = "SELECT COUNT(*) FROM queueitem q JOIN tag t ON t.name = 'v1' \
            WHERE q.available_after > (SELECT MAX(datetime) FROM logentry3)";
        assert_eq!(site.sql(ready).await, "0");

        // One notification for all tags of a push, none for a push without.
        let path = format!("/v2/ann/app/manifests/{}?tag=a&tag=b", image.digest());
        let headers = [("content-type", image.media_type.as_str())];
        ann.call("PUT", &path, &headers, image.manifest.clone()).await.expect(201);
        ann.push_image("ann/app", &image.digest(), &image).await;
        let queued = items(site).await;
        assert_eq!(queued.len(), 4);
        assert_eq!(queued[2].1["event_data"]["updated_tags"], json!(["a", "b"]));
    }

    // Either both are there or none.
    fn a_push_that_fails_is_not_announced(site) {
        let ann = site.ann(&["ann/app"]).await;
        hook(site, "app", "repo_push", "6f1c1f4e-0000-4000-8000-000000000001").await;
        let image = Image::of("image");
        ann.push_manifest("ann/app", "v1", &image.media_type, &image.manifest).await.refuses(400, "MANIFEST_BLOB_UNKNOWN");
        ann.push_image("ann/app", "v1", &image).await;
        site.sql("UPDATE tag SET immutable = true").await;
        ann.push_manifest("ann/app", "v1", &image.media_type, &image.manifest).await.refuses(409, "TAG_IMMUTABLE");
        assert_eq!(items(site).await.len(), 1);
    }
}
