//! How a proxy is spoken to, and what the environment says of one.

use langflow_client::ErrorCode;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::tls::Tls;
use super::{answer, answering, client, request, run};

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
    const NAME: &str = "proxies::what_the_environment_says_is_named_and_not_shown";
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
    const NAME: &str = "proxies::no_proxy_is_heeded_for_addresses";
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
