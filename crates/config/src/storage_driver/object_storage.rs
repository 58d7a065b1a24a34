//! Arguments of the drivers that speak to one object storage.

use std::collections::BTreeMap;

use crate::field::{choice, object};
use crate::network::HttpUrl;
use crate::problem::{At, Found, Sink};
use crate::secret::Secret;

object! {
    /// `S3Storage`.
    S3Args {
        /// Bucket.
        s3_bucket => s3_bucket: String;
        /// Prefix of all keys.
        storage_path => storage_path: String;
        /// Access key; without both keys the default AWS credential chain is used.
        s3_access_key => s3_access_key: Option<Secret> = None;
        /// Secret key.
        s3_secret_key => s3_secret_key: Option<Secret> = None;
        /// Token of temporary credentials.
        aws_session_token => aws_session_token: Option<Secret> = None;
        /// Region; without `endpoint_url` it selects Amazon's endpoint and overrides `host`.
        s3_region => s3_region: Option<String> = None;
        /// Host of the service, reached by https.
        host => host: Option<String> = None;
        /// Port of the service.
        port => port: Option<u16> = None;
        /// URL of the service.
        endpoint_url => endpoint_url: Option<HttpUrl> = None;
        /// Largest part of a multipart upload in GiB.
        maximum_chunk_size_gb => maximum_chunk_size_gb: u32 = 5;
        /// Smallest part of a multipart upload in MiB.
        minimum_chunk_size_mb => minimum_chunk_size_mb: u32 = 5;
        /// Signature version.
        signature_version => signature_version: String = "s3v4".into();
    }
}

object! {
    /// `STSS3Storage`.
    StsS3Args {
        /// Bucket.
        s3_bucket => s3_bucket: String;
        /// Prefix of all keys.
        storage_path => storage_path: String;
        /// Role to assume; without one the default AWS credential chain is used as it is.
        sts_role_arn => sts_role_arn: Option<String> = None;
        /// Access key of the user that assumes the role; without both keys, the default AWS credential chain.
        sts_user_access_key => sts_user_access_key: Option<Secret> = None;
        /// Secret key of that user.
        sts_user_secret_key => sts_user_secret_key: Option<Secret> = None;
        /// File of the web identity token.
        sts_web_identity_token_file => sts_web_identity_token_file: Option<String> = None;
        /// Name of the session.
        sts_role_session_name => sts_role_session_name: String = "quay".into();
        /// Region.
        s3_region => s3_region: Option<String> = None;
        /// URL of the service.
        endpoint_url => endpoint_url: Option<HttpUrl> = None;
        /// Largest part of a multipart upload in GiB.
        maximum_chunk_size_gb => maximum_chunk_size_gb: u32 = 5;
        /// Signature version.
        signature_version => signature_version: String = "s3v4".into();
    }
}

object! {
    /// `RadosGWStorage` and `RHOCSStorage`.
    RadosGwArgs {
        /// Host of the service.
        hostname => hostname: String;
        /// Use https.
        is_secure => is_secure: bool;
        /// Prefix of all keys.
        storage_path => storage_path: String;
        /// Access key.
        access_key => access_key: Secret;
        /// Secret key.
        secret_key => secret_key: Secret;
        /// Bucket.
        bucket_name => bucket_name: String;
        /// Port of the service.
        port => port: Option<u16> = None;
        /// Region.
        region_name => region_name: Option<String> = None;
        /// Signature version.
        signature_version => signature_version: Option<String> = None;
        /// Smallest part of a multipart upload in MiB.
        minimum_chunk_size_mb => minimum_chunk_size_mb: u32 = 5;
        /// Largest part of a multipart upload in MiB.
        maximum_chunk_size_mb => maximum_chunk_size_mb: u32 = 100;
        /// Parts are put together by the service.
        server_side_assembly => server_side_assembly: bool = true;
    }
}

object! {
    /// `IBMCloudStorage`.
    IbmCloudArgs {
        /// Host of the service.
        hostname => hostname: String;
        /// Use https.
        is_secure => is_secure: bool;
        /// Prefix of all keys.
        storage_path => storage_path: String;
        /// Access key.
        access_key => access_key: Secret;
        /// Secret key.
        secret_key => secret_key: Secret;
        /// Bucket.
        bucket_name => bucket_name: String;
        /// Port of the service.
        port => port: Option<u16> = None;
        /// Largest part of a multipart upload in MiB.
        maximum_chunk_size_mb => maximum_chunk_size_mb: u32 = 100;
        /// Signature version.
        signature_version => signature_version: Option<String> = None;
    }
}

object! {
    /// `GoogleCloudStorage`.
    GoogleCloudArgs {
        /// Access key of the S3 interface.
        access_key => access_key: Secret;
        /// Secret key of the S3 interface.
        secret_key => secret_key: Secret;
        /// Bucket.
        bucket_name => bucket_name: String;
        /// Prefix of all keys.
        storage_path => storage_path: String;
        /// Seconds that one request may take.
        boto_timeout => boto_timeout: u32 = 60;
        /// Smallest part of a multipart upload in MiB.
        minimum_chunk_size_mb => minimum_chunk_size_mb: u32 = 5;
        /// Signature version.
        signature_version => signature_version: Option<String> = None;
    }
}

object! {
    /// `AzureStorage`.
    AzureArgs {
        /// Container.
        azure_container => azure_container: String;
        /// Prefix of all blob names.
        storage_path => storage_path: String;
        /// Storage account.
        azure_account_name => azure_account_name: String;
        /// Key of the account.
        azure_account_key => azure_account_key: Option<Secret> = None;
        /// Shared access signature, used instead of the key.
        sas_token => sas_token: Option<Secret> = None;
        /// URL of the service; by default `https://<account>.blob.core.windows.net`.
        endpoint_url => endpoint_url: Option<HttpUrl> = None;
    }
}

choice! {
    /// Version of the Swift authentication protocol.
    SwiftAuthVersion {
        /// TempAuth.
        V1 = "1",
        /// Keystone v2.
        V2 = "2",
        /// Keystone v3.
        V3 = "3",
    }
}

object! {
    /// `SwiftStorage`.
    SwiftArgs {
        /// URL of the authentication service.
        auth_url => auth_url: HttpUrl;
        /// Container.
        swift_container => swift_container: String;
        /// Prefix of all object names.
        storage_path => storage_path: String;
        /// User.
        swift_user => swift_user: String;
        /// Password.
        swift_password => swift_password: Secret;
        /// Version of the authentication protocol; 3 needs `os_options` with `user_domain_name` and `tenant_id`.
        auth_version => auth_version: SwiftAuthVersion = SwiftAuthVersion::V2;
        /// Further options of the authentication: `tenant_id`, `user_domain_name`, `project_name`, `region_name`.
        os_options => os_options: BTreeMap<String, String> = BTreeMap::new();
        /// CA file in the configuration directory.
        ca_cert_path => ca_cert_path: Option<String> = None;
        /// Key of temporary URLs; without one, blobs are streamed through the registry.
        temp_url_key => temp_url_key: Option<Secret> = None;
        /// Join paths without cleaning them.
        simple_path_concat => simple_path_concat: bool = false;
        /// Seconds to wait for a connection.
        connect_timeout => connect_timeout: u32 = 5;
        /// Attempts after a failure.
        retry_count => retry_count: u32 = 5;
        /// Try again when the service limits the rate.
        retry_on_ratelimit => retry_on_ratelimit: bool = true;
    }
}

impl SwiftArgs {
    /// Version 3 of the authentication needs two options.
    pub(super) fn check(&self, at: &At, sink: &mut Sink) -> bool {
        if self.auth_version != SwiftAuthVersion::V3 {
            return true;
        }
        let mut complete = true;
        for key in ["user_domain_name", "tenant_id"] {
            if self.os_options.get(key).is_none_or(String::is_empty) {
                let place = at.child("os_options").child(key);
                sink.problem(&place, Found::Missing, "required with auth_version 3: text");
                complete = false;
            }
        }
        complete
    }
}
