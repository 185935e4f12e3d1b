//! Methods, statuses and headers, as far as a client needs them. Headers are few: a list of them is looked
//! through faster than it is hashed.

use std::borrow::Cow;
use std::fmt;

/// A text that is no header, name of one, or method.
#[derive(Debug, Clone, Copy)]
pub struct Invalid;

/// What a name may have in it: the tokens of RFC 9110.
fn is_token(text: &[u8]) -> bool {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(token)
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
}

/// The method of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// `GET`.
    pub const GET: Method = Method(Cow::Borrowed("GET"));

    /// The method of this name.
    pub fn from_bytes(name: &[u8]) -> Result<Method, Invalid> {
        HeaderName::text(name).map(|name| Method(Cow::Owned(name)))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The status of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCode(u16);

impl StatusCode {
    pub(super) fn heard(status: u16) -> StatusCode {
        StatusCode(status)
    }

    /// Its number.
    pub fn as_u16(self) -> u16 {
        self.0
    }

    /// 200 to 299.
    pub fn is_success(self) -> bool {
        matches!(self.0, 200..=299)
    }
}

/// The name of a header, in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderName(Cow<'static, str>);

impl HeaderName {
    /// A name in small letters that is known to be one.
    pub const fn from_static(name: &'static str) -> HeaderName {
        HeaderName(Cow::Borrowed(name))
    }

    /// The name that these bytes spell.
    pub fn from_bytes(name: &[u8]) -> Result<HeaderName, Invalid> {
        HeaderName::text(name).map(HeaderName::heard)
    }

    pub(super) fn heard(mut name: String) -> HeaderName {
        name.make_ascii_lowercase();
        HeaderName(Cow::Owned(name))
    }

    fn text(name: &[u8]) -> Result<String, Invalid> {
        match is_token(name) {
            true => Ok(String::from_utf8_lossy(name).into_owned()),
            false => Err(Invalid),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<&'static str> for HeaderName {
    fn from(name: &'static str) -> HeaderName {
        HeaderName::from_static(name)
    }
}

impl AsRef<str> for HeaderName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The value of a header. It may be a secret, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderValue(Cow<'static, str>);

impl HeaderValue {
    /// A value that is known to be one.
    pub const fn from_static(value: &'static str) -> HeaderValue {
        HeaderValue(Cow::Borrowed(value))
    }

    /// The value, if it is visible ASCII, spaces and tabs.
    pub fn from_str(value: &str) -> Result<HeaderValue, Invalid> {
        match is_visible(value) {
            true => Ok(HeaderValue::heard(value.to_owned())),
            false => Err(Invalid),
        }
    }

    pub(super) fn heard(value: String) -> HeaderValue {
        HeaderValue(Cow::Owned(value))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The value, if it is visible ASCII, spaces and tabs.
    pub fn to_str(&self) -> Result<&str, Invalid> {
        match is_visible(&self.0) {
            true => Ok(&self.0),
            false => Err(Invalid),
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// None is shown.
    pub fn set_sensitive(&mut self, _: bool) {}
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("...")
    }
}

impl TryFrom<String> for HeaderValue {
    type Error = Invalid;

    fn try_from(value: String) -> Result<HeaderValue, Invalid> {
        match is_visible(&value) {
            true => Ok(HeaderValue::heard(value)),
            false => Err(Invalid),
        }
    }
}

impl From<u32> for HeaderValue {
    fn from(number: u32) -> HeaderValue {
        HeaderValue::heard(number.to_string())
    }
}

/// Headers in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct HeaderMap(Vec<(HeaderName, HeaderValue)>);

impl HeaderMap {
    /// None yet.
    pub fn new() -> HeaderMap {
        HeaderMap::default()
    }

    /// None yet, with room for so many.
    pub fn with_capacity(most: usize) -> HeaderMap {
        HeaderMap(Vec::with_capacity(most))
    }

    /// The first value of this name.
    pub fn get(&self, name: impl AsRef<str>) -> Option<&HeaderValue> {
        let name = name.as_ref();
        let (_, value) = self.0.iter().find(|(one, _)| one.0 == name)?;
        Some(value)
    }

    /// Whether there is one of this name.
    pub fn contains_key(&self, name: impl AsRef<str>) -> bool {
        self.get(name).is_some()
    }

    /// Takes out all of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(one, _)| one.0 != name);
    }

    /// Sets the only one of this name.
    pub fn insert(&mut self, name: impl Into<HeaderName>, value: HeaderValue) {
        let name = name.into();
        self.remove(&name.0);
        self.append(name, value);
    }

    /// One more, also of a name that is there.
    pub(super) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// Sets each of these.
    pub fn extend(&mut self, others: HeaderMap) {
        for (name, value) in others.0 {
            self.insert(name, value);
        }
    }

    fn pair((name, value): &(HeaderName, HeaderValue)) -> (&HeaderName, &HeaderValue) {
        (name, value)
    }
}

/// Names and values.
type Pairs<'a> = std::iter::Map<
    std::slice::Iter<'a, (HeaderName, HeaderValue)>,
    fn(&'a (HeaderName, HeaderValue)) -> (&'a HeaderName, &'a HeaderValue),
>;

impl<'a> IntoIterator for &'a HeaderMap {
    type Item = (&'a HeaderName, &'a HeaderValue);
    type IntoIter = Pairs<'a>;

    fn into_iter(self) -> Pairs<'a> {
        self.0.iter().map(HeaderMap::pair)
    }
}

/// Names of headers.
pub mod header {
    pub use super::HeaderName;

    macro_rules! names {
        ($($constant:ident $name:literal)*) => {
            $(
                #[doc = $name]
                pub const $constant: HeaderName = HeaderName::from_static($name);
            )*
        };
    }

    names! {
        ACCEPT "accept"
        AUTHORIZATION "authorization"
        CONTENT_ENCODING "content-encoding"
        CONTENT_LENGTH "content-length"
        CONTENT_TYPE "content-type"
        COOKIE "cookie"
        LOCATION "location"
        SERVER "server"
        SET_COOKIE "set-cookie"
        USER_AGENT "user-agent"
    }
}
