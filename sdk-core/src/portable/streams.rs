//! Operations of an open-source server that can answer with events instead of an object. A call that
//! reads an object is not to ask for them: the flow would run, and its answer be lost.

use serde_json::Value;

use crate::call::Call;
use crate::error::LangflowError;
use crate::platform;

/// Refuses a request for events, naming the field that asks for them.
pub(super) fn refuse(request: &platform::Request, call: &Call) -> Result<(), LangflowError> {
    let asks = |field: &str, value: &str| {
        let mut query = request.url().query_pairs();
        query.any(|(name, given)| name == field && given == value)
    };
    let says = |field: &str, value: &Value| {
        let body = request.body().map(|body| &body[..]);
        let body = body.and_then(|body| serde_json::from_slice::<Value>(body).ok());
        body.is_some_and(|body| body[field] == *value)
    };
    let field = match call.operation.id {
        "langflow.runFlow" | "langflow.runFlowInSession" if asks("stream", "true") => "stream",
        "langflow.startBuild" if asks("event_delivery", "direct") => "event_delivery",
        "langflow.createResponse" if says("stream", &true.into()) => "stream",
        "langflow.runWorkflow" if says("mode", &"stream".into()) => "mode",
        _ => return Ok(()),
    };
    let message = format!(
        "`{field}` asks for events, and this call reads one object: `stream_flow` streams a run, and \
         a job is followed with `client.langflow.workflows.follow`."
    );
    Err(LangflowError::invalid_input(field, message))
}
