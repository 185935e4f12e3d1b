//! The shape of a row of the operation table, and finding one.

use crate::generated::operations::OPERATIONS;

/// One operation of an API.
#[derive(Debug)]
pub struct Operation {
    /// operationId of the document.
    pub id: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path template below the base path.
    pub path: &'static str,
    /// Parameters in document order.
    pub params: &'static [Param],
    /// The request body, if the operation takes one.
    pub body: Option<Body>,
    /// What to ask for in `Accept`.
    pub accept: &'static str,
    /// Whether the answer is only ever a stream of events.
    pub stream: bool,
    /// What may be repeated when.
    pub safety: Safety,
    /// Permission that a key needs.
    pub permission: &'static str,
}

impl Operation {
    /// Whether this is a run of a flow.
    pub fn runs(&self) -> bool {
        self.safety == Safety::Unsafe
            && (self.path.ends_with("/run") || self.path.starts_with("/api/v1/run/"))
    }

    /// Whether it stands at the root of an open-source server, not under the workspace's base.
    pub fn open_source(&self) -> bool {
        self.path.starts_with("/api/")
    }
}

/// A parameter of an operation.
#[derive(Debug)]
pub struct Param {
    /// Name on the wire.
    pub name: &'static str,
    /// Where it goes.
    pub location: In,
    /// Whether a call without it is refused before it leaves.
    pub required: bool,
    /// What it may be.
    pub kind: Kind,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum In {
    /// A segment of the path.
    Path,
    /// The query string.
    Query,
    /// A header.
    Header,
}

/// What a parameter may be.
#[allow(dead_code, reason = "which of these occur is up to the documents")]
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list, sent as a repeated parameter.
    List,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Anything that can be written as text.
    Any,
}

/// A request body.
#[derive(Debug)]
pub struct Body {
    /// Whether a call without it is refused before it leaves.
    pub required: bool,
    /// Media types; the first is used unless the caller says otherwise.
    pub content_types: &'static [&'static str],
}

/// What may be repeated when: the retry safety class of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Repeating it changes nothing: after every transient failure.
    Safe,
    /// One idempotency key over all attempts makes it safe.
    Keyed,
    /// Only where the server provably did not start.
    Unsafe,
}

/// The row of an operationId.
pub fn find(id: &str) -> Option<&'static Operation> {
    OPERATIONS
        .binary_search_by(|row| row.id.cmp(id))
        .ok()
        .map(|at| &OPERATIONS[at])
}
