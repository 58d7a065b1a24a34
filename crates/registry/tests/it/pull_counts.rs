//! Pull statistics, with `FEATURE_IMAGE_PULL_STATS`.

use crate::site::Image;

const TAGS: &str = "SELECT tag_name, tag_pull_count, current_manifest_digest FROM tagpullstatistics ORDER BY tag_name";
const MANIFESTS: &str = "SELECT manifest_digest, manifest_pull_count FROM manifestpullstatistics";

on_both_engines! {
    fn pulls_are_counted_by_tag_and_by_manifest(site) with |settings| {
        settings.registry.pull_statistics = true;
    } {
        let ann = site.ann(&["ann/app"]).await;
        let digest = ann.push_image("ann/app", "latest", &Image::of("image")).await;
        for _ in 0..3 {
            ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        }
        ann.get(&format!("/v2/ann/app/manifests/{digest}")).await.expect(200);
        ann.head("/v2/ann/app/manifests/latest").await.expect(200);
        ann.get("/v2/ann/app/manifests/none").await.expect(404);
        site.write_pull_counts().await;
        assert_eq!(site.sql(TAGS).await, format!("latest|3|{digest}"));
        assert_eq!(site.sql(MANIFESTS).await, format!("{digest}|4"));
        ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        site.write_pull_counts().await;
        assert_eq!(site.sql(TAGS).await, format!("latest|4|{digest}"));
        assert_eq!(site.sql(MANIFESTS).await, format!("{digest}|5"));
    }

    fn a_deleted_tag_has_no_statistics(site) with |settings| {
        settings.registry.pull_statistics = true;
    } {
        let ann = site.ann(&["ann/app"]).await;
        ann.push_image("ann/app", "latest", &Image::of("image")).await;
        ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        site.write_pull_counts().await;
        ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        ann.delete("/v2/ann/app/manifests/latest").await.expect(202);
        site.write_pull_counts().await;
        assert_eq!(site.sql(TAGS).await, "");
    }

    fn nothing_is_counted_unless_it_is_wanted(site) {
        let ann = site.ann(&["ann/app"]).await;
        ann.push_image("ann/app", "latest", &Image::of("image")).await;
        ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        site.write_pull_counts().await;
        assert_eq!(site.sql(TAGS).await, "");
        assert_eq!(site.sql(MANIFESTS).await, "");
    }
}
