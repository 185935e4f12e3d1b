//! The recipe of the container image, as far as it can be held to the program without an image.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const RECIPE: &str = include_str!("../Dockerfile");
const PROGRAM: &str = env!("CARGO_BIN_EXE_langflow-mock");

/// The rest of the one line that begins so.
fn line(begin: &str) -> &'static str {
    let mut found = RECIPE.lines().filter_map(|line| line.strip_prefix(begin));
    let line = found.next().unwrap_or_else(|| panic!("no `{begin}`"));
    assert_eq!(found.next(), None, "{begin}");
    line
}

/// A command in the form of a list.
fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).expect("a list")
}

#[test]
fn the_image_starts_the_server_and_finds_it_healthy() {
    let entry = list(line("ENTRYPOINT "));
    let copied = line("COPY --from=build ").split(' ').nth(1);
    assert_eq!(copied, Some(entry[0].as_str()), "what is copied is started");
    let (name, value) = line("ENV ").split_once('=').expect("a variable");
    let mut server = Command::new(PROGRAM)
        .args(list(line("CMD ")))
        .env(name, value)
        .env("LANGFLOW_MOCK_PORT", "0")
        .env("LANGFLOW_MOCK_READY_JSON", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("to run");
    let mut said = String::new();
    let output = server.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut said).expect("text");
    let ready: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    // Who listens for others makes up a token, and is healthy without one.
    assert!(ready["control_token"].is_string(), "{ready}");
    let check = RECIPE.split_once("HEALTHCHECK").expect("a check").1;
    let check = check
        .lines()
        .next()
        .and_then(|line| line.split_once("CMD "));
    let check = list(check.expect("a command").1);
    assert_eq!(check[0], entry[0]);
    let healthy = |url: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(&check[1..]).env("LANGFLOW_MOCK_URL", url);
        command.output().expect("to run")
    };
    let url = ready["url"].as_str().expect("a URL");
    let well = healthy(url);
    server.kill().expect("to end");
    server.wait().expect("to end");
    assert!(well.status.success(), "{well:?}");
    let ill = healthy(url);
    assert!(!ill.status.success(), "{ill:?}");
}

#[test]
fn the_image_is_built_with_the_compiler_that_the_crates_need() {
    let base = line("FROM rust:").split('-').next();
    assert_eq!(base, Some(env!("CARGO_PKG_RUST_VERSION")));
    // The port that the program listens on unless told otherwise.
    let help = Command::new(PROGRAM).args(["serve", "--help"]).output();
    let help = String::from_utf8(help.expect("to run").stdout).expect("text");
    assert!(
        help.contains(&format!("[default: {}]", line("EXPOSE "))),
        "{help}"
    );
}

/// The base image has the C library, `libgcc_s` and no other library.
#[test]
#[cfg(target_os = "linux")]
fn the_program_needs_no_library_that_the_image_lacks() {
    let Ok(needed) = Command::new("ldd").arg(PROGRAM).output() else {
        // Systems without the usual C library have no `ldd`, and link nothing.
        return;
    };
    let needed = String::from_utf8(needed.stdout).expect("text");
    let known = [
        "linux-vdso",
        "libc.so",
        "libm.so",
        "libgcc_s.so",
        "ld-linux",
        "ld-musl",
        "statically",
    ];
    for line in needed.lines().filter(|line| !line.trim().is_empty()) {
        assert!(known.iter().any(|name| line.contains(name)), "{line}");
    }
}
