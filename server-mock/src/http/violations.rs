//! What the contract has against a request, where that does not refuse it.

use serde_json::{Value, json};

use super::call::Call;
use super::reply::Reply;
use crate::config::Validate;
use crate::contract::Complaint;
use crate::problem::Problem;

/// The header that tells of them.
const HEADER: &str = "x-mock-violations";

/// How many are told; a header has to stay short.
const TOLD: usize = 20;

/// What is wrong with a request.
pub(super) struct Violations {
    validate: Validate,
    found: Vec<(String, String)>,
}

impl Violations {
    pub(super) fn new(validate: Validate) -> Self {
        Self {
            validate,
            found: Vec::new(),
        }
    }

    /// Takes what is wrong with a body.
    pub(super) fn body(&mut self, complaints: Vec<Complaint>) -> Result<(), Problem> {
        match self.validate {
            Validate::Strict if !complaints.is_empty() => Err(Problem::complaints(complaints)),
            Validate::Warn => {
                self.add(complaints);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes what is wrong with the parameters.
    pub(super) fn parameters(&mut self, call: &Call) -> Result<(), Problem> {
        match self.validate {
            Validate::Strict => call.check(),
            Validate::Warn => {
                let (first, complaints) = call.parameters();
                self.add(complaints);
                self.found
                    .extend(first.into_iter().flat_map(|it| it.errors));
                Ok(())
            }
            Validate::Off => Ok(()),
        }
    }

    fn add(&mut self, complaints: Vec<Complaint>) {
        let pairs = complaints.into_iter().map(|it| (it.field, it.message));
        self.found.extend(pairs);
    }

    /// Says in the answer what was wrong.
    pub(super) fn note(&self, reply: Result<Reply, Problem>) -> Result<Reply, Problem> {
        if self.found.is_empty() {
            return reply;
        }
        let told = self.found.iter().take(TOLD);
        let told: Vec<Value> = told
            .map(|(field, message)| json!({"field": field, "message": message}))
            .collect();
        let text = ascii(&Value::from(told).to_string());
        match reply {
            Ok(reply) => Ok(reply.header(HEADER, text)),
            Err(problem) => Err(problem.header(HEADER, text)),
        }
    }
}

/// JSON with nothing in it that a header cannot hold.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            out.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}
