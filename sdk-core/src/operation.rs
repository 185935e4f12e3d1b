//! The shape of a row of the operation tables, and finding one.

use std::sync::Mutex;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::OnceLock;

use crate::dialect::Family;
#[cfg(not(target_arch = "wasm32"))]
use crate::generated::langflow_operations::PACKED;
use crate::generated::operations::OPERATIONS;

/// What the ids of the second table begin with.
const SECOND: &str = "langflow.";

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
    /// What the JSON of its success answers is.
    pub shape: Shape,
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
            && (self.path.ends_with("/run")
                || self.path.starts_with("/api/v1/run/")
                || matches!(self.path, "/api/v2/workflows" | "/api/v1/responses")
                || self.family() == Family::Lfx)
    }

    /// Whose operation it is.
    pub fn family(&self) -> Family {
        if self.id.starts_with("lfx") {
            Family::Lfx
        } else if self.id.starts_with("responses") {
            Family::Responses
        } else if self.path.starts_with("/api/") || self.id.starts_with(SECOND) {
            Family::Langflow
        } else {
            Family::Workspace
        }
    }

    /// Whether it is one of the v2 workflows of an open-source server.
    pub fn workflow(&self) -> bool {
        self.path.starts_with("/api/v2/workflows")
    }

    /// Whether it follows a run that is under way.
    pub fn follows(&self) -> bool {
        self.stream && self.path.ends_with("/events")
    }

    /// Whether it stands at the root of an open-source server, not under the workspace's base.
    pub fn open_source(&self) -> bool {
        self.family() != Family::Workspace
    }

    /// Whether its events are handed over as they come: no run of ours, and no result at their end.
    pub fn raw_events(&self) -> bool {
        self.stream && self.id.starts_with(SECOND)
    }
}

/// What the JSON of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Anything, nothing included.
    Any,
    /// An object.
    Object,
    /// A list.
    List,
}

impl Shape {
    /// What is wrong with an answer; nothing stands for an empty body.
    pub fn misses(self, value: Option<&serde_json::Value>) -> Option<&'static str> {
        match (self, value) {
            (Shape::Any, _) => None,
            (Shape::Object, Some(value)) if value.is_object() => None,
            (Shape::List, Some(value)) if value.is_array() => None,
            (Shape::Object, _) => Some("The answer is not an object, as it should be."),
            (Shape::List, _) => Some("The answer is not a list, as it should be."),
        }
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
#[derive(Debug, Clone, Copy)]
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

/// The row of an operationId; those of the second document stand behind its name.
pub fn find(id: &str) -> Option<&'static Operation> {
    #[cfg(not(target_arch = "wasm32"))]
    if id.starts_with(SECOND) {
        static ROWS: OnceLock<Vec<Operation>> = OnceLock::new();
        let rows = ROWS.get_or_init(|| PACKED.lines().filter_map(unpack).collect());
        return rows.iter().find(|row| row.id == id);
    }
    OPERATIONS
        .binary_search_by(|row| row.id.cmp(id))
        .ok()
        .map(|at| &OPERATIONS[at])
}

/// As [`find`], where the caller brings the row of an operation of the second document, written as
/// text: the WebAssembly engine is too small to have them all.
pub fn find_or_read(id: &str, row: &str) -> Option<&'static Operation> {
    static READ: Mutex<Vec<&'static Operation>> = Mutex::new(Vec::new());
    if let Some(found) = find(id) {
        return Some(found);
    }
    if !id.starts_with(SECOND) || row.split(' ').next() != Some(id) {
        return None;
    }
    let mut read = READ
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(found) = read.iter().find(|known| known.id == id) {
        return Some(found);
    }
    // Once an operation: what is kept is as small as the table that is not there.
    let made = unpack(row.to_owned().leak())?;
    let kept: &'static Operation = Box::leak(Box::new(made));
    read.push(kept);
    Some(kept)
}

/// A row that is written as text; the generator says how. The rows live as long as the program.
fn unpack(line: &'static str) -> Option<Operation> {
    let mut words = line.split(' ');
    let [id, method, path, flags, body, accept, rest] = std::array::from_fn(|_| words.next());
    let path: &'static str = path?;
    let mut params: Vec<Param> = path
        .split('{')
        .skip(1)
        .filter_map(|piece| piece.split('}').next())
        .map(|name| Param {
            name,
            location: In::Path,
            required: true,
            kind: Kind::String,
        })
        .collect();
    params.extend(rest?.split(',').filter_map(unpack_param));
    let body = body.filter(|text| *text != "-").map(|text| Body {
        required: text.starts_with('!'),
        content_types: media_types(text.trim_start_matches('!')).leak(),
    });
    let flags = flags?;
    Some(Operation {
        id: id?,
        method: method?,
        path,
        params: params.leak(),
        body,
        accept: media_types(accept?).join(", ").leak(),
        shape: match flags {
            object if object.ends_with('o') => Shape::Object,
            list if list.ends_with('a') => Shape::List,
            _ => Shape::Any,
        },
        stream: flags.contains('e'),
        safety: match flags.starts_with('s') {
            true => Safety::Safe,
            false => Safety::Unsafe,
        },
        permission: match flags.contains('n') {
            true => "none",
            false => "key",
        },
    })
}

/// `order?c:ASC|DESC` is a choice in the query, `If-Match^s` a text in a header.
fn unpack_param(text: &'static str) -> Option<Param> {
    let at = text.find(['?', '^'])?;
    let (name, rest) = text.split_at(at);
    let location = match rest.starts_with('^') {
        true => In::Header,
        false => In::Query,
    };
    let kind = rest[1..].trim_start_matches('!');
    Some(Param {
        name,
        location,
        required: rest[1..].starts_with('!'),
        kind: match kind.split_once(':') {
            Some((_, words)) => Kind::Choice(words.split('|').collect::<Vec<_>>().leak()),
            None => match kind {
                "s" => Kind::String,
                "i" => Kind::Integer,
                "n" => Kind::Number,
                "b" => Kind::Boolean,
                "l" => Kind::List,
                _ => return None,
            },
        },
    })
}

fn media_types(text: &'static str) -> Vec<&'static str> {
    let whole = |name| match name {
        "json" => "application/json",
        other => other,
    };
    text.split(',').map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packed_row_is_read() {
        for line in PACKED.lines() {
            let id = line.split(' ').next().unwrap_or_default();
            let row = find(id).unwrap_or_else(|| panic!("{line}"));
            let asked = line.rsplit(' ').next().unwrap_or_default();
            let in_path = row.path.matches('{').count();
            let others = match asked {
                "-" => 0,
                some => some.split(',').count(),
            };
            assert_eq!(row.params.len(), in_path + others, "{line}");
        }
    }

    #[test]
    fn a_packed_row_says_what_the_document_says() {
        let row = find("langflow.updateFlow").unwrap();
        assert_eq!((row.method, row.path), ("PATCH", "/api/v1/flows/{flow_id}"));
        assert_eq!(row.params[0].location, In::Path);
        assert_eq!(row.params[1].name, "If-Match");
        assert_eq!(row.params[1].location, In::Header);
        assert!(row.body.as_ref().unwrap().required);
        assert_eq!((row.safety, row.permission), (Safety::Safe, "key"));
        assert_eq!(row.shape, Shape::Object);
        let row = find("langflow.listMessages").unwrap();
        assert_eq!(row.shape, Shape::List);
        let order = row.params.iter().find(|p| p.name == "order").unwrap();
        assert!(matches!(order.kind, Kind::Choice(["ASC", "DESC"])));
        let row = find("langflow.downloadFlows").unwrap();
        assert_eq!(row.accept, "application/json, application/x-zip-compressed");
        assert!(find("langflow.nothing").is_none());
    }
}
