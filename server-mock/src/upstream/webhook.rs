//! `/api/v1/webhook`: a run that nobody waits for, and whose id nobody learns.

use serde_json::json;

use super::answer::detail;
use super::auth::{Family, open};
use super::runs::{Wanted, begin, find};
use super::{Ask, Done};
use crate::config::Langflow;
use crate::http::Reply;

pub(super) fn run(ask: &Ask, flow: &str) -> Done {
    // Open to everybody before 1.9.
    let key_id = match ask.plays() < Langflow::V1_10 {
        true => "nobody".to_owned(),
        false => open(ask, Family::Webhook)?,
    };
    let record = find(ask, flow)?;
    if ask.body.is_empty() {
        let message = "Request body is empty. You should provide a JSON payload containing the \
                       flow ID.";
        return Err(detail(400, message));
    }
    let wanted = Wanted {
        background: true,
        ..Wanted::default()
    };
    // What fails fails later, where the caller does not see it.
    let _ = begin(ask, &record, &key_id, wanted);
    let body = json!({"message": "Task started in the background", "status": "in progress"});
    Ok(Reply::json(202, &body))
}
