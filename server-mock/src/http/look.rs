//! A look at the product that leaves no trace: for the page that shows what goes on, which must not
//! itself go on. Not in the journal, without a key, and no fault strikes.

use std::sync::Arc;

use http::HeaderMap;

use super::auth::Caller;
use super::body::Body;
use super::call::{Call, query};
use super::reply::Reply;
use super::{dispatch, find};
use crate::app::App;
use crate::contract::PREFIX;
use crate::problem::Problem;

/// What a GET of an administrator is answered; `target` is path and query below the API's prefix.
pub(crate) async fn look(app: &Arc<App>, request_id: &str, target: &str) -> Result<Reply, Problem> {
    let (path, search) = match target.split_once('?') {
        Some((path, search)) => (path, Some(search)),
        None => (target, None),
    };
    let (operation, values) = find("GET", &format!("{PREFIX}{path}"))?;
    let call = Call {
        app: app.clone(),
        operation,
        request_id: request_id.to_owned(),
        target: target.to_owned(),
        caller: Caller::anybody(),
        values,
        query: query(search),
        headers: HeaderMap::new(),
        body: Body::None,
        now: app.clock.now(),
    };
    call.check()?;
    dispatch(call).await
}
