//! skopeo: copy, inspect, sync, delete.

use pierhead_testkit::{Image, Index, Layout, Sandbox, Tool};

on_both_engines! {
    /// D11: an image is copied by digest, in and out, and keeps its digest.
    fn a_copy_by_digest_keeps_the_digest(site) {
        let skopeo = site.tool("skopeo")?;
        let image = Image::build(11, &[20_000, 300]);
        let mut layout = Layout::create(site.sandbox.path("in"))?;
        layout.add_image("v1", &image)?;
        let digest = &image.manifest.digest;
        let by_tag = format!("docker://{}:v1", site.image("copied"));
        skopeo
            .run(&["copy", "--preserve-digests", "--dest-tls-verify=false", "oci:in:v1", &by_tag])
            .await?;

        let by_digest = format!("docker://{}@{digest}", site.image("copied"));
        let elsewhere = format!("docker://{}:again", site.image("moved"));
        skopeo
            .run(&[
                "copy", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false",
                &by_digest, &elsewhere,
            ])
            .await?;
        let served = site.client().get_manifest("devel/moved", "again").await?;
        assert_eq!((&served.digest, &served.bytes), (digest, &image.manifest.bytes));

        skopeo
            .run(&["copy", "--preserve-digests", "--src-tls-verify=false", &elsewhere, "oci:out:v1"])
            .await?;
        for blob in image.blobs().chain([&image.manifest]) {
            let path = site.sandbox.path(&format!("out/blobs/{}", blob.digest.replace(':', "/")));
            assert_eq!(std::fs::read(path).unwrap(), blob.bytes);
        }
    }

    /// D18: a catalogue's manifest list arrives whole, with the images of every architecture.
    fn copy_all_copies_every_image_of_an_index(site) {
        let skopeo = site.tool("skopeo")?;
        let client = site.client();
        let index = Index::build(1, &[3000]);
        let mut layout = Layout::create(site.sandbox.path("in"))?;
        layout.add_index("all", &index)?;
        let target = format!("docker://{}:oci", site.image("catalogue"));
        skopeo
            .run(&["copy", "--all", "--preserve-digests", "--dest-tls-verify=false", "oci:in:all", &target])
            .await?;
        let list = Index::build_docker(2, &[3000]);
        client.push_index("devel/source", "docker", &list).await?;
        let source = format!("docker://{}:docker", site.image("source"));
        let target = format!("docker://{}:docker", site.image("catalogue"));
        skopeo
            .run(&[
                "copy", "--all", "--preserve-digests", "--src-tls-verify=false",
                "--dest-tls-verify=false", &source, &target,
            ])
            .await?;

        for (tag, index) in [("oci", &index), ("docker", &list)] {
            let served = client.get_manifest("devel/catalogue", tag).await?;
            assert_eq!(served.bytes, index.manifest.bytes);
            for image in &index.images {
                let child = client.get_manifest("devel/catalogue", &image.manifest.digest).await?;
                assert_eq!(child.bytes, image.manifest.bytes);
            }
        }
    }

    fn inspect_shows_digest_tags_and_layers(site) {
        let skopeo = site.tool("skopeo")?;
        let image = Image::build_docker(3, &[500, 600]);
        let client = site.client();
        client.push_image("devel/looked-at", "v1", &image).await?;
        client.push_image("devel/looked-at", "v2", &image).await?;
        let name = format!("docker://{}:v1", site.image("looked-at"));
        let shown = skopeo.run_json(&["inspect", "--tls-verify=false", &name]).await?;
        assert_eq!(shown["Digest"], image.manifest.digest.as_str());
        assert_eq!(shown["RepoTags"], serde_json::json!(["v1", "v2"]));
        assert_eq!(shown["Architecture"], "amd64");
        let layers: Vec<&str> = image.layers.iter().map(|layer| layer.digest.as_str()).collect();
        assert_eq!(shown["Layers"], serde_json::json!(layers));
        let raw = skopeo.run(&["inspect", "--raw", "--tls-verify=false", &name]).await?;
        assert_eq!(raw.as_bytes(), image.manifest.bytes);
        let config = skopeo.run_json(&["inspect", "--config", "--tls-verify=false", &name]).await?;
        assert_eq!(config["rootfs"]["diff_ids"].as_array().map(Vec::len), Some(2));
    }

    fn sync_takes_a_repository_out_and_back_in(site) {
        let skopeo = site.tool("skopeo")?;
        let client = site.client();
        for (seed, tag) in [(4, "v1"), (5, "v2")] {
            client.push_image("devel/synced", tag, &Image::build(seed, &[700])).await?;
        }
        let source = site.image("synced");
        skopeo
            .run(&["sync", "--src-tls-verify=false", "--src", "docker", "--dest", "dir", &source, "folder"])
            .await?;
        let target = site.image("back");
        skopeo
            .run(&["sync", "--dest-tls-verify=false", "--src", "dir", "--dest", "docker", "folder", &target])
            .await?;
        assert_eq!(client.tags("devel/back/synced").await?, ["v1", "v2"]);
        assert_eq!(
            client.get_manifest("devel/back/synced", "v2").await?,
            client.get_manifest("devel/synced", "v2").await?
        );
    }

    fn delete_takes_every_tag_of_the_image_away(site) {
        let skopeo = site.tool("skopeo")?;
        let client = site.client();
        let image = Image::build(6, &[700]);
        for tag in ["v1", "v2"] {
            client.push_image("devel/deleted", tag, &image).await?;
        }
        client.push_image("devel/deleted", "kept", &Image::build(7, &[700])).await?;
        let name = format!("docker://{}:v1", site.image("deleted"));
        skopeo.run(&["delete", "--tls-verify=false", &name]).await?;
        assert_eq!(client.tags("devel/deleted").await?, ["kept"]);
        skopeo.run_failing(&["inspect", "--tls-verify=false", &name]).await?;
        let tags = skopeo
            .run_json(&["list-tags", "--tls-verify=false", &format!("docker://{}", site.image("deleted"))])
            .await?;
        assert_eq!(tags["Tags"], serde_json::json!(["kept"]));
    }

    fn login_takes_the_password_and_nothing_else(site) {
        let sandbox = Sandbox::new()?;
        let skopeo = Tool::new("skopeo", &sandbox)?;
        let host = site.server.host();
        let arguments = |password| ["login", "--tls-verify=false", "-u", "devel", "-p", password, host];
        skopeo.run(&arguments(site.owner.password())).await?;
        let image = Image::build(8, &[100]);
        site.client().push_image("devel/private", "v1", &image).await?;
        let name = format!("docker://{}:v1", site.image("private"));
        skopeo.run(&["inspect", "--tls-verify=false", &name]).await?;
        skopeo.run(&["logout", host]).await?;
        skopeo.run_failing(&["inspect", "--tls-verify=false", &name]).await?;
        // Last: after a wrong password the next attempt has to wait.
        skopeo.run_failing(&arguments("wrong")).await?;
    }

    fn what_was_pulled_unpacks_to_what_was_packed(site) {
        let image = Image::build(9, &[50_000]);
        site.client().push_image("devel/unpacked", "v1", &image).await?;
        let name = format!("docker://{}:v1", site.image("unpacked"));
        site.tool("skopeo")?.run(&["copy", "--src-tls-verify=false", &name, "oci:pulled:v1"]).await?;
        site.tool("umoci")?.run(&["unpack", "--rootless", "--image", "pulled:v1", "bundle"]).await?;
        let file = std::fs::read(site.sandbox.path("bundle/rootfs/layer-1")).unwrap();
        assert_eq!(file, pierhead_testkit::pseudorandom(9001, 50_000));
    }
}
