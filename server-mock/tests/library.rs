//! The library: servers in the process of a test.

use std::net::TcpStream;
use std::time::Duration;

use langflow_mock::{At, Clock, Config, Fault, MockServer, Requests, StartError, start_blocking};

#[tokio::test]
async fn servers_share_nothing() {
    let first = MockServer::builder().seed(1).start().await.unwrap();
    let second = MockServer::builder().seed(2).start().await.unwrap();
    assert_ne!(first.url(), second.url());
    assert_ne!(first.api_key(), second.api_key());
    assert_eq!(first.flow_ids(), second.flow_ids());
    assert!(first.key("read").is_some() && first.key("nobody").is_none());
}

#[tokio::test]
async fn a_server_ends_when_it_is_dropped() {
    let server = MockServer::builder().start().await.unwrap();
    let address = server.address();
    let mut open = tokio::net::TcpStream::connect(address).await.unwrap();
    drop(server);
    let mut buffer = [0; 1];
    let ended = tokio::io::AsyncReadExt::read(&mut open, &mut buffer);
    let ended = tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .unwrap();
    assert!(
        matches!(ended, Ok(0) | Err(_)),
        "open connections end as well"
    );
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_server_lives_by_the_clock_that_it_is_given() {
    let clock = Clock::frozen("2026-01-01T00:00:00Z".parse().unwrap());
    let server = MockServer::builder()
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(server.clock().now(), clock.now());
}

#[tokio::test]
#[ignore = "it fails on purpose: the next test runs it"]
async fn fails_after_a_request() {
    let server = MockServer::builder().start().await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let request = b"GET /langflow/api/v1/flows?token=x HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request)
        .await
        .unwrap();
    let any = Requests::any();
    server.wait(&any, 1, Duration::from_secs(5)).await.unwrap();
    server.verify(&any, 2..).unwrap();
}

#[test]
fn a_test_that_fails_says_what_its_server_saw() {
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "fails_after_a_request", "--ignored"]);
    let failed = program.output().unwrap();
    assert!(!failed.status.success());
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    for part in [
        "langflow mock http://127.0.0.1:",
        "  #1 GET /langflow/api/v1/flows?token=*** -> ",
        "  secret_in_url: ",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_server_without_an_event_loop() {
    let mut server = start_blocking(r#"{"seed": 9}"#).unwrap();
    let address = server.url().trim_start_matches("http://").to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    server.stop();
    server.stop();
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn many_servers_come_and_go() {
    let servers: Vec<_> = (0..50).map(|_| start_blocking("{}").unwrap()).collect();
    for server in &servers {
        assert!(TcpStream::connect(server.url().trim_start_matches("http://")).is_ok());
    }
}

#[test]
fn what_cannot_be_is_an_error() {
    assert!(matches!(
        start_blocking("{\"prot\": 1}"),
        Err(StartError::Config(_))
    ));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = start_blocking(&serde_json::json!({"port": port}).to_string()).unwrap_err();
    assert!(matches!(error, StartError::Bind { .. }));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    assert_eq!(
        serde_json::from_str::<Config>("{}").unwrap(),
        Config::default()
    );
}

/// A request, and what came back.
async fn ask(server: &MockServer, method: &str, path: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(server.address())
        .await
        .expect("to work");
    let key = server.api_key();
    let request = format!(
        "{method} /langflow/api/v1{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.expect("to work");
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_test_checks_what_came_and_is_told_what_came_nearest() {
    let server = MockServer::builder().start().await.unwrap();
    let runs = Requests::any().operation("runFlow");
    assert_eq!(server.verify(&runs, ..1), Ok(0));
    ask(
        &server,
        "POST",
        "/flows/echo/run",
        r#"{"input_value": "x"}"#,
    )
    .await;
    assert_eq!(server.verify(&runs.clone().flow_id("echo"), 1..=1), Ok(1));
    let error = server
        .verify(&runs.clone().flow_id("hello-flow"), 1..)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "0 requests fit, at least 1 should; the nearest is POST /langflow/api/v1/flows/echo/run, \
         where flow_id is \"echo\" and not \"hello-flow\""
    );
    let twice = server.verify(&runs, 2..=2).unwrap_err();
    assert_eq!(twice.to_string(), "1 requests fit, exactly 2 should");
    let soon = Duration::from_millis(20);
    assert!(server.wait(&runs, 2, soon).await.is_err());
    let (found, _) = tokio::join!(
        server.wait(&runs, 2, Duration::from_secs(20)),
        ask(
            &server,
            "POST",
            "/flows/echo/run",
            r#"{"input_value": "y"}"#
        ),
    );
    assert_eq!(found, Ok(2));
    assert_eq!(server.verdict()["ok"], true);
}

#[tokio::test]
async fn a_test_moves_time_and_is_told_what_fell_due() {
    let server = MockServer::builder().start().await.unwrap();
    let body = r#"{"input_value": "x", "session_id": "s"}"#;
    ask(&server, "POST", "/flows/echo/run", body).await;
    let fired = server.advance(Duration::from_secs(25 * 3600)).await;
    let expired = fired.iter().find(|one| one.kind == "session_expired");
    assert_eq!(expired.unwrap().about["session_id"], "s");
}

#[tokio::test]
async fn a_test_breaks_answers() {
    let server = MockServer::builder().start().await.unwrap();
    let id = server
        .fault(Fault::status(503).on("runFlow").times(2))
        .unwrap();
    assert!(id.starts_with("flt_"), "{id}");
    let run = || {
        ask(
            &server,
            "POST",
            "/flows/echo/run",
            r#"{"input_value": "x"}"#,
        )
    };
    assert!(
        ask(&server, "GET", "/flows", "")
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(run().await.starts_with("HTTP/1.1 503"));
    assert_eq!(server.disarm(Some(&id)), 1);
    assert!(run().await.starts_with("HTTP/1.1 200"));
    server.fault(Fault::reset(At::BeforeHeaders)).unwrap();
    assert_eq!(run().await, "");
    server.fault(Fault::rate_limited(7)).unwrap();
    assert!(run().await.contains("retry-after: 7"));
    server
        .fault(Fault::latency(Duration::from_millis(1)))
        .unwrap();
    let all = [
        Fault::outage(Duration::from_millis(1)),
        Fault::close(At::AfterHeaders),
        Fault::stall(At::AfterEvents(1), Some(Duration::from_millis(5))),
        Fault::reset(At::AfterBytes(3)).always().probability(0.5),
        Fault::truncate(1).on_flow("echo"),
        Fault::kind("drip").with("bytes_per_second", 10_000),
    ];
    for fault in all {
        let shown = format!("{fault:?}");
        assert!(server.fault(fault).is_ok(), "{shown}");
    }
    let refused = server.fault(Fault::kind("reste")).unwrap_err();
    assert!(refused.to_string().contains("slow_close"), "{refused}");
    let script = serde_json::json!({"text": "scripted"});
    server.disarm(None);
    assert!(server.script(&script).unwrap().starts_with("scr_"));
    let answer = ask(
        &server,
        "POST",
        "/flows/hello-flow/run",
        r#"{"input_value": "x"}"#,
    )
    .await;
    assert!(answer.contains("scripted"), "{answer}");
    assert!(server.script(&serde_json::json!({"txt": 1})).is_err());
}

#[tokio::test]
async fn a_thousand_servers_in_one_process() {
    let begun: Vec<MockServer> = futures::future::try_join_all(
        (0..1_000).map(|seed| MockServer::builder().seed(seed).start()),
    )
    .await
    .unwrap();
    let urls: std::collections::BTreeSet<String> = begun.iter().map(MockServer::url).collect();
    assert_eq!(urls.len(), 1_000);
    for server in begun.iter().step_by(100) {
        let answer = ask(server, "POST", "/flows/echo/run", r#"{"input_value": "x"}"#).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let address = begun[999].address();
    drop(begun);
    // They end as the event loop comes to them.
    let gone = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(20), gone).await;
    assert!(gone.is_ok(), "the last one still listens");
}
