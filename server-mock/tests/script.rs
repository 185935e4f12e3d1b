//! The scripted server, byte for byte, seen from a socket.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use langflow_mock::wire::{ScriptServer, ScriptedReply};
use serde_json::{Value, json};

const GET: &[u8] = b"GET /x HTTP/1.1\r\nhost: h\r\n\r\n";

fn serve(script: Value) -> ScriptServer {
    let script: Vec<ScriptedReply> = serde_json::from_value(script).expect("a script");
    ScriptServer::start(script).expect("a server")
}

fn connect(server: &ScriptServer) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    stream
}

/// Everything that comes, and how it ended.
fn read_all(stream: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (bytes, None),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) => return (bytes, Some(error.kind())),
        }
    }
}

fn exchange(server: &ScriptServer) -> (String, Option<ErrorKind>) {
    let mut stream = connect(server);
    stream.write_all(GET).expect("to write");
    let (bytes, error) = read_all(&mut stream);
    (String::from_utf8(bytes).expect("text"), error)
}

#[test]
fn answers_are_what_the_script_says() {
    let cases = [
        (
            json!({"status": 200, "headers": {"X-A": "1", "retry-after": 0}, "body": "hé", "end": "close"}),
            "HTTP/1.1 200 OK\r\nX-A: 1\r\nretry-after: 0\r\ncontent-length: 3\r\n\r\nhé",
        ),
        (
            json!({"status": 299, "reason": "Odd", "json": {"a": 1}, "end": "close"}),
            "HTTP/1.1 299 Odd\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}",
        ),
        (
            json!({"chunks": [{"text": "ab"}, {"base64": "Yw=="}], "framing": "chunked", "end": "close"}),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        ),
        (
            json!({"body": "ab", "framing": "close"}),
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nab",
        ),
        (
            json!({"body": "abcdef", "cut_at": 2}),
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nab",
        ),
        (
            json!({"chunks": [{"text": "ab"}, {"text": "cd"}], "framing": "chunked", "cut_at": 3}),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n",
        ),
        (
            json!({"body": "abc", "headers": [["content-length", "9"], ["a", "1"], ["a", "2"]], "end": "close"}),
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\na: 1\r\na: 2\r\n\r\nabc",
        ),
        (
            json!({"status": 204, "end": "close"}),
            "HTTP/1.1 204 No Content\r\n\r\n",
        ),
        (json!({"raw": "nonsense\n", "end": "close"}), "nonsense\n"),
        (json!({"raw": {"base64": "YWJj"}, "cut_at": 2}), "ab"),
        (json!("close_before_response"), ""),
    ];
    for (reply, expected) in cases {
        let server = serve(json!([reply]));
        assert_eq!(exchange(&server), (expected.to_owned(), None), "{reply}");
        let recorded = &server.requests()[0];
        assert!(
            server.wait_for(Duration::from_secs(5), |it| it[0].response_bytes
                == expected.len())
        );
        assert!(!recorded.closed_early);
    }
}

#[test]
fn every_cut_is_exact() {
    let body = "id: 1\nevent: token\ndata: {\"text\":\"é\"}\n\n";
    for cut in 0..=body.len() {
        for (end, error) in [("close", None), ("reset", Some(ErrorKind::ConnectionReset))] {
            let server =
                serve(json!([{"body": body, "framing": "close", "cut_at": cut, "end": end}]));
            let mut stream = connect(&server);
            stream.write_all(GET).unwrap();
            let (bytes, ended) = read_all(&mut stream);
            let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
            assert_eq!(
                bytes,
                [&head[..], &body.as_bytes()[..cut]].concat(),
                "{cut} {end}"
            );
            assert_eq!(ended, error, "{cut} {end}");
        }
    }
}

#[test]
fn resets_are_resets() {
    let before = serve(json!(["reset_before_response"]));
    assert_eq!(
        exchange(&before),
        (String::new(), Some(ErrorKind::ConnectionReset))
    );
    assert_eq!(before.requests().len(), 1);
    let after = serve(json!([{"body": "ab", "end": "reset"}]));
    let (text, error) = exchange(&after);
    assert!(text.ends_with("\r\n\r\nab"), "{text}");
    assert_eq!(error, Some(ErrorKind::ConnectionReset));
    let at_once = serve(json!(["reset_on_connect", {"body": "later", "end": "close"}]));
    let mut stream = connect(&at_once);
    // Who hears of it first is told, and only once.
    let written = stream.write_all(GET);
    let (bytes, ended) = read_all(&mut stream);
    let heard = written.err().map(|error| error.kind()).or(ended);
    assert_eq!(
        (bytes, heard),
        (Vec::new(), Some(ErrorKind::ConnectionReset))
    );
    assert!(exchange(&at_once).0.ends_with("later"));
    assert_eq!(
        at_once.requests().len(),
        1,
        "nothing was read before the reset"
    );
}

#[test]
fn entries_go_by_request_and_the_last_one_stays() {
    let server = serve(json!([{"body": "a"}, {"body": "b"}]));
    let mut stream = connect(&server);
    for expected in [b'a', b'b', b'b'] {
        stream.write_all(GET).unwrap();
        let mut answer = [0; 39];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer[38], expected);
    }
    assert!(exchange_ends_with(
        &serve(json!([{"body": "a", "end": "close"}])),
        "a"
    ));
    let requests = server.requests();
    let seen: Vec<_> = requests
        .iter()
        .map(|it| (it.connection, it.entry))
        .collect();
    assert_eq!(seen, [(0, Some(0)), (0, Some(1)), (0, Some(1))]);
    let once = serve(json!([{"body": "a", "once": true, "end": "close"}]));
    assert!(exchange_ends_with(&once, "a"));
    assert!(exchange(&once).0.starts_with("HTTP/1.1 500 "));
    assert_eq!(once.requests()[1].entry, None);
}

fn exchange_ends_with(server: &ScriptServer, end: &str) -> bool {
    exchange(server).0.ends_with(end)
}

#[test]
fn a_port_that_refuses() {
    let server = serve(json!(["refuse"]));
    let error = TcpStream::connect(server.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let later = serve(json!([{"body": "a", "end": "close"}, "refuse"]));
    assert!(exchange_ends_with(&later, "a"));
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(later.address()).is_ok() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn requests_are_recorded_as_they_came() {
    let server = serve(json!([{"status": 204}]));
    let mut stream = connect(&server);
    let sent: [&[u8]; 3] = [
        b"POST /a%2Fb?q=%20+ HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 4\r\n\r\nab\xff\x00",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nh\xc3\r\n2;x=y\r\n\xa9!\r\n0\r\n\r\n",
        b"DELETE /gone HTTP/1.1\r\n\r\n",
    ];
    for bytes in sent {
        stream.write_all(bytes).unwrap();
    }
    assert!(server.wait_for(Duration::from_secs(5), |requests| requests.len() == 3));
    let requests = server.requests();
    assert_eq!(requests[0].target, "/a%2Fb?q=%20+");
    let pairs = [
        ("Host", "h"),
        ("X-One", "1"),
        ("x-one", "2"),
        ("Content-Length", "4"),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(requests[0].headers, pairs);
    assert_eq!(requests[0].header("HOST"), Some("h"));
    assert_eq!(requests[0].body_base64.as_deref(), Some("YWL/AA=="));
    assert_eq!(requests[1].body, "hé!");
    assert_eq!(requests[2].method, "DELETE");
}

#[test]
fn a_client_that_goes_away_is_noticed() {
    let script = json!([{
        "chunks": [{"text": "abc"}, {"text": "never", "delay_ms": 60000}],
        "framing": "chunked",
    }]);
    for script in [
        script,
        json!(["stall"]),
        json!([{"chunks": [{"text": "abc"}], "end": "stall"}]),
    ] {
        let server = serve(script.clone());
        let mut stream = connect(&server);
        stream.write_all(GET).unwrap();
        let mut byte = [0];
        if script[0] != "stall" {
            stream.read_exact(&mut byte).unwrap();
        }
        assert!(server.wait_for(Duration::from_secs(5), |it| it.len() == 1
            && !it[0].closed_early));
        drop(stream);
        assert!(
            server.wait_for(Duration::from_secs(5), |it| it[0].closed_early),
            "{script}"
        );
    }
}

#[test]
fn delays_are_kept() {
    let server = serve(json!([{
        "delay_ms": 40, "chunks": [{"text": "a"}, {"text": "b", "delay_ms": 40}], "end": "close",
    }]));
    let begun = Instant::now();
    assert!(exchange_ends_with(&server, "ab"));
    assert!(begun.elapsed() >= Duration::from_millis(80));
}

#[test]
fn scripts_are_strict_and_survive_a_round_trip() {
    let wrong = [
        json!([{"staus": 200}]),
        json!(["explode"]),
        json!([{"chunks": [{"txt": "a"}]}]),
    ];
    for script in wrong {
        assert!(
            serde_json::from_value::<Vec<ScriptedReply>>(script.clone()).is_err(),
            "{script}"
        );
    }
    let script =
        json!(["stall", {"chunks": [{"base64": "Yw=="}], "framing": "chunked", "end": "reset"}]);
    let parsed: Vec<ScriptedReply> = serde_json::from_value(script).unwrap();
    let again: Vec<ScriptedReply> =
        serde_json::from_str(&serde_json::to_string(&parsed).unwrap()).unwrap();
    assert_eq!(parsed, again);
}
