//! Pushing, reading and deleting manifests.

use pierhead_oci::media_type::{DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, OCI_INDEX, OCI_MANIFEST};
use serde_json::json;

use crate::site::{Image, digest_of, sha512_of};

on_both_engines! {
    fn the_colon_of_a_digest_may_be_percent_encoded(site) {
        let ann = site.ann(&["ann/app"]).await;
        let digest = ann.push_image("ann/app", "latest", &Image::of("image")).await;
        let path = format!("/v2/ann/app/manifests/{}", digest.replace(':', "%3A"));
        let answer = ann.get(&path).await.expect(200);
        assert_eq!(answer.header("docker-content-digest"), digest);
        ann.get("/v2/ann/app/manifests/%ff").await.refuses(400, "NAME_INVALID");
    }

    // Promise 1: verbatim bytes.
    fn a_manifest_is_served_as_it_was_pushed(site) {
        let ann = site.ann(&["ann/app"]).await;
        let mut image = Image::of("image");
        image.manifest = image.manifest.replacen('{', "{ \n\t\"unknown\": \"\u{e9} \\u00e9\",", 1);
        let digest = ann.push_image("ann/app", "latest", &image).await;
        for site in [&*site, &site.again(|_| ()).await] {
            let ann = ann.at(site);
            for reference in ["latest", &digest] {
                for method in ["GET", "HEAD", "GET"] {
                    let path = format!("/v2/ann/app/manifests/{reference}");
                    let answer = ann.call(method, &path, &[("accept", "text/html")], "").await.expect(200);
                    assert_eq!(answer.header("content-type"), OCI_MANIFEST);
                    assert_eq!(answer.header("docker-content-digest"), digest);
                    assert_eq!(answer.header("content-length"), image.manifest.len().to_string());
                    if method == "GET" {
                        assert!(answer.body == image.manifest);
                    }
                }
            }
        }
    }

    fn a_push_says_where_the_manifest_is(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let digest = ann.push_image("ann/app", "latest", &image).await;
        let artifact = Image::artifact(&image, "application/x", "note");
        ann.push_blob("ann/app", b"{}").await;
        let by_digest = format!("{}?tag=one", artifact.digest());
        for (reference, tag) in [("two", ""), (&by_digest, "one")] {
            let answer = ann.push_manifest("ann/app", reference, OCI_MANIFEST, &artifact.manifest).await.expect(201);
            assert_eq!(answer.location(), format!("/v2/ann/app/manifests/{}", artifact.digest()));
            assert_eq!(answer.header("docker-content-digest"), artifact.digest());
            assert_eq!(answer.header("oci-subject"), digest);
            assert_eq!(answer.header("oci-tag"), tag);
        }
    }

    fn the_digest_of_a_push_is_checked(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "latest", &image).await;
        let push = async |digest: String| ann.push_manifest("ann/app", &digest, OCI_MANIFEST, &image.manifest).await;
        push(digest_of(b"other")).await.refuses(400, "DIGEST_INVALID");
        push("sha256:abc".to_owned()).await.refuses(400, "DIGEST_INVALID");
        let sha512 = sha512_of(image.manifest.as_bytes());
        push(sha512.clone()).await.expect(201);
        ann.get(&format!("/v2/ann/app/manifests/{sha512}")).await.expect(200);
        assert_eq!(site.sql("SELECT COUNT(*) FROM manifest").await, "2");
    }

    // §6: missing blobs, wrong sizes.
    fn a_manifest_needs_its_blobs_with_their_sizes(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let push = async |manifest: &str| ann.push_manifest("ann/app", "latest", OCI_MANIFEST, manifest).await;
        push(&image.manifest).await.refuses(400, "MANIFEST_BLOB_UNKNOWN");
        ann.push_blob("ann/app", &image.blobs[0]).await;
        let refused = push(&image.manifest).await.refuses(400, "MANIFEST_BLOB_UNKNOWN");
        assert!(refused.json()["errors"][0]["detail"]["message"].as_str().unwrap().contains(&digest_of(&image.blobs[1])));
        ann.push_blob("ann/app", &image.blobs[1]).await;
        let size = format!("\"size\":{}", image.blobs[1].len());
        push(&image.manifest.replace(&size, "\"size\":7")).await.refuses(400, "SIZE_INVALID");
        push(&image.manifest.replace(&size, "\"size\":-7")).await.refuses(400, "MANIFEST_INVALID");
        assert_eq!(site.sql("SELECT COUNT(*) FROM manifest").await, "0");
        push(&image.manifest).await.expect(201);
        assert_eq!(site.sql("SELECT COUNT(*) FROM manifestblob").await, "2");
    }

    fn an_index_needs_its_children(site) {
        let ann = site.ann(&["ann/app"]).await;
        let (one, two) = (Image::of("one"), Image::of("two"));
        ann.push_image("ann/app", "one", &one).await;
        let index = Image::index(&[&one, &two]);
        ann.push_manifest("ann/app", "all", OCI_INDEX, &index.manifest).await.refuses(400, "MANIFEST_BLOB_UNKNOWN");
        ann.push_image("ann/app", "two", &two).await;
        let size = format!("\"size\":{}", one.manifest.len());
        let wrong = index.manifest.replacen(&size, "\"size\":7", 1);
        ann.push_manifest("ann/app", "all", OCI_INDEX, &wrong).await.refuses(400, "SIZE_INVALID");
        ann.push_manifest("ann/app", "all", OCI_INDEX, &index.manifest).await.expect(201);
    }

    fn an_index_may_be_sparse_if_so_configured(site) with |settings| { settings.registry.sparse_index = true; } {
        let ann = site.ann(&["ann/app"]).await;
        let (one, two) = (Image::of("one"), Image::of("two"));
        ann.push_image("ann/app", &one.digest(), &one).await;
        let index = Image::index(&[&one, &two]);
        ann.push_image("ann/app", "all", &index).await;
        let path = format!("/v2/ann/app/manifests/{}", two.digest());
        ann.get(&path).await.refuses(404, "MANIFEST_UNKNOWN");
        ann.push_image("ann/app", &two.digest(), &two).await;
        ann.push_image("ann/app", "all", &index).await;
        assert_eq!(site.sql("SELECT COUNT(*) FROM manifestchild").await, "2");
    }

    fn nested_indexes_live_by_their_root(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let inner = Image::index(&[&image]);
        let root = Image::index(&[&inner]);
        for pushed in [&image, &inner] {
            ann.push_image("ann/app", &pushed.digest(), pushed).await;
        }
        ann.push_image("ann/app", "root", &root).await;
        site.sql("UPDATE tag SET lifetime_end_ms = 1 WHERE name LIKE '$temp-%'").await;
        let site = site.again(|_| ()).await;
        let ann = ann.at(&site);
        let path = |image: &Image| format!("/v2/ann/app/manifests/{}", image.digest());
        for part in [&image, &inner, &root] {
            ann.get(&path(part)).await.expect(200);
        }
        // What lives as a part may be named by a new index.
        ann.push_image("ann/app", "another", &Image::index(&[&image, &inner])).await;
        ann.delete("/v2/ann/app/manifests/another").await.expect(202);
        for part in [&image, &inner] {
            ann.delete(&path(part)).await.refuses(405, "UNSUPPORTED");
        }
        ann.delete("/v2/ann/app/manifests/root").await.expect(202);
        for part in [&image, &inner, &root] {
            ann.get(&path(part)).await.refuses(404, "MANIFEST_UNKNOWN");
        }
    }

    fn deleting_a_manifest_ends_all_its_tags(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let path = format!("/v2/ann/app/manifests/{}", image.digest());
        ann.push_image("ann/app", &image.digest(), &image).await;
        for tag in ["one", "two"] {
            ann.push_image("ann/app", tag, &image).await;
            ann.get(&format!("/v2/ann/app/manifests/{tag}")).await.expect(200);
        }
        ann.get(&path).await.expect(200);
        ann.delete(&path).await.expect(202);
        ann.get(&path).await.refuses(404, "MANIFEST_UNKNOWN");
        ann.delete(&path).await.refuses(404, "MANIFEST_UNKNOWN");
        for tag in ["one", "two"] {
            ann.get(&format!("/v2/ann/app/manifests/{tag}")).await.refuses(404, "TAG_EXPIRED");
        }
        assert_eq!(site.sql("SELECT COUNT(*) FROM tag WHERE lifetime_end_ms IS NULL").await, "0");
        site.write_audit_log().await;
        let log = "SELECT k.name, COUNT(*) FROM logentry3 l JOIN logentrykind k ON k.id = l.kind_id \
            WHERE k.name IN ('push_repo', 'delete_tag', 'pull_repo') GROUP BY k.name ORDER BY k.name";
        assert_eq!(site.sql(log).await, "delete_tag|2\npull_repo|3\npush_repo|2");
    }

    // U47: schema 1 stored by Quay is served verbatim; pushing it gets a clear error.
    fn schema_1_is_served_and_not_accepted(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "old", &image).await;
        let schema1 = r#"{"schemaVersion": 1, "name": "ann/app", "tag": "old", "fsLayers": [], "history": []}"#;
        let digest = digest_of(schema1.as_bytes());
        site.sql(&format!(
            "UPDATE manifest SET manifest_bytes = '{schema1}', digest = '{digest}', \
             media_type_id = (SELECT id FROM mediatype WHERE name = '{DOCKER_SCHEMA1_SIGNED}')"
        )).await;
        let site = site.again(|_| ()).await;
        let ann = ann.at(&site);
        for reference in ["old", &digest] {
            let answer = ann.get(&format!("/v2/ann/app/manifests/{reference}")).await.expect(200);
            assert!(answer.body == schema1);
            assert_eq!(answer.header("content-type"), DOCKER_SCHEMA1_SIGNED);
        }
        for media_type in [DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED] {
            let refused = ann.push_manifest("ann/app", "old", media_type, schema1).await.refuses(415, "MANIFEST_INVALID");
            let message = refused.json()["errors"][0]["detail"]["message"].to_string();
            assert!(message.contains("schema"), "{message}");
        }
    }

    fn the_type_of_a_push_may_have_parameters(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        for blob in &image.blobs {
            ann.push_blob("ann/app", blob).await;
        }
        let media_type = format!("{OCI_MANIFEST}; charset=utf-8");
        ann.push_manifest("ann/app", "latest", &media_type, &image.manifest).await.expect(201);
        assert_eq!(ann.get("/v2/ann/app/manifests/latest").await.header("content-type"), OCI_MANIFEST);
    }

    // §6: manifests over the limit, ambiguous ones, JSON that is none.
    fn a_manifest_that_breaks_a_rule_is_refused(site) with |settings| { settings.registry.manifest_limits.max_bytes = 100_000; } {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "latest", &image).await;
        let push = async |media_type: &str, manifest: &str| ann.push_manifest("ann/app", "latest", media_type, manifest).await;
        let large = image.manifest.replacen('{', &format!("{{{}", " ".repeat(100_000)), 1);
        push(OCI_MANIFEST, &large).await.refuses(413, "SIZE_INVALID");
        let ambiguous = image.manifest.replacen('{', "{\"manifests\":[],", 1);
        push(OCI_MANIFEST, &ambiguous).await.refuses(400, "MANIFEST_INVALID");
        push(OCI_INDEX, &image.manifest).await.refuses(400, "MANIFEST_INVALID");
        push("text/plain", &image.manifest).await.refuses(415, "MANIFEST_INVALID");
        let twice = image.manifest.replacen('{', "{\"schemaVersion\":2,", 1);
        push(OCI_MANIFEST, &twice).await.refuses(400, "MANIFEST_INVALID");
        let deep = image.manifest.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(5000), "]".repeat(5000)), 1);
        push(OCI_MANIFEST, &deep).await.refuses(400, "MANIFEST_INVALID");
        for nonsense in ["", "null", "[]", "{}", "\"x\"", "{\"schemaVersion\":2"] {
            push(OCI_MANIFEST, nonsense).await.refuses(400, "MANIFEST_INVALID");
        }
        assert_eq!(site.sql("SELECT COUNT(*) FROM manifest").await, "1");
        assert_eq!(ann.get("/v2/ann/app/manifests/latest").await.body, image.manifest);
    }

    fn malformed_references_and_names_get_oci_errors(site) {
        let ann = site.ann(&["ann/app"]).await;
        for reference in [".tag", "-tag", "a%20b", "sha256-", &"x".repeat(200)] {
            let answer = ann.get(&format!("/v2/ann/app/manifests/{reference}")).await;
            assert!([400, 404].contains(&answer.status.as_u16()) && !answer.code().is_empty(), "{reference}: {answer:?}");
        }
        ann.get("/v2/ann/app/manifests/.tag").await.refuses(400, "TAG_INVALID");
        ann.get("/v2/ann/app/manifests/sha256:xyz").await.refuses(400, "DIGEST_INVALID");
        ann.get("/v2/ann/app/blobs/latest").await.refuses(400, "DIGEST_INVALID");
        ann.get("/v2/ann/UPPER/tags/list").await.refuses(400, "NAME_INVALID");
        ann.get("/v2/ann/app/unknown").await.refuses(404, "UNSUPPORTED");
        ann.post("/v2/ann/app/manifests/latest").await.refuses(405, "UNSUPPORTED");
    }

    // Quota totals are counted anew after content was added.
    fn quota_totals_are_reset_if_so_configured(site) with |settings| { settings.registry.reset_quota_totals = true; } {
        let ann = site.ann(&["ann/app"]).await;
        ann.push_image("ann/app", "one", &Image::of("one")).await;
        site.sql("INSERT INTO quotarepositorysize (repository_id, size_bytes, backfill_start_ms, backfill_complete) SELECT id, 5, 7, true FROM repository").await;
        ann.push_image("ann/app", "two", &Image::of("one")).await;
        assert_eq!(site.sql("SELECT size_bytes FROM quotarepositorysize").await, "5");
        ann.push_image("ann/app", "two", &Image::of("two")).await;
        assert_eq!(site.sql("SELECT size_bytes, COALESCE(backfill_start_ms, -1) FROM quotarepositorysize").await, "0|-1");
    }

    fn config_that_is_missing_from_the_storage_fails_the_push_and_nothing_else(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::with("image", &json!({"a": "b"}), &json!({}));
        for blob in &image.blobs {
            ann.push_blob("ann/app", blob).await;
        }
        std::fs::remove_file(site.content(&digest_of(&image.blobs[0]))).unwrap();
        ann.push_manifest("ann/app", "latest", OCI_MANIFEST, &image.manifest).await.refuses(500, "UNKNOWN");
        assert_eq!(site.sql("SELECT COUNT(*) FROM manifest").await, "0");
        ann.push_image("ann/app", "latest", &image).await;
    }
}
