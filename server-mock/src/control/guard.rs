//! Who may control the server: programs on the same machine, and no web page.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::config::ControlToken;
use crate::problem::Problem;

/// The header, the cookie and the query parameter that the token may come in.
pub(super) const TOKEN: [&str; 3] = ["x-mock-token", "langflow_mock_token", "token"];

/// Lets in whoever has the token, from wherever; without a token, programs on this machine.
pub(super) fn check(
    token: Option<&ControlToken>,
    peer: SocketAddr,
    parts: &http::request::Parts,
) -> Result<(), Problem> {
    let Some(token) = token else {
        return local(peer, &parts.headers);
    };
    // Whoever starts a container asks whether it lives, and learns nothing else.
    if parts.method == http::Method::GET && parts.uri.path().ends_with("/health")
        || parts.uri.path().ends_with("/ready")
    {
        return Ok(());
    }
    let text = |name| {
        let value = parts.headers.get(name);
        value.and_then(|it: &http::HeaderValue| it.to_str().ok())
    };
    let bearer = text("authorization").and_then(|it| it.strip_prefix("Bearer "));
    let header = text(TOKEN[0]).or(bearer);
    if header.is_some_and(|it| token.is(it)) {
        return Ok(());
    }
    let cookies = text("cookie").unwrap_or_default().split("; ");
    let mut cookies = cookies.filter_map(|it| it.split_once('='));
    let cookie = cookies.any(|(name, value)| name == TOKEN[1] && token.is(value));
    let shown = given(parts.uri.query());
    let known = cookie || shown.is_some_and(|it| token.is(&it));
    // A browser sends cookies along for pages of others, and says for whom.
    let own = text("origin").is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some() && host == text("host")
    });
    if known && own {
        return Ok(());
    }
    let detail = "The control API of this server needs the token that it printed when it started: \
                  send it in the header `x-mock-token`.";
    Err(Problem::new("invalid_key", detail).error(TOKEN[0], "is missing or wrong"))
}

/// The token in a query: only a person who opens the live page has nowhere else to put it.
pub(super) fn given(query: Option<&str>) -> Option<String> {
    let mut pairs = crate::http::query(query).into_iter();
    let found = pairs.find(|(name, _)| name == TOKEN[2]);
    found.map(|(_, value)| value)
}

/// Refuses what does not come from this machine, and what a browser sends for a web page: a page
/// can let its own name point to 127.0.0.1 (DNS rebinding), but cannot forge `Host` or `Origin`.
fn local(peer: SocketAddr, headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |detail: &str| Err(Problem::new("permission_missing", detail));
    if !peer.ip().to_canonical().is_loopback() {
        return refuse("The control API serves only the machine that the mock runs on.");
    }
    let text = |name| headers.get(name).map(|it: &http::HeaderValue| it.to_str());
    match text("host") {
        None => {}
        Some(Ok(host)) if is_local(host) => {}
        Some(_) => return refuse("The control API answers only to 127.0.0.1 and localhost."),
    }
    match text("origin") {
        None => Ok(()),
        Some(Ok(origin)) if origin.strip_prefix("http://").is_some_and(is_local) => Ok(()),
        Some(_) => refuse("The control API does not serve web pages of others."),
    }
}

/// Whether a host, with or without a port, is this machine by its very name.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a value"));
        }
        local(peer.parse().expect("an address"), &map).is_ok()
    }

    #[test]
    fn a_token_opens_from_wherever_and_a_page_of_others_cannot_use_its_cookie() {
        let token = ControlToken::from("mt_secret".to_owned());
        let asked = |target: &str, headers: &[(&str, &str)]| {
            let mut request = http::Request::get(target).header("host", "mock.example:7870");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let peer = "192.0.2.7:9".parse().expect("an address");
            check(Some(&token), peer, &parts).is_ok()
        };
        assert!(asked("/__mock/info", &[("x-mock-token", "mt_secret")]));
        assert!(asked(
            "/__mock/info",
            &[("authorization", "Bearer mt_secret")]
        ));
        assert!(asked("/__mock/ui?token=mt_secret", &[]));
        assert!(asked("/__mock/health", &[]) && asked("/__mock/ready", &[]));
        for wrong in ["", "mt_secre", "mt_secret1", "mt_Secret"] {
            assert!(
                !asked("/__mock/info", &[("x-mock-token", wrong)]),
                "{wrong}"
            );
        }
        assert!(!asked("/__mock/info", &[]));
        let cookie = ("cookie", "a=b; langflow_mock_token=mt_secret");
        assert!(asked("/__mock/info", &[cookie]));
        let own = ("origin", "http://mock.example:7870");
        assert!(asked("/__mock/info", &[cookie, own]));
        for origin in ["http://evil.example", "null", "http://mock.example:7871"] {
            assert!(
                !asked("/__mock/info", &[cookie, ("origin", origin)]),
                "{origin}"
            );
        }
    }

    #[test]
    fn only_this_machine_and_no_page_of_others() {
        let here = "127.0.0.1:9";
        for host in [
            "127.0.0.1:7870",
            "localhost",
            "LOCALHOST:1",
            "[::1]:80",
            "127.1.2.3",
        ] {
            assert!(allowed(here, &[("host", host)]), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "",
            "[::2]:1",
            "localhost.x",
        ] {
            assert!(!allowed(here, &[("host", host)]), "{host}");
        }
        assert!(allowed("[::ffff:127.0.0.1]:9", &[]));
        assert!(!allowed("192.168.0.7:9", &[("host", "127.0.0.1")]));
        let own = ("origin", "http://127.0.0.1:7870");
        assert!(allowed(here, &[("host", "127.0.0.1:7870"), own]));
        for origin in [
            "http://evil.example",
            "null",
            "https://127.0.0.1.evil.example",
        ] {
            assert!(!allowed(here, &[("host", "localhost"), ("origin", origin)]));
        }
    }
}
