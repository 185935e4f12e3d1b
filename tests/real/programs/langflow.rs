//! What an open-source server offers, from Rust. The first argument is the echo flow's id.
#![allow(clippy::print_stdout)]

use futures::StreamExt as _;
use langflow_client::langflow::types::WorkflowRequest;
use langflow_client::{Client, Event, FormFile, LangflowError};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), LangflowError> {
    let flow_id = std::env::args().nth(1).unwrap_or_default();
    let client = Client::from_env()?;
    let langflow = client.langflow();
    let user = langflow.users().whoami().await?.username;
    let flow = langflow.flows().get(&flow_id).await?.name;
    let file = FormFile::new("program.txt", "of a program");
    let kept = langflow.files().upload(file, Default::default()).await?;
    let files = langflow.files();
    let bytes = files.download(&kept.id, Default::default()).await?;
    let file = String::from_utf8_lossy(&bytes).into_owned();
    langflow.files().delete(&kept.id).await?;
    let request = json!({"flow_id": flow_id, "input_value": "Hello!"});
    let mut request: WorkflowRequest =
        serde_json::from_value(request).unwrap_or_else(|e| panic!("{e}"));
    let whole = langflow.workflows().run(&request).await?;
    request.mode = Some("background".to_owned());
    let job = langflow.workflows().run(&request).await?.job_id;
    let job = job.unwrap_or_default();
    let mut events = langflow
        .workflows()
        .follow(&job, Default::default())
        .await?;
    let mut end = String::new();
    while let Some(event) = events.next().await {
        if let Event::Unknown { event, .. } = event? {
            end = event;
        }
    }
    let workspace = Client::builder()
        .base_url("http://localhost:9")
        .api("workspace")
        .build()?;
    let unsupported = workspace.langflow().users().whoami().await;
    println!(
        "{}",
        json!({
            "user": user,
            "flow": flow,
            "file": file,
            "workflow": whole.output.and_then(|output| output.text),
            "end": end,
            "unsupported": unsupported.err().map(|error| error.code().as_str()),
        })
    );
    Ok(())
}
