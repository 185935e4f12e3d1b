//! `cargo codegen` writes everything that the documents under `openapi/` say, in three
//! languages; `cargo codegen --check` fails where the repository differs from that.

mod document;
mod emit;
mod errors;
mod model;
mod naming;
mod output;
mod prepare;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::output::Files;

/// The first is the client's own face; the others stand behind their name.
const DOCUMENTS: [&str; 2] = ["workspace", "langflow"];

/// Writes the generated code of all languages from the OpenAPI documents.
#[derive(Parser)]
struct Arguments {
    /// Change nothing; exit with 1 and name the files that are not fresh.
    #[arg(long)]
    check: bool,
    /// Folder with the documents and errors.toml [default: openapi/ of the repository].
    #[arg(long)]
    documents: Option<PathBuf>,
    /// Folder that stands for the repository, to write into [default: the repository].
    #[arg(long)]
    root: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let root = arguments.root.unwrap_or(repository);
    let documents = arguments.documents.unwrap_or_else(|| root.join("openapi"));
    let apis = DOCUMENTS
        .into_iter()
        .map(|name| {
            let file = format!("{name}.yaml");
            let document = document::load(&documents.join(&file))?;
            let api = document::read(name, &document).context(file)?;
            Ok((document, api))
        })
        .collect::<Result<Vec<_>>>()?;
    let errors = errors::load(&documents.join("errors.toml"))?;

    let mut files = Files::default();
    emit::all(&mut files, &apis, &errors)?;
    emit::twins(&mut files, &root)?;

    if arguments.check {
        let different = files.different(&root)?;
        for path in &different {
            eprintln(format_args!("not fresh: {}", path.display()));
        }
        if !different.is_empty() {
            bail!(
                "{} generated files are not fresh; run `cargo codegen`",
                different.len()
            );
        }
    } else {
        let count = files.write(&root)?;
        eprintln(format_args!("{count} files written"));
    }
    Ok(())
}

fn eprintln(text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{text}");
}
