//! Where GitHub, or a GitHub Enterprise Server, is.

use pierhead_config::HttpUrl;
use url::Url;

const PUBLIC: &str = "https://github.com";
const PUBLIC_API: &str = "https://api.github.com";

/// The addresses of a GitHub, without slashes at their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GitHubAddresses {
    /// Of its pages, and of its OAuth.
    pub(crate) endpoint: String,
    /// Of its REST API.
    pub(crate) api: String,
}

impl GitHubAddresses {
    /// As `GITHUB_ENDPOINT` and `API_ENDPOINT` say. Without the latter, the API of a server is below its pages; that of
    /// github.com never is, although Quay looks for it there.
    pub(crate) fn of(endpoint: Option<&HttpUrl>, api: Option<&HttpUrl>) -> Self {
        let plain = |url: &HttpUrl| url.as_url().as_str().trim_end_matches('/').to_owned();
        let endpoint = endpoint.map_or_else(|| PUBLIC.to_owned(), plain);
        let api = match api {
            Some(api) => plain(api),
            None if endpoint == PUBLIC => PUBLIC_API.to_owned(),
            None => format!("{endpoint}/api/v3"),
        };
        Self { endpoint, api }
    }

    /// Whether it is a server of somebody's own.
    pub(crate) fn is_enterprise(&self) -> bool {
        let host = Url::parse(&self.api).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        host != "github.com" && !host.ends_with(".github.com")
    }

    /// `POST` here exchanges codes for tokens.
    pub(crate) fn token_url(&self) -> String {
        format!("{}/login/oauth/access_token", self.endpoint)
    }

    /// The page where people agree.
    pub(crate) fn authorize_url(&self) -> String {
        format!("{}/login/oauth/authorize", self.endpoint)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_api_of_a_server_is_below_its_pages_and_that_of_github_is_not() {
        let of = |endpoint: Option<&str>, api: Option<&str>| {
            let url = |text: &str| HttpUrl::parse(text).unwrap();
            let (endpoint, api) = (endpoint.map(url), api.map(url));
            let found = GitHubAddresses::of(endpoint.as_ref(), api.as_ref());
            let is_enterprise = found.is_enterprise();
            (found.token_url(), found.api, is_enterprise)
        };
        let at = |token: &str, api: &str| (token.to_owned(), api.to_owned(), true);
        let public = (
            "https://github.com/login/oauth/access_token".to_owned(),
            "https://api.github.com".to_owned(),
            false,
        );
        assert_eq!(of(None, None), public);
        assert_eq!(of(Some("https://github.com/"), None), public);
        let token = "https://git.example.com/login/oauth/access_token";
        assert_eq!(
            of(Some("https://git.example.com/"), None),
            at(token, "https://git.example.com/api/v3")
        );
        assert_eq!(
            of(
                Some("https://git.example.com"),
                Some("http://api.example.com/x/")
            ),
            at(token, "http://api.example.com/x")
        );
    }
}
