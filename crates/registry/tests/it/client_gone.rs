//! Clients that leave before their answer comes.

use pierhead_db::Durability;

use crate::site::{Engine, Image, Settings, Site, digest_of};

/// Keeps SQLite's only writer busy until the sender is used.
async fn occupy_writer(site: &Site) -> tokio::sync::oneshot::Sender<()> {
    let (free, wait) = tokio::sync::oneshot::channel::<()>();
    let (begun, is_begun) = tokio::sync::oneshot::channel();
    let db = site.db.clone();
    tokio::spawn(async move {
        db.write(Durability::Relaxed, move |_| {
            Box::pin(async move {
                begun.send(()).unwrap();
                let _ = wait.await;
                Ok::<_, pierhead_db::Error>(())
            })
        })
        .await
    });
    is_begun.await.unwrap();
    free
}

/// A registry in which nothing is written but by requests.
async fn quiet_site() -> Site {
    let mut settings = Settings::new();
    settings.auth.user_last_accessed = false;
    settings.registry.audit.logins = false;
    settings.registry.audit.disabled_namespaces = vec!["ann".to_owned()];
    Site::start(Engine::Sqlite, settings).await
}

/// Polls a request until it waits for the writer, and then drops it.
async fn leave<T>(site: &Site, request: impl Future<Output = T>) {
    let mut request = Box::pin(request);
    pierhead_testkit::eventually("the request to wait for the writer", || {
        let polled = futures_util::FutureExt::now_or_never(request.as_mut());
        assert!(polled.is_none(), "the writer is occupied");
        let waits = site.db.queued_writes() > 0;
        async move { Ok(waits.then_some(())) }
    })
    .await
    .unwrap();
}

// §5: no stale tags. SQLite's writer ends what it was given, whether or not somebody waits for it.
#[tokio::test]
async fn a_push_whose_client_left_is_seen_by_the_next_pull() {
    let site = quiet_site().await;
    let ann = site.ann(&["ann/app"]).await;
    let (old, new) = (Image::of("old"), Image::of("new"));
    ann.push_image("ann/app", "latest", &old).await;
    ann.push_image("ann/app", "other", &new).await;
    let latest = "/v2/ann/app/manifests/latest";
    let pulled = || async {
        ann.head(latest)
            .await
            .header("docker-content-digest")
            .to_owned()
    };
    assert_eq!(pulled().await, old.digest());
    let free = occupy_writer(&site).await;
    leave(
        &site,
        ann.push_manifest("ann/app", "latest", &new.media_type, &new.manifest),
    )
    .await;
    assert_eq!(pulled().await, old.digest());
    free.send(()).unwrap();
    pierhead_testkit::eventually("the push to be seen", || async {
        Ok((pulled().await == new.digest()).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_delete_whose_client_left_is_seen_by_the_next_pull() {
    let site = quiet_site().await;
    let ann = site.ann(&["ann/app"]).await;
    let image = Image::of("image");
    ann.push_image("ann/app", "latest", &image).await;
    ann.push_blob("ann/app", b"unused").await;
    let manifest = "/v2/ann/app/manifests/latest";
    let blob = format!("/v2/ann/app/blobs/{}", digest_of(b"unused"));
    for path in [manifest, &blob] {
        ann.get(path).await.expect(200);
        let free = occupy_writer(&site).await;
        leave(&site, ann.delete(path)).await;
        free.send(()).unwrap();
        pierhead_testkit::eventually("the deletion to be seen", || async {
            Ok((ann.get(path).await.status == 404).then_some(()))
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_finished_upload_whose_client_left_is_a_blob() {
    let site = quiet_site().await;
    let ann = site.ann(&["ann/app"]).await;
    let upload = ann.start_upload("ann/app").await;
    ann.patch(&upload, None, b"content").await.expect(202);
    let digest = digest_of(b"content");
    let free = occupy_writer(&site).await;
    let finish = format!("{upload}?digest={digest}");
    let mut request = Box::pin(ann.put(&finish, ""));
    pierhead_testkit::eventually("the content to be published", || {
        let polled = futures_util::FutureExt::now_or_never(request.as_mut());
        assert!(polled.is_none(), "the writer is occupied");
        let published = site.content(&digest).exists();
        async move { Ok(published.then_some(())) }
    })
    .await
    .unwrap();
    drop(request);
    free.send(()).unwrap();
    pierhead_testkit::eventually("the blob, and the end of its upload", || async {
        let blob = ann.get(&format!("/v2/ann/app/blobs/{digest}")).await;
        Ok((blob.status == 200 && site.upload_files().is_empty()).then_some(()))
    })
    .await
    .unwrap();
}
