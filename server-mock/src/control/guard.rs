//! Who may control the server: programs on the same machine, and no web page.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::problem::Problem;

/// Refuses what does not come from this machine, and what a browser sends for a web page: a page
/// can let its own name point to 127.0.0.1 (DNS rebinding), but cannot forge `Host` or `Origin`.
pub(super) fn check(peer: SocketAddr, headers: &HeaderMap) -> Result<(), Problem> {
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
        check(peer.parse().expect("an address"), &map).is_ok()
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
