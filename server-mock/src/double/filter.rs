//! Which requests of the journal are meant.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::entry::Entry;

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
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| value.is_some_and(|value| like(wanted, value)))
        };
        let epoch = match &self.epoch {
            None => entry.epoch == now,
            Some(Value::Number(epoch)) => epoch.as_u64() == Some(entry.epoch),
            Some(_) => true,
        };
        epoch
            && self
                .method
                .as_ref()
                .is_none_or(|method| method.eq_ignore_ascii_case(&entry.method))
            && is(&self.path, Some(entry.path()))
            && is(&self.operation, entry.operation)
            && is(&self.flow_id, entry.flow_id.as_deref())
            && is(&self.session_id, entry.session_id.as_deref())
            && is(&self.key_id, entry.key_id.as_deref())
            && is(&self.ending, Some(entry.ending.name()))
            && is(&self.fault, entry.fault.as_deref())
            && self
                .status
                .is_none_or(|status| entry.status == Some(status))
            && self.since.is_none_or(|since| entry.id > since)
            && self
                .contains
                .as_ref()
                .is_none_or(|text| entry.body.text().contains(text))
            && self.headers.iter().all(|(name, value)| {
                let name = name.to_ascii_lowercase();
                is(&Some(value.clone()), entry.header(&name))
            })
    }
}

/// A text, or the beginning of one before a `*`.
pub(super) fn like(wanted: &str, value: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => wanted == value,
    }
}
