use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::model::{DefaultModel, Role};

fn engine() -> Engine {
    Engine {
        model: Arc::new(DefaultModel::new(42)),
        clock: Clock::frozen("2026-01-01T00:00:00Z".parse().expect("a date")),
        pace: crate::pace::Pace::default(),
    }
}

fn job(seed: &str, input: &str, tweaks: Value) -> Job {
    let path = format!("{}/seeds/{seed}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a seed");
    let mut flow = Flow::parse(&serde_json::from_str(&text).expect("JSON")).expect("a flow");
    flow.apply_tweaks(tweaks.as_object().expect("an object"));
    Job {
        flow: flow.into(),
        input: input.to_owned(),
        history: Vec::new(),
        request_id: String::new(),
        files: Vec::new(),
        lacks: Vec::new(),
        people: People::Unknown,
    }
}

async fn run(job: &Job) -> (Result<Outcome, Failure>, Vec<Step>) {
    let steps = Mutex::new(Vec::new());
    let outcome = engine()
        .run(job, &|step| steps.lock().expect("alone").push(step))
        .await;
    (outcome, steps.into_inner().expect("alone"))
}

async fn text(job: &Job) -> String {
    run(job).await.0.expect("an outcome").outputs[0]
        .value
        .clone()
}

#[tokio::test]
async fn a_run_tells_tokens_components_and_messages_in_order() {
    let (outcome, steps) = run(&job("hello-flow", "Hello, how are you?", json!({}))).await;
    let outcome = outcome.unwrap();
    assert_eq!(
        outcome.outputs[0].value,
        "I'm doing well, thank you for asking!"
    );
    assert!(outcome.tokens > 7);
    let kinds: Vec<&str> = steps
        .iter()
        .map(|step| match step {
            Step::Token { .. } => "token",
            Step::Message { .. } => "message",
            Step::Completed(done) => &done.component_id,
            Step::Asked(Question { component_id, .. }) | Step::Decided { component_id } => {
                component_id
            }
        })
        .collect();
    let tokens = ["token"; 7];
    assert_eq!(&kinds[..2], ["ChatInput-in", "Prompt-text"]);
    assert_eq!(&kinds[2..9], tokens);
    assert_eq!(&kinds[9..], ["OpenAI-xxxxx", "message", "ChatOutput-out"]);
}

#[tokio::test]
async fn tweaks_change_the_run() {
    let cold = job("hello-flow", "Hello, how are you?", json!({}));
    let hot = json!({"OpenAI-xxxxx": {"temperature": 0.5, "model_name": "gpt-4o"}});
    let hot = job("hello-flow", "Hello, how are you?", hot);
    assert_ne!(text(&cold).await, text(&hot).await);
    let (_, steps) = run(&hot).await;
    let model = steps.iter().find_map(|step| match step {
        Step::Completed(done) if done.component_id == "OpenAI-xxxxx" => Some(done),
        _ => None,
    });
    assert_eq!(model.unwrap().settings["model_name"], "gpt-4o");
    assert_eq!(model.unwrap().settings["temperature"], 0.5);
    assert!(!model.unwrap().settings.contains_key("api_key"));
}

#[tokio::test]
async fn k_is_how_many_documents_are_found() {
    let with = |tweaks| job("document-qa", "What are tweaks and sessions?", tweaks);
    let two = text(&with(json!({}))).await;
    assert!(two.starts_with("From 2 documents: [1] "), "{two}");
    assert!(two.contains("Tweaks") && two.contains("Sessions"), "{two}");
    let five = text(&with(json!({"Retriever-xxxxx": {"k": 5}}))).await;
    assert!(five.starts_with("From 5 documents"), "{five}");
    let bad = run(&with(json!({"Retriever-xxxxx": {"k": "many"}})))
        .await
        .0
        .unwrap_err();
    assert_eq!(bad.kind, FailureKind::Setting("k".to_owned()));
}

#[tokio::test]
async fn memory_is_the_history_of_the_session() {
    let mut job = job("memory-chat", "What is my name?", json!({}));
    assert!(text(&job).await.starts_with("I don't know"));
    job.history = vec![
        (Role::User, "My name is Ines").into(),
        (Role::Assistant, "Hi").into(),
    ];
    assert_eq!(text(&job).await, "Your name is Ines.");
    Arc::make_mut(&mut job.flow).apply_tweaks(
        json!({"Memory-store": {"n_messages": 1}})
            .as_object()
            .unwrap(),
    );
    assert!(
        text(&job).await.starts_with("I don't know"),
        "one message is too few"
    );
}

#[tokio::test]
async fn failures_name_the_component() {
    let (outcome, _) = run(&job("failing-flow", "x", json!({}))).await;
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Raised);
    assert_eq!(failure.component_id.as_deref(), Some("RaiseError-boom"));
    let mut unknown = job("echo", "x", json!({}));
    let file = json!({
        "nodes": [{"id": "Crew-1", "data": {"type": "Crew", "node": {}}},
                  {"id": "ChatOutput-1", "data": {"type": "ChatOutput", "node": {}}},
                  {"id": "Crew-2", "data": {"type": "Crew", "node": {}}}],
        "edges": [{"source": "Crew-1", "target": "ChatOutput-1"}],
    });
    unknown.flow = Flow::parse(&file).unwrap().into();
    let failure = run(&unknown).await.0.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(
        failure.message.contains("`Crew-1` of type `Crew`"),
        "{}",
        failure.message
    );
    Arc::make_mut(&mut unknown.flow).edges.clear();
    assert!(
        run(&unknown).await.0.is_ok(),
        "what no output depends on is not run"
    );
}

#[tokio::test]
async fn two_outputs_are_both_there() {
    let outcome = run(&job("two-outputs", "Hello", json!({})))
        .await
        .0
        .unwrap();
    let values: Vec<&str> = outcome
        .outputs
        .iter()
        .map(|output| output.value.as_str())
        .collect();
    assert_eq!(values, ["Hello! How can I help you?", "Hello"]);
}

#[tokio::test]
async fn an_agent_answers_and_its_tools_are_not_run() {
    let mut agent = job("echo", "Hello", json!({}));
    let handle = |name: &str| json!({"sourceHandle": {"name": name}});
    let edge = |from: &str, output: &str, to: &str, field: &str| {
        let mut edge = json!({"source": from, "target": to});
        edge["data"] = handle(output);
        edge["data"]["targetHandle"] = json!({"fieldName": field});
        edge
    };
    let file = |output: &str| {
        json!({
            "nodes": [
                {"id": "ChatInput-1", "data": {"type": "ChatInput", "node": {}}},
                {"id": "URL-1", "data": {"type": "URLComponent", "node": {"display_name": "URL"}}},
                {"id": "OpenAIModel-1", "data": {"type": "OpenAIModel", "node": {}}},
                {"id": "Agent-1", "data": {"type": "Agent", "node": {"template": {
                    "n_messages": {"value": 1},
                }}}},
                {"id": "ChatOutput-1", "data": {"type": "ChatOutput", "node": {}}},
            ],
            "edges": [
                edge("ChatInput-1", "message", "Agent-1", "input_value"),
                edge("URL-1", "component_as_tool", "Agent-1", "tools"),
                edge("OpenAIModel-1", "model_output", "Agent-1", "model"),
                edge("Agent-1", output, "ChatOutput-1", "input_value"),
            ],
        })
    };
    agent.flow = Flow::parse(&file("response")).unwrap().into();
    let outcome = run(&agent).await.0.unwrap();
    assert_eq!(outcome.outputs[0].value, "Hello! How can I help you?");
    let plan = super::plan(&agent.flow).unwrap();
    let planned: Vec<&str> = plan.iter().map(|(node, _)| node.id.as_str()).collect();
    assert_eq!(planned, ["ChatInput-1", "Agent-1", "ChatOutput-1"]);
    let remarks = crate::engine::remarks(&agent.flow);
    assert_eq!(remarks.len(), 1);
    assert!(remarks[0].starts_with("Agent-1: its tools are not executed (URL)"));
    agent.flow = Flow::parse(&file("structured_response")).unwrap().into();
    let failure = run(&agent).await.0.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(
        failure.message.contains("structured response"),
        "{}",
        failure.message
    );
}
