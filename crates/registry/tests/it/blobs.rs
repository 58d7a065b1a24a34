//! Reading and deleting blobs.

use pierhead_auth::accounts::Visibility;

use crate::site::{Image, digest_of};

on_both_engines! {
    fn a_blob_is_served_whole_or_in_part(site) {
        let ann = site.ann(&["ann/app"]).await;
        for size in [10usize, 100_000] {
            let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let digest = ann.push_blob("ann/app", &content).await;
            let path = format!("/v2/ann/app/blobs/{digest}");
            for method in ["GET", "HEAD"] {
                let answer = ann.call(method, &path, &[], "").await.expect(200);
                assert_eq!(answer.header("content-length"), size.to_string());
                assert_eq!(answer.header("docker-content-digest"), digest);
                assert_eq!(answer.header("content-type"), "application/octet-stream");
                assert_eq!(answer.header("accept-ranges"), "bytes");
            }
            assert!(ann.get(&path).await.body == content);
            for (range, start, end) in [("bytes=0-0", 0, 1), ("bytes=3-5", 3, 6), ("bytes=-4", size - 4, size), ("bytes=7-", 7, size), ("bytes=5-99999999999999999999", 5, size)] {
                let answer = ann.call("GET", &path, &[("range", range)], "").await.expect(206);
                assert!(answer.body == content[start..end], "{range}");
                assert_eq!(answer.header("content-range"), format!("bytes {start}-{}/{size}", end - 1));
                assert_eq!(answer.header("content-length"), (end - start).to_string());
            }
            for range in [format!("bytes={size}-"), "bytes=-0".to_owned(), "bytes=5-3".to_owned()] {
                let answer = ann.call("GET", &path, &[("range", &range)], "").await.expect(416);
                assert_eq!(answer.header("content-range"), format!("bytes */{size}"));
            }
            for range in ["bytes=a-b", "lines=1-2", "bytes", "bytes=1-2,4-5"] {
                ann.call("GET", &path, &[("range", range)], "").await.expect(200);
            }
        }
    }

    fn a_blob_is_unknown_where_it_was_not_pushed(site) {
        let ann = site.ann(&["ann/app", "ann/other"]).await;
        let digest = ann.push_blob("ann/app", b"secret").await;
        ann.get(&format!("/v2/ann/other/blobs/{digest}")).await.refuses(404, "BLOB_UNKNOWN");
        let bob = site.person("bob", &["bob/app"]).await;
        bob.get(&format!("/v2/bob/app/blobs/{digest}")).await.refuses(404, "BLOB_UNKNOWN");
        bob.get(&format!("/v2/ann/app/blobs/{digest}")).await.refuses(401, "UNAUTHORIZED");
        // Whoever knows the digest of a config only must not get its content by a manifest of his own.
        let image = Image::of("secret");
        ann.push_image("ann/app", "latest", &image).await;
        bob.push_manifest("bob/app", "stolen", &image.media_type, &image.manifest).await.refuses(400, "MANIFEST_BLOB_UNKNOWN");
    }

    fn a_deleted_blob_is_gone_until_it_is_pushed_again(site) {
        let ann = site.ann(&["ann/app", "ann/other"]).await;
        let digest = ann.push_blob("ann/app", b"content").await;
        ann.push_blob("ann/other", b"content").await;
        let path = format!("/v2/ann/app/blobs/{digest}");
        ann.get(&path).await.expect(200);
        ann.delete(&path).await.expect(202);
        ann.head(&path).await.expect(404);
        ann.delete(&path).await.refuses(404, "BLOB_UNKNOWN");
        ann.get(&format!("/v2/ann/other/blobs/{digest}")).await.expect(200);
        ann.push_blob("ann/app", b"content").await;
        assert_eq!(&ann.get(&path).await.expect(200).body[..], b"content");
    }

    fn a_blob_that_a_living_manifest_uses_cannot_be_deleted(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("child");
        let digest = ann.push_image("ann/app", &image.digest(), &image).await;
        let inner = Image::index(&[&image]);
        ann.push_image("ann/app", &inner.digest(), &inner).await;
        let root = Image::index(&[&inner]);
        ann.push_image("ann/app", "root", &root).await;
        let layer = format!("/v2/ann/app/blobs/{}", digest_of(&image.blobs[1]));
        ann.delete(&layer).await.refuses(405, "UNSUPPORTED");
        // Also when only the root of the nested indexes keeps it alive.
        site.sql("UPDATE tag SET lifetime_end_ms = 1 WHERE name LIKE '$temp-%'").await;
        ann.delete(&layer).await.refuses(405, "UNSUPPORTED");
        ann.get(&format!("/v2/ann/app/manifests/{digest}")).await.expect(200);
        ann.delete("/v2/ann/app/manifests/root").await.expect(202);
        ann.delete(&layer).await.expect(202);
        ann.head(&layer).await.expect(404);
        // The dead manifest still names it: pushing the blob again brings it back.
        ann.push_image("ann/app", "again", &image).await;
        ann.get(&layer).await.expect(200);
    }

    // Quay's index on imagestorage.content_checksum is not unique.
    fn several_rows_may_name_one_content(site) {
        let ann = site.ann(&["ann/app", "ann/other"]).await;
        let digest = ann.push_blob("ann/app", b"content").await;
        site.sql(&format!(
            "INSERT INTO imagestorage (uuid, image_size, uploading, cas_path, content_checksum) \
             VALUES ('0a0a', 7, false, true, '{digest}')"
        )).await;
        site.sql("INSERT INTO imagestorageplacement (storage_id, location_id) \
            SELECT s.id, l.id FROM imagestorage s, imagestoragelocation l WHERE s.uuid = '0a0a' AND l.name = 'local_us'").await;
        site.sql("INSERT INTO uploadedblob (repository_id, blob_id, uploaded_at, expires_at) \
            SELECT r.id, s.id, '2026-01-01 00:00:00', '2036-01-01 00:00:00' FROM repository r, imagestorage s \
            WHERE r.name = 'app' AND s.uuid = '0a0a'").await;
        let site = site.again(|_| ()).await;
        let ann = ann.at(&site);
        assert_eq!(&ann.get(&format!("/v2/ann/app/blobs/{digest}")).await.expect(200).body[..], b"content");
        ann.push_blob("ann/other", b"content").await;
        ann.delete(&format!("/v2/ann/app/blobs/{digest}")).await.expect(202);
        ann.get(&format!("/v2/ann/app/blobs/{digest}")).await.refuses(404, "BLOB_UNKNOWN");
    }

    // U47: content from the time of the v1 protocol.
    fn content_of_old_rows_lies_under_their_id(site) {
        let ann = site.ann(&["ann/app"]).await;
        let digest = ann.push_blob("ann/app", b"old content").await;
        let uuid = site.sql("SELECT uuid FROM imagestorage").await;
        site.sql("UPDATE imagestorage SET cas_path = false, image_size = NULL").await;
        let old = site.stored(&format!("sharedimages/{uuid}/layer"));
        std::fs::create_dir_all(old.parent().unwrap()).unwrap();
        std::fs::rename(site.content(&digest), &old).unwrap();
        let site = site.again(|_| ()).await;
        let ann = ann.at(&site);
        let path = format!("/v2/ann/app/blobs/{digest}");
        assert_eq!(ann.head(&path).await.expect(200).header("content-length"), "11");
        assert_eq!(&ann.get(&path).await.expect(200).body[..], b"old content");
        // The same content pushed again gets a row and a place of today.
        ann.push_blob("ann/app", b"old content").await;
        assert!(site.content(&digest).exists());
    }

    fn an_empty_blob_needs_no_object(site) {
        let ann = site.ann(&["ann/app"]).await;
        let digest = ann.push_blob("ann/app", b"").await;
        std::fs::remove_file(site.content(&digest)).unwrap();
        let path = format!("/v2/ann/app/blobs/{digest}");
        assert!(ann.get(&path).await.expect(200).body.is_empty());
    }

    fn content_that_is_not_what_its_row_says_is_not_served(site) {
        let ann = site.ann(&["ann/app"]).await;
        let digest = ann.push_blob("ann/app", b"content").await;
        let path = format!("/v2/ann/app/blobs/{digest}");
        std::fs::write(site.content(&digest), b"cont").unwrap();
        ann.get(&path).await.refuses(500, "UNKNOWN");
        std::fs::remove_file(site.content(&digest)).unwrap();
        ann.get(&path).await.refuses(500, "UNKNOWN");
        // Pushing it again repairs it.
        ann.push_blob("ann/app", b"content").await;
        ann.get(&path).await.expect(200);
    }

    fn anonymous_clients_read_public_repositories_only(site) {
        site.repository("ann/open", Visibility::Public).await;
        let ann = site.ann(&["ann/open", "ann/app"]).await;
        let digest = ann.push_blob("ann/open", b"content").await;
        ann.push_blob("ann/app", b"content").await;
        let nobody = site.anonymous();
        nobody.get(&format!("/v2/ann/open/blobs/{digest}")).await.expect(200);
        nobody.get(&format!("/v2/ann/app/blobs/{digest}")).await.refuses(401, "UNAUTHORIZED");
        nobody.delete(&format!("/v2/ann/open/blobs/{digest}")).await.refuses(401, "UNAUTHORIZED");
    }
}
