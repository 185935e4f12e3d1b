//! How connections are made: times, proxies, certificates.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::tls;
use super::wire::{ConnectionError, Dial, HttpClient, Proxy};
use crate::base_url::BaseUrl;
use crate::error::LangflowError;
use crate::options::Network;

/// What sends requests to the server. Certificates are read only where TLS will be used: reading them
/// costs more than a call.
pub fn http_client(
    base: &BaseUrl,
    connect: Option<Duration>,
    network: &Network,
) -> Result<HttpClient, LangflowError> {
    let root = base.root();
    let secure = root.starts_with("https:");
    if network.proxy.is_none() && !base.is_loopback() {
        let get = |name: &str| std::env::var(name).ok();
        check_variables(get, secure)?;
    }
    let no_proxy = || LangflowError::invalid_input("proxy", "`proxy` is no URL of a proxy.");
    let found = intercept(base, network.proxy.as_deref()).map_err(|Unusable| no_proxy())?;
    let to_proxy = found.as_ref().and_then(|found| found.uri().scheme_str());
    let tls = match secure || to_proxy == Some("https") {
        true => Some(Arc::new(tls::config(network)?)),
        false => None,
    };
    let proxy = match &found {
        Some(found) => Some(Proxy::new(found, tls.as_ref()).ok_or_else(no_proxy)?),
        None => None,
    };
    let dial = Dial::to(&root, connect, tls, proxy).ok_or_else(|| {
        let message = "The URL names no server that a connection can be made to.";
        LangflowError::invalid_input("base_url", message)
    })?;
    Ok(HttpClient::new(dial))
}

/// A setting that is no URL of a proxy.
struct Unusable;

/// The proxy that is asked for, or that the environment or what else the system says wants for this server.
/// Plain http is allowed to this machine because it does not leave it: no proxy either, unless it was
/// asked for.
fn intercept(base: &BaseUrl, asked: Option<&str>) -> Result<Option<Intercept>, Unusable> {
    let server: Option<http::Uri> = base.root().parse().ok();
    let of = |matcher: Matcher| matcher.intercept(server.as_ref()?);
    match asked {
        Some("") => Ok(None),
        Some(url) => of(Matcher::builder().all(url).build())
            .map(Some)
            .ok_or(Unusable),
        None if base.is_loopback() => Ok(None),
        None if server
            .as_ref()
            .is_some_and(|server| excepted(server, &no_proxy())) =>
        {
            Ok(None)
        }
        None => Ok(of(Matcher::from_system())),
    }
}

/// What the environment excepts from its proxies; of the two names the one that the matcher reads.
fn no_proxy() -> String {
    let names = ["NO_PROXY", "no_proxy"];
    let found = names.into_iter().find_map(|name| std::env::var(name).ok());
    found.unwrap_or_default()
}

/// Whether a list of `NO_PROXY` names this server. The matcher passes over `*` where the host is an IP address,
/// and over entries with a port, and the key would go to a proxy that was not to see it. An entry with a
/// port counts for that port alone.
fn excepted(server: &http::Uri, list: &str) -> bool {
    let port = server.port_u16().unwrap_or(match server.scheme_str() {
        Some("https") => 443,
        _ => 80,
    });
    let entries = list.split(|by: char| by == ',' || by.is_whitespace());
    let hosts: Vec<&str> = entries
        .filter_map(|entry| match entry.rsplit_once(':') {
            Some((host, own)) if !host.contains(':') || host.ends_with(']') => {
                let own: u16 = own.parse().ok()?;
                (own == port).then_some(host)
            }
            _ => Some(entry),
        })
        .map(|host| host.trim_start_matches('[').trim_end_matches(']'))
        .collect();
    // Any proxy does: the question is only whether there would be one.
    let matcher = Matcher::builder().all("http://proxy").no(hosts.join(","));
    hosts.contains(&"*") || matcher.build().intercept(server).is_none()
}

/// The proxies that requests may go through, with what they say of user and password.
pub fn proxies(network: &Network) -> Vec<url::Url> {
    let found = match &network.proxy {
        Some(url) => vec![url.clone()],
        None => [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
        ]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .map(|text| with_scheme(&text))
        .collect(),
    };
    found
        .iter()
        .filter_map(|url| url::Url::parse(url).ok())
        .collect()
}

/// `proxy.example:8080` is the URL of a proxy, too.
fn with_scheme(text: &str) -> String {
    match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    }
}

/// Refuses what the variables of a proxy say where reqwest would pass over it: requests would leave
/// directly, past the proxy that somebody wants them to take. In the order in which it reads them.
fn check_variables(get: impl Fn(&str) -> Option<String>, https: bool) -> Result<(), LangflowError> {
    // A server sets HTTP_PROXY of its CGI programs from a header that anybody may send.
    if get("REQUEST_METHOD").is_some() {
        return Ok(());
    }
    let own = match https {
        true => ["HTTPS_PROXY", "https_proxy"],
        false => ["HTTP_PROXY", "http_proxy"],
    };
    for names in [own, ["ALL_PROXY", "all_proxy"]] {
        let found = names.into_iter().find_map(|name| Some((name, get(name)?)));
        let Some((name, text)) = found.filter(|(_, text)| !text.is_empty()) else {
            continue;
        };
        let whole = with_scheme(&text);
        let spaces = whole.contains(char::is_whitespace);
        // `http:/proxy` would be a host `http` without its port.
        let slashes = whole.matches(":/").count() == 1;
        let good = crate::config::proxy(&whole).is_ok() && slashes && !spaces;
        return match good {
            true => Ok(()),
            false => Err(LangflowError::invalid_input(
                name,
                format!(
                    "{name} is no URL of an http or https proxy, such as http://proxy.example:8080."
                ),
            )),
        };
    }
    Ok(())
}

/// What TLS says of a failure, where it is one of its own.
pub fn tls_error(error: &ConnectionError) -> Option<&rustls::Error> {
    let mut source = std::error::Error::source(error);
    while let Some(found) = source {
        if let Some(tls) = found.downcast_ref() {
            return Some(tls);
        }
        // Errors travel inside an `io::Error`, in each other too, and its `source` skips them.
        let mut inner = found
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        while let Some(error) = inner {
            if let Some(tls) = error.downcast_ref() {
                return Some(tls);
            }
            let io = error.downcast_ref::<std::io::Error>();
            inner = io.and_then(std::io::Error::get_ref);
        }
        source = found.source();
    }
    None
}

/// Whether it is the certificate of the server that was not accepted, and not TLS as such.
pub fn untrusted(error: &ConnectionError) -> bool {
    matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether the server has refused the client's certificate. In TLS 1.3 the client counts as connected
/// before the server has looked at it, so the refusal comes when the request may have been written. It is
/// an alert that belongs to the handshake, and a server hands no byte to its program before that is over
/// (RFC 8446, 4.4.2.4 and 6.2); asked for before the first byte of an answer, it means that nothing ran.
pub fn refused_certificate(error: &ConnectionError) -> bool {
    use rustls::AlertDescription as Alert;
    matches!(
        tls_error(error),
        Some(rustls::Error::AlertReceived(
            Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                // A cryptographic operation of the handshake: its signature does not fit the authority.
                | Alert::DecryptError
        ))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_excepted_from_proxies() {
        let excepted = |url: &str, list: &str| excepted(&url.parse().unwrap(), list);
        for (url, list) in [
            ("https://10.0.0.1:7860/", "*"),
            ("https://[2001:db8::1]/", "a.example, *"),
            ("https://host.example/", "*"),
            ("https://10.0.0.1:7860/", "10.0.0.1:7860"),
            ("https://10.0.0.1/", "10.0.0.0/8"),
            ("https://10.0.0.1/", "a.example 10.0.0.1:443"),
            ("https://[2001:db8::1]:7860/", "[2001:db8::1]:7860"),
            ("https://[2001:db8::1]:7860/", "2001:db8::1"),
            ("http://a.host.example/", "host.example:80"),
        ] {
            assert!(excepted(url, list), "{url} {list}");
        }
        for (url, list) in [
            ("https://10.0.0.1/", ""),
            ("https://10.0.0.1/", " , "),
            ("https://10.0.0.1:7860/", "10.0.0.1:80"),
            ("https://10.0.0.1/", "10.0.0.1:80, *:80"),
            (
                "https://host.example/",
                "host.example:80,host.example:nonsense",
            ),
            ("https://host.example/", "other.example"),
            ("https://[2001:db8::1]:7860/", "[2001:db8::1]:80"),
        ] {
            assert!(!excepted(url, list), "{url} {list}");
        }
    }

    #[test]
    fn a_variable_that_is_no_proxy_is_an_error() {
        let check = |name: &'static str, value: &'static str, https| {
            let get = move |asked: &str| (asked == name).then(|| value.to_owned());
            check_variables(get, https)
                .map_err(|error| error.info().field.clone().unwrap_or_default())
        };
        for bad in [
            " http://p:1 ",
            "http:/p:1",
            "bogus://p:1",
            "http://[::1",
            ":::",
            "http://",
        ] {
            for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
                assert_eq!(check(name, bad, true), Err(name.to_owned()), "{bad}");
            }
            assert_eq!(check("HTTPS_PROXY", bad, false), Ok(()), "{bad}");
        }
        for good in [
            "",
            "http://p:1",
            "https://u:p@p.example/",
            "p:8080",
            "p",
            "http://[::1]:3",
        ] {
            assert_eq!(check("HTTP_PROXY", good, false), Ok(()), "{good}");
        }
    }
}
