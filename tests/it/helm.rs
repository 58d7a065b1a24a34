//! helm: charts as OCI artifacts.

use pierhead_testkit::{Sandbox, Tool};

on_both_engines! {
    fn a_chart_is_pushed_shown_and_pulled(site) {
        let helm = site.tool("helm")?;
        helm.run(&["create", "harbour"]).await?;
        helm.run(&["package", "harbour", "--version", "1.2.3"]).await?;
        let charts = format!("oci://{}/devel/charts", site.server.host());
        helm.run(&["push", "--plain-http", "harbour-1.2.3.tgz", &charts]).await?;
        let chart = format!("{charts}/harbour");
        let shown = helm.run(&["show", "chart", "--plain-http", &chart, "--version", "1.2.3"]).await?;
        assert!(shown.contains("version: 1.2.3"), "{shown}");
        helm.run(&["pull", "--plain-http", &chart, "--version", "1.2.3", "--destination", "run"]).await?;
        assert_eq!(
            std::fs::read(site.sandbox.path("run/harbour-1.2.3.tgz")).unwrap(),
            std::fs::read(site.sandbox.path("harbour-1.2.3.tgz")).unwrap()
        );
        // Without a version helm asks for the tags and takes the newest.
        helm.run(&["package", "harbour", "--version", "1.10.0"]).await?;
        helm.run(&["push", "--plain-http", "harbour-1.10.0.tgz", &charts]).await?;
        let newest = helm.run(&["show", "chart", "--plain-http", &chart]).await?;
        assert!(newest.contains("version: 1.10.0"), "{newest}");
    }

    fn login_takes_the_password_and_nothing_else(site) {
        let sandbox = Sandbox::new()?;
        let helm = Tool::new("helm", &sandbox)?;
        let host = site.server.host();
        let arguments =
            |password| ["registry", "login", "--plain-http", "-u", "devel", "-p", password, host];
        helm.run(&arguments(site.owner.password())).await?;
        // Last: after a wrong password the next attempt has to wait.
        helm.run_failing(&arguments("wrong")).await?;
    }
}
