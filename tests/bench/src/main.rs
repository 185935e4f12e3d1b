//! The Rust side of the benchmark: the server with fixed answers that everybody is measured on, the
//! bare loops that are the limit, and our client. `bench.py` beside it drives them.

mod bare;
mod instructions;
mod ours;
mod server;
mod worker;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers every request with fixed bytes; prints its port.
    Serve {
        /// Files for a page, served under `/page/`.
        #[arg(long)]
        root: Option<std::path::PathBuf>,
    },
    /// Does what the lines on standard input say and answers each with what it took.
    Worker {
        /// Who does it.
        #[arg(value_enum)]
        who: worker::Who,
        /// The server.
        url: String,
    },
    /// Does one thing this many times, to have its instructions counted.
    Instructions {
        /// What is counted.
        #[arg(value_enum)]
        what: instructions::What,
        /// How often.
        times: u32,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Serve { root } => server::serve(root),
        Command::Worker { who, url } => worker::work(who, &url),
        Command::Instructions { what, times } => instructions::perform(what, times),
    }
}
