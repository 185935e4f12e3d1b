//! Connections over raw sockets: what is replaced freely, and what may have been executed.

#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

mod crowd;
mod proxies;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use langflow_client::{
    Answered, CallOptions, Client, ClientBuilder, ErrorCode, LangflowError, Middleware, Next,
    Outgoing, RunRequest, Unanswered,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

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
