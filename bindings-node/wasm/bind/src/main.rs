//! `langflow-wasm-bind MODULE FOLDER` writes the module as JavaScript engines take it, and the
//! JavaScript beside it. The same as the program `wasm-bindgen`, as a crate of this workspace: the
//! lock file so holds it to the version that the module was compiled with.

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let module = arguments.next().context("the path of a module")?;
    let folder = arguments.next().context("the path of a folder")?;
    Bindgen::new()
        .bundler(true)?
        .input_path(module)
        .out_name("engine")
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)
}
