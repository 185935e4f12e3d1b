//! Every kind of fault, by the very bytes and the very end of the connection.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::Mock;

/// What came, when, and how it ended: `None` is a FIN.
struct Seen {
    bytes: Vec<u8>,
    /// When which number of bytes had come.
    times: Vec<(Duration, usize)>,
    end: Option<ErrorKind>,
    after: Duration,
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn head(&self) -> String {
        self.text()
            .split("\r\n\r\n")
            .next()
            .expect("a head")
            .to_owned()
    }

    fn body(&self) -> Vec<u8> {
        let at = self.bytes.windows(4).position(|it| it == b"\r\n\r\n");
        self.bytes[at.expect("a head") + 4..].to_vec()
    }

    /// The chunks of the body, and whether the last one of size zero came.
    fn chunks(&self) -> (Vec<Vec<u8>>, bool) {
        let body = self.body();
        let (mut chunks, mut rest) = (Vec::new(), body.as_slice());
        while let Some(end) = rest.windows(2).position(|it| it == b"\r\n") {
            let size = std::str::from_utf8(&rest[..end]).expect("a size");
            let size = usize::from_str_radix(size, 16).expect("a size");
            if size == 0 {
                return (chunks, true);
            }
            chunks.push(rest[end + 2..end + 2 + size].to_vec());
            rest = &rest[end + 2 + size + 2..];
        }
        (chunks, false)
    }

    fn events(&self) -> Vec<String> {
        let all = self.chunks().0.concat();
        let text = String::from_utf8_lossy(&all).into_owned();
        let frames = text.split_inclusive("\n\n").map(str::to_owned);
        frames.filter(|frame| !frame.starts_with(':')).collect()
    }

    fn says(&self, label: &str) {
        let wanted = format!("x-mock-fault: {label}; scope=header; id=hdr_1");
        assert!(self.head().contains(&wanted), "{}", self.text());
    }
}

fn connect(mock: &Mock) -> TcpStream {
    let address = mock.server.url().trim_start_matches("http://").to_owned();
    let stream = TcpStream::connect(address).expect("a connection");
    let limit = Some(Duration::from_secs(20));
    stream.set_read_timeout(limit).expect("a timeout");
    stream
}

fn ask(socket: &mut TcpStream, mock: &Mock, fault: &Value, stream: bool, input: &str) {
    let body = json!({"input_value": input, "stream": stream}).to_string();
    let request = format!(
        "POST /langflow/api/v1/flows/echo/run HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         authorization: Bearer {}\r\nx-mock: {fault}\r\ncontent-length: {}\r\n\r\n{body}",
        mock.key("admin"),
        body.len()
    );
    socket.write_all(request.as_bytes()).expect("to write");
}

fn read(socket: &mut TcpStream, begun: Instant) -> Seen {
    let (mut bytes, mut times, mut buffer) = (Vec::new(), Vec::new(), [0; 4096]);
    let end = loop {
        match socket.read(&mut buffer) {
            Ok(0) => break None,
            Ok(count) => {
                bytes.extend_from_slice(&buffer[..count]);
                times.push((begun.elapsed(), bytes.len()));
            }
            Err(error) => break Some(error.kind()),
        }
    };
    Seen {
        bytes,
        times,
        end,
        after: begun.elapsed(),
    }
}

fn exchange(fault: Value, stream: bool) -> Seen {
    exchange_of(&Mock::start(), fault, stream, "héllo")
}

fn exchange_of(mock: &Mock, fault: Value, stream: bool, input: &str) -> Seen {
    let mut socket = connect(mock);
    let begun = Instant::now();
    ask(&mut socket, mock, &fault, stream, input);
    read(&mut socket, begun)
}

const RESET: Option<ErrorKind> = Some(ErrorKind::ConnectionReset);

/// Without a fault everything below is different.
#[test]
fn the_usual_answer() {
    let whole = exchange(json!({"kind": "latency", "ms": 0}), false);
    assert_eq!(whole.end, None);
    assert!(whole.text().contains("\"output\":\"héllo\""));
    let stream = exchange(json!({"kind": "latency", "ms": 0}), true);
    let names: Vec<String> = stream.events().iter().map(|it| name(it)).collect();
    assert_eq!(
        names,
        [
            "run_started",
            "component_completed",
            "message",
            "component_completed",
            "end"
        ]
    );
    assert!(stream.chunks().1);
}

fn name(event: &str) -> String {
    let line = event.lines().find_map(|line| line.strip_prefix("event: "));
    line.expect("a name").to_owned()
}

#[test]
fn a_reset_is_a_rst_before_the_head_after_it_and_in_the_middle_of_a_stream() {
    let seen = exchange(json!({"kind": "reset"}), true);
    assert_eq!((seen.bytes.len(), seen.end), (0, RESET));
    let seen = exchange(json!({"kind": "reset", "at": "after_headers"}), true);
    assert!(seen.head().starts_with("HTTP/1.1 200 OK"));
    seen.says("reset");
    assert_eq!((seen.body().len(), seen.end), (0, RESET));
    let seen = exchange(
        json!({"kind": "reset", "at": "after_events", "events": 2}),
        true,
    );
    assert_eq!((seen.events().len(), seen.end), (2, RESET));
    assert_eq!(name(&seen.events()[1]), "component_completed");
    assert!(!seen.chunks().1, "no last chunk");
    let seen = exchange(
        json!({"kind": "reset", "at": "after_bytes", "bytes": 10}),
        true,
    );
    assert_eq!((seen.chunks().0.concat().len(), seen.end), (10, RESET));
    let seen = exchange(json!({"kind": "reset", "at": "after_events"}), false);
    assert!(seen.body().starts_with(b"{\"result\"") && seen.end == RESET);
}

#[test]
fn a_close_is_a_fin_without_an_end_of_the_answer() {
    let seen = exchange(json!({"kind": "close"}), false);
    assert_eq!((seen.bytes.len(), seen.end), (0, None));
    let seen = exchange(json!({"kind": "close", "at": "after_headers"}), false);
    seen.says("close");
    assert_eq!((seen.body().len(), seen.end), (0, None));
    let seen = exchange(
        json!({"kind": "close", "at": "after_events", "events": 3}),
        true,
    );
    assert_eq!((seen.events().len(), seen.end), (3, None));
    assert!(!seen.chunks().1, "no last chunk");
}

#[test]
fn a_truncated_answer_ends_as_if_it_were_whole() {
    let seen = exchange(json!({"kind": "truncate", "events": 2}), true);
    seen.says("truncate");
    assert_eq!(
        (seen.events().len(), seen.chunks().1, seen.end),
        (2, true, None)
    );
    let seen = exchange(json!({"kind": "truncate", "bytes": 7}), false);
    assert_eq!(seen.body(), b"{\"resul");
    assert!(seen.head().contains("content-length: 7"), "{}", seen.text());
}

#[test]
fn a_length_announces_more_than_comes() {
    let seen = exchange(json!({"kind": "content_length", "missing": 5}), false);
    let length = seen.body().len();
    assert!(serde_json::from_slice::<Value>(&seen.body()).is_ok());
    let announced = format!("content-length: {}\r\n", length + 5);
    assert!(seen.text().contains(&announced), "{}", seen.text());
    assert_eq!(seen.end, None);
}

#[test]
fn bodies_and_events_that_are_no_json() {
    let seen = exchange(json!({"kind": "malformed_json"}), false);
    let body = seen.body();
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    let announced = format!("content-length: {}\r\n", body.len());
    assert!(seen.text().contains(&announced), "the length fits");
    assert!(serde_json::from_slice::<Value>(&[&body[..], b"}"].concat()).is_ok());
    let seen = exchange(json!({"kind": "corrupt_event", "event": 2}), true);
    let good = |event: &String| {
        let data = event.lines().find_map(|line| line.strip_prefix("data: "));
        serde_json::from_str::<Value>(data.expect("data")).is_ok()
    };
    let events: Vec<bool> = seen.events().iter().map(good).collect();
    assert_eq!(events, [true, false, true, true, true]);
    assert!(seen.chunks().1);
}

#[test]
fn events_that_come_twice_or_in_another_order() {
    let ids = |seen: &Seen| -> Vec<String> {
        let events = seen.events();
        let lines = events
            .iter()
            .map(|event| event.lines().next().expect("a line"));
        lines.map(|line| line.replace("id: ", "")).collect()
    };
    let seen = exchange(json!({"kind": "duplicate_event", "event": 3}), true);
    assert_eq!(ids(&seen), ["1", "2", "3", "3", "4", "5"]);
    let seen = exchange(json!({"kind": "reorder_events", "event": 2}), true);
    assert_eq!(ids(&seen), ["1", "3", "2", "4", "5"]);
    let seen = exchange(json!({"kind": "reorder_events", "event": 5}), true);
    assert_eq!(
        ids(&seen),
        ["1", "2", "3", "4", "5"],
        "nothing follows the last"
    );
}

#[test]
fn a_stall_is_silence_before_the_head_and_after_an_event() {
    let mock = Mock::start();
    for (fault, events) in [
        (json!({"kind": "stall", "seconds": 1}), None),
        (
            json!({"kind": "stall", "at": "after_events", "events": 2, "seconds": 1}),
            Some(2),
        ),
    ] {
        let seen = exchange_of(&mock, fault, true, "x");
        assert!(seen.after >= Duration::from_secs(1));
        assert_eq!((seen.events().len(), seen.chunks().1), (5, true));
        let (early, bytes): (Vec<_>, Vec<_>) = seen
            .times
            .iter()
            .filter(|(at, _)| *at < Duration::from_millis(900))
            .copied()
            .unzip();
        assert_eq!(early.is_empty(), events.is_none());
        if let Some(events) = events {
            let start = &seen.bytes[..*bytes.last().expect("bytes")];
            let text = String::from_utf8_lossy(start);
            assert_eq!(text.matches("event: ").count(), events, "{text}");
        }
    }
    let mut socket = connect(&mock);
    ask(&mut socket, &mock, &json!({"kind": "stall"}), false, "x");
    socket
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let seen = read(&mut socket, Instant::now());
    assert_eq!(seen.bytes.len(), 0);
    assert!(matches!(
        seen.end,
        Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)
    ));
    drop(socket);
    let wait = json!({"match": {"ending": "client_closed", "fault": "stall"}});
    assert_eq!(mock.control("POST", "/wait", &wait).json()["ok"], true);
}

#[test]
fn a_drip_comes_slowly_and_whole() {
    let fault = json!({"kind": "drip", "bytes_per_second": 2000});
    let seen = exchange(fault, false);
    seen.says("drip");
    let length = seen.body().len();
    assert!(serde_json::from_slice::<Value>(&seen.body()).is_ok());
    // The pause after the last drop is not to be seen.
    let least = Duration::from_secs_f64((length - 100) as f64 / 2000.0);
    assert!(seen.after >= least, "{:?} for {length}", seen.after);
    assert!(seen.times.len() >= 3, "{:?}", seen.times);
}

#[test]
fn a_split_falls_inside_a_character_inside_data_and_everywhere() {
    let seen = exchange(json!({"kind": "split", "pause_ms": 80}), true);
    let chunks = seen.chunks().0;
    let broken = chunks
        .iter()
        .position(|it| std::str::from_utf8(it).is_err());
    let at = broken.expect("a broken character");
    assert_eq!(chunks[at].last(), Some(&0xc3));
    assert_eq!(chunks[at + 1][0], 0xa9);
    assert!(seen.after >= Duration::from_millis(80));
    assert!(String::from_utf8(chunks.concat()).is_ok());
    let seen = exchange(json!({"kind": "split", "at": "data"}), true);
    let chunks = seen.chunks().0;
    assert!(
        chunks[0].ends_with(b"\nda") && chunks[1].starts_with(b"ta: {"),
        "{chunks:?}"
    );
    let seen = exchange(json!({"kind": "split", "at": "everywhere"}), true);
    assert!(seen.chunks().0.iter().all(|chunk| chunk.len() == 1));
    assert_eq!(seen.events().len(), 5);
    let whole = exchange(
        json!({"kind": "split", "at": "data", "pause_ms": 80}),
        false,
    );
    assert!(serde_json::from_slice::<Value>(&whole.body()).is_ok());
    assert!(whole.after >= Duration::from_millis(80));
}

#[test]
fn a_slow_close_is_a_late_fin() {
    let seen = exchange(json!({"kind": "slow_close", "seconds": 1}), false);
    seen.says("slow_close");
    assert!(serde_json::from_slice::<Value>(&seen.body()).is_ok());
    let (last, _) = *seen.times.last().expect("bytes");
    assert!(
        seen.after - last >= Duration::from_millis(500),
        "{:?}",
        seen.after
    );
}

#[test]
fn latency_makes_an_answer_late() {
    let seen = exchange(json!({"kind": "latency", "ms": 200}), false);
    assert!(seen.after >= Duration::from_millis(200));
    assert!(seen.head().starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn other_statuses_have_the_errors_that_belong_to_them() {
    let seen = exchange(
        json!({"kind": "status", "status": 503, "retry_after": 7}),
        false,
    );
    assert!(seen.head().starts_with("HTTP/1.1 503 Service Unavailable"));
    assert!(seen.head().contains("retry-after: 7"));
    seen.says("status");
    let problem: Value = serde_json::from_slice(&seen.body()).unwrap();
    assert_eq!(
        (&problem["code"], &problem["status"]),
        (&json!("unavailable"), &json!(503))
    );
    let seen = exchange(json!({"kind": "rate_limited", "retry_after": 3}), false);
    assert!(seen.head().starts_with("HTTP/1.1 429 Too Many Requests"));
    assert!(seen.head().contains("retry-after: 3"));
    let html = json!({"kind": "status", "status": 502, "body": "<h1>Bad gateway</h1>"});
    let seen = exchange(html, false);
    assert!(seen.head().starts_with("HTTP/1.1 502 Bad Gateway"));
    assert!(seen.head().contains("content-type: text/html"));
    assert_eq!(seen.body(), b"<h1>Bad gateway</h1>");
}
