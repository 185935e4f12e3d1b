//! What people paste as the URL of their workspace, understood.

use crate::platform::url::Url;

use crate::error::{ErrorCode, LangflowError};
use crate::generated::operations::BASE_PATH;

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Scheme, host and port, no slash at the end.
    origin: String,
    /// Path prefix, no slash at the end; empty for most.
    prefix: String,
    /// Flow id of a pasted endpoint URL.
    flow_id: Option<String>,
    /// Whether it is this machine.
    loopback: bool,
}

/// What may stand behind the prefix in a pasted URL; the part behind it is cut off.
const ROUTES: [&str; 4] = ["/langflow/api", "/api/v1", "/api/v2", "/flow/"];

impl BaseUrl {
    /// Reads a URL in any form that people paste: host alone, with or without slash or prefix, a
    /// whole endpoint URL. `field` is what an error names.
    pub fn parse(text: &str, field: &str, allow_http: bool) -> Result<BaseUrl, LangflowError> {
        let refuse =
            |message: String| LangflowError::invalid(ErrorCode::InvalidBaseUrl, field, message);
        let text = text.trim();
        if text.is_empty() {
            return Err(refuse(format!("`{field}` is empty.")));
        }
        if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
            return Err(refuse(format!("`{field}` has white space in it.")));
        }
        let url = match text.split_once("://") {
            Some((scheme, rest)) => {
                if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
                    return Err(refuse(format!(
                        "`{field}` has the scheme `{scheme}`; only https and http are spoken."
                    )));
                }
                // The URL standard would take the first path segment for a missing host.
                if rest.is_empty() || rest.starts_with(['/', '?', '#', ':']) {
                    return Err(refuse(format!("`{field}` has no host.")));
                }
                Url::parse(text)
            }
            None if text.starts_with(['/', '?', '#', ':']) => {
                return Err(refuse(format!("`{field}` has no host.")));
            }
            None if text.split_once(":/").is_some_and(|(word, _)| {
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            }) =>
            {
                return Err(refuse(format!(
                    "`{field}` needs two slashes behind its scheme."
                )));
            }
            None => Url::parse(&format!("https://{text}")).map(|mut url| {
                if is_loopback(&url) {
                    // `https` to `http` cannot fail: both are special schemes with a host.
                    let _ = url.set_scheme("http");
                }
                url
            }),
        };
        let url = url.map_err(|error| refuse(format!("`{field}` is not a URL: {error}.")))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refuse(format!("`{field}` has no host.")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(format!(
                "`{field}` holds a user name or password; pass `api_key`."
            )));
        }
        let (prefix, flow_id) = split_path(url.path());
        let base = BaseUrl {
            origin: url.origin().ascii_serialization(),
            prefix,
            flow_id,
            loopback: is_loopback(&url),
        };
        if url.scheme() == "http" && !base.is_loopback() && !allow_http {
            return Err(LangflowError::invalid(
                ErrorCode::InsecureUrl,
                field,
                format!(
                    "`{field}` is plain http to another machine: the key would be readable on the way."
                ),
            ));
        }
        Ok(base)
    }

    /// Base of the workspace routes, no slash at the end.
    pub fn workspace(&self) -> String {
        let prefix = self
            .prefix
            .strip_suffix("/langflow")
            .unwrap_or(&self.prefix);
        [&self.origin, prefix, BASE_PATH].concat()
    }

    /// Base of the routes of an open-source server, no slash at the end.
    pub fn root(&self) -> String {
        [self.origin.as_str(), &self.prefix].concat()
    }

    /// Whether the server is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether it is the address under which DataStax hosts Langflow.
    pub fn is_hosted(&self) -> bool {
        let host = self.origin.strip_prefix("https://").unwrap_or_default();
        host.split(':')
            .next()
            .is_some_and(|host| host.ends_with(".astra.datastax.com"))
    }

    /// Flow id of a pasted endpoint URL.
    pub fn flow_id(&self) -> Option<&str> {
        self.flow_id.as_deref()
    }
}

/// Of a URL in its normal form, where every spelling of an address has become one.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ipv4 = || host.bytes().all(|byte| matches!(byte, b'.' | b'0'..=b'9'));
    host.starts_with("127.") && ipv4()
        || matches!(host, "[::1]" | "localhost")
        || host.ends_with(".localhost")
}

/// The prefix of a pasted path, and the flow id in it.
fn split_path(path: &str) -> (String, Option<String>) {
    let cut = ROUTES
        .iter()
        .filter_map(|route| match route.ends_with('/') {
            true => path.find(route),
            // `/api/v1` is a route, `/api/v10` is a prefix of somebody's.
            false => path
                .match_indices(route)
                .map(|(at, _)| at)
                .find(|at| matches!(path.as_bytes().get(at + route.len()), None | Some(b'/'))),
        })
        .min();
    let (prefix, route) = path.split_at(cut.unwrap_or(path.len()));
    let mut segments = route
        .split('/')
        .filter(|segment| !segment.is_empty())
        .skip_while(|segment| !matches!(*segment, "flows" | "flow" | "run" | "webhook"));
    let flow_id = segments.nth(1).filter(|_| cut.is_some()).map(|id| {
        percent_encoding::percent_decode_str(id)
            .decode_utf8_lossy()
            .into_owned()
    });
    (prefix.trim_end_matches('/').to_owned(), flow_id)
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;
    use crate::error::ErrorCode;

    #[test]
    fn every_pasted_form() {
        for (text, workspace, flow_id) in [
            ("your-workspace-url", "https://your-workspace-url", None),
            ("localhost:7860", "http://localhost:7860", None),
            ("127.0.0.1:1/", "http://127.0.0.1:1", None),
            ("[::1]:8000", "http://[::1]:8000", None),
            (" https://w.example ", "https://w.example", None),
            ("https://w.example/", "https://w.example", None),
            (
                "https://w.example/team/a/",
                "https://w.example/team/a",
                None,
            ),
            ("https://w.example/langflow", "https://w.example", None),
            (
                "https://w.example/langflow/api/v1",
                "https://w.example",
                None,
            ),
            (
                "https://w.example/p/langflow/api/v1/",
                "https://w.example/p",
                None,
            ),
            (
                "https://w.example/langflow/api/v1/flows/a%20b/run",
                "https://w.example",
                Some("a b"),
            ),
            (
                "https://w.example/api/v1/run/f1?stream=true",
                "https://w.example",
                Some("f1"),
            ),
            (
                "https://w.example/flow/f1/folder/x",
                "https://w.example",
                Some("f1"),
            ),
            ("HTTPS://W.Example:443", "https://w.example", None),
            (
                "https://w.example/api/v10",
                "https://w.example/api/v10",
                None,
            ),
        ] {
            let found = BaseUrl::parse(text, "base_url", false).unwrap();
            assert_eq!(
                found.workspace(),
                format!("{workspace}/langflow/api/v1"),
                "{text}"
            );
            assert_eq!(found.flow_id(), flow_id, "{text}");
        }
    }

    #[test]
    fn refused_with_the_field_named() {
        for (text, code) in [
            ("", ErrorCode::InvalidBaseUrl),
            ("   ", ErrorCode::InvalidBaseUrl),
            ("https://", ErrorCode::InvalidBaseUrl),
            ("https:///path", ErrorCode::InvalidBaseUrl),
            ("ftp://w.example", ErrorCode::InvalidBaseUrl),
            ("https:/w.example", ErrorCode::InvalidBaseUrl),
            ("https://w example", ErrorCode::InvalidBaseUrl),
            ("/langflow", ErrorCode::InvalidBaseUrl),
            ("https://user:pw@w.example", ErrorCode::InvalidBaseUrl),
            ("https://w.example:99999", ErrorCode::InvalidBaseUrl),
            ("http://w.example", ErrorCode::InsecureUrl),
        ] {
            let error = BaseUrl::parse(text, "base_url", false).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert_eq!(error.info().field.as_deref(), Some("base_url"));
            assert!(!error.to_string().contains("pw"));
        }
        assert!(BaseUrl::parse("http://w.example", "base_url", true).is_ok());
    }
}
