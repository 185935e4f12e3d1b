//! One contender in a process of its own: a line of JSON says what to do, a line says what it took.

use std::io::{BufRead as _, Write as _};
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{bare, ours};

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Who {
    /// Bare hyper.
    Hyper,
    /// Bare reqwest.
    Reqwest,
    /// Our client.
    Client,
}

/// What is to be done.
#[derive(Deserialize)]
pub struct Job {
    /// `call`, `stream`, `many`, or `hold`: streams that stay open.
    pub case: String,
    /// Flow that the server has.
    pub flow: String,
    /// How many calls or streams.
    pub calls: usize,
    /// How many at once.
    pub at_once: usize,
}

/// Prints a line that the driver reads.
pub fn print(value: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()?;
    Ok(())
}

fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// See the command.
pub fn work(who: Who, url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut contender: Box<dyn Contender> = match who {
        Who::Hyper => Box::new(bare::Hyper::new(url)),
        Who::Reqwest => Box::new(bare::Reqwest::new(url)),
        Who::Client => Box::new(ours::Ours::new(url)?),
    };
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?)?;
        let (wall, before) = (Instant::now(), cpu());
        let units = runtime.block_on(contender.perform(&job))?;
        if units == 0 {
            bail!("nothing was done for {}", job.case);
        }
        print(
            &json!({"cpu": cpu() - before, "wall": wall.elapsed().as_secs_f64(), "units": units}),
        )?;
    }
    Ok(())
}

/// Does jobs; answers how many calls or tokens that were.
pub trait Contender {
    /// Performs a job.
    fn perform<'a>(
        &'a mut self,
        job: &'a Job,
    ) -> futures::future::LocalBoxFuture<'a, Result<usize>>;
}
