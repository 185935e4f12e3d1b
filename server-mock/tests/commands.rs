//! The commands that talk to a mock that runs, as programs.

use std::process::{Command, Output};

use langflow_mock::{BlockingServer, start_blocking};
use serde_json::Value;

fn start() -> BlockingServer {
    start_blocking("{}").expect("a server")
}

fn command(server: &BlockingServer, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
        .args(arguments)
        .env("LANGFLOW_MOCK_URL", server.url())
        .output()
        .expect("to run")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn get(server: &BlockingServer, path: &str) -> String {
    use std::io::{Read, Write};
    let address = server.url().trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("to write");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn advance_moves_the_time_of_a_running_mock() {
    let server = start();
    let before = server.clock().now();
    let text = said(&command(&server, &["advance", "31m"]));
    assert!(text.starts_with("it is 20"), "{text}");
    let moved = server.clock().now() - before;
    assert!((31..33).contains(&moved.num_minutes()), "{moved}");
    let bad = command(&server, &["advance", "soon"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("advance"));
}

#[test]
fn fault_arms_lists_and_clears() {
    let server = start();
    let path = "/langflow/api/v1/health";
    let fault = r#"{"kind": "status", "status": 503}"#;
    let text = said(&command(&server, &["fault", fault]));
    let armed: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(armed["left"], 1);
    assert!(get(&server, path).starts_with("HTTP/1.1 503"));
    assert!(get(&server, path).starts_with("HTTP/1.1 200"));
    said(&command(&server, &["fault", fault]));
    assert_eq!(said(&command(&server, &["fault", "--clear"])), "");
    assert!(get(&server, path).starts_with("HTTP/1.1 200"));
    assert_eq!(command(&server, &["fault", "{"]).status.code(), Some(2));
}

#[test]
fn report_fails_if_the_client_did_something_wrong() {
    let server = start();
    assert!(said(&command(&server, &["report"])).contains("0 requests, 0 findings"));
    get(&server, "/langflow/api/v1/health?token=abc");
    let bad = command(&server, &["report"]);
    assert_eq!(bad.status.code(), Some(1));
    let text = String::from_utf8_lossy(&bad.stdout).into_owned();
    assert!(
        text.contains("secret_in_url") && text.contains("1 requests, 1 findings"),
        "{text}"
    );
    let json = command(&server, &["report", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["ok"], false);
    said(&command(
        &server,
        &["report", "--ignore", "no_back_off,secret_in_url"],
    ));
    let text = said(&command(&server, &["reset", "--keep", "state,clock"]));
    assert_eq!(text.trim(), "epoch 1: requests, faults, scripts, snapshots");
    said(&command(&server, &["report"]));
}

#[test]
fn snapshot_saves_lists_and_restores() {
    let server = start();
    let snapshot = |arguments: &[&str]| {
        let all = [&["snapshot"], arguments].concat();
        command(&server, &all)
    };
    assert_eq!(said(&snapshot(&["save", "one"])).trim(), "saved one");
    assert_eq!(said(&snapshot(&["list"])).trim(), "one");
    let url = server.url();
    assert_eq!(said(&snapshot(&["list", "--url", url])).trim(), "one");
    let restored = said(&snapshot(&["restore", "one"]));
    assert_eq!(restored.trim(), "restored one, epoch 1");
    let missing = snapshot(&["restore", "two"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("only: one"));
}

#[test]
fn doctor_warns_and_openapi_prints() {
    let server = start();
    let text = said(&command(&server, &["doctor"]));
    assert!(text.contains(" flows, "), "{text}");
    let strict = command(&server, &["doctor", "--strict"]);
    assert_eq!(strict.status.success(), text.contains(" 0 warnings"));
    let product: Value = serde_json::from_str(&said(&command(&server, &["openapi"]))).unwrap();
    assert!(product["paths"]["/flows/{flow_id}/run"].is_object());
    assert!(!product.to_string().contains("__mock"));
    let control = said(&command(&server, &["openapi", "--control"]));
    let control: Value = serde_json::from_str(&control).unwrap();
    assert!(control["paths"]["/__mock/clock"].is_object());
}

#[test]
fn without_a_mock_they_say_so() {
    let mut server = start();
    server.stop();
    let output = command(&server, &["report"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no mock at http://127.0.0.1:"));
}

#[test]
fn every_flag_has_a_twin_in_the_environment() {
    for name in [
        "advance", "reset", "fault", "report", "doctor", "openapi", "trigger", "listen",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
            .args([name, "--help"])
            .output();
        let help = String::from_utf8(output.expect("help").stdout).expect("text");
        let flags = help
            .lines()
            .filter(|it| it.trim_start().starts_with("--"))
            .count();
        let twins = help.matches("[env: LANGFLOW_MOCK_").count();
        assert!(flags >= 1 && twins >= flags, "{help}");
    }
}

#[test]
fn listen_sends_events_and_trigger_makes_one() {
    use std::io::{BufRead, BufReader};
    let server = start();
    let script = r#"[{"status": 204}]"#;
    let receiver =
        langflow_mock::wire::ScriptServer::start(serde_json::from_str(script).unwrap()).unwrap();
    let mut listening = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
        .args(["listen", "--events", "flow_completed", "--forward-to"])
        .arg(format!("{}/hook?a=b", receiver.url()))
        .env("LANGFLOW_MOCK_URL", server.url())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("to run");
    let mut lines = BufReader::new(listening.stdout.take().expect("its output")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(first.contains("the secret is whsec_"), "{first}");
    let trigger = [
        "trigger",
        "flow_completed",
        "--flow-id",
        "echo",
        "--output",
        "done",
    ];
    let text = said(&command(&server, &trigger));
    assert!(
        text.contains("flow_completed of echo: 1 deliveries"),
        "{text}"
    );
    let second = lines.next().expect("a line").expect("text");
    assert!(
        second.contains("echo") && second.ends_with("-> 204"),
        "{second}"
    );
    let requests = receiver.requests();
    assert_eq!(requests[0].target, "/hook?a=b");
    assert!(requests[0].body.contains(r#""output":"done""#));
    listening.kill().expect("to end");
    listening.wait().expect("to end");
    let begun = std::time::Instant::now();
    while !said(&command(&server, &trigger)).contains(": 0 deliveries") {
        assert!(begun.elapsed().as_secs() < 20, "the webhooks stayed");
    }
    let unknown = command(&server, &["trigger", "flow_exploded"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("flow_completed"));
}

#[test]
fn sign_prints_the_headers_of_a_delivery() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = folder.path().join("body.json");
    let text = r#"{"email":"test@example.com","username":"test_user"}"#;
    std::fs::write(&body, text).expect("to write");
    let server = start();
    let sign = |more: &[&str]| {
        let mut arguments = vec!["sign", body.to_str().expect("a path")];
        arguments.extend(["--secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]);
        arguments.extend([
            "--id",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "--timestamp",
            "1649367553",
        ]);
        arguments.extend(more);
        said(&command(&server, &arguments))
    };
    let headers = "webhook-id: msg_27UH4WbU6Z5A5EzD8u03UvzRbpk\nwebhook-timestamp: 1649367553\n\
                   webhook-signature: v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=\n";
    assert_eq!(sign(&[]), headers);
    assert!(sign(&["--scheme", "v1a"]).contains("webhook-signature: v1a,"));
    assert!(sign(&["--scheme", "stripe"]).starts_with("Stripe-Signature: t=1649367553,v1="));
}

#[test]
fn commands_bring_the_token_along() {
    let server = start_blocking(r#"{"control_token": "mt_x"}"#).expect("a server");
    let refused = command(&server, &["reset"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("x-mock-token"));
    said(&command(&server, &["reset", "--control-token", "mt_x"]));
}

#[test]
fn commands_speak_tls_with_a_mock_that_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]);
    let made = made.expect("a certificate");
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&cert, made.cert.pem()).expect("to write");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("to write");
    let config = serde_json::json!({"tls_cert": cert, "tls_key": key});
    let server = start_blocking(&config.to_string()).expect("a server");
    let ca = cert.to_str().expect("a path");
    let before = server.clock().now();
    let text = said(&command(&server, &["advance", "31m", "--ca-file", ca]));
    assert!(text.starts_with("it is 20"), "{text}");
    assert!((server.clock().now() - before).num_minutes() >= 31);
    assert!(said(&command(&server, &["report", "--ca-file", ca])).contains("0 findings"));
    let wary = command(&server, &["report"]);
    assert_eq!(wary.status.code(), Some(2));
    let error = String::from_utf8_lossy(&wary.stderr);
    assert!(
        error.contains("certificate") && error.contains("--ca-file"),
        "{error}"
    );
}

#[test]
fn commands_find_a_tenant_by_its_url() {
    let server = start();
    let tenant = format!("{}/__t/tina", server.url());
    said(&command(
        &server,
        &[
            "fault",
            "--url",
            &tenant,
            r#"{"kind": "status", "status": 503}"#,
        ],
    ));
    assert!(get(&server, "/langflow/api/v1/health").starts_with("HTTP/1.1 200"));
    assert!(get(&server, "/__t/tina/langflow/api/v1/health").starts_with("HTTP/1.1 503"));
}

#[test]
fn deliveries_are_listed_and_followed_attempt_by_attempt() {
    use std::io::{BufRead, BufReader};
    let server = start();
    let script = r#"[{"status": 500, "once": true}, {"status": 204}]"#;
    let receiver =
        langflow_mock::wire::ScriptServer::start(serde_json::from_str(script).unwrap()).unwrap();
    let mut listening = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
        .args([
            "listen",
            "--events",
            "flow_completed",
            "--forward-to",
            &receiver.url(),
        ])
        .env("LANGFLOW_MOCK_URL", server.url())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("to run");
    let mut heard = BufReader::new(listening.stdout.take().expect("its output")).lines();
    heard.next().expect("a line").expect("text");
    let trigger = ["trigger", "flow_completed", "--flow-id", "echo"];
    said(&command(&server, &trigger));
    for _ in 0..2 {
        heard.next().expect("a line").expect("text");
    }
    let listed = said(&command(&server, &["deliveries"]));
    let listed: Vec<&str> = listed.lines().collect();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(
        listed[0].ends_with("attempt 1  -> 500  pending"),
        "{listed:?}"
    );
    assert!(
        listed[1].ends_with("attempt 2  -> 204  delivered"),
        "{listed:?}"
    );
    let failed = said(&command(&server, &["deliveries", "--status", "failed"]));
    assert_eq!(failed, "");
    let mut following = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
        .args(["deliveries", "--follow", "--json", "--status", "delivered"])
        .env("LANGFLOW_MOCK_URL", server.url())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("to run");
    let mut followed = BufReader::new(following.stdout.take().expect("its output")).lines();
    let mut next = || -> Value {
        let line = followed.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    let past = next();
    assert_eq!(
        (&past["attempts"], &past["status_code"]),
        (&2.into(), &204.into())
    );
    said(&command(&server, &trigger));
    let fresh = next();
    assert_eq!(
        (&fresh["attempts"], &fresh["status"]),
        (&1.into(), &"delivered".into())
    );
    assert_ne!(fresh["delivery_id"], past["delivery_id"]);
    for mut child in [listening, following] {
        child.kill().expect("to end");
        child.wait().expect("to end");
    }
}
