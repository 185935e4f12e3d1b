//! What a binding may ask for by name: one table, so that a thing that the core learns costs no
//! binding any code. A module that has something to offer lists it in an `INVOKE` of its own.

use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::LangflowError;
use crate::exact::{self, Wide};
use crate::options::{self, refuse};
use crate::platform::{self, BoxFuture};

/// The answer to come.
pub(crate) type Answer = BoxFuture<Result<Value, LangflowError>>;

/// A name and what it does.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Client, Args) -> Answer,
}

/// Every module that offers something.
const TABLE: &[&[Entry]] = &[
    crate::session::INVOKE,
    crate::job::INVOKE,
    crate::tweaks::INVOKE,
    crate::metrics::INVOKE,
    #[cfg(not(target_arch = "wasm32"))]
    crate::export::INVOKE,
    #[cfg(not(target_arch = "wasm32"))]
    crate::folder::INVOKE,
];

/// Begins what stands in the table under the name.
pub(super) fn invoke(client: Client, name: &str, args: &str) -> Result<Answer, LangflowError> {
    let entry = TABLE
        .iter()
        .copied()
        .flatten()
        .find(|entry| entry.name == name);
    let entry = entry.ok_or_else(|| {
        if !platform::EXPORTS && name.starts_with("export.") {
            return LangflowError::new(
                crate::error::ErrorCode::Unsupported,
                "The exporter is not part of the engine for browsers. Take the file from the \
                 server with `flows.export`, or export where the native engine runs.",
            );
        }
        if !platform::HAS_FILES && name.starts_with("project.") {
            return LangflowError::new(
                crate::error::ErrorCode::Unsupported,
                "Folders are not part of the engine for browsers.",
            );
        }
        LangflowError::invalid_input("name", format!("There is nothing called `{name}`."))
    })?;
    Ok((entry.run)(client, Args::from_json(args)?))
}

/// Named arguments; null means absent.
#[derive(Debug, Default)]
pub(crate) struct Args(Map<String, Value>);

impl Args {
    pub(crate) fn from_json(text: &str) -> Result<Args, LangflowError> {
        match exact::read(text.as_bytes(), Wide::Marked) {
            Ok(Value::Object(mut map)) => {
                map.retain(|_, value| !value.is_null());
                Ok(Args(map))
            }
            Ok(other) => Err(refuse("args", "an object", &other)),
            Err(error) => Err(crate::run::unsayable(text, &error)),
        }
    }

    /// All of them, where they are what another reader takes.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// Takes an argument that may be absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Takes an argument that has to be there.
    pub(crate) fn need(&mut self, name: &str) -> Result<Value, LangflowError> {
        self.take(name)
            .ok_or_else(|| LangflowError::invalid_input(name, format!("`{name}` is missing.")))
    }

    /// Takes a text that may be absent.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, LangflowError> {
        let found = self.take(name);
        found.map(|value| options::text(name, &value)).transpose()
    }

    /// Takes a text that has to be there.
    pub(crate) fn need_text(&mut self, name: &str) -> Result<String, LangflowError> {
        options::text(name, &self.need(name)?)
    }

    /// Refuses what nobody took: a misspelt argument is no absent one.
    pub(crate) fn done(self) -> Result<(), LangflowError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                let message = format!("There is no argument `{name}` here.");
                Err(LangflowError::invalid_input(name, message))
            }
        }
    }
}
