//! The server over TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::Mock;
use super::webhooks::{id, once, over, webhook};
use crate::start_blocking;

#[test]
fn a_server_with_a_certificate_speaks_tls_and_breaks_as_one_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]);
    let made = made.expect("a certificate");
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&cert, made.cert.pem()).expect("to write");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("to write");
    let config = json!({"tls_cert": cert, "tls_key": key});
    let server = start_blocking(&config.to_string()).expect("a server");
    let address = server
        .url()
        .strip_prefix("https://")
        .expect("https")
        .to_owned();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let ask = |fault: &str| {
        let name = "127.0.0.1".try_into().expect("a name");
        let tls = rustls::ClientConnection::new(Arc::clone(&config), name).expect("a client");
        let stream = TcpStream::connect(&address).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout");
        let mut stream = rustls::StreamOwned::new(tls, stream);
        let request = format!(
            "GET /langflow/api/v1/health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{fault}\r\n"
        );
        stream.write_all(request.as_bytes()).expect("to write");
        let mut text = String::new();
        let read = stream.read_to_string(&mut text);
        (text, read)
    };
    let (text, read) = ask("");
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert!(read.is_ok(), "{read:?}");
    let fault = "x-mock: {\"kind\": \"reset\", \"at\": \"after_headers\"}\r\n";
    let (_, read) = ask(fault);
    let kind = read.expect_err("a reset").kind();
    assert_eq!(kind, std::io::ErrorKind::ConnectionReset);
    // Who speaks plainly is not served, and does not stop the others.
    let mut plain = TcpStream::connect(&address).expect("a connection");
    plain
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .expect("to write");
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes);
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
    assert!(ask("").0.contains("200 OK"));
}

/// A certificate for this machine, its key, and both in files.
struct Certificate {
    made: rcgen::CertifiedKey<rcgen::KeyPair>,
    folder: tempfile::TempDir,
}

impl Certificate {
    fn make() -> Self {
        Self::of(|_| {})
    }

    /// A certificate with something about it.
    fn of(change: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let mut params = rcgen::CertificateParams::new(names).expect("parameters");
        change(&mut params);
        let signing_key = rcgen::KeyPair::generate().expect("a key");
        let cert = params.self_signed(&signing_key).expect("a certificate");
        let made = rcgen::CertifiedKey { cert, signing_key };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("to write");
        Self { made, folder }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// A server that answers every request with these bytes; its port and what came.
    fn serve(&self, answer: &'static str) -> (u16, std::sync::mpsc::Receiver<String>) {
        let key = self.made.signing_key.serialize_der();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.made.cert.der().clone()], key.into())
            .expect("a configuration");
        let config = Arc::new(config);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (came, requests) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                let tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a server");
                let mut stream = rustls::StreamOwned::new(tls, stream);
                let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
                // A client that does not trust the certificate goes away instead.
                while let Ok(count @ 1..) = stream.read(&mut piece) {
                    bytes.extend_from_slice(&piece[..count]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let length = text.split("content-length: ").nth(1);
                    let length = length.and_then(|it| it.split("\r\n").next()?.parse().ok());
                    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
                    if body.is_some() && body >= length {
                        let _ = stream.write_all(answer.as_bytes());
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                        let _ = came.send(text);
                        break;
                    }
                }
            }
        });
        (port, requests)
    }
}

#[test]
fn deliveries_go_to_https_where_the_certificate_is_trusted() {
    let certificate = Certificate::make();
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (port, requests) = certificate.serve(answer);
    let trusting = Mock::with(&json!({"ca_file": certificate.file()}));
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/hook");
        let made = webhook(&trusting, "echo", &url, json!(["flow_completed"]));
        trusting.run("echo", &json!({"input_value": "over TLS"}));
        let told = once(&trusting, id(&made), over);
        assert_eq!(told[0]["status"], "delivered", "{told:?}");
        assert_eq!(told[0]["attempts"][0]["response_body"], "ok");
        let request = requests.recv_timeout(Duration::from_secs(20)).expect("it");
        assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
        assert!(
            request.contains(&format!("host: {host}:{port}\r\n")),
            "{request}"
        );
        assert!(request.contains("webhook-signature: v1,"), "{request}");
        let path = format!("/webhooks/{}", id(&made));
        assert_eq!(trusting.call("DELETE", &path, &Value::Null).status, 204);
    }
    let wary = Mock::start();
    let url = format!("https://localhost:{port}/hook");
    let made = webhook(&wary, "echo", &url, json!(["flow_completed"]));
    wary.run("echo", &json!({"input_value": "over TLS"}));
    let told = once(&wary, id(&made), over);
    // It is tried again: whoever sees this may mend it in the meantime.
    assert_eq!(told[0]["attempts"].as_array().map(Vec::len), Some(3));
    let error = told[0]["attempts"][0]["error"].as_str().expect("an error");
    assert!(
        error.contains("certificate") && error.contains("--ca-file"),
        "{error}"
    );
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_certificate_of_an_authority_is_told_as_such() {
    let authority = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = Certificate::of(|params| params.is_ca = authority);
    let (port, _) = certificate.serve("HTTP/1.1 204 No Content\r\n\r\n");
    let mock = Mock::with(&json!({"ca_file": certificate.file()}));
    let url = format!("https://localhost:{port}/hook");
    let made = webhook(&mock, "echo", &url, json!(["flow_completed"]));
    mock.run("echo", &json!({"input_value": "over TLS"}));
    let told = once(&mock, id(&made), over);
    let error = told[0]["attempts"][0]["error"].as_str().expect("an error");
    assert!(error.contains("CA:FALSE"), "{error}");
}

#[test]
fn models_are_asked_over_https() {
    let certificate = Certificate::make();
    let body = r#"{"choices": [{"message": {"content": "Said over TLS"}}]}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (port, requests) = certificate.serve(answer.leak());
    let mock = Mock::with(&json!({
        "ca_file": certificate.file(),
        "model_url": format!("https://127.0.0.1:{port}/v1"),
    }));
    let ran = mock.run("hello-flow", &json!({"input_value": "Hello"}));
    assert_eq!(ran["result"]["output"], "Said over TLS", "{ran}");
    let request = requests.recv_timeout(Duration::from_secs(20)).expect("it");
    assert!(
        request.starts_with("POST /v1/chat/completions "),
        "{request}"
    );
}

#[test]
fn one_file_of_two_or_a_wrong_one_is_an_error() {
    let bad = |config: Value| {
        let error = start_blocking(&config.to_string()).expect_err("no server");
        error.to_string()
    };
    assert!(bad(json!({"tls_cert": "x.pem"})).contains("tls_key"));
    assert!(bad(json!({"ca_file": "/nowhere.pem"})).contains("/nowhere.pem"));
    assert!(bad(json!({"tls_cert": "/nowhere.pem", "tls_key": "k"})).contains("/nowhere.pem"));
}
