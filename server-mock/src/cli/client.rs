//! One request to a running mock.

use std::io::{BufRead, Read, Write};

use serde_json::Value;

use super::At;
use super::dial::{Peer, Wire};

/// Asks the control API of a mock; its JSON, or what went wrong.
pub(crate) fn ask(at: &At, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let url = &at.url;
    let (status, text) = send(at, method, path, body)
        .map_err(|error| format!("no mock at {url}: {error} (is it running? see --url)"))?;
    let json: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    match status {
        200..=299 => Ok(json),
        _ => {
            let detail = json["detail"].as_str();
            Err(detail.map_or_else(|| format!("{url} answered {status}"), str::to_owned))
        }
    }
}

/// The name of what is no event: the stream has begun, and nothing that happens from now on is missed.
pub(crate) const BEGUN: &str = "";

/// Reads a stream of the control API until it ends: the name and the JSON of each event, [`BEGUN`] first.
pub(crate) fn follow(
    at: &At,
    path: &str,
    mut each: impl FnMut(&str, &Value),
) -> Result<(), String> {
    let url = &at.url;
    let lost =
        |error: std::io::Error| format!("no mock at {url}: {error} (is it running? see --url)");
    let stream = write(at, "GET", path, &Value::Null).map_err(lost)?;
    let mut lines = std::io::BufReader::new(stream).lines();
    let status = lines.next().transpose().map_err(lost)?.unwrap_or_default();
    if status.contains(" 200 ") {
        each(BEGUN, &Value::Null);
    }
    let mut event = String::new();
    for line in lines {
        let line = line.map_err(lost)?;
        if let Some(name) = line.strip_prefix("event: ") {
            event = name.to_owned();
        } else if let Some(data) = line.strip_prefix("data: ") {
            each(&event, &serde_json::from_str(data).unwrap_or_default());
        } else if line.starts_with('{') && !status.contains(" 200 ") {
            let problem: Value = serde_json::from_str(&line).unwrap_or_default();
            return Err(problem["detail"].as_str().unwrap_or(&status).to_owned());
        }
    }
    Ok(())
}

fn send(at: &At, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, String)> {
    let mut stream = write(at, method, path, body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    // The control API answers with a length, but for its streams.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let broken = || std::io::Error::other("what answers there is no mock");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    Ok((status.ok_or_else(broken)?, body.to_owned()))
}

fn write(at: &At, method: &str, path: &str, body: &Value) -> std::io::Result<Box<dyn Wire>> {
    // Commands once took an address alone, and still do.
    let url = match at.url.contains("://") {
        true => at.url.clone(),
        false => format!("http://{}", at.url),
    };
    let peer = Peer::new(&url, at.ca_file.as_deref()).map_err(std::io::Error::other)?;
    let mut stream = peer.dial(None)?;
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let token = at.control_token.as_deref();
    let token = token.map_or_else(String::new, |it| format!("x-mock-token: {it}\r\n"));
    let Peer {
        authority, prefix, ..
    } = &peer;
    let request = format!(
        "{method} {prefix}/__mock{path} HTTP/1.1\r\nhost: {authority}\r\n{token}connection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    Ok(stream)
}
