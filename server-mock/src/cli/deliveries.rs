//! What was sent to webhooks.

use std::collections::HashMap;

use clap::Args;
use clap::builder::FalseyValueParser;
use serde_json::{Value, json};

use super::client::{BEGUN, ask, follow};
use super::{At, Done, items, text};

/// Which deliveries.
#[derive(Debug, Args)]
pub(crate) struct Deliveries {
    /// Only those of this webhook.
    #[arg(long, env = "LANGFLOW_MOCK_WEBHOOK_ID")]
    webhook_id: Option<String>,
    /// Only those that are pending, delivered or failed.
    #[arg(long, env = "LANGFLOW_MOCK_DELIVERIES_STATUS")]
    status: Option<String>,
    /// Print further attempts as they happen, until the command is ended.
    #[arg(long, env = "LANGFLOW_MOCK_DELIVERIES_FOLLOW", value_parser = FalseyValueParser::new())]
    follow: bool,
    /// Print an object of JSON for each attempt.
    #[arg(long, env = "LANGFLOW_MOCK_DELIVERIES_JSON", value_parser = FalseyValueParser::new())]
    json: bool,
    #[command(flatten)]
    at: At,
}

impl Deliveries {
    fn wants(&self, attempt: &Value) -> bool {
        let is = |wanted: &Option<String>, name: &str| {
            wanted.as_deref().is_none_or(|it| attempt[name] == it)
        };
        is(&self.webhook_id, "webhook_id") && is(&self.status, "status")
    }

    fn line(&self, attempt: &Value) -> String {
        if self.json {
            return attempt.to_string();
        }
        let came = match &attempt["status_code"] {
            // What failed in between is only in the log of the delivery itself.
            Value::Null if attempt["error"].is_null() => "no attempt yet".to_owned(),
            Value::Null => text(&attempt["error"]),
            status => status.to_string(),
        };
        let fault = match &attempt["fault"] {
            Value::Null => String::new(),
            fault => format!("  fault {}", text(fault)),
        };
        format!(
            "{}  {}  {}  attempt {}  -> {came}  {}{fault}",
            text(&attempt["event"]),
            text(&attempt["webhook_id"]),
            text(&attempt["message_id"]),
            attempt["attempts"],
            text(&attempt["status"]),
        )
    }
}

pub(super) fn run(options: &Deliveries) -> Done {
    if !options.follow {
        let lines: Vec<String> = past(&options.at)?
            .iter()
            .filter(|it| options.wants(it))
            .map(|it| options.line(it))
            .collect();
        return Ok((lines.join("\n"), true));
    }
    // How many attempts of each have been printed: what happens while the list is read comes twice.
    let mut printed: HashMap<String, u64> = HashMap::new();
    let mut print = |attempt: &Value| {
        let count = attempt["attempts"].as_u64().unwrap_or(0);
        let known = printed.entry(text(&attempt["delivery_id"])).or_default();
        if count > *known || count == 0 {
            *known = count;
            if options.wants(attempt) {
                crate::say(&options.line(attempt));
            }
        }
    };
    let mut failed = None;
    follow(
        &options.at,
        "/events?types=delivery",
        |event, attempt| match event {
            BEGUN => match past(&options.at) {
                Ok(list) => list.iter().for_each(&mut print),
                Err(error) => failed = Some(error),
            },
            "delivery" => print(attempt),
            _ => {}
        },
    )?;
    match failed {
        Some(error) => Err(error),
        None => Ok((String::new(), true)),
    }
}

/// The attempts so far as events tell of them, the oldest delivery first.
fn past(at: &At) -> Result<Vec<Value>, String> {
    let list = ask(at, "GET", "/deliveries", &Value::Null)?;
    let mut all = Vec::new();
    for delivery in items(&list) {
        let event = |count: usize, status: &Value, attempt: &Value| {
            json!({
                "delivery_id": delivery["id"],
                "message_id": delivery["message_id"],
                "webhook_id": delivery["webhook_id"],
                "event": delivery["event"],
                "flow_id": delivery["payload"]["flow_id"],
                "attempts": count,
                "status": status,
                "status_code": attempt["status_code"],
                "error": attempt["error"],
                "fault": attempt["fault"],
            })
        };
        let attempts = delivery["attempts"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        if attempts.is_empty() {
            all.push(event(0, &delivery["status"], &Value::Null));
        }
        for (index, attempt) in attempts.iter().enumerate() {
            let last = index + 1 == attempts.len();
            // What came before the last attempt left the delivery where it was.
            let status = if last {
                delivery["status"].clone()
            } else {
                json!("pending")
            };
            all.push(event(index + 1, &status, attempt));
        }
    }
    Ok(all)
}
