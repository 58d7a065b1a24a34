use crate::Services;

#[test]
fn all_services_run_except_mirroring() {
    let services = Services::parse(None, None);
    assert!(services.enabled("gcworker"));
    assert!(!services.enabled("repomirrorworker"));
}

#[test]
fn a_list_of_services_excludes_all_others() {
    let services = Services::parse(Some("gcworker, repomirrorworker"), None);
    assert!(services.enabled("gcworker"));
    assert!(services.enabled("repomirrorworker"));
    assert!(!services.enabled("logrotateworker"));
}

#[test]
fn overrides_win_and_nonsense_is_ignored() {
    let services = Services::parse(
        Some("gcworker"),
        Some("gcworker=false,repomirrorworker=true,x=maybe,,y"),
    );
    assert!(!services.enabled("gcworker"));
    assert!(services.enabled("repomirrorworker"));
    assert!(!services.enabled("x"));
}
