//! No key in any log, at any level, of any crate underneath; nor in an error or a printed client.

#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use langflow_client::{CallOptions, ClientBuilder, RunRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const KEY: &str = "sk-secret-of-the-logs";
const HEADER: &str = "header-s3cret";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_key_in_any_log() {
    let written = Written::default();
    let writer = written.clone();
    let all = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(all).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        // An error that repeats what it was told, and then nothing at all.
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 8192];
            let count = stream.read(&mut bytes).await.unwrap();
            assert!(String::from_utf8_lossy(&bytes[..count]).contains(KEY));
            let answer = "HTTP/1.1 429 Too Many\r\nretry-after-ms: 1\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let client = ClientBuilder::from_json(r#"{"env": {}, "api": "workspace"}"#)
        .unwrap()
        .base_url(url)
        .api_key(KEY)
        .header("x-token", HEADER)
        .build()
        .unwrap();
    let options = CallOptions {
        headers: vec![("cookie".to_owned(), HEADER.to_owned())],
        ..CallOptions::default()
    };
    let run = RunRequest::new("f", "Hi").options(options);
    let error = client.run_flow(run.clone()).await.unwrap_err();
    let shown = format!("{error} {error:?} {client:?} {run:?}");
    let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    // The spans of three attempts are in it, so it is no empty log that has no key.
    assert!(
        log.contains("langflow.attempt") && log.contains("number=3"),
        "{log}"
    );
    // One span of the whole call around them, with what became of it.
    let close = log
        .lines()
        .filter(|line| line.contains("langflow.call{") && line.contains(": close"))
        .find(|line| !line.contains("langflow.attempt"));
    for said in [
        "attempts=3",
        "status=429",
        "code=\"rate_limited\"",
        "operation=\"runFlow\"",
    ] {
        assert!(
            close.is_some_and(|line| line.contains(said)),
            "{said}: {close:?}"
        );
    }
    for text in [&log, &shown] {
        assert!(
            !text.contains(KEY) && !text.contains(HEADER),
            "a secret is shown"
        );
    }
}
