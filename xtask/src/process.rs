//! Runs programs, shows what they print, and counts the tests that they report.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Tests that ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// A command in a folder.
pub fn command(folder: &Path, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// Runs it with its output shown; an exit status other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    say(&format!("$ {shown}"));
    let status = command.status().with_context(|| format!("start {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Runs it silently; what it printed is shown only where it fails.
pub fn run_quietly(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let output = command.output().with_context(|| format!("start {shown}"))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        bail!(
            "{shown}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&text)
        );
    }
    Ok(())
}

/// Runs tests: their output is shown and their closing lines are counted. A runner that fails
/// without naming a failed test counts as one.
pub fn test(command: &mut Command) -> Result<Counts> {
    let shown = show(command);
    say(&format!("$ {shown}"));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {shown}"))?;
    let output = child.stdout.take().context("no standard output")?;
    let errors = child.stderr.take().context("no standard error")?;
    let errors = std::thread::spawn(move || {
        for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            keep(&line);
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    });
    let mut counts = Counts::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        counts += count(&line);
        say(&line);
    }
    let status = child.wait()?;
    let _ = errors.join();
    if !status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    if counts == Counts::default() {
        bail!("{shown}: ran no test");
    }
    Ok(counts)
}

/// The tests of a runner's closing line: cargo, pytest, node's test runner, and our own.
fn count(line: &str) -> Counts {
    let line = line.trim();
    let before = |word: &str| {
        let at = line.find(word)?;
        line[..at]
            .trim_end()
            .rsplit([' ', ':', '='])
            .next()?
            .parse::<u64>()
            .ok()
    };
    let after = |mark: &str| line.strip_prefix(mark)?.trim().parse::<u64>().ok();
    if line.starts_with("test result:") || (line.contains(" passed") && line.contains(" in ")) {
        // cargo test; pytest ("3 failed, 12 passed in 4.2s").
        let failed = before(" failed").unwrap_or(0) + before(" error").unwrap_or(0);
        return Counts {
            passed: before(" passed").unwrap_or(0),
            failed,
        };
    }
    if line.contains(" failed in ") || line.contains(" error in ") || line.contains(" errors in ") {
        let failed = before(" failed").unwrap_or(0) + before(" error").unwrap_or(0);
        return Counts { passed: 0, failed };
    }
    if line.starts_with("conformance: ") || line.starts_with("faults: ") {
        let failed = before(" failed").unwrap_or(0);
        return Counts {
            passed: before(" passed").unwrap_or(0),
            failed,
        };
    }
    Counts {
        passed: after("# pass ").or_else(|| after("ℹ pass ")).unwrap_or(0),
        failed: after("# fail ").or_else(|| after("ℹ fail ")).unwrap_or(0),
    }
}

/// Where all that the tests print is kept, for the stage that looks for secrets in it.
pub fn kept() -> PathBuf {
    crate::tools::work().join("output.log")
}

fn keep(line: &str) {
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(kept());
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{line}");
    }
}

/// One line on standard output.
pub fn say(line: &str) {
    keep(line);
    // A closed standard output is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Counts, count};

    #[test]
    fn closing_lines() {
        for (line, passed, failed) in [
            (
                "test result: ok. 17 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.09s",
                17,
                0,
            ),
            ("test result: FAILED. 1 passed; 2 failed; 0 ignored", 1, 2),
            ("12 passed in 3.21s", 12, 0),
            ("==== 1 failed, 12 passed, 2 warnings in 3.21s ====", 12, 1),
            ("3 failed in 0.5s", 0, 3),
            ("1 error in 0.50s", 0, 1),
            ("# pass 31", 31, 0),
            ("ℹ fail 2", 0, 2),
            ("conformance: 191 passed, 3 failed", 191, 3),
            ("running 3 tests", 0, 0),
            ("I passed in review", 0, 0),
        ] {
            assert_eq!(count(line), Counts { passed, failed }, "{line}");
        }
    }
}
