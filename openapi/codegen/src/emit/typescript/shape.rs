//! Where a value has fields whose names differ between JavaScript and the wire.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde::Serialize;

use super::expression::{key, quote};
use crate::model::{Api, Field, Type};

/// Documents that people keep as files and carry to other programs: their names are not ours to
/// change, so they are spelled in JavaScript as in the file.
const VERBATIM: [&str; 1] = ["FlowFile"];

/// Whether a schema is spelled in JavaScript as on the wire.
pub fn is_verbatim(name: &str) -> bool {
    VERBATIM.contains(&name)
}

/// A named shape: its entries are finished TypeScript.
#[derive(Debug, Serialize)]
pub struct NamedShape {
    /// Name of the schema, as a key.
    pub name: String,
    /// `flowId: ['flow_id']` and the like.
    pub entries: Vec<String>,
}

/// The schemas that have something to rename, directly or inside.
pub struct Shapes<'a> {
    api: &'a Api,
    named: BTreeSet<&'a str>,
}

impl<'a> Shapes<'a> {
    /// Finds the schemas that matter: schemas may refer to each other in circles, so this repeats
    /// until nothing is added.
    pub fn new(api: &'a Api) -> Self {
        let mut shapes = Self {
            api,
            named: BTreeSet::new(),
        };
        loop {
            let found: Vec<&str> = api
                .schemas
                .iter()
                .filter(|schema| !shapes.named.contains(schema.name.as_str()))
                .filter(|schema| !is_verbatim(&schema.name))
                .filter(|schema| schema.fields.iter().any(|field| shapes.matters(field)))
                .map(|schema| schema.name.as_str())
                .collect();
            if found.is_empty() {
                return shapes;
            }
            shapes.named.extend(found);
        }
    }

    fn matters(&self, field: &Field) -> bool {
        field.wire != field.camel || self.of(&field.ty).is_some()
    }

    /// The shape of a type as an expression, if there is anything to rename in it.
    pub fn of(&self, ty: &Type) -> Option<String> {
        match ty {
            Type::Array(item) => self.of(item).map(|item| format!("{{ list: {item} }}")),
            Type::Map(item) => self.of(item).map(|item| format!("{{ map: {item} }}")),
            Type::Ref(name) if self.named.contains(name.as_str()) => Some(quote(name)),
            Type::Ref(name) => self
                .api
                .schema(name)
                .and_then(|schema| schema.alias.as_ref())
                .and_then(|ty| self.of(ty)),
            Type::Union(parts) => {
                let parts: Vec<String> = parts.iter().filter_map(|part| self.of(part)).collect();
                match parts.as_slice() {
                    [] => None,
                    [only] => Some(only.clone()),
                    several => Some(format!("{{ oneOf: [{}] }}", several.join(", "))),
                }
            }
            Type::String
            | Type::Integer
            | Type::Number
            | Type::Boolean
            | Type::Any
            | Type::Enum(_) => None,
        }
    }

    /// All named shapes, in document order.
    pub fn table(&self) -> Result<Vec<NamedShape>> {
        self.api
            .schemas
            .iter()
            .filter(|schema| self.named.contains(schema.name.as_str()))
            .map(|schema| {
                Ok(NamedShape {
                    name: key(&schema.name),
                    entries: self.entries(&schema.name, &schema.fields)?,
                })
            })
            .collect()
    }

    /// The fields that are renamed or have a shape.
    pub fn entries(&self, place: &str, fields: &[Field]) -> Result<Vec<String>> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = fields.iter().find(|field| !seen.insert(&field.camel)) {
            bail!(
                "{place}: two fields are called {} in JavaScript",
                twice.camel
            );
        }
        Ok(fields
            .iter()
            .filter(|field| self.matters(field))
            .map(|field| {
                let shape = self
                    .of(&field.ty)
                    .map(|shape| format!(", {shape}"))
                    .unwrap_or_default();
                format!("{}: [{}{shape}]", key(&field.camel), quote(&field.wire))
            })
            .collect())
    }
}
