//! Many runs, some at a time.

use futures::{Stream, StreamExt as _};
use serde_json::{Value, json};

use crate::boundary::{Counts, Item, ManyResult};
use crate::client::Client;
use crate::error::LangflowError;
use crate::exact::{self, Wide};
use crate::options::{self, refuse};
use crate::platform::{self, BoxStream, MaybeSend};
use crate::run::{RunRequest, RunResult};

/// How many runs at a time, and in what order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManyOptions {
    /// Runs at a time, at least one. 8.
    pub concurrency: usize,
    /// Whether items come in the order of the requests instead of as they are done. Off.
    pub ordered: bool,
}

impl Default for ManyOptions {
    fn default() -> Self {
        ManyOptions {
            concurrency: 8,
            ordered: false,
        }
    }
}

/// What became of one of many runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ManyItem {
    /// Place of its request, from 0.
    pub index: usize,
    /// Its result, or why there is none.
    pub outcome: Result<RunResult, LangflowError>,
}

impl Client {
    /// Runs many flows, a bounded number at a time. One that fails is its item's error and stops
    /// none of the others; dropping the stream stops all. Runs begin and go on while the stream is
    /// waited for.
    ///
    /// ```no_run
    /// # async fn example(client: langflow_client::Client) {
    /// use futures::StreamExt;
    /// use langflow_client::RunRequest;
    ///
    /// let requests = ["Hello!", "Good morning!"].map(|text| RunRequest::new("your-flow-id", text));
    /// let mut items = client.run_many(requests, Default::default());
    /// while let Some(item) = items.next().await {
    ///     match item.outcome {
    ///         Ok(result) => println!("{}: {}", item.index, result.output),
    ///         Err(error) => println!("{}: {error}", item.index),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn run_many(
        &self,
        requests: impl IntoIterator<Item = RunRequest>,
        options: ManyOptions,
    ) -> BoxStream<ManyItem> {
        let requests: Vec<_> = requests.into_iter().map(Ok).collect();
        Box::pin(items(self, requests.into_iter(), options))
    }
}

type Request = Result<RunRequest, LangflowError>;

fn items(
    client: &Client,
    requests: impl Iterator<Item = Request> + MaybeSend + 'static,
    options: ManyOptions,
) -> impl Stream<Item = ManyItem> + MaybeSend + 'static {
    let client = client.clone();
    let runs = requests.enumerate().map(move |(index, request)| {
        let client = client.clone();
        platform::unconstrained(async move {
            let outcome = match request {
                Ok(request) => client.run_flow(request).await,
                Err(error) => Err(error),
            };
            ManyItem { index, outcome }
        })
    });
    let runs = futures::stream::iter(runs);
    let concurrency = options.concurrency.max(1);
    match options.ordered {
        true => runs.buffered(concurrency).left_stream(),
        false => runs.buffer_unordered(concurrency).right_stream(),
    }
}

/// The items as they cross a boundary, and the sums behind them.
pub(crate) fn events(
    client: &Client,
    requests: impl ExactSizeIterator<Item = Request> + MaybeSend + 'static,
    options: ManyOptions,
) -> impl Stream<Item = Result<Item, LangflowError>> + MaybeSend + 'static {
    let total = requests.len();
    let items = items(client, requests, options).map(Some);
    let items = items.chain(futures::stream::iter([None]));
    let mut counts = Counts {
        done: 0,
        failed: 0,
        total,
    };
    items.map(move |item| {
        let Some(ManyItem { index, outcome }) = item else {
            let mut event = json!(counts);
            event["type"] = "end".into();
            return Ok(Item::Json(event));
        };
        counts.done += 1;
        Ok(match outcome {
            Ok(result) => Item::Result(Box::new(ManyResult::new(index, result, counts))),
            Err(error) => {
                counts.failed += 1;
                let mut event = json!(counts);
                event["type"] = "item".into();
                event["index"] = index.into();
                event["error"] = error.info().to_json();
                Item::Json(event)
            }
        })
    })
}

impl ManyOptions {
    /// Reads what crosses a boundary; a request that is none is the error of its item.
    pub(crate) fn from_json(text: &str) -> Result<(Vec<Request>, ManyOptions), LangflowError> {
        let (requests, settings) = ManyOptions::read(text, "requests")?;
        let Value::Array(requests) = requests else {
            return Err(refuse("requests", "a list", &requests));
        };
        let requests = requests.into_iter().map(RunRequest::from_value).collect();
        Ok((requests, settings))
    }

    /// As [`ManyOptions::from_json`], of requests that differ in nothing but their input: each is made
    /// when its run begins.
    pub(crate) fn alike(
        text: &str,
        inputs: Vec<String>,
    ) -> Result<
        (
            impl ExactSizeIterator<Item = Request> + MaybeSend + use<>,
            ManyOptions,
        ),
        LangflowError,
    > {
        let (shared, settings) = ManyOptions::read(text, "request")?;
        let shared = RunRequest::from_value(shared);
        let requests = inputs.into_iter().map(move |input| {
            let mut request = shared.clone()?;
            let input = Value::String(input);
            request.fields.insert("input_value".to_owned(), input);
            Ok(request)
        });
        Ok((requests, settings))
    }

    /// The field of this name, which is what is to be run, and the settings beside it.
    fn read(text: &str, what: &str) -> Result<(Value, ManyOptions), LangflowError> {
        let value = exact::read(text.as_bytes(), Wide::Marked).map_err(|error| {
            LangflowError::invalid_input("request", format!("The request is not JSON: {error}."))
        })?;
        let Value::Object(map) = value else {
            return Err(refuse("request", "an object", &value));
        };
        let (mut found, mut settings) = (None, ManyOptions::default());
        for (name, value) in map.into_iter().filter(|(_, value)| !value.is_null()) {
            match (name.as_str(), value) {
                (name, value) if name == what => found = Some(value),
                ("concurrency", value) => match options::count("concurrency", &value)? {
                    0 => {
                        let message = "`concurrency` must be 1 or more.";
                        return Err(LangflowError::invalid_input("concurrency", message));
                    }
                    count => settings.concurrency = count as usize,
                },
                ("ordered", value) => settings.ordered = options::flag("ordered", &value)?,
                (other, _) => {
                    let message = format!("Many runs take no `{other}`.");
                    return Err(LangflowError::invalid_input(other, message));
                }
            }
        }
        match found {
            Some(found) => Ok((found, settings)),
            None => {
                let message = format!("`{what}` is missing.");
                Err(LangflowError::invalid_input(what, message))
            }
        }
    }
}
