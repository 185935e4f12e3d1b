//! `cargo xtask quickstart` shows what this project does; `cargo xtask test` runs all that proves it.

mod bench;
mod browser;
mod checks;
mod export;
mod pages;
mod process;
mod quickstart;
mod stages;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Commands of the repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds what is needed, starts the mock server and runs the documented example in Python,
    /// JavaScript and Rust.
    Quickstart,
    /// Runs the stages of the gate, all of them or those named.
    Test {
        /// Names of stages; none means all.
        stages: Vec<String>,
        /// Lists the stages and what each is for.
        #[arg(long)]
        list: bool,
    },
    /// Measures the client and its peers side by side; `tests/bench/bench.py` says how.
    Bench {
        /// Arguments of bench.py.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds what is uploaded to PyPI: the source package, and a wheel for every Linux whose C
    /// library is glibc 2.17 or newer.
    Wheels,
    /// Counts the instructions of what has to stay cheap and compares them with those on record.
    Instructions {
        /// Puts what was counted on record.
        #[arg(long)]
        write: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Quickstart => quickstart::start().map(|()| true),
        Command::Test { list: true, .. } => {
            stages::list();
            Ok(true)
        }
        Command::Test { stages, .. } => stages::run(&stages),
        Command::Wheels => tools::for_upload().map(|()| true),
        Command::Bench { arguments } => bench::side_by_side(&arguments),
        Command::Instructions { write } => {
            bench::instructions(write).map(|counts| counts.failed == 0)
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            process::say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
