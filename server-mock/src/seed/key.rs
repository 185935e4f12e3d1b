//! Keys with what the product cannot choose: their secret, and how often they can be used.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::contract::Permission;
use crate::state::{NewKey, State};

/// A key as a seed file and the control API describe it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeedKey {
    pub(crate) name: String,
    permissions: Vec<Permission>,
    /// One is made from the seed and the name if absent.
    pub(crate) secret: Option<String>,
    /// May be past: a key that has expired is one to test with.
    expires_at: Option<DateTime<Utc>>,
    /// How many requests it opens; then it has expired.
    max_uses: Option<u64>,
}

/// The fields that a description may have.
const FIELDS: [&str; 5] = ["name", "permissions", "secret", "expires_at", "max_uses"];

impl SeedKey {
    /// Reads a description; or names the field that is wrong, and says how.
    pub(crate) fn read(value: &Value) -> Result<Self, (&'static str, String)> {
        let wrong = |field, message: &str| (field, message.to_owned());
        let fields = value
            .as_object()
            .ok_or(("key", "has to be an object".to_owned()))?;
        if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            let message = format!("has no field `{name}`; there are {}", FIELDS.join(", "));
            return Err(("key", message));
        }
        let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let name = given("name")
            .and_then(Value::as_str)
            .filter(|it| !it.is_empty());
        let permissions = match given("permissions") {
            None => vec![Permission::Admin],
            Some(list) => {
                let list: Vec<Permission> =
                    serde_json::from_value(list.clone()).unwrap_or_default();
                let known = Permission::ALL.into_iter().filter(|it| list.contains(it));
                let known: Vec<Permission> = known.collect();
                if known.is_empty() {
                    let message = "has to be a list of read, execute, write and admin";
                    return Err(wrong("permissions", message));
                }
                known
            }
        };
        let secret = match given("secret") {
            None => None,
            Some(secret) => {
                let plain = |text: &&str| {
                    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
                    // The keys of tenants begin so.
                    (1..=256).contains(&text.len()) && visible && !text.starts_with("mk_")
                };
                let secret = secret.as_str().filter(plain);
                let message =
                    "has to be 1 to 256 visible characters of ASCII, not beginning with mk_";
                Some(secret.ok_or_else(|| wrong("secret", message))?.to_owned())
            }
        };
        let expires_at = given("expires_at").map(|at| {
            let at = at.as_str().and_then(|at| at.parse().ok());
            at.ok_or_else(|| wrong("expires_at", "has to be a date and time"))
        });
        let max_uses = given("max_uses").map(|count| {
            let count = count.as_u64().filter(|count| *count > 0);
            count.ok_or_else(|| wrong("max_uses", "has to be a number from 1"))
        });
        Ok(Self {
            name: name.ok_or_else(|| wrong("name", "is missing"))?.to_owned(),
            permissions,
            secret,
            expires_at: expires_at.transpose()?,
            max_uses: max_uses.transpose()?,
        })
    }

    /// Stores the key; its id and its secret.
    pub(crate) fn plant(&self, state: &mut State, now: DateTime<Utc>) -> (String, String) {
        let made = |state: &mut State| format!("lf_{}", state.ids.secret(&self.name));
        let secret = self.secret.clone().unwrap_or_else(|| made(state));
        let new = NewKey {
            id: state.ids.next("key"),
            name: self.name.clone(),
            secret: secret.clone(),
            permissions: self.permissions.clone(),
            expires_at: self.expires_at,
            max_uses: self.max_uses,
        };
        let key = state.keys.create(new, now);
        (key.id.clone(), secret)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_key_is_named() {
        for (value, field) in [
            (json!([]), "key"),
            (json!({"name": "a", "uses": 1}), "key"),
            (json!({}), "name"),
            (json!({"name": ""}), "name"),
            (json!({"name": "a", "permissions": []}), "permissions"),
            (json!({"name": "a", "permissions": ["root"]}), "permissions"),
            (
                json!({"name": "a", "permissions": ["read", "root"]}),
                "permissions",
            ),
            (json!({"name": "a", "secret": ""}), "secret"),
            (json!({"name": "a", "secret": "with space"}), "secret"),
            (json!({"name": "a", "secret": "mk_tina_x"}), "secret"),
            (json!({"name": "a", "expires_at": "soon"}), "expires_at"),
            (json!({"name": "a", "max_uses": 0}), "max_uses"),
        ] {
            assert_eq!(SeedKey::read(&value).unwrap_err().0, field, "{value}");
        }
        let key = SeedKey::read(&json!({"name": "a", "secret": null})).unwrap();
        assert_eq!(key.permissions, [Permission::Admin]);
    }
}
