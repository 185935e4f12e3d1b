//! What a client counts where its server turns out to be another than was thought.

#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use langflow_client::{ClientBuilder, RunRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// An open-source server that knows its version and one run.
async fn open_source(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk).await.unwrap();
        head.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&head);
        if count == 0 {
            return;
        }
        if text.contains("\r\n\r\n") && (text.starts_with("GET") || text.ends_with('}')) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&head);
    let (status, body) = if text.starts_with("GET /api/v1/version ") {
        ("200 OK", r#"{"version":"1.13.0","package":"Langflow"}"#)
    } else if text.starts_with("POST /api/v1/run/") {
        (
            "200 OK",
            r#"{"session_id":"s","outputs":[{"inputs":{},"outputs":[]}]}"#,
        )
    } else {
        ("404 Not Found", r#"{"detail":"Not Found"}"#)
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_run_that_finds_its_server_is_one_call_without_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(open_source(stream));
        }
    });
    let client = ClientBuilder::from_json(r#"{"env": {}}"#)
        .unwrap()
        .base_url(url)
        .build()
        .unwrap();
    let result = client.run_flow(RunRequest::new("f", "Hi")).await.unwrap();
    assert_eq!(result.server, "langflow");
    let metrics = client.metrics();
    assert_eq!((metrics.calls, metrics.failed), (1, 0), "{metrics:?}");
    assert_eq!((metrics.in_flight, metrics.attempts), (0, 2), "{metrics:?}");
    assert!(metrics.errors.is_empty(), "{metrics:?}");
}
