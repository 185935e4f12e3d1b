//! What a fresh workspace holds: a flow of each kind and a key of each kind.

mod file;
mod key;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::contract::Permission;
use crate::state::{NewKey, State};

pub(crate) use file::Plants;
pub(crate) use key::SeedKey;

/// Flows by the id that they have in every server.
const FLOWS: [(&str, &str); 6] = [
    ("hello-flow", include_str!("../../seeds/hello-flow.json")),
    ("memory-chat", include_str!("../../seeds/memory-chat.json")),
    ("document-qa", include_str!("../../seeds/document-qa.json")),
    ("echo", include_str!("../../seeds/echo.json")),
    (
        "failing-flow",
        include_str!("../../seeds/failing-flow.json"),
    ),
    ("two-outputs", include_str!("../../seeds/two-outputs.json")),
];

/// The names of the keys that every workspace begins with.
const KEYS: [&str; 6] = ["admin", "read", "execute", "write", "expired", "revoked"];

/// What was planted, with the secrets that nobody can read later.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seeded {
    /// Secrets by name: admin, read, execute, write, expired, revoked.
    pub(crate) keys: BTreeMap<String, String>,
    /// Flow ids by name.
    pub(crate) flow_ids: BTreeMap<String, String>,
}

impl Seeded {
    /// Leaves out what a saved workspace does not have any more.
    pub(crate) fn retain(&mut self, state: &State) {
        self.keys.retain(|_, secret| state.keys.knows(secret));
        let flows = state.flows.all().iter();
        self.flow_ids = flows
            .map(|flow| (flow.name().to_owned(), flow.id.clone()))
            .collect();
    }

    /// The key that may do everything.
    pub(crate) fn admin(&self) -> &str {
        self.keys.get("admin").map_or("", String::as_str)
    }
}

/// Reads the seed file of a configuration, if there is one.
pub(crate) fn read(config: &Config) -> Result<Plants, String> {
    let flows: Vec<&str> = flows(config).iter().map(|(id, _)| *id).collect();
    let path = config.seed_file.as_deref();
    path.map_or_else(|| Ok(Plants::default()), |path| Plants::read(path, &flows))
}

/// A fresh workspace: that of a seed and what the seed file adds, or the state that this is.
pub(crate) fn begin(
    seed: u64,
    config: &Config,
    plants: &Plants,
    now: DateTime<Utc>,
) -> (State, Seeded) {
    if let Some(saved) = plants.state(now) {
        let seeded = again(&saved, config, &Plants::default(), now);
        return (saved, seeded);
    }
    let mut state = State::new(seed, now);
    let mut seeded = plant(&mut state, config, plants, now);
    plants.add(&mut state, &mut seeded, now);
    (state, seeded)
}

/// The secrets of a workspace that can be told again, since they were made from its seed or stand in
/// the seed file.
pub(crate) fn again(saved: &State, config: &Config, plants: &Plants, now: DateTime<Utc>) -> Seeded {
    let (_, mut seeded) = match plants.state(now) {
        Some(_) => begin(saved.ids.seed(), config, &Plants::default(), now),
        None => begin(saved.ids.seed(), config, plants, now),
    };
    seeded.retain(saved);
    seeded
}

fn flows(config: &Config) -> &'static [(&'static str, &'static str)] {
    if config.seed_flows { &FLOWS } else { &[] }
}

/// Fills a fresh workspace with what comes with the server. A flow of the user with the same id is there
/// in the place of ours.
fn plant(state: &mut State, config: &Config, plants: &Plants, now: DateTime<Utc>) -> Seeded {
    let mut seeded = Seeded::default();
    let own = flows(config).iter().filter(|(id, _)| !plants.has_flow(id));
    for (id, file) in own {
        let file: Map<String, Value> = serde_json::from_str(file).unwrap_or_default();
        let flow = state.flows.create((*id).to_owned(), file, now);
        seeded
            .flow_ids
            .insert(flow.name().to_owned(), flow.id.clone());
    }
    let single = Permission::ALL.map(|permission| (permission.name(), vec![permission]));
    let ended = [
        ("expired", Permission::ALL.to_vec()),
        ("revoked", Permission::ALL.to_vec()),
    ];
    for (name, permissions) in single.into_iter().chain(ended) {
        let secret = format!("lf_{name}_{}", state.ids.secret(name));
        let new = NewKey {
            id: format!("key_{name}"),
            name: name.to_owned(),
            secret: secret.clone(),
            permissions,
            // Before anything that a test may set the clock to.
            max_uses: None,
            expires_at: (name == "expired").then_some(DateTime::UNIX_EPOCH),
        };
        state.keys.create(new, now);
        if name == "revoked" {
            state.keys.revoke("key_revoked", now);
        }
        seeded.keys.insert(name.to_owned(), secret);
    }
    seeded
}
