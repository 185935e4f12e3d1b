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
    // Each step goes past a beginning, so that long texts take no longer than they are.
    while let Some((at, prefix)) = beginning(rest) {
        let (before, candidate) = rest.split_at(at);
        let inside = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let inside = before.chars().next_back().is_some_and(inside)
            || (at == 0 && out.chars().next_back().is_some_and(inside));
        let end = |it: char| !(it.is_ascii_alphanumeric() || "_-+/=".contains(it));
        out.push_str(before);
        out.push_str(prefix);
        rest = &candidate[prefix.len()..];
        let length = rest.find(end).unwrap_or(rest.len());
        if !inside && prefix.len() + length >= SECRET {
            out.push_str("***");
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    out
}

/// Where something begins as a secret does, and with what.
fn beginning(text: &str) -> Option<(usize, &'static str)> {
    let first = |it: char| PREFIXES.iter().any(|prefix| prefix.starts_with(it));
    let places = text.match_indices(first);
    let mut found = places.filter_map(|(at, _)| {
        let here = &text[at..];
        let prefix = PREFIXES.iter().find(|prefix| here.starts_with(**prefix));
        prefix.map(|prefix| (at, *prefix))
    });
    found.next()
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
        let long = "lf_ é".repeat(20_000);
        assert_eq!(mask_text(&long), long);
        assert_eq!(mask_text(&format!("{key}{key}")), "lf_***");
        assert_eq!(mask_target(&format!("/a/{key}?x=1")), "/a/lf_***?x=1");
        assert_eq!(mask_target("/a?api_key=abc&x=1"), "/a?api_key=***&x=1");
        assert!(has_secret("/a?token=abc") && !has_secret("/a?page=1"));
        assert_eq!(mask_header("authorization", "Bearer abc"), "Bearer ***");
        assert_eq!(mask_header("x-api-key", "abc"), "***");
        assert_eq!(mask_header("accept", "a b"), "a b");
    }
}
