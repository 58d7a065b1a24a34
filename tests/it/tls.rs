//! The registry's own TLS: with the certificate of the configuration folder, and with the one that replaces it.

use pierhead_testkit::{Engine, Image, Layout, Pierhead, Result, Sandbox, Tool, eventually};

/// A self-signed certificate for 127.0.0.1 and its key, as PEM.
pub(crate) fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// What a client says that trusts only the certificate in this file.
async fn ask(sandbox: &Sandbox, trusted: &str, url: &str) -> Result<String> {
    let curl = Tool::new("curl", sandbox)?;
    let arguments = [
        "--silent",
        "--show-error",
        "--fail",
        "--cacert",
        trusted,
        url,
    ];
    curl.run(&arguments).await
}

#[tokio::test]
async fn a_replaced_certificate_is_used_without_a_restart() {
    let (old, old_key) = certificate();
    let mut server = Pierhead::builder()
        .engine(Engine::Sqlite)
        .config(serde_json::json!({ "PREFERRED_URL_SCHEME": "https" }))
        .file("ssl.cert", old.clone())
        .file("ssl.key", old_key)
        .start()
        .await
        .unwrap();
    let host = server.host().to_owned();
    assert_eq!(server.base_url(), format!("https://{host}"));
    let sandbox = Sandbox::new().unwrap();
    let trusted = |name: &str, pem: &str| {
        let path = sandbox.write(name, pem.as_bytes()).unwrap();
        path.display().to_string()
    };
    let (trusts_old, url) = (
        trusted("old/ca.crt", &old),
        format!("https://{host}/robots.txt"),
    );
    ask(&sandbox, &trusts_old, &url).await.unwrap();

    let made = server
        .run(&[
            "user",
            "create",
            "devel",
            "--email",
            "d@example.com",
            "--output",
            "json",
        ])
        .unwrap();
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let login = format!("devel:{}", made["password"].as_str().unwrap());
    let mut layout = Layout::create(sandbox.path("in")).unwrap();
    layout.add_image("v1", &Image::build(160, &[3000])).unwrap();
    let skopeo = Tool::new("skopeo", &sandbox).unwrap();
    let trusts = format!("--dest-cert-dir={}", sandbox.path("old").display());
    let target = format!("docker://{host}/devel/app:v1");
    skopeo
        .run(&[
            "copy",
            &trusts,
            "--dest-creds",
            &login,
            "oci:in:v1",
            &target,
        ])
        .await
        .unwrap();

    let (new, new_key) = certificate();
    let stack = server.config_folder().unwrap();
    std::fs::write(stack.join("ssl.key"), new_key).unwrap();
    std::fs::write(stack.join("ssl.cert"), &new).unwrap();
    let trusts_new = trusted("new/ca.crt", &new);
    eventually("the new certificate to be shown", || async {
        Ok(ask(&sandbox, &trusts_new, &url).await.ok())
    })
    .await
    .unwrap();
    assert!(ask(&sandbox, &trusts_old, &url).await.is_err());
    server.stop().await.unwrap();
}

/// config.md §3: what OpenSSL calls a suite chooses it.
#[tokio::test]
async fn only_the_suites_of_ssl_ciphers_are_spoken() {
    let (pem, key) = certificate();
    let mut server = Pierhead::builder()
        .engine(Engine::Sqlite)
        .config(serde_json::json!({
            "PREFERRED_URL_SCHEME": "https",
            "SSL_CIPHERS": ["ECDHE-ECDSA-AES256-GCM-SHA384", "DHE-RSA-AES128-SHA", "!3DES"],
        }))
        .file("ssl.cert", pem.clone())
        .file("ssl.key", key)
        .start()
        .await
        .unwrap();
    let sandbox = Sandbox::new().unwrap();
    let trusted = sandbox.write("ca.crt", pem.as_bytes()).unwrap();
    let trusted = trusted.display().to_string();
    let url = format!("https://{}/robots.txt", server.host());
    let curl = Tool::new("curl", &sandbox).unwrap();
    for (suite, spoken) in [
        ("ECDHE-ECDSA-AES256-GCM-SHA384", true),
        ("ECDHE-ECDSA-AES128-GCM-SHA256", false),
    ] {
        let arguments = ["--silent", "--fail", "--tls-max", "1.2", "--ciphers", suite];
        let arguments = [&arguments[..], &["--cacert", &trusted, &url]].concat();
        assert_eq!(curl.run(&arguments).await.is_ok(), spoken, "{suite}");
    }
    let log = server.log();
    assert_eq!(
        log.matches("left out: DHE-RSA-AES128-SHA;").count(),
        1,
        "{log}"
    );
    server.stop().await.unwrap();
}
