//! A conversation as an object: a flow, a session id and what is known of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::boundary::{Args, Entry, Invoked};
use crate::client::Client;
use crate::error::LangflowError;
use crate::platform;
use crate::request::check_segment;
use crate::run::{RunRequest, RunResult};
use crate::send;
use crate::stream::RunStream;

/// One conversation with a flow. Copies are the same conversation.
///
/// ```no_run
/// # async fn example(client: langflow_client::Client) -> Result<(), langflow_client::LangflowError> {
/// let session = client.session("your-flow-id");
/// session.run("My name is Ada.").await?;
/// println!("{}", session.run("What is my name?").await?.output);
/// for message in session.messages().await? {
///     println!("{}: {}", message["sender"], message["text"]);
/// }
/// session.clear().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Session {
    client: Client,
    flow_id: String,
    id: String,
    /// Whether the server has answered in it: until then its id is known here alone.
    begun: Arc<AtomicBool>,
}

/// What the server knows of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Id of the session.
    pub id: String,
    /// Id of the flow.
    pub flow_id: String,
    /// When it expires unless it is used before; RFC 3339.
    pub expires_at: Option<String>,
    /// Number of messages in it.
    pub message_count: Option<u64>,
    /// The answer as the server sent it.
    pub raw: Value,
}

impl Client {
    /// A new conversation with a flow. Nothing is sent: a server opens it with its first run.
    pub fn session(&self, flow_id: impl Into<String>) -> Session {
        let session = self.continue_session(flow_id, send::id("session_"));
        session.begun.store(false, Ordering::Relaxed);
        session
    }

    /// The conversation of this id.
    pub fn continue_session(
        &self,
        flow_id: impl Into<String>,
        session_id: impl Into<String>,
    ) -> Session {
        Session {
            client: self.clone(),
            flow_id: flow_id.into(),
            id: session_id.into(),
            begun: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Every session of a flow that has not expired, the most recently active first.
    ///
    /// # Errors
    /// As every call; `invalid_input` where the flow id is none.
    pub async fn list_sessions(&self, flow_id: &str) -> Result<Vec<SessionInfo>, LangflowError> {
        let args = Map::from_iter([("flow_id".to_owned(), flow_id.into())]);
        let items = self.all_pages("listSessions", args).await?;
        Ok(items.into_iter().map(SessionInfo::from).collect())
    }
}

impl Session {
    /// Id of the session; continue with it in another process.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Id of the flow.
    pub fn flow_id(&self) -> &str {
        &self.flow_id
    }

    /// Says something and waits for the answer.
    ///
    /// # Errors
    /// As [`Client::run_flow`].
    pub async fn run(&self, input: impl Into<String>) -> Result<RunResult, LangflowError> {
        let result = self.client.run_flow(self.request(input)).await?;
        self.begun.store(true, Ordering::Relaxed);
        Ok(result)
    }

    /// Says something and answers with the events as they come.
    ///
    /// # Errors
    /// As [`Client::stream_flow`].
    pub async fn stream(&self, input: impl Into<String>) -> Result<RunStream, LangflowError> {
        let stream = self.client.stream_flow(self.request(input)).await?;
        self.begun.store(true, Ordering::Relaxed);
        Ok(stream)
    }

    /// A run in this conversation, to add tweaks or options to.
    pub fn request(&self, input: impl Into<String>) -> RunRequest {
        RunRequest::new(self.flow_id.clone(), input)
            .session_id(self.id.clone())
            .beginning(!self.begun.load(Ordering::Relaxed))
    }

    /// When it was opened, when it expires, how long it is. `None` where the server does not know
    /// it: it has expired, was cleared or has not begun.
    ///
    /// # Errors
    /// As every call.
    pub async fn info(&self) -> Result<Option<SessionInfo>, LangflowError> {
        match self.client.ask("getSession", self.args()).await {
            Ok(value) => Ok(Some(SessionInfo::from(value))),
            Err(error) if unknown(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What was said, the oldest first; nothing where the server does not know the session.
    ///
    /// # Errors
    /// As every call.
    pub async fn messages(&self) -> Result<Vec<Value>, LangflowError> {
        let messages = self.client.all_pages("listSessionMessages", self.args());
        match messages.await {
            Err(error) if unknown(&error) => Ok(Vec::new()),
            outcome => outcome,
        }
    }

    /// Forgets what was said; false where there was nothing to forget.
    ///
    /// # Errors
    /// As every call.
    pub async fn clear(&self) -> Result<bool, LangflowError> {
        match self.client.ask("clearSession", self.args()).await {
            Ok(_) => Ok(true),
            Err(error) if unknown(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn args(&self) -> Map<String, Value> {
        Map::from_iter([
            ("flow_id".to_owned(), self.flow_id.clone().into()),
            ("session_id".to_owned(), self.id.clone().into()),
        ])
    }
}

impl From<Value> for SessionInfo {
    fn from(raw: Value) -> SessionInfo {
        let text = |key: &str| raw.get(key).and_then(Value::as_str).map(str::to_owned);
        SessionInfo {
            id: text("id").unwrap_or_default(),
            flow_id: text("flow_id").unwrap_or_default(),
            expires_at: text("expires_at"),
            message_count: raw.get("message_count").and_then(Value::as_u64),
            raw,
        }
    }
}

/// Whether the server says that there is no such session, rather than no such flow.
fn unknown(error: &LangflowError) -> bool {
    error.info().server_code.as_deref() == Some("session_not_found")
}

/// `session.new` and `session.get` answer with `{session_id, flow_id}`, the second with `info`
/// (null where the server does not know it); `session.messages` and `session.list` with lists;
/// `session.clear` with `{cleared}`. All take `flow_id`, all but new and list `session_id`.
pub(crate) const INVOKE: &[Entry] = &[
    Entry {
        name: "session.new",
        run: |client, args| with_session(client, args, Ask::New),
    },
    Entry {
        name: "session.get",
        run: |client, args| with_session(client, args, Ask::Get),
    },
    Entry {
        name: "session.messages",
        run: |client, args| with_session(client, args, Ask::Messages),
    },
    Entry {
        name: "session.clear",
        run: |client, args| with_session(client, args, Ask::Clear),
    },
    Entry {
        name: "session.list",
        run: |client, args| with_session(client, args, Ask::List),
    },
];

#[derive(Clone, Copy, PartialEq)]
enum Ask {
    New,
    Get,
    Messages,
    Clear,
    List,
}

fn with_session(client: Client, mut args: Args, ask: Ask) -> Invoked {
    platform::boxed(async move {
        let pasted = client.config.base.flow_id().map(str::to_owned);
        let flow_id = match (args.text("flow_id")?, pasted) {
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => args.need_text("flow_id")?,
        };
        check_segment("flow_id", &flow_id)?;
        let session = match ask {
            Ask::New | Ask::List => client.session(flow_id),
            _ => {
                let id = args.need_text("session_id")?;
                check_segment("session_id", &id)?;
                client.continue_session(flow_id, id)
            }
        };
        args.done()?;
        let ids = || json!({"session_id": session.id, "flow_id": session.flow_id});
        Ok(match ask {
            Ask::New => ids(),
            Ask::Get => {
                let mut known = ids();
                known["info"] = json!(session.info().await?);
                known
            }
            Ask::Messages => session.messages().await?.into(),
            Ask::Clear => json!({"cleared": session.clear().await?}),
            Ask::List => json!(client.list_sessions(&session.flow_id).await?),
        })
    })
}
