//! How connections are made: times, proxies, certificates.

use std::path::Path;
use std::time::Duration;

use crate::base_url::BaseUrl;
use crate::client::causes;
use crate::error::{ErrorCode, LangflowError};
use crate::options::Network;

/// The HTTP client. Certificates are read only where TLS will be used: reading them costs more than
/// a call.
pub fn http_client(
    base: &BaseUrl,
    connect: Option<Duration>,
    network: &Network,
) -> Result<reqwest::Client, LangflowError> {
    // Fails only where the program has chosen a provider before, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let proxy =
        match network.proxy.as_deref() {
            None | Some("") => None,
            Some(url) => Some(reqwest::Proxy::all(url).map_err(|_| {
                LangflowError::invalid_input("proxy", "`proxy` is no URL of a proxy.")
            })?),
        };
    if network.proxy.is_none() && !base.is_loopback() {
        let get = |name: &str| std::env::var(name).ok();
        check_variables(get, base.root().starts_with("https:"))?;
    }
    let builder = || {
        let builder = reqwest::Client::builder()
            // Open-source servers close an idle connection after 2 s.
            .pool_idle_timeout(Duration::from_millis(1500))
            .tcp_keepalive(Duration::from_secs(60))
            .tcp_nodelay(true)
            // Followed by the pipeline, which knows what may be.
            .redirect(reqwest::redirect::Policy::none());
        let builder = match (&proxy, &network.proxy) {
            (Some(proxy), _) => builder.proxy(proxy.clone()),
            (None, Some(_)) => builder.no_proxy(),
            // Plain http is allowed to this machine because it does not leave it: no proxy either,
            // unless it was asked for.
            (None, None) if base.is_loopback() => builder.no_proxy(),
            (None, None) => builder,
        };
        match connect {
            Some(time) => builder.connect_timeout(time),
            None => builder,
        }
    };
    let failed = |error: reqwest::Error| {
        let message = format!("The HTTP client could not be set up: {}.", causes(&error));
        LangflowError::new(ErrorCode::TlsFailed, message)
    };
    if !base.root().starts_with("https:") {
        let proxied = network
            .proxy
            .as_ref()
            .is_some_and(|url| url.starts_with("https:"));
        if !proxied {
            return builder().tls_certs_only([]).build().map_err(failed);
        }
    }
    if network.ca_bundle.is_none() {
        check_store(|name| std::env::var_os(name))?;
    }
    let identity = match &network.client_cert {
        Some(path) => Some(identity(path)?),
        None => None,
    };
    let plain = builder;
    let builder = || match &identity {
        Some(identity) => builder().identity(identity.clone()),
        None => builder(),
    };
    if let Some(path) = &network.ca_bundle {
        let roots = authorities(path)?;
        let whole = builder().tls_certs_only(roots.clone()).build();
        // Which of the two settings it was shows only when each is tried alone.
        return whole.map_err(|error| match plain().tls_certs_only(roots).build() {
            Err(error) => broken("ca_bundle", path, &error),
            Ok(_) => match &network.client_cert {
                Some(path) => broken("client_cert", path, &error),
                None => failed(error),
            },
        });
    }
    if let Some(path) = &network.client_cert {
        let alone = builder().tls_certs_only([]).build();
        alone.map_err(|error| broken("client_cert", path, &error))?;
    }
    match builder().build() {
        // No store on this machine, as in a minimal container.
        Err(_) if std::env::var_os("SSL_CERT_FILE").is_none() => {
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
            let roots = roots
                .iter()
                .filter_map(|der| reqwest::Certificate::from_der(der).ok());
            builder().tls_certs_only(roots).build().map_err(failed)
        }
        client => client.map_err(failed),
    }
}

/// What was read well and still is nothing to set TLS up with.
fn broken(field: &str, path: &str, error: &reqwest::Error) -> LangflowError {
    let message = format!("{path} cannot be used for TLS: {}.", causes(error));
    LangflowError::invalid_input(field, message)
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

/// Refuses a store of certificates that is not there: every certificate of every server would be refused
/// instead, without a word of why.
fn check_store(get: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<(), LangflowError> {
    // The stores of Windows and of Apple's systems are read whatever these say.
    if cfg!(any(windows, target_vendor = "apple")) {
        return Ok(());
    }
    let (file, folders) = (get("SSL_CERT_FILE"), get("SSL_CERT_DIR"));
    let read = file.as_ref().is_some_and(|path| Path::new(path).is_file())
        || folders
            .as_ref()
            .is_some_and(|all| std::env::split_paths(all).any(|path| path.is_dir()));
    let Some(path) = file.or(folders).filter(|_| !read) else {
        return Ok(());
    };
    let name = match get("SSL_CERT_FILE") {
        Some(_) => "SSL_CERT_FILE",
        None => "SSL_CERT_DIR",
    };
    let path = Path::new(&path).display();
    let message = format!("{name} is {path}, which is not there to be read.");
    Err(LangflowError::invalid_input(name, message))
}

fn authorities(path: &str) -> Result<Vec<reqwest::Certificate>, LangflowError> {
    let found = reqwest::Certificate::from_pem_bundle(&read("ca_bundle", path)?);
    match found {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => {
            let message = format!("{path} holds no certificate in PEM.");
            Err(LangflowError::invalid_input("ca_bundle", message))
        }
    }
}

fn identity(path: &str) -> Result<reqwest::Identity, LangflowError> {
    reqwest::Identity::from_pem(&read("client_cert", path)?).map_err(|_| {
        let message = format!("{path} has to hold a certificate and its private key in PEM.");
        LangflowError::invalid_input("client_cert", message)
    })
}

fn read(field: &str, path: &str) -> Result<Vec<u8>, LangflowError> {
    super::file_bytes(Path::new(path)).map_err(|error| {
        LangflowError::invalid_input(field, format!("{path} cannot be read: {error}."))
    })
}

/// What TLS says of a failure, where it is one of its own.
pub fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
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
pub fn untrusted(error: &reqwest::Error) -> bool {
    matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether the server has refused the client's certificate. In TLS 1.3 the client counts as connected
/// before the server has looked at it, so the refusal comes when the request may have been written. It is
/// an alert that belongs to the handshake, and a server hands no byte to its program before that is over
/// (RFC 8446, 4.4.2.4 and 6.2); asked for before the first byte of an answer, it means that nothing ran.
pub fn refused_certificate(error: &reqwest::Error) -> bool {
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
