//! The engine as a JavaScript class.

use std::rc::Rc;

use bytes::Bytes;
use langflow_client::boundary;
use napi::Env;
use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;

use crate::failure::throw;
use crate::mailbox::{Answer, Mailbox, Post};
use crate::stream::EventStream;

/// The answer of an operation.
#[napi(object)]
pub struct Reply {
    /// Status, headers and what the client measured, as JSON.
    pub head: String,
    /// The body as it came.
    pub body: Buffer,
}

impl From<boundary::Reply> for Reply {
    fn from(reply: boundary::Reply) -> Self {
        Self {
            head: reply.head,
            body: Vec::from(reply.body).into(),
        }
    }
}

/// One configured client.
#[napi]
pub struct Engine {
    inner: boundary::Engine,
    /// Where its calls are answered.
    post: Option<Rc<Post>>,
}

#[napi]
impl Engine {
    /// An engine from settings as JSON; opens nothing.
    #[napi(constructor, catch_unwind)]
    pub fn new(config: String) -> napi::Result<Self> {
        Ok(Self {
            inner: boundary::Engine::new(&config).map_err(throw)?,
            post: None,
        })
    }

    /// Says where calls are answered, before the first one.
    #[napi(catch_unwind)]
    pub fn answer_in(&mut self, mailbox: &Mailbox) {
        self.post = Some(mailbox.post());
    }

    /// Calls an operation by its id. As of all calls with this type of answer: true where the mailbox has
    /// something already.
    #[napi(catch_unwind)]
    pub fn call(&self, env: &Env, id: u32, head: String, body: Uint8Array) -> napi::Result<bool> {
        let engine = self.inner.clone();
        let body = Bytes::copy_from_slice(&body);
        let work = async move { engine.call(&head, body).await.map(Answer::Reply) };
        self.post()?.answer_here(env, id, Box::pin(work))
    }

    /// Runs a flow to its end.
    #[napi(catch_unwind)]
    pub fn run(&self, env: &Env, id: u32, request: String) -> napi::Result<bool> {
        let engine = self.inner.clone();
        let work = async move { engine.run(&request).await.map(Answer::Text) };
        self.post()?.answer_here(env, id, Box::pin(work))
    }

    /// As `run`, of a run that is no more than what most are, without JSON on the way to it. Its result is
    /// a row.
    #[napi(catch_unwind)]
    pub fn run_plain(
        &self,
        env: &Env,
        id: u32,
        flow_id: String,
        input_value: String,
        session_id: Option<String>,
    ) -> napi::Result<bool> {
        let engine = self.inner.clone();
        let work = async move {
            let run = engine.run_plain(flow_id, input_value, session_id).await;
            Ok(Answer::Text(run?.to_row()))
        };
        self.post()?.answer_here(env, id, Box::pin(work))
    }

    /// Runs a flow as a stream.
    #[napi(catch_unwind)]
    pub fn open(&self, env: &Env, id: u32, request: String) -> napi::Result<()> {
        let engine = self.inner.clone();
        let work = async move { engine.open(&request).await.map(Answer::Stream) };
        self.post()?.answer(env, id, Box::pin(work))
    }

    /// Calls an operation that answers with events.
    #[napi(catch_unwind)]
    pub fn open_call(
        &self,
        env: &Env,
        id: u32,
        head: String,
        body: Uint8Array,
    ) -> napi::Result<()> {
        let engine = self.inner.clone();
        let body = Bytes::copy_from_slice(&body);
        let work = async move { engine.open_call(&head, body).await.map(Answer::Stream) };
        self.post()?.answer(env, id, Box::pin(work))
    }

    /// Does what the core's table of names knows under `name`.
    #[napi(catch_unwind)]
    pub fn invoke(&self, env: &Env, id: u32, name: String, args: String) -> napi::Result<bool> {
        let engine = self.inner.clone();
        // Folders and exports read files and compute, which would keep the thread from all else.
        let long = name.starts_with("project.") || name.starts_with("export.");
        let work = async move { engine.invoke(&name, &args).await.map(Answer::Text) };
        match long {
            true => self.post()?.answer(env, id, Box::pin(work)).map(|()| false),
            false => self.post()?.answer_here(env, id, Box::pin(work)),
        }
    }

    /// Runs many flows, some at a time.
    #[napi(catch_unwind)]
    pub fn run_many(&self, request: String) -> napi::Result<EventStream> {
        opened(self.inner.run_many(&request))
    }

    /// Sends a file or bytes as the body of an operation.
    #[napi(catch_unwind)]
    pub fn upload(
        &self,
        head: String,
        source: String,
        body: Uint8Array,
    ) -> napi::Result<EventStream> {
        let body = Bytes::copy_from_slice(&body);
        opened(self.inner.upload(&head, &source, body))
    }

    /// As `upload`, of a body that is asked for piece by piece, by events `want`.
    #[napi(catch_unwind)]
    pub fn upload_stream(&self, head: String, source: String) -> napi::Result<EventStream> {
        let fed = self.inner.upload_stream(&head, &source);
        fed.map(EventStream::fed).map_err(throw)
    }

    /// Writes the answer of an operation to a file.
    #[napi(catch_unwind)]
    pub fn download(
        &self,
        head: String,
        body: Uint8Array,
        path: String,
    ) -> napi::Result<EventStream> {
        let body = Bytes::copy_from_slice(&body);
        opened(self.inner.download(&head, body, &path))
    }

    /// What calls came to, as JSON.
    #[napi(catch_unwind)]
    pub fn metrics(&self) -> String {
        self.inner.metrics()
    }

    /// Alerts, as long as the stream is open.
    #[napi(catch_unwind)]
    pub fn watch(&self, thresholds: String) -> napi::Result<EventStream> {
        opened(self.inner.watch(&thresholds))
    }

    /// An engine with other options that shares connections, quota, limits and metrics.
    #[napi(catch_unwind)]
    pub fn with_options(&self, options: String) -> napi::Result<Engine> {
        Ok(Self {
            inner: self.inner.with_options(&options).map_err(throw)?,
            post: self.post.clone(),
        })
    }

    /// The configuration without the key, as JSON.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> String {
        self.inner.describe()
    }

    /// A line of a log without the secrets of the client and of the call with these options.
    #[napi(catch_unwind)]
    pub fn masked(&self, text: String, options: String) -> String {
        self.inner.masked(&text, &options)
    }
}

impl Engine {
    fn post(&self) -> napi::Result<&Post> {
        let missing = || napi::Error::from_reason("no mailbox has the answers of this engine");
        self.post.as_deref().ok_or_else(missing)
    }
}

fn opened(stream: Result<boundary::EventStream, boundary::ErrorJson>) -> napi::Result<EventStream> {
    stream.map(EventStream::from).map_err(throw)
}

/// What needs no engine: `webhook.verify`, `webhook.check`, `webhook.sign`, `trigger.sign`.
#[napi(catch_unwind)]
pub fn compute(name: String, args: String, body: Uint8Array) -> napi::Result<String> {
    boundary::compute(&name, &args, Bytes::copy_from_slice(&body)).map_err(throw)
}
