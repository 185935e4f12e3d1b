//! Runs Hello flow. The key is in `LANGFLOW_API_KEY`.
#![allow(dead_code)] // The components, to tweak by.

use langflow_client::{Client, RunRequest};
use serde_json::json;

/// input_value, sender_name
const CHAT_INPUT: &str = "ChatInput-in";
/// template, use_double_brackets
const PROMPT: &str = "Prompt-text";
/// system_message, model_name, temperature, max_tokens, api_key
const OPEN_AI: &str = "OpenAI-xxxxx";
/// sender_name
const CHAT_OUTPUT: &str = "ChatOutput-out";

#[tokio::main]
async fn main() -> Result<(), langflow_client::LangflowError> {
    let client = Client::builder().build()?;
    let request = RunRequest::new("hello-flow", "Hello!")
        .tweaks(json!({ (OPEN_AI): { "temperature": 0.1 } }));
    println!("{}", client.run_flow(request).await?.output);
    Ok(())
}
