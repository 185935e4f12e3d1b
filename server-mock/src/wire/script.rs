//! The language of scripts: what a scripted server answers, to the byte.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one request is answered with: a [`Reply`], or the name of a [`Trick`].
///
/// ```
/// use langflow_mock::wire::ScriptedReply;
///
/// let script: Vec<ScriptedReply> = serde_json::from_str(
///     r#"[
///         "reset_before_response",
///         {"status": 503, "headers": {"retry-after": "0"}, "json": {"detail": "later"}},
///         {"headers": {"content-type": "text/event-stream"},
///          "chunks": [{"text": "event: token\n"}, {"text": "data: {}\n\n", "delay_ms": 5}],
///          "framing": "chunked", "cut_at": 20, "end": "reset"}
///     ]"#,
/// )?;
/// assert_eq!(script.len(), 3);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScriptedReply {
    /// No answer at all, in one of several ways.
    Trick(Trick),
    /// An answer.
    Reply(Box<Reply>),
}

impl From<Trick> for ScriptedReply {
    fn from(trick: Trick) -> Self {
        Self::Trick(trick)
    }
}

impl From<Reply> for ScriptedReply {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

/// Ways not to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trick {
    /// From here on nobody listens on the port. As the first entry: from the beginning.
    Refuse,
    /// Accepts the connection and resets it before it reads a byte.
    ResetOnConnect,
    /// Reads the request and closes the connection.
    CloseBeforeResponse,
    /// Reads the request and resets the connection (a TCP RST).
    ResetBeforeResponse,
    /// Reads the request and stays silent until the client goes away.
    Stall,
}

/// An answer, as exact as needed. Without `body`, `json`, `chunks` and `raw` the body is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The words after the status; the usual ones unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Headers as they shall be spelt, in order. Added to them are only what `framing` needs and,
    /// for `json`, a content type; a header that is given is never added.
    pub headers: Headers,
    /// The body as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Bytes>,
    /// The body as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The body in pieces that leave one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Vec<Chunk>>,
    /// Everything from the status line on, instead of all the above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Bytes>,
    /// How the length of the body is told.
    pub framing: Framing,
    /// What happens to the connection afterwards.
    pub end: End,
    /// Only so many bytes of the body are sent (of `raw`: of everything), and then `end` comes;
    /// a connection that would be kept is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<usize>,
    /// Milliseconds before the status line.
    pub delay_ms: u64,
    /// Not used again for further requests when it is the last of its script.
    pub once: bool,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: 200,
            reason: None,
            headers: Headers::default(),
            body: None,
            json: None,
            chunks: None,
            raw: None,
            framing: Framing::default(),
            end: End::default(),
            cut_at: None,
            delay_ms: 0,
            once: false,
        }
    }
}

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chunk {
    /// The piece as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The piece in base64, for bytes that are no text.
    #[serde(skip_serializing_if = "Option::is_none", with = "encoded")]
    pub base64: Option<Vec<u8>>,
    /// Milliseconds before the piece.
    pub delay_ms: u64,
}

impl Chunk {
    /// The bytes of the piece.
    pub fn bytes(&self) -> &[u8] {
        match (&self.text, &self.base64) {
            (Some(text), _) => text.as_bytes(),
            (None, Some(bytes)) => bytes,
            (None, None) => &[],
        }
    }
}

/// Text, or `{"base64": "..."}` for bytes that are no text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bytes {
    /// Text in UTF-8.
    Text(String),
    /// Any bytes.
    Binary {
        /// The bytes, in base64 where they stand in JSON.
        #[serde(with = "encoded_bytes")]
        base64: Vec<u8>,
    },
}

impl Bytes {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary { base64 } => base64,
        }
    }
}

/// Headers in order: in JSON an object, or a list of pairs where a name comes twice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "HeaderForms")]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// Whether a header is given, however it is spelt.
    pub fn contains(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum HeaderForms {
    Pairs(Vec<(String, String)>),
    Object(serde_json::Map<String, Value>),
}

impl From<HeaderForms> for Headers {
    fn from(forms: HeaderForms) -> Self {
        match forms {
            HeaderForms::Pairs(pairs) => Self(pairs),
            HeaderForms::Object(object) => Self(object.into_iter().map(plain).collect()),
        }
    }
}

/// A number is as good as its text: `"retry-after": 0`.
fn plain((name, value): (String, Value)) -> (String, String) {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    (name, text)
}

/// How the length of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// By a `Content-Length` header.
    #[default]
    ContentLength,
    /// In chunks, one for each piece.
    Chunked,
    /// By the end of the connection.
    Close,
}

/// What happens to a connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It stays for the next request; closed where the framing asks for that.
    #[default]
    Keep,
    /// It is closed (a TCP FIN).
    Close,
    /// It is reset (a TCP RST).
    Reset,
    /// It stays open in the middle of the answer, silently, until the client goes away.
    Stall,
}

mod encoded_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD
            .decode(String::deserialize(from)?)
            .map_err(D::Error::custom)
    }
}

mod encoded {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Encoded(#[serde(with = "super::encoded_bytes")] Vec<u8>);

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.clone().map(Encoded).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Encoded>::deserialize(from)?.map(|encoded| encoded.0))
    }
}
