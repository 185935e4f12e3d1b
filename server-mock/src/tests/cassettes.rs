//! Cassettes: a server is recorded, and played without it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Answer, Mock};

/// A mock in front of another one, which is the real server here.
fn recorder(real: &Mock, folder: &TempDir, more: &Value) -> Mock {
    let mut cassette = json!({"folder": folder.path(), "record": real.server.url()});
    merge(&mut cassette, more);
    Mock::with(&json!({"cassette": cassette}))
}

fn player(folder: &TempDir, more: &Value) -> Mock {
    let mut cassette = json!({"folder": folder.path(), "strict": true, "speed": 0});
    merge(&mut cassette, more);
    Mock::with(&json!({"cassette": cassette, "seed": 7}))
}

fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().expect("an object") {
        into[name] = value.clone();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn files(folder: &TempDir) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder.path()).expect("a folder");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("text");
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, text)
        })
        .collect();
    files.sort();
    files
}

/// Runs a flow with a key of the real server, which the mock in front of it passes on.
fn run(mock: &Mock, key: &str, body: &Value) -> Answer {
    mock.call_as(key, "POST", "/flows/hello-flow/run", body)
}

fn came(mock: &Mock) -> usize {
    let shown = mock.control("GET", "/requests", &Value::Null).json();
    shown["items"].as_array().expect("a list").len()
}

#[test]
fn what_was_recorded_is_played_and_nothing_else() {
    let (real, folder) = (Mock::start(), folder());
    let front = recorder(&real, &folder, &json!({}));
    let key = real.key("admin");
    let plain = json!({"input_value": "Hello", "session_id": "s"});
    let stream = json!({"input_value": "Hello", "session_id": "t", "stream": true});
    let made = json!({"name": "k", "permissions": ["read"]});
    let first = run(&front, &key, &plain);
    assert_eq!(first.header("x-mock-cassette"), Some("recorded"));
    let streamed = run(&front, &key, &stream);
    let secret = front.call_as(&key, "POST", "/api-keys", &made).json();
    let secret = secret["key"].as_str().or(secret["secret"].as_str());
    let secret = secret.expect("a secret").to_owned();
    let lost = front.call_as(&key, "GET", "/flows/nothing", &Value::Null);
    assert_eq!(
        lost.status,
        real.call("GET", "/flows/nothing", &Value::Null).status
    );
    let written = files(&folder);
    assert_eq!(written.len(), 4, "{written:?}");
    assert_eq!(
        written[0].0,
        "0001-post-langflow-api-v1-flows-hello-flow-run.json"
    );
    for (name, text) in &written {
        assert!(
            !text.contains(&key) && !text.contains(&secret),
            "{name}: {text}"
        );
    }
    let tape: Value = serde_json::from_str(&written[0].1).expect("JSON");
    assert_eq!(tape["request"]["body"]["input_value"], "Hello");
    assert_eq!(
        tape["response"]["body"]["session_id"], "s",
        "JSON that people can edit"
    );
    let tape: Value = serde_json::from_str(&written[1].1).expect("JSON");
    let events = tape["response"]["events"].as_array().expect("events");
    assert!(events.len() > 3, "{tape}");

    let asked = came(&real);
    let player = player(&folder, &json!({}));
    let again = run(&player, "another-key", &plain);
    assert_eq!(again.json(), first.json());
    let from = "played 0001-post-langflow-api-v1-flows-hello-flow-run.json";
    assert_eq!(again.header("x-mock-cassette"), Some(from));
    assert_eq!(run(&player, "x", &stream).body, streamed.body);
    assert_eq!(
        run(&player, "x", &plain).json(),
        first.json(),
        "again and again"
    );
    let order = player.call_as("x", "GET", "/flows/nothing", &Value::Null);
    assert_eq!(order.body, lost.body);
    let missed = run(
        &player,
        "x",
        &json!({"input_value": "Bye", "session_id": "s"}),
    );
    assert_eq!(missed.problem(), "route_not_found");
    assert_eq!(
        missed.json()["errors"][0]["field"],
        "input_value",
        "{missed:?}"
    );
    assert_eq!(missed.json()["nearest"], written[0].0);
    assert_eq!(came(&real), asked, "nobody asked the real server");
}

#[test]
fn only_what_is_missing_is_asked_for() {
    let (real, folder) = (Mock::start(), folder());
    let key = real.key("admin");
    let miss = recorder(
        &real,
        &folder,
        &json!({"on_miss": true, "redact": ["session_id"]}),
    );
    let say = |mock: &Mock, text: &str, session: &str| {
        run(
            mock,
            &key,
            &json!({"input_value": text, "session_id": session}),
        )
    };
    let first = say(&miss, "Hello", "one");
    assert_eq!(came(&real), 1);
    let again = say(&miss, "Hello", "two");
    assert_eq!((came(&real), files(&folder).len()), (1, 1));
    assert_eq!(again.json()["result"], first.json()["result"]);
    assert_eq!(again.json()["session_id"], "***");
    say(&miss, "What is new?", "one");
    assert_eq!((came(&real), files(&folder).len()), (2, 2));
    // What is recorded anew takes the place of what was there.
    let anew = recorder(&real, &folder, &json!({"redact": ["session_id"]}));
    say(&anew, "Hello", "three");
    let names: Vec<String> = files(&folder)
        .into_iter()
        .map(|it| it.0[..4].to_owned())
        .collect();
    assert_eq!(
        (came(&real), names),
        (3, vec!["0002".to_owned(), "0003".to_owned()])
    );
    // Without `strict` the mock answers what nobody recorded.
    let lenient = player(&folder, &json!({"strict": false}));
    let own = lenient.get("/flows");
    assert_eq!((own.status, own.header("x-mock-cassette")), (200, None));
}

#[test]
fn times_and_broken_ends_are_kept() {
    let folder = folder();
    let real = Mock::with(&json!({"pace": "150,40"}));
    let front = recorder(&real, &folder, &json!({}));
    let key = real.key("admin");
    let stream = json!({"input_value": "Hello", "session_id": "s", "stream": true});
    let begun = Instant::now();
    run(&front, &key, &stream);
    let took = begun.elapsed();
    let cut = json!({"kind": "close", "at": "after_events", "events": 2});
    real.control("POST", "/faults", &cut);
    let broken = json!({"input_value": "Bye", "session_id": "s", "stream": true});
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let path = "/langflow/api/v1/flows/hello-flow/run";
    let raw = |mock: &Mock| {
        let bytes = mock.send("POST", path, &headers, broken.to_string().as_bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let first = raw(&front);
    assert!(!first.ends_with("0\r\n\r\n"), "{first}");
    front.control(
        "POST",
        "/wait",
        &json!({"match": {"ending": "cut"}, "timeout": 5}),
    );

    let timed = |speed: f64| {
        let player = player(&folder, &json!({"speed": speed}));
        let begun = Instant::now();
        assert_eq!(run(&player, &key, &stream).status, 200);
        let events = raw(&player);
        assert_eq!(events.matches("event: ").count(), 2, "{events}");
        assert!(!events.ends_with("0\r\n\r\n"), "{events}");
        begun.elapsed()
    };
    assert!(took >= Duration::from_millis(200), "{took:?}");
    let real_time = timed(1.0);
    assert!(real_time >= took.mul_f64(0.8), "{real_time:?} of {took:?}");
    assert!(timed(0.0) < real_time);
}

#[test]
fn a_cassette_that_cannot_be_read_says_which() {
    let folder = folder();
    std::fs::write(folder.path().join("1.json"), "{\"request\": 1}").expect("to write");
    let config = json!({"cassette": {"folder": folder.path()}}).to_string();
    let error = crate::start_blocking(&config)
        .expect_err("no cassette")
        .to_string();
    assert!(error.contains("1.json"), "{error}");
    for record in ["ftp://x", "nothing"] {
        let folder = folder.path().join("new");
        let config = json!({"cassette": {"folder": folder, "record": record}}).to_string();
        assert!(crate::start_blocking(&config).is_err(), "{record}");
    }
}
