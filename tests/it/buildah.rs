//! buildah: an image built from scratch, pushed and pulled.

use pierhead_testkit::{Result, Tool};

use crate::site::Site;

struct Buildah<'a> {
    tool: Tool<'a>,
    root: String,
    runroot: String,
}

impl<'a> Buildah<'a> {
    fn new(site: &'a Site) -> Result<Self> {
        Ok(Self {
            tool: site.tool("buildah")?.env("BUILDAH_ISOLATION", "chroot"),
            root: site.path("buildah/root"),
            runroot: site.path("buildah/run"),
        })
    }

    async fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut all = vec![
            "--root",
            &self.root,
            "--runroot",
            &self.runroot,
            "--storage-driver",
            "vfs",
        ];
        all.extend(arguments);
        self.tool.run(&all).await
    }
}

on_both_engines! {
    fn an_image_built_from_scratch_is_pushed_and_pulled(site) {
        let buildah = Buildah::new(site)?;
        site.sandbox.write("hello", b"hello from scratch\n")?;
        let container = buildah.run(&["from", "scratch"]).await?;
        buildah.run(&["copy", &container, "hello", "/hello"]).await?;
        buildah.run(&["config", "--label", "made-by=test kit", &container]).await?;
        for (format, tag) in [("oci", "oci"), ("docker", "docker")] {
            let id = buildah.run(&["commit", "--quiet", "--format", format, &container]).await?;
            let name = format!("{}:{tag}", site.image("built"));
            let target = format!("docker://{name}");
            buildah.run(&["push", "--quiet", "--tls-verify=false", "--format", format, &id, &target]).await?;
            buildah.run(&["rmi", "--force", &id]).await?;
            let pulled = buildah.run(&["pull", "--quiet", "--tls-verify=false", &name]).await?;
            assert_eq!(pulled, id);
        }
        let types = [
            ("oci", "application/vnd.oci.image.manifest.v1+json"),
            ("docker", "application/vnd.docker.distribution.manifest.v2+json"),
        ];
        for (tag, media_type) in types {
            assert_eq!(site.client().get_manifest("devel/built", tag).await?.media_type, media_type);
        }
    }
}
