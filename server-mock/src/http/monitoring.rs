//! What the server says about itself.

use serde_json::json;

use super::call::Call;
use super::reply::Reply;
use crate::problem::Problem;

pub(super) fn health(call: &Call) -> Result<Reply, Problem> {
    let uptime = (call.now - call.app.state().started_at)
        .to_std()
        .unwrap_or_default();
    Ok(Reply::json(
        200,
        &json!({"status": "ok", "uptime": uptime.as_secs_f64()}),
    ))
}

pub(super) fn version(call: &Call) -> Result<Reply, Problem> {
    let mut features = vec!["streaming", "background", "resume", "webhooks"];
    if call.app.config.idempotency {
        features.push("idempotency");
    }
    let version = json!({
        "api": "langflow-workspace",
        "api_version": "1.0.0",
        "server": "langflow-mock",
        "server_version": env!("CARGO_PKG_VERSION"),
        "features": features,
    });
    Ok(Reply::json(200, &version))
}
