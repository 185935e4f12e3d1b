//! Certificates and keys from files, for a server that speaks TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// All certificates in a file in PEM; or what is wrong with it.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    let found: Result<Vec<_>, _> = found.collect();
    let found = found.map_err(|error| wrong(&error))?;
    match found.is_empty() {
        true => Err(wrong(&"there is no certificate in it")),
        false => Ok(found),
    }
}

/// What shakes hands, from the files with the certificates and their key.
pub(crate) fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key);
    let secret = secret.map_err(|error| format!("{}: {error}", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| format!("{}: {error}", certificate.display()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
