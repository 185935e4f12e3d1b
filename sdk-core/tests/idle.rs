//! What happened to a connection between two calls is known before the second one uses it, however soon
//! that comes.
#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use langflow_client::{Client, RunRequest};

/// What a server does with a connection after its answer; what it returns it holds.
type Afterwards = fn(TcpStream) -> Option<TcpStream>;

/// Reads one request with its body; false where none comes.
fn request(stream: &mut TcpStream) -> bool {
    let (mut read, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        let Ok(count @ 1..) = stream.read(&mut bytes) else {
            return false;
        };
        read.extend_from_slice(&bytes[..count]);
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap_or_default();
        let length = length.lines().next().unwrap_or_default();
        if body.len() >= length.parse().unwrap_or_default() {
            return true;
        }
    }
}

fn answer(stream: &mut TcpStream, text: &str) {
    let body = format!(r#"{{"result": {{"output": "{text}"}}}}"#);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    let whole = format!("{head} {}\r\n\r\n{body}", body.len());
    stream.write_all(whole.as_bytes()).unwrap();
}

/// A server whose connections serve one request, how many requests it has seen, and what says that it has done
/// with one.
fn serve(afterwards: Afterwards) -> (String, Arc<AtomicU32>, Receiver<()>) {
    let (sender, done) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicU32::new(0));
    let count = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, count, done) = (stream.unwrap(), count.clone(), sender.clone());
            std::thread::spawn(move || {
                if request(&mut stream) {
                    let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                    answer(&mut stream, &number.to_string());
                    let held = afterwards(stream);
                    done.send(()).unwrap();
                    std::thread::sleep(Duration::from_secs(2));
                    drop(held);
                }
            });
        }
    });
    (url, seen, done)
}

/// Runs of a program that waits for so long between them without giving the runtime a turn.
async fn runs(afterwards: Afterwards, pause: Duration) {
    let (url, seen, done) = serve(afterwards);
    let client = Client::builder().base_url(url).max_retries(0);
    let client = client.build().unwrap();
    for number in 1..=40 {
        let result = client.run_flow(RunRequest::new("any", "Hello!")).await;
        let result = result.unwrap();
        assert_eq!(result.text().unwrap(), number.to_string());
        assert_eq!(seen.load(Ordering::SeqCst), number);
        done.recv().unwrap();
        std::thread::sleep(pause);
    }
}

const PAUSES: [Duration; 2] = [Duration::from_micros(100), Duration::from_millis(5)];

#[tokio::test]
async fn a_connection_that_was_closed_after_the_answer_is_not_used() {
    fn close(_: TcpStream) -> Option<TcpStream> {
        None
    }
    for pause in PAUSES {
        runs(close, pause).await;
    }
}

#[tokio::test]
async fn a_connection_that_was_reset_after_the_answer_is_not_used() {
    fn reset(stream: TcpStream) -> Option<TcpStream> {
        let now = Some(Duration::ZERO);
        socket2::SockRef::from(&stream).set_linger(now).unwrap();
        None
    }
    for pause in PAUSES {
        runs(reset, pause).await;
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_nobodys() {
    fn more(mut stream: TcpStream) -> Option<TcpStream> {
        answer(&mut stream, "of somebody else");
        // Open, so that only the bytes tell.
        Some(stream)
    }
    for pause in PAUSES {
        runs(more, pause).await;
    }
}
