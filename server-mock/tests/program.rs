//! The program: how it starts, says that it is ready, and ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    fn start(arguments: &[&str]) -> (Self, Value) {
        let child = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
            .args(arguments)
            .arg("--ready-json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("to start");
        let mut program = Self(child);
        let mut line = String::new();
        let out = program.0.stdout.as_mut().expect("an output");
        BufReader::with_capacity(1, out)
            .read_line(&mut line)
            .expect("a line");
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        (program, ready)
    }

    fn end(&mut self) -> (bool, String) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let status = loop {
            if let Some(status) = self.0.try_wait().expect("a status") {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut rest = String::new();
        self.0
            .stdout
            .take()
            .expect("an output")
            .read_to_string(&mut rest)
            .expect("text");
        (status.success(), rest)
    }

    fn terminate(&self) {
        let id = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .expect("kill")
                .success()
        );
    }
}

fn get(url: &str, path: &str) -> String {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("to write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn it_listens_when_it_says_so_and_ends_when_told() {
    let (mut program, ready) = Program::start(&["serve", "--port", "0"]);
    let url = ready["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:"));
    assert_eq!(ready["pid"], program.0.id());
    assert_eq!(ready["flow_ids"]["Hello flow"], "hello-flow");
    assert!(ready["api_key"].as_str().unwrap().starts_with("lf_admin_"));
    assert!(get(url, "/langflow/api/v1/health").contains("\"ok\""));
    program.terminate();
    assert_eq!(program.end(), (true, String::new()));
}

#[test]
fn it_ends_with_its_parent_where_that_is_wanted() {
    let (mut program, _) = Program::start(&["serve", "--port", "0", "--exit-with-parent"]);
    assert!(program.0.try_wait().unwrap().is_none());
    drop(program.0.stdin.take());
    assert!(program.end().0);
    let (mut other, ready) = Program::start(&["serve", "--port", "0"]);
    drop(other.0.stdin.take());
    std::thread::sleep(Duration::from_millis(50));
    assert!(get(ready["url"].as_str().unwrap(), "/langflow/api/v1/version").contains("200 OK"));
    assert!(other.0.try_wait().unwrap().is_none());
}

#[test]
fn two_programs_with_one_seed_have_one_key() {
    let key = |seed: &str| {
        let (_program, ready) = Program::start(&["serve", "--port", "0", "--seed", seed]);
        ready["api_key"].as_str().expect("a key").to_owned()
    };
    assert_eq!(key("7"), key("7"));
    assert_ne!(key("7"), key("8"));
}

#[test]
fn a_script_is_played_and_what_came_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.json");
    std::fs::write(&file, r#"[{"json": {"hello": 1}, "end": "close"}]"#).unwrap();
    let (mut program, ready) = Program::start(&["script", file.to_str().unwrap()]);
    assert!(get(ready["url"].as_str().unwrap(), "/a?b").ends_with("{\"hello\":1}"));
    program.terminate();
    let (success, rest) = program.end();
    let requests: Value = serde_json::from_str(&rest).unwrap();
    assert!(success);
    assert_eq!(requests[0]["target"], "/a?b");
}

#[test]
fn every_flag_has_a_twin_in_the_environment() {
    let output = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
        .args(["serve", "--help"])
        .output();
    let help = String::from_utf8(output.expect("help").stdout).expect("text");
    let flags = help
        .lines()
        .filter(|line| line.trim_start().starts_with("--"))
        .count();
    assert_eq!(
        help.matches("[env: LANGFLOW_MOCK_").count(),
        flags,
        "{help}"
    );
    let child = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
        .arg("serve")
        .env("LANGFLOW_MOCK_PORT", "0")
        .env("LANGFLOW_MOCK_READY_JSON", "1")
        .env("LANGFLOW_MOCK_EMPTY", "yes")
        .env("LANGFLOW_MOCK_NO_AUTH", "0")
        .stdout(Stdio::piped())
        .spawn();
    let mut program = Program(child.expect("to start"));
    let mut line = String::new();
    let out = program.0.stdout.as_mut().expect("an output");
    BufReader::new(out).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(ready["flow_ids"], serde_json::json!({}));
    assert!(
        get(
            ready["url"].as_str().expect("a URL"),
            "/langflow/api/v1/flows"
        )
        .contains("401")
    );
}

#[test]
fn what_cannot_be_is_said_and_is_a_failure() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, words) in [
        (vec!["serve", "--port", &port], "cannot listen on"),
        (
            vec!["script", "/nowhere/script.json"],
            "/nowhere/script.json",
        ),
        (vec!["serve", "--prot", "1"], "--prot"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_happens_is_written_as_json_without_secrets() {
    let child = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
        .args(["serve", "--port", "0", "--ready-json", "--log", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("to start");
    let mut program = Program(child);
    let mut line = String::new();
    let out = program.0.stdout.as_mut().expect("an output");
    BufReader::with_capacity(1, out)
        .read_line(&mut line)
        .expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    let text = |name: &str| ready[name].as_str().expect("a text").to_owned();
    let address = text("url").replace("http://", "");
    let mut stream = TcpStream::connect(&address).expect("a connection");
    let head = format!(
        "GET /langflow/api/v1/flows HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         connection: close\r\n\r\n",
        text("api_key")
    );
    stream.write_all(head.as_bytes()).expect("to write");
    stream.read_to_end(&mut Vec::new()).expect("an answer");
    let log = program.0.stderr.take().expect("an output");
    let mut lines = BufReader::new(log).lines();
    let mut seen = Vec::new();
    while !seen.iter().any(|one: &Value| one["event"] == "response") {
        let line = lines.next().expect("a line").expect("text");
        assert!(!line.contains(&text("api_key")), "{line}");
        seen.push(serde_json::from_str(&line).expect("JSON"));
    }
    assert_eq!(seen[0]["event"], "request");
    assert_eq!(seen[0]["data"]["method"], "GET");
}

#[test]
fn port_file_clock_and_faults_are_there_from_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (port, faults) = (
        folder.path().join("port"),
        folder.path().join("faults.json"),
    );
    std::fs::write(&faults, r#"[{"kind": "status", "status": 503}]"#).expect("to write");
    let (port_text, faults_text) = (
        port.to_str().expect("a path"),
        faults.to_str().expect("a path"),
    );
    let mut arguments = vec!["serve", "--port", "0", "--port-file", port_text];
    arguments.extend(["--clock", "2026-01-01T00:00:00Z", "--faults", faults_text]);
    let (_program, ready) = Program::start(&arguments);
    let written = std::fs::read_to_string(&port).expect("the file");
    assert_eq!(written, ready["port"].to_string());
    let url = ready["url"].as_str().expect("a URL");
    assert!(get(url, "/__mock/clock").contains("2026-01-01T00:00:00"));
    let health = "/langflow/api/v1/health";
    assert!(get(url, health).starts_with("HTTP/1.1 503"));
    assert!(get(url, health).starts_with("HTTP/1.1 200"));
}
