//! One attempt: a POST to the receiver, and what came of it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::outbound::{Outbound, Stream};

use super::schedule::Advice;
use super::signature::Signed;

/// The headers with signatures.
const STANDARD: &str = "webhook-signature";
const STRIPE: &str = "stripe-signature";

/// How much of an answer is kept.
const ANSWER: usize = 1024;

/// A POST as it is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) url: String,
    pub(super) message_id: String,
    pub(super) timestamp: i64,
    pub(super) signed: Signed,
    pub(super) body: String,
    /// A header that is left out.
    pub(super) missing: Option<&'static str>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Default)]
pub(super) struct Receipt {
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) answer: Option<String>,
    pub(super) advice: Advice,
    /// It cannot go better another time.
    pub(super) hopeless: bool,
    /// The receiver wants nothing more: it said so in the header `webhook-delivery`.
    pub(super) unwanted: bool,
}

/// Sends a parcel; redirects are answers like others, and no answer may take longer than this.
pub(super) async fn send(
    parcel: &Parcel,
    timeout: Duration,
    allow_net: bool,
    outbound: &Outbound,
) -> Receipt {
    match tokio::time::timeout(timeout, exchange(parcel, allow_net, outbound)).await {
        Ok(Ok(receipt)) => receipt,
        Ok(Err(refusal)) => Receipt {
            error: Some(refusal.reason),
            hopeless: refusal.hopeless,
            ..Receipt::default()
        },
        Err(_) => Receipt::silence(timeout),
    }
}

impl Receipt {
    /// Of a receiver that did not answer in time.
    pub(super) fn silence(timeout: Duration) -> Self {
        Self {
            error: Some(format!(
                "no answer within {} seconds",
                timeout.as_secs_f64()
            )),
            advice: Advice {
                timed_out: true,
                ..Advice::default()
            },
            ..Self::default()
        }
    }
}

/// Why there was no answer.
struct Refusal {
    reason: String,
    hopeless: bool,
}

impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self {
            reason: error.to_string(),
            hopeless: false,
        }
    }
}

fn never(reason: impl Into<String>) -> Refusal {
    Refusal {
        reason: reason.into(),
        hopeless: true,
    }
}

async fn exchange(
    parcel: &Parcel,
    allow_net: bool,
    outbound: &Outbound,
) -> Result<Receipt, Refusal> {
    let url: Uri = parcel.url.parse().map_err(|_| never("this is no URL"))?;
    let address = target(&url, allow_net).await?;
    let encrypted = url.scheme_str() == Some("https");
    if encrypted {
        outbound.can_encrypt().map_err(never)?;
    }
    let stream = TcpStream::connect(address).await?;
    let stream: Box<dyn Stream> = match encrypted {
        false => Box::new(stream),
        // A certificate that is not trusted yet may be so at the next attempt.
        true => {
            let shaken = outbound.encrypt(host(&url), stream).await;
            shaken.map_err(|reason| Refusal {
                reason,
                hopeless: false,
            })?
        }
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(header::HOST, url.authority().map_or("", |it| it.as_str()))
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::USER_AGENT,
            concat!("langflow-mock/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONNECTION, "close")
        .header("webhook-id", &parcel.message_id)
        .header("webhook-timestamp", parcel.timestamp.to_string())
        .body(Full::new(Bytes::from(parcel.body.clone())))?;
    let Signed { standard, stripe } = &parcel.signed;
    for (name, value) in [(STANDARD, standard), (STRIPE, stripe)] {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse()?);
        }
    }
    if let Some(name) = parcel.missing {
        request.headers_mut().remove(name);
        // The one header of Stripe has all of it.
        request.headers_mut().remove(STRIPE);
    }
    let answer = async {
        let response = sender.send_request(request).await?;
        let (head, mut body) = response.into_parts();
        let mut kept = Vec::new();
        // What is not kept is not read either: a receiver that never stops would hold us up.
        while let Some(frame) = body.frame().await {
            // The status has arrived; a body that breaks off does not take it back.
            let Ok(frame) = frame else { break };
            kept.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            if kept.len() >= ANSWER {
                break;
            }
        }
        kept.truncate(ANSWER);
        Ok::<_, Refusal>((head, String::from_utf8_lossy(&kept).into_owned()))
    };
    tokio::pin!(answer);
    tokio::pin!(connection);
    // The connection is worked on here, so that it ends with the attempt.
    let (head, body) = tokio::select! {
        done = &mut answer => done?,
        _ = &mut connection => answer.await?,
    };
    let status = head.status.as_u16();
    let retry_after = head.headers.get(header::RETRY_AFTER);
    let advice = Advice {
        throttled: matches!(status, 429 | 502 | 504),
        timed_out: false,
        retry_after: retry_after.and_then(|value| wait(value.to_str().ok()?, Utc::now())),
    };
    let said = head.headers.get("webhook-delivery");
    let said = said.and_then(|value| value.to_str().ok());
    let error = match status {
        200..300 => None,
        300..400 => Some(format!(
            "the receiver redirects ({status}), which is not followed"
        )),
        _ => Some(format!("the receiver answered {status}")),
    };
    Ok(Receipt {
        status: Some(status),
        error,
        answer: Some(body),
        advice,
        hopeless: said == Some("abort-message"),
        unwanted: said == Some("disable"),
    })
}

/// Where a URL leads to. The address that was looked at is the one that is used: a name that
/// changes its mind in between leads nowhere else.
async fn target(url: &Uri, allow_net: bool) -> Result<SocketAddr, Refusal> {
    let host = host(url);
    if host.is_empty() {
        return Err(never("this URL has no host"));
    }
    // Nobody is asked about other names: a question is a packet that leaves this machine.
    if !allow_net && host != "localhost" && host.parse::<std::net::IpAddr>().is_err() {
        return Err(outside(host, allow_net, "it is not `localhost`"));
    }
    let encrypted = url.scheme_str() == Some("https");
    let port = url.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
        .await
        .map(Iterator::collect)
        .map_err(|error| outside(host, allow_net, &error.to_string()))?;
    let near = found.iter().find(|it| allow_net || it.ip().is_loopback());
    let address = *near.ok_or_else(|| outside(host, allow_net, "it is another machine"))?;
    Ok(address)
}

/// The host of a URL, an address of IPv6 without its brackets.
fn host(url: &Uri) -> &str {
    url.host().unwrap_or_default().trim_matches(['[', ']'])
}

fn outside(host: &str, allow_net: bool, reason: &str) -> Refusal {
    if allow_net {
        Refusal {
            reason: format!("{host}: {reason}"),
            hopeless: false,
        }
    } else {
        never(format!(
            "{host} is not on this machine: {reason}; other targets need allow_net"
        ))
    }
}

/// What `Retry-After` says: seconds, or a date.
fn wait(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let seconds = |text| wait(text, now).map(|it| it.as_secs());
        assert_eq!(seconds(" 7 "), Some(7));
        assert_eq!(seconds("Thu, 01 Jan 2026 00:01:00 GMT"), Some(60));
        assert_eq!(seconds("Wed, 31 Dec 2025 00:01:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
    }

    #[tokio::test]
    async fn only_this_machine_is_a_target_unless_allowed() {
        let place = async |url: &str, allow| {
            let found = target(&url.parse().unwrap(), allow).await;
            found.map_err(|refusal| (refusal.reason, refusal.hopeless))
        };
        for here in [
            "http://127.0.0.1:9/x",
            "http://[::1]:9/",
            "http://127.9.9.9:9/",
        ] {
            assert!(place(here, false).await.is_ok(), "{here}");
        }
        let named = place("http://hooks.example/", false).await.unwrap_err();
        assert!(named.0.contains("localhost") && named.1, "{named:?}");
        for there in [
            "http://192.0.2.1/",
            "http://169.254.169.254/",
            "http://[2001:db8::1]/",
        ] {
            let (reason, hopeless) = place(there, false).await.unwrap_err();
            assert!(reason.contains("allow_net") && hopeless, "{reason}");
            assert!(place(there, true).await.is_ok(), "{there}");
        }
        assert_eq!(
            place("https://127.0.0.1/", false).await.unwrap().port(),
            443
        );
    }
}
