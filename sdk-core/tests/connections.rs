//! Connections over raw sockets: what is replaced freely, what may have been executed, who is
//! trusted, and how a proxy is spoken to.

#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use langflow_client::{
    Answered, CallOptions, Client, ClientBuilder, ErrorCode, LangflowError, Middleware, Next,
    Outgoing, RunRequest, Unanswered,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring::default_provider};

const ANSWER: &str =
    r#"{"result":{"output":"Hi"},"session_id":"s","metadata":{"duration":0,"tokens_used":1}}"#;

/// Reads one request and gives back its first line and its head.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return Some(head.to_owned());
        }
    }
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin)) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

fn client(url: &str) -> ClientBuilder {
    ClientBuilder::from_json(r#"{"env": {}, "api": "workspace"}"#)
        .unwrap()
        .base_url(url)
        .api_key("sk-connections")
}

async fn run(client: &Client) -> Result<String, LangflowError> {
    let result = client.run_flow(RunRequest::new("f", "Hi")).await?;
    Ok(result.output.to_string())
}

#[tokio::test]
async fn a_connection_found_dead_is_replaced_freely() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    tokio::spawn(async move {
        // Keep-alive, says the answer; the connection is closed all the same.
        while let Ok((mut stream, _)) = listener.accept().await {
            if request(&mut stream).await.is_some() {
                count.fetch_add(1, Ordering::SeqCst);
                answer(&mut stream).await;
            }
        }
    });
    let client = client(&url).max_retries(0).build().unwrap();
    for _ in 0..5 {
        assert_eq!(run(&client).await.unwrap(), "Hi");
        // The end of the connection has arrived before the next request is made.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(seen.load(Ordering::SeqCst), 5);
    assert_eq!(client.metrics().attempts, 5);
}

#[tokio::test]
async fn a_connection_that_ends_after_the_request_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                // Answers the first request of a connection and leaves at the second.
                request(&mut stream).await;
                count.fetch_add(1, Ordering::SeqCst);
                answer(&mut stream).await;
                if request(&mut stream).await.is_some() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    let client = client(&url).max_retries(0).build().unwrap();
    run(&client).await.unwrap();
    let error = run(&client).await.unwrap_err();
    assert!(error.is(ErrorCode::ConnectionLost), "{error}");
    assert!(error.info().may_have_executed);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

/// A listener whose queue is full: whoever connects waits.
async fn full() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let connect = TcpStream::connect(address);
        match tokio::time::timeout(Duration::from_millis(200), connect).await {
            Ok(stream) => waiting.push(stream.unwrap()),
            Err(_) => return (listener, waiting),
        }
    }
    panic!("the queue never fills");
}

#[tokio::test]
async fn a_call_whose_time_is_over_while_it_connects_was_not_executed() {
    let (listener, _waiting) = full().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options = CallOptions {
        timeout: Some(Duration::from_millis(300)),
        ..CallOptions::default()
    };
    let client = client(&url).build().unwrap();
    let run = RunRequest::new("f", "Hi").options(options);
    let error = client.run_flow(run).await.unwrap_err();
    assert!(error.is(ErrorCode::TotalTimeout), "{error}");
    assert!(!error.info().may_have_executed, "{error}");
    let connect = client_with_connect_timeout(&url);
    let error = connect
        .run_flow(RunRequest::new("f", "Hi"))
        .await
        .unwrap_err();
    assert!(error.is(ErrorCode::ConnectTimeout), "{error}");
    assert!(!error.info().may_have_executed, "{error}");
}

fn client_with_connect_timeout(url: &str) -> Client {
    let time = Duration::from_millis(200);
    client(url)
        .connect_timeout(time)
        .max_retries(0)
        .build()
        .unwrap()
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

/// A private authority, a server's certificate and one for a client.
struct Tls {
    /// Path of the authority.
    ca: String,
    /// Path of the certificate and key of a client.
    client: String,
    config: Arc<ServerConfig>,
    asking: Arc<ServerConfig>,
}

impl Tls {
    fn new(folder: &tempfile::TempDir, name: &str) -> Tls {
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

    async fn serve(config: Arc<ServerConfig>) -> String {
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

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    for (status, says) in [
        ("407 Who", "answered 407"),
        ("403 No", "refused the connection"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                request(&mut stream).await;
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let made = client("https://workspace.test")
            .max_retries(0)
            .proxy(format!("http://ada:s3cret@{address}"))
            .build()
            .unwrap();
        let error = run(&made).await.unwrap_err();
        assert!(error.is(ErrorCode::ConnectFailed), "{error}");
        let message = &error.info().message;
        let whole = format!("The proxy http://{address} {says}");
        assert!(message.starts_with(&whole), "{message}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

/// The variables are the whole process's, so this test runs again in processes of its own.
#[tokio::test]
async fn what_the_environment_says_is_named_and_not_shown() {
    const NAME: &str = "what_the_environment_says_is_named_and_not_shown";
    if let Ok(url) = std::env::var("TEST_URL") {
        let made = client(&url).allow_http(true).max_retries(0);
        let error = run(&made.build().unwrap()).await.unwrap_err();
        let field = std::env::var("TEST_FIELD").ok();
        assert_eq!(error.info().field, field, "{error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3cret-of-the-proxy"), "{shown}");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            request(&mut stream).await;
            let said = "ada may not come in with s3cret-of-the-proxy";
            let length = said.len();
            let answer = format!("HTTP/1.1 403 No\r\ncontent-length: {length}\r\n\r\n{said}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let proxy = format!("http://ada:s3cret-of-the-proxy@{address}");
    for (url, name, value, field) in [
        ("http://workspace.test", "HTTP_PROXY", proxy.as_str(), None),
        (
            "https://workspace.test",
            "SSL_CERT_FILE",
            "/does/not/exist",
            Some("SSL_CERT_FILE"),
        ),
    ] {
        let (value, work) = (value.to_owned(), std::env::current_exe().unwrap());
        let run = tokio::task::spawn_blocking(move || {
            let mut command = std::process::Command::new(work);
            command
                .args(["--exact", NAME])
                .env("TEST_URL", url)
                .env_remove("SSL_CERT_DIR")
                .env(name, value);
            field
                .map(|field| command.env("TEST_FIELD", field).output())
                .unwrap_or_else(|| command.output())
        });
        let output = run.await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
    }
}

/// The variables are the whole process's, so this test runs again in processes of its own.
#[cfg(unix)]
#[test]
fn no_proxy_is_heeded_for_addresses() {
    const NAME: &str = "no_proxy_is_heeded_for_addresses";
    if let Ok(url) = std::env::var("TEST_DIRECT_URL") {
        let made = client(&url).allow_http(true).max_retries(0);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let output = runtime.block_on(run(&made.build().unwrap())).unwrap();
        assert_eq!(output, "Hi");
        return;
    }
    let (server, _) = answering();
    // This machine by an address that does not count as its own.
    let server = server.replace("127.0.0.1", "0.0.0.0");
    let (_, port) = server.rsplit_once(':').unwrap();
    for (list, direct) in [
        ("*".to_owned(), true),
        (format!("0.0.0.0:{port}"), true),
        ("0.0.0.0:1".to_owned(), false),
    ] {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env("TEST_DIRECT_URL", &server)
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env("NO_PROXY", &list)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.success(), direct, "{list}: {text}");
        let ran = if direct { "1 passed" } else { "connect_failed" };
        assert!(text.contains(ran), "{list}: {text}");
    }
}

/// `SSL_CERT_FILE` is the whole process's, so this test runs again in a process of its own.
#[tokio::test]
async fn ssl_cert_file_is_heeded() {
    const NAME: &str = "ssl_cert_file_is_heeded";
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

#[tokio::test]
async fn a_proxy_and_its_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = request(&mut stream).await.unwrap();
        answer(&mut stream).await;
        head
    });
    let made = client("http://workspace.test/base")
        .allow_http(true)
        .proxy(format!("http://ada:s3cret@{address}"))
        .build()
        .unwrap();
    assert_eq!(run(&made).await.unwrap(), "Hi");
    let head = heard.await.unwrap().to_ascii_lowercase();
    let wanted = "post http://workspace.test/base/langflow/api/v1/flows/f/run http/1.1";
    assert!(head.starts_with(wanted), "{head}");
    assert!(head.contains("proxy-authorization: basic"), "{head}");
    // Nobody listens there any more, and nobody learns the password.
    let error = run(&made).await.unwrap_err();
    assert!(error.is(ErrorCode::ConnectFailed), "{error}");
    assert!(!error.info().may_have_executed);
    for text in [format!("{error:?}"), error.to_string(), format!("{made:?}")] {
        assert!(
            !text.contains("s3cret") && !text.contains("sk-connections"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn limits_of_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (here, peak) = (now.clone(), most.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (here, peak) = (here.clone(), peak.clone());
            tokio::spawn(async move {
                while request(&mut stream).await.is_some() {
                    peak.fetch_max(here.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    here.fetch_sub(1, Ordering::SeqCst);
                    answer(&mut stream).await;
                }
            });
        }
    });
    let two = client(&url).max_concurrent(2).build().unwrap();
    futures::future::join_all((0..10).map(|_| run(&two))).await;
    assert_eq!(most.load(Ordering::SeqCst), 2);

    let slow = client(&url).requests_per_second(5.0).build().unwrap();
    let started = std::time::Instant::now();
    futures::future::join_all((0..8).map(|_| run(&slow))).await;
    // Five at once, then one every 200 ms.
    assert!(
        started.elapsed() >= Duration::from_millis(560),
        "{:?}",
        started.elapsed()
    );
    let options = CallOptions {
        timeout: Some(Duration::from_millis(50)),
        ..CallOptions::default()
    };
    let late = slow
        .run_flow(RunRequest::new("f", "Hi").options(options))
        .await
        .unwrap_err();
    assert!(
        late.is(ErrorCode::TotalTimeout) && !late.info().may_have_executed,
        "{late}"
    );
}

#[tokio::test]
async fn a_refusal_that_comes_while_the_body_is_sent_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            // More than the sockets hold would have to be read for the client to get to its end.
            let mut chunk = vec![0; 65_536];
            stream.read_exact(&mut chunk).await.unwrap();
            let body = r#"{"detail":"Content size limit exceeded."}"#;
            let head = format!(
                "HTTP/1.1 413 Payload Too Large\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            // It waits for the client to stop, and reads no more.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(20)).await;
                drop(stream);
            });
        }
    });
    let client = client(&url).build().unwrap();
    let long = "x".repeat(32 << 20);
    let asked = client.run_flow(RunRequest::new("f", long));
    let error = tokio::time::timeout(Duration::from_secs(15), asked).await;
    let error = error.expect("it hears it at once").unwrap_err();
    let info = error.info();
    assert_eq!(error.code(), ErrorCode::PayloadTooLarge, "{error}");
    assert_eq!((info.attempts, info.may_have_executed), (1, false));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// A server in a thread of its own that answers whatever it is asked, and how many connections it has had.
fn answering() -> (String, Arc<AtomicUsize>) {
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, (tell, told)) = (connections.clone(), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    while request(&mut stream).await.is_some() {
                        answer(&mut stream).await;
                    }
                });
            }
        });
    });
    (format!("http://{}", told.recv().unwrap()), connections)
}

#[test]
fn a_connection_stays_with_the_runtime_that_hears_of_it() {
    let (url, connections) = answering();
    let client = client(&url).build().unwrap();
    let runtime = || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        { runtime }.enable_all().build().unwrap()
    };
    // Nobody drives one while the other waits.
    let (one, other) = (runtime(), runtime());
    for runtime in [&one, &one, &other, &one, &other] {
        let limit = Duration::from_secs(5);
        let answered = runtime.block_on(async { tokio::time::timeout(limit, run(&client)).await });
        assert_eq!(answered.unwrap().unwrap(), "Hi");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[cfg(unix)]
#[test]
fn calls_on_the_event_loop_of_a_host() {
    use langflow_client::boundary::HostLoop;

    let (url, connections) = answering();
    let client = client(&url).build().unwrap();
    let beside = tokio::runtime::Builder::new_multi_thread();
    let beside = { beside }.worker_threads(1).enable_all().build().unwrap();
    let host = HostLoop::new(beside.handle().clone()).unwrap();
    for _ in 0..3 {
        let (tell, told) = std::sync::mpsc::channel();
        let client = client.clone();
        host.spawn(async move { tell.send(run(&client).await).unwrap() });
        let begun = std::time::Instant::now();
        let answered = loop {
            host.turn();
            if let Ok(answered) = told.try_recv() {
                break answered;
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "no answer");
            std::thread::yield_now();
        };
        assert_eq!(answered.unwrap(), "Hi");
        // Long enough that the next call looks whether the connection lives.
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    // The same client elsewhere.
    assert_eq!(beside.block_on(run(&client)).unwrap(), "Hi");
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_proxy_that_speaks_tls() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(&folder, "127.0.0.1");
    let proxy = Tls::serve(tls.config.clone()).await;
    let made = client("http://workspace.test")
        .allow_http(true)
        .ca_bundle(&tls.ca)
        .proxy(proxy);
    assert_eq!(run(&made.build().unwrap()).await.unwrap(), "Hi");
}

/// Reads what the server says and puts something else in its place.
struct Rewrites;

impl Middleware for Rewrites {
    fn handle<'a>(&'a self, request: Outgoing, next: Next<'a>) -> BoxFuture<'a, Answered> {
        Box::pin(async move {
            let mut answer = next.run(request).await?;
            assert_eq!(answer.content_length(), Some(ANSWER.len() as u64));
            let body = answer.bytes().await.map_err(Unanswered::Connection)?;
            assert_eq!(body, ANSWER);
            answer.set_body(ANSWER.replace("Hi", "Ho"));
            Ok(answer)
        })
    }
}

#[tokio::test]
async fn a_link_reads_a_body_and_puts_one_back() {
    let (url, connections) = answering();
    let client = client(&url).middleware(Rewrites).build().unwrap();
    for _ in 0..2 {
        assert_eq!(run(&client).await.unwrap(), "Ho");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
