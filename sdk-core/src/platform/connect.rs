//! How connections are made: times, proxies, certificates.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;

use super::tls;
use super::wire::{ConnectionError, HttpClient, IDLE, KEEPALIVE};

use crate::base_url::BaseUrl;
use crate::client::causes;
use crate::error::{ErrorCode, LangflowError};
use crate::options::Network;

/// What sends requests to the server. Certificates are read only where TLS will be used: reading them
/// costs more than a call.
pub fn http_client(
    base: &BaseUrl,
    connect: Option<Duration>,
    network: &Network,
) -> Result<HttpClient, LangflowError> {
    tls::choose_provider();
    let root = base.root();
    let secure = root.starts_with("https:");
    if network.proxy.is_none() && !base.is_loopback() {
        let get = |name: &str| std::env::var(name).ok();
        check_variables(get, secure)?;
    }
    let proxy_is = |scheme| {
        let proxy = network.proxy.as_ref();
        proxy.is_some_and(|url| url.starts_with(scheme))
    };
    let tls = match secure || proxy_is("https:") {
        true => Some(tls::config(network)?),
        false => None,
    };
    let builder = reqwest::Client::builder()
        .pool_idle_timeout(IDLE)
        .tcp_keepalive(KEEPALIVE)
        .tcp_nodelay(true)
        // Followed by the pipeline, which knows what may be.
        .redirect(reqwest::redirect::Policy::none());
    let builder = match connect {
        Some(time) => builder.connect_timeout(time),
        None => builder,
    };
    let builder = match &tls {
        Some(config) => builder.tls_backend_preconfigured(config.clone()),
        None => builder.tls_certs_only([]),
    };
    let proxied = match network.proxy.as_deref() {
        Some("") => None,
        Some(url) => Some(builder.proxy(reqwest::Proxy::all(url).map_err(|_| {
            LangflowError::invalid_input("proxy", "`proxy` is no URL of a proxy.")
        })?)),
        None if goes_through_proxy(base) => Some(builder),
        None => None,
    };
    let failed = |error: reqwest::Error| {
        let message = format!("The HTTP client could not be set up: {}.", causes(&error));
        LangflowError::new(ErrorCode::TlsFailed, message)
    };
    if let Some(builder) = proxied {
        return Ok(HttpClient::proxied(builder.build().map_err(failed)?));
    }
    let maker = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let maker = maker.build().map_err(failed)?;
    Ok(HttpClient::direct(maker, &root, connect, tls.map(Arc::new)))
}

/// Whether the environment, or what else the system says, wants a proxy for this server. Plain http is
/// allowed to this machine because it does not leave it: no proxy either, unless it was asked for.
fn goes_through_proxy(base: &BaseUrl) -> bool {
    let server = base.root().parse::<http::Uri>();
    let proxy = |server: http::Uri| Matcher::from_system().intercept(&server).is_some();
    !base.is_loopback() && server.is_ok_and(proxy)
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
