//! The driver of the typed client that progenitor generated. What its types cannot even say is
//! reported as such.

use langflow_client::{LangflowError, types};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::generated::dispatch::dispatch;
use crate::rust_driver::{events, make, report};

/// Performs a job.
pub async fn perform(client: &Value, call: &Value) -> Value {
    let client = match make(client) {
        Ok(client) => client,
        Err(error) => return json!({"error": report(&error)}),
    };
    let unsayable = || json!({"unsayable": true});
    if !call["options"].is_null() {
        return unsayable();
    }
    let args = &call["args"];
    match call["method"].as_str().unwrap_or_default() {
        "new" => json!({"result": null}),
        method @ ("run_flow" | "stream_flow") => {
            let mut body = args.clone();
            let flow_id = body
                .as_object_mut()
                .and_then(|fields| fields.remove("flow_id"));
            let Some(flow_id) = flow_id.as_ref().and_then(Value::as_str) else {
                return unsayable();
            };
            let Ok(body) = serde_json::from_value::<types::RunRequest>(body) else {
                return unsayable();
            };
            if method == "run_flow" {
                let answer = client.flows().run(flow_id, &body, Default::default()).await;
                return outcome(answer.map(|raw| json!({"raw": raw})));
            }
            match client
                .flows()
                .run_stream(flow_id, &body, Default::default())
                .await
            {
                Ok(stream) => events(stream).await,
                Err(error) => json!({"error": report(&error)}),
            }
        }
        _ => {
            let operation = call["operation"].as_str().unwrap_or_default();
            match dispatch(&client, operation, args, &call["body"]).await {
                Some(answer) => outcome(answer),
                None => unsayable(),
            }
        }
    }
}

fn outcome(answer: Result<Value, LangflowError>) -> Value {
    match answer {
        Ok(value) => json!({"result": value}),
        Err(error) => json!({"error": report(&error)}),
    }
}

/// A path argument.
pub(crate) fn arg(args: &Value, name: &str) -> Option<String> {
    args[name].as_str().map(str::to_owned)
}

/// The optional arguments.
pub(crate) fn query<T: DeserializeOwned>(args: &Value) -> Option<T> {
    match args {
        Value::Null => serde_json::from_value(json!({})).ok(),
        args => serde_json::from_value(args.clone()).ok(),
    }
}

/// The body.
pub(crate) fn body<T: DeserializeOwned>(payload: &Value) -> Option<T> {
    serde_json::from_value(payload.clone()).ok()
}

/// A typed answer as JSON.
pub(crate) fn json<T: serde::Serialize>(value: T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// A text answer as JSON.
pub(crate) fn text(value: String) -> Value {
    Value::String(value)
}
