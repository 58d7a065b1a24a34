//! cosign: signatures as tags and as referrers, without any service on the internet.

use pierhead_testkit::{Image, Result, Tool};

use crate::site::Site;

/// cosign with a fresh key pair `cosign.key`, `cosign.pub`.
async fn cosign(site: &Site) -> Result<Tool<'_>> {
    let tool = site.tool("cosign")?.env("COSIGN_PASSWORD", "");
    tool.run(&["generate-key-pair"]).await?;
    Ok(tool)
}

on_both_engines! {
    fn a_signature_under_a_tag_verifies(site) {
        let cosign = cosign(site).await?;
        let image = Image::build(61, &[500]);
        site.client().push_image("devel/signed", "v1", &image).await?;
        let name = format!("{}@{}", site.image("signed"), image.manifest.digest);
        cosign
            .run(&[
                "sign", "--yes", "--key", "cosign.key", "--allow-http-registry",
                "--use-signing-config=false", "--new-bundle-format=false", "--tlog-upload=false", &name,
            ])
            .await?;
        let signature = format!("{}.sig", image.manifest.digest.replace(':', "-"));
        assert_eq!(site.client().tags("devel/signed").await?, [signature.as_str(), "v1"]);
        cosign
            .run(&[
                "verify", "--key", "cosign.pub", "--allow-http-registry", "--insecure-ignore-tlog",
                "--new-bundle-format=false", &name,
            ])
            .await?;
        let unsigned = Image::build(62, &[500]);
        site.client().push_image("devel/signed", "v2", &unsigned).await?;
        let other = format!("{}@{}", site.image("signed"), unsigned.manifest.digest);
        cosign
            .run_failing(&[
                "verify", "--key", "cosign.pub", "--allow-http-registry", "--insecure-ignore-tlog",
                "--new-bundle-format=false", &other,
            ])
            .await?;
    }

    fn a_signature_as_a_referrer_verifies(site) {
        let cosign = cosign(site).await?;
        let image = Image::build(63, &[500]);
        site.client().push_image("devel/bundled", "v1", &image).await?;
        let name = format!("{}@{}", site.image("bundled"), image.manifest.digest);
        cosign
            .run(&[
                "sign", "--yes", "--key", "cosign.key", "--allow-http-registry",
                "--use-signing-config=false", "--new-bundle-format=true", "--tlog-upload=false", &name,
            ])
            .await?;
        assert_eq!(site.client().referrers("devel/bundled", &image.manifest.digest).await?.len(), 1);
        assert_eq!(site.client().tags("devel/bundled").await?, ["v1"]);
        cosign
            .run(&[
                "verify", "--key", "cosign.pub", "--allow-http-registry", "--insecure-ignore-tlog",
                "--new-bundle-format=true", &name,
            ])
            .await?;
    }
}
