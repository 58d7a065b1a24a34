//! What the audit log says of pulls, pushes and refusals, and when it says nothing.

use pierhead_auth::accounts::Visibility;

use crate::site::Image;

const ROWS: &str = "SELECT k.name, a.username, p.username, r.name, l.ip, l.metadata_json FROM logentry3 l \
    JOIN logentrykind k ON k.id = l.kind_id JOIN \"user\" a ON a.id = l.account_id \
    LEFT JOIN \"user\" p ON p.id = l.performer_id LEFT JOIN repository r ON r.id = l.repository_id \
    WHERE k.name IN ('pull_repo', 'push_repo', 'delete_tag', 'pull_repo_failed', 'push_repo_failed', 'delete_tag_failed') \
    ORDER BY l.id";

/// How many rows of that kind.
fn count(kind: &str) -> String {
    format!(
        "SELECT COUNT(*) FROM logentry3 l JOIN logentrykind k ON k.id = l.kind_id WHERE k.name = '{kind}'"
    )
}

on_both_engines! {
    fn rows_name_what_was_done_and_by_whom(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let digest = ann.push_image("ann/app", "latest", &image).await;
        let agent = [("user-agent", "quo\"te/1.0")];
        ann.call("GET", "/v2/ann/app/manifests/latest", &agent, "").await.expect(200);
        ann.get(&format!("/v2/ann/app/manifests/{digest}")).await.expect(200);
        ann.head("/v2/ann/app/manifests/latest").await.expect(200);
        ann.delete("/v2/ann/app/manifests/latest").await.expect(202);
        site.write_audit_log().await;
        let media_type = &image.media_type;
        let expected = [
            format!(r#"push_repo|ann|ann|app||{{"repo":"app","namespace":"ann","tag":"latest","mediaType":"{media_type}","username":"ann"}}"#),
            format!(r#"pull_repo|ann|ann|app||{{"repo":"app","namespace":"ann","user-agent":"quo\"te/1.0","tag":"latest","mediaType":"{media_type}","username":"ann"}}"#),
            format!(r#"pull_repo|ann|ann|app||{{"repo":"app","namespace":"ann","manifest_digest":"{digest}","mediaType":"{media_type}","username":"ann"}}"#),
            format!(r#"delete_tag|ann|ann|app||{{"repo":"app","namespace":"ann","tag":"latest","digest":"{digest}","username":"ann"}}"#),
        ];
        assert_eq!(site.sql(ROWS).await, expected.join("\n"));
    }

    fn refusals_are_recorded_where_they_are_wanted(site) with |settings| {
        settings.registry.audit.pull_failures = true;
        settings.registry.audit.push_failures = true;
        settings.registry.audit.delete_failures = true;
    } {
        let ann = site.ann(&["ann/app"]).await;
        let digest = ann.push_image("ann/app", "latest", &Image::of("image")).await;
        site.sql("DELETE FROM logentry3").await;
        let bob = site.person("bob", &["ann/app"]).await;
        bob.get("/v2/ann/app/manifests/latest").await.expect(401);
        bob.get(&format!("/v2/ann/none/manifests/{digest}")).await.expect(401);
        site.anonymous().get("/v2/nobody/app/manifests/latest").await.expect(401);
        bob.put("/v2/ann/app/manifests/latest", "{}").await.expect(401);
        bob.post("/v2/ann/app/blobs/uploads/").await.expect(401);
        bob.delete("/v2/ann/app/manifests/latest").await.expect(401);
        // Quay records no others.
        bob.get("/v2/ann/app/tags/list").await.expect(401);
        bob.get(&format!("/v2/ann/app/blobs/{digest}")).await.expect(401);
        ann.get("/v2/ann/app/manifests/none").await.expect(404);
        site.write_audit_log().await;
        let first = site.sql("SELECT username FROM \"user\" ORDER BY id LIMIT 1").await;
        let refused = "access to the requested resource is not authorized";
        let expected = [
            format!(r#"pull_repo_failed|ann|bob|app||{{"namespace":"ann","repo":"app","tag":"latest","message":"{refused}"}}"#),
            format!(r#"pull_repo_failed|ann|bob|||{{"namespace":"ann","repo":"none","manifest_digest":"{digest}","message":"Repository does not exist"}}"#),
            format!(r#"pull_repo_failed|{first}||||{{"namespace":"nobody","repo":"app","tag":"latest","message":"Namespace does not exist"}}"#),
            format!(r#"push_repo_failed|ann|bob|app||{{"namespace":"ann","repo":"app","tag":"latest","message":"{refused}"}}"#),
            format!(r#"push_repo_failed|ann|bob|app||{{"namespace":"ann","repo":"app","message":"{refused}"}}"#),
            format!(r#"delete_tag_failed|ann|bob|app||{{"namespace":"ann","repo":"app","tag":"latest","message":"{refused}"}}"#),
        ];
        assert_eq!(site.sql(ROWS).await, expected.join("\n"));
    }

    fn refusals_are_not_recorded_unless_they_are_wanted(site) {
        let bob = site.person("bob", &["ann/app"]).await;
        site.repository("ann/app", Visibility::Private).await;
        for (method, path) in [("GET", "manifests/latest"), ("DELETE", "manifests/latest"), ("POST", "blobs/uploads/")] {
            bob.call(method, &format!("/v2/ann/app/{path}"), &[], "").await.expect(401);
        }
        site.write_audit_log().await;
        assert_eq!(site.sql(ROWS).await, "");
    }

    fn nothing_is_recorded_of_a_namespace_without_logs(site) with |settings| {
        settings.registry.audit.pull_failures = true;
        settings.registry.audit.disabled_namespaces = vec!["bob".to_owned(), "ann".to_owned()];
    } {
        let ann = site.ann(&["ann/app"]).await;
        ann.push_image("ann/app", "latest", &Image::of("image")).await;
        ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        site.anonymous().get("/v2/ann/app/manifests/latest").await.expect(401);
        ann.delete("/v2/ann/app/manifests/latest").await.expect(202);
        site.write_audit_log().await;
        assert_eq!(site.sql(ROWS).await, "");
    }

    fn pulls_are_not_recorded_of_a_namespace_without_logs_of_pulls(site) with |settings| {
        settings.registry.audit.disabled_pull_namespaces = vec!["ann".to_owned()];
    } {
        let ann = site.ann(&["ann/app"]).await;
        ann.push_image("ann/app", "latest", &Image::of("image")).await;
        ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        site.write_audit_log().await;
        assert_eq!(site.sql(&count("pull_repo")).await, "0");
        assert_eq!(site.sql(&count("push_repo")).await, "1");
    }

    fn pulls_of_free_namespaces_are_not_recorded_if_so_configured(site) with |settings| {
        settings.registry.audit.no_pulls_of_free_namespaces = true;
    } {
        site.sql("UPDATE \"user\" SET stripe_id = 'customer' WHERE username = 'bob'").await;
        for name in ["ann", "bob"] {
            let repository = format!("{name}/app");
            let person = site.person(name, &[&repository]).await;
            person.push_image(&repository, "latest", &Image::of("image")).await;
            person.get(&format!("/v2/{repository}/manifests/latest")).await.expect(200);
        }
        site.write_audit_log().await;
        let pulled = "SELECT u.username FROM logentry3 l JOIN logentrykind k ON k.id = l.kind_id \
            JOIN \"user\" u ON u.id = l.account_id WHERE k.name = 'pull_repo'";
        assert_eq!(site.sql(pulled).await, "bob");
        assert_eq!(site.sql(&count("push_repo")).await, "2");
    }
}
