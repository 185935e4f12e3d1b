//! `langflow-wasm-bind bind MODULE FOLDER` writes the module as JavaScript engines take it, and the
//! JavaScript beside it. The same as the program `wasm-bindgen`, as a crate of this workspace: the
//! lock file so holds it to the version that the module was compiled with.
//!
//! `langflow-wasm-bind pack FILE PACKED` deflates a file, slowly and 4 % smaller than zlib does.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let task = arguments.next().context("`bind` or `pack`")?;
    let from = arguments.next().context("what to read")?;
    let to = arguments.next().context("what to write")?;
    match task.to_str() {
        Some("bind") => bind(Path::new(&from), Path::new(&to)),
        Some("pack") => pack(Path::new(&from), Path::new(&to)),
        _ => bail!("there is `bind` and `pack`"),
    }
}

/// Keeps the names: the optimiser puts functions in the order of names, and takes them off.
fn bind(module: &Path, folder: &Path) -> Result<()> {
    Bindgen::new()
        .bundler(true)?
        .input_path(module)
        .out_name("engine")
        .typescript(false)
        .remove_producers_section(true)
        .generate(folder)
}

fn pack(file: &Path, packed: &Path) -> Result<()> {
    let bytes = std::fs::read(file)?;
    let mut out = Vec::new();
    let options = zopfli::Options::default();
    zopfli::compress(options, zopfli::Format::Deflate, &bytes[..], &mut out)?;
    Ok(std::fs::write(packed, out)?)
}
