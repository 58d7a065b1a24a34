//! Tags: their history, their lists, and their deletion.

use crate::site::Image;

/// One row for each interval of visible tags: name, whether it ended, order of starts and ends.
const HISTORY: &str = "SELECT t.name, m.digest, CASE WHEN t.lifetime_end_ms IS NULL THEN 'alive' ELSE 'ended' END \
    FROM tag t JOIN manifest m ON m.id = t.manifest_id WHERE t.hidden = false ORDER BY t.id";

on_both_engines! {
    // database.md §4.9: a row is never changed but for its end.
    fn a_moved_tag_keeps_its_history(site) {
        let ann = site.ann(&["ann/app"]).await;
        let (one, two) = (Image::of("one"), Image::of("two"));
        for image in [&one, &two, &two, &one] {
            ann.push_image("ann/app", "latest", image).await;
        }
        let row = |image: &Image, state: &str| format!("latest|{}|{state}", image.digest());
        let history = [row(&one, "ended"), row(&two, "ended"), row(&two, "ended"), row(&one, "alive")];
        assert_eq!(site.sql(HISTORY).await, history.join("\n"));
        // Each ends when the next begins.
        let gaps = "SELECT COUNT(*) FROM tag a JOIN tag b ON b.id = (SELECT MIN(c.id) FROM tag c WHERE c.id > a.id AND c.hidden = false) \
            WHERE a.hidden = false AND (a.lifetime_end_ms <> b.lifetime_start_ms OR a.lifetime_end_ms <= a.lifetime_start_ms)";
        assert_eq!(site.sql(gaps).await, "0");
        let answer = ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        assert_eq!(answer.header("docker-content-digest"), one.digest());
        ann.delete("/v2/ann/app/manifests/latest").await.expect(202);
        ann.get("/v2/ann/app/manifests/latest").await.refuses(404, "TAG_EXPIRED");
        ann.get("/v2/ann/app/manifests/never").await.refuses(404, "MANIFEST_UNKNOWN");
        ann.delete("/v2/ann/app/manifests/latest").await.refuses(404, "MANIFEST_UNKNOWN");
        assert_eq!(site.sql("SELECT COUNT(*) FROM tag WHERE hidden = false AND lifetime_end_ms IS NULL").await, "0");
        ann.push_image("ann/app", "latest", &two).await;
        ann.get("/v2/ann/app/manifests/latest").await.expect(200);
    }

    fn tags_are_listed_in_the_order_of_their_bytes_page_by_page(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "a", &image).await;
        let mut names = ["B", "a-1", "a.1", "a1", "_x", "Z", "b", "0", "latest", "LATEST", "a_b", "aB"].map(str::to_owned).to_vec();
        for name in &names {
            ann.push_manifest("ann/app", name, &image.media_type, &image.manifest).await.expect(201);
        }
        names.push("a".to_owned());
        names.sort();
        let list = ann.get("/v2/ann/app/tags/list").await.expect(200).json();
        assert_eq!(list, serde_json::json!({"name": "ann/app", "tags": names}));
        for n in [1, 2, 5, 12, 13] {
            let mut found = Vec::new();
            let mut next = Some(format!("/v2/ann/app/tags/list?n={n}"));
            while let Some(path) = next {
                let page = ann.get(&path).await.expect(200);
                let tags: Vec<String> = serde_json::from_value(page.json()["tags"].clone()).unwrap();
                assert!(tags.len() <= n, "{path}");
                found.extend(tags);
                next = page.next_page();
            }
            assert_eq!(found, names, "n={n}");
        }
        let after = ann.get("/v2/ann/app/tags/list?n=2&last=a-").await.json();
        assert_eq!(after["tags"], serde_json::json!(["a-1", "a.1"]));
    }

    // §6: n out of range.
    fn a_page_has_a_size_whatever_is_asked_for(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "a", &image).await;
        for n in 0..105 {
            site.sql(&format!(
                "INSERT INTO tag (name, repository_id, manifest_id, lifetime_start_ms, hidden, reversion, tag_kind_id, immutable) \
                 SELECT 't{n}', repository_id, manifest_id, 1, false, false, tag_kind_id, false FROM tag WHERE name = 'a'"
            )).await;
        }
        for (n, size) in [("0", 0), ("-1", 0), ("1000000", 100), ("99999999999999999999", 100), ("x", 100), ("", 100)] {
            let page = ann.get(&format!("/v2/ann/app/tags/list?n={n}")).await.expect(200);
            assert_eq!(page.json()["tags"].as_array().unwrap().len(), size, "n={n}");
        }
        let long = "x".repeat(2000);
        ann.get(&format!("/v2/ann/app/tags/list?last={long}")).await.refuses(400, "TAG_INVALID");
    }

    fn an_empty_repository_has_no_tags(site) {
        let ann = site.ann(&["ann/app"]).await;
        let list = ann.get("/v2/ann/app/tags/list").await.expect(200).json();
        assert_eq!(list, serde_json::json!({"name": "ann/app", "tags": []}));
    }

    // registry.md §23: several tags in one push by digest.
    fn a_push_by_digest_may_set_several_tags(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        for blob in &image.blobs {
            ann.push_blob("ann/app", blob).await;
        }
        let push = |query: String| {
            let (ann, image) = (ann.clone(), image.clone());
            async move {
                let reference = format!("{}?{query}", image.digest());
                ann.push_manifest("ann/app", &reference, &image.media_type, &image.manifest).await
            }
        };
        let answer = push("tag=one&tag=two&tag=one".to_owned()).await.expect(201);
        assert!(answer.headers.get_all("oci-tag").iter().any(|tag| tag == "two"));
        assert_eq!(site.sql(HISTORY).await, format!("one|{0}|alive\ntwo|{0}|alive", image.digest()));
        push("tag=.bad".to_owned()).await.refuses(400, "TAG_INVALID");
        let many: Vec<_> = (0..101).map(|n| format!("tag=t{n}")).collect();
        push(many.join("&")).await.refuses(414, "TAG_INVALID");
        push(many[..100].join("&")).await.expect(201);
    }

    fn an_immutable_tag_stays(site) {
        let ann = site.ann(&["ann/app"]).await;
        let (one, two) = (Image::with("one", &serde_json::json!({"quay.immutable": "true"}), &serde_json::json!({})), Image::of("two"));
        ann.push_image("ann/app", "release", &one).await;
        ann.push_image("ann/app", "other", &two).await;
        ann.push_manifest("ann/app", "release", &two.media_type, &two.manifest).await.refuses(409, "TAG_IMMUTABLE");
        ann.delete("/v2/ann/app/manifests/release").await.refuses(409, "TAG_IMMUTABLE");
        ann.delete(&format!("/v2/ann/app/manifests/{}", one.digest())).await.refuses(409, "TAG_IMMUTABLE");
        ann.get("/v2/ann/app/manifests/release").await.expect(200);
    }

    // observed.md: patterns match in full.
    fn a_policy_makes_tags_immutable(site) {
        let ann = site.ann(&["ann/app"]).await;
        let (one, two) = (Image::of("one"), Image::of("two"));
        ann.push_image("ann/app", "unrelated", &two).await;
        site.sql(r#"INSERT INTO repositoryimmutabilitypolicy (uuid, repository_id, namespace_id, policy) SELECT 'p', id, namespace_user_id, '{"tag_pattern": "v[0-9]+", "tag_pattern_matches": true}' FROM repository WHERE name = 'app'"#).await;
        for (tag, moves) in [("v1", false), ("v1-rc", true), ("xv1", true)] {
            ann.push_image("ann/app", tag, &one).await;
            let moved = ann.push_manifest("ann/app", tag, &two.media_type, &two.manifest).await;
            assert_eq!(moved.status == 201, moves, "{tag}: {moved:?}");
        }
        site.sql(r#"UPDATE repositoryimmutabilitypolicy SET policy = '{"tag_pattern": "(", "tag_pattern_matches": false}'"#).await;
        ann.push_image("ann/app", "v2", &one).await;
        ann.push_image("ann/app", "v2", &two).await;
    }
}
