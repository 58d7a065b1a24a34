//! Builds.

use crate::field::{object, section};
use crate::named::Named;
use crate::network::HttpUrl;
use crate::secret::Secret;
use crate::setting::Opaque;

object! {
    /// `GITHUB_TRIGGER_CONFIG`.
    GithubTrigger {
        /// GitHub itself or an enterprise server.
        GITHUB_ENDPOINT => github_endpoint: Option<HttpUrl> = None;
        /// API of that server; by default the endpoint with `/api/v3`, or `https://api.github.com/`.
        API_ENDPOINT => api_endpoint: Option<HttpUrl> = None;
        /// Client id.
        CLIENT_ID => client_id: Option<String> = None;
        /// Client secret.
        CLIENT_SECRET => client_secret: Option<Secret> = None;
    }
}

object! {
    /// `GITLAB_TRIGGER_CONFIG`.
    GitlabTrigger {
        /// GitLab's URL.
        GITLAB_ENDPOINT => gitlab_endpoint: HttpUrl = HttpUrl::fixed("https://gitlab.com");
        /// Client id.
        CLIENT_ID => client_id: Option<String> = None;
        /// Client secret.
        CLIENT_SECRET => client_secret: Option<Secret> = None;
    }
}

object! {
    /// `BITBUCKET_TRIGGER_CONFIG`.
    BitbucketTrigger {
        /// Consumer key.
        CONSUMER_KEY => consumer_key: Option<String> = None;
        /// Consumer secret.
        CONSUMER_SECRET => consumer_secret: Option<Secret> = None;
        /// Bitbucket's pages and its OAuth; Quay always calls `https://bitbucket.org/`.
        BITBUCKET_ENDPOINT => bitbucket_endpoint: HttpUrl = HttpUrl::fixed("https://bitbucket.org");
        /// Bitbucket's API; Quay always calls `https://api.bitbucket.org/`.
        API_ENDPOINT => api_endpoint: HttpUrl = HttpUrl::fixed("https://api.bitbucket.org");
    }
}

section! {
    /// Builds.
    Builds {
        /// Build images from Dockerfiles.
        FEATURE_BUILD_SUPPORT => feature_build_support: bool = true;
        /// Readers see build logs.
        FEATURE_READER_BUILD_LOGS => feature_reader_build_logs: bool = false;
        /// Builds triggered by GitHub.
        FEATURE_GITHUB_BUILD => feature_github_build: bool = false;
        /// Builds triggered by GitLab.
        FEATURE_GITLAB_BUILD => feature_gitlab_build: bool = false;
        /// Builds triggered by Bitbucket.
        FEATURE_BITBUCKET_BUILD => feature_bitbucket_build: bool = false;
        /// GitHub's client.
        GITHUB_TRIGGER_CONFIG => github_trigger_config: Option<GithubTrigger> = None;
        /// GitLab's client.
        GITLAB_TRIGGER_CONFIG => gitlab_trigger_config: Option<GitlabTrigger> = None;
        /// Bitbucket's client.
        BITBUCKET_TRIGGER_CONFIG => bitbucket_trigger_config: Option<BitbucketTrigger> = None;
        /// Failed builds in a row after which a trigger is switched off; null means never.
        SUCCESSIVE_TRIGGER_FAILURE_DISABLE_THRESHOLD => successive_trigger_failure_disable_threshold: Option<u32> = Some(100);
        /// Internal errors in a row after which a trigger is switched off; null means never.
        SUCCESSIVE_TRIGGER_INTERNAL_ERROR_DISABLE_THRESHOLD => successive_trigger_internal_error_disable_threshold: Option<u32> = Some(5);
        /// Most waiting builds of a namespace.
        DEFAULT_NAMESPACE_MAXIMUM_BUILD_COUNT => default_namespace_maximum_build_count: Option<u32> = None;
        /// Build manager `enterprise` or `ephemeral`, with its settings as they are written.
        BUILD_MANAGER => build_manager: Named<Opaque> = Named { name: "enterprise".into(), args: Opaque(serde_json::json!({})) };
    }
}
