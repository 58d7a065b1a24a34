//! The registry's own TLS: with the certificate of the configuration folder, and with the one that replaces it.

use pierhead_testkit::{Engine, Image, Layout, Pierhead, Result, Sandbox, Tool, eventually};

/// A self-signed certificate for 127.0.0.1 and its key, as PEM.
fn certificate() -> (String, String) {
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
        format!("https://{host}/health/instance"),
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
