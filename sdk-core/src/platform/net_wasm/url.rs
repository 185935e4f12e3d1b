//! URLs: JavaScript reads them, by the same standard as the `url` crate. What it says is in its normal
//! form, of which the parts are taken here.

use std::fmt;
use std::str::FromStr;

pub use form_urlencoded;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What would end a path, or be cut off at its end.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#');

/// A URL in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url(String);

/// A text that is no URL.
#[derive(Debug, Clone, Copy)]
pub struct ParseError;

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("it cannot be read as one")
    }
}

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// As it is written in headers.
    pub fn ascii_serialization(&self) -> String {
        self.0.clone()
    }
}

impl Url {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Url, ParseError> {
        web_sys::Url::new(text).map(Url::of).map_err(|_| ParseError)
    }

    /// The URL that a reference stands for, seen from this one.
    pub fn join(&self, reference: &str) -> Result<Url, ParseError> {
        let joined = web_sys::Url::new_with_base(reference, &self.0);
        joined.map(Url::of).map_err(|_| ParseError)
    }

    fn of(url: web_sys::Url) -> Url {
        Url(url.href())
    }

    /// One that is in its normal form already.
    pub(super) fn normal(text: String) -> Url {
        Url(text)
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `https`, `http`, or another.
    pub fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// Where what stands between `//` and the path begins and ends.
    fn authority(&self) -> (usize, usize) {
        let begin = self.scheme().len() + 1;
        let begin = match self.0[begin..].starts_with("//") {
            true => begin + 2,
            false => return (begin, begin),
        };
        let length = self.0[begin..].find(['/', '?', '#']);
        (begin, length.map_or(self.0.len(), |length| begin + length))
    }

    /// User and password, and host and port.
    fn user_and_host(&self) -> (&str, &str) {
        let (begin, end) = self.authority();
        let authority = &self.0[begin..end];
        authority.rsplit_once('@').unwrap_or(("", authority))
    }

    /// The user, empty for none.
    pub fn username(&self) -> &str {
        let (user, _) = self.user_and_host();
        user.split(':').next().unwrap_or_default()
    }

    /// The password.
    pub fn password(&self) -> Option<&str> {
        let (user, _) = self.user_and_host();
        user.split_once(':').map(|(_, password)| password)
    }

    /// The host; an address of IPv6 in its brackets.
    pub fn host_str(&self) -> Option<&str> {
        let (_, host) = self.user_and_host();
        let host = match host.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => host,
        };
        (!host.is_empty()).then_some(host)
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> Origin {
        let (_, host) = self.user_and_host();
        Origin([self.scheme(), "://", host].concat())
    }

    /// The path.
    pub fn path(&self) -> &str {
        let (_, begin) = self.authority();
        let rest = &self.0[begin..];
        rest.split(['?', '#']).next().unwrap_or_default()
    }

    /// What stands behind the question mark.
    pub fn query(&self) -> Option<&str> {
        let url = self.0.split('#').next().unwrap_or_default();
        url.split_once('?').map(|(_, query)| query)
    }

    /// Another path, instead of that and all that is behind it.
    pub fn set_path(&mut self, path: &str) {
        let (_, end) = self.authority();
        let before = &self.0[..end];
        let path = utf8_percent_encode(path, PATH).to_string();
        let query = self
            .query()
            .map_or_else(String::new, |it| ["?", it].concat());
        if let Ok(url) = Url::parse(&[before, &path, &query].concat()) {
            *self = url;
        }
    }

    /// Another query, or none. It has to be encoded already.
    pub fn set_query(&mut self, query: Option<&str>) {
        let end = self.0.find(['?', '#']).unwrap_or(self.0.len());
        self.0.truncate(end);
        if let Some(query) = query {
            self.0.push('?');
            self.0.push_str(query);
        }
    }

    /// Another scheme.
    pub fn set_scheme(&mut self, scheme: &str) -> Result<(), ParseError> {
        let rest = &self.0[self.scheme().len()..];
        *self = Url::parse(&[scheme, rest].concat())?;
        Ok(())
    }
}

impl FromStr for Url {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Url, ParseError> {
        Url::parse(text)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
