//! Host names, TLS, sessions, the `/v2` protocol's switches.

use ipnet::IpNet;
use pierhead_oci::VersionSpec;

use crate::byte_size::ByteSize;
use crate::duration::Duration;
use crate::field::{Mark, choice, section};
use crate::hostname::ServerHostname;
use crate::log_level::LogLevel;
use crate::secret::Secret;
use crate::sections::texts;
use crate::setting::OneOrMany;

choice! {
    /// The scheme of links, of the authentication realm and of cookies.
    Scheme {
        /// Plain HTTP.
        Http = "http",
        /// HTTP over TLS.
        Https = "https",
    }
}

choice! {
    /// A TLS version that the listener accepts.
    TlsVersion {
        /// TLS 1.2.
        Tls12 = "TLSv1.2",
        /// TLS 1.3.
        Tls13 = "TLSv1.3",
    }
}

choice! {
    /// Address families of the listeners.
    IpVersion {
        /// IPv4 only.
        V4 = "IPv4",
        /// IPv6 only.
        V6 = "IPv6",
        /// Both.
        DualStack = "dual-stack",
    }
}

choice! {
    /// The `SameSite` attribute of the session cookie.
    SameSite {
        /// Sent with top-level navigation.
        Lax = "Lax",
        /// Never sent across sites.
        Strict = "Strict",
        /// Always sent.
        None = "None",
    }
}

section! {
    /// Server, host name, TLS and sessions.
    Server {
        /// Public host, with the port if it is not the scheme's own; audience of registry tokens; used in links.
        SERVER_HOSTNAME => server_hostname: ServerHostname = ServerHostname::default();
        /// Scheme of generated links, of the authentication realm and of cookies.
        PREFERRED_URL_SCHEME => preferred_url_scheme: Scheme = Scheme::Http;
        /// A proxy in front terminates TLS; the certificate is not looked for.
        EXTERNAL_TLS_TERMINATION => external_tls_termination: bool = false;
        /// Configuration is finished. Quay does not start without it.
        SETUP_COMPLETE => setup_complete: bool = false;
        /// Test mode: no mail is sent and global locks are skipped. Quay's own default is true.
        TESTING => testing: bool = false;
        /// Signs sessions and encrypts passwords for clients. Without it a random one lives as long as the process.
        SECRET_KEY => secret_key: Option<Secret> = None;
        /// Encrypts database columns. Must never change.
        DATABASE_SECRET_KEY => database_secret_key: Option<Secret> = None;
        /// TLS versions that are accepted.
        SSL_PROTOCOLS => ssl_protocols: Vec<TlsVersion> = vec![TlsVersion::Tls12, TlsVersion::Tls13];
        /// OpenSSL names and groups of the TLS 1.2 cipher suites, as a list or joined with colons, the preferred ones first; the default is all
        /// that there are: `ECDHE-ECDSA-` and `ECDHE-RSA-` with `AES256-GCM-SHA384`, `AES128-GCM-SHA256` and `CHACHA20-POLY1305`. Others are left
        /// out with a warning.
        SSL_CIPHERS => ssl_ciphers: OneOrMany<String> = OneOrMany(Vec::new());
        /// Names of the TLS 1.3 cipher suites; the default is all: `TLS_AES_256_GCM_SHA384`, `TLS_AES_128_GCM_SHA256`,
        /// `TLS_CHACHA20_POLY1305_SHA256`.
        SSL_CIPHERSUITES => ssl_ciphersuites: OneOrMany<String> = OneOrMany(Vec::new()), Mark::Undocumented;
        /// Address families of all listeners. A text although its name begins with `FEATURE_`.
        FEATURE_LISTEN_IP_VERSION => feature_listen_ip_version: IpVersion = IpVersion::V4;
        /// Expect the PROXY protocol on the TLS listener.
        FEATURE_PROXY_PROTOCOL => feature_proxy_protocol: bool = false, Mark::Undocumented;
        /// Networks of proxies whose `X-Forwarded-For` is believed.
        TRUSTED_PROXY_CIDR => trusted_proxy_cidr: Option<OneOrMany<IpNet>> = None, Mark::Undocumented;
        /// Number of trusted proxies in front; exactly so many entries of `X-Forwarded-*` are believed.
        PROXY_COUNT => proxy_count: u32 = 1, Mark::Undocumented;
        /// Name of the session cookie.
        SESSION_COOKIE_NAME => session_cookie_name: String = "_csrf_token".into();
        /// Secure flag of the session cookie; becomes true under https.
        SESSION_COOKIE_SECURE => session_cookie_secure: bool = false;
        /// HttpOnly flag of the session cookie.
        SESSION_COOKIE_HTTPONLY => session_cookie_httponly: bool = true;
        /// SameSite attribute of the session cookie; null leaves it out.
        SESSION_COOKIE_SAMESITE => session_cookie_samesite: Option<SameSite> = Some(SameSite::Lax);
        /// Keep the session cookie without Secure under https.
        FORCE_NONSECURE_SESSION_COOKIE => force_nonsecure_session_cookie: bool = false, Mark::Undocumented;
        /// Absolute life of a session.
        SESSION_TIMEOUT => session_timeout: Duration = Duration::days(31), Mark::Since("3.18");
        /// Life of a session in seconds before `SESSION_TIMEOUT` existed.
        PERMANENT_SESSION_LIFETIME => permanent_session_lifetime: u64 = 2_678_400;
        /// Sessions survive the browser.
        FEATURE_PERMANENT_SESSIONS => feature_permanent_sessions: bool = true;
        /// How long a sign-in counts as fresh for sensitive calls.
        FRESH_LOGIN_TIMEOUT => fresh_login_timeout: Duration = Duration::minutes(10);
        /// API calls of browsers must carry `X-Requested-With: XMLHttpRequest`.
        BROWSER_API_CALLS_XHR_ONLY => browser_api_calls_xhr_only: bool = true;
        /// Origins for CORS: one is answered as it is, with credentials; of several, the caller's own.
        CORS_ORIGIN => cors_origin: OneOrMany<String> = OneOrMany(texts(&["*"]));
        /// Largest request body.
        MAXIMUM_LAYER_SIZE => maximum_layer_size: ByteSize = ByteSize::gibibytes(20);
        /// Read timeout of manifest routes, as nginx writes times.
        MANIFESTS_ENDPOINT_READ_TIMEOUT => manifests_endpoint_read_timeout: Option<String> = None;
        /// Page size of tags and catalog on `/v2`.
        V2_PAGINATION_SIZE => v2_pagination_size: u32 = 50;
        /// Serve `/v2/`.
        FEATURE_ADVERTISE_V2 => feature_advertise_v2: bool = true;
        /// Versions of Docker that get 404 from `GET /v2/`: blocks like `<1.6.0`, `>=1.8`, `!=1.9.1`, `~1.7` or `==1.*` that all hold, joined
        /// by commas. `null` refuses nobody.
        BLACKLIST_V2_SPEC => blacklist_v2_spec: Option<VersionSpec> = Some(VersionSpec::before_1_6());
        /// V1 push only for `V1_PUSH_WHITELIST`.
        FEATURE_RESTRICTED_V1_PUSH => feature_restricted_v1_push: bool = false, Mark::Ignored("the V1 protocol is not served");
        /// Namespaces that may push by V1.
        V1_PUSH_WHITELIST => v1_push_whitelist: Vec<String> = Vec::new(), Mark::Ignored("the V1 protocol is not served");
        /// Host that serves V1 only.
        V1_ONLY_DOMAIN => v1_only_domain: Option<String> = None, Mark::Ignored("the V1 protocol is not served");
        /// Names without a namespace belong to `LIBRARY_NAMESPACE`.
        FEATURE_LIBRARY_SUPPORT => feature_library_support: bool = true;
        /// Namespace of names that have none.
        LIBRARY_NAMESPACE => library_namespace: String = "library".into();
        /// Repository names may contain `/`.
        FEATURE_EXTENDED_REPOSITORY_NAMES => feature_extended_repository_names: bool = true;
        /// Contact page: `mailto:`, `irc:`, `tel:`, `http:` and `https:` links.
        CONTACT_INFO => contact_info: Vec<String> = Vec::new();
        /// Least serious events that are logged. Quay's own default is `DEBUG`, which its server does not use. The variables `RUST_LOG`,
        /// `DEBUGLOG` and `LOGGING_LEVEL` win over it.
        LOGGING_LEVEL => logging_level: LogLevel = LogLevel::Info;
        /// Skips the XHR check and the TLS verification of OIDC providers.
        DEBUGGING => debugging: bool = false, Mark::Undocumented;
        /// Flask's debug switch; only published to the console.
        DEBUG => debug: Option<bool> = None, Mark::Ignored("there is no Flask");
        /// Static files come from a CDN.
        USE_CDN => use_cdn: bool = false, Mark::Ignored("the console is part of the binary");
        /// Pretty-print JSON answers.
        JSONIFY_PRETTYPRINT_REGULAR => jsonify_prettyprint_regular: bool = false;
        /// Cache time of static files in seconds.
        SEND_FILE_MAX_AGE_DEFAULT => send_file_max_age_default: u32 = 0;
    }
}
