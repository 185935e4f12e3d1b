//! Reads `errors.toml`: the one list of error codes.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// All codes.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Errors {
    /// What a client raises, parents before children.
    #[serde(rename = "error")]
    pub errors: Vec<ErrorKind>,
    /// The `code` of the workspace API's problem answers.
    #[serde(rename = "server_code", default)]
    pub server_codes: Vec<ServerCode>,
}

/// A class of error.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorKind {
    /// snake_case, the identity.
    pub code: String,
    /// Class name in every language.
    pub class: String,
    /// Class name of the parent, `LangflowError` at the top.
    pub parent: String,
    /// Where in a call it happens, unless the error itself says more.
    pub phase: String,
    /// HTTP statuses that become this error.
    #[serde(default)]
    pub statuses: Vec<u16>,
    /// Whether trying again may help.
    pub retryable: bool,
    /// One sentence.
    pub when: String,
    /// What to do.
    pub hint: String,
}

/// A code of the server.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct ServerCode {
    /// snake_case.
    pub code: String,
    /// HTTP status that it comes with.
    pub status: u16,
    /// `title` of the problem.
    pub title: String,
    /// One sentence.
    pub when: String,
}

/// Reads and checks the file: parents exist and come first, no code, class or status twice.
pub fn load(path: &Path) -> Result<Errors> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let errors: Errors =
        toml::from_str(&text).with_context(|| format!("parse {}", path.display()))?;
    let mut seen = vec!["LangflowError".to_owned()];
    let mut codes = Vec::new();
    let mut statuses = Vec::new();
    for error in &errors.errors {
        if !seen.contains(&error.parent) {
            bail!(
                "{}: parent {} is not defined before it",
                error.code,
                error.parent
            );
        }
        if seen.contains(&error.class) || codes.contains(&error.code) {
            bail!("{}: defined twice", error.code);
        }
        for status in &error.statuses {
            if statuses.contains(status) {
                bail!(
                    "{}: status {status} belongs to another error already",
                    error.code
                );
            }
            statuses.push(*status);
        }
        seen.push(error.class.clone());
        codes.push(error.code.clone());
    }
    Ok(errors)
}
