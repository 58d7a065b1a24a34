#![allow(clippy::unwrap_used)]

use super::*;

fn config() -> MailConfig {
    MailConfig {
        server: None,
        sender: "registry@example.com".to_owned(),
        title: "Example".to_owned(),
        base_url: "https://registry.example.com".to_owned(),
        hello: "registry.example.com".to_owned(),
        fail_silently: false,
        suppressed: false,
    }
}

#[test]
fn a_code_in_a_link_survives_a_query() {
    let letter = Letter::ConfirmAddress {
        username: "ann".to_owned(),
        code: "QUJD+/==".to_owned(),
    };
    let rendered = letter.render(&config());
    let link = "https://registry.example.com/confirm?code=QUJD%2B%2F%3D%3D";
    assert!(rendered.text.contains(link), "{}", rendered.text);
    assert!(rendered.html.contains(link), "{}", rendered.html);
    assert_eq!(
        rendered.subject,
        "[Example] Please confirm your e-mail address"
    );
}

#[test]
fn names_can_neither_be_markup_nor_begin_a_line() {
    let letter = Letter::TeamInvite {
        inviter: "<script>alert(1)</script>\r\nBcc: everybody@example.com".to_owned(),
        organization: "a&b".to_owned(),
        team: "\"x\"".to_owned(),
        code: "urn:teaminvite:1".to_owned(),
    };
    let rendered = letter.render(&config());
    assert!(!rendered.html.contains("<script>"), "{}", rendered.html);
    assert!(rendered.html.contains("a&amp;b"), "{}", rendered.html);
    assert!(!rendered.text.contains("\nBcc"), "{}", rendered.text);
    assert!(
        rendered
            .text
            .contains("confirminvite?code=urn%3Ateaminvite%3A1"),
        "{}",
        rendered.text
    );
}

#[test]
fn a_repository_in_a_subject_stays_on_one_line() {
    let letter = Letter::AuthorizeRepositoryAddress {
        repository: "a/b\r\nBcc: x@example.com".to_owned(),
        code: "c".to_owned(),
    };
    let subject = letter.render(&config()).subject;
    assert!(!subject.contains(['\r', '\n']), "{subject:?}");
}

#[test]
fn recovery_of_organizations_names_who_can_sign_in() {
    let letter = Letter::CombinedRecovery {
        organizations: vec![OrganizationAdmins {
            organization: "acme".to_owned(),
            admins: vec!["ann".to_owned(), "bob".to_owned()],
        }],
        code: None,
    };
    let rendered = letter.render(&config());
    assert!(
        rendered.text.contains("* ann\n* bob\n"),
        "{}",
        rendered.text
    );
    assert!(
        !rendered.text.contains("recovery?code"),
        "{}",
        rendered.text
    );
    assert!(rendered.html.contains("<li>ann</li><li>bob</li>"));
}
