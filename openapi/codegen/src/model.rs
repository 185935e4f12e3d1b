//! What an OpenAPI document says, in the form that every emitter reads.

use serde::Serialize;

/// One API: its operations and the shapes that they speak of.
#[derive(Debug, Clone, Serialize)]
pub struct Api {
    /// Name of the document without extension (`workspace`).
    pub name: String,
    /// What stands before an operationId where the APIs are one list (`langflow.`, or nothing).
    pub prefix: String,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub version: String,
    /// Path under which all operations stand (`/langflow/api/v1`).
    pub base_path: String,
    /// Tags in document order; each is a resource of the client.
    pub tags: Vec<Tag>,
    /// Operations in document order.
    pub operations: Vec<Operation>,
    /// Named schemas in document order.
    pub schemas: Vec<Schema>,
}

/// A resource: `client.<name>.<method>`.
#[derive(Debug, Clone, Serialize)]
pub struct Tag {
    /// `api_keys`.
    pub name: String,
    /// `apiKeys`.
    pub camel: String,
    /// `ApiKeys`.
    pub class: String,
    /// Text of the document.
    pub description: String,
}

/// One operation of the document.
#[derive(Debug, Clone, Serialize)]
pub struct Operation {
    /// operationId as written (`listFlows`); the key of the operation table.
    pub id: String,
    /// Tag name.
    pub tag: String,
    /// Method name by the naming rule, snake_case (`list`).
    pub name: String,
    /// Method name by the naming rule, camelCase.
    pub camel: String,
    /// `GET`.
    pub method: String,
    /// Path template relative to the base path (`/flows/{flow_id}`).
    pub path: String,
    /// One line.
    pub summary: String,
    /// Longer text, may be empty.
    pub description: String,
    /// Whether the document advises against it.
    pub deprecated: bool,
    /// `read`, `execute`, `write`, `admin`, `key` (any) or `none`.
    pub permission: String,
    /// `documented`, `ours` or `hidden`.
    pub origin: String,
    /// `safe`, `keyed` or `unsafe`.
    pub safety: String,
    /// True if the operation only makes sense as a stream of events.
    pub stream: bool,
    /// Id under which the core calls it by itself.
    pub core: Option<String>,
    /// Path, query and header parameters, in document order.
    pub params: Vec<Param>,
    /// The request body, if there is one.
    pub body: Option<Body>,
    /// Success answers, in document order.
    pub success: Vec<Success>,
    /// Documented error statuses.
    pub errors: Vec<u16>,
}

/// A path, query or header parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Param {
    /// Name on the wire.
    pub wire: String,
    /// snake_case identifier.
    pub snake: String,
    /// camelCase identifier.
    pub camel: String,
    /// `path`, `query` or `header`.
    pub location: String,
    /// Whether a call without it is refused.
    pub required: bool,
    /// Its type.
    pub ty: Type,
    /// Text of the document.
    pub description: String,
}

/// A request body.
#[derive(Debug, Clone, Serialize)]
pub struct Body {
    /// Whether a call without it is refused.
    pub required: bool,
    /// Media types, the first is the default.
    pub content_types: Vec<String>,
    /// Shape of the JSON body, `Any` where there is none.
    pub ty: Type,
    /// The fields, where the JSON body is an object with named fields: façades take them as
    /// arguments of the method.
    pub fields: Vec<Field>,
}

/// A success answer.
#[derive(Debug, Clone, Serialize)]
pub struct Success {
    /// 200, 201, 202, 204.
    pub status: u16,
    /// `json`, `text`, `bytes`, `sse` or `empty`.
    pub kind: String,
    /// Media type, empty for `empty`.
    pub content_type: String,
    /// Shape for `json`.
    pub ty: Option<Type>,
}

/// A type, independent of language.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum Type {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// Anything JSON can say.
    Any,
    /// A list.
    Array(Box<Type>),
    /// An object with free keys.
    Map(Box<Type>),
    /// A named schema.
    Ref(String),
    /// One of these words.
    Enum(Vec<String>),
    /// One of these types.
    Union(Vec<Type>),
}

/// A named schema: an object with fields, or another name for a type.
#[derive(Debug, Clone, Serialize)]
pub struct Schema {
    /// `RunResponse`.
    pub name: String,
    /// Text of the document.
    pub description: String,
    /// Fields of an object, empty for an alias.
    pub fields: Vec<Field>,
    /// What the name stands for, where it is not an object with fields.
    pub alias: Option<Type>,
    /// Whether other fields may occur.
    pub open: bool,
}

/// A field of an object.
#[derive(Debug, Clone, Serialize)]
pub struct Field {
    /// Name on the wire.
    pub wire: String,
    /// snake_case identifier.
    pub snake: String,
    /// camelCase identifier.
    pub camel: String,
    /// Its type.
    pub ty: Type,
    /// Always there.
    pub required: bool,
    /// May be null.
    pub nullable: bool,
    /// Text of the document.
    pub description: String,
    /// `documented` or `ours`.
    pub origin: String,
    /// Whether it is not to be printed.
    pub secret: bool,
}

impl Api {
    /// The schema of a name.
    pub fn schema(&self, name: &str) -> Option<&Schema> {
        self.schemas.iter().find(|schema| schema.name == name)
    }

    /// The operations of a tag, in document order.
    pub fn of_tag<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a Operation> {
        self.operations
            .iter()
            .filter(move |operation| operation.tag == tag)
    }
}
