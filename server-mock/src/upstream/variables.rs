//! Global variables: values that flows name instead of having them.

use serde_json::{Value, json};

use super::answer::{detail, invalid, missing, wrong};
use super::auth::{Family, open};
use super::uuid::{complaint, is_uuid, uuid};
use super::{Ask, Done, body, text};
use crate::http::Reply;
use crate::state::Variable;

/// What is not shown once it was stored, and the kind of a variable that names none.
const SECRET: &str = "Credential";

pub(super) fn list(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let state = ask.app.state();
    let shown: Value = state.library.variables.iter().map(shown).collect();
    Ok(Reply::json(200, &shown))
}

fn shown(variable: &Variable) -> Value {
    let value = Some(&variable.value).filter(|_| variable.kind != SECRET);
    json!({
        "id": variable.id, "name": variable.name, "type": variable.kind, "value": value,
        "has_value": !variable.value.is_empty(), "default_fields": variable.default_fields,
        "is_owner": true, "can_manage_shares": true, "validation_error": null, "is_valid": null,
    })
}

pub(super) fn create(ask: &Ask) -> Done {
    open(ask, Family::Other)?;
    let fields = body::object(ask)?;
    let lacks = ["name", "value", "default_fields"];
    let lacks = lacks.iter().filter(|field| !fields.contains_key(**field));
    let lacks: Vec<Value> = lacks.map(|field| missing(field)).collect();
    if !lacks.is_empty() {
        return Err(invalid(&lacks));
    }
    let fields = Value::Object(fields);
    let (name, value) = (text(&fields, "name"), text(&fields, "value"));
    let mut state = ask.app.state();
    for (what, given) in [("name", name), ("value", value)] {
        if given.is_none_or(str::is_empty) {
            let message = format!("Variable {what} cannot be empty");
            return Err(detail(400, &message));
        }
    }
    let name = name.unwrap_or_default().to_owned();
    if state.library.variable(&name).is_some() {
        return Err(detail(400, "Variable name already exists"));
    }
    let variable = Variable {
        id: uuid(&state.ids.next("variable")),
        name,
        kind: text(&fields, "type").unwrap_or(SECRET).to_owned(),
        value: value.unwrap_or_default().to_owned(),
        default_fields: fields["default_fields"].clone(),
    };
    let reply = Reply::json(201, &shown(&variable));
    state.library.variables.push(variable);
    Ok(reply)
}

/// The id stands in the body too.
pub(super) fn update(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    let fields = Value::Object(body::object(ask)?);
    let mut errors: Vec<Value> = strange(id).into_iter().collect();
    if fields.get("id").is_none() {
        errors.push(missing("id"));
    }
    if !errors.is_empty() {
        return Err(invalid(&errors));
    }
    let mut state = ask.app.state();
    let mut all = state.library.variables.iter_mut();
    let variable = all.find(|it| it.id == id).ok_or_else(gone)?;
    if let Some(name) = text(&fields, "name") {
        variable.name = name.to_owned();
    }
    if let Some(value) = text(&fields, "value") {
        variable.value = value.to_owned();
    }
    if let Some(places) = fields.get("default_fields").filter(|it| !it.is_null()) {
        variable.default_fields = places.clone();
    }
    Ok(Reply::json(200, &shown(variable)))
}

pub(super) fn delete(ask: &Ask, id: &str) -> Done {
    open(ask, Family::Other)?;
    if let Some(error) = strange(id) {
        return Err(invalid(&[error]));
    }
    let mut state = ask.app.state();
    let before = state.library.variables.len();
    state.library.variables.retain(|it| it.id != id);
    match state.library.variables.len() < before {
        true => Ok(Reply::empty(204).header("content-type", "application/json")),
        false => Err(gone()),
    }
}

fn strange(id: &str) -> Option<Value> {
    let place = ["path", "variable_id"];
    (!is_uuid(id)).then(|| wrong("uuid_parsing", &place, &complaint(id)))
}

fn gone() -> Reply {
    detail(404, "Variable not found")
}
