//! API keys: stored hashed, shown once, valid until they expire, are revoked or replaced.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::contract::Permission;
use crate::ids::sha256_hex;

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The beginning of the secret, enough to recognise it by.
    pub(crate) prefix: String,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    /// Until when the secret before the last rotation is good.
    pub(crate) grace_until: Option<DateTime<Utc>>,
    /// How many more requests it opens; any number if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uses_left: Option<u64>,
    hash: String,
    old_hash: Option<String>,
}

/// What a new key shall be.
#[derive(Debug, Clone)]
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) secret: String,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// How many requests it opens; any number if absent.
    pub(crate) max_uses: Option<u64>,
}

/// Why a secret does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRefusal {
    /// No key has this secret.
    Unknown,
    /// The key, or the grace period of its old secret, is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

/// All keys, in the order in which they were created.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<KeyRecord>")]
pub(crate) struct Keys {
    keys: Vec<KeyRecord>,
    by_hash: HashMap<String, usize>,
}

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.keys.serialize(serializer)
    }
}

impl From<Vec<KeyRecord>> for Keys {
    fn from(keys: Vec<KeyRecord>) -> Self {
        let by_hash = keys.iter().enumerate().flat_map(|(at, key)| {
            let hashes = std::iter::once(&key.hash).chain(&key.old_hash);
            hashes.map(move |hash| (hash.clone(), at))
        });
        let by_hash = by_hash.collect();
        Self { keys, by_hash }
    }
}

impl KeyRecord {
    /// Whether it has expired: its time is over, or it was used as often as it may be.
    pub(crate) fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| now >= at) || self.uses_left == Some(0)
    }
}

impl Keys {
    pub(crate) fn all(&self) -> &[KeyRecord] {
        &self.keys
    }

    pub(crate) fn get(&self, id: &str) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Changes what may be changed about a key.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut KeyRecord> {
        self.keys.iter_mut().find(|key| key.id == id)
    }

    pub(crate) fn create(&mut self, new: NewKey, now: DateTime<Utc>) -> &KeyRecord {
        let hash = sha256_hex(new.secret.as_bytes());
        let at = self.keys.len();
        self.by_hash.insert(hash.clone(), at);
        self.keys.push(KeyRecord {
            id: new.id,
            name: new.name,
            prefix: prefix(&new.secret),
            permissions: new.permissions,
            created_at: now,
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
            grace_until: None,
            uses_left: new.max_uses,
            hash,
            old_hash: None,
        });
        &self.keys[at]
    }

    /// Gives a key another secret; the old one stays good until `grace_until`.
    pub(crate) fn rotate(
        &mut self,
        id: &str,
        secret: &str,
        grace_until: DateTime<Utc>,
    ) -> Option<&KeyRecord> {
        let at = self.keys.iter().position(|key| key.id == id)?;
        let key = &mut self.keys[at];
        let hash = sha256_hex(secret.as_bytes());
        if let Some(older) = key
            .old_hash
            .replace(std::mem::replace(&mut key.hash, hash.clone()))
        {
            self.by_hash.remove(&older);
        }
        key.prefix = prefix(secret);
        key.grace_until = Some(grace_until);
        self.by_hash.insert(hash, at);
        Some(key)
    }

    /// Ends a key now.
    pub(crate) fn revoke(&mut self, id: &str, now: DateTime<Utc>) -> bool {
        let Some(key) = self.get_mut(id) else {
            return false;
        };
        key.revoked_at.get_or_insert(now);
        true
    }

    /// Whether a secret belongs to a key, whatever the key is still good for.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        self.by_hash.contains_key(&sha256_hex(secret.as_bytes()))
    }

    /// The key that a secret belongs to, and notes that it was used.
    pub(crate) fn open(
        &mut self,
        secret: &str,
        now: DateTime<Utc>,
    ) -> Result<&KeyRecord, KeyRefusal> {
        let hash = sha256_hex(secret.as_bytes());
        let at = *self.by_hash.get(&hash).ok_or(KeyRefusal::Unknown)?;
        let key = &mut self.keys[at];
        if key.revoked_at.is_some() {
            return Err(KeyRefusal::Revoked);
        }
        let old_is_over = key.hash != hash && key.grace_until.is_none_or(|until| now >= until);
        if old_is_over || key.is_over(now) {
            return Err(KeyRefusal::Expired);
        }
        key.uses_left = key.uses_left.map(|left| left - 1);
        key.last_used_at = Some(now);
        Ok(key)
    }
}

fn prefix(secret: &str) -> String {
    secret.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_key_lives_until_it_expires_is_rotated_or_revoked() {
        let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let mut keys = Keys::default();
        let new = NewKey {
            id: "key_1".to_owned(),
            name: "one".to_owned(),
            secret: "first".to_owned(),
            permissions: vec![Permission::Execute],
            expires_at: Some(at(100)),
            max_uses: None,
        };
        keys.create(new, start);
        assert_eq!(keys.open("other", start).unwrap_err(), KeyRefusal::Unknown);
        assert_eq!(
            keys.open("first", at(99)).unwrap().last_used_at,
            Some(at(99))
        );
        assert_eq!(
            keys.open("first", at(100)).unwrap_err(),
            KeyRefusal::Expired
        );
        keys.rotate("key_1", "second", at(20)).unwrap();
        assert!(keys.open("first", at(19)).is_ok() && keys.open("second", at(19)).is_ok());
        assert_eq!(keys.open("first", at(20)).unwrap_err(), KeyRefusal::Expired);
        keys.rotate("key_1", "third", at(40)).unwrap();
        assert_eq!(keys.open("first", at(30)).unwrap_err(), KeyRefusal::Unknown);
        assert!(keys.open("second", at(30)).is_ok());
        assert!(keys.revoke("key_1", at(31)) && !keys.revoke("key_2", at(31)));
        assert_eq!(keys.open("third", at(32)).unwrap_err(), KeyRefusal::Revoked);
    }
}
