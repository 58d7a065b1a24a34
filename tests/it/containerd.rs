//! containerd, as Kubernetes nodes pull with it: its client `ctr` pushes and pulls an image and an index.

use pierhead_testkit::{Containerd, Image, Index, Layout, Result, Tool};

use crate::site::Site;

/// `ctr images SUBCOMMAND`, logged in, without TLS.
async fn transfer(
    ctr: &Tool<'_>,
    site: &Site,
    subcommand: &str,
    arguments: &[&str],
) -> Result<String> {
    let user = format!("devel:{}", site.owner.password());
    let mut all = vec!["images", subcommand, "--plain-http", "--user", &user];
    all.extend(arguments);
    ctr.run(&all).await
}

on_both_engines! {
    fn images_and_an_index_are_pushed_and_pulled_and_unpacked(site) {
        let containerd = Containerd::start().await?;
        let ctr = containerd.ctr(&site.sandbox)?;
        let mut layout = Layout::create(site.sandbox.path("in"))?;
        let image = Image::build(31, &[20_000, 300]);
        let index = Index::build(32, &[900, 400]);
        layout.add_image("v1", &image)?;
        layout.add_index("all", &index)?;
        let tar = site.tool("tar")?;
        tar.run(&["--create", "--file", "in.tar", "--directory", "in", "."]).await?;
        let base = site.image("containerd");
        ctr.run(&["images", "import", "--no-unpack", "--all-platforms", "--base-name", &base, "in.tar"]).await?;
        for (tag, digest) in [("v1", &image.manifest.digest), ("all", &index.manifest.digest)] {
            let name = format!("{base}:{tag}");
            transfer(&ctr, site, "push", &[&name]).await?;
            assert_eq!(&site.client().get_manifest("devel/containerd", tag).await?.digest, digest);
        }

        // Another node, which has nothing of it yet.
        let node = Containerd::start().await?;
        let ctr = node.ctr(&site.sandbox)?;
        for (reference, digest) in [
            (format!("{base}:v1"), &image.manifest.digest),
            (format!("{base}@{}", image.manifest.digest), &image.manifest.digest),
            (format!("{base}:all"), &index.manifest.digest),
        ] {
            transfer(&ctr, site, "pull", &["--snapshotter", "native", "--all-platforms", &reference]).await?;
            let listed = ctr.run(&["images", "list", &format!("name=={reference}")]).await?;
            assert!(listed.contains(digest.as_str()), "{listed}");
        }
        let anonymous = ctr
            .run_failing(&["images", "pull", "--plain-http", &format!("{base}:v1")])
            .await?;
        assert!(anonymous.contains("401"), "{anonymous}");
    }
}
