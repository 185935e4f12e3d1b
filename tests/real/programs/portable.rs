//! A workspace's own calls on an open-source server. The first argument is the echo flow's id.
#![allow(clippy::print_stdout)]

use langflow_client::{Client, LangflowError, RunRequest, params, types};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), LangflowError> {
    let flow_id = std::env::args().nth(1).unwrap_or_default();
    let client = Client::from_env()?;
    let wanted = params::ListFlowsParams {
        q: Some("wire echo".to_owned()),
        ..Default::default()
    };
    let flows = client.flows().list(wanted).await?;
    let flows: Vec<String> = flows.items.into_iter().map(|flow| flow.name).collect();
    let made = client
        .flows()
        .create(
            &read(json!({"name": "portable", "data": {"nodes": [], "edges": []}})),
            Default::default(),
        )
        .await?;
    client.flows().delete(&made.id, Default::default()).await?;
    let run = client
        .run_flow(RunRequest::new(&*flow_id, "Hello!"))
        .await?;
    let session = run.session_id.unwrap_or_default();
    let said = client
        .continue_session(&*flow_id, session)
        .messages()
        .await?;
    let messages: Vec<Value> = said.iter().map(|message| message["text"].clone()).collect();
    let wanted: types::ApiKeyCreate =
        read(json!({"name": "of a program", "permissions": ["admin"]}));
    let key = client.api_keys().create(&wanted).await?;
    client.api_keys().revoke(&key.api_key.id).await?;
    let unsupported = client.monitoring().get_usage(Default::default()).await;
    println!(
        "{}",
        json!({
            "flows": flows,
            "made": made.name,
            "messages": messages,
            "key": key.api_key.name,
            "unsupported": unsupported.err().map(|error| error.code().as_str()),
        })
    );
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}"))
}
