//! The driver of the crate: portable calls by its own methods, operations through the boundary, as
//! the bindings make them.

use std::time::{SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use langflow_client::boundary::{Engine, ErrorJson};
use langflow_client::webhook::{WebhookHeaders, verify_at};
use langflow_client::{
    CallOptions, Client, ClientBuilder, ErrorCode, Job, LangflowError, RawRequest, RunRequest,
};
use serde_json::{Value, json};

/// Performs a job.
pub async fn perform(client: &Value, call: &Value) -> Value {
    let outcome = match call["method"].as_str().unwrap_or_default() {
        "new" => make(client).map(|_| json!({"result": null})),
        "run_flow" => run(client, call).await,
        "stream_flow" => stream(client, call).await,
        "job" => job(client, call).await,
        "job.info" => known(client, call).await,
        "job.events" => follow(client, call).await,
        "job.cancel" => stop(client, call).await,
        "request" => any(client, call).await,
        "webhook.verify" => verified(&call["args"]),
        "upload" => Ok(upload(client, call)
            .await
            .unwrap_or_else(|error| error_report(&error))),
        _ => operation(client, call).await,
    };
    outcome.unwrap_or_else(|error| json!({"error": report(&error)}))
}

/// A client of these settings, with no environment.
pub fn make(settings: &Value) -> Result<Client, LangflowError> {
    let mut settings = settings.clone();
    settings["env"] = json!({});
    ClientBuilder::from_json(&settings.to_string())?.build()
}

/// An error as a driver reports it.
pub fn report(error: &LangflowError) -> Value {
    let mut value = serde_json::to_value(error.info()).unwrap_or_default();
    // The variant is the class: its name is the first word of the debug form.
    let debug = format!("{error:?}");
    value["class"] = json!(debug.split('(').next().unwrap_or_default());
    value["display"] = json!(error.to_string());
    value
}

/// The run request of a call.
pub fn request(call: &Value) -> Result<RunRequest, LangflowError> {
    let mut request = call["args"].clone();
    request["options"] = call["options"].clone();
    RunRequest::from_json(&request.to_string())
}

fn verified(args: &Value) -> Result<Value, LangflowError> {
    let texts = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let secrets: Vec<String> = args["secrets"]
        .as_array()
        .into_iter()
        .flatten()
        .map(texts)
        .collect();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let header = |name: &str| args["headers"][name].as_str().unwrap_or_default();
    let headers = WebhookHeaders {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let body = args["body"].as_str().unwrap_or_default().as_bytes();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let tolerance = args["tolerance"].as_f64().unwrap_or(300.0);
    let event = verify_at(&secrets, headers, body, now.as_secs_f64(), tolerance)?;
    Ok(json!({"result": event}))
}

async fn run(client: &Value, call: &Value) -> Result<Value, LangflowError> {
    let client = make(client)?;
    for _ in 1..call["times"].as_u64().unwrap_or(1) {
        client.run_flow(request(call)?).await?;
    }
    let result = client.run_flow(request(call)?).await?;
    Ok(json!({"result": result.to_json()}))
}

/// A run in the background, waited for.
async fn job(client: &Value, call: &Value) -> Result<Value, LangflowError> {
    let job = make(client)?.start_flow(request(call)?).await?;
    Ok(json!({"result": job.wait(None).await?.to_json()}))
}

fn named(client: &Value, call: &Value) -> Result<Job, LangflowError> {
    Ok(make(client)?.job(call["args"]["job_id"].as_str().unwrap_or_default()))
}

async fn known(client: &Value, call: &Value) -> Result<Value, LangflowError> {
    Ok(json!({"result": named(client, call)?.info().await?}))
}

async fn follow(client: &Value, call: &Value) -> Result<Value, LangflowError> {
    let last = call["args"]["last_event_id"].as_str();
    Ok(events(named(client, call)?.events(last).await?).await)
}

async fn stop(client: &Value, call: &Value) -> Result<Value, LangflowError> {
    Ok(json!({"result": named(client, call)?.cancel().await?}))
}

async fn stream(client: &Value, call: &Value) -> Result<Value, LangflowError> {
    let stream = make(client)?.stream_flow(request(call)?).await?;
    Ok(events(stream).await)
}

/// All events of a stream, and the error that it ended with.
pub async fn events(mut stream: langflow_client::RunStream) -> Value {
    let mut events = Vec::new();
    let mut error = Value::Null;
    while let Some(item) = stream.next().await {
        match item {
            Ok(event) => events.push(event.to_json()),
            Err(found) => error = report(&found),
        }
    }
    json!({"events": events, "error": error})
}

/// A request to any route.
async fn any(client: &Value, call: &Value) -> Result<Value, LangflowError> {
    let args = &call["args"];
    let text = |name: &str| args[name].as_str().unwrap_or_default().to_owned();
    let mut options = call["options"].clone();
    if !args["query"].is_null() {
        options["query"] = args["query"].clone();
    }
    let mut request = RawRequest::new(text("method"), text("path"));
    request.options = CallOptions::from_json(&options)?;
    if !args["body"].is_null() {
        request.body = args["body"].to_string().into();
    }
    let answer = make(client)?.request(request).await?;
    Ok(json!({"result": serde_json::from_slice::<Value>(&answer.body).unwrap_or_default()}))
}

/// A flow file to the workspace, in pieces.
async fn upload(client: &Value, call: &Value) -> Result<Value, ErrorJson> {
    let mut settings = client.clone();
    settings["env"] = json!({});
    let source = json!({"path": call["path"]}).to_string();
    let head = r#"{"op": "importFlows"}"#;
    let events = Engine::new(&settings.to_string())?.upload(head, &source, Default::default())?;
    let mut last = Value::Null;
    while let Some(batch) = events.next_batch().await? {
        let batch: Value = serde_json::from_str(&batch).unwrap_or_default();
        last = batch
            .as_array()
            .and_then(|all| all.last())
            .cloned()
            .unwrap_or_default();
    }
    match last["type"] == "end" {
        true => {
            let text = last["text"].as_str().unwrap_or_default();
            let answered: Value = serde_json::from_str(text).unwrap_or_default();
            Ok(json!({"result": answered}))
        }
        false => Ok(json!({"error": {"code": "no end", "last": last}})),
    }
}

async fn operation(client: &Value, call: &Value) -> Result<Value, LangflowError> {
    let mut settings = client.clone();
    settings["env"] = json!({});
    let head = json!({"op": call["operation"], "args": call["args"], "options": call["options"]});
    let body = match &call["body"] {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let work = async {
        Engine::new(&settings.to_string())?
            .call(&head.to_string(), body.into_bytes().into())
            .await
    };
    Ok(match work.await {
        Ok(reply) => match serde_json::from_slice::<Value>(&reply.body) {
            Ok(value) => json!({"result": value}),
            Err(_) if reply.body.is_empty() => json!({"result": null}),
            Err(_) => json!({"result": String::from_utf8_lossy(&reply.body)}),
        },
        Err(error) => error_report(&error),
    })
}

/// An error of the boundary as a driver reports it.
fn error_report(ErrorJson(text): &ErrorJson) -> Value {
    let mut error: Value = serde_json::from_str(text).unwrap_or_default();
    let mut codes = ErrorCode::ALL.iter();
    let code = codes.find(|code| error["code"] == code.as_str());
    error["class"] = json!(code.map(|code| format!("{code:?}")));
    json!({"error": error})
}
