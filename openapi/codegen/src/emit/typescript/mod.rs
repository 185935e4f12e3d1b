//! The TypeScript façade: types, resources, error classes and the table of names on the wire.

mod expression;
mod shape;
mod view;

use anyhow::{Context, Result};
use minijinja::Environment;

use super::HEADER;
use crate::errors::Errors;
use crate::model::Api;
use crate::naming::class_name;
use crate::output::Files;
use expression::{comment, quote};

const FOLDER: &str = "bindings-node/src/generated";

const TEMPLATES: [(&str, &str); 4] = [
    (
        "types.ts",
        include_str!("../../../templates/typescript/types.ts.j2"),
    ),
    (
        "resources.ts",
        include_str!("../../../templates/typescript/resources.ts.j2"),
    ),
    (
        "errors.ts",
        include_str!("../../../templates/typescript/errors.ts.j2"),
    ),
    (
        "wire.ts",
        include_str!("../../../templates/typescript/wire.ts.j2"),
    ),
];

/// Adds the files of `bindings-node/src/generated`; those of a second document in a folder of its own.
pub fn emit(files: &mut Files, api: &Api, errors: &Errors) -> Result<()> {
    let first = api.prefix.is_empty();
    let (folder, up) = match first {
        true => (FOLDER.to_owned(), "../"),
        false => (format!("{FOLDER}/{}", api.name), "../../"),
    };
    let class = class_name(&api.name);
    let view = view::build(api, errors)?;
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_filter("js", |text: String| quote(&text));
    environment.add_filter("comment", |text: String, indent: usize| {
        comment(&text, indent)
    });
    for (name, source) in TEMPLATES {
        if name == "errors.ts" && !first {
            continue;
        }
        environment.add_template(name, source)?;
        let text = environment
            .get_template(name)?
            .render(
                minijinja::context! { header => HEADER, up, first, class, ..minijinja::Value::from_serialize(&view) },
            )
            .with_context(|| format!("template {name}"))?;
        files.add(format!("{folder}/{name}"), text);
    }
    Ok(())
}
