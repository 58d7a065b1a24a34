//! The referrers of a manifest.

use serde_json::{Value, json};

use crate::site::{Answer, Caller, Image, Site};

/// Pushes artifacts that refer to `subject`.
async fn push_artifacts(ann: &Caller<'_>, artifacts: &[Image]) {
    for artifact in artifacts {
        ann.push_image("ann/app", &artifact.digest(), artifact)
            .await;
    }
}

fn digests(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let manifests = body["manifests"].as_array().unwrap();
    manifests
        .iter()
        .map(|entry| entry["digest"].as_str().unwrap().to_owned())
        .collect()
}

async fn backdoor_ends_tags_of(site: &Site, image: &Image) {
    site.sql(&format!(
        "UPDATE tag SET lifetime_end_ms = 1 WHERE manifest_id = (SELECT id FROM manifest WHERE digest = '{}')",
        image.digest()
    ))
    .await;
}

on_both_engines! {
    fn referrers_are_listed_with_type_and_annotations(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let path = format!("/v2/ann/app/referrers/{}", image.digest());
        // The subject need not exist.
        assert_eq!(digests(&ann.get(&path).await.expect(200)), Vec::<String>::new());
        let (typed, untyped) = (Image::artifact(&image, "application/x", "one"), Image::artifact(&image, "", "two"));
        push_artifacts(&ann, &[typed.clone(), untyped.clone()]).await;
        let answer = ann.get(&path).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/vnd.oci.image.index.v1+json");
        assert_eq!(answer.header("oci-filters-applied"), "");
        let body = answer.json();
        assert_eq!(body["manifests"][0], json!({
            "mediaType": typed.media_type, "digest": typed.digest(), "size": typed.manifest.len(),
            "artifactType": "application/x", "annotations": {"note": "one"},
        }));
        // Without an artifact type, that of the config counts.
        assert_eq!(body["manifests"][1]["artifactType"], json!("application/vnd.oci.empty.v1+json"));
        for (wanted, found) in [("application/x", vec![typed.digest()]), ("application%2Fvnd.oci.empty.v1%2Bjson", vec![untyped.digest()]), ("other", vec![])] {
            let answer = ann.get(&format!("{path}?artifactType={wanted}")).await.expect(200);
            assert_eq!(digests(&answer), found, "{wanted}");
            assert_eq!(answer.header("oci-filters-applied"), "artifactType");
        }
        ann.get("/v2/ann/app/referrers/latest").await.refuses(400, "DIGEST_INVALID");
        ann.get(&format!("{path}?last=x")).await.refuses(400, "INVALID_REQUEST");
    }

    fn a_deleted_referrer_is_listed_no_more(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let artifacts = [Image::artifact(&image, "application/x", "one"), Image::artifact(&image, "application/x", "two")];
        push_artifacts(&ann, &artifacts).await;
        let path = format!("/v2/ann/app/referrers/{}", image.digest());
        ann.delete(&format!("/v2/ann/app/manifests/{}", artifacts[0].digest())).await.expect(202);
        assert_eq!(digests(&ann.get(&path).await), [artifacts[1].digest()]);
    }

    fn a_referrer_that_lives_by_an_index_is_listed(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let artifact = Image::artifact(&image, "application/x", "one");
        push_artifacts(&ann, std::slice::from_ref(&artifact)).await;
        let inner = Image::index(&[&artifact]);
        ann.push_image("ann/app", &inner.digest(), &inner).await;
        ann.push_image("ann/app", "root", &Image::index(&[&inner])).await;
        backdoor_ends_tags_of(site, &artifact).await;
        backdoor_ends_tags_of(site, &inner).await;
        let path = format!("/v2/ann/app/referrers/{}", image.digest());
        assert_eq!(digests(&ann.get(&path).await), [artifact.digest()]);
    }

    // Nothing buffers without a bound: pages end by number and by size.
    fn referrers_come_in_pages(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_blob("ann/app", b"{}").await;
        let artifacts: Vec<Image> = (0..7)
            .map(|at| Image::artifact(&image, "application/x", &format!("{at}{}", "x".repeat(1 << 20))))
            .collect();
        push_artifacts(&ann, &artifacts).await;
        let mut next = Some(format!("/v2/ann/app/referrers/{}?artifactType=application%2Fx", image.digest()));
        let (mut found, mut pages) = (Vec::new(), 0);
        while let Some(path) = next {
            let page = ann.get(&path).await.expect(200);
            assert!(page.body.len() < 5 << 20);
            found.extend(digests(&page));
            pages += 1;
            next = page.next_page();
        }
        assert_eq!(pages, 3);
        let expected: Vec<String> = artifacts.iter().map(Image::digest).collect();
        assert_eq!(found, expected);
    }

    // The fallback of the OCI specification: what clients without the API keep under a tag.
    fn the_tag_of_the_fallback_is_merged(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let artifacts = [Image::artifact(&image, "application/x", "one"), Image::artifact(&image, "application/y", "two")];
        push_artifacts(&ann, &artifacts[..1]).await;
        // Pushed before the registry knew subjects.
        push_artifacts(&ann, &artifacts[1..]).await;
        site.sql(&format!("UPDATE manifest SET subject = NULL WHERE digest = '{}'", artifacts[1].digest())).await;
        let mut index: Value = serde_json::from_str(&Image::index(&[&artifacts[0], &artifacts[1]]).manifest).unwrap();
        index["manifests"][0]["artifactType"] = json!("application/x");
        index["manifests"][1]["artifactType"] = json!("application/y");
        let tag = image.digest().replace(':', "-");
        ann.push_manifest("ann/app", &tag, "application/vnd.oci.image.index.v1+json", &index.to_string()).await.expect(201);
        let path = format!("/v2/ann/app/referrers/{}", image.digest());
        assert_eq!(digests(&ann.get(&path).await), [artifacts[0].digest(), artifacts[1].digest()]);
        assert_eq!(digests(&ann.get(&format!("{path}?artifactType=application/y")).await), [artifacts[1].digest()]);
    }
}
