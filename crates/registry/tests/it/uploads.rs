//! The state machine of an upload.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use crate::site::{digest_of, sha512_of};

/// Content with no two equal blocks.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 + at / 251) as u8).collect()
}

on_both_engines! {
    // §4: POST, PATCH, GET, PUT.
    fn chunks_become_a_blob(site) {
        let ann = site.ann(&["ann/app"]).await;
        let content = content(100_000);
        let digest = digest_of(&content);
        let start = ann.post("/v2/ann/app/blobs/uploads/").await.expect(202);
        let upload = start.location();
        assert!(upload.ends_with(start.header("docker-upload-uuid")));
        let (first, rest) = content.split_at(40_000);
        let (second, third) = rest.split_at(59_999);
        let answer = ann.patch(&upload, Some(0), first).await.expect(202);
        assert_eq!(answer.header("range"), "0-39999");
        assert_eq!(answer.location(), upload);
        ann.patch(&upload, None, second).await.expect(202);
        let status = ann.get(&upload).await.expect(204);
        assert_eq!(status.header("range"), "0-99998");
        let range = [("content-range", "99999-99999")];
        let path = format!("{upload}?digest={digest}");
        let answer = ann.call("PUT", &path, &range, third.to_vec()).await.expect(201);
        assert_eq!(answer.header("docker-content-digest"), digest);
        let blob = ann.get(&answer.location()).await.expect(200);
        assert!(blob.body == content);
        ann.get(&upload).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
        assert!(site.upload_files().is_empty());
        assert_eq!(site.sql("SELECT COUNT(*) FROM blobupload").await, "0");
    }

    // §6: out-of-order chunks.
    fn a_chunk_that_does_not_continue_the_upload_changes_nothing(site) {
        let ann = site.ann(&["ann/app"]).await;
        let content = content(3000);
        let digest = digest_of(&content);
        let upload = ann.start_upload("ann/app").await;
        let path = format!("{upload}?digest={digest}");
        ann.patch(&upload, Some(0), &content[..1000]).await.expect(202);
        for (start, end) in [(1001, 2000), (500, 1500), (0, 1000), (1 << 30, (1 << 30) + 10)] {
            for (method, path) in [("PATCH", &upload), ("PUT", &path)] {
                let range = format!("{start}-{end}");
                let answer = ann.call(method, path, &[("content-range", &range)], "x").await.expect(416);
                assert_eq!(answer.location(), upload);
                assert_eq!(answer.header("range"), "0-999");
                assert!(upload.ends_with(answer.header("docker-upload-uuid")));
            }
        }
        ann.patch(&upload, Some(1000), &content[1000..]).await.expect(202);
        ann.put(&path, "").await.expect(201);
    }

    fn a_body_that_is_not_as_long_as_its_range_changes_nothing(site) {
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        ann.patch(&upload, Some(0), b"abc").await.expect(202);
        for range in ["3-10", "3-4"] {
            ann.call("PATCH", &upload, &[("content-range", range)], "def").await.refuses(400, "SIZE_INVALID");
            assert_eq!(ann.get(&upload).await.header("range"), "0-2");
        }
        let name = upload.rsplit('/').next().unwrap();
        assert_eq!(std::fs::read(site.stored(&format!("uploads/{name}"))).unwrap(), b"abc");
        ann.put(&format!("{upload}?digest={}", digest_of(b"abc")), "").await.expect(201);
    }

    fn a_body_that_breaks_off_changes_nothing(site) {
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        ann.patch(&upload, Some(0), b"abc").await.expect(202);
        let digest = digest_of(b"abcdef");
        let finish = format!("{upload}?digest={digest}");
        let whole = format!("/v2/ann/app/blobs/uploads/?digest={digest}");
        for (method, path) in [("PATCH", &upload), ("PUT", &finish), ("POST", &whole)] {
            let pieces = [Ok(Bytes::from_static(b"def")), Err(std::io::Error::other("gone"))];
            let body = Body::from_stream(stream::iter(pieces));
            ann.call(method, path, &[], body).await.refuses(400, "BLOB_UPLOAD_INVALID");
            assert_eq!(ann.get(&upload).await.header("range"), "0-2");
            assert_eq!(site.upload_files().len(), 1, "{method}");
        }
        ann.put(&finish, "def").await.expect(201);
    }

    // §6: digest mismatch. Quay destroys the upload.
    fn a_wrong_digest_leaves_the_upload_as_it_was(site) {
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        ann.patch(&upload, Some(0), b"abc").await.expect(202);
        let wrong = digest_of(b"something else");
        ann.put(&format!("{upload}?digest={wrong}"), "def").await.refuses(400, "DIGEST_INVALID");
        ann.get(&format!("/v2/ann/app/blobs/{wrong}")).await.refuses(404, "BLOB_UNKNOWN");
        assert_eq!(ann.get(&upload).await.expect(204).header("range"), "0-2");
        let right = digest_of(b"abcdef");
        ann.put(&format!("{upload}?digest={right}"), "def").await.expect(201);
        ann.get(&format!("/v2/ann/app/blobs/{right}")).await.expect(200);
    }

    fn a_wrong_digest_of_a_whole_blob_stores_nothing(site) {
        let ann = site.ann(&["ann/app"]).await;
        let path = format!("/v2/ann/app/blobs/uploads/?digest={}", digest_of(b"other"));
        ann.call("POST", &path, &[], "content").await.refuses(400, "DIGEST_INVALID");
        assert!(site.upload_files().is_empty());
        assert_eq!(site.sql("SELECT COUNT(*) FROM imagestorage").await, "0");
    }

    fn an_upload_without_a_digest_cannot_end(site) {
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        ann.put(&upload, "abc").await.refuses(400, "BLOB_UPLOAD_INVALID");
        for digest in ["", "sha256:zz", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "md5:x"] {
            ann.put(&format!("{upload}?digest={digest}"), "abc").await.refuses(400, "DIGEST_INVALID");
        }
        ann.put(&format!("{upload}?digest={}", digest_of(b"abc")), "abc").await.expect(201);
    }

    fn a_cancelled_upload_is_gone(site) {
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        ann.patch(&upload, None, b"abc").await.expect(202);
        ann.delete(&upload).await.expect(204);
        assert!(site.upload_files().is_empty());
        ann.get(&upload).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
        ann.delete(&upload).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
        ann.patch(&upload, None, b"abc").await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
    }

    // §5: resumable hash state in the database.
    fn an_upload_goes_on_after_a_restart(site) {
        let content = content(200_000);
        let digest = digest_of(&content);
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        ann.patch(&upload, Some(0), &content[..123_457]).await.expect(202);
        // A request that died left bytes behind the acknowledged ones.
        let name = upload.rsplit('/').next().unwrap();
        append(&site.stored(&format!("uploads/{name}")), b"never acknowledged");
        let restarted = site.again(|_| ()).await;
        let ann = ann.at(&restarted);
        assert_eq!(ann.get(&upload).await.expect(204).header("range"), "0-123456");
        ann.patch(&upload, Some(123_457), &content[123_457..]).await.expect(202);
        ann.put(&format!("{upload}?digest={digest}"), "").await.expect(201);
        assert!(ann.get(&format!("/v2/ann/app/blobs/{digest}")).await.body == content);
    }

    // The machine lost power: the hash state was acknowledged by another kernel.
    fn an_upload_of_another_boot_is_hashed_from_what_is_stored(site) {
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        ann.patch(&upload, None, b"abc").await.expect(202);
        site.sql("UPDATE blobupload SET storage_metadata = REPLACE(storage_metadata, '\"boot\":\"', '\"boot\":\"x')").await;
        let name = upload.rsplit('/').next().unwrap();
        std::fs::write(site.stored(&format!("uploads/{name}")), b"xyz").unwrap();
        ann.put(&format!("{upload}?digest={}", digest_of(b"abcdef")), "def").await.refuses(400, "DIGEST_INVALID");
        ann.put(&format!("{upload}?digest={}", digest_of(b"xyzdef")), "def").await.expect(201);
    }

    fn an_upload_whose_bytes_are_missing_has_to_begin_again(site) {
        let ann = site.ann(&["ann/app"]).await;
        let finish = |upload: &str| format!("{upload}?digest={}", digest_of(b"abc"));
        let gone = ann.start_upload("ann/app").await;
        ann.patch(&gone, None, b"abc").await.expect(202);
        let name = gone.rsplit('/').next().unwrap();
        std::fs::remove_file(site.stored(&format!("uploads/{name}"))).unwrap();
        let short = ann.start_upload("ann/app").await;
        ann.patch(&short, None, b"abc").await.expect(202);
        let name = short.rsplit('/').next().unwrap();
        std::fs::write(site.stored(&format!("uploads/{name}")), b"ab").unwrap();
        for _ in 0..2 {
            for upload in [&gone, &short] {
                ann.patch(upload, None, b"d").await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
                ann.put(&finish(upload), "").await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
            }
            // The same again, with the hash to be made from the file.
            site.sql("UPDATE blobupload SET storage_metadata = '{}'").await;
        }
    }

    // §4: an upload session belongs to its repository and principal.
    fn an_upload_belongs_to_its_repository_and_its_principal(site) {
        site.organization("acme", "ann").await;
        site.accounts.add_team_member(&pierhead_auth::accounts::Actor::operator(), "acme", "owners", "bob").await.unwrap();
        let ann = site.ann(&["acme/app", "acme/other"]).await;
        let bob = site.person("bob", &["acme/app"]).await;
        let upload = ann.start_upload("acme/app").await;
        let elsewhere = upload.replace("acme/app", "acme/other");
        let digest = digest_of(b"abc");
        for (caller, upload) in [(&bob, &upload), (&ann, &elsewhere)] {
            caller.get(upload).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
            caller.patch(upload, None, b"abc").await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
            caller.put(&format!("{upload}?digest={digest}"), "abc").await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
            caller.delete(upload).await.refuses(404, "BLOB_UPLOAD_UNKNOWN");
        }
        site.anonymous().get(&upload).await.refuses(401, "UNAUTHORIZED");
        ann.put(&format!("{upload}?digest={digest}"), "abc").await.expect(201);
    }

    fn one_of_two_writers_wins(site) {
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let (writing, is_writing) = tokio::sync::oneshot::channel::<()>();
        let begun = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"slow")) });
        let rest = stream::once(async move {
            writing.send(()).unwrap();
            wait.await.unwrap();
            Ok(Bytes::from_static(b"ly"))
        });
        let body = Body::from_stream(futures_util::StreamExt::chain(begun, rest));
        let slow = ann.call("PATCH", &upload, &[], body);
        let fast = async {
            // The slow one reads its body once it has the lock.
            is_writing.await.unwrap();
            let answer = ann.patch(&upload, Some(0), b"fast").await;
            go.send(()).unwrap();
            answer
        };
        let (slow, fast) = tokio::join!(slow, fast);
        slow.expect(202);
        fast.refuses(409, "BLOB_UPLOAD_INVALID");
        ann.put(&format!("{upload}?digest={}", digest_of(b"slowly")), "").await.expect(201);
    }

    // §3 MAXIMUM_LAYER_SIZE.
    fn a_blob_over_the_limit_is_refused_and_not_stored(site) with |settings| { settings.registry.maximum_blob_size = 1000; } {
        let ann = site.ann(&["ann/app"]).await;
        let large = content(1001);
        let digest = digest_of(&large);
        let path = format!("/v2/ann/app/blobs/uploads/?digest={digest}");
        ann.call("POST", &path, &[], large.clone()).await.refuses(413, "SIZE_INVALID");
        assert!(site.upload_files().is_empty());
        let upload = ann.start_upload("ann/app").await;
        ann.patch(&upload, None, &large).await.refuses(413, "SIZE_INVALID");
        ann.patch(&upload, Some(0), &large[..600]).await.expect(202);
        ann.patch(&upload, Some(600), &large[600..]).await.refuses(413, "SIZE_INVALID");
        ann.put(&format!("{upload}?digest={digest}"), large[600..].to_vec()).await.refuses(413, "SIZE_INVALID");
        let name = upload.rsplit('/').next().unwrap();
        assert_eq!(std::fs::metadata(site.stored(&format!("uploads/{name}"))).unwrap().len(), 600);
        let digest = digest_of(&large[..1000]);
        ann.put(&format!("{upload}?digest={digest}"), large[600..1000].to_vec()).await.expect(201);
        assert_eq!(site.sql("SELECT COUNT(*), MAX(image_size) FROM imagestorage").await, "1|1000");
    }

    fn a_blob_may_be_empty(site) {
        let ann = site.ann(&["ann/app"]).await;
        let digest = digest_of(b"");
        let upload = ann.start_upload("ann/app").await;
        ann.put(&format!("{upload}?digest={digest}"), "").await.expect(201);
        let blob = ann.get(&format!("/v2/ann/app/blobs/{digest}")).await.expect(200);
        assert_eq!((blob.header("content-length"), blob.body.len()), ("0", 0));
        ann.push_blob("ann/app", b"").await;
        let upload = ann.start_upload("ann/app").await;
        ann.call("PATCH", &upload, &[], "").await.expect(202);
        ann.put(&format!("{upload}?digest={digest}"), "").await.expect(201);
    }

    // §4: sha256 and sha512.
    fn a_blob_may_be_named_by_sha512(site) {
        let ann = site.ann(&["ann/app"]).await;
        let content = content(50_000);
        let digest = sha512_of(&content);
        let path = format!("/v2/ann/app/blobs/uploads/?digest={digest}");
        ann.call("POST", &path, &[], content.clone()).await.expect(201);
        assert!(ann.get(&format!("/v2/ann/app/blobs/{digest}")).await.body == content);
        for at_once in [true, false] {
            let upload = ann.start_upload("ann/app").await;
            let rest = if at_once { &content[..] } else {
                ann.patch(&upload, Some(0), &content[..20_000]).await.expect(202);
                &content[20_000..]
            };
            ann.put(&format!("{upload}?digest={digest}"), rest.to_vec()).await.expect(201);
        }
        let upload = ann.start_upload("ann/app").await;
        ann.put(&format!("{upload}?digest={}", sha512_of(b"other")), content.clone()).await.refuses(400, "DIGEST_INVALID");
        // The hash of the refused request was another one than that of the session.
        ann.put(&format!("{upload}?digest={}", digest_of(&content)), content.clone()).await.expect(201);
        assert!(site.content(&digest).exists());
    }

    // U47: an upload that Quay began. Its row has Quay's hash state and no note of ours.
    fn an_upload_that_quay_began_is_finished_here(site) {
        const AFTER_100_A: &str = "gASVlQAAAAAAAACMD3Jlc3VtYWJsZXNoYTI1NpSMBnNoYTI1NpSTlCmBlENwYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYSQAAAAAAAAAAAIAAAAAAAAcuFvfJgYe6JSoRfsxD9RPFmhessGZ1NYpSZCrZl5jAJRiLg==";
        let ann = site.ann(&["ann/app"]).await;
        let uuid = "7f0c1f4e-0000-4000-8000-00000000cafe";
        std::fs::write(site.stored(&format!("uploads/{uuid}")), [b'a'; 100]).unwrap();
        site.sql(&format!(
            "INSERT INTO blobupload (repository_id, uuid, byte_count, sha_state, location_id, storage_metadata, chunk_count, created) \
             SELECT r.id, '{uuid}', 100, '{AFTER_100_A}', l.id, '{{}}', 1, '2026-01-01 00:00:00' \
             FROM repository r, imagestoragelocation l WHERE r.name = 'app' AND l.name = 'local_us'"
        )).await;
        let upload = format!("/v2/ann/app/blobs/uploads/{uuid}");
        assert_eq!(ann.get(&upload).await.expect(204).header("range"), "0-99");
        ann.patch(&upload, Some(100), b"b").await.expect(202);
        let state = site.sql("SELECT sha_state FROM blobupload").await;
        let begins = &AFTER_100_A[..40];
        assert!(state.starts_with(begins) && state.len() == AFTER_100_A.len(), "{state}");
        let mut content = vec![b'a'; 100];
        content.extend(b"bc");
        let digest = digest_of(&content);
        ann.put(&format!("{upload}?digest={digest}"), "c").await.expect(201);
        assert!(ann.get(&format!("/v2/ann/app/blobs/{digest}")).await.body == content);
    }

    // A client that timed out and tries again must not write into what its first request has published meanwhile.
    fn a_late_chunk_never_reaches_published_content(site) {
        let ann = site.ann(&["ann/app"]).await;
        let upload = ann.start_upload("ann/app").await;
        ann.patch(&upload, None, b"abc").await.expect(202);
        let digest = digest_of(b"abc");
        // As a crash between publishing and the row leaves it: one file with two names.
        let name = upload.rsplit('/').next().unwrap();
        let content = site.content(&digest);
        std::fs::create_dir_all(content.parent().unwrap()).unwrap();
        std::fs::hard_link(site.stored(&format!("uploads/{name}")), &content).unwrap();
        ann.patch(&upload, None, b"def").await.expect(202);
        assert_eq!(std::fs::read(&content).unwrap(), b"abc");
        ann.put(&format!("{upload}?digest={}", digest_of(b"abcdef")), "").await.expect(201);
        ann.push_blob("ann/app", b"abc").await;
        assert_eq!(&ann.get(&format!("/v2/ann/app/blobs/{digest}")).await.body[..], b"abc");
    }

    fn many_pushes_of_one_content_make_one_row(site) {
        let ann = site.ann(&["ann/app", "ann/other"]).await;
        let pushes = (0..8).map(|at| {
            let ann = ann.clone();
            async move { ann.push_blob(if at % 2 == 0 { "ann/app" } else { "ann/other" }, b"the same").await }
        });
        futures_util::future::join_all(pushes).await;
        assert_eq!(site.sql("SELECT COUNT(*) FROM imagestorage").await, "1");
        assert_eq!(site.sql("SELECT COUNT(*) FROM imagestorageplacement").await, "1");
        assert!(site.upload_files().is_empty());
    }
}

fn append(path: &std::path::Path, bytes: &[u8]) {
    use std::io::Write as _;
    let mut file = std::fs::File::options().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}
