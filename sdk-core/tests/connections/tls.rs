//! Who is trusted, and who has to show a certificate.

use std::sync::Arc;
use std::time::Duration;

use langflow_client::ErrorCode;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring::default_provider};

use super::{answer, client, request, run};

/// A private authority, a server's certificate and one for a client.
pub struct Tls {
    /// Path of the authority.
    pub ca: String,
    /// Path of the certificate and key of a client.
    client: String,
    pub config: Arc<ServerConfig>,
    asking: Arc<ServerConfig>,
}

impl Tls {
    pub fn new(folder: &tempfile::TempDir, name: &str) -> Tls {
        let mut params = CertificateParams::new(vec!["Test authority".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let server = server.signed_by(&key, &authority).unwrap();
        let client_key = KeyPair::generate().unwrap();
        let client = CertificateParams::new(vec!["a client".to_owned()]).unwrap();
        let client = client.signed_by(&client_key, &authority).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), default_provider().into());
        let config = |verifier: Option<_>| {
            let builder = ServerConfig::builder_with_provider(default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap();
            let builder = match verifier {
                Some(verifier) => builder.with_client_cert_verifier(verifier),
                None => builder.with_no_client_auth(),
            };
            let chain = vec![CertificateDer::from(server.der().to_vec())];
            let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
            Arc::new(builder.with_single_cert(chain, key).unwrap())
        };
        Tls {
            ca: write("ca.pem", authority.pem()),
            client: write("client.pem", client.pem() + &client_key.serialize_pem()),
            config: config(None),
            asking: config(Some(verifier.build().unwrap())),
        }
    }

    pub async fn serve(config: Arc<ServerConfig>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let acceptor = TlsAcceptor::from(config);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        request(&mut stream).await;
                        answer(&mut stream).await;
                    }
                });
            }
        });
        url
    }
}

#[tokio::test]
async fn a_call_whose_time_is_over_in_the_handshake_was_not_executed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let _silent = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            all.push(stream);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(&folder, "127.0.0.1");
    let time = Duration::from_millis(300);
    let client = client(&url)
        .ca_bundle(&tls.ca)
        .timeout(time)
        .max_retries(0)
        .build()
        .unwrap();
    let error = run(&client).await.unwrap_err();
    assert!(error.is(ErrorCode::TotalTimeout), "{error}");
    assert!(!error.info().may_have_executed, "{error}");
    assert_eq!(
        serde_json::to_value(error.info()).unwrap()["phase"],
        "connect"
    );
}

#[tokio::test]
async fn who_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(&folder, "127.0.0.1");
    let url = Tls::serve(tls.config.clone()).await;
    let trusting = client(&url).ca_bundle(&tls.ca).build().unwrap();
    assert_eq!(run(&trusting).await.unwrap(), "Hi");

    let error = run(&client(&url).build().unwrap()).await.unwrap_err();
    assert!(error.is(ErrorCode::TlsFailed), "{error}");
    assert!(!error.info().may_have_executed);

    let other = Tls::new(&folder, "other.example");
    let url = Tls::serve(other.config).await;
    let error = run(&client(&url).ca_bundle(&other.ca).build().unwrap())
        .await
        .unwrap_err();
    assert!(
        error.is(ErrorCode::TlsFailed),
        "another host's certificate: {error}"
    );

    for (builder, field) in [
        (client(&url).ca_bundle("/does/not/exist"), "ca_bundle"),
        (client(&url).client_cert("/does/not/exist"), "client_cert"),
        (client(&url).client_cert(&other.ca), "client_cert"),
    ] {
        let error = run(&builder.build().unwrap()).await.unwrap_err();
        assert_eq!(error.info().field.as_deref(), Some(field), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(&folder, "127.0.0.1");
    let url = Tls::serve(tls.asking.clone()).await;
    let shown = client(&url)
        .ca_bundle(&tls.ca)
        .client_cert(&tls.client)
        .build()
        .unwrap();
    assert_eq!(run(&shown).await.unwrap(), "Hi");
    // None, and one of somebody else: TLS 1.3 says so after the request may have been written.
    let elsewhere = tempfile::tempdir().unwrap();
    let strange = Tls::new(&elsewhere, "127.0.0.1").client;
    for builder in [
        client(&url).ca_bundle(&tls.ca),
        client(&url).ca_bundle(&tls.ca).client_cert(&strange),
    ] {
        let error = run(&builder.build().unwrap()).await.unwrap_err();
        assert!(error.is(ErrorCode::TlsFailed), "{error}");
        let info = error.info();
        assert!(!info.may_have_executed, "{error}");
        assert_eq!(info.attempts, 1, "asking again does not help");
        assert!(info.hint.contains("client_cert"), "{}", info.hint);
    }
}

#[tokio::test]
async fn what_tls_cannot_be_set_up_with_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(&folder, "127.0.0.1");
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    // Good PEM around what is no certificate.
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    let broken = write("broken.pem", broken);
    let other = tempfile::tempdir().unwrap();
    let other = std::fs::read_to_string(Tls::new(&other, "127.0.0.1").client).unwrap();
    let own = std::fs::read_to_string(&tls.client).unwrap();
    let cut = |text: &str| text.find("-----BEGIN PRIVATE").unwrap();
    let mixed = format!("{}{}", &own[..cut(&own)], &other[cut(&other)..]);
    let mixed = write("mixed.pem", mixed);
    for (builder, field) in [
        (
            client("https://127.0.0.1:1").ca_bundle(&broken),
            "ca_bundle",
        ),
        (
            client("https://127.0.0.1:1").client_cert(&mixed),
            "client_cert",
        ),
    ] {
        let error = run(&builder.build().unwrap()).await.unwrap_err();
        assert_eq!(error.info().field.as_deref(), Some(field), "{error}");
        assert_eq!(error.info().attempts, 1, "{error}");
    }
}

/// `SSL_CERT_FILE` is the whole process's, so this test runs again in a process of its own.
#[tokio::test]
async fn ssl_cert_file_is_heeded() {
    const NAME: &str = "tls::ssl_cert_file_is_heeded";
    if let Ok(url) = std::env::var("TEST_TLS_URL") {
        let error = client(&url).build().unwrap();
        assert_eq!(run(&error).await.unwrap(), "Hi");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(&folder, "127.0.0.1");
    let url = Tls::serve(tls.config.clone()).await;
    let work = tokio::task::spawn_blocking(move || {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env("TEST_TLS_URL", url)
            .env("SSL_CERT_FILE", &tls.ca)
            .output()
            .unwrap()
    });
    let output = work.await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}
