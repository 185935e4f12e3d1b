//! The answer of a run as the server sent it.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::exact;

/// The answer of a run as the server sent it: a [`Value`], which is made when it is first looked at.
///
/// ```
/// # use langflow_client::AsSent;
/// # use serde_json::json;
/// let raw = AsSent::from(json!({"result": {"output": "Hi"}}));
/// assert_eq!(raw["result"]["output"], "Hi");
/// ```
#[derive(Clone, Default)]
pub struct AsSent {
    pub(crate) value: OnceLock<Value>,
    /// JSON that has been read already, and has no integer beyond 64 bits. Absent where the value was made
    /// first.
    pub(crate) text: Option<Box<str>>,
}

impl AsSent {
    /// Adds it to a text, as JSON.
    pub(crate) fn write(&self, out: &mut String) {
        match &self.text {
            Some(text) => out.push_str(text),
            None => out.push_str(&exact::unrestored(self)),
        }
    }
}

impl Deref for AsSent {
    type Target = Value;

    fn deref(&self) -> &Value {
        let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
        self.value
            .get_or_init(|| self.text.as_deref().map(read).unwrap_or_default())
    }
}

impl From<Value> for AsSent {
    fn from(value: Value) -> AsSent {
        AsSent {
            value: value.into(),
            text: None,
        }
    }
}

impl From<AsSent> for Value {
    fn from(sent: AsSent) -> Value {
        let _ = &*sent;
        sent.value.into_inner().unwrap_or_default()
    }
}

impl PartialEq for AsSent {
    fn eq(&self, other: &AsSent) -> bool {
        **self == **other
    }
}

impl fmt::Debug for AsSent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

impl Serialize for AsSent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}
