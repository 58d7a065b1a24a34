//! Labels, and tags that end by them.

use serde_json::json;

use crate::site::Image;

on_both_engines! {
    fn labels_of_config_and_annotations_become_rows(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::with("labelled", &json!({"a": "config", "b": "{\"json\": 1}"}), &json!({"a": "annotation"}));
        for _ in 0..2 {
            ann.push_image("ann/app", "latest", &image).await;
        }
        let labels = "SELECT l.key, l.value, t.name, s.name FROM label l JOIN manifestlabel m ON m.label_id = l.id \
            JOIN mediatype t ON t.id = l.media_type_id JOIN labelsourcetype s ON s.id = l.source_type_id ORDER BY l.key";
        assert_eq!(
            site.sql(labels).await,
            "a|annotation|text/plain|manifest\nb|{\"json\": 1}|application/json|manifest"
        );
    }

    fn a_label_ends_a_tag(site) {
        let ann = site.ann(&["ann/app"]).await;
        let life = "SELECT COALESCE(lifetime_end_ms - lifetime_start_ms, -1) FROM tag WHERE name = 'latest' ORDER BY id DESC LIMIT 1";
        for (value, expected) in [
            ("2w", "1209600000"),
            ("3d", "259200000"),
            ("nonsense", "-1"),
            ("-1d", "-1"),
            // As in Quay: no time at all is no expiry.
            ("0s", "-1"),
            // LABELED_EXPIRATION_MINIMUM and …_MAXIMUM do not limit labels.
            ("1s", "1000"),
            ("300w", "181440000000"),
            // More than a tag can live.
            ("9223372036854775s", "-1"),
            ("9223372036854775807y", "-1"),
        ] {
            let image = Image::with(value, &json!({"quay.expires-after": value}), &json!({}));
            ann.push_image("ann/app", "latest", &image).await;
            assert_eq!(site.sql(life).await, expected, "{value}");
        }
    }

    fn a_label_ends_the_tag_of_an_index_if_all_children_agree(site) {
        let ann = site.ann(&["ann/app"]).await;
        let labelled = |content: &str, value: &str| Image::with(content, &json!({"quay.expires-after": value}), &json!({}));
        let (one, two, other) = (labelled("one", "2w"), labelled("two", "2w"), labelled("three", "1w"));
        for image in [&one, &two, &other] {
            ann.push_image("ann/app", &image.digest(), image).await;
        }
        ann.push_image("ann/app", "agree", &Image::index(&[&one, &two])).await;
        ann.push_image("ann/app", "differ", &Image::index(&[&one, &other])).await;
        let life = "SELECT name, COALESCE(lifetime_end_ms - lifetime_start_ms, -1) FROM tag WHERE hidden = false ORDER BY name";
        assert_eq!(site.sql(life).await, "agree|1209600000\ndiffer|-1");
    }

    // The labels of a manifest that is there already count as they are now, whatever it was pushed with.
    fn labels_that_changed_since_count_for_the_next_push(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::with("labelled", &json!({"quay.expires-after": "2w"}), &json!({}));
        ann.push_image("ann/app", "latest", &image).await;
        let life = "SELECT COALESCE(lifetime_end_ms - lifetime_start_ms, -1), CASE WHEN immutable THEN 1 ELSE 0 END \
            FROM tag WHERE name = 'latest' ORDER BY id DESC LIMIT 1";
        assert_eq!(site.sql(life).await, "1209600000|0");
        site.sql("UPDATE label SET value = '1d' WHERE key = 'quay.expires-after'").await;
        ann.push_image("ann/app", "latest", &image).await;
        assert_eq!(site.sql(life).await, "86400000|0");
        site.sql("UPDATE label SET key = 'quay.immutable', value = 'true'").await;
        ann.push_image("ann/app", "latest", &image).await;
        assert_eq!(site.sql(life).await, "-1|1");
    }

    fn a_tag_whose_time_is_over_is_gone(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        ann.push_image("ann/app", "latest", &image).await;
        site.sql("UPDATE tag SET lifetime_end_ms = lifetime_start_ms + 1").await;
        let site = site.again(|_| ()).await;
        let ann = ann.at(&site);
        ann.get("/v2/ann/app/manifests/latest").await.refuses(404, "TAG_EXPIRED");
        ann.get(&format!("/v2/ann/app/manifests/{}", image.digest())).await.refuses(404, "MANIFEST_UNKNOWN");
        assert_eq!(ann.get("/v2/ann/app/tags/list").await.json()["tags"], json!([]));
    }

    // database.md §4.10: temporary tags.
    fn a_push_by_digest_is_kept_for_a_while(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let artifact = Image::artifact(&image, "application/x", "note");
        for pushed in [&image, &image, &artifact] {
            ann.push_image("ann/app", &pushed.digest(), pushed).await;
            ann.get(&format!("/v2/ann/app/manifests/{}", pushed.digest())).await.expect(200);
        }
        let temporary = "SELECT m.subject IS NULL, COALESCE(t.lifetime_end_ms - t.lifetime_start_ms, -1) FROM tag t \
            JOIN manifest m ON m.id = t.manifest_id WHERE t.hidden = true AND t.name LIKE '$temp-%' ORDER BY t.id";
        let rows = site.sql(temporary).await;
        let rows: Vec<&str> = rows.lines().map(|row| row.split_once('|').unwrap().1).collect();
        assert_eq!(rows.first(), Some(&"3600000"));
        assert_eq!(rows.last(), Some(&"-1"));
        assert_eq!(ann.get("/v2/ann/app/tags/list").await.json()["tags"], json!([]));
        // Nothing is logged: no tag was pushed.
        assert_eq!(site.sql("SELECT COUNT(*) FROM logentry3 l JOIN logentrykind k ON k.id = l.kind_id WHERE k.name = 'push_repo'").await, "0");
    }
}
