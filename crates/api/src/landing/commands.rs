//! The commands that the page shows, for this registry's address. Without TLS, clients must be told so: podman and skopeo by an
//! option, docker by its configuration unless the address is this machine's.

use crate::config::ApiConfig;

/// Makes a user on the server; prints a password.
pub(super) const CREATE_USER: &str = "pierhead user create admin";

/// Makes the first user by a request.
pub(super) fn initialize(config: &ApiConfig) -> String {
    format!(
        "curl -X POST {}/api/v1/user/initialize \\\n  -H 'Content-Type: application/json' \\\n  \
         -d '{{\"username\": \"admin\", \"password\": \"CHOOSE-ONE\",\n       \"email\": \"admin@example.com\", \"access_token\": true}}'",
        config.base_url()
    )
}

/// Each client with its commands to log in and to push.
pub(super) fn push(config: &ApiConfig) -> [(&'static str, String); 3] {
    let host = &config.hostname;
    let encrypted = config.scheme == "https";
    let (plain, dest_plain) = if encrypted {
        ("", "")
    } else {
        (" --tls-verify=false", " --dest-tls-verify=false")
    };
    let docker_note = if encrypted || is_this_machine(host) {
        String::new()
    } else {
        format!("# \"insecure-registries\": [\"{host}\"] in /etc/docker/daemon.json\n")
    };
    [
        (
            "Podman",
            format!(
                "podman login{plain} {host}\npodman tag app:1.0 {host}/you/app:1.0\npodman push{plain} {host}/you/app:1.0"
            ),
        ),
        (
            "Docker",
            format!(
                "{docker_note}docker login {host}\ndocker tag app:1.0 {host}/you/app:1.0\ndocker push {host}/you/app:1.0"
            ),
        ),
        (
            "Skopeo",
            format!(
                "skopeo login{plain} {host}\nskopeo copy --all{dest_plain} docker://quay.io/you/app:1.0 \\\n  docker://{host}/you/app:1.0"
            ),
        ),
    ]
}

/// Whether docker takes the address for this machine's, and does without TLS.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
