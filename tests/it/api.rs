//! The management API, group by group, over HTTP.

/// Makes a test per engine of each scenario: an asynchronous function that is given the engine.
macro_rules! on_engines {
    ($($name:ident)+) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(pierhead_testkit::Engine::Sqlite).await.unwrap();
                }
            )+
        }

        mod on_postgresql {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(pierhead_testkit::Engine::PostgreSql).await.unwrap();
                }
            )+
        }
    };
}

mod activity;
mod content_trust;
mod dataset;
mod external_login;
mod installation;
mod key_server;
mod mirrors;
mod mock_server;
mod oauth;
mod organizations;
mod policies;
mod proxy_cache;
mod quota;
mod repositories;
mod repository_permissions;
mod robot_federation;
mod scanner;
mod schema;
mod search;
mod service_keys;
mod short_addresses;
mod superuser;
mod superuser_refusals;
mod tags;
mod triggers;
mod users;
