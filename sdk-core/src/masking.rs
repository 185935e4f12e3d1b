//! What no error may say: the secrets that the client sent itself, where a server, a proxy or a
//! gateway repeats them.

use std::sync::{Mutex, PoisonError};

use crate::auth::Login;
use crate::call::Call;
use crate::cause;
use crate::client::Client;
use crate::config::Secret;
use crate::error::ErrorInfo;
use crate::platform;

/// Of shorter secrets no beginning is looked for, and they are masked where they are a word of their own.
const SHORTEST: usize = 6;
/// What is shorter still, and a word such as `langflow` (the password of many a new server), stands in
/// texts that have nothing to do with a secret: it is masked only where it is said to be one.
const LEAST: usize = 3;
/// The longest secret that may be a word of a language.
const WORD: usize = 12;
/// Tokens of a login that are remembered, the newest ones.
const TOKENS: usize = 8;
/// What stands for a secret.
const MASK: &str = "***";
/// Words in the names of headers and of parameters of the query whose values are secrets.
const NAMES: [&str; 7] = [
    "auth",
    "cookie",
    "credential",
    "key",
    "password",
    "secret",
    "token",
];

/// Words before the value of an `Authorization`.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

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
    let (own, more) = call.map_or((Vec::new(), &[][..]), |call| {
        let options = &call.options;
        let own = [&options.headers[..], &options.query[..]].concat();
        (own, &call.secrets[..])
    });
    let secrets = secrets(client, &own, more);
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
    cause::mask(&mut info.source, |text| clean(text, &secrets));
}

/// A line of a log without the secrets of the client and of a call with these headers.
pub(crate) fn line(client: &Client, headers: &[(String, String)], text: &str) -> String {
    let mut text = text.to_owned();
    clean(&mut text, &secrets(client, headers, &[]));
    text
}

/// Where a secret is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// Everywhere.
    Anywhere,
    /// Where neither a letter nor a digit is beside it.
    Alone,
    /// Where the words around it say that it is one, or it is a whole text in quotes.
    Named,
}

impl Where {
    fn of(secret: &str) -> Where {
        let mut after = secret.chars().skip(1);
        let letters = secret.starts_with(|first: char| first.is_ascii_alphabetic());
        let word = letters && secret.len() <= WORD && after.all(|it| it.is_ascii_lowercase());
        match secret.len() {
            0..LEAST => Where::Named,
            _ if word => Where::Named,
            LEAST..SHORTEST => Where::Alone,
            _ => Where::Anywhere,
        }
    }

    /// Whether what stands between these two is the secret.
    // By bytes: the tables of what a letter is elsewhere are more than a page should load.
    fn holds(self, before: &[u8], after: &[u8]) -> bool {
        let letter = |it: &u8| it.is_ascii_alphanumeric() || !it.is_ascii();
        let (last, next) = (before.last(), after.first());
        if self == Where::Anywhere {
            return true;
        }
        if last.is_some_and(letter) || next.is_some_and(letter) {
            return false;
        }
        let quote = |it: &u8| b"\"'`".contains(it);
        if self == Where::Alone
            || (before.is_empty() && after.is_empty())
            || (last.is_some_and(quote) && next.is_some_and(quote))
            // `user:secret@host`.
            || (last == Some(&b':') && next == Some(&b'@'))
        {
            return true;
        }
        let between = |it: &u8| b" =:\"'`".contains(it);
        let count = before.iter().rev().take_while(|it| between(it)).count();
        let before = &before[..before.len() - count];
        // The word right before it, such as `api_key=`.
        let word = |it: &&u8| letter(it) || b"-_".contains(it);
        let length = before.iter().rev().take_while(word).count();
        let name = before[before.len() - length..].to_ascii_lowercase();
        let has = |word: &str| name.windows(word.len()).any(|it| it == word.as_bytes());
        count > 0 && NAMES.iter().chain(&SCHEMES).any(|word| has(word))
    }
}

/// The text without the secret.
fn without(text: &str, secret: &str) -> String {
    let place = Where::of(secret);
    let (mut made, mut copied) = (String::with_capacity(text.len()), 0);
    for (at, found) in text.match_indices(secret) {
        let after = at + found.len();
        let bytes = text.as_bytes();
        if place.holds(&bytes[..at], &bytes[after..]) {
            made.push_str(&text[copied..at]);
            made.push_str(MASK);
            copied = after;
        }
    }
    made.push_str(&text[copied..]);
    made
}

fn clean(text: &mut String, secrets: &[String]) {
    for secret in secrets {
        if text.contains(secret.as_str()) {
            *text = without(text, secret);
        }
        if Where::of(secret) != Where::Anywhere {
            continue;
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
fn secrets(client: &Client, own: &[(String, String)], more: &[Secret]) -> Vec<String> {
    let Client { config, shared, .. } = client;
    let mut found: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        if !text.is_empty() {
            found.push(text.to_owned());
            let json = serde_json::to_string(text).unwrap_or_default();
            found.push(json.trim_matches('"').to_owned());
            found.push(platform::url::form_urlencoded::byte_serialize(text.as_bytes()).collect());
        }
    };
    if let Some(key) = &config.api_key {
        add(key.expose());
    }
    if let Some(login) = &config.login {
        add(Login::password(login));
    }
    for url in platform::proxies(&config.network) {
        if let Some(password) = url.password() {
            add(password);
            add(&percent_encoding::percent_decode_str(password).decode_utf8_lossy());
        }
    }
    let learnt = shared.learnt.0.lock();
    for token in learnt.unwrap_or_else(PoisonError::into_inner).iter() {
        add(token.expose());
    }
    // Gateways take keys in headers and in the query.
    let named = config.headers.iter().chain(&config.query).chain(own);
    for (name, value) in named {
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
    for secret in more {
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
    fn words_and_short_secrets_are_masked_where_they_are_secrets() {
        for (secret, text, expected) in [
            // The default password of a new server, which is its name too.
            (
                "langflow",
                "langflow.example says: no langflow here",
                "langflow.example says: no langflow here",
            ),
            (
                "langflow",
                "/langflow/api/v1/flows",
                "/langflow/api/v1/flows",
            ),
            ("langflow", "langflow", "***"),
            (
                "langflow",
                "password=langflow&user=ada",
                "password=***&user=ada",
            ),
            ("langflow", "bad password: langflow.", "bad password: ***."),
            ("langflow", r#"{"pw": "langflow"}"#, r#"{"pw": "***"}"#),
            (
                "langflow",
                "http://ada:langflow@proxy:1",
                "http://ada:***@proxy:1",
            ),
            (
                "langflow",
                "Authorization: Bearer langflow",
                "Authorization: Bearer ***",
            ),
            ("Secret", "Secret", "***"),
            ("1234", "the key 1234 is bad", "the key *** is bad"),
            ("1234", "12345 bytes of 1234", "12345 bytes of ***"),
            ("k-1", "no k-1, k-11", "no ***, k-11"),
            ("k", "k is not ok", "k is not ok"),
            ("k", "api_key=k", "api_key=***"),
            ("correcthorsebattery", "xcorrecthorsebatteryx", "x***x"),
            ("sk-abcdef", "xsk-abcdefx", "x***x"),
        ] {
            let mut cleaned = text.to_owned();
            clean(&mut cleaned, &[secret.to_owned()]);
            assert_eq!(cleaned, expected, "{secret} in {text}");
        }
    }

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
