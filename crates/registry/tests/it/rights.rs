//! Who may do what, and what a refusal gives away.

use std::time::Duration;

use pierhead_auth::accounts::{Actor, Grantee, Role, Visibility};
use pierhead_oci::RepositoryName;
use serde_json::json;

use crate::site::{Answer, Image, PASSWORD};

/// What a refusal shows, but for the name in it.
fn shown(answer: &Answer, name: &str) -> String {
    format!("{} {:?} {:?}", answer.status, answer.headers, answer.body).replace(name, "NAME")
}

on_both_engines! {
    // §6: errors do not reveal whether a private repository exists.
    fn a_private_repository_looks_like_none(site) {
        let ann = site.ann(&["ann/priv"]).await;
        let image = Image::of("image");
        let digest = ann.push_image("ann/priv", "latest", &image).await;
        let bob = site.person("bob", &["ann/priv", "ann/none"]).await;
        for caller in [&bob, &site.anonymous()] {
            for (method, path) in [
                ("GET", "manifests/latest".to_owned()),
                ("HEAD", format!("manifests/{digest}")),
                ("PUT", "manifests/latest".to_owned()),
                ("DELETE", "manifests/latest".to_owned()),
                ("GET", format!("blobs/{digest}")),
                ("POST", "blobs/uploads/".to_owned()),
                ("PATCH", "blobs/uploads/7f0c1f4e-0000-4000-8000-00000000cafe".to_owned()),
                ("GET", "tags/list".to_owned()),
                ("GET", format!("referrers/{digest}")),
            ] {
                let one = caller.call(method, &format!("/v2/ann/priv/{path}"), &[], "").await.expect(401);
                let other = caller.call(method, &format!("/v2/ann/none/{path}"), &[], "").await;
                assert_eq!(shown(&one, "ann/priv"), shown(&other, "ann/none"), "{method} {path}");
                assert!(one.header("www-authenticate").contains("scope=\"repository:ann/priv:pull"));
            }
        }
    }

    fn a_reader_cannot_write(site) {
        let ann = site.ann(&["ann/app"]).await;
        ann.push_image("ann/app", "latest", &Image::of("image")).await;
        site.accounts.set_permission(&Actor::operator(), "ann", "app", Grantee::User("bob".to_owned()), Role::Read).await.unwrap();
        let bob = site.person("bob", &["ann/app"]).await;
        bob.get("/v2/ann/app/manifests/latest").await.expect(200);
        bob.post("/v2/ann/app/blobs/uploads/").await.refuses(401, "UNAUTHORIZED");
        bob.put("/v2/ann/app/manifests/latest", "{}").await.refuses(401, "UNAUTHORIZED");
        bob.delete("/v2/ann/app/manifests/latest").await.refuses(401, "UNAUTHORIZED");
    }

    // §5: revoking is seen at once on the same instance.
    fn what_is_revoked_ends_a_warm_token_at_once(site) {
        site.organization("acme", "ann").await;
        let robot = site.robot("acme", "ci").await;
        let ann = site.ann(&["acme/app"]).await;
        ann.push_image("acme/app", "latest", &Image::of("image")).await;
        let (actor, path) = (Actor::operator(), "/v2/acme/app/manifests/latest");
        let name = RepositoryName::new("acme", "app").unwrap();
        for grantee in ["bob", "acme+ci"] {
            site.accounts.set_permission(&actor, "acme", "app", Grantee::account(grantee), Role::Write).await.unwrap();
        }
        site.auth.forget_repository(&name);
        let bob = site.person("bob", &["acme/app"]).await;
        let ci = site.account("acme+ci", &robot, &["acme/app"]).await;
        for caller in [&bob, &ci, &bob, &ci] {
            caller.get(path).await.expect(200);
        }
        site.accounts.remove_permission(&actor, "acme", "app", Grantee::account("bob")).await.unwrap();
        site.auth.forget_repository(&name);
        bob.get(path).await.refuses(401, "UNAUTHORIZED");
        ci.get(path).await.expect(200);
        let robot = site.accounts.delete_robot(&actor, "acme+ci").await.unwrap();
        site.auth.forget_principal(robot);
        ci.get(path).await.refuses(401, "UNAUTHORIZED");
        ann.get(path).await.expect(200);
        let user = site.accounts.set_enabled(&actor, "ann", false).await.unwrap();
        site.auth.forget_principal(user);
        ann.get(path).await.refuses(401, "UNAUTHORIZED");
    }

    fn an_expired_token_is_refused(site) {
        let ann = site.ann(&["ann/app"]).await;
        ann.push_image("ann/app", "latest", &Image::of("image")).await;
        ann.get("/v2/ann/app/manifests/latest").await.expect(200);
        ann.get("/v2/").await.expect(200);
        site.clock.advance(Duration::from_secs(3700));
        ann.get("/v2/ann/app/manifests/latest").await.refuses(401, "UNAUTHORIZED");
        ann.get("/v2/").await.refuses(401, "UNAUTHORIZED");
    }

    fn a_read_only_registry_refuses_writes_only(site) {
        let ann = site.ann(&["ann/app"]).await;
        let image = Image::of("image");
        let digest = ann.push_image("ann/app", "latest", &image).await;
        for (code, status) in [("DENIED", true), ("METHOD NOT ALLOWED", false)] {
            let site = site.again(|settings| {
                settings.registry.read_only = status;
                settings.registry.disable_pushes = !status;
            }).await;
            let ann = ann.at(&site);
            ann.get("/v2/ann/app/manifests/latest").await.expect(200);
            ann.get("/v2/ann/app/tags/list").await.expect(200);
            ann.post("/v2/ann/app/blobs/uploads/").await.refuses(405, code);
            ann.push_manifest("ann/app", "latest", &image.media_type, &image.manifest).await.refuses(405, code);
            ann.delete("/v2/ann/app/manifests/latest").await.refuses(405, code);
            ann.delete(&format!("/v2/ann/app/blobs/{digest}")).await.refuses(405, code);
        }
    }

    fn account_recovery_closes_every_route(site) with |settings| { settings.registry.account_recovery = true; } {
        for path in ["/v2/", "/v2/auth", "/v2/_catalog", "/v2/ann/app/tags/list"] {
            site.anonymous().get(path).await.refuses(405, "UNSUPPORTED");
        }
    }

    fn anonymous_access_can_be_turned_off(site) with |settings| { settings.auth.anonymous_access = false; } {
        site.repository("ann/open", Visibility::Public).await;
        let ann = site.ann(&["ann/open"]).await;
        ann.push_image("ann/open", "latest", &Image::of("image")).await;
        let nobody = site.anonymous();
        nobody.get("/v2/ann/open/manifests/latest").await.refuses(401, "UNAUTHORIZED");
        let token = nobody.token(None, &["repository:ann/open:pull".to_owned()]).await;
        assert_ne!(token.status, 200);
        ann.get("/v2/ann/open/manifests/latest").await.expect(200);
    }

    fn a_disabled_namespace_is_closed(site) {
        site.organization("acme", "ann").await;
        let ann = site.ann(&["acme/app"]).await;
        ann.push_image("acme/app", "latest", &Image::of("image")).await;
        site.sql("UPDATE \"user\" SET enabled = false WHERE username = 'acme'").await;
        site.auth.forget_everything();
        ann.get("/v2/acme/app/manifests/latest").await.refuses(401, "UNAUTHORIZED");
        let scope = ["repository:acme/app:pull".to_owned()];
        ann.token(Some(("ann", PASSWORD)), &scope).await.refuses(405, "DENIED");
    }

    fn the_catalog_shows_what_the_caller_may_read(site) with |settings| { settings.registry.public_catalog = true; } {
        site.organization("acme", "ann").await;
        for (name, visibility) in [
            ("ann/one", Visibility::Private), ("bob/two", Visibility::Private), ("acme/three", Visibility::Private),
            ("bob/open", Visibility::Public), ("acme/shared", Visibility::Private),
        ] {
            site.repository(name, visibility).await;
        }
        site.accounts.set_permission(&Actor::operator(), "acme", "shared", Grantee::account("bob"), Role::Read).await.unwrap();
        let ann = site.ann(&["ann/one"]).await;
        let bob = site.person("bob", &["bob/two"]).await;
        let pages = async |caller: &crate::site::Caller<'_>, n: &str| {
            let (mut names, mut next) = (Vec::new(), Some(format!("/v2/_catalog?n={n}")));
            while let Some(path) = next {
                let page = caller.get(&path).await.expect(200);
                names.extend(page.json()["repositories"].as_array().unwrap().clone());
                next = page.next_page();
            }
            json!(names)
        };
        for n in ["1", "2", "1000000", "0", "-5", "x"] {
            assert_eq!(pages(&ann, n).await, json!(["ann/one", "acme/three", "bob/open", "acme/shared"]), "n={n}");
        }
        assert_eq!(pages(&bob, "10").await, json!(["bob/two", "bob/open", "acme/shared"]));
        assert_eq!(pages(&site.anonymous(), "10").await, json!(["bob/open"]));
        // A page token is opaque and cannot be made up.
        let forged = ann.get("/v2/_catalog?next_page=AAAA").await.expect(200);
        assert_eq!(forged.json()["repositories"][0], json!("ann/one"));
    }

    fn wrong_passwords_get_no_token(site) {
        let nobody = site.anonymous();
        for login in [("ann", "wrong"), ("nobody", PASSWORD), ("", ""), ("ann+none", PASSWORD)] {
            nobody.token(Some(login), &[]).await.refuses(401, "UNAUTHORIZED");
        }
        nobody.token(None, &[]).await.refuses(401, "UNAUTHORIZED");
        for header in ["Basic", "Basic !!!", "Basic YW5u", "Negotiate abc"] {
            nobody.call("GET", "/v2/auth", &[("authorization", header)], "").await.refuses(401, "UNAUTHORIZED");
        }
    }
}
