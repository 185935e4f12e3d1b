//! The library: servers in the process of a test.

use std::net::TcpStream;
use std::time::Duration;

use langflow_mock::{Clock, Config, MockServer, StartError, start_blocking};

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
