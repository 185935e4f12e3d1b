//! What the boundary offers beside single calls, against the mock: many runs, sessions, transfers,
//! metrics and alerts.

#![allow(clippy::unwrap_used, reason = "a test, its helpers too")]

use langflow_client::boundary::{Engine, EventStream};
use langflow_client::{ClientBuilder, ErrorCode};
use langflow_mock::{Fault, MockServer};
use serde_json::{Value, json};

async fn start(more: Value) -> (MockServer, Engine) {
    let mock = MockServer::builder().seed(42).start().await.unwrap();
    let mut settings = json!({"env": {}, "base_url": mock.url(), "api_key": mock.api_key()});
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    let engine = Engine::new(&settings.to_string()).unwrap();
    (mock, engine)
}

/// All events, and the code of the error behind them.
async fn all(stream: EventStream) -> (Vec<Value>, Option<String>) {
    let mut events = Vec::new();
    loop {
        match stream.next_batch().await {
            Ok(Some(batch)) => events.extend(serde_json::from_str::<Vec<Value>>(&batch).unwrap()),
            Ok(None) => return (events, None),
            Err(error) => {
                let error: Value = serde_json::from_str(&error.0).unwrap();
                return (events, error["code"].as_str().map(str::to_owned));
            }
        }
    }
}

async fn invoke(engine: &Engine, name: &str, args: Value) -> Value {
    let answer = engine.invoke(name, &args.to_string()).await;
    serde_json::from_str(&answer.unwrap_or_else(|error| panic!("{}", error.0))).unwrap()
}

#[tokio::test]
async fn a_session_that_begins_has_not_expired() {
    let mock = MockServer::builder().seed(42).start().await.unwrap();
    let settings = json!({"env": {}, "base_url": mock.url(), "api_key": mock.api_key(),
        "strict_sessions": true});
    let client = ClientBuilder::from_json(&settings.to_string())
        .unwrap()
        .build()
        .unwrap();
    let session = client.session("memory-chat");
    let first = session.run("My name is Alice").await.unwrap();
    assert_eq!(first.session_status.as_deref(), Some("new"));
    let second = session.run("What is my name?").await.unwrap();
    assert_eq!(second.session_status.as_deref(), Some("continued"));
    assert!(second.text().unwrap().contains("Alice"));
    // One that is continued and not there has expired.
    let gone = client.continue_session("memory-chat", "session_of_yesterday");
    let error = gone.run("What is my name?").await.unwrap_err();
    assert!(error.is(ErrorCode::SessionExpired), "{error}");
    session.clear().await.unwrap();
    let error = session.run("What is my name?").await.unwrap_err();
    assert!(error.is(ErrorCode::SessionExpired), "{error}");
}

#[tokio::test]
async fn many_runs_keep_their_order_and_their_errors() {
    let (_mock, engine) = start(json!({})).await;
    let run = |flow: &str, text: &str| json!({"flow_id": flow, "input_value": text});
    let requests =
        json!([run("echo", "a"), run("no-such-flow", "b"), run("echo", "c"), {"flow_id": 5}]);
    for ordered in [true, false] {
        let request = json!({"requests": requests, "concurrency": 2, "ordered": ordered});
        let (mut events, error) = all(engine.run_many(&request.to_string()).unwrap()).await;
        assert_eq!(error, None);
        let end = events.pop().unwrap();
        assert_eq!(
            end,
            json!({"type": "end", "done": 4, "failed": 2, "total": 4})
        );
        let indexes: Vec<_> = events
            .iter()
            .map(|event| event["index"].as_u64().unwrap())
            .collect();
        assert!(!ordered || indexes == [0, 1, 2, 3], "{indexes:?}");
        events.sort_by_key(|event| event["index"].as_u64());
        assert_eq!(events[0]["result"]["output"], "a");
        assert_eq!(events[1]["error"]["code"], "not_found");
        assert_eq!(events[2]["result"]["output"], "c");
        assert_eq!(events[3]["error"]["code"], "invalid_input");
    }
    for (request, field) in [
        (json!({}), "requests"),
        (json!({"requests": 1}), "requests"),
        (json!({"requests": [], "concurrency": 0}), "concurrency"),
        (json!({"requests": [], "speed": 9}), "speed"),
    ] {
        let error = engine.run_many(&request.to_string()).unwrap_err();
        let error: Value = serde_json::from_str(&error.0).unwrap();
        assert_eq!(error["field"], field);
    }
}

#[tokio::test]
async fn a_session_from_its_beginning_to_its_end() {
    let (_mock, engine) = start(json!({})).await;
    let session = invoke(&engine, "session.new", json!({"flow_id": "hello-flow"})).await;
    let known = invoke(&engine, "session.get", session.clone()).await;
    assert_eq!(known["info"], Value::Null, "nothing has been said yet");
    assert_eq!(
        invoke(&engine, "session.messages", session.clone()).await,
        json!([])
    );
    for text in ["My name is Ada.", "What is my name?"] {
        let mut run = session.clone();
        run["input_value"] = json!(text);
        engine.run(&run.to_string()).await.unwrap();
    }
    let known = invoke(&engine, "session.get", session.clone()).await;
    assert_eq!(known["info"]["message_count"], 4);
    assert!(known["info"]["expires_at"].is_string(), "{known}");
    let messages = invoke(&engine, "session.messages", session.clone()).await;
    assert_eq!(messages.as_array().unwrap().len(), 4);
    let listed = invoke(&engine, "session.list", json!({"flow_id": "hello-flow"})).await;
    assert_eq!(listed[0]["id"], session["session_id"]);
    let cleared = invoke(&engine, "session.clear", session.clone()).await;
    assert_eq!(cleared, json!({"cleared": true}));
    let again = invoke(&engine, "session.clear", session).await;
    assert_eq!(again, json!({"cleared": false}));
}

#[tokio::test]
async fn a_download_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.json");
    let head = json!({"op": "exportFlow", "args": {"flow_id": "hello-flow"}}).to_string();
    let download =
        |engine: &Engine| engine.download(&head, Default::default(), path.to_str().unwrap());
    let broken = json!({"headers": {"x-mock": r#"{"kind":"content_length"}"#}, "max_retries": 0});
    let (_mock, engine) = start(broken).await;
    let (_, error) = all(download(&engine).unwrap()).await;
    assert_eq!(error.as_deref(), Some("connection_lost"));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "something is left"
    );

    let (_mock, engine) = start(json!({})).await;
    let (events, error) = all(download(&engine).unwrap()).await;
    assert_eq!(error, None);
    let end = events.last().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(end["size"], text.len());
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["name"],
        "Hello flow"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let missing = folder.path().join("no/such/folder");
    let stream = engine.download(&head, Default::default(), missing.to_str().unwrap());
    assert_eq!(all(stream.unwrap()).await.1.as_deref(), Some("file_error"));
}

#[tokio::test]
async fn metrics_and_alerts_are_shared_by_copies() {
    let (_mock, engine) = start(json!({"max_retries": 0})).await;
    let alerts = engine
        .watch(r#"{"error_rate": 0.5, "min_calls": 3}"#)
        .unwrap();
    let copy = engine.with_options(r#"{"timeout": 5}"#).unwrap();
    for flow in ["echo", "no-such-flow", "no-such-flow"] {
        let _ = copy
            .run(&json!({"flow_id": flow, "input_value": "Hi"}).to_string())
            .await;
    }
    let alert: Value = serde_json::from_str(&alerts.next_batch().await.unwrap().unwrap()).unwrap();
    assert_eq!(alert[0]["kind"], "error_rate");
    assert_eq!(alert[0]["calls"], 3);
    alerts.close();
    assert_eq!(alerts.next_batch().await.unwrap(), None);
    let metrics: Value = serde_json::from_str(&engine.metrics()).unwrap();
    assert_eq!(metrics["calls"], 3);
    assert_eq!(metrics["errors"], json!({"not_found": 2}));
    assert_eq!(metrics["latency"]["count"], 3);
    assert!(
        engine
            .with_options(r#"{"base_url": "http://localhost"}"#)
            .is_err()
    );
}

/// Sends what `pieces` says, one for each time it is asked for; how often it was asked comes first.
async fn feed(
    engine: &Engine,
    source: Value,
    pieces: &[Result<&[u8], &str>],
) -> (usize, Vec<Value>, Option<Value>) {
    let head = r#"{"op": "importFlows"}"#;
    let mut source = source;
    source["filename"] = json!("flow.json");
    let (feed, events) = engine.upload_stream(head, &source.to_string()).unwrap();
    let (mut wants, mut seen, mut pieces) = (0, Vec::new(), pieces.iter());
    loop {
        let batch = match events.next_batch().await {
            Ok(Some(batch)) => serde_json::from_str::<Vec<Value>>(&batch).unwrap(),
            Ok(None) => return (wants, seen, None),
            Err(error) => return (wants, seen, serde_json::from_str(&error.0).unwrap()),
        };
        for event in batch {
            if event["type"] == "want" {
                wants += 1;
                match pieces.next() {
                    Some(Ok(piece)) => feed.push(piece.to_vec().into()),
                    Some(Err(why)) => feed.fail(why),
                    None => feed.finish(),
                }
            }
            seen.push(event);
        }
    }
}

const FLOW: &str =
    r#"{"name": "Fed", "data": {"nodes": [], "edges": []}, "description": "in pieces"}"#;

#[tokio::test]
async fn a_body_is_taken_piece_by_piece_and_never_twice() {
    let (_mock, engine) = start(json!({})).await;
    let half = FLOW.len() / 2;
    let (one, other) = FLOW.as_bytes().split_at(half);
    // With its length known it has a `Content-Length`, else it goes in chunks. An empty piece is none.
    for source in [json!({"size": FLOW.len()}), json!({})] {
        let (wants, events, error) =
            feed(&engine, source.clone(), &[Ok(one), Ok(b""), Ok(other)]).await;
        assert_eq!(error, None, "{source}");
        let end = events.last().unwrap();
        let answered: Value = serde_json::from_str(end["text"].as_str().unwrap()).unwrap();
        assert_eq!(answered["flows"][0]["name"], "Fed", "{end}");
        assert!(wants >= 3, "{wants}");
        let totals: Vec<_> = events
            .iter()
            .filter(|event| event["type"] != "end")
            .collect();
        // What is short has a length once it has been read.
        let known = !source["size"].is_null();
        assert_eq!(totals[0]["total"].is_u64(), known, "{totals:?}");
        assert_eq!(totals[totals.len() - 1]["total"], FLOW.len(), "{totals:?}");
    }
    // What is wrong with the stream is said as that, whatever the connection made of it.
    for (source, pieces, code, says) in [
        (
            json!({"size": 3}),
            vec![Ok(&b"four"[..])],
            "invalid_input",
            "more than the 3 bytes",
        ),
        (
            json!({"size": 9}),
            vec![Ok(&b"{}"[..])],
            "invalid_input",
            "after 2 of the 9 bytes",
        ),
        (
            json!({}),
            vec![Ok(one), Err("disk on fire")],
            "file_error",
            "disk on fire",
        ),
    ] {
        let (_, _, error) = feed(&engine, source, &pieces).await;
        let error = error.unwrap();
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
        assert_eq!(error["attempts"], 0, "{error}");
        assert_eq!(error["may_have_executed"], false, "{error}");
    }
    for (source, field) in [
        (json!({"size": -1}), "size"),
        (json!({"path": "/x"}), "source"),
    ] {
        let error = engine.upload_stream(r#"{"op": "importFlows"}"#, &source.to_string());
        let error: Value = serde_json::from_str(&error.err().unwrap().0).unwrap();
        assert_eq!(error["field"], field, "{error}");
    }
}

#[tokio::test]
async fn a_stream_is_sent_again_only_while_nothing_of_it_is_gone() {
    let (mock, engine) = start(json!({})).await;
    // What is short was read before it was sent.
    mock.fault(Fault::rate_limited(0).times(1)).unwrap();
    let (_, events, error) = feed(&engine, json!({}), &[Ok(FLOW.as_bytes())]).await;
    assert_eq!(error, None);
    assert_eq!(
        events[events.len() - 1]["head"]["attempts"],
        2,
        "{events:?}"
    );
    // Asked to wait after the body was read: the operation may be repeated, the body may not.
    let long = format!("{FLOW}{}", " ".repeat(1 << 20));
    mock.fault(Fault::rate_limited(0).times(1)).unwrap();
    let (_, _, error) = feed(&engine, json!({}), &[Ok(long.as_bytes())]).await;
    let error = error.unwrap();
    assert_eq!(
        (&error["code"], &error["attempts"]),
        (&json!("rate_limited"), &json!(1))
    );
    assert!(
        error["hint"].as_str().unwrap().contains("not sent again"),
        "{error}"
    );
    // Nobody listens: nothing of it was taken, and it is tried as often as anything.
    let nobody = json!({"env": {}, "base_url": "http://127.0.0.1:9", "max_retries": 1});
    let engine = Engine::new(&nobody.to_string()).unwrap();
    let (wants, _, error) = feed(&engine, json!({}), &[Ok(long.as_bytes())]).await;
    let error = error.unwrap();
    assert_eq!(
        (wants, &error["code"], &error["attempts"]),
        (1, &json!("connect_failed"), &json!(2))
    );
    assert_eq!(error["may_have_executed"], false);
}

/// A hit is counted, belongs to its key, and ends with the version of its flow.
#[tokio::test]
async fn a_kept_answer_belongs_to_a_key_and_a_version() {
    let (mock, engine) = start(json!({"cache_ttl": 60})).await;
    let run = json!({"flow_id": "hello-flow", "input_value": "Hello!"}).to_string();
    let ask = async |engine: &Engine| -> Value {
        serde_json::from_str(
            &engine
                .run(&run)
                .await
                .unwrap_or_else(|error| panic!("{}", error.0)),
        )
        .unwrap()
    };
    let first = ask(&engine).await;
    let second = ask(&engine).await;
    assert_eq!(
        (&first["cached"], &second["cached"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (&second["output"], &second["session_id"]),
        (&first["output"], &Value::Null)
    );
    assert_ne!(second["request_id"], first["request_id"]);
    let counts: Value = serde_json::from_str(&engine.metrics()).unwrap();
    assert_eq!(
        (&counts["cache_hits"], &counts["cache_misses"]),
        (&json!(1), &json!(1)),
        "{counts}"
    );
    // Another key shares the store and not the answer.
    let made = engine
        .call(
            &json!({"op": "createApiKey"}).to_string(),
            json!({"name": "other", "permissions": ["read", "execute"]})
                .to_string()
                .into(),
        )
        .await
        .unwrap();
    let made: Value = serde_json::from_slice(&made.body).unwrap();
    let other = engine
        .with_options(&json!({"api_key": made["key"]}).to_string())
        .unwrap();
    assert_eq!(ask(&other).await["cached"], false);
    // Off for one copy: `cache_ttl` 0.
    let off = engine.with_options(r#"{"cache_ttl": 0}"#).unwrap();
    assert_eq!(ask(&off).await["cached"], false);
    // A changed flow answers anew once its version is asked for again.
    let change = json!({"op": "updateFlow", "args": {"flow_id": "hello-flow"}}).to_string();
    let changed = engine.call(&change, r#"{"description": "changed"}"#.into());
    changed.await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5100)).await;
    assert_eq!(ask(&engine).await["cached"], false);
    drop(mock);
}

#[tokio::test]
async fn files_of_any_size_from_rust() {
    use langflow_client::{CallOptions, FileDownload, FileUpload, types};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    let mock = MockServer::builder().seed(42).start().await.unwrap();
    let settings = json!({"env": {}, "base_url": mock.url(), "api_key": mock.api_key()});
    let builder = ClientBuilder::from_json(&settings.to_string()).unwrap();
    let client = builder.build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder
        .path()
        .join("flow.json")
        .to_string_lossy()
        .into_owned();
    // A long one of a stream, which goes in chunks.
    let notes = "A long description. ".repeat(100_000);
    let flow = json!({"name": "Large", "data": {"nodes": [], "edges": []}, "description": notes});
    let text = flow.to_string();
    let far = Arc::new(Mutex::new(Vec::new()));
    let seen = far.clone();
    let pieces: Vec<_> = text
        .as_bytes()
        .chunks(64 << 10)
        .map(|it| Ok(it.to_vec().into()))
        .collect();
    let upload = FileUpload::stream("importFlows", futures::stream::iter(pieces), None)
        .filename("flow.json")
        .arg("on_conflict", "new_id")
        .on_progress(move |now| seen.lock().unwrap().push(now.done));
    let answer = client.upload(upload).await.unwrap();
    let report: types::FlowImportResult = answer.json().unwrap();
    assert_eq!(report.flows.len(), 1);
    assert_eq!(far.lock().unwrap().last(), Some(&(text.len() as u64)));

    // To a file, and from it.
    let id = report.flows[0].id.to_string();
    let file = FileDownload::new("exportFlow", &path).arg("flow_id", id);
    let size = client.save_to(file).await.unwrap();
    assert_eq!(size, std::fs::metadata(&path).unwrap().len());
    let upload = FileUpload::path("importFlows", &path).arg("on_conflict", "new_id");
    let again: types::FlowImportResult = client.upload(upload).await.unwrap().json().unwrap();
    assert_eq!(again.flows.len(), 1);

    // What breaks off, what no operation is, and what takes no body.
    let broken = futures::stream::iter([Err(std::io::Error::other("the disk is gone"))]);
    let error = client
        .upload(FileUpload::stream("importFlows", broken, None))
        .await
        .unwrap_err();
    assert!(error.is(ErrorCode::FileError), "{error}");
    assert!(!error.info().may_have_executed && error.info().message.contains("the disk is gone"));
    let silent = FileUpload::stream("importFlows", futures::stream::pending(), None);
    let silent = silent.options(CallOptions {
        timeout: Some(Duration::from_millis(200)),
        ..CallOptions::default()
    });
    let error = client.upload(silent).await.unwrap_err();
    assert!(error.is(ErrorCode::TotalTimeout), "{error}");
    for (operation, field) in [("importFlow", "operation"), ("listFlows", "op")] {
        let error = client
            .upload(FileUpload::bytes(operation, "{}"))
            .await
            .unwrap_err();
        assert!(error.is(ErrorCode::InvalidInput), "{error}");
        assert_eq!(error.info().field.as_deref(), Some(field));
    }
}
