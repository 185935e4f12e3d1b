//! Who the client is to a server: a key, or a login to an open-source server whose token is renewed;
//! and what a refusal means.

use std::collections::BTreeMap;

use crate::platform::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::call::Call;
use crate::client::Client;
use crate::config::{Config, Key, Secret};
use crate::dialect::{Api, Family};
use crate::error::{ErrorCode, ErrorInfo, LangflowError};
use crate::operation::{Body, Operation, Safety, Shape};
use crate::options::{self, CallOptions};
use crate::platform::{self, BorrowingFuture};
use crate::request::{self, Parts};

/// Names the organization to a hosted Langflow.
pub const ORGANIZATION: HeaderName = HeaderName::from_static("x-datastax-current-org");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Takes a form and nothing else. Five a minute are answered, good ones included.
static LOGIN: Operation = Operation {
    id: "logIn",
    method: "POST",
    path: "/api/v1/login",
    params: &[],
    body: Some(Body {
        required: true,
        content_types: &["application/x-www-form-urlencoded"],
    }),
    accept: "application/json",
    shape: Shape::Any,
    stream: false,
    safety: Safety::Safe,
    permission: "read",
};

/// Takes the token as a cookie and nothing else.
static REFRESH: Operation = Operation {
    id: "refreshLogin",
    path: "/api/v1/refresh",
    body: None,
    ..LOGIN
};

/// A user of an open-source server.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    username: String,
    password: Secret,
}

impl Login {
    /// The login of these settings, which takes both of its parts.
    pub(crate) fn read(
        settings: &BTreeMap<String, Value>,
        api: Api,
    ) -> Result<Option<Login>, LangflowError> {
        let part = |name: &str| {
            let value = settings.get(name);
            value.map(|value| match options::text(name, value)? {
                text if text.is_empty() => Err(LangflowError::invalid_input(
                    name,
                    format!("`{name}` is empty."),
                )),
                text => Ok(text),
            })
        };
        let (username, password) = match (part("username"), part("password")) {
            (None, None) => return Ok(None),
            (Some(username), Some(password)) => (username?, password?),
            (None, _) => {
                let message = "`password` needs `username`.";
                return Err(LangflowError::invalid_input("username", message));
            }
            (_, None) => {
                let message = "`username` needs `password`.";
                return Err(LangflowError::invalid_input("password", message));
            }
        };
        if !platform::LOGS_IN {
            let message = "`username` and `password` are for servers and scripts; pass `api_key`.";
            return Err(LangflowError::invalid(
                ErrorCode::Unsupported,
                "username",
                message,
            ));
        }
        if settings.contains_key("api_key") {
            return Err(LangflowError::invalid_input(
                "username",
                "Pass `api_key`, or `username` and `password`: a server that is sent both looks at one.",
            ));
        }
        if !matches!(api, Api::Auto | Api::Langflow) {
            let message = format!(
                "A server of the kind {} knows no login; pass `api_key`.",
                api.name()
            );
            return Err(LangflowError::invalid_input("username", message));
        }
        Ok(Some(Login {
            username,
            password: Secret::new(&password),
        }))
    }

    /// The password, for a digest of who asks and to take it out of errors.
    pub(crate) fn password(&self) -> &str {
        self.password.expose()
    }

    pub(crate) fn username(&self) -> &str {
        &self.username
    }
}

/// The tokens of a login, shared by all copies of a client.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Option<Pair>>);

#[derive(Debug)]
struct Pair {
    access: Secret,
    refresh: Option<Secret>,
}

/// Adds the key where the server looks for it, and nowhere else: an open-source server that is sent a
/// Bearer it does not know refuses the key beside it.
pub(crate) fn add_key(headers: &mut HeaderMap, key: &Key, config: &Config, to: &Operation) {
    let header = to.open_source() && !config.hosted();
    let (name, value) = match header {
        true => (X_API_KEY, key.plain()),
        false => (header::AUTHORIZATION, key.bearer()),
    };
    headers.insert(name, value);
}

fn set_secret(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Checked where it came in.
    if let Ok(mut value) = HeaderValue::from_str(value) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

impl Client {
    /// The one of these operations that takes what this client is.
    pub(crate) fn logged_in(
        &self,
        by_key: &'static Operation,
        by_login: &'static Operation,
    ) -> &'static Operation {
        match self.logs_in() {
            Some(_) => by_login,
            None => by_key,
        }
    }

    fn logs_in(&self) -> Option<&Login> {
        if !platform::LOGS_IN {
            return None;
        }
        // A key that was given later, by other options, wins.
        self.config
            .login
            .as_ref()
            .filter(|_| self.config.api_key.is_none())
    }

    /// The login that this call needs a token of.
    pub(crate) fn login_for(&self, call: &Call) -> Option<&Login> {
        let asked = call.operation.family() == Family::Langflow
            && ![LOGIN.id, REFRESH.id].contains(&call.operation.id);
        self.logs_in().filter(|_| asked)
    }

    /// Adds the token of the login to the request, another than the `stale` one, and says which.
    // A box made in a function that is not async: only so is all of it left out where nobody logs in.
    pub(crate) fn log_in<'a>(
        &'a self,
        login: &'a Login,
        request: &'a mut platform::Request,
        call: &'a Call,
        stale: Option<Secret>,
    ) -> BorrowingFuture<'a, Result<Secret, LangflowError>> {
        if !platform::LOGS_IN {
            let message = "Nobody logs in here.";
            let error = LangflowError::new(ErrorCode::Unsupported, message);
            return Box::pin(std::future::ready(Err(error)));
        }
        Box::pin(async move {
            let token = self.token(login, call, stale).await?;
            let bearer = format!("Bearer {}", token.expose());
            set_secret(request.headers_mut(), header::AUTHORIZATION, &bearer);
            Ok(token)
        })
    }

    /// The token of the login. Callers that need one at the same time wait for one login.
    async fn token(
        &self,
        login: &Login,
        call: &Call,
        stale: Option<Secret>,
    ) -> Result<Secret, LangflowError> {
        let mut held = self.shared.tokens.0.lock().await;
        let mut refresh = None;
        if let Some(pair) = held.take() {
            if stale.as_ref() != Some(&pair.access) {
                return Ok(held.insert(pair).access.clone());
            }
            refresh = pair.refresh;
        }
        if let Some(refresh) = refresh {
            // A cookie that has run out, or that no browser would send, is no reason to fail.
            if let Ok(pair) = self.refresh(&refresh, call).await {
                return Ok(held.insert(pair).access.clone());
            }
        }
        let form = json!({"password": login.password.expose(), "username": login.username});
        let parts = Parts {
            body: Bytes::from(form.to_string()),
            ..Parts::default()
        };
        let request = request::build(&self.config.base.root(), &LOGIN, parts)?;
        let pair = self.ask_tokens(request, &LOGIN, call).await;
        let pair = pair.map_err(|error| refused_login(error, &login.username))?;
        Ok(held.insert(pair).access.clone())
    }

    async fn refresh(&self, token: &Secret, call: &Call) -> Result<Pair, LangflowError> {
        let mut request = request::build(&self.config.base.root(), &REFRESH, Parts::default())?;
        let cookie = format!("refresh_token_lf={}", token.expose());
        set_secret(request.headers_mut(), header::COOKIE, &cookie);
        self.ask_tokens(request, &REFRESH, call).await
    }

    /// Sends a question for tokens, within the time of the call that needs them.
    async fn ask_tokens(
        &self,
        request: platform::Request,
        operation: &'static Operation,
        call: &Call,
    ) -> Result<Pair, LangflowError> {
        let options = CallOptions {
            timeout: call.deadline.limit(None, ErrorCode::TotalTimeout).0,
            ..CallOptions::default()
        };
        let asked = Call::new(self, operation, options);
        let answer = self.exchange(request, &asked).await?;
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let token = |name: &str| {
            let text = value[name]
                .as_str()
                .filter(|text| !text.trim().is_empty())?;
            // It has to go into a header.
            HeaderValue::from_str(text).ok()?;
            Some(Secret::new(text))
        };
        let refresh = token("refresh_token");
        let access = token("access_token");
        for token in refresh.iter().chain(&access) {
            self.shared.learnt.add(token);
        }
        match access {
            Some(access) => Ok(Pair { access, refresh }),
            // Never with the body: it may hold a token.
            None => Err(LangflowError::new(
                ErrorCode::InvalidResponse,
                "The server answered a login without a token.",
            )),
        }
    }
}

/// The error of a login, as what it is.
fn refused_login(error: LangflowError, username: &str) -> LangflowError {
    let mut info = error.info().clone();
    info.may_have_executed = false;
    match info.status {
        // A user that waits for approval is a bad request there.
        Some(400 | 401 | 403) => {
            let said = info.message;
            info.code = ErrorCode::Unauthenticated;
            info.message = format!("The login of {username} was refused. {said}");
            info.hint = "Check `username` and `password`.".to_owned();
            info.field = Some("password".to_owned());
        }
        Some(404 | 405) => {
            info.code = ErrorCode::Unsupported;
            info.message = "The server knows no login.".to_owned();
            info.hint = "Pass `api_key` instead of `username` and `password`.".to_owned();
            info.field = Some("username".to_owned());
        }
        _ => {}
    }
    info.into()
}

/// Says what a refused key means, where the server does not.
pub(crate) fn explain(info: &mut ErrorInfo, config: &Config, call: &Call) {
    if info.code != ErrorCode::Unauthenticated
        || [LOGIN.id, REFRESH.id].contains(&call.operation.id)
    {
        return;
    }
    let own = config.headers.iter().chain(&call.options.headers);
    let own_bearer = own
        .map(|(name, _)| name)
        .any(|name| name.eq_ignore_ascii_case("authorization"));
    let key = config.api_key.as_ref().map(Key::expose);
    let family = call.operation.family();
    let hint = match (family, key) {
        (Family::Workspace, None) if config.login.is_some() => {
            "The workspace API knows no login: pass `api_key` instead of `username` and `password`."
        }
        (Family::Workspace, _) => return,
        (_, _) if config.hosted() && info.message.contains("API key must be passed") => {
            "The key was sent as a Bearer, which this server does not look at: use api=\"langflow\", \
             without `organization`."
        }
        (_, _) if config.hosted() => {
            "Check `api_key`, the token of the hosted service, and `organization`."
        }
        (_, _) if own_bearer => {
            "`headers` has an `authorization` of its own, which an open-source server looks at before \
             the key: leave it out and pass `api_key`."
        }
        (Family::Lfx, None) => {
            "No key was sent: pass as `api_key` what `lfx serve` has in LANGFLOW_API_KEY."
        }
        (Family::Lfx, Some(_)) => "`api_key` has to be what `lfx serve` has in LANGFLOW_API_KEY.",
        (_, None) if config.login.is_some() && info.message.contains("API key") => {
            "This route takes no login: pass `api_key` instead of `username` and `password`."
        }
        (_, None) if config.login.is_some() => "The server did not accept the login's token.",
        (_, None) if info.message.contains("LANGFLOW_AUTO_LOGIN") => {
            "No key was sent. The server logs everybody in to its pages, but its API wants a key \
             since 1.5: make one in its settings and pass it as `api_key`."
        }
        (_, None) => {
            "No key was sent: make one in the server's settings and pass it as `api_key`, or pass \
             `username` and `password`."
        }
        (_, Some(key)) if key.starts_with("eyJ") => {
            "`api_key` looks like the token of a login, which is no key: make a key in the server's \
             settings, or pass `username` and `password`."
        }
        (_, Some(_)) => {
            "The server does not say which: the key may be wrong, expired, deleted or of another \
             server. Keys are made in its settings."
        }
    };
    info.hint = hint.to_owned();
}
