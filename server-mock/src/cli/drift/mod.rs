//! Asks a real server and the mock the same questions.

mod client;
mod compare;
mod probe;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use langflow_mock::{Api, Config, Langflow, start_blocking};
use serde_json::{Map, Value, json};

use client::Server;
use compare::Difference;
use probe::{Probe, packed};

/// Where the real server is.
#[derive(Debug, Args)]
pub(crate) struct Drift {
    /// URL of a running open-source Langflow.
    #[arg(long, env = "LANGFLOW_MOCK_AGAINST")]
    against: String,
    /// A key of that server.
    #[arg(long, env = "LANGFLOW_MOCK_AGAINST_KEY", hide_env_values = true)]
    api_key: String,
    /// Trust the certificates in this file too, in PEM, where the URL begins with https.
    #[arg(long, env = "LANGFLOW_MOCK_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// The version that the mock shall play: 1.4, 1.8, 1.10 or 1.13.
    #[arg(long = "as", env = "LANGFLOW_MOCK_AS", default_value = "1.13")]
    langflow: Langflow,
    /// Only probes with this in their name.
    #[arg(long, env = "LANGFLOW_MOCK_DRIFT_ONLY")]
    only: Option<String>,
    /// Print the outcome as JSON.
    #[arg(long, env = "LANGFLOW_MOCK_DRIFT_JSON", value_parser = FalseyValueParser::new())]
    json: bool,
}

/// How often, and how long apart, an answer is asked for that takes its time.
const TRIES: usize = 80;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);

/// What one probe came to.
struct Outcome {
    name: String,
    /// Where the answers differ and should not.
    found: Vec<Difference>,
    /// Where they differ for a reason that is known.
    known: Vec<(Difference, String)>,
}

pub(crate) fn run(options: &Drift) -> super::Done {
    let (flows, probes) = packed()?;
    let config = Config {
        api: vec![Api::Langflow],
        langflow: options.langflow,
        seed_flows: false,
        ..Config::default()
    };
    let config = serde_json::to_string(&config).map_err(|error| error.to_string())?;
    let mock = start_blocking(&config).map_err(|error| error.to_string())?;
    let ready: Value = serde_json::from_str(&mock.ready_json()).unwrap_or_default();
    let key = ready["api_key"].as_str().unwrap_or_default();
    // Nothing that was there before is in the way.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let session = format!("drift{}", now.unwrap_or_default().as_nanos());
    let mut mine = Side::new(Server::new(mock.url(), key, None)?, &session, true);
    let mut theirs = Side::new(
        Server::new(
            &options.against,
            &options.api_key,
            options.ca_file.as_deref(),
        )?,
        &session,
        false,
    );
    let prepared = theirs.prepare(&flows).and_then(|()| mine.prepare(&flows));
    let outcomes = prepared.and_then(|()| ask_all(&probes, options, &mut mine, &mut theirs));
    theirs.clean();
    let outcomes = outcomes?;
    let ok = outcomes.iter().all(|outcome| outcome.found.is_empty());
    Ok((
        if options.json {
            as_json(&outcomes, ok)
        } else {
            as_table(&outcomes)
        },
        ok,
    ))
}

fn ask_all(
    probes: &[Probe],
    options: &Drift,
    mine: &mut Side,
    theirs: &mut Side,
) -> Result<Vec<Outcome>, String> {
    let mut outcomes = Vec::new();
    for probe in probes {
        let mock = mine.ask(probe)?;
        let server = theirs.ask(probe)?;
        if options
            .only
            .as_ref()
            .is_some_and(|only| !probe.name.contains(only))
        {
            continue;
        }
        let mut differences = Vec::new();
        compare::compare("", &mock, &server, &mut differences);
        differences.retain(|it| !probe.ignore.iter().any(|at| compare::within(at, &it.at)));
        let (mut found, mut known) = (Vec::new(), Vec::new());
        for difference in differences {
            let expected = probe
                .expected
                .iter()
                .find(|it| compare::within(&it.at, &difference.at));
            match expected {
                Some(expected) => known.push((difference, expected.why.clone())),
                None => found.push(difference),
            }
        }
        outcomes.push(Outcome {
            name: probe.name.clone(),
            found,
            known,
        });
    }
    Ok(outcomes)
}

/// A server, and what was made there.
struct Side {
    server: Server,
    variables: BTreeMap<String, String>,
    flows: Vec<String>,
    session: String,
    mock: bool,
}

impl Side {
    fn new(server: Server, session: &str, mock: bool) -> Self {
        let variables = BTreeMap::from([("session".to_owned(), session.to_owned())]);
        Self {
            server,
            variables,
            flows: Vec::new(),
            session: session.to_owned(),
            mock,
        }
    }

    /// Stores the flows that the probes run.
    fn prepare(&mut self, flows: &Map<String, Value>) -> Result<(), String> {
        for (name, file) in flows {
            let mut file = file.clone();
            file["name"] = format!("{} {name}", self.session).into();
            let endpoint = format!("{}-{}", self.session, name.replace('_', "-"));
            file["endpoint_name"] = endpoint.as_str().into();
            if self.mock {
                raise(&mut file);
            }
            let answer = self.server.json("POST", "/api/v1/flows/", &file)?;
            let id = answer.body["id"].as_str().ok_or_else(|| {
                let url = &self.server.url;
                format!(
                    "{url} does not store flows: {} {}",
                    answer.status, answer.text
                )
            })?;
            self.flows.push(id.to_owned());
            self.variables.insert(name.clone(), id.to_owned());
            self.variables.insert(format!("{name}_name"), endpoint);
        }
        Ok(())
    }

    /// Removes what was made; what cannot be removed stays.
    fn clean(&self) {
        let sessions = self
            .server
            .json("GET", "/api/v1/monitor/messages/sessions", &Value::Null);
        let sessions = sessions.map(|answer| answer.body).unwrap_or_default();
        let ids = sessions
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let made =
            |id: &&str| id.starts_with(&self.session) || self.flows.iter().any(|flow| flow == id);
        for id in ids.filter(made) {
            let path = format!("/api/v1/monitor/messages/session/{id}");
            let _ = self.server.json("DELETE", &path, &Value::Null);
        }
        let _ = self
            .server
            .json("DELETE", "/api/v1/flows/", &json!(self.flows));
    }

    /// One answer, with what differs by nature made the same.
    fn ask(&mut self, probe: &Probe) -> Result<Value, String> {
        let request = probe.request(&self.variables);
        let mut answer = self.server.send(&request)?;
        for _ in 0..TRIES {
            let settled = probe
                .settle
                .as_ref()
                .is_none_or(|it| answer.body.pointer(&it.at) == Some(&it.value));
            let said = probe.until_text.as_ref();
            let settled = settled && said.is_none_or(|said| answer.text.contains(said));
            if settled && probe.until.is_none_or(|status| answer.status == status) {
                break;
            }
            std::thread::sleep(PAUSE);
            answer = self.server.send(&request)?;
        }
        for (variable, at) in &probe.keep {
            let value = answer
                .body
                .pointer(at)
                .and_then(Value::as_str)
                .unwrap_or("missing");
            self.variables.insert(variable.clone(), value.to_owned());
        }
        let seen = answer.seen();
        let seen = match &probe.pick {
            Some(at) => json!({"status": seen["status"], "picked": seen.pointer(at)}),
            None => seen,
        };
        Ok(compare::neutral(&seen, &self.variables))
    }
}

/// The component that fails is code on a real server, which the mock does not run: there it is its
/// own component, which fails as well.
fn raise(file: &mut Value) {
    let nodes = file["data"]["nodes"].as_array_mut();
    for node in nodes
        .into_iter()
        .flatten()
        .filter(|node| node["data"]["type"] == "WireBoom")
    {
        node["data"]["type"] = "RaiseError".into();
        let inner = &mut node["data"]["node"];
        inner["metadata"] = json!({});
        inner["template"]["code"] = Value::Null;
        inner["template"]["message"] = json!({"type": "str", "value": "wire boom: hello"});
    }
}

fn as_json(outcomes: &[Outcome], ok: bool) -> String {
    let probes = outcomes.iter().map(|outcome| {
        let known = outcome.known.iter().map(|(difference, why)| {
            let mut shown = difference.json();
            shown["why"] = why.as_str().into();
            shown
        });
        let found: Vec<Value> = outcome.found.iter().map(Difference::json).collect();
        json!({
            "name": outcome.name, "differences": found, "known": known.collect::<Vec<_>>(),
        })
    });
    super::pretty(&json!({"ok": ok, "probes": probes.collect::<Vec<_>>()}))
}

fn as_table(outcomes: &[Outcome]) -> String {
    let mut lines = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.found.is_empty()) {
        lines.push(outcome.name.clone());
        for difference in &outcome.found {
            lines.push(format!(
                "    {:<40}  mock {}  server {}",
                difference.at,
                brief(&difference.mock),
                brief(&difference.server)
            ));
        }
    }
    let differing = outcomes
        .iter()
        .filter(|outcome| !outcome.found.is_empty())
        .count();
    let found: usize = outcomes.iter().map(|outcome| outcome.found.len()).sum();
    let known: usize = outcomes.iter().map(|outcome| outcome.known.len()).sum();
    lines.push(format!(
        "{} probes, {differing} with {found} differences; {known} differences are known",
        outcomes.len()
    ));
    lines.join("\n")
}

fn brief(value: &Option<Value>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(160) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
