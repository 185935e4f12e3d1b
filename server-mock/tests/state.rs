//! `--state`: what was acknowledged survives a program that is killed while it writes.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

struct Program {
    child: Child,
    address: String,
    key: String,
}

impl Program {
    fn start(file: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_langflow-mock"))
            .args(["serve", "--port", "0", "--ready-json", "--state"])
            .arg(file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let text = |name: &str| ready[name].as_str().expect("a text").to_owned();
        Self {
            child,
            address: text("url").trim_start_matches("http://").to_owned(),
            key: text("api_key"),
        }
    }
}

impl Drop for Program {
    /// SIGKILL: no destructor of the program runs, nothing is flushed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body, or `None` where the answer did not arrive whole.
fn call(address: &str, key: &str, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "{method} /langflow/api/v1{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         authorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

#[test]
fn a_kill_in_the_middle_of_writes_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.json");
    let acknowledged: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let mut cut = 0;
    for round in 0..6_u64 {
        let program = Program::start(&file);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (address, key) = (program.address.clone(), program.key.clone());
                let acknowledged = acknowledged.clone();
                std::thread::spawn(move || {
                    for number in 0.. {
                        let name = format!("{round}-{writer}-{number}");
                        let (path, body) = match writer {
                            0 | 1 => ("/flows", json!({"name": name})),
                            2 => ("/api-keys", json!({"name": name, "permissions": ["read"]})),
                            _ => ("/flows/echo/run", json!({"input_value": name})),
                        };
                        let Some((status, answer)) = call(&address, &key, "POST", path, &body)
                        else {
                            return;
                        };
                        assert!(status < 300, "{answer}");
                        let place = match writer {
                            0 | 1 => format!("/flows/{}", answer["id"].as_str().expect("an id")),
                            2 => {
                                let id = answer["api_key"]["id"].as_str();
                                format!("/api-keys/{}", id.expect("an id"))
                            }
                            _ => format!("/runs/{}", answer["run_id"].as_str().expect("an id")),
                        };
                        acknowledged.lock().expect("a list").push((place, name));
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(120 + 37 * round));
        drop(program);
        writers
            .into_iter()
            .for_each(|it| it.join().expect("a writer"));
        cut += usize::from(folder.path().join("state.json.new").exists());
        let text = std::fs::read_to_string(&file).expect("the file");
        serde_json::from_str::<Value>(&text).expect("a whole file");
    }
    let program = Program::start(&file);
    let acknowledged = acknowledged.lock().expect("a list");
    // Runs are kept up to a thousand; this is less.
    assert!(
        (50..).contains(&acknowledged.len()),
        "{} writes, {cut} cut",
        acknowledged.len()
    );
    for (place, name) in acknowledged.iter() {
        let (status, found) =
            call(&program.address, &program.key, "GET", place, &Value::Null).expect("an answer");
        assert_eq!(status, 200, "{place} ({name}) is lost");
        let named = found.get("name").or(found.get("input_value"));
        assert_eq!(named, Some(&json!(name)));
    }
}
