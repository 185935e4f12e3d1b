//! The fields that several operations of the table share.

use super::table::Field;

/// Which requests of the journal are meant.
pub(super) const FILTER: &[Field] = &[
    ("method", "string", "The method."),
    (
        "path",
        "string",
        "The path; a `*` at its end stands for anything.",
    ),
    (
        "operation",
        "string",
        "The operationId of the product's document.",
    ),
    ("flow_id", "string", "The flow in the path."),
    ("session_id", "string", "The session in the body."),
    ("key_id", "string", "The key."),
    ("status", "integer", "The status of the answer."),
    (
        "ending",
        "string",
        "`open`, `complete`, `cut` or `client_closed`.",
    ),
    ("fault", "string", "The kind of the fault, or `*` for any."),
    ("contains", "string", "A text in the body."),
    ("since", "integer", "Only requests with a higher number."),
    (
        "epoch",
        "any",
        "The number of an epoch, or `all`; the present one if absent.",
    ),
];

pub(super) const LIST: &[Field] = &[
    FILTER[0],
    FILTER[1],
    FILTER[2],
    FILTER[3],
    FILTER[4],
    FILTER[5],
    FILTER[6],
    FILTER[7],
    FILTER[8],
    FILTER[9],
    FILTER[10],
    FILTER[11],
    (
        "limit",
        "integer",
        "How many at most, the newest of them; 100 if absent.",
    ),
    ("whole", "boolean", "With headers and bodies."),
];

pub(super) const MATCH: Field = (
    "match",
    "object",
    "Which requests: the fields of the query of `listRequests`, and `headers` {name: value or `*`}.",
);
