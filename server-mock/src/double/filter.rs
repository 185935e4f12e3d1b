//! Which requests of the journal are meant.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::entry::Entry;
use super::mask::mask_header;
use crate::contract::contract;
use crate::upstream;

/// All that is named has to fit.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Filter {
    pub(crate) method: Option<String>,
    /// The path; a `*` at its end stands for anything.
    pub(crate) path: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) flow_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) key_id: Option<String>,
    pub(crate) status: Option<u16>,
    /// `open`, `complete`, `cut` or `client_closed`.
    pub(crate) ending: Option<String>,
    /// The kind of a fault, or `*` for any.
    pub(crate) fault: Option<String>,
    /// A text in the body.
    pub(crate) contains: Option<String>,
    /// Headers with their values, or `*` for any value.
    pub(crate) headers: BTreeMap<String, String>,
    /// Only later ones than this.
    pub(crate) since: Option<u64>,
    /// A number, or `all`; the present one if absent.
    pub(crate) epoch: Option<Value>,
}

impl Filter {
    pub(super) fn fits(&self, entry: &Entry, now: u64) -> bool {
        self.differences(entry, now).is_empty()
    }

    /// Where a request differs from what is meant: the field, what it should be, what it is.
    pub(super) fn differences(&self, entry: &Entry, now: u64) -> Vec<(String, Value, Value)> {
        let mut found = Vec::new();
        let mut differs = |name: &str, wanted: Value, is: Value| {
            found.push((name.to_owned(), wanted, is));
        };
        let texts = [
            ("path", &self.path, Some(entry.path())),
            ("operation", &self.operation, entry.operation),
            ("flow_id", &self.flow_id, entry.flow_id.as_deref()),
            ("session_id", &self.session_id, entry.session_id.as_deref()),
            ("key_id", &self.key_id, entry.key_id.as_deref()),
            ("ending", &self.ending, Some(entry.ending.name())),
            ("fault", &self.fault, entry.fault.as_deref()),
        ];
        for (name, wanted, is) in texts {
            let Some(wanted) = wanted else { continue };
            if !is.is_some_and(|is| like(wanted, is)) {
                differs(name, wanted.as_str().into(), is.into());
            }
        }
        match &self.method {
            Some(method) if !method.eq_ignore_ascii_case(&entry.method) => {
                differs(
                    "method",
                    method.as_str().into(),
                    entry.method.as_str().into(),
                );
            }
            _ => {}
        }
        if self.status.is_some() && self.status != entry.status {
            differs("status", self.status.into(), entry.status.into());
        }
        match self.since {
            Some(since) if entry.id <= since => differs("since", since.into(), entry.id.into()),
            _ => {}
        }
        let epoch = match &self.epoch {
            None => entry.epoch == now,
            Some(Value::Number(epoch)) => epoch.as_u64() == Some(entry.epoch),
            Some(_) => true,
        };
        if !epoch {
            let wanted = self.epoch.clone().unwrap_or_else(|| now.into());
            differs("epoch", wanted, entry.epoch.into());
        }
        match &self.contains {
            Some(text) if !entry.body.text().contains(text) => {
                differs("contains", text.as_str().into(), Value::Null);
            }
            _ => {}
        }
        for (name, wanted) in &self.headers {
            let is = entry.header(&name.to_ascii_lowercase());
            if !is.is_some_and(|is| like(wanted, is)) {
                let is = is.map(|is| mask_header(&name.to_ascii_lowercase(), is));
                differs(
                    &format!("headers.{name}"),
                    wanted.as_str().into(),
                    is.into(),
                );
            }
        }
        found
    }
}

/// A text, or the beginning of one before a `*`.
pub(crate) fn like(wanted: &str, value: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => wanted == value,
    }
}

/// What is wrong with the name of an operation, if neither API has one that fits.
pub(crate) fn unknown_operation(wanted: &str) -> Option<String> {
    let ours = contract().operations.iter().map(|it| it.id.as_str());
    let all = || ours.clone().chain(upstream::operations());
    if all().any(|name| like(wanted, name)) {
        return None;
    }
    let near = crate::contract::nearest(all(), wanted, str::to_owned);
    let near = near.map_or(String::new(), |near| format!("; `{near}` is"));
    Some(format!("`{wanted}` is no operation{near}"))
}
