//! Calls of a row, wherever it stands, that answer with JSON.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::call::{Answer, Call};
use crate::client::Client;
use crate::error::LangflowError;
use crate::exact;
use crate::operation::Operation;
use crate::options::CallOptions;
use crate::platform;
use crate::request::{self, Parts};

impl Client {
    /// Asks and answers with JSON.
    pub(crate) async fn asked(&self, asked: Asked) -> Result<Value, LangflowError> {
        self.asked_for(asked, Ok).await
    }

    /// Asks and reads the answer; an answer that cannot be read is one of this call.
    pub(crate) async fn asked_for<T>(
        &self,
        asked: Asked,
        read: impl FnOnce(Value) -> Result<T, LangflowError>,
    ) -> Result<T, LangflowError> {
        let (call, request) = self.asking(asked, None)?;
        let answer: Answer = self.exchange(request, &call).await?;
        let value = self.understand(&answer, &call).await?;
        read(value).map_err(|error| call.misunderstood(error, &answer))
    }

    pub(crate) fn asking(
        &self,
        asked: Asked,
        accept: Option<&'static str>,
    ) -> Result<(Call, platform::Request), LangflowError> {
        let mut call = Call::new(self, asked.operation, asked.options);
        // Every caller goes on to the other family where this one is not it.
        call.moves = !asked.operation.open_source();
        let body = asked.body.map(|body| Bytes::from(exact::text_of(&body)));
        let parts = Parts {
            args: asked.args,
            body: body.unwrap_or_default(),
            accept,
            ..Parts::default()
        };
        let base = match asked.operation.open_source() {
            true => self.config.base.root(),
            false => self.config.base.workspace(),
        };
        Ok((call, request::build(&base, asked.operation, parts)?))
    }
}

/// A call of a row.
pub(crate) struct Asked {
    pub(crate) operation: &'static Operation,
    pub(crate) args: Map<String, Value>,
    pub(crate) body: Option<Value>,
    pub(crate) options: CallOptions,
}

impl Asked {
    pub(crate) fn of<const N: usize>(
        operation: &'static Operation,
        args: [(&str, &str); N],
        body: Option<Value>,
    ) -> Asked {
        let args = args.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Asked {
            operation,
            args: Map::from_iter(args),
            body,
            options: CallOptions::default(),
        }
    }
}
