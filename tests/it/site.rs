//! What every client test starts from: a running server, its first user, a client's home.

use pierhead_testkit::{Client, Credentials, Engine, Pierhead, Result, Sandbox, Tool};

/// A registry with one user, and a client's home that is logged in as that user.
pub(crate) struct Site {
    pub(crate) server: Pierhead,
    pub(crate) owner: Credentials,
    pub(crate) sandbox: Sandbox,
}

impl Site {
    pub(crate) async fn start(engine: Engine) -> Result<Self> {
        let server = Pierhead::start(engine).await?;
        let owner = server.initialize("devel").await?;
        let sandbox = Sandbox::logged_in(server.host(), &owner)?;
        Ok(Self {
            server,
            owner,
            sandbox,
        })
    }

    /// `host/devel/NAME`, as clients write an image.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/devel/{name}", self.server.host())
    }

    /// The kit's own client, to look at what a real one did.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.server, Some(&self.owner))
    }

    pub(crate) fn tool(&self, name: &str) -> Result<Tool<'_>> {
        Tool::new(name, &self.sandbox)
    }

    /// The path of a file in the client's home, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.sandbox.path(name).display().to_string()
    }
}

/// Runs a scenario and ends the server with SIGTERM; its log is shown if the scenario fails.
pub(crate) async fn run(engine: Engine, scenario: impl AsyncFnOnce(&Site) -> Result<()>) {
    let mut site = Site::start(engine).await.unwrap();
    scenario(&site).await.unwrap();
    site.server.stop().await.unwrap();
}

/// Makes a test per engine of one scenario: an asynchronous block that is given the [`Site`].
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* fn $name:ident($site:ident) $scenario:block)+) => {
        $(
            mod $name {
                #[allow(unused_imports, reason = "a scenario takes what it needs")]
                use super::*;

                $(#[$attribute])*
                async fn scenario($site: &$crate::site::Site) -> pierhead_testkit::Result<()> {
                    $scenario
                    Ok(())
                }

                #[tokio::test]
                async fn on_sqlite() {
                    $crate::site::run(pierhead_testkit::Engine::Sqlite, scenario).await;
                }

                #[tokio::test]
                async fn on_postgresql() {
                    $crate::site::run(pierhead_testkit::Engine::PostgreSql, scenario).await;
                }
            }
        )+
    };
}
