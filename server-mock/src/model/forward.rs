//! A model elsewhere: any endpoint that speaks the chat completions of OpenAI.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::{Answer, Ask, Model, ModelError, Part};
use crate::config::ModelKey;
use crate::outbound::{Outbound, Stream};

/// How long the endpoint may be silent.
const IDLE: Duration = Duration::from_secs(120);
/// The largest answer that does not stream, the longest line of one that does.
const LONGEST: usize = 4 * 1024 * 1024;

/// Asks an endpoint.
#[derive(Clone)]
pub(crate) struct ForwardModel {
    uri: Uri,
    host: String,
    port: u16,
    /// Whether it speaks TLS.
    encrypted: bool,
    outbound: Arc<Outbound>,
    name: Option<String>,
    key: Option<ModelKey>,
}

impl ForwardModel {
    /// The endpoint below a base URL such as `http://127.0.0.1:11434/v1`; or what is wrong with it.
    pub(crate) fn new(
        url: &str,
        name: Option<String>,
        key: Option<ModelKey>,
        outbound: &Arc<Outbound>,
    ) -> Result<Self, String> {
        let whole = match url.trim_end_matches('/') {
            whole if whole.ends_with("/chat/completions") => whole.to_owned(),
            base => format!("{base}/chat/completions"),
        };
        let uri: Uri = whole.parse().map_err(|_| format!("`{url}` is no URL"))?;
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => outbound.can_encrypt().map(|()| true)?,
            _ => return Err(format!("`{url}` has to begin with http:// or https://")),
        };
        let host = uri.host().ok_or_else(|| format!("`{url}` has no host"))?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 }),
            encrypted,
            outbound: Arc::clone(outbound),
            uri,
            name,
            key,
        })
    }

    fn question(&self, ask: &Ask) -> Value {
        let message = |role: &str, text: &str| json!({"role": role, "content": text});
        let mut messages = Vec::new();
        if !ask.system.is_empty() {
            messages.push(message("system", &ask.system));
        }
        let history = ask.history.iter();
        messages.extend(history.map(|turn| message(turn.role.name(), &turn.text)));
        messages.push(message("user", &ask.prompt));
        json!({
            "model": self.name.as_deref().unwrap_or(&ask.model_name),
            "messages": messages,
            "temperature": ask.temperature,
            "stream": true,
        })
    }

    async fn ask(&self, question: Value, pieces: &Pieces) -> Result<(), ModelError> {
        let stream = timely(TcpStream::connect((self.host.as_str(), self.port))).await?;
        let stream: Box<dyn Stream> = match self.encrypted {
            false => Box::new(stream),
            true => timely(self.outbound.encrypt(&self.host, stream)).await?,
        };
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = timely(shaken).await?;
        // It ends with the answer, or when nobody wants that any more.
        tokio::spawn(connection);
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self.uri.authority().map_or("", |it| it.as_str());
        let mut request = Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream, application/json");
        if let Some(ModelKey(key)) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request.body(Full::new(Bytes::from(question.to_string())));
        let request = request.map_err(|error| failure(&error))?;
        let (head, mut body) = timely(sender.send_request(request)).await?.into_parts();
        let kind = head.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let streams = head.status.is_success() && kind.starts_with("text/event-stream");
        let mut buffer = Vec::new();
        let mut finished = false;
        while let Some(frame) = timely_option(body.frame()).await? {
            let frame = frame.map_err(|error| failure(&error))?;
            buffer.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            while let Some(end) = buffer
                .iter()
                .position(|byte| *byte == b'\n')
                .filter(|_| streams)
            {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                match read_line(&String::from_utf8_lossy(&line))? {
                    Said::Nothing => {}
                    Said::Piece(text) => {
                        if pieces.send(Ok(text)).await.is_err() {
                            return Ok(());
                        }
                    }
                    Said::Finished => finished = true,
                    Said::End => return Ok(()),
                }
            }
            if buffer.len() > LONGEST {
                return Err(ModelError("the model's answer is too long".to_owned()));
            }
        }
        if streams {
            // Some endpoints name the reason for which they stopped, and no end.
            return if finished {
                Ok(())
            } else {
                Err(ModelError("the model broke off its answer".to_owned()))
            };
        }
        let answer = String::from_utf8_lossy(&buffer);
        let json: Value = serde_json::from_str(&answer).unwrap_or_default();
        match json["choices"][0]["message"]["content"].as_str() {
            Some(text) if head.status.is_success() => {
                let _ = pieces.send(Ok(text.to_owned())).await;
                Ok(())
            }
            _ => Err(ModelError(format!(
                "the model answered {}: {}",
                head.status.as_u16(),
                complaint(&json).unwrap_or("no choices"),
            ))),
        }
    }
}

type Pieces = mpsc::Sender<Result<String, ModelError>>;

impl Model for ForwardModel {
    fn answer(&self, ask: &Ask) -> Answer {
        let (sender, receiver) = mpsc::channel(16);
        let (model, question) = (self.clone(), self.question(ask));
        tokio::spawn(async move {
            let asked = tokio::select! {
                asked = model.ask(question, &sender) => asked,
                () = sender.closed() => return,
            };
            if let Err(error) = asked {
                let _ = sender.send(Err(error)).await;
            }
        });
        futures::stream::unfold(receiver, |mut receiver| async move {
            let piece = receiver.recv().await?;
            Some((piece.map(Part::Text), receiver))
        })
        .boxed()
    }
}

/// What a line of the stream says.
#[derive(Debug, PartialEq)]
enum Said {
    Nothing,
    Piece(String),
    Finished,
    End,
}

fn read_line(line: &str) -> Result<Said, ModelError> {
    let Some(data) = line.trim_end().strip_prefix("data:").map(str::trim_start) else {
        return Ok(Said::Nothing);
    };
    if data == "[DONE]" {
        return Ok(Said::End);
    }
    let json: Value = serde_json::from_str(data)
        .map_err(|error| ModelError(format!("the model sent what is not JSON: {error}")))?;
    if let Some(complaint) = complaint(&json) {
        return Err(ModelError(format!("the model failed: {complaint}")));
    }
    let choice = &json["choices"][0];
    Ok(match choice["delta"]["content"].as_str() {
        Some(text) if !text.is_empty() => Said::Piece(text.to_owned()),
        _ if choice["finish_reason"].is_string() => Said::Finished,
        _ => Said::Nothing,
    })
}

/// The error in an answer: an object with a message, or a text.
fn complaint(json: &Value) -> Option<&str> {
    let error = json.get("error")?;
    error["message"].as_str().or_else(|| error.as_str())
}

fn failure(error: &impl std::fmt::Display) -> ModelError {
    ModelError(format!("the model cannot be asked: {error}"))
}

async fn timely<T, E: std::fmt::Display>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, ModelError> {
    timely_option(work).await?.map_err(|error| failure(&error))
}

async fn timely_option<T>(work: impl Future<Output = T>) -> Result<T, ModelError> {
    let done = tokio::time::timeout(IDLE, work).await;
    done.map_err(|_| failure(&format_args!("no word in {} seconds", IDLE.as_secs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pieces_ends_errors_or_nothing() {
        let piece = r#"data: {"choices":[{"delta":{"content":"Grüße"}}]}"#;
        assert_eq!(read_line(piece).unwrap(), Said::Piece("Grüße".to_owned()));
        assert_eq!(read_line("data: [DONE]\r\n").unwrap(), Said::End);
        let reason = r#"data:{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
        assert_eq!(read_line(reason).unwrap(), Said::Finished);
        for nothing in ["", ": hello", "event: x", r#"data: {"choices":[]}"#] {
            assert_eq!(read_line(nothing).unwrap(), Said::Nothing, "{nothing}");
        }
        let error = read_line(r#"data: {"error":{"message":"too hot"}}"#).unwrap_err();
        assert_eq!(error.0, "the model failed: too hot");
        assert!(read_line("data: {").is_err());
    }

    #[test]
    fn the_endpoint_stands_below_the_base_url() {
        let outbound = Arc::new(Outbound::new(&crate::Config::default()).unwrap());
        let uri = |url: &str| {
            let model = ForwardModel::new(url, None, None, &outbound);
            model.map(|it| it.uri.to_string())
        };
        let whole = "http://127.0.0.1:1/v1/chat/completions";
        assert_eq!(uri("http://127.0.0.1:1/v1/").unwrap(), whole);
        assert_eq!(uri(whole).unwrap(), whole);
        let secure = uri("https://models.example/v1");
        match cfg!(feature = "program") {
            true => assert!(secure.unwrap().starts_with("https://models.example/v1/")),
            false => assert!(secure.unwrap_err().contains("`program`")),
        }
        assert!(uri("ftp://models.example").unwrap_err().contains("http://"));
        assert!(uri("nothing").is_err());
    }
}
