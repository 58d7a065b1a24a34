//! Mounting blobs from other repositories.

use pierhead_auth::accounts::Visibility;

use crate::site::digest_of;

on_both_engines! {
    fn a_blob_is_mounted_from_a_repository_that_the_caller_may_read(site) {
        let ann = site.ann(&["ann/app", "ann/other"]).await;
        let digest = ann.push_blob("ann/app", b"content").await;
        let mount = format!("/v2/ann/other/blobs/uploads/?mount={digest}&from=ann/app");
        let answer = ann.post(&mount).await.expect(201);
        assert_eq!(answer.header("docker-content-digest"), digest);
        assert_eq!(answer.location(), format!("/v2/ann/other/blobs/{digest}"));
        assert_eq!(&ann.get(&answer.location()).await.expect(200).body[..], b"content");
        // The mounted link does not hang on the first repository.
        ann.delete(&format!("/v2/ann/app/blobs/{digest}")).await.expect(202);
        ann.get(&answer.location()).await.expect(200);
    }

    fn a_blob_of_an_unreadable_repository_is_not_mounted(site) {
        let ann = site.ann(&["ann/app"]).await;
        let digest = ann.push_blob("ann/app", b"secret").await;
        let bob = site.person("bob", &["bob/app"]).await;
        let missing = digest_of(b"nowhere");
        for query in [
            format!("mount={digest}&from=ann/app"),
            format!("mount={digest}&from=ann/none"),
            format!("mount={digest}&from=.."),
            format!("mount={digest}"),
            format!("mount={missing}&from=bob/app"),
            format!("mount={missing}"),
        ] {
            // The same answer in every case: an upload to bring the content oneself.
            let answer = bob.post(&format!("/v2/bob/app/blobs/uploads/?{query}")).await.expect(202);
            assert!(!answer.header("docker-upload-uuid").is_empty());
            bob.get(&format!("/v2/bob/app/blobs/{digest}")).await.refuses(404, "BLOB_UNKNOWN");
        }
        bob.post("/v2/bob/app/blobs/uploads/?mount=sha256:zz&from=ann/app").await.refuses(400, "DIGEST_INVALID");
    }

    fn without_a_source_any_readable_holder_will_do(site) {
        site.repository("ann/open", Visibility::Public).await;
        let ann = site.ann(&["ann/open", "ann/app"]).await;
        let digest = ann.push_blob("ann/open", b"content").await;
        ann.push_blob("ann/app", b"content").await;
        let bob = site.person("bob", &["bob/app"]).await;
        bob.post(&format!("/v2/bob/app/blobs/uploads/?mount={digest}")).await.expect(201);
        bob.get(&format!("/v2/bob/app/blobs/{digest}")).await.expect(200);
    }
}
