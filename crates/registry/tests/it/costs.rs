//! What each operation costs in statements and in calls to the storage. Exact: more is a regression, less is to be written
//! down here and in the comments of the services.
//!
//! Statements that no request waits for are not among them: rows of pulls are written in batches, uses of credentials recorded
//! beside the requests.

use crate::notifications::hook;
use crate::site::{Cost, Image, PASSWORD, digest_of};

on_both_engines! {
    // §5: token with a known credential: no bcrypt, at most one statement.
    fn of_a_token(site) {
        site.repository("ann/app", pierhead_auth::accounts::Visibility::Public).await;
        let robot = site.robot("ann", "ci").await;
        let scope = ["repository:ann/app:pull,push".to_owned()];
        let nobody = site.anonymous();
        // First verified, then known, then remembered with what it may do.
        for (login, costs) in [
            (None, [1, 0, 0, 0]),
            (Some(("ann", PASSWORD)), [2, 1, 0, 0]),
            (Some(("ann+ci", &*robot)), [2, 1, 0, 0]),
        ] {
            for (time, statements) in costs.into_iter().enumerate() {
                let token = async { nobody.token(login, &scope).await.expect(200) };
                let (cost, _) = site.cost(token).await;
                assert_eq!(cost, Cost::statements(statements), "{login:?}, time {time}");
            }
        }
    }

    // §5: by tag nothing on SQLite, one on PostgreSQL; by digest nothing.
    fn of_a_manifest(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "latest", &image).await;
        let by_digest = format!("/v2/ann/app/manifests/{}", image.digest());
        let by_tag = "/v2/ann/app/manifests/latest";
        // A push tells the cache where the tag points to.
        let tag = u64::from(!site.engine.is_sqlite());
        for (path, cold, warm) in [(by_tag, tag + 1, tag), (&by_digest, 1, 0)] {
            let (cost, _) = site.cost(async { ann.head(path).await.expect(200) }).await;
            assert_eq!(cost, Cost::statements(cold), "{path} cold");
            for _ in 0..3 {
                let (cost, _) = site.cost(async { ann.head(path).await.expect(200) }).await;
                assert_eq!(cost, Cost::statements(warm), "{path} warm");
            }
        }
        let (cost, _) = site.cost(async { ann.head("/v2/ann/app/manifests/none").await.expect(404) }).await;
        assert_eq!(cost, Cost::statements(2), "a tag that never was");
    }

    // §5: blob GET: no statement beyond the link check, which is remembered.
    fn of_a_blob(site) {
        let ann = site.ann(&["ann/app"]).await;
        for size in [100, 100_000] {
            let digest = ann.push_blob("ann/app", &vec![7; size]).await;
            let path = format!("/v2/ann/app/blobs/{digest}");
            let (cost, _) = site.cost(async { ann.head(&path).await.expect(200) }).await;
            assert_eq!(cost, Cost::statements(1), "cold HEAD");
            let (cost, _) = site.cost(async { ann.get(&path).await.expect(200) }).await;
            assert_eq!(cost, Cost { opens: 1, ..Cost::statements(0) }, "cold GET");
            let (cost, _) = site.cost(async { ann.get(&path).await.expect(200) }).await;
            let opens = u64::from(size > 64 << 10);
            assert_eq!(cost, Cost { opens, ..Cost::statements(0) }, "warm GET of {size}");
        }
    }

    fn of_an_upload(site) {
        let ann = site.ann(&["ann/app"]).await;
        ann.start_upload("ann/app").await;
        let digest = digest_of(b"content");
        let (cost, upload) = site.cost(ann.start_upload("ann/app")).await;
        assert_eq!(cost, Cost::statements(1), "POST");
        let (cost, _) = site.cost(async { ann.patch(&upload, None, b"content").await.expect(202) }).await;
        assert_eq!(cost, Cost { appends: 1, ..Cost::statements(2) }, "PATCH");
        let finish = format!("{upload}?digest={digest}");
        let (cost, _) = site.cost(async { ann.put(&finish, "").await.expect(201) }).await;
        let commit = Cost { appends: 1, publishes: 1, discards: 1, opens: 0, statements: 0 };
        assert_eq!(cost, Cost { statements: 6, ..commit }, "PUT of new content");
        let upload = ann.start_upload("ann/app").await;
        let finish = format!("{upload}?digest={digest}");
        let (cost, _) = site.cost(async { ann.put(&finish, "content").await.expect(201) }).await;
        assert_eq!(cost, Cost { statements: 5, ..commit }, "PUT of known content");
        let (cost, _) = site.cost(ann.push_blob("ann/app", b"whole")).await;
        assert_eq!(cost, Cost { statements: 4, ..commit }, "POST of new content");
        let (cost, _) = site.cost(ann.push_blob("ann/app", b"whole")).await;
        assert_eq!(cost, Cost { statements: 3, ..commit }, "POST of known content");
    }

    fn of_a_mount(site) {
        let ann = site.ann(&["ann/app", "ann/other"]).await;
        let digest = ann.push_blob("ann/app", b"content").await;
        ann.head(&format!("/v2/ann/app/blobs/{digest}")).await.expect(200);
        ann.start_upload("ann/other").await;
        let mount = format!("/v2/ann/other/blobs/uploads/?mount={digest}&from=ann/app");
        let (cost, _) = site.cost(async { ann.post(&mount).await.expect(201) }).await;
        assert_eq!(cost, Cost::statements(2));
    }

    fn of_a_push(site) {
        let ann = site.ann(&["ann/app"]).await;
        let lock = u64::from(!site.engine.is_sqlite());
        let push = async |image: &Image, reference: &str| {
            let pushed = ann.push_manifest("ann/app", reference, &image.media_type, &image.manifest);
            let (cost, _) = site.cost(async { pushed.await.expect(201) }).await;
            Cost { statements: cost.statements - lock, ..cost }
        };
        for (content, new_tag) in [("one", true), ("two", false)] {
            let image = Image::of(content);
            for blob in &image.blobs {
                ann.push_blob("ann/app", blob).await;
            }
            let moved = if new_tag { 0 } else { 3 };
            assert_eq!(push(&image, "latest").await, Cost { opens: 1, ..Cost::statements(10 + moved) }, "new manifest");
            assert_eq!(push(&image, "latest").await, Cost::statements(10), "the same again");
        }
        let image = Image::of("three");
        for blob in &image.blobs {
            ann.push_blob("ann/app", blob).await;
        }
        assert_eq!(push(&image, &image.digest()).await, Cost { opens: 1, ..Cost::statements(7) }, "by digest");
        // Hooks cost one, however many there are; only who has them pays.
        for last in 1..=2 {
            hook(site, "app", "repo_push", &format!("6f1c1f4e-0000-4000-8000-00000000000{last}")).await;
        }
        assert_eq!(push(&image, "hooked").await, Cost::statements(9), "with hooks");
        assert_eq!(push(&image, "hooked").await, Cost::statements(11), "with hooks, the same again");
    }

    // What the children of an index have in common is asked for at once, however many there are.
    fn of_an_index(site) {
        let ann = site.ann(&["ann/app"]).await;
        let labels = serde_json::json!({"quay.expires-after": "2w", "a": "b"});
        let mut costs = Vec::new();
        for size in [2_usize, 12] {
            let names: Vec<String> = (0..size).map(|n| format!("{n} of {size}")).collect();
            let children: Vec<Image> = names
                .iter()
                .map(|name| Image::with(name, &labels, &serde_json::json!({})))
                .collect();
            for child in &children {
                ann.push_image("ann/app", &child.digest(), child).await;
            }
            let index = Image::index(&children.iter().collect::<Vec<_>>());
            let tag = format!("of-{size}");
            let pushed = ann.push_manifest("ann/app", &tag, &index.media_type, &index.manifest);
            let (cost, _) = site.cost(async { pushed.await.expect(201) }).await;
            costs.push(cost.statements);
        }
        assert_eq!(costs[0], costs[1]);
        let ends = "SELECT count(*) FROM tag WHERE name LIKE 'of-%' AND lifetime_end_ms IS NOT NULL";
        assert_eq!(site.sql(ends).await, "2", "the label of all children acts");
    }

    fn of_a_page(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "latest", &image).await;
        let referrers = format!("/v2/ann/app/referrers/{}", image.digest());
        for (path, statements) in [("/v2/ann/app/tags/list", 1), (&referrers, 2)] {
            let (cost, _) = site.cost(async { ann.get(path).await.expect(200) }).await;
            assert_eq!(cost, Cost::statements(statements), "{path}");
        }
    }
}
