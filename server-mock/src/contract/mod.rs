//! The contract as data: which operations there are, who may call them, and what they take.
//!
//! The server has no table of routes of its own: it reads the document that it serves, so that
//! the two cannot differ.

mod schema;

use std::sync::LazyLock;

use serde_json::Value;

pub(crate) use schema::{Complaint, ComplaintKind};

/// Where every operation of the workspace stands.
pub(crate) const PREFIX: &str = "/langflow/api/v1";

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/workspace.json.deflate"));

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    // The build has packed it, so it unpacks to text; the tests hold it against the file.
    let bytes = miniz_oxide::inflate::decompress_to_vec(PACKED).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
});

/// The OpenAPI document of the product, in JSON.
pub fn document() -> &'static str {
    &DOCUMENT
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::read(document()));

/// The contract, read once for the process: it never changes.
pub(crate) fn contract() -> &'static Contract {
    &CONTRACT
}

/// What a key allows; independent of each other, but that Admin implies all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// View flows, settings, exports, runs and usage.
    Read,
    /// Run flows, and see what the key itself has started.
    Execute,
    /// Create and change.
    Write,
    /// Everything, keys included.
    Admin,
}

impl Permission {
    /// All of them, weakest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Execute, Self::Write, Self::Admin];

    /// As it stands in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Execute => "execute",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.name() == name)
    }
}

/// Which permission each operation needs, as a table in Markdown: the one that is enforced.
pub fn permission_table() -> String {
    let mut rows: Vec<String> = [
        "| operation | method and path | permission |",
        "|---|---|---|",
    ]
    .map(str::to_owned)
    .into();
    for operation in &contract().operations {
        let needed = operation.permission.map_or("none", Permission::name);
        let own = operation.own.map(Permission::name);
        let own = own.map_or(String::new(), |own| {
            format!("; {own} for what the key started")
        });
        let (id, method, path) = (&operation.id, &operation.method, &operation.path);
        rows.push(format!("| `{id}` | `{method} {path}` | {needed}{own} |"));
    }
    rows.join("\n")
}

/// A parameter of an operation.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) required: bool,
    pub(crate) schema: Value,
}

/// An operation of the document.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// `None` where no key is needed.
    pub(crate) permission: Option<Permission>,
    /// What suffices for what the key itself has started.
    pub(crate) own: Option<Permission>,
    /// Whether a client may name the work, so that it is done once.
    pub(crate) keyed: bool,
    pub(crate) parameters: Vec<Parameter>,
    /// The schema of a JSON body, if it takes one.
    pub(crate) body: Option<Value>,
    pub(crate) body_required: bool,
    /// The content types of the body.
    pub(crate) accepts: Vec<String>,
}

/// Names and values of path parameters, in the order of the path.
pub(crate) type Values = Vec<(String, String)>;

/// What a method and a path lead to.
pub(crate) enum Route<'a> {
    /// An operation, with its path parameters in order.
    Found(&'a Operation, Values),
    /// The path exists for these methods only.
    OtherMethods(Vec<&'a str>),
    /// Nothing; the nearest path that there is.
    Nothing(Option<&'a str>),
}

/// The operations of the document and its schemas.
#[derive(Debug)]
pub(crate) struct Contract {
    document: Value,
    pub(crate) operations: Vec<Operation>,
}

impl Contract {
    fn read(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).unwrap_or_default();
        let mut contract = Self {
            document,
            operations: Vec::new(),
        };
        let mut found = Vec::new();
        for (path, item) in contract.document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if let Some(id) = operation["operationId"].as_str() {
                    found.push(contract.operation(id, path, method, item, operation));
                }
            }
        }
        contract.operations = found;
        contract
    }

    fn operation(
        &self,
        id: &str,
        path: &str,
        method: &str,
        item: &Value,
        value: &Value,
    ) -> Operation {
        let lists = [&item["parameters"], &value["parameters"]];
        let parameters = lists
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| {
                let parameter = self.resolve(parameter);
                Parameter {
                    name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                    place: parameter["in"].as_str().unwrap_or_default().to_owned(),
                    required: parameter["required"].as_bool().unwrap_or(false),
                    schema: parameter["schema"].clone(),
                }
            });
        let body = self.resolve(&value["requestBody"]);
        let content = body["content"].as_object();
        Operation {
            id: id.to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            permission: value["x-permission"].as_str().and_then(Permission::parse),
            own: value["x-permission-own"]
                .as_str()
                .and_then(Permission::parse),
            keyed: value["x-safety"].as_str() == Some("keyed"),
            parameters: parameters.collect(),
            body: content
                .and_then(|content| Some(content.get("application/json")?["schema"].clone())),
            body_required: body["required"].as_bool().unwrap_or(false),
            accepts: content
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect(),
        }
    }

    /// What the document says about itself.
    pub(crate) fn info(&self) -> &Value {
        &self.document["info"]
    }

    /// Everything that the document says about an operation.
    pub(crate) fn detail(&self, operation: &Operation) -> &Value {
        &self.document["paths"][&operation.path][operation.method.to_lowercase()]
    }

    /// The schema of an answer, or `None` where the operation has no such answer.
    #[cfg(test)]
    pub(crate) fn answer(&self, operation: &Operation, status: u16, media: &str) -> Option<&Value> {
        let item = self.detail(operation);
        let response = item["responses"].get(status.to_string())?;
        let content = self.resolve(response).get("content");
        content.map_or(Some(&Value::Null), |content| {
            content.get(media.split(';').next()?)?.get("schema")
        })
    }

    /// The schema of an event on the stream of an operation.
    #[cfg(test)]
    pub(crate) fn event(&self, operation: &Operation, name: &str) -> Option<&Value> {
        let item = self.detail(operation);
        item["responses"]["200"]["content"]["text/event-stream"]["x-events"].get(name)
    }

    /// The operation with an id.
    #[cfg(test)]
    pub(crate) fn by_id(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// Follows a reference within the document.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        while let Some(target) = value.get("$ref").and_then(Value::as_str) {
            match self.document.pointer(target.trim_start_matches('#')) {
                Some(next) => value = next,
                None => return &Value::Null,
            }
        }
        value
    }

    /// Everything in which a value differs from a schema.
    pub(crate) fn complaints(&self, schema: &Value, value: &Value, field: &str) -> Vec<Complaint> {
        let mut found = Vec::new();
        schema::check(self, schema, value, field, &mut found);
        found
    }

    /// What a request line leads to; the path without the prefix, still percent-encoded.
    pub(crate) fn route(&self, method: &str, path: &str) -> Route<'_> {
        let mut others: Vec<&str> = Vec::new();
        // A literal segment wins over a parameter: `/flows/import` is not a flow called "import".
        let mut matching: Vec<(usize, &Operation, Values)> = self
            .operations
            .iter()
            .filter_map(|operation| {
                let values = matches(&operation.path, path)?;
                Some((values.len(), operation, values))
            })
            .collect();
        matching.sort_by_key(|(parameters, ..)| *parameters);
        let fewest = matching.first().map_or(0, |(parameters, ..)| *parameters);
        for (parameters, operation, values) in matching {
            if operation.method == method {
                return Route::Found(operation, values);
            }
            if parameters == fewest && !others.contains(&operation.method.as_str()) {
                others.push(&operation.method);
            }
        }
        if others.is_empty() {
            Route::Nothing(self.nearest(path))
        } else {
            Route::OtherMethods(others)
        }
    }

    /// The path that is spelt most like this one, whatever its parameters are.
    fn nearest(&self, path: &str) -> Option<&str> {
        let given: Vec<&str> = path.split('/').collect();
        let filled = |template: &str| {
            let segments = template.split('/').enumerate().map(|(index, segment)| {
                let parameter = segment.starts_with('{');
                given
                    .get(index)
                    .filter(|_| parameter)
                    .copied()
                    .unwrap_or(segment)
            });
            segments.collect::<Vec<_>>().join("/")
        };
        let paths = self
            .operations
            .iter()
            .map(|operation| operation.path.as_str());
        nearest(paths, path, filled)
    }
}

/// What comes nearest to something that does not exist, if anything is near enough to help.
pub(crate) fn nearest<'a>(
    candidates: impl Iterator<Item = &'a str>,
    wanted: &str,
    shape: impl Fn(&str) -> String,
) -> Option<&'a str> {
    let scored = candidates.map(|candidate| (distance(&shape(candidate), wanted), candidate));
    let (score, candidate) = scored.min_by_key(|(score, _)| *score)?;
    (score <= wanted.chars().count().max(6) / 2).then_some(candidate)
}

fn matches(template: &str, path: &str) -> Option<Values> {
    let mut values = Vec::new();
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(values),
            (Some(wanted), Some(given)) => match wanted.strip_prefix('{') {
                Some(name) if !given.is_empty() => {
                    let value = percent_encoding::percent_decode_str(given)
                        .decode_utf8()
                        .ok()?;
                    values.push((name.trim_end_matches('}').to_owned(), value.into_owned()));
                }
                None if wanted == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// How many letters have to change (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(200).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().take(200).enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let cost = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = cost.min(before + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
