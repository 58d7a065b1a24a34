//! crane: push, pull, list, tag, catalog, index, delete.

use pierhead_testkit::{Engine, Image, Index, Layout, Pierhead, Sandbox, Tool};

on_both_engines! {
    fn an_image_is_pushed_listed_tagged_pulled_and_deleted(site) {
        let crane = site.tool("crane")?;
        let image = Image::build(31, &[8000, 90]);
        let mut layout = Layout::create(site.sandbox.path("in"))?;
        layout.add_image("v1", &image)?;
        let repository = site.image("crane");
        let v1 = format!("{repository}:v1");
        crane.run(&["push", "in", &v1]).await?;
        assert_eq!(crane.run(&["digest", &v1]).await?, image.manifest.digest);
        assert_eq!(crane.run(&["manifest", &v1]).await?.as_bytes(), image.manifest.bytes);
        crane.run(&["validate", "--remote", &v1]).await?;

        crane.run(&["tag", &v1, "v2"]).await?;
        assert_eq!(crane.run(&["ls", &repository]).await?, "v1\nv2");
        let catalog = crane.run(&["catalog", site.server.host()]).await?;
        assert!(catalog.lines().any(|line| line == "devel/crane"), "{catalog}");

        crane.run(&["pull", "--format=oci", &v1, "out"]).await?;
        for blob in image.blobs().chain([&image.manifest]) {
            let path = site.sandbox.path(&format!("out/blobs/{}", blob.digest.replace(':', "/")));
            assert_eq!(std::fs::read(path).unwrap(), blob.bytes);
        }

        let copied = format!("{}:v1", site.image("crane-copy"));
        crane.run(&["copy", &v1, &copied]).await?;
        assert_eq!(crane.run(&["digest", &copied]).await?, image.manifest.digest);

        crane.run(&["delete", &format!("{repository}:v2")]).await?;
        assert_eq!(site.client().tags("devel/crane").await?, ["v1"]);
        crane.run(&["delete", &format!("{repository}@{}", image.manifest.digest)]).await?;
        crane.run_failing(&["digest", &v1]).await?;
    }

    fn an_index_grows_by_appending(site) {
        let crane = site.tool("crane")?;
        let client = site.client();
        let index = Index::build(32, &[400]);
        client.push_index("devel/appended", "base", &index).await?;
        client.push_image("devel/appended", "extra", &Image::build(33, &[400])).await?;
        let repository = site.image("appended");
        crane
            .run(&[
                "index", "append", &format!("{repository}:base"),
                "--manifest", &format!("{repository}:extra"), "--tag", &format!("{repository}:grown"),
            ])
            .await?;
        let served = client.get_manifest("devel/appended", "grown").await?;
        let grown: serde_json::Value = serde_json::from_slice(&served.bytes).unwrap();
        assert_eq!(grown["manifests"].as_array().map(Vec::len), Some(index.images.len() + 1));
        let child = crane
            .run(&["digest", "--platform", "linux/arm64", &format!("{repository}:grown")])
            .await?;
        assert_eq!(child, index.images[1].manifest.digest);
    }

    fn a_mutated_image_is_pushed_with_the_layers_that_are_there(site) {
        let crane = site.tool("crane")?;
        site.client().push_image("devel/mutated", "v1", &Image::build(34, &[4000])).await?;
        let v1 = format!("{}:v1", site.image("mutated"));
        let v2 = format!("{}:v2", site.image("mutated"));
        crane.run(&["mutate", &v1, "--label", "changed=yes", "--tag", &v2]).await?;
        let config = crane.run(&["config", &v2]).await?;
        assert!(config.contains(r#""changed":"yes""#), "{config}");
        crane.run(&["validate", "--remote", &v2]).await?;
    }
}

/// crane leaves its credentials behind when a server sends it to another host.
#[tokio::test]
async fn the_embedded_default_is_reached_by_every_name_of_its_address() {
    let mut server = Pierhead::start(Engine::Sqlite).await.unwrap();
    let owner = server.initialize("devel").await.unwrap();
    let port = server.host().rsplit_once(':').unwrap().1.to_owned();
    for (seed, name) in [(36, "127.0.0.1"), (37, "localhost")] {
        let host = format!("{name}:{port}");
        let sandbox = Sandbox::logged_in(&host, &owner).unwrap();
        let crane = Tool::new("crane", &sandbox).unwrap();
        let image = Image::build(seed, &[200_000]);
        let mut layout = Layout::create(sandbox.path("in")).unwrap();
        layout.add_image("v1", &image).unwrap();
        let v1 = format!("{host}/devel/names:{name}");
        crane.run(&["push", "in", &v1]).await.unwrap();
        assert_eq!(
            crane.run(&["digest", &v1]).await.unwrap(),
            image.manifest.digest
        );
    }
    server.stop().await.unwrap();
}
