//! regctl: copy, tags, manifests, artifacts, blobs.

use pierhead_testkit::{Image, Index, Layout, Result, Tool};

use crate::site::Site;

/// regctl that knows that this registry speaks plain HTTP.
async fn regctl(site: &Site) -> Result<Tool<'_>> {
    let tool = site.tool("regctl")?;
    tool.run(&[
        "registry",
        "set",
        "--tls",
        "disabled",
        "--skip-check",
        site.server.host(),
    ])
    .await?;
    Ok(tool)
}

on_both_engines! {
    fn an_index_is_copied_in_and_out_with_its_referrers(site) {
        let regctl = regctl(site).await?;
        let index = Index::build(41, &[2000]);
        let mut layout = Layout::create(site.sandbox.path("in"))?;
        layout.add_index("v1", &index)?;
        let v1 = format!("{}:v1", site.image("regctl"));
        regctl.run(&["image", "copy", "ocidir://in:v1", &v1]).await?;
        assert_eq!(regctl.run(&["image", "digest", &v1]).await?, index.manifest.digest);
        assert_eq!(
            regctl.run(&["manifest", "get", "--format", "raw-body", &v1]).await?.as_bytes(),
            index.manifest.bytes
        );

        regctl
            .run_with_input(
                &[
                    "artifact", "put", "--artifact-type", "application/vnd.example.report",
                    "--file-media-type", "text/plain", "--subject", &v1,
                ],
                "nothing found",
            )
            .await?
            .succeeded()?;
        let listed = regctl.run(&["artifact", "list", &v1, "--format", "body"]).await?;
        assert!(listed.contains("application/vnd.example.report"), "{listed}");
        let got = regctl
            .run(&["artifact", "get", "--subject", &v1, "--filter-artifact-type", "application/vnd.example.report"])
            .await?;
        assert_eq!(got, "nothing found");

        regctl.run(&["image", "copy", "--referrers", &v1, "ocidir://out:v1"]).await?;
        regctl.run(&["image", "copy", "--referrers", "ocidir://out:v1", &format!("{}:v1", site.image("again"))]).await?;
        assert_eq!(site.client().referrers("devel/again", &index.manifest.digest).await?.len(), 1);
    }

    fn tags_are_listed_and_one_is_deleted_without_the_others(site) {
        let regctl = regctl(site).await?;
        let client = site.client();
        let image = Image::build(42, &[300]);
        for tag in ["a", "b", "c"] {
            client.push_image("devel/tagged", tag, &image).await?;
        }
        let repository = site.image("tagged");
        assert_eq!(regctl.run(&["tag", "ls", &repository]).await?, "a\nb\nc");
        regctl.run(&["tag", "delete", &format!("{repository}:b")]).await?;
        assert_eq!(client.tags("devel/tagged").await?, ["a", "c"]);
        assert_eq!(client.get_manifest("devel/tagged", "a").await?.bytes, image.manifest.bytes);
        let repositories = regctl.run(&["repo", "ls", site.server.host()]).await?;
        assert!(repositories.lines().any(|line| line == "devel/tagged"), "{repositories}");
        regctl.run(&["manifest", "delete", &format!("{repository}@{}", image.manifest.digest)]).await?;
        assert!(client.tags("devel/tagged").await?.is_empty());
    }

    fn a_blob_is_put_and_got(site) {
        let regctl = regctl(site).await?;
        let repository = site.image("blobs");
        let digest = regctl.run_with_input(&["blob", "put", &repository], "some bytes").await?.succeeded()?.stdout;
        assert_eq!(regctl.run(&["blob", "get", &repository, &digest]).await?, "some bytes");
    }
}
