//! oras: push, attach, discover, pull.

use pierhead_testkit::{Image, Sandbox, Tool};

on_both_engines! {
    fn a_file_is_pushed_and_pulled(site) {
        let oras = site.tool("oras")?;
        site.sandbox.write("notes.txt", b"release notes\n")?;
        let name = format!("{}:v1", site.image("notes"));
        let typed = "notes.txt:text/plain";
        oras.run(&["push", "--plain-http", "--artifact-type", "application/vnd.example.notes", &name, typed])
            .await?;
        oras.run(&["pull", "--plain-http", "--output", "pulled", &name]).await?;
        assert_eq!(std::fs::read(site.sandbox.path("pulled/notes.txt")).unwrap(), b"release notes\n");
        let tags = oras.run(&["repo", "tags", "--plain-http", &site.image("notes")]).await?;
        assert_eq!(tags, "v1");
        oras.run(&["tag", "--plain-http", &name, "v2", "latest"]).await?;
        assert_eq!(site.client().tags("devel/notes").await?, ["latest", "v1", "v2"]);
    }

    fn what_is_attached_to_an_image_is_discovered_by_type(site) {
        let oras = site.tool("oras")?;
        let image = Image::build(51, &[700]);
        site.client().push_image("devel/attached", "v1", &image).await?;
        site.sandbox.write("sbom.json", br#"{"packages":[]}"#)?;
        site.sandbox.write("signature.bin", b"not really")?;
        let name = format!("{}:v1", site.image("attached"));
        for (artifact_type, file) in [
            ("application/vnd.example.sbom", "sbom.json:application/json"),
            ("application/vnd.example.signature", "signature.bin:application/octet-stream"),
        ] {
            oras.run(&[
                "attach", "--plain-http", "--distribution-spec", "v1.1-referrers-api",
                "--annotation", "org.example.by=test", "--artifact-type", artifact_type, &name, file,
            ])
            .await?;
        }
        // Referrers are no tags.
        assert_eq!(site.client().tags("devel/attached").await?, ["v1"]);

        let all = oras.run_json(&["discover", "--plain-http", "--format", "json", &name]).await?;
        assert_eq!(all["referrers"].as_array().map(Vec::len), Some(2), "{all}");
        let sboms = oras
            .run_json(&[
                "discover", "--plain-http", "--format", "json",
                "--artifact-type", "application/vnd.example.sbom", &name,
            ])
            .await?;
        let found = sboms["referrers"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{sboms}");
        assert_eq!(found[0]["artifactType"], "application/vnd.example.sbom");
        assert_eq!(found[0]["annotations"]["org.example.by"], "test");

        let sbom = format!("{}@{}", site.image("attached"), found[0]["digest"].as_str().unwrap());
        oras.run(&["pull", "--plain-http", "--output", "pulled", &sbom]).await?;
        assert_eq!(std::fs::read(site.sandbox.path("pulled/sbom.json")).unwrap(), br#"{"packages":[]}"#);

        let copy = format!("{}:v1", site.image("attached-copy"));
        oras.run(&["cp", "--recursive", "--from-plain-http", "--to-plain-http", &name, &copy]).await?;
        assert_eq!(site.client().referrers("devel/attached-copy", &image.manifest.digest).await?.len(), 2);

        oras.run(&["manifest", "delete", "--plain-http", "--force", &sbom]).await?;
        assert_eq!(site.client().referrers("devel/attached", &image.manifest.digest).await?.len(), 1);
    }

    fn login_takes_the_password_and_nothing_else(site) {
        let sandbox = Sandbox::new()?;
        let oras = Tool::new("oras", &sandbox)?;
        let host = site.server.host();
        let arguments = |password| ["login", "--plain-http", "-u", "devel", "-p", password, host];
        oras.run(&arguments(site.owner.password())).await?;
        // Last: after a wrong password the next attempt has to wait.
        oras.run_failing(&arguments("wrong")).await?;
    }
}
