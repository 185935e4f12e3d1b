//! What no error may say: the secrets that the client sent itself, where a server, a proxy or a
//! gateway repeats them.

use std::sync::{Mutex, PoisonError};

use crate::auth::Login;
use crate::call::Call;
use crate::client::Client;
use crate::config::Secret;
use crate::error::ErrorInfo;

/// Shorter ones are left: to mask `a` would make every text unreadable.
const SHORTEST: usize = 6;
/// Tokens of a login that are remembered, the newest ones.
const TOKENS: usize = 8;
/// What stands for a secret.
const MASK: &str = "***";
/// Words in the names of headers whose values are secrets.
const NAMES: [&str; 7] = [
    "auth",
    "cookie",
    "credential",
    "key",
    "password",
    "secret",
    "token",
];

/// Secrets that no setting holds: tokens of a login.
#[derive(Debug, Default)]
pub(crate) struct Learnt(Mutex<Vec<Secret>>);

impl Learnt {
    pub(crate) fn add(&self, secret: &Secret) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TOKENS {
            known.remove(0);
        }
        known.push(secret.clone());
    }
}

/// Takes the secrets of the client and of the call out of everything that may come from somebody
/// else.
pub(crate) fn mask(client: &Client, call: Option<&Call>, info: &mut ErrorInfo) {
    let secrets = secrets(client, call);
    if secrets.is_empty() {
        return;
    }
    let single = [
        Some(&mut info.message),
        info.server_code.as_mut(),
        info.field.as_mut(),
        info.request_id.as_mut(),
        info.partial_text.as_mut(),
        info.body.as_mut(),
    ];
    let listed = info
        .errors
        .iter_mut()
        .flat_map(|error| [&mut error.field, &mut error.message]);
    let texts = single.into_iter().flatten();
    for text in texts.chain(listed).chain(&mut info.outputs) {
        clean(text, &secrets);
    }
}

fn clean(text: &mut String, secrets: &[String]) {
    for secret in secrets {
        if text.contains(secret.as_str()) {
            *text = text.replace(secret.as_str(), MASK);
        }
        // Bodies are cut, perhaps within a secret.
        let cut = (SHORTEST..secret.len())
            .rev()
            .filter_map(|end| secret.get(..end))
            .find(|beginning| text.ends_with(beginning));
        if let Some(beginning) = cut {
            text.truncate(text.len() - beginning.len());
            text.push_str(MASK);
        }
    }
}

/// The secrets as they are, and as JSON and forms write them; the longest first, since one may be a
/// part of another.
fn secrets(client: &Client, call: Option<&Call>) -> Vec<String> {
    let Client { config, shared, .. } = client;
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        if text.len() >= SHORTEST {
            found.push(text.to_owned());
            let json = serde_json::to_string(text).unwrap_or_default();
            found.push(json.trim_matches('"').to_owned());
            found.push(url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
        }
    };
    if let Some(key) = &config.api_key {
        add(key.expose());
    }
    if let Some(login) = &config.login {
        add(Login::password(login));
    }
    if let Some(proxy) = &config.network.proxy
        && let Ok(url) = url::Url::parse(proxy)
        && let Some(password) = url.password()
    {
        add(password);
        add(&percent_encoding::percent_decode_str(password).decode_utf8_lossy());
    }
    let learnt = shared.learnt.0.lock();
    for token in learnt.unwrap_or_else(PoisonError::into_inner).iter() {
        add(token.expose());
    }
    let own = call.into_iter().flat_map(|call| &call.options.headers);
    for (name, value) in config.headers.iter().chain(own) {
        let name = name.to_ascii_lowercase();
        if NAMES.iter().any(|word| name.contains(word)) {
            add(value);
            // The scheme of a credential and the name of a cookie are no secrets.
            for part in value.split(';') {
                let part = part.trim();
                add(part.split_once([' ', '=']).map_or("", |(_, rest)| rest));
            }
        }
    }
    for secret in call.into_iter().flat_map(|call| &call.secrets) {
        add(secret.expose());
    }
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_was_cut_is_masked_too() {
        let secrets = ["sk-abcdefgh".to_owned()];
        for (text, expected) in [
            ("key sk-abcdefgh, sk-abcdefgh", "key ***, ***"),
            ("key sk-abcde", "key ***"),
            ("key sk-ab", "key sk-ab"),
            ("sk-abcdef is cut", "sk-abcdef is cut"),
        ] {
            let mut text = text.to_owned();
            clean(&mut text, &secrets);
            assert_eq!(text, expected);
        }
    }
}
