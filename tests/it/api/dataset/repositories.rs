//! Repositories: what is told of them, their tags with their history, manifests, labels and permissions.

use pierhead_testkit::digest_of;

use super::*;

/// What a repository's routes below it answer, by its name among the expected values.
const OF_REPOSITORIES: [(&str, &str); 4] = [
    ("autoprune", "/autoprunepolicy/"),
    ("immutability", "/immutabilitypolicy/"),
    ("mirror", "/mirror"),
    ("notifications", "/notification/"),
];

pub(super) async fn repositories_are_as_quay_left_them(engine: Engine) -> Result<()> {
    let site = TakenOver::start(engine).await?;
    let password = text(&site.expected["credentials"]["harbormaster"]["password"]);
    let registry = site.client("harbormaster", password);
    for (name, expected) in fields(&site.expected["repositories"]) {
        a_repository_is_as_quay_left_it(&site, name, expected).await?;
        its_manifests_are_served(&registry, name, expected).await?;
        its_labels_are_there(&site, name, expected).await?;
    }
    // What was deleted is hidden.
    let path = "/api/v1/repository/harbor-ops/scuttled";
    let gone = site.harbormaster.get(path).await?;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let mut listed = Vec::new();
    for namespace in ["river", "harbor-ops", "tidewater", "reefcache", "lagoon"] {
        let path = format!("/api/v1/repository?namespace={namespace}");
        let shown = seen(&site.harbormaster, &path).await?;
        for repository in shown["repositories"].as_array().unwrap() {
            listed.push(format!("{namespace}/{}", text(&repository["name"])));
        }
    }
    let mut expected: Vec<_> = fields(&site.expected["repositories"]).keys().collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed.iter().collect::<Vec<_>>(), expected);
    Ok(())
}

async fn a_repository_is_as_quay_left_it(
    site: &TakenOver,
    name: &str,
    expected: &Value,
) -> Result<()> {
    let by = &site.harbormaster;
    let path = format!("/api/v1/repository/{name}");
    let shown = seen(by, &path).await?;
    let told = fields(&expected["repository"]);
    let said: Map<_, _> = told
        .keys()
        .map(|key| (key.clone(), shown[key].clone()))
        .collect();
    assert_same(said.into(), expected["repository"].clone(), &path);
    let tags: Map<_, _> = fields(&shown["tags"])
        .iter()
        .map(|(tag, shown)| (tag.clone(), shown["manifest_digest"].clone()))
        .collect();
    assert_same(tags.into(), expected["tags"].clone(), &path);

    let rows = format!("{path}/tag/?limit=100");
    let mut history = seen(by, &rows).await?["tags"].take();
    for row in history.as_array_mut().unwrap() {
        // What is told of lists only is not among what was kept.
        row.as_object_mut().unwrap().retain(|key, _| {
            !key.starts_with("child_") && !key.starts_with("present_") && key != "is_sparse"
        });
    }
    let mut kept = expected["tag_rows"].clone();
    if name.starts_with("reefcache/") {
        // A pull through a proxy cache prolongs the tag, and Quay was pulled from after it was asked.
        for row in [&mut history, &mut kept]
            .into_iter()
            .flat_map(|rows| rows.as_array_mut().unwrap())
        {
            assert!(row["end_ts"].take().is_i64() && row["expiration"].take().is_string());
        }
    }
    assert_same(history, kept, &rows);

    for (part, below) in OF_REPOSITORIES {
        if let Some(expected) = expected.get(part) {
            let path = format!("{path}{below}");
            assert_same(seen(by, &path).await?, expected.clone(), &path);
        }
    }
    for (part, kind) in [("user_permissions", "user"), ("team_permissions", "team")] {
        let path = format!("{path}/permissions/{kind}/");
        let shown = seen(by, &path).await?;
        let roles: Map<_, _> = fields(&shown["permissions"])
            .iter()
            .map(|(who, held)| (who.clone(), held["role"].clone()))
            .collect();
        assert_same(roles.into(), expected[part].clone(), &path);
    }
    Ok(())
}

async fn its_manifests_are_served(registry: &Client, name: &str, expected: &Value) -> Result<()> {
    let listed = registry
        .send("GET", &format!("/v2/{name}/tags/list"))
        .await?
        .expect(&[StatusCode::OK])?
        .json()?;
    assert_same(
        listed["tags"].clone(),
        expected["v2_tags_list"].clone(),
        name,
    );
    for (digest, expected) in fields(&expected["manifests"]) {
        let manifest = registry.get_manifest(name, digest).await?;
        let about = format!("{name}@{digest}");
        assert_eq!(expected["status"], 200, "{about}");
        assert_eq!(
            manifest.media_type,
            text(&expected["content_type"]),
            "{about}"
        );
        assert_eq!(json!(manifest.bytes.len()), expected["length"], "{about}");
        assert_eq!(
            digest_of(&manifest.bytes),
            text(&expected["sha256"]),
            "{about}"
        );
        for blob in expected["blobs"].as_array().into_iter().flatten() {
            let path = format!("/v2/{name}/blobs/{}", text(blob));
            let served = registry
                .send("GET", &path)
                .await?
                .expect(&[StatusCode::OK])?;
            assert_eq!(digest_of(&served.body), text(blob), "{about}");
        }
        if let Some(referrers) = expected.get("referrers") {
            let path = format!("/v2/{name}/referrers/{digest}");
            let served = registry
                .send("GET", &path)
                .await?
                .expect(&[StatusCode::OK])?;
            let found = served.json()?["manifests"].take();
            // Sizes are of manifests, and do not change.
            assert_eq!(
                found.as_array().unwrap().len(),
                referrers.as_array().unwrap().len()
            );
            for referrer in referrers.as_array().unwrap() {
                assert!(
                    found.as_array().unwrap().contains(referrer),
                    "{about}: {found}"
                );
            }
        }
    }
    Ok(())
}

async fn its_labels_are_there(site: &TakenOver, name: &str, expected: &Value) -> Result<()> {
    for (digest, expected) in fields(&expected["manifests"]) {
        let Some(expected) = expected.get("labels") else {
            continue;
        };
        let path = format!("/api/v1/repository/{name}/manifest/{digest}/labels");
        let mut labels = seen(&site.harbormaster, &path).await?["labels"].take();
        for label in labels.as_array_mut().unwrap() {
            label.as_object_mut().unwrap().remove("id");
        }
        assert_same(labels, expected.clone(), &path);
    }
    Ok(())
}
