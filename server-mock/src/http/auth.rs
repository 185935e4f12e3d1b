//! Who calls, and what they may do.

use http::HeaderMap;

use crate::app::App;
use crate::contract::{Operation, Permission};
use crate::problem::Problem;
use crate::state::KeyRefusal;

/// The key that a call came with.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) key_id: String,
    permissions: Vec<Permission>,
}

impl Caller {
    /// Whether the key allows something.
    pub(super) fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&Permission::Admin) || self.permissions.contains(&permission)
    }

    pub(super) fn anybody() -> Self {
        Self {
            key_id: "nobody".to_owned(),
            permissions: vec![Permission::Admin],
        }
    }
}

/// Lets a call in, or says what its key lacks.
pub(super) fn authorise(
    app: &App,
    operation: &Operation,
    headers: &HeaderMap,
) -> Result<Caller, Problem> {
    let Some(needed) = operation.permission else {
        return Ok(Caller::anybody());
    };
    if !app.config.auth {
        return Ok(Caller::anybody());
    }
    let lacking = |problem: Problem| {
        let detail = format!(
            "{} `{}` needs the permission `{}`.",
            problem.detail,
            operation.id,
            needed.name()
        );
        Problem { detail, ..problem }.fact("permission", needed.name())
    };
    let secret = bearer(headers).map_err(lacking)?;
    let mut state = app.state();
    let key = state
        .keys
        .open(secret, app.clock.now())
        .map_err(|refusal| match refusal {
            KeyRefusal::Unknown => {
                refuse("invalid_key", "The API key is not known to this workspace.")
            }
            KeyRefusal::Expired => refuse("key_expired", "The API key has expired."),
            KeyRefusal::Revoked => refuse("key_revoked", "The API key was revoked."),
        })
        .map_err(lacking)?;
    let caller = Caller {
        key_id: key.id.clone(),
        permissions: key.permissions.clone(),
    };
    // Whether a run or a session is the key's own is decided once it has been found.
    if caller.may(needed) || operation.own.is_some_and(|own| caller.may(own)) {
        return Ok(caller);
    }
    let granted: Vec<&str> = caller
        .permissions
        .iter()
        .map(|permission| permission.name())
        .collect();
    let detail = format!(
        "`{}` needs the permission `{}`; the key has: {}.",
        operation.id,
        needed.name(),
        if granted.is_empty() {
            "none".to_owned()
        } else {
            granted.join(", ")
        },
    );
    Err(Problem::new("permission_missing", detail).fact("permission", needed.name()))
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || {
        refuse(
            "missing_key",
            "An API key is needed: send the header `Authorization: Bearer <key>`.",
        )
    };
    let value = headers
        .get(http::header::AUTHORIZATION)
        .ok_or_else(missing)?;
    let value = value.to_str().unwrap_or_default();
    let (scheme, secret) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") || secret.trim().is_empty() {
        return Err(missing());
    }
    Ok(secret.trim())
}

fn refuse(code: &'static str, detail: &str) -> Problem {
    Problem::new(code, detail).header("www-authenticate", "Bearer realm=\"langflow\"")
}
