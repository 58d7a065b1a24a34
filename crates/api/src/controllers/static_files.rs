//! What browsers and crawlers ask every site for: `/robots.txt`, `/favicon.ico`, `/opensearch.xml` (api-v1.md §6.5). An
//! operator's own of the first two lie beside `config.yaml`, where Quay takes them from.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};

use crate::guard::Anyone;
use crate::landing::escape;
use crate::route::Routes;
use crate::state::Api;

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/robots.txt", robots)
        .get("/favicon.ico", favicon)
        .get("/static/favicon.ico", favicon)
        .get("/opensearch.xml", opensearch)
}

async fn robots(_: Anyone, State(api): State<Api>) -> Response {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("text/plain"))];
    (headers, api.0.config.files.robots.clone()).into_response()
}

async fn favicon(_: Anyone, State(api): State<Api>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("image/x-icon")),
        (
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=86400"),
        ),
    ];
    (headers, api.0.config.files.icon.clone()).into_response()
}

/// How a browser searches here: by the console's page.
async fn opensearch(_: Anyone, State(api): State<Api>, headers: HeaderMap) -> Response {
    let config = api.0.config.seen_with(&headers);
    let title = escape(&config.title);
    let base = escape(&config.base_url());
    let document = format!(
        "<OpenSearchDescription xmlns=\"http://a9.com/-/spec/opensearch/1.1/\" xmlns:moz=\"http://www.mozilla.org/2006/browser/search/\">\n\
         <ShortName>{title}</ShortName>\n\
         <Description>Find public container repositories on {title}</Description>\n\
         <InputEncoding>UTF-8</InputEncoding>\n\
         <AdultContent>false</AdultContent>\n\
         <Language>en-us</Language>\n\
         <Image width=\"16\" height=\"16\" type=\"image/x-icon\">{base}/favicon.ico</Image>\n\
         <Url type=\"text/html\" method=\"get\" template=\"{base}/search?q={{searchTerms}}\"/>\n\
         </OpenSearchDescription>"
    );
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/xml"))];
    (headers, document).into_response()
}
