//! The live page, and what only it asks for. Its sources are in `ui/`; the build makes one file of
//! them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Order;
use crate::http::{self, Reply};
use crate::problem::Problem;
use crate::seed;

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ui.html.deflate"));

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    // The build has packed it, so it unpacks to text; a test holds it against its sources.
    let bytes = miniz_oxide::inflate::decompress_to_vec(PACKED).unwrap_or_default();
    let html = String::from_utf8(bytes).unwrap_or_default();
    let policy = policy(&html);
    Page { html, policy }
});

struct Page {
    html: String,
    policy: String,
}

pub(super) fn show() -> Reply {
    Reply::text(200, "text/html; charset=utf-8", PAGE.html.as_str())
        .header("content-security-policy", PAGE.policy.as_str())
        .header("referrer-policy", "no-referrer")
        .header("cache-control", "no-cache")
}

/// Nothing may be loaded but by the page's own script from this server, and no other script runs:
/// texts of flows and requests are shown, and none of them may become a program.
fn policy(html: &str) -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; style-src-attr 'unsafe-inline'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(html, "script"),
        hash(html, "style"),
    )
}

/// How a policy names the content of the one element of its kind.
fn hash(html: &str, element: &str) -> String {
    let content = html
        .split_once(&format!("<{element}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
    let content = content.map_or("", |(content, _)| content);
    format!("sha256-{}", STANDARD.encode(Sha256::digest(content)))
}

/// The secrets that were made from the seed, as far as they still open something: whoever may
/// seed a workspace knows them anyway.
pub(super) fn keys(order: &Order) -> Reply {
    let app = &order.app;
    let state = app.state();
    let now = app.clock.now();
    let seeded = seed::again(&state, &app.config, &app.plants, now);
    let shown = json!({"keys": seeded.keys, "auth": app.config.auth, "seed": state.ids.seed()});
    drop(state);
    Reply::json(200, &shown)
}

/// What the product shows an administrator, without a trace.
pub(super) async fn look(order: &Order) -> Result<Reply, Problem> {
    let path = order.query("path").filter(|path| path.starts_with('/'));
    let path =
        path.ok_or_else(|| Problem::field("path", "has to be a path such as `/flows?size=10`"))?;
    http::look(&order.app, &order.request_id, path).await
}
