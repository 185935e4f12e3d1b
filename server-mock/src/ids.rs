//! Ids and secrets that are the same in every run with the same seed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Makes ids from a seed and a counter for each kind of thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ids {
    seed: u64,
    next: BTreeMap<Cow<'static, str>, u64>,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            next: BTreeMap::new(),
        }
    }

    /// What the ids are made from.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The next id of a kind, such as `run_5k0w2n8qj3tz`: no comma, no slash, no upper case.
    pub(crate) fn next(&mut self, kind: &'static str) -> String {
        let count = self.next.entry(Cow::Borrowed(kind)).or_insert(0);
        *count += 1;
        format!("{kind}_{}", letters(&digest(self.seed, kind, *count), 12))
    }

    /// A secret of 32 letters that belongs to a name; another seed gives another one.
    pub(crate) fn secret(&mut self, name: &str) -> String {
        let count = self.next.entry(Cow::Borrowed("secret")).or_insert(0);
        *count += 1;
        letters(&digest(self.seed, name, *count), 32)
    }

    /// A key of 24 bytes to sign with.
    pub(crate) fn signing_key(&mut self) -> [u8; 24] {
        let count = self.next.entry(Cow::Borrowed("signing_key")).or_insert(0);
        *count += 1;
        let digest = digest(self.seed, "signing_key", *count);
        std::array::from_fn(|at| digest[at])
    }
}

/// A number that depends on everything given, for choices that look random and are not.
pub(crate) fn pick(seed: u64, parts: &[&str]) -> u64 {
    let bytes = digest(seed, &parts.join("\u{1f}"), 0);
    bytes
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// A number from 0 to 1 that depends on a text.
pub(crate) fn share(text: &str) -> f64 {
    pick(0, &[text]) as f64 / u64::MAX as f64
}

/// The SHA-256 of something, in hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn digest(seed: u64, kind: &str, count: u64) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(count.to_be_bytes());
    hash.update(kind.as_bytes());
    hash.finalize().into()
}

fn letters(bytes: &[u8], count: usize) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    bytes
        .iter()
        .cycle()
        .take(count)
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_ids_and_another_changes_them() {
        let make = |seed| {
            let mut ids = Ids::new(seed);
            (ids.next("run"), ids.next("run"), ids.secret("admin"))
        };
        assert_eq!(make(42), make(42));
        assert_ne!(make(42), make(43));
        let (first, second, secret) = make(42);
        assert_ne!(first, second);
        assert_eq!(secret.len(), 32);
    }
}
