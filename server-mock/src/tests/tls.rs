//! The server over TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

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

#[test]
fn one_file_of_two_or_a_wrong_one_is_an_error() {
    let bad = |config: Value| {
        let error = start_blocking(&config.to_string()).expect_err("no server");
        error.to_string()
    };
    assert!(bad(json!({"tls_cert": "x.pem"})).contains("tls_key"));
    assert!(bad(json!({"tls_cert": "/nowhere.pem", "tls_key": "k"})).contains("/nowhere.pem"));
}
