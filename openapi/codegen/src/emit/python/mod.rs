//! The Python façade: models, resources (sync and async) and error classes.

mod answers;
mod methods;
mod text;
pub mod twins;
mod types;

use anyhow::{Context, Result};
use minijinja::{Environment, Value, context};
use serde::Serialize;

use self::text::{docstring, identifier, literal};
use self::types::{answer_type, shape};
use super::HEADER;
use crate::errors::Errors;
use crate::model::{Api, Field, Schema};
use crate::naming::class_name;
use crate::output::Files;

const FOLDER: &str = "bindings-python/python/langflow_api/_generated";

/// Names that every model has; a field of that name gets an underscore.
const MODEL_NAMES: [&str; 3] = ["extra", "get", "to_dict"];

/// Adds the files of `langflow_api/_generated`; those of a second document in a folder of its own.
pub fn emit(files: &mut Files, api: &Api, errors: &Errors) -> Result<()> {
    let templates = templates()?;
    let first = api.prefix.is_empty();
    let (folder, up, home) = match first {
        true => (FOLDER.to_owned(), "..", "models".to_owned()),
        false => (
            format!("{FOLDER}/{}", api.name),
            "...",
            format!("{}.models", api.name),
        ),
    };
    let class = class_name(&api.name);
    let mut render = |template: &str, file: &str, values: Value| -> Result<()> {
        let text = templates
            .get_template(template)?
            .render(context! { header => HEADER, up, home, first, class, ..values });
        files.add(
            format!("{folder}/{file}.py"),
            text.with_context(|| file.to_owned())?,
        );
        Ok(())
    };
    let models: Vec<Model> = api
        .schemas
        .iter()
        .map(|schema| model(api, schema))
        .collect();
    render("package.py.j2", "__init__", context! { api })?;
    if first {
        for file in ["errors", "error_names"] {
            let template = format!("{file}.py.j2");
            render(&template, file, context! { errors => errors.errors })?;
        }
    }
    render("models.py.j2", "models", context! { api, models })?;
    render("namespace.py.j2", "namespace", context! { api })?;
    for tag in &api.tags {
        let methods = api
            .of_tag(&tag.name)
            .map(|operation| methods::of(api, errors, operation))
            .collect::<Result<Vec<_>>>()?;
        let imports = methods::imports(api, &methods);
        render(
            "resource.py.j2",
            &format!("resource_{}", tag.name),
            context! { tag, methods, imports },
        )?;
    }
    Ok(())
}

fn templates() -> Result<Environment<'static>> {
    let mut templates = Environment::new();
    templates.set_trim_blocks(true);
    templates.set_lstrip_blocks(true);
    templates.set_keep_trailing_newline(true);
    templates.add_filter("doc", |text: &str, indent: usize| docstring(text, indent));
    templates.add_filter("quoted", |text: &str| literal(text));
    for (name, source) in [
        (
            "package.py.j2",
            include_str!("../../../templates/python/package.py.j2"),
        ),
        (
            "errors.py.j2",
            include_str!("../../../templates/python/errors.py.j2"),
        ),
        (
            "error_names.py.j2",
            include_str!("../../../templates/python/error_names.py.j2"),
        ),
        (
            "models.py.j2",
            include_str!("../../../templates/python/models.py.j2"),
        ),
        (
            "namespace.py.j2",
            include_str!("../../../templates/python/namespace.py.j2"),
        ),
        (
            "resource.py.j2",
            include_str!("../../../templates/python/resource.py.j2"),
        ),
    ] {
        templates.add_template(name, source)?;
    }
    Ok(templates)
}

/// A schema as the template needs it.
#[derive(Serialize)]
struct Model {
    name: String,
    description: String,
    alias: Option<String>,
    fields: Vec<ModelField>,
}

#[derive(Serialize)]
struct ModelField {
    name: String,
    wire: String,
    renamed: bool,
    ty: String,
    shape: Option<String>,
    description: String,
    origin: String,
    secret: bool,
}

fn model(api: &Api, schema: &Schema) -> Model {
    Model {
        name: schema.name.clone(),
        description: schema.description.clone(),
        alias: schema.alias.as_ref().map(answer_type),
        fields: schema
            .fields
            .iter()
            .map(|field| model_field(api, field))
            .collect(),
    }
}

fn model_field(api: &Api, field: &Field) -> ModelField {
    let mut name = identifier(&field.snake);
    if MODEL_NAMES.contains(&name.as_str()) {
        name.push('_');
    }
    let mut ty = answer_type(&field.ty);
    if (field.nullable || !field.required) && ty != "Any" {
        ty.push_str(" | None");
    }
    ModelField {
        renamed: name != field.wire,
        wire: field.wire.clone(),
        ty,
        shape: shape(api, &field.ty),
        description: field.description.clone(),
        origin: field.origin.clone(),
        secret: field.secret,
        name,
    }
}
