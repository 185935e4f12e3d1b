//! The control API.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::Mock;

#[test]
fn the_journal_has_what_came_without_secrets() {
    let mock = Mock::start();
    let run = mock.run(
        "echo",
        &json!({"input_value": "find me", "session_id": "s1"}),
    );
    mock.call(
        "POST",
        "/api-keys",
        &json!({"name": "k", "permissions": ["read"]}),
    );
    mock.get("/flows?q=echo");
    let list = |query: &str| {
        mock.control("GET", &format!("/requests{query}"), &Value::Null)
            .json()
    };
    assert_eq!(list("")["total"], 3);
    let found = list("?operation=runFlow&flow_id=echo&session_id=s1&contains=find&whole=true");
    let entry = &found["items"][0];
    assert_eq!(entry["method"], "POST");
    assert_eq!(
        (&entry["status"], &entry["ending"]),
        (&json!(200), &json!("complete"))
    );
    assert_eq!(entry["key_id"], "key_admin");
    assert_eq!(entry["headers"]["authorization"], "Bearer ***");
    assert!(entry["body"]["text"].as_str().unwrap().contains("find me"));
    let id = run["run_id"].as_str().unwrap();
    assert!(entry["answer"]["text"].as_str().unwrap().contains(id));
    let all = list("?whole=true").to_string();
    assert!(!all.contains(&mock.key("admin")));
    let made = &list("?operation=createApiKey&whole=true")["items"][0]["answer"]["text"];
    assert!(made.as_str().unwrap().contains("\"lf_***\""), "{made}");
    assert_eq!(list("?path=/langflow/api/v1/flows*&method=get")["total"], 1);
    assert_eq!(list("?status=201")["total"], 1);
    assert_eq!(list("?since=2")["total"], 1);
    assert_eq!(list("?limit=1")["items"][0]["operation"], "listFlows");
    assert_eq!(
        mock.control("GET", "/requests?wat=1", &Value::Null).status,
        400
    );
}

#[test]
fn requests_are_counted_and_their_order_is_checked() {
    let mock = Mock::start();
    mock.get("/flows");
    mock.run("echo", &json!({"input_value": "x"}));
    mock.run("echo", &json!({"input_value": "x"}));
    let ok = |body: Value| mock.control("POST", "/verify", &body).json()["ok"] == true;
    let runs = json!({"operation": "runFlow"});
    assert!(ok(json!({"match": runs})) && ok(json!({"match": runs, "count": 2})));
    assert!(!ok(json!({"match": runs, "count": 1})) && !ok(json!({"match": runs, "max": 1})));
    assert!(
        ok(json!({"match": runs, "min": 1, "max": 2})) && !ok(json!({"match": runs, "min": 3}))
    );
    let flows = json!({"operation": "listFlows"});
    assert!(ok(json!({"order": [flows, runs, runs]})));
    assert!(!ok(json!({"order": [runs, flows]})) && !ok(json!({"order": [runs, runs, runs]})));
    let headers = json!({"headers": {"Authorization": "*"}});
    assert!(ok(json!({"match": headers, "count": 3})));
    let missing = json!({"match": {"operation": "deleteFlow"}});
    let missing = mock.control("POST", "/verify", &missing).json();
    assert_eq!(missing["instead"].as_array().unwrap().len(), 3);
    let typo = json!({"match": {"operatoin": "x"}});
    assert_eq!(mock.control("POST", "/verify", &typo).status, 422);
    // A misspelt name would make "none came" always true.
    for (name, status) in [
        ("runFlwo", 422),
        ("run*", 200),
        ("rnu*", 422),
        ("listTriggers", 200),
    ] {
        let none = json!({"match": {"operation": name, "path": "/no/where"}, "count": 0});
        let answer = mock.control("POST", "/verify", &none);
        assert_eq!(answer.status, status, "{name}");
    }
}

#[test]
fn a_wait_ends_when_it_came_or_when_the_time_is_over() {
    let mock = Mock::start();
    let body = json!({"match": {"operation": "listRuns"}, "count": 1, "timeout": 15});
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| mock.control("POST", "/wait", &body).json());
        std::thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished());
        mock.get("/runs");
        assert_eq!(waiting.join().unwrap(), json!({"ok": true, "found": 1}));
    });
    let begun = Instant::now();
    let body = json!({"count": 9, "timeout": 0.1});
    let late = mock.control("POST", "/wait", &body).json();
    assert_eq!(late, json!({"ok": false, "found": 1}));
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[test]
fn a_client_that_leaves_is_noted() {
    let mock = Mock::with(&json!({"token_delay": 0.2}));
    let address = mock.server.url().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).unwrap();
    let body = r#"{"input_value":"Hello","stream":true}"#;
    let request = format!(
        "POST /langflow/api/v1/flows/hello-flow/run HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        mock.key("admin"),
        body.len()
    );
    socket.write_all(request.as_bytes()).unwrap();
    assert!(socket.read(&mut [0; 64]).unwrap() > 0);
    drop(socket);
    let wait = json!({"match": {"ending": "client_closed", "operation": "runFlow"}});
    assert_eq!(mock.control("POST", "/wait", &wait).json()["ok"], true);
}

#[test]
fn a_reset_begins_anew_in_another_epoch() {
    let mock = Mock::start();
    let run = mock.run("echo", &json!({"input_value": "x"}));
    mock.call("DELETE", "/flows/echo", &Value::Null);
    mock.control(
        "POST",
        "/faults",
        &json!({"kind": "reset", "scope": "rule", "match": {"path": "/x"}}),
    );
    mock.control("POST", "/scripts", &json!({"text": "x"}));
    let keep = json!({"keep": ["requests", "faults"]});
    let done = mock.control("POST", "/reset", &keep).json();
    assert_eq!(done["epoch"], 1);
    assert_eq!(
        done["reset"],
        json!(["state", "scripts", "snapshots", "clock"])
    );
    assert_eq!(mock.get("/runs").json()["total"], 0);
    assert_eq!(
        mock.run("echo", &json!({"input_value": "x"}))["run_id"],
        run["run_id"]
    );
    let count = |path: &str, list: &str| {
        let shown = mock.control("GET", path, &Value::Null).json();
        shown[list].as_array().expect("a list").len()
    };
    assert_eq!(count("/requests", "items"), 2);
    assert_eq!(count("/requests?epoch=0", "items"), 2);
    assert_eq!(count("/requests?epoch=all", "items"), 4);
    assert_eq!(
        (count("/faults", "items"), count("/scripts", "items")),
        (1, 0)
    );
    mock.control("POST", "/reset", &Value::Null);
    assert_eq!(
        (
            count("/requests?epoch=all", "items"),
            count("/faults", "items")
        ),
        (0, 0)
    );
    let bad = mock.control("POST", "/reset", &json!({"scopes": ["world"]}));
    assert_eq!(bad.status, 422);
}

#[test]
fn another_seed_is_another_workspace() {
    let mock = Mock::start();
    let sown = mock.control("POST", "/seed", &json!({"seed": 7})).json();
    assert_ne!(sown["api_key"], mock.key("admin"));
    assert_eq!(mock.get("/flows").status, 401);
    let key = sown["api_key"].as_str().unwrap();
    assert_eq!(mock.call_as(key, "GET", "/flows", &Value::Null).status, 200);
    assert_eq!(mock.control("GET", "/info", &Value::Null).json()["seed"], 7);
    mock.control("POST", "/reset", &Value::Null);
    assert_eq!(mock.get("/flows").status, 200);
}

#[test]
fn models_say_what_is_scripted() {
    let mock = Mock::start();
    let script = |body: Value| {
        let answer = mock.control("POST", "/scripts", &body);
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    script(json!({"match": {"message": "Hi"}, "text": "scripted hello", "times": 1}));
    script(
        json!({"match": {"message_contains": "weather", "component": "OpenAI"}, "tokens": ["sun", "ny"]}),
    );
    script(json!({"match": {"history_contains": "weather"}, "text": "you asked before"}));
    script(
        json!({"match": {"message": "break", "component": "OpenAI-xxxxx"}, "text": "I ", "error": "no quota"}),
    );
    let say = |text: &str, session: &Value| {
        let mut body = json!({"input_value": text});
        if session.is_string() {
            body["session_id"] = session.clone();
        }
        mock.run("hello-flow", &body)
    };
    assert_eq!(
        say("Hi", &Value::Null)["result"]["output"],
        "scripted hello"
    );
    assert_ne!(
        say("Hi", &Value::Null)["result"]["output"],
        "scripted hello"
    );
    let first = say("the weather?", &Value::Null);
    assert_eq!(first["result"]["output"], "sunny");
    assert_eq!(
        say("And?", &first["session_id"])["result"]["output"],
        "you asked before"
    );
    let failed = mock.call(
        "POST",
        "/flows/hello-flow/run",
        &json!({"input_value": "break"}),
    );
    assert_eq!(
        (failed.status, failed.problem().as_str()),
        (500, "run_failed")
    );
    assert!(
        failed.json()["detail"]
            .as_str()
            .unwrap()
            .contains("no quota")
    );
    let listed = mock.control("GET", "/scripts", &Value::Null).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    assert_eq!(
        mock.control("DELETE", "/scripts/scr_2", &Value::Null)
            .status,
        204
    );
    assert_eq!(
        mock.control("DELETE", "/scripts/scr_2", &Value::Null)
            .status,
        404
    );
    for bad in [
        json!({}),
        json!({"text": "a", "tokens": []}),
        json!({"txt": 1}),
        json!({"text": "a", "times": 0}),
    ] {
        assert_eq!(mock.control("POST", "/scripts", &bad).status, 422, "{bad}");
    }
}

#[test]
fn what_happens_is_told_to_who_listens() {
    let mock = Mock::start();
    let address = mock.server.url().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).unwrap();
    let request =
        format!("GET /__mock/events?types=response,clock HTTP/1.1\r\nhost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut text = String::new();
    let mut until = |wanted: &str| {
        let mut buffer = [0; 4096];
        while !text.contains(wanted) {
            let count = socket.read(&mut buffer).expect("news");
            assert!(count > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        text.clone()
    };
    until(": listening");
    mock.get("/runs");
    mock.control("POST", "/clock", &json!({"advance": 1}));
    let text = until("event: clock");
    assert!(
        text.contains("event: response\ndata: {") && text.contains("listRuns"),
        "{text}"
    );
    assert!(!text.contains("event: request"), "{text}");
}

#[test]
fn only_this_machine_is_served_and_no_page_of_others() {
    let mock = Mock::start();
    let address = mock.server.url().trim_start_matches("http://").to_owned();
    let ask = |host: &str, more: &str| {
        let mut socket = TcpStream::connect(&address).unwrap();
        let request = format!(
            "GET /__mock/clock HTTP/1.1\r\nhost: {host}\r\n{more}connection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer[9..12].to_owned()
    };
    assert_eq!(ask(&address, ""), "200");
    assert_eq!(ask("localhost", ""), "200");
    assert_eq!(ask("evil.example", ""), "403");
    assert_eq!(ask(&address, "origin: http://evil.example\r\n"), "403");
}

#[test]
fn what_is_not_there_is_said() {
    let mock = Mock::start();
    let nothing = mock.control("GET", "/clokc", &Value::Null);
    assert_eq!(
        (nothing.status, &nothing.json()["nearest"]),
        (404, &json!("/__mock/clock"))
    );
    let wrong = mock.control("PUT", "/clock", &json!({}));
    assert_eq!(
        (wrong.status, wrong.header("allow")),
        (405, Some("GET, POST"))
    );
    let list = mock.control("POST", "/clock", &json!([]));
    assert_eq!(list.status, 422);
    assert_eq!(mock.raw("POST", "/__mock/clock", &[], b"{").status, 400);
    let total = mock.control("GET", "/requests", &Value::Null).json();
    assert_eq!(total["total"], 0, "control requests are not in the journal");
}

#[test]
fn the_doctor_says_what_is_missing() {
    let mock = Mock::start();
    let codes = || -> Vec<(String, String)> {
        let shown = mock.control("GET", "/doctor", &Value::Null).json();
        let warnings = shown["warnings"].as_array().expect("a list").clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pairs = warnings.iter();
        pairs
            .map(|it| (text(&it["flow_id"]), text(&it["code"])))
            .collect()
    };
    let before = codes();
    let made = mock.call("POST", "/flows", &json!({"name": "Bare"})).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let new: Vec<_> = codes()
        .into_iter()
        .filter(|it| !before.contains(it))
        .collect();
    assert_eq!(
        new,
        [
            (id.clone(), "no_description".to_owned()),
            (id, "cannot_run".to_owned())
        ]
    );
}
