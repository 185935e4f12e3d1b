//! What TLS is set up with: whom it trusts, and what it says of itself.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::error::{ErrorCode, LangflowError};
use crate::options::Network;

/// How TLS is spoken, once it is known that it will be.
pub fn config(network: &Network) -> Result<ClientConfig, LangflowError> {
    // Fails only where the program has chosen a provider before, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if network.ca_bundle.is_none() {
        check_store(|name| std::env::var_os(name))?;
    }
    let identity = match &network.client_cert {
        Some(path) => Some((path, identity(path)?)),
        None => None,
    };
    let builder = match &network.ca_bundle {
        Some(path) => ClientConfig::builder().with_root_certificates(authorities(path)?),
        None => {
            let builder = ClientConfig::builder();
            let provider = builder.crypto_provider().clone();
            match rustls_platform_verifier::Verifier::new(provider) {
                Ok(verifier) => builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier)),
                // No store on this machine, as in a minimal container.
                Err(_) if std::env::var_os("SSL_CERT_FILE").is_none() => {
                    builder.with_root_certificates(known_authorities())
                }
                Err(error) => {
                    let message = format!("The HTTP client could not be set up: {error}.");
                    return Err(LangflowError::new(ErrorCode::TlsFailed, message));
                }
            }
        }
    };
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((path, (chain, key))) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| broken("client_cert", path, &error))?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The authorities that browsers know.
fn known_authorities() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    store
}

fn authorities(path: &str) -> Result<RootCertStore, LangflowError> {
    let text = read("ca_bundle", path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.unwrap_or_default();
    if found.is_empty() {
        let message = format!("{path} holds no certificate in PEM.");
        return Err(LangflowError::invalid_input("ca_bundle", message));
    }
    let mut store = RootCertStore::empty();
    for certificate in found {
        let added = store.add(certificate);
        added.map_err(|error| broken("ca_bundle", path, &error))?;
    }
    Ok(store)
}

fn identity(
    path: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), LangflowError> {
    let text = read("client_cert", path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let key = PrivateKeyDer::from_pem_slice(&text);
    match (chain, key) {
        (Ok(chain), Ok(key)) if !chain.is_empty() => Ok((chain, key)),
        _ => {
            let message = format!("{path} has to hold a certificate and its private key in PEM.");
            Err(LangflowError::invalid_input("client_cert", message))
        }
    }
}

/// What was read well and still is nothing to set TLS up with.
fn broken(field: &str, path: &str, error: &rustls::Error) -> LangflowError {
    let message = format!("{path} cannot be used for TLS: {error}.");
    LangflowError::invalid_input(field, message)
}

fn read(field: &str, path: &str) -> Result<Vec<u8>, LangflowError> {
    super::file_bytes(Path::new(path)).map_err(|error| {
        LangflowError::invalid_input(field, format!("{path} cannot be read: {error}."))
    })
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
    let path = crate::config::pem_path(name, &path.to_string_lossy().into())?;
    let message = format!("{name} is {path}, which is not there to be read.");
    Err(LangflowError::invalid_input(name, message))
}
