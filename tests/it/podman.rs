//! podman: push, pull, manifest lists. Storage is a folder of the test, without a container ever run.

use pierhead_testkit::{Image, Layout, Result, Tool};

use crate::site::Site;

/// podman with a storage of its own; `arguments` begin with the subcommand.
struct Podman<'a> {
    tool: Tool<'a>,
    root: String,
    runroot: String,
}

impl<'a> Podman<'a> {
    fn new(site: &'a Site) -> Result<Self> {
        Ok(Self {
            tool: site.tool("podman")?,
            root: site.path("podman/root"),
            runroot: site.path("podman/run"),
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
        all.extend(["--cgroup-manager", "cgroupfs", "--events-backend", "file"]);
        all.extend(arguments);
        self.tool.run(&all).await
    }
}

on_both_engines! {
    fn an_image_is_pushed_and_pulled_again(site) {
        let podman = Podman::new(site)?;
        let image = Image::build(21, &[10_000, 200]);
        let mut layout = Layout::create(site.sandbox.path("in"))?;
        layout.add_image("v1", &image)?;
        let id = podman.run(&["pull", "--quiet", "oci:in:v1"]).await?;
        let name = format!("{}:v1", site.image("podman"));
        podman
            .run(&["push", "--tls-verify=false", "--digestfile", "digest", &id, &format!("docker://{name}")])
            .await?;
        podman.run(&["rmi", "--force", &id]).await?;

        let pulled = podman.run(&["pull", "--quiet", "--tls-verify=false", &name]).await?;
        assert_eq!(pulled, id);
        let digest = std::fs::read_to_string(site.sandbox.path("digest")).unwrap();
        assert_eq!(site.client().get_manifest("devel/podman", "v1").await?.digest, digest);
        let by_digest = format!("{}@{digest}", site.image("podman"));
        assert_eq!(podman.run(&["pull", "--quiet", "--tls-verify=false", &by_digest]).await?, id);
        podman.run(&["search", "--tls-verify=false", "--list-tags", &site.image("podman")]).await?;
    }

    fn a_manifest_list_is_made_and_pushed_with_its_images(site) {
        let podman = Podman::new(site)?;
        let mut layout = Layout::create(site.sandbox.path("in"))?;
        podman.run(&["manifest", "create", "list"]).await?;
        for (seed, tag, architecture) in [(22, "one", "amd64"), (23, "two", "arm64")] {
            layout.add_image(tag, &Image::build(seed, &[900]))?;
            let source = format!("oci:in:{tag}");
            let id = podman.run(&["pull", "--quiet", &source]).await?;
            let by_id = format!("containers-storage:{id}");
            podman.run(&["manifest", "add", "--arch", architecture, "list", &by_id]).await?;
        }
        let target = format!("docker://{}:list", site.image("podman-list"));
        podman.run(&["manifest", "push", "--all", "--tls-verify=false", "list", &target]).await?;
        let client = site.client();
        let served = client.get_manifest("devel/podman-list", "list").await?;
        let list: serde_json::Value = serde_json::from_slice(&served.bytes).unwrap();
        let children = list["manifests"].as_array().unwrap();
        assert_eq!(children.len(), 2);
        for child in children {
            client.get_manifest("devel/podman-list", child["digest"].as_str().unwrap()).await?;
        }
        let listed = format!("{}:list", site.image("podman-list"));
        podman
            .run(&["pull", "--quiet", "--tls-verify=false", "--arch", "arm64", &listed])
            .await?;
    }

    fn login_stores_a_password_that_works(site) {
        let podman = Podman::new(site)?;
        let host = site.server.host();
        podman.run(&["logout", host]).await?;
        let password = site.owner.password();
        podman.run(&["login", "--tls-verify=false", "-u", "devel", "-p", password, host]).await?;
        podman.run(&["login", "--tls-verify=false", "--get-login", host]).await?;
    }
}
