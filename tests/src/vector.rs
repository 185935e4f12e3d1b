//! The vector format, as `README.md` describes it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a program calls, what the server does, what has to come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// Unique.
    pub name: String,
    /// Documented item, rule or known bug.
    pub covers: String,
    /// Settings of the client.
    #[serde(default)]
    pub client: Map<String, Value>,
    /// What stands behind the server's URL in `base_url`.
    #[serde(default)]
    pub url: String,
    /// The call.
    pub call: Value,
    /// Replies in the order of requests.
    #[serde(default)]
    pub server: Vec<Value>,
    /// Instead of a script: the mock itself, with these faults armed.
    pub mock: Option<Vec<Map<String, Value>>>,
    /// Runs the vector for every length of the first reply's body.
    pub cut: Option<Cut>,
    /// What has to come of it.
    pub expect: Expect,
    /// What has to come of it where the body is cut too early.
    pub expect_cut: Option<Expect>,
    /// Texts that may not occur in a report.
    #[serde(default)]
    pub absent: Vec<String>,
    /// What the server has to have received.
    pub requests: Option<Vec<Request>>,
    /// Drivers that cannot say the call, and why.
    #[serde(default)]
    pub skip: BTreeMap<String, String>,
}

/// Cuts of a body.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Length from which the answer is complete.
    pub complete_from: usize,
}

/// The expected outcome.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Subset of the result.
    pub result: Option<Value>,
    /// Subset of the error.
    pub error: Option<Value>,
    /// All events, each a subset.
    pub events: Option<Vec<Value>>,
}

/// An expected request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Subset of the headers, lower case; null is absent, `*` is any value.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body as JSON.
    pub json: Option<Value>,
    /// The body as text.
    pub text: Option<String>,
}

/// All vectors of a folder, in the order of files and lists.
pub fn load(folder: &Path) -> Result<Vec<Vector>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut found: Vec<Vector> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        let list: Vec<Vector> =
            serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        for vector in list {
            if vector.mock.is_some() && !(vector.server.is_empty() && vector.requests.is_none()) {
                bail!("{:?}: `mock` answers instead of `server`", vector.name);
            }
            if found.iter().any(|other| other.name == vector.name) {
                bail!("two vectors are named {:?}", vector.name);
            }
            if vector.cut.is_some() != vector.expect_cut.is_some() {
                bail!("{:?}: `cut` and `expect_cut` belong together", vector.name);
            }
            found.push(vector);
        }
    }
    Ok(found)
}
