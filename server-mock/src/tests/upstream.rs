//! The face of an open-source server. Whether it is like the real one is asked by
//! `langflow-mock drift`; here is what a real 1.13 cannot show: the two faces side by side, and the
//! versions before it, which are held to what was captured of them.

use serde_json::{Value, json};

use super::support::{Answer, Mock};

/// Sends JSON with the key of the administrator, as open-source servers want it.
pub(super) fn ask(mock: &Mock, method: &str, path: &str, body: &Value) -> Answer {
    let key = mock.key("admin");
    let headers = [
        ("x-api-key", key.as_str()),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    mock.raw(method, path, &headers, body.as_bytes())
}

/// The frames of a stream of `/run`.
fn frames(text: &str) -> Vec<Value> {
    let frames = text.split("\n\n").filter(|frame| !frame.trim().is_empty());
    frames
        .map(|frame| serde_json::from_str(frame).unwrap_or_else(|_| panic!("no frame: {frame}")))
        .collect()
}

#[test]
fn both_faces_have_the_same_flows_keys_and_sessions() {
    let mock = Mock::start();
    let said = json!({"input_value": "My name is Ada.", "session_id": "s-1"});
    let answer = ask(&mock, "POST", "/api/v1/run/memory-chat", &said);
    assert_eq!(answer.status, 200, "{answer:?}");
    let asked = json!({"input_value": "What is my name?", "session_id": "s-1"});
    let result = mock.run("memory-chat", &asked);
    assert_eq!(result["session_status"], "continued");
    assert!(
        result["result"]["output"].as_str().unwrap().contains("Ada"),
        "{result}"
    );
    let path = "/api/v1/monitor/messages?session_id=s-1";
    let texts: Vec<Value> = ask(&mock, "GET", path, &Value::Null)
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|message| json!([message["sender"], message["text"]]))
        .collect();
    assert_eq!(texts.len(), 4);
    assert_eq!(texts[2], json!(["User", "What is my name?"]));
    let made = ask(&mock, "POST", "/api/v1/api_key/", &json!({"name": "mine"})).json();
    let secret = made["api_key"].as_str().unwrap();
    assert_eq!(
        mock.call_as(secret, "GET", "/flows", &Value::Null).status,
        200
    );
}

#[test]
fn a_face_that_is_not_served_is_not_there() {
    let workspace = Mock::with(&json!({"api": ["workspace"]}));
    assert_eq!(
        ask(&workspace, "GET", "/api/v1/version", &Value::Null).problem(),
        "route_not_found"
    );
    let langflow = Mock::with(&json!({"api": ["langflow"]}));
    let body = json!({"input_value": "x"});
    let answer = ask(&langflow, "POST", "/api/v1/run/echo", &body);
    assert_eq!(answer.status, 200);
    let page = langflow.send("POST", "/langflow/api/v1/flows/echo/run", &[], b"{}");
    let page = String::from_utf8(page).unwrap();
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("text/html"),
        "{page}"
    );
}

#[test]
fn side_by_side_nothing_says_that_the_server_is_an_open_source_one() {
    let both = Mock::start();
    for path in ["/api/v1/version", "/health"] {
        let answer = both.raw("GET", path, &[], b"");
        assert_eq!(answer.problem(), "route_not_found");
    }
    let alone = Mock::with(&json!({"api": ["langflow"]}));
    let version = alone.raw("GET", "/api/v1/version", &[], b"").json();
    assert_eq!(version["package"], "Langflow");
    let health = alone.raw("GET", "/health", &[], b"").json();
    assert_eq!(health, json!({"status": "ok"}));
}

#[test]
fn faults_and_the_journal_know_the_operations_of_this_face() {
    let mock = Mock::start();
    let fault =
        json!({"faults": [{"kind": "status", "status": 503, "match": {"operation": "runFlow"}}]});
    assert_eq!(mock.control("POST", "/faults", &fault).status, 200);
    let body = json!({"input_value": "x"});
    let config = ask(&mock, "GET", "/api/v1/config", &Value::Null);
    assert_eq!(config.status, 200);
    let answer = ask(&mock, "POST", "/api/v1/run/echo", &body);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (503, Some("application/json"))
    );
    assert!(answer.json()["detail"].is_string());
    assert_eq!(ask(&mock, "POST", "/api/v1/run/echo", &body).status, 200);
    let requests = mock
        .control("GET", "/requests?flow_id=echo", &Value::Null)
        .json();
    let seen: Vec<&Value> = requests["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["operation"])
        .collect();
    assert_eq!(seen, ["runFlow", "runFlow"], "{requests}");
}

#[test]
fn a_login_opens_all_but_runs() {
    let mock = Mock::start();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let login = mock.raw(
        "POST",
        "/api/v1/login",
        &form,
        b"username=langflow&password=langflow",
    );
    let token = login.json()["access_token"].as_str().unwrap().to_owned();
    let refresh = login.json()["refresh_token"].as_str().unwrap().to_owned();
    let with = |token: &str, method: &str, path: &str| {
        let bearer = format!("Bearer {token}");
        mock.raw(method, path, &[("authorization", &bearer)], b"{}")
    };
    assert_eq!(with(&token, "GET", "/api/v1/flows/").status, 200);
    assert_eq!(with(&token, "POST", "/api/v1/run/echo").status, 403);
    assert_eq!(with(&token, "POST", "/api/v1/run/session/echo").status, 200);
    let refused = with(&refresh, "GET", "/api/v1/flows/");
    assert_eq!(
        (refused.status, refused.json()),
        (401, json!({"detail": "Invalid token type"}))
    );
    mock.control("POST", "/clock", &json!({"advance": "61m"}));
    assert_eq!(with(&token, "GET", "/api/v1/flows/").status, 401);
}

/// Keys and kinds of values, without the values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let shapes = fields
                .iter()
                .map(|(name, value)| (name.clone(), shape(value)));
            Value::Object(shapes.collect())
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(text) => {
            let dashes = [4, 7].map(|at| text.as_bytes().get(at) == Some(&b'-'));
            let date = dashes == [true; 2] && text.contains(':');
            let mask = |letter: char| if letter.is_ascii_digit() { '0' } else { letter };
            match date {
                true => text.chars().map(mask).collect::<String>().into(),
                false => "text".into(),
            }
        }
    }
}

/// The frames of a captured stream, with its head and in its chunks or without either.
fn captured(path: &str) -> Vec<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures");
    let text = std::fs::read_to_string(folder.join(path)).expect("a capture");
    match text.split_once("\r\n\r\n") {
        Some((_, body)) => frames(&super::support::dechunk(body)),
        None => frames(&text),
    }
}

#[test]
fn each_version_streams_as_it_was_captured() {
    let versions = [
        ("1.4", "old/1.5.1"),
        ("1.8", "old/1.8.4"),
        ("1.10", "old/1.10.3"),
        ("1.13", "run"),
    ];
    for (version, folder) in versions {
        let mock = Mock::with(&json!({"as": version}));
        let mut file: Value = serde_json::from_str(include_str!("../../probes/echo.json")).unwrap();
        file["endpoint_name"] = "wire-echo".into();
        assert_eq!(ask(&mock, "POST", "/api/v1/flows/", &file).status, 201);
        let body = json!({"input_value": "hello", "session_id": "s-1"});
        let answer = ask(&mock, "POST", "/api/v1/run/wire-echo?stream=true", &body);
        let mine: Vec<Value> = frames(&answer.body).iter().map(shape).collect();
        let theirs = captured(&format!("{folder}/echo_stream.raw"));
        let theirs: Vec<Value> = theirs.iter().map(shape).collect();
        assert_eq!(mine.len(), theirs.len(), "{version}: {mine:?} {theirs:?}");
        for (mine, theirs) in mine.iter().zip(&theirs) {
            let mut wrong = Vec::new();
            differ("", mine, theirs, &mut wrong);
            assert!(wrong.is_empty(), "{version}: {wrong:#?}");
        }
    }
}

fn differ(at: &str, mine: &Value, theirs: &Value, wrong: &mut Vec<String>) {
    if let (Value::Object(mine), Value::Object(theirs)) = (mine, theirs) {
        let names: std::collections::BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
        for name in names {
            let of = |fields: &serde_json::Map<String, Value>| {
                fields.get(name).cloned().unwrap_or_else(|| "absent".into())
            };
            differ(&format!("{at}/{name}"), &of(mine), &of(theirs), wrong);
        }
    } else if let (Value::Array(mine), Value::Array(theirs)) = (mine, theirs)
        && mine.len() == theirs.len()
    {
        for (index, (mine, theirs)) in mine.iter().zip(theirs).enumerate() {
            differ(&format!("{at}/{index}"), mine, theirs, wrong);
        }
    } else if mine != theirs {
        wrong.push(format!("{at}: {mine} and not {theirs}"));
    }
}

#[test]
fn each_version_has_its_oddities() {
    let body = json!({"input_value": "x"});
    let bogus = json!({"input_value": "x", "input_type": "bogus"});
    let fails = "/api/v1/run/failing-flow?stream=true";
    let workflows = "/api/v2/workflows";
    // The last frame of a failing stream, what a wrong type of input and workflows come to.
    for (version, ends, wrong, absent) in [
        ("1.4", "", 422, true),
        ("1.8", "Error running graph: ", 200, false),
        ("1.10", "500: {", 200, false),
        ("1.13", "500: {", 200, false),
    ] {
        let mock = Mock::with(&json!({"as": version}));
        let last = frames(&ask(&mock, "POST", fails, &body).body)
            .pop()
            .unwrap();
        match ends {
            "" => assert_eq!(last["event"], "add_message", "{version}"),
            begin => {
                let text = last["data"]["error"].as_str().unwrap();
                assert!(text.starts_with(begin), "{version}: {text}");
            }
        }
        let answer = ask(&mock, "POST", "/api/v1/run/echo", &bogus);
        assert_eq!(answer.status, wrong, "{version}");
        let answer = ask(&mock, "POST", workflows, &json!({}));
        assert_eq!(answer.status == 405, absent, "{version}");
    }
    let mock = Mock::with(&json!({"as": "1.8"}));
    let flows = ask(&mock, "GET", "/api/v1/flows/", &Value::Null).json();
    let echo = flows
        .as_array()
        .unwrap()
        .iter()
        .find(|flow| flow["name"] == "Echo")
        .unwrap();
    let old = json!({"flow_id": echo["id"], "inputs": {"ChatInput-in.input_value": "x"}});
    let answer = ask(&mock, "POST", workflows, &old).json();
    assert_eq!(
        answer["outputs"]["ChatOutput-out"]["content"], "x",
        "{answer}"
    );
    assert!(answer.get("output").is_none());
    let new = json!({"flow_id": echo["id"], "input_value": "x"});
    let refused = ask(&mock, "POST", workflows, &new);
    assert_eq!(refused.json()["detail"][0]["type"], "extra_forbidden");
}

#[test]
fn a_client_that_leaves_a_stream_ends_its_run() {
    let mock = Mock::with(&json!({"token_delay": 0.2}));
    let key = mock.key("admin");
    let target = "/api/v1/run/hello-flow?stream=true";
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: 23\r\n\r\n\
         {{\"input_value\":\"hello\"}}"
    );
    let address = mock.server.url().trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    let mut some = [0; 64];
    assert!(std::io::Read::read(&mut stream, &mut some).unwrap() > 0);
    drop(stream);
    let ended = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        mock.get("/runs").json()["items"][0]["status"] == "cancelled"
    });
    assert!(ended, "{}", mock.get("/runs").body);
}

/// Uploads a file as a form; the answer.
fn send(mock: &Mock, path: &str, name: &str, text: &str) -> Answer {
    let key = mock.key("admin");
    let headers = [
        ("x-api-key", key.as_str()),
        ("content-type", "multipart/form-data; boundary=b"),
    ];
    let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
    let body = format!("--b\r\n{head}\r\n\r\n{text}\r\n--b--\r\n");
    mock.raw("POST", path, &headers, body.as_bytes())
}

/// A flow that answers with the text of the files in `path`.
fn reader() -> Value {
    let node = |id: &str, kind: &str, template: Value| {
        json!({
            "id": id, "type": "genericNode",
            "data": {"id": id, "type": kind, "node": {"display_name": kind, "template": template}},
        })
    };
    let file = json!({"path": {"type": "file", "value": []}});
    let output = json!({
        "input_value": {"type": "str", "value": ""},
        "sender_name": {"type": "str", "value": "WHO", "load_from_db": true},
    });
    json!({
        "name": "reader", "endpoint_name": "reader",
        "data": {
            "nodes": [node("File-a", "File", file), node("ChatOutput-b", "ChatOutput", output)],
            "edges": [{
                "source": "File-a", "target": "ChatOutput-b",
                "data": {"targetHandle": {"fieldName": "input_value", "id": "ChatOutput-b"}},
            }],
        },
    })
}

#[test]
fn files_and_variables_reach_the_flow_and_come_back_with_a_snapshot() {
    let mock = Mock::start();
    assert_eq!(ask(&mock, "POST", "/api/v1/flows/", &reader()).status, 201);
    let kept = send(&mock, "/api/v2/files", "notes.txt", "what it says").json();
    let run = json!({"tweaks": {"File-a": {"path": [kept["path"]]}}});
    let read = |mock: &Mock| {
        let answer = ask(mock, "POST", "/api/v1/run/reader", &run);
        let output = &answer.json()["outputs"][0]["outputs"][0]["results"]["message"];
        json!([answer.status, output["text"], output["sender_name"]])
    };
    // Nothing says who `WHO` is.
    assert_eq!(read(&mock), json!([500, null, null]));
    let who = json!({"name": "WHO", "value": "Ada", "type": "Generic", "default_fields": []});
    assert_eq!(ask(&mock, "POST", "/api/v1/variables/", &who).status, 201);
    assert_eq!(read(&mock), json!([200, "what it says", "Ada"]));
    let state = mock.control("GET", "/state", &Value::Null).json();
    let gone = ask(&mock, "DELETE", "/api/v2/files", &Value::Null).json();
    assert_eq!(gone["message"], "All 1 files deleted successfully");
    assert_eq!(read(&mock)[0], 500);
    assert_eq!(mock.control("PUT", "/state", &state).status, 200);
    assert_eq!(read(&mock), json!([200, "what it says", "Ada"]));
}

#[test]
fn a_project_goes_out_as_an_archive_and_comes_in_again() {
    let mock = Mock::start();
    let made = ask(&mock, "POST", "/api/v1/projects/", &json!({"name": "p"})).json();
    let mut flow = reader();
    flow["folder_id"] = made["id"].clone();
    ask(&mock, "POST", "/api/v1/flows/", &flow);
    let path = format!("/api/v1/projects/download/{}", made["id"].as_str().unwrap());
    let key = mock.key("admin");
    let archive = mock.send("GET", &path, &[("x-api-key", key.as_str())], b"");
    let archive = String::from_utf8_lossy(&archive);
    // Nothing in it is packed.
    assert!(archive.contains("reader.json{"), "{archive}");
    let text = &archive[archive.find('{').unwrap()..=archive.rfind('}').unwrap()];
    let stored: Value = serde_json::from_str(text).unwrap();
    assert_eq!(stored["data"], flow["data"]);
    let project = format!("/api/v1/projects/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&mock, "DELETE", &project, &Value::Null).status, 204);
    assert_eq!(
        ask(&mock, "POST", "/api/v1/run/reader", &json!({})).status,
        404
    );
    let wrapped = format!("{{\"folder_name\": \"again\", \"flows\": [{text}]}}");
    let flows = send(&mock, "/api/v1/projects/upload/", "p.json", &wrapped).json();
    assert_eq!(flows[0]["id"], stored["id"]);
    assert_eq!(
        ask(&mock, "POST", "/api/v1/run/reader", &json!({})).status,
        500
    );
}

#[test]
fn what_is_not_there_says_so() {
    let mock = Mock::start();
    for path in ["/api/v1/starter-projects/", "/api/v1/webhook-events/echo"] {
        let answer = ask(&mock, "GET", path, &Value::Null);
        assert_eq!(answer.status, 501, "{path}");
    }
}

#[test]
fn a_component_that_does_not_load_fails_in_silence() {
    let mock = Mock::start();
    let made = ask(&mock, "POST", "/api/v1/flows/", &reader()).json();
    let body = |mode: &str| json!({"flow_id": made["id"], "input_value": "x", "mode": mode});
    let stream = ask(&mock, "POST", "/api/v2/workflows", &body("stream")).body;
    // It is a file that is missing first; with one, the variable of the output is.
    assert!(stream.contains("\"error\""), "{stream}");
    let kept = send(&mock, "/api/v2/files", "a.txt", "text").json();
    let with_file = |mode: &str| {
        let mut body = body(mode);
        body["tweaks"] = json!({"File-a": {"path": [kept["path"]]}});
        body
    };
    let stream = ask(&mock, "POST", "/api/v2/workflows", &with_file("stream")).body;
    assert!(!stream.contains("\"event\": \"error\""), "{stream}");
    assert!(stream.contains("WHO variable not found."), "{stream}");
    let job = ask(&mock, "POST", "/api/v2/workflows", &with_file("background")).json();
    let path = format!(
        "/api/v2/workflows?job_id={}",
        job["job_id"].as_str().unwrap()
    );
    let mut status = ask(&mock, "GET", &path, &Value::Null).json();
    while status["status"] == "in_progress" {
        status = ask(&mock, "GET", &path, &Value::Null).json();
    }
    assert_eq!(status["status"], "completed");
    assert_eq!(status["output"]["reason"], "non_string");
}

#[test]
fn a_person_decides_which_way_a_job_goes_on() {
    let mock = Mock::start();
    let text = include_str!("../../probes/hitl.json");
    let flow: Value = serde_json::from_str(text).unwrap();
    let made = ask(&mock, "POST", "/api/v1/flows/", &flow).json();
    let id = made["id"].as_str().unwrap();
    let body = json!({"flow_id": id, "input_value": "Shall I?", "mode": "background"});
    let job = ask(&mock, "POST", "/api/v2/workflows", &body).json();
    let status = format!(
        "/api/v2/workflows?job_id={}",
        job["job_id"].as_str().unwrap()
    );
    let until = |wanted: &str| {
        for _ in 0..500 {
            let now = ask(&mock, "GET", &status, &Value::Null).json();
            if now["status"] == wanted {
                return now;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("never {wanted}");
    };
    until("suspended");
    let pending = format!("/api/v2/workflows/pending?flow_id={id}");
    let question = ask(&mock, "GET", &pending, &Value::Null).json();
    assert_eq!(question[0]["prompt"], "Shall I?");
    let resume = format!(
        "/api/v2/workflows/{}/resume",
        job["job_id"].as_str().unwrap()
    );
    let answer = |action: &str| {
        let request = &question[0]["request_id"];
        let body = json!({"request_id": request, "decision": {"action_id": action}});
        ask(&mock, "POST", &resume, &body).status
    };
    assert_eq!(
        [answer("perhaps"), answer("reject"), answer("reject")],
        [422, 200, 409]
    );
    let done = until("completed");
    assert_eq!(done["output"]["source"], "ChatOutput-rejec");
    assert_eq!(ask(&mock, "GET", &pending, &Value::Null).json(), json!([]));
    // The workspace has no words for it.
    let refused = mock.call(
        "POST",
        &format!("/flows/{id}/run"),
        &json!({"input_value": "x"}),
    );
    assert_eq!(refused.status, 422, "{refused:?}");
}
