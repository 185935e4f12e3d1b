//! Tenants: workspaces beside the main one, each with a state, a clock, faults and a journal of its
//! own, so that tests that run at the same time can share a server. Nothing below knows of them: a
//! request is led to its workspace, and is then like any other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use http::uri::{PathAndQuery, Uri};

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::problem::Problem;
use crate::server::StartError;

/// Where a tenant's routes stand.
const PREFIX: &str = "/__t/";
/// The header that names a tenant.
const HEADER: &str = "x-mock-tenant";
/// How a key of a tenant begins; its name and `_` and a key of the workspace follow.
const KEY: &str = "mk_";
/// How many there may be: each has a workspace in memory.
const KEPT: usize = 1_000;

/// The main workspace and those of the tenants, which are made when they are first asked for.
pub(crate) struct Tenants {
    pub(crate) main: Arc<App>,
    others: Mutex<BTreeMap<String, Arc<App>>>,
}

impl Tenants {
    /// With those that the configuration names.
    pub(crate) fn new(main: Arc<App>) -> Result<Arc<Self>, StartError> {
        let tenants = Self {
            main,
            others: Mutex::default(),
        };
        for name in &tenants.main.config.tenants {
            if !is_name(name) {
                return Err(StartError::Tenant(format!("`{name}` {NAME}")));
            }
            let app = tenants.make()?;
            tenants.others().insert(name.clone(), app);
        }
        Ok(Arc::new(tenants))
    }

    fn others(&self) -> MutexGuard<'_, BTreeMap<String, Arc<App>>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workspace that a request is meant for; the request then reads as if there were only
    /// that one.
    pub(crate) fn lead<B>(&self, request: &mut Request<B>) -> Result<Arc<App>, Problem> {
        let by_path = in_path(request.uri());
        let by_key = in_key(request.headers().get(AUTHORIZATION));
        let by_header = request.headers().get(HEADER);
        let by_header = by_header.map(|name| name.to_str().unwrap_or_default().to_owned());
        if let Some((_, rest)) = &by_path {
            *request.uri_mut() = rest.clone();
        }
        if let Some((_, key)) = &by_key {
            request.headers_mut().insert(AUTHORIZATION, key.clone());
        }
        let names = [
            by_path.map(|(name, _)| name),
            by_header,
            by_key.map(|(name, _)| name),
        ];
        let mut names = names.into_iter().flatten();
        let Some(name) = names.next() else {
            return Ok(Arc::clone(&self.main));
        };
        if let Some(other) = names.find(|other| *other != name) {
            let detail = format!("The request names two tenants, `{name}` and `{other}`.");
            return Err(Problem::new("invalid_parameter", detail).error("tenant", "is named twice"));
        }
        self.find(&name)
    }

    fn find(&self, name: &str) -> Result<Arc<App>, Problem> {
        let refuse = |message: &str| {
            let detail = format!("tenant: {message}");
            Err(Problem::new("invalid_parameter", detail).error("tenant", message))
        };
        if !is_name(name) {
            return refuse(NAME);
        }
        let mut others = self.others();
        if let Some(app) = others.get(name) {
            return Ok(Arc::clone(app));
        }
        let declared = &self.main.config.tenants;
        if !declared.is_empty() {
            return refuse(&format!(
                "there is no `{name}`; there are {}",
                declared.join(", ")
            ));
        }
        if others.len() >= KEPT {
            return refuse("there are too many; restart the server");
        }
        match self.make() {
            Ok(app) => {
                others.insert(name.to_owned(), Arc::clone(&app));
                Ok(app)
            }
            Err(error) => Err(Problem::new("internal", error.to_string())),
        }
    }

    /// A fresh workspace like the main one was, with the same keys; only the main one is kept in a
    /// file.
    fn make(&self) -> Result<Arc<App>, StartError> {
        let config = Config {
            state: None,
            tenants: Vec::new(),
            ..self.main.config.clone()
        };
        let main = Some(Arc::clone(&self.main));
        let (app, _) = App::new(config, Clock::default(), self.main.tasks.clone(), main)?;
        Ok(app)
    }
}

/// The URL of a tenant's workspace on a server.
pub(crate) fn url(server: &str, name: &str) -> String {
    format!("{server}{PREFIX}{name}")
}

/// What a name has to be.
const NAME: &str = "has 1 to 64 letters, digits and hyphens";

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// The tenant in a path, and what is left of the URI without it.
fn in_path(uri: &Uri) -> Option<(String, Uri)> {
    let rest = uri.path().strip_prefix(PREFIX)?;
    let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
    let target = match uri.query() {
        Some(query) => format!("/{path}?{query}"),
        None => format!("/{path}"),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Some((name.to_owned(), Uri::from_parts(parts).ok()?))
}

/// The tenant in a key, and the key of its workspace.
fn in_key(header: Option<&HeaderValue>) -> Option<(String, HeaderValue)> {
    let (scheme, secret) = header?.to_str().ok()?.split_once(' ')?;
    let (name, key) = secret.trim().strip_prefix(KEY)?.split_once('_')?;
    let key = HeaderValue::try_from(format!("{scheme} {key}")).ok()?;
    Some((name.to_owned(), key))
}
