//! What a bearer may do now, and what it costs to know.

use super::fixture::Fixture;

#[tokio::test]
async fn a_warm_bearer_and_its_access_cost_no_statement_and_a_cold_access_costs_one() {
    let fixture = Fixture::with_ann().await;
    let ci = fixture.ci().await;
    fixture.permit_user(1, "ann+ci", "write").await;
    let scope = ["repository:ann/app:pull,push"];
    let token = fixture.issue(Some(&ci), &scope).await.unwrap().token;
    let before = fixture.db.statements();
    let bearer = fixture.auth.bearer(&token).await.unwrap();
    assert_eq!(fixture.db.statements() - before, 0, "cold bearer");
    fixture.auth.bearer(&token).await.unwrap();
    assert_eq!(fixture.may(&bearer, "ann/app").await, "pull,push");
    assert_eq!(
        fixture.db.statements() - before,
        0,
        "the token endpoint asked a moment ago"
    );
    fixture.advance(5);
    assert_eq!(fixture.may(&bearer, "ann/app").await, "pull,push");
    assert_eq!(fixture.db.statements() - before, 1, "cold access");
    assert_eq!(fixture.may(&bearer, "ann/app").await, "pull,push");
    assert_eq!(fixture.db.statements() - before, 1, "warm access");
}

#[tokio::test]
async fn a_token_limits_to_what_it_was_issued_for_and_public_pulls() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    let bearer = fixture.bearer(Some(&ann), "ann/app:pull").await;
    assert_eq!(fixture.may(&bearer, "ann/app").await, "pull");
    assert_eq!(fixture.may(&bearer, "ann/site").await, "pull");
    assert_eq!(fixture.may(&bearer, "ann/missing").await, "");
    fixture.repository("ann", "other", "private").await;
    assert_eq!(fixture.may(&bearer, "ann/other").await, "");
    let admin = fixture.bearer(Some(&ann), "ann/app:*").await;
    assert_eq!(fixture.may(&admin, "ann/app").await, "pull,push,admin");
}

#[tokio::test]
async fn roles_come_from_the_user_its_teams_and_the_organization() {
    let fixture = Fixture::with_ann().await;
    for user in ["bea", "cid", "dan"] {
        fixture.user(user, "some-secret").await;
    }
    fixture.organization("acme", "bea").await;
    let tools = fixture.repository("acme", "tools", "private").await;
    let team = fixture.team("acme", "devs", "member", "cid").await;
    fixture.permit_team(tools, team, "write").await;
    fixture.permit_user(tools, "cid", "read").await;
    fixture.permit_user(tools, "dan", "read").await;
    for (user, rights) in [
        ("bea", "pull,push,admin"),
        ("cid", "pull,push"),
        ("dan", "pull"),
        ("ann", ""),
    ] {
        let password = if user == "ann" {
            "ann-secret"
        } else {
            "some-secret"
        };
        let credential = fixture.auth.basic(user, password).await.unwrap();
        let bearer = fixture
            .bearer(Some(&credential), "acme/tools:pull,push,*")
            .await;
        assert_eq!(fixture.may(&bearer, "acme/tools").await, rights, "{user}");
    }
}

#[tokio::test]
async fn robots_do_not_inherit_their_owners_rights() {
    let fixture = Fixture::with_ann().await;
    let ci = fixture.ci().await;
    let bearer = fixture.bearer(Some(&ci), "ann/app:pull,push").await;
    assert_eq!(fixture.may(&bearer, "ann/app").await, "");
}

#[tokio::test]
async fn repository_states_count_for_tokens_that_are_older_than_they() {
    let fixture = Fixture::with_ann().await;
    let (ann, ci) = (fixture.ann().await, fixture.ci().await);
    fixture.permit_user(1, "ann+ci", "write").await;
    let owner = fixture.bearer(Some(&ann), "ann/app:pull,push,*").await;
    let robot = fixture.bearer(Some(&ci), "ann/app:pull,push").await;
    fixture
        .execute(
            "INSERT INTO repomirrorrule (id, uuid, repository_id, creation_date, rule_type, rule_value) \
             VALUES (1, 'u', 1, '2026-01-01 00:00:00', 1, '[]'); \
             INSERT INTO repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, \
             external_reference, external_registry_config, sync_interval, sync_retries_remaining, sync_status, \
             sync_transaction_id, root_rule_id) SELECT 1, '2026-01-01 00:00:00', true, 1, id, 'r', '{}', 60, 3, 0, 't', 1 \
             FROM \"user\" WHERE username = 'ann+ci'",
        )
        .await;
    for (state, of_owner, of_robot) in [
        (0, "pull,push,admin", "pull,push"),
        (1, "pull", "pull"),
        (2, "pull", "pull,push"),
        (3, "", ""),
        (4, "pull", "pull"),
        (9, "pull", "pull"),
    ] {
        fixture
            .execute(&format!(
                "UPDATE repository SET state = {state} WHERE id = 1"
            ))
            .await;
        fixture
            .auth
            .forget_repository(&super::fixture::name("ann/app"));
        assert_eq!(
            fixture.may(&owner, "ann/app").await,
            of_owner,
            "state {state}"
        );
        assert_eq!(
            fixture.may(&robot, "ann/app").await,
            of_robot,
            "state {state}"
        );
    }
}

#[tokio::test]
async fn members_of_a_proxy_cache_pull_what_is_not_there_yet() {
    let fixture = Fixture::with(|config| config.proxy_cache = true).await;
    fixture.add_ann().await;
    fixture.user("bea", "bea-secret").await;
    let hub = fixture.organization("hub", "ann").await;
    fixture.team("hub", "pullers", "member", "bea").await;
    fixture
        .execute(&format!(
            "INSERT INTO proxycacheconfig (organization_id, creation_date, upstream_registry, expiration_s, insecure) \
             VALUES ({hub}, '2026-01-01 00:00:00', 'docker.io', 86400, false)"
        ))
        .await;
    let bea = fixture.auth.basic("bea", "bea-secret").await.unwrap();
    assert_eq!(fixture.granted(Some(&bea), "hub/alpine:pull").await, "pull");
    assert_eq!(fixture.granted(None, "hub/alpine:pull").await, "");
    let ci = fixture.ci().await;
    assert_eq!(fixture.granted(Some(&ci), "hub/alpine:pull").await, "");
}
