//! Calls of the table that the client makes by itself, and lists that come in pages.

use std::collections::VecDeque;

use futures::{Stream, TryStreamExt as _};
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::client::Client;
use crate::deadline::seconds;
use crate::error::{ErrorCode, LangflowError};
use crate::operation::{self, Operation};
use crate::options::{CallOptions, TOTAL};
use crate::page::Come;
use crate::platform::{self, MaybeSend};
use crate::request::{self, Parts};
use crate::understand::misshapen;

/// Items on a page where the caller does not say.
const PAGE: u64 = 100;

impl Client {
    /// Calls an operation without a body; an answer without a body is null.
    pub(crate) async fn ask(
        &self,
        id: &str,
        args: Map<String, Value>,
    ) -> Result<Value, LangflowError> {
        let (answer, call) = self.ask_whole(id, args).await?;
        match answer.body.is_empty() {
            true => match call.operation.shape.misses(None) {
                Some(why) => Err(call.misunderstood(misshapen(why, b""), &answer)),
                None => Ok(Value::Null),
            },
            false => self.understand(&answer, &call).await,
        }
    }

    pub(crate) async fn ask_whole(
        &self,
        id: &str,
        args: Map<String, Value>,
    ) -> Result<(Answer, Call), LangflowError> {
        self.ask_with(id, args, CallOptions::default()).await
    }

    /// As [`Client::ask`], with options and the whole answer.
    pub(crate) async fn ask_with(
        &self,
        id: &str,
        args: Map<String, Value>,
        options: CallOptions,
    ) -> Result<(Answer, Call), LangflowError> {
        let operation = row(id)?;
        let call = Call::new(self, operation, options);
        let parts = Parts {
            args,
            ..Parts::default()
        };
        let request = request::build(&self.place(operation)?, operation, parts)?;
        let answer = self.exchange(request, &call).await?;
        Ok((answer, call))
    }

    /// Every item of a list, page by page as they are asked for. The operation takes `page` and
    /// `size` and answers `{items, pages}`, or answers with the whole list at once.
    pub(crate) fn items(
        &self,
        id: &'static str,
        args: Map<String, Value>,
    ) -> impl Stream<Item = Result<Value, LangflowError>> + MaybeSend + 'static {
        let start = Pages {
            client: self.clone(),
            id,
            args,
            next: Some(1),
            seen: 0,
            short: None,
            ready: VecDeque::new(),
        };
        futures::stream::try_unfold(start, |mut pages| async move {
            loop {
                if let Some(item) = pages.ready.pop_front() {
                    return Ok(Some((item, pages)));
                }
                let Some(number) = pages.next else {
                    return pages.short.take().map_or(Ok(None), Err);
                };
                pages.read(number).await?;
            }
        })
    }

    pub(crate) async fn all_pages(
        &self,
        id: &'static str,
        args: Map<String, Value>,
    ) -> Result<Vec<Value>, LangflowError> {
        let all = Box::pin(self.items(id, args).try_collect());
        let most = self.config.timeouts.total.unwrap_or(TOTAL);
        let read = platform::within(Some(most), all).await;
        read.unwrap_or_else(|| {
            let most = seconds(most);
            let message = format!("The pages of `{id}` were not all read within {most} s.");
            Err(LangflowError::new(ErrorCode::TotalTimeout, message))
        })
    }
}

struct Pages {
    client: Client,
    id: &'static str,
    args: Map<String, Value>,
    next: Option<u64>,
    seen: u64,
    short: Option<LangflowError>,
    ready: VecDeque<Value>,
}

impl Pages {
    async fn read(&mut self, number: u64) -> Result<(), LangflowError> {
        let mut args = self.args.clone();
        args.insert("page".to_owned(), json!(number));
        args.entry("size").or_insert_with(|| json!(PAGE));
        let page = self.client.ask(self.id, args).await?;
        self.next = None;
        let page = match page {
            Value::Array(items) => json!({"items": items}),
            page => page,
        };
        match page {
            Value::Object(mut page) if page.get("items").is_some_and(objects) => {
                if let Some(Value::Array(items)) = page.remove("items") {
                    self.ready = items.into();
                }
                let mut figure = |name: &str| page.remove(name).unwrap_or_default();
                let come = Come {
                    operation: self.id.to_owned(),
                    asked: number,
                    count: self.ready.len() as u64,
                    follows: number > 1,
                    before: Some(self.seen),
                    page: figure("page"),
                    size: figure("size"),
                    pages: figure("pages"),
                    total: figure("total"),
                };
                let figures = come.figures()?;
                self.seen += self.ready.len() as u64;
                (self.next, self.short) = (figures.next, figures.short);
            }
            other => {
                let message = format!("`{}` did not answer with a list of objects.", self.id);
                let error = LangflowError::new(ErrorCode::InvalidResponse, message);
                let info = error.info().clone();
                return Err(info.with_json(&other).into());
            }
        }
        Ok(())
    }
}

fn objects(items: &Value) -> bool {
    let items = items.as_array();
    items.is_some_and(|items| items.iter().all(Value::is_object))
}

/// The row of an operation that this crate itself calls.
pub(crate) fn row(id: &str) -> Result<&'static Operation, LangflowError> {
    operation::find(id).ok_or_else(|| {
        LangflowError::new(
            ErrorCode::InternalError,
            format!("The operation table has no `{id}`."),
        )
    })
}
