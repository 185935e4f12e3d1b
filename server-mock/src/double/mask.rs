//! Secrets do not leave the journal.

/// What secrets begin with: our keys, signing secrets, and the keys of model providers.
const PREFIXES: [&str; 3] = ["lf_", "whsec_", "sk-"];

/// From how many characters on something with such a beginning is a secret.
const SECRET: usize = 20;

/// Query parameters that carry secrets.
const PARAMETERS: [&str; 8] = [
    "key",
    "api_key",
    "apikey",
    "x-api-key",
    "token",
    "access_token",
    "secret",
    "password",
];

/// Headers that carry secrets.
const HEADERS: [&str; 5] = [
    "authorization",
    "x-api-key",
    "cookie",
    "set-cookie",
    "proxy-authorization",
];

/// A text without the secrets in it.
pub(crate) fn mask_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(first) = rest.chars().next() {
        let inside = before.is_some_and(|it| it.is_ascii_alphanumeric() || it == '_');
        let prefix = PREFIXES.iter().find(|prefix| rest.starts_with(**prefix));
        let length = rest
            .find(|it: char| !(it.is_ascii_alphanumeric() || "_-+/=".contains(it)))
            .unwrap_or(rest.len());
        match prefix {
            Some(prefix) if !inside && length >= SECRET => {
                out.push_str(prefix);
                out.push_str("***");
                rest = &rest[length..];
                before = Some('*');
            }
            _ => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
                before = Some(first);
            }
        }
    }
    out
}

/// A path with its query, without the secrets in them.
pub(super) fn mask_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return mask_text(target);
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if secret_parameter(name) && !value.is_empty() => {
            format!("{name}=***")
        }
        _ => mask_text(pair),
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    format!("{}?{query}", mask_text(path))
}

/// The value of a header without what is secret in it.
pub(super) fn mask_header(name: &str, value: &str) -> String {
    if !HEADERS.contains(&name) {
        return mask_text(value);
    }
    match value.split_once(' ') {
        Some((scheme, _)) if name.ends_with("authorization") => format!("{scheme} ***"),
        _ => "***".to_owned(),
    }
}

/// Whether a path with its query has a secret in it.
pub(super) fn has_secret(target: &str) -> bool {
    mask_target(target) != target
}

fn secret_parameter(name: &str) -> bool {
    PARAMETERS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_nothing_else_is() {
        let key = "lf_admin_5fqw519161whss1yrqne69he3vr179jf";
        assert_eq!(
            mask_text(&format!("{{\"key\":\"{key}\",\"a\":1}}")),
            "{\"key\":\"lf_***\",\"a\":1}"
        );
        assert_eq!(
            mask_text("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD."),
            "whsec_***."
        );
        let harmless = "self_contained_and_rather_long lf_short é sk-8";
        assert_eq!(mask_text(harmless), harmless);
        assert_eq!(mask_target(&format!("/a/{key}?x=1")), "/a/lf_***?x=1");
        assert_eq!(mask_target("/a?api_key=abc&x=1"), "/a?api_key=***&x=1");
        assert!(has_secret("/a?token=abc") && !has_secret("/a?page=1"));
        assert_eq!(mask_header("authorization", "Bearer abc"), "Bearer ***");
        assert_eq!(mask_header("x-api-key", "abc"), "***");
        assert_eq!(mask_header("accept", "a b"), "a b");
    }
}
