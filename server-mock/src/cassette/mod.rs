//! Cassettes: the answers of a real server, recorded once and played again, with the times that they
//! took. A cassette is a folder with a JSON file for each request, which people may edit.

mod player;
mod redact;
mod remote;
mod tape;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::http::Reply;
use crate::outbound::Outbound;
use crate::problem::Problem;
use redact::Redactor;
use remote::Remote;
use tape::{Asked, Tape};

/// The header of an answer that says where it comes from.
const HEADER: &str = "x-mock-cassette";

/// What is played, and what is recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cassette {
    /// The folder with the recordings.
    pub folder: PathBuf,
    /// The server to record, such as `https://langflow.example.com`; none: only play.
    #[serde(default)]
    pub record: Option<String>,
    /// Whether only what is not in the folder is recorded. Otherwise everything is asked anew.
    #[serde(default)]
    pub on_miss: bool,
    /// Whether a request that was not recorded is refused. Otherwise the mock answers it itself.
    #[serde(default)]
    pub strict: bool,
    /// Names of fields, headers and query parameters whose values are neither written nor compared,
    /// besides those that hold keys.
    #[serde(default)]
    pub redact: Vec<String>,
    /// How many times as fast as recorded an answer is played; 0 for at once.
    #[serde(default = "one")]
    pub speed: f64,
}

fn one() -> f64 {
    1.0
}

/// The recordings of a server.
pub(crate) struct Cassettes {
    options: Cassette,
    remote: Option<Remote>,
    redactor: Arc<Redactor>,
    tapes: Mutex<Vec<Tape>>,
    /// Why the last recording is not in its file.
    lost: Mutex<Option<String>>,
}

impl Cassettes {
    /// Reads a folder; or says what is wrong with it.
    pub(crate) fn open(options: Cassette, outbound: &Arc<Outbound>) -> Result<Self, String> {
        if !(options.speed.is_finite() && options.speed >= 0.0) {
            return Err("speed: it has to be a number from 0".to_owned());
        }
        let remote = options.record.as_deref();
        let remote = remote.map(|url| Remote::new(url, outbound)).transpose()?;
        if remote.is_some() {
            let made = std::fs::create_dir_all(&options.folder);
            made.map_err(|error| format!("{}: {error}", options.folder.display()))?;
        }
        let tapes = read(&options.folder)?;
        Ok(Self {
            redactor: Arc::new(Redactor::new(&options.redact)),
            remote,
            tapes: Mutex::new(tapes),
            lost: Mutex::default(),
            options,
        })
    }

    fn tapes(&self) -> std::sync::MutexGuard<'_, Vec<Tape>> {
        self.tapes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request: played, recorded, or `None` where the mock shall answer itself.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        app: &Arc<App>,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Option<Reply>, Problem> {
        let asked = Asked::of(parts, body, &self.redactor);
        if (self.remote.is_none() || self.options.on_miss)
            && let Some(tape) = self.next(&asked)
        {
            let played = format!("played {}", tape.file);
            let reply = player::play(app, tape, self.options.speed).await;
            return Ok(Some(reply.header(HEADER, played)));
        }
        match &self.remote {
            Some(remote) => {
                if let Some(error) = self.lost().take() {
                    let detail = format!("The last answer could not be recorded: {error}.");
                    return Err(Problem::new("internal", detail));
                }
                let begun = Instant::now();
                let secrets = redact::secrets(&parts.headers);
                let answer = remote.send(parts, body).await.map_err(|error| {
                    Problem::new("unavailable", format!("The server to record: {error}."))
                })?;
                Ok(Some(player::record(
                    app, self, asked, secrets, begun, answer,
                )))
            }
            None if self.options.strict => Err(self.missed(&asked)),
            None => Ok(None),
        }
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recording of a request: of several the next one, and the last again and again.
    fn next(&self, asked: &Asked) -> Option<Tape> {
        let mut tapes = self.tapes();
        let mut fitting: Vec<&mut Tape> = tapes.iter_mut().filter(|it| it.fits(asked)).collect();
        let fresh = fitting.iter().position(|it| !it.played);
        let at = fresh.unwrap_or(fitting.len().checked_sub(1)?);
        fitting[at].played = true;
        Some(fitting[at].clone())
    }

    /// Keeps a recording. What an earlier recording had for the request is gone then.
    fn keep(&self, mut tape: Tape) -> std::io::Result<()> {
        let mut tapes = self.tapes();
        let old = |it: &Tape| !it.recorded && it.fits(&tape.request);
        for gone in tapes.iter().filter(|it| old(it)) {
            let _ = std::fs::remove_file(self.options.folder.join(&gone.file));
        }
        tapes.retain(|it| !old(it));
        let last = tapes.iter().filter_map(Tape::number).max();
        tape.file = format!("{:04}-{}.json", last.unwrap_or(0) + 1, tape.request.slug());
        let path = self.options.folder.join(&tape.file);
        let text = serde_json::to_string_pretty(&tape)? + "\n";
        crate::saver::replace(&path, &text)?;
        // It was given once already, as it was recorded.
        (tape.recorded, tape.played) = (true, true);
        tapes.push(tape);
        Ok(())
    }

    /// A request that nobody recorded, and the recording that comes nearest.
    fn missed(&self, asked: &Asked) -> Problem {
        let tapes = self.tapes();
        let detail = format!(
            "No recording in {} fits {} {}.",
            self.options.folder.display(),
            asked.method,
            asked.target
        );
        let problem = Problem::new("route_not_found", detail);
        let near = tapes.iter().map(|it| (it, it.request.differs(asked)));
        match near.min_by_key(|(_, differs)| differs.len()) {
            Some((tape, differs)) => {
                let problem = problem.fact("nearest", tape.file.clone());
                differs.into_iter().fold(problem, |problem, field| {
                    problem.error(field, format!("is another one in {}", tape.file))
                })
            }
            None => problem,
        }
        .header(HEADER, "missed")
    }
}

/// All recordings in a folder, by the names of their files.
fn read(folder: &Path) -> Result<Vec<Tape>, String> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let entries = std::fs::read_dir(folder).map_err(|error| wrong(folder, &error))?;
    let mut tapes = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| wrong(folder, &error))?.path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(&path, &error))?;
        let mut tape: Tape = serde_json::from_str(&text).map_err(|error| wrong(&path, &error))?;
        tape.file = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        tapes.push(tape);
    }
    tapes.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(tapes)
}

/// A body as people can read it: JSON, or text, or base64 where it is neither.
fn readable(bytes: &[u8]) -> Value {
    use base64::Engine;
    let Ok(text) = std::str::from_utf8(bytes) else {
        let packed = base64::engine::general_purpose::STANDARD.encode(bytes);
        return serde_json::json!({"$base64": packed});
    };
    // Only JSON that comes back to the byte is written as such.
    let json: Option<Value> = serde_json::from_str(text).ok();
    let same = |json: &Value| {
        let again = json.to_string();
        !json.is_string() && !json.is_null() && again == text
    };
    let json = json.filter(same);
    json.unwrap_or_else(|| text.into())
}

/// The bytes of a body that was made readable.
fn bytes_of(value: &Value) -> Vec<u8> {
    use base64::Engine;
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Null => Vec::new(),
        value => match value.get("$base64").and_then(Value::as_str) {
            Some(packed) => base64::engine::general_purpose::STANDARD
                .decode(packed)
                .unwrap_or_default(),
            None => value.to_string().into_bytes(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_to_the_byte() {
        for body in [
            &b""[..],
            b"{\"a\":1.50,\"b\":[]}",
            b"{\"a\": 1}",
            b"{\"a\":1}",
            b"text",
            b"\"quoted\"",
            b"\xff\x00",
            b"null",
            b"7",
        ] {
            let shown = readable(body);
            assert_eq!(bytes_of(&shown), body, "{shown}");
        }
        assert!(readable(b"{\"a\":1}").is_object());
    }
}
