//! Writes a flow file as Python: `to_python FLOW.json [--stubs] [--stream] [--async]`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use langflow_export::{Options, to_python};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let options = Options {
        stubs: has("--stubs"),
        stream: has("--stream"),
        asynchronous: has("--async"),
        ..Options::default()
    };
    let Some(path) = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"))
    else {
        eprintln!("usage: to_python FLOW.json [--stubs] [--stream] [--async]");
        return ExitCode::from(2);
    };
    let file = match std::fs::read_to_string(path) {
        Ok(file) => file,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    match to_python(&file, &options) {
        Ok(program) => {
            print!("{program}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
