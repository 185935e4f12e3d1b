//! What goes wrong, in the words of the API: `application/problem+json` (RFC 9457).

use serde_json::{Value, json};

use crate::contract::{Complaint, ComplaintKind};

/// The codes of the contract, each with its status and title.
const CODES: &[(&str, u16, &str)] = include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// An answer that says what is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    /// `(field, message)` for everything that is wrong with the request.
    pub(crate) errors: Vec<(String, String)>,
    /// What programs may want to know besides: the missing permission, the nearest id, the run.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem by its code, which decides its status.
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(known(code).is_some(), "the contract has no code `{code}`");
        let status = known(code).map_or(500, |(_, status, _)| *status);
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            facts: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// A problem by its status, for faults. The contract has no code for some of them.
    pub(crate) fn of_status(status: u16) -> Self {
        let known = CODES.iter().find(|(_, known, _)| *known == status);
        let code = known.map_or("internal", |(code, ..)| code);
        let detail = format!("The mock was told to answer {status}.");
        Self {
            status,
            ..Self::new(code, detail)
        }
    }

    /// A problem that was told earlier, from what was kept of it.
    pub(crate) fn again(
        code: &str,
        detail: String,
        errors: Vec<(String, String)>,
        facts: Vec<(String, String)>,
    ) -> Self {
        const FACTS: [&str; 4] = ["permission", "nearest", "run_id", "component_id"];
        let facts = facts.into_iter().filter_map(|(name, value)| {
            let known = FACTS.into_iter().find(|known| *known == name)?;
            Some((known, value))
        });
        let facts = facts.collect();
        let code = known(code).map_or("internal", |(code, ..)| code);
        Self {
            errors,
            facts,
            ..Self::new(code, detail)
        }
    }

    /// An idempotency key that came before, with something else.
    pub(crate) fn key_reused() -> Self {
        let detail = "This Idempotency-Key was used for a request with another body.";
        Self::new("idempotency_mismatch", detail)
            .error("Idempotency-Key", "was used with another body")
    }

    /// Adds a field and what is wrong with it.
    pub(crate) fn error(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push((field.into(), message.into()));
        self
    }

    /// Adds something that programs may want to know.
    pub(crate) fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// Adds a header to the answer.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// One field of the request is wrong.
    pub(crate) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        Self::new("invalid_field", format!("{field}: {message}")).error(field, message)
    }

    /// A body that is larger than is allowed.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new("body_too_large", format!("The limit is {limit} bytes."))
            .error("body", format!("is larger than {limit} bytes"))
    }

    /// A body that is no JSON; the message of the parser says where.
    pub(crate) fn no_json(bytes: &[u8], error: &serde_json::Error) -> Self {
        let message = match bytes {
            [] => "is empty; JSON is needed".to_owned(),
            _ => format!("is not JSON: {error}"),
        };
        Self::new("invalid_json", format!("The body {message}.")).error("body", message)
    }

    /// Everything that the contract has against the parameters of a request.
    pub(crate) fn parameters(complaints: Vec<Complaint>) -> Self {
        let (code, body) = ("invalid_parameter", Self::complaints(complaints));
        Self {
            errors: body.errors,
            ..Self::new(code, body.detail)
        }
    }

    /// Everything that the contract has against the body of a request.
    pub(crate) fn complaints(complaints: Vec<Complaint>) -> Self {
        let unknown = |complaint: &Complaint| complaint.kind == ComplaintKind::Unknown;
        let missing = |complaint: &Complaint| complaint.kind == ComplaintKind::Missing;
        let code = if complaints.iter().all(unknown) {
            "unknown_field"
        } else if complaints.iter().all(missing) {
            "missing_field"
        } else {
            "invalid_field"
        };
        let lines = complaints.iter().map(|one| match one.field.as_str() {
            "" => format!("the body {}", one.message),
            field => format!("{field} {}", one.message),
        });
        let mut problem = Self::new(code, lines.collect::<Vec<_>>().join("; "));
        problem.errors = complaints
            .into_iter()
            .map(|one| (one.field, one.message))
            .collect();
        problem
    }

    /// A resource that does not exist, and the one that may be meant.
    pub(crate) fn not_found(code: &'static str, what: &str, id: &str, near: Option<&str>) -> Self {
        let problem = |hint: &str| Self::new(code, format!("There is no {what} `{id}`.{hint}"));
        match near {
            Some(near) => problem(&format!(" The nearest is `{near}`.")).fact("nearest", near),
            None => problem(""),
        }
    }

    /// As it is sent.
    pub(crate) fn json(&self, request_id: &str) -> Value {
        let errors = self.errors.iter();
        let errors: Vec<Value> = errors
            .map(|(field, message)| json!({"field": field, "message": message}))
            .collect();
        let mut body = json!({
            "type": format!("https://langflow.invalid/problems/{}", self.code),
            "title": known(self.code).map_or("Error", |(.., title)| *title),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            "errors": errors,
        });
        for (name, value) in &self.facts {
            body[*name] = value.as_str().into();
        }
        body
    }
}

fn known(code: &str) -> Option<&'static (&'static str, u16, &'static str)> {
    CODES.iter().find(|(known, ..)| *known == code)
}
