//! The typed Rust client, by progenitor.

use anyhow::{Context, Result};
use progenitor_impl::{GenerationSettings, Generator, HooksMode, InterfaceStyle};
use quote::quote;
use serde_json::Value;

use super::HEADER;
use crate::output::Files;
use crate::prepare::Split;

/// Adds `sdk-core/src/generated/workspace.rs`; returns it parsed, for the façade.
pub fn emit(
    files: &mut Files,
    name: &str,
    prepared: &Value,
    splits: &[Split],
) -> Result<syn::File> {
    let spec: openapiv3::OpenAPI =
        serde_json::from_value(prepared.clone()).context("the prepared document")?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_inner_type(quote!(crate::typed::Inner))
        .with_hooks(HooksMode::Expected)
        .with_derive("PartialEq");
    let tokens = Generator::new(&settings)
        .generate_tokens(&spec)
        .with_context(|| format!("progenitor, {} operations", splits.len()))?;
    let file: syn::File = syn::parse2(tokens)?;
    let code = prettyplease::unparse(&file);
    let text = format!("// {HEADER}\n// The typed client is written by progenitor.\n\n{code}");
    // Not through rustfmt: it would indent the text of block comments, which then reads as code.
    files.add(format!("sdk-core/src/generated/{name}.rs"), text);
    Ok(file)
}
