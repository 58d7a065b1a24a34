//! People and organizations.

use super::*;

/// What an organization's routes below it answer, by its name among the expected values.
const OF_ORGANIZATIONS: [(&str, &str); 10] = [
    ("applications", "/applications"),
    ("autoprune", "/autoprunepolicy/"),
    ("immutability", "/immutabilitypolicy/"),
    ("members", "/members"),
    ("mirror", "/mirror"),
    ("notifications", "/notifications"),
    ("prototypes", "/prototypes"),
    ("proxycache", "/proxycache"),
    ("quota", "/quota"),
    ("robots", "/robots?permissions=true&token=true"),
];

pub(super) async fn people_and_organizations_are_as_quay_left_them(engine: Engine) -> Result<()> {
    let site = TakenOver::start(engine).await?;
    let users = &site.expected["users"];
    for (by, path, expected) in [
        (&site.river, "/api/v1/user/", "river"),
        (&site.river, "/api/v1/user/apptoken", "river apptokens"),
        (
            &site.river,
            "/api/v1/user/robots?permissions=true&token=true",
            "river robots",
        ),
        (&site.river, "/api/v1/user/starred", "starred"),
        (&site.harbormaster, "/api/v1/superuser/users/", "all"),
        (&site.harbormaster, "/api/v1/messages", "messages"),
    ] {
        assert_same(seen(by, path).await?, users[expected].clone(), path);
    }
    for (name, expected) in fields(&site.expected["organizations"]) {
        an_organization_is_as_quay_left_it(&site, name, expected.clone()).await?;
    }
    Ok(())
}

async fn an_organization_is_as_quay_left_it(
    site: &TakenOver,
    name: &str,
    mut expected: Value,
) -> Result<()> {
    // Quay lists repositories that are being deleted here.
    let repositories = &site.expected["repositories"];
    for member in expected["members"]["members"].as_array_mut().unwrap() {
        let listed = member["repositories"].as_array_mut().unwrap();
        listed.retain(|short| {
            repositories
                .get(format!("{name}/{}", text(short)))
                .is_some()
        });
    }
    // Superusers see no secrets of applications.
    let owners = &expected["team_members"]["owners"][0][0];
    let owner = if owners == "river" {
        &site.river
    } else {
        &site.stone
    };
    let path = format!("/api/v1/organization/{name}");
    for by in [owner, &site.harbormaster] {
        let shown = seen(by, &path).await?;
        assert_same(shown, expected["organization"].clone(), &path);
    }
    for (part, below) in OF_ORGANIZATIONS {
        let Some(expected) = expected.get(part) else {
            continue;
        };
        let path = format!("{path}{below}");
        assert_same(seen(owner, &path).await?, expected.clone(), &path);
    }
    for (team, expected) in fields(&expected["team_members"]) {
        let path = format!("{path}/team/{team}/members");
        let shown = seen(owner, &path).await?;
        let members = shown["members"].as_array().unwrap().iter();
        let members = members.map(|member| json!([member["name"], member["kind"]]));
        assert_same(members.collect(), expected.clone(), &path);
    }
    Ok(())
}
