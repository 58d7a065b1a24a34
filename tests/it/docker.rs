//! Docker: log in, push, pull by tag and by digest, and what an anonymous client is told.

use pierhead_testkit::{Docker, Image, Layout, Sandbox};

on_both_engines! {
    fn an_image_is_pushed_and_pulled_again(site) {
        let docker = Docker::start().await?;
        let client = docker.client(&site.sandbox)?;
        let name = format!("{}:v1", site.image("docker"));
        let mut layout = Layout::create(site.sandbox.path("in"))?;
        layout.add_image("v1", &Image::build(33, &[20_000, 300]))?;
        let archive = format!("docker-archive:image.tar:{name}");
        site.tool("skopeo")?.run(&["copy", "--insecure-policy", "oci:in:v1", &archive]).await?;
        client.run(&["load", "--input", "image.tar"]).await?;
        let id = client.run(&["image", "inspect", "--format", "{{.Id}}", &name]).await?;

        let pushed = client.run(&["push", &name]).await?;
        let digest = site.client().get_manifest("devel/docker", "v1").await?.digest;
        assert!(pushed.contains(&digest), "{pushed}");
        for reference in [name, format!("{}@{digest}", site.image("docker"))] {
            client.run(&["image", "rm", "--force", &id]).await?;
            client.run(&["pull", "--quiet", &reference]).await?;
            let pulled = client.run(&["image", "inspect", "--format", "{{.Id}}", &reference]).await?;
            assert_eq!(pulled, id);
        }
    }

    fn login_asks_the_registry_and_keeps_a_password_that_works(site) {
        let docker = Docker::start().await?;
        let stranger = Sandbox::new()?;
        let client = docker.client(&stranger)?;
        let name = format!("{}:v1", site.image("private"));
        site.client().push_image("devel/private", "v1", &Image::build(34, &[500])).await?;
        let refused = client.run_failing(&["pull", &name]).await?;
        assert!(refused.contains("unauthorized"), "{refused}");

        let login = |password: String| {
            let client = &client;
            async move {
                let arguments = ["login", "--username", "devel", "--password-stdin", site.server.host()];
                client.run_with_input(&arguments, &password).await
            }
        };
        login(site.owner.password().to_owned()).await?.succeeded()?;
        client.run(&["pull", "--quiet", &name]).await?;
        client.run(&["logout", site.server.host()]).await?;
        client.run_failing(&["pull", &name]).await?;
        assert!(!login("wrong".to_owned()).await?.success);
    }
}
