//! Servers that say too much, or nothing at all, and a client that is closed meanwhile.

#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use langflow_client::{CallOptions, Client, ClientBuilder, ErrorCode, Event, RunRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server that reads a request and then does this with the connection, for each connection.
async fn server<F, W>(work: F) -> String
where
    F: Fn(TcpStream, String) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 8192];
            let count = stream.read(&mut bytes).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&bytes[..count]).into_owned();
            tokio::spawn(work(stream, request));
        }
    });
    url
}

/// A head, and then chunks for as long as somebody reads.
async fn endless(mut stream: TcpStream, status: &str, media_type: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let mut sent = stream.write_all(head.as_bytes()).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    while sent.is_ok() {
        sent = stream.write_all(chunk.as_bytes()).await;
    }
}

async fn silence(stream: TcpStream) {
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(stream);
}

fn builder(url: &str, api: &str) -> ClientBuilder {
    ClientBuilder::from_json(r#"{"env": {}}"#)
        .unwrap()
        .base_url(url)
        .api(api)
        .api_key("sk-hostile")
        .max_retries(0)
}

fn hello() -> RunRequest {
    RunRequest::new("f", "Hi")
}

#[tokio::test]
async fn a_refusal_without_end_is_read_to_its_limit() {
    for (status, api) in [("404 Not Found", "workspace"), ("400 Bad", "langflow")] {
        let url = server(move |stream, _| endless(stream, status, "text/plain")).await;
        let client = builder(&url, api).build().unwrap();
        let error = client.run_flow(hello()).await.unwrap_err();
        assert_eq!(error.info().status, status[..3].parse().ok(), "{error}");
        assert!(error.info().body.as_ref().unwrap().len() <= 2_000);
    }
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let url = server(|stream, _| endless(stream, "200 OK", "application/json")).await;
    let client = builder(&url, "workspace").build().unwrap();
    let error = client.run_flow(hello()).await.unwrap_err();
    assert!(error.is(ErrorCode::InvalidResponse), "{error}");
    assert!(error.info().message.contains("268435456 bytes"), "{error}");
    assert!(error.info().may_have_executed);
}

#[tokio::test]
async fn an_answer_that_says_that_it_is_too_large_is_not_read() {
    let url = server(|mut stream, _| async move {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 268435457\r\n\r\n[";
        stream.write_all(head.as_bytes()).await.unwrap();
        silence(stream).await;
    })
    .await;
    let client = builder(&url, "workspace").build().unwrap();
    let error = client.flows().list(Default::default()).await.unwrap_err();
    assert!(error.is(ErrorCode::InvalidResponse), "{error}");
    assert!(!error.info().may_have_executed);
}

#[tokio::test]
async fn a_run_that_needs_an_open_source_server_asks_for_one_within_its_own_time() {
    let url = server(|stream, _| silence(stream)).await;
    let run = || hello().variables(serde_json::json!({"A": "b"}));
    let client = builder(&url, "auto").build().unwrap();
    let options = CallOptions {
        timeout: Some(Duration::from_millis(300)),
        ..CallOptions::default()
    };
    let begun = Instant::now();
    let error = client.run_flow(run().options(options)).await.unwrap_err();
    assert!(error.is(ErrorCode::TotalTimeout), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{error}");
    assert!(!error.info().may_have_executed, "{error}");

    let client = builder(&url, "auto").first_byte_timeout(Duration::from_millis(200));
    let error = client.build().unwrap().run_flow(run()).await.unwrap_err();
    assert!(error.is(ErrorCode::FirstByteTimeout), "{error}");

    let client = builder("http://127.0.0.1:1", "auto").build().unwrap();
    let error = client.run_flow(run()).await.unwrap_err();
    assert!(error.is(ErrorCode::ConnectFailed), "{error}");
    // What lies under it is the system's own error.
    let system = std::error::Error::source(&error).and_then(std::error::Error::source);
    let system = system.and_then(|error| error.downcast_ref::<std::io::Error>());
    let kind = system.map(std::io::Error::kind);
    assert_eq!(kind, Some(std::io::ErrorKind::ConnectionRefused));
}

#[tokio::test]
async fn a_server_that_is_starting_is_no_unknown_one() {
    let url = server(|mut stream, request| async move {
        let status = match request.contains("/version") {
            true => "503 Service Unavailable",
            false => "404 Not Found",
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let client = builder(&url, "auto").build().unwrap();
    for run in [hello(), hello().variables(serde_json::json!({"A": "b"}))] {
        let error = client.run_flow(run).await.unwrap_err();
        assert_eq!(error.info().status, Some(503), "{error}");
        assert!(error.info().message.contains("answered 503"), "{error}");
        assert!(!error.info().may_have_executed, "{error}");
    }
}

#[tokio::test]
async fn a_job_was_started_whatever_becomes_of_a_question() {
    let client = builder("http://127.0.0.1:1", "workspace").build().unwrap();
    let job = client.job("j");
    let asked = [
        job.wait(Some(Duration::from_secs(2))).await.map(drop),
        job.cancel().await.map(drop),
        job.events(None).await.map(drop),
    ];
    for error in asked.map(Result::unwrap_err) {
        assert!(error.is(ErrorCode::ConnectFailed), "{error}");
        assert!(error.info().may_have_executed, "{error}");
        assert!(error.info().hint.contains("start no other"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_say_who_it_is_is_no_unknown_one() {
    let url = server(|mut stream, request| async move {
        if request.contains("/version") {
            return silence(stream).await;
        }
        let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let client = builder(&url, "auto").build().unwrap();
    let error = client.run_flow(hello()).await.unwrap_err();
    assert!(error.is(ErrorCode::FirstByteTimeout), "{error}");
    assert!(!error.info().may_have_executed, "{error}");
    assert!(error.info().message.contains("kind of server"), "{error}");
}

/// The client, closed as soon as a request has arrived.
async fn closed_meanwhile(client: &Client) -> langflow_client::LangflowError {
    let closing = client.clone();
    let began = Instant::now();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        closing.close();
    });
    let error = client.run_flow(hello()).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(error.is(ErrorCode::ClientClosed), "{error}");
    error
}

#[tokio::test]
async fn a_closed_client_ends_its_calls() {
    let url = server(|stream, _| silence(stream)).await;
    let client = builder(&url, "workspace").build().unwrap();
    let other = client.with_options(&CallOptions::default());
    let error = closed_meanwhile(&client).await;
    assert!(
        error.info().may_have_executed && error.info().attempts == 1,
        "{error:?}"
    );
    // Nothing leaves any more.
    let error = client.run_flow(hello()).await.unwrap_err();
    assert!(error.is(ErrorCode::ClientClosed), "{error}");
    assert!(
        !error.info().may_have_executed && error.info().attempts == 0,
        "{error:?}"
    );
    // A client of its own is not closed by it.
    let run = tokio::time::timeout(Duration::from_millis(300), other.run_flow(hello()));
    assert!(run.await.is_err());
}

#[tokio::test]
async fn a_call_that_waits_to_be_sent_again_has_executed_nothing() {
    let url = server(|mut stream, _| async move {
        let answer = "HTTP/1.1 429 Slow\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let client = builder(&url, "workspace").max_retries(2).build().unwrap();
    let error = closed_meanwhile(&client).await;
    assert!(!error.info().may_have_executed, "{error:?}");
    assert_eq!(error.info().attempts, 1);
}

#[tokio::test]
async fn a_closed_client_ends_its_streams() {
    let url = server(|mut stream, _| async move {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\
                    event: token\r\ndata: {\"text\": \"Hel\"}\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        silence(stream).await;
    })
    .await;
    let client = builder(&url, "workspace").build().unwrap();
    let mut stream = client.stream_flow(hello()).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert!(matches!(first, Event::Token { .. }), "{first:?}");
    let closing = client.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        closing.close();
    });
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is(ErrorCode::ClientClosed), "{error}");
    assert!(error.info().may_have_executed);
    assert_eq!(error.info().partial_text.as_deref(), Some("Hel"));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_call_that_its_own_limits_held_back_was_never_tried() {
    let url = server(|stream, _| silence(stream)).await;
    let client = builder(&url, "workspace")
        .max_concurrent(1)
        .build()
        .unwrap();
    let first = client.clone();
    tokio::spawn(async move { first.run_flow(hello()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let options = CallOptions {
        timeout: Some(Duration::from_millis(100)),
        ..CallOptions::default()
    };
    let error = client.run_flow(hello().options(options)).await.unwrap_err();
    assert!(error.is(ErrorCode::TotalTimeout), "{error}");
    assert_eq!(error.info().attempts, 0);
}
