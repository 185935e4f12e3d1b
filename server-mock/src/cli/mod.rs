//! Commands that talk to a mock that runs.

mod client;
mod deliveries;
mod dial;
mod drift;
mod export;
#[cfg(test)]
mod reference;
mod sign;

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use client::{BEGUN, ask, follow};

/// Where the mock is; it can be said before and after the name of an action.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// URL of the running mock.
    #[arg(
        long,
        global = true,
        env = "LANGFLOW_MOCK_URL",
        default_value = "http://127.0.0.1:7870"
    )]
    url: String,
    /// The token of its control API, if it has one; better in the environment.
    #[arg(
        long,
        global = true,
        env = "LANGFLOW_MOCK_CONTROL_TOKEN",
        hide_env_values = true
    )]
    control_token: Option<String>,
    /// Trust the certificates in this file too, in PEM, where the URL begins with https.
    #[arg(long, global = true, env = "LANGFLOW_MOCK_CA_FILE")]
    ca_file: Option<PathBuf>,
}

/// Commands that talk to a mock that runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Control {
    /// Move the time of a running mock, and print what fell due on the way.
    Advance {
        /// Such as 31m, 1h30m, 2d, 500ms, or a number of seconds.
        #[arg(env = "LANGFLOW_MOCK_ADVANCE")]
        span: String,
        #[command(flatten)]
        at: At,
    },
    /// Let a running mock begin anew.
    Reset {
        /// What stays: state, requests, faults, scripts, snapshots or clock.
        #[arg(long, env = "LANGFLOW_MOCK_KEEP", value_delimiter = ',')]
        keep: Vec<String>,
        #[command(flatten)]
        at: At,
    },
    /// Arm faults, or list those that are armed.
    Fault {
        /// Faults as JSON, such as '{"kind": "reset", "at": "after_events", "events": 2}'.
        #[arg(env = "LANGFLOW_MOCK_FAULT")]
        faults: Vec<String>,
        /// Disarm all faults first.
        #[arg(long, env = "LANGFLOW_MOCK_FAULT_CLEAR", value_parser = FalseyValueParser::new())]
        clear: bool,
        #[command(flatten)]
        at: At,
    },
    /// Put the state of a running mock aside under a name, go back to it, or list the names.
    Snapshot {
        #[command(subcommand)]
        action: Snapshot,
        #[command(flatten)]
        at: At,
    },
    /// Say what the clients of a running mock did wrong; fails if they did.
    Report {
        /// Codes that do not count.
        #[arg(long, env = "LANGFLOW_MOCK_REPORT_IGNORE", value_delimiter = ',')]
        ignore: Vec<String>,
        /// Count it too that a client does not retry, or retries without jitter.
        #[arg(long, env = "LANGFLOW_MOCK_REPORT_STRICT", value_parser = FalseyValueParser::new())]
        strict: bool,
        /// Seconds that a client may wait on silence.
        #[arg(long, env = "LANGFLOW_MOCK_REPORT_PATIENCE", default_value_t = 150.0)]
        patience: f64,
        /// Print the verdict as JSON.
        #[arg(long, env = "LANGFLOW_MOCK_REPORT_JSON", value_parser = FalseyValueParser::new())]
        json: bool,
        #[command(flatten)]
        at: At,
    },
    /// Wait until a mock can be used; fails if that takes too long.
    Ready {
        /// Seconds to wait.
        #[arg(long, env = "LANGFLOW_MOCK_READY_TIMEOUT", default_value_t = 10.0)]
        timeout: f64,
        #[command(flatten)]
        at: At,
    },
    /// Warn of flows that others cannot use: without a description, without documented inputs.
    Doctor {
        /// Fail if there is a warning.
        #[arg(long, env = "LANGFLOW_MOCK_DOCTOR_STRICT", value_parser = FalseyValueParser::new())]
        strict: bool,
        #[command(flatten)]
        at: At,
    },
    /// Tell the webhooks of a flow of an event that did not happen.
    Trigger {
        /// flow_started, flow_completed, flow_error or component_completed.
        #[arg(env = "LANGFLOW_MOCK_TRIGGER")]
        event: String,
        /// The flow.
        #[arg(long, env = "LANGFLOW_MOCK_FLOW_ID")]
        flow_id: Option<String>,
        /// The session.
        #[arg(long, env = "LANGFLOW_MOCK_SESSION_ID")]
        session_id: Option<String>,
        /// The output, or the message of the error.
        #[arg(long, env = "LANGFLOW_MOCK_OUTPUT")]
        output: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Send the events of flows to a URL, and print every attempt, until this is ended.
    Listen {
        /// Where to, such as http://127.0.0.1:8000/hook.
        #[arg(long, env = "LANGFLOW_MOCK_FORWARD_TO")]
        forward_to: String,
        /// Only these events.
        #[arg(long, env = "LANGFLOW_MOCK_EVENTS", value_delimiter = ',')]
        events: Vec<String>,
        /// Only those of this flow.
        #[arg(long, env = "LANGFLOW_MOCK_FLOW_ID")]
        flow_id: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Print what was sent to webhooks, attempt by attempt; with --follow go on as it happens.
    Deliveries(deliveries::Deliveries),
    /// Ask a real open-source Langflow and this mock the same questions, and say where they differ;
    /// fails if they do. Makes flows, sessions and a key there, and removes them again.
    Drift(drift::Drift),
    /// Sign a delivery as a webhook of the mock does, and print its headers; no mock needs to run.
    Sign(sign::Sign),
    /// Write flow files as code; no mock needs to run.
    Export {
        #[command(subcommand)]
        what: export::Export,
    },
    /// Print the OpenAPI document of the product; no mock needs to run.
    Openapi {
        /// Print the document of the control API instead.
        #[arg(long, env = "LANGFLOW_MOCK_OPENAPI_CONTROL", value_parser = FalseyValueParser::new())]
        control: bool,
        /// Print which permission each operation needs, as a table, instead.
        #[arg(long, env = "LANGFLOW_MOCK_OPENAPI_PERMISSIONS", value_parser = FalseyValueParser::new(), conflicts_with = "control")]
        permissions: bool,
    },
}

/// What to do with a state that is put aside.
#[derive(Debug, Subcommand)]
pub(crate) enum Snapshot {
    /// Put the state aside.
    Save {
        /// Its name.
        #[arg(env = "LANGFLOW_MOCK_SNAPSHOT")]
        name: String,
    },
    /// Go back to a state.
    Restore {
        /// Its name.
        #[arg(env = "LANGFLOW_MOCK_SNAPSHOT")]
        name: String,
    },
    /// List the names.
    List,
}

/// What a command prints, and whether all is well.
pub(crate) type Done = Result<(String, bool), String>;

/// Runs a command.
pub(crate) fn run(control: Control) -> Done {
    match control {
        Control::Advance { span, at } => {
            let moved = ask(&at, "POST", "/clock", &json!({"advance": span}))?;
            Ok((advanced(&moved), true))
        }
        Control::Reset { keep, at } => {
            let done = ask(&at, "POST", "/reset", &json!({"keep": keep}))?;
            Ok((
                format!("epoch {}: {}", done["epoch"], words(&done["reset"])),
                true,
            ))
        }
        Control::Fault { faults, clear, at } => fault(&at, &faults, clear),
        Control::Snapshot { action, at } => snapshot(&at, &action),
        Control::Report {
            ignore,
            strict,
            patience,
            json,
            at,
        } => {
            let ignore = ignore.join(",");
            let path = format!("/verdict?ignore={ignore}&strict={strict}&patience={patience}");
            report(&at, &path, json)
        }
        Control::Ready { timeout, at } => ready(&at, timeout),
        Control::Doctor { strict, at } => doctor(&at, strict),
        Control::Trigger {
            event,
            flow_id,
            session_id,
            output,
            at,
        } => {
            let mut body = json!({"event": event});
            for (name, value) in [
                ("flow_id", flow_id),
                ("session_id", session_id),
                ("output", output),
            ] {
                if let Some(value) = value {
                    body[name] = value.into();
                }
            }
            let sent = ask(&at, "POST", "/trigger", &body)?;
            let count = sent["deliveries"].as_array().map_or(0, Vec::len);
            let said = format!(
                "{} of {}: {count} deliveries",
                event,
                text(&sent["flow_id"])
            );
            Ok((
                format!("{said} {}", words(&sent["deliveries"]))
                    .trim_end()
                    .to_owned(),
                true,
            ))
        }
        Control::Listen {
            forward_to,
            events,
            flow_id,
            at,
        } => listen(&at, &forward_to, &events, flow_id.as_deref()),
        Control::Deliveries(options) => deliveries::run(&options),
        Control::Drift(options) => drift::run(&options),
        Control::Sign(options) => sign::run(&options),
        Control::Export { what } => export::run(&what),
        Control::Openapi {
            control,
            permissions,
        } => {
            let text = match (control, permissions) {
                (_, true) => langflow_mock::permission_table(),
                (true, false) => pretty(&langflow_mock::control_document()),
                (false, false) => langflow_mock::document().to_owned(),
            };
            Ok((text, true))
        }
    }
}

fn advanced(moved: &Value) -> String {
    let mut lines = vec![format!("it is {}", text(&moved["now"]))];
    for one in moved["fired"].as_array().into_iter().flatten() {
        let about = one.as_object().into_iter().flatten();
        let about = about.filter(|(name, _)| *name != "at" && *name != "type");
        let about: Vec<String> = about
            .map(|(name, value)| format!("{name}={}", text(value)))
            .collect();
        lines.push(format!(
            "{}  {}  {}",
            text(&one["at"]),
            text(&one["type"]),
            about.join(" ")
        ));
    }
    lines.join("\n")
}

fn fault(at: &At, faults: &[String], clear: bool) -> Done {
    let parsed: Result<Vec<Value>, _> = faults.iter().map(|it| serde_json::from_str(it)).collect();
    let parsed = parsed.map_err(|error| format!("a fault is not JSON: {error}"))?;
    if clear {
        ask(at, "DELETE", "/faults", &Value::Null)?;
    }
    if !parsed.is_empty() {
        ask(at, "POST", "/faults", &json!({"faults": parsed}))?;
    }
    let armed = ask(at, "GET", "/faults", &Value::Null)?;
    let lines: Vec<String> = items(&armed).map(Value::to_string).collect();
    Ok((lines.join("\n"), true))
}

fn snapshot(at: &At, action: &Snapshot) -> Done {
    match action {
        Snapshot::Save { name } => {
            ask(at, "POST", &format!("/snapshots/{name}"), &Value::Null)?;
            Ok((format!("saved {name}"), true))
        }
        Snapshot::Restore { name } => {
            let path = format!("/snapshots/{name}/restore");
            let done = ask(at, "POST", &path, &Value::Null)?;
            Ok((format!("restored {name}, epoch {}", done["epoch"]), true))
        }
        Snapshot::List => {
            let all = ask(at, "GET", "/snapshots", &Value::Null)?;
            let names: Vec<String> = items(&all).map(text).collect();
            Ok((names.join("\n"), true))
        }
    }
}

fn report(at: &At, path: &str, json: bool) -> Done {
    let verdict = ask(at, "GET", path, &Value::Null)?;
    let ok = verdict["ok"] == true;
    if json {
        return Ok((pretty(&verdict), ok));
    }
    let mut lines = Vec::new();
    for finding in verdict["findings"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{}: {}{}\n    {}",
            text(&finding["code"]),
            text(&finding["message"]),
            match words(&finding["requests"]) {
                // Of a receiver: it answered and did not ask.
                none if none.is_empty() => none,
                numbers => format!(" (requests {numbers})"),
            },
            text(&finding["meaning"]),
        ));
    }
    lines.push(format!(
        "{} requests, {} findings",
        verdict["requests"],
        lines.len()
    ));
    Ok((lines.join("\n"), ok))
}

fn ready(at: &At, timeout: f64) -> Done {
    let begun = std::time::Instant::now();
    loop {
        match ask(at, "GET", "/ready", &Value::Null) {
            Ok(_) => return Ok((format!("{} is ready", at.url), true)),
            Err(error) if begun.elapsed().as_secs_f64() >= timeout => return Err(error),
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
}

fn doctor(at: &At, strict: bool) -> Done {
    let examined = ask(at, "GET", "/doctor", &Value::Null)?;
    let warnings = examined["warnings"].as_array();
    let mut lines: Vec<String> = warnings
        .into_iter()
        .flatten()
        .map(|it| format!("{}: {}", text(&it["flow_id"]), text(&it["message"])))
        .collect();
    lines.push(format!(
        "{} flows, {} warnings",
        examined["flows"],
        lines.len()
    ));
    Ok((lines.join("\n"), !strict || examined["ok"] == true))
}

fn listen(at: &At, forward_to: &str, events: &[String], flow_id: Option<&str>) -> Done {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let mut path = format!(
        "/listen?url={}&events={}",
        encode(forward_to),
        events.join(",")
    );
    if let Some(flow_id) = flow_id {
        path.push_str(&format!("&flow_id={}", encode(flow_id)));
    }
    follow(at, &path, |event, data| {
        if event == BEGUN {
            return;
        }
        if event == "listening" {
            crate::say(&format!(
                "sending {} of {} to {forward_to}; the secret is {}",
                words(&data["events"]),
                words(&data["flows"]),
                text(&data["secret"]),
            ));
            return;
        }
        let came = match &data["status_code"] {
            Value::Null => text(&data["error"]),
            status => status.to_string(),
        };
        crate::say(&format!(
            "{}  {}  {}  attempt {}  -> {came}",
            text(&data["event"]),
            text(&data["flow_id"]),
            text(&data["message_id"]),
            data["attempts"],
        ));
    })?;
    Ok((String::new(), true))
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn words(list: &Value) -> String {
    let list = list.as_array().into_iter().flatten();
    list.map(text).collect::<Vec<_>>().join(", ")
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
