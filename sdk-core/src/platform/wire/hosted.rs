//! Connections on the event loop of a host.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use socket2::{SockRef, TcpKeepalive};

use super::KEEPALIVE;
use crate::platform::host::HostTcpStream;
use crate::platform::sleep;

/// How long addresses of one kind may keep those of the other waiting (RFC 8305 wants 250 ms at most,
/// what tokio's connections are made with takes 300).
const HEAD_START: Duration = Duration::from_millis(300);

/// Connects, from within a task of a loop.
pub(super) async fn connect(server: &http::Uri) -> io::Result<HostTcpStream> {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    let secure = server.scheme_str() == Some("https");
    let port = server.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    let stream = first(found, HostTcpStream::connect).await?;
    stream.set_nodelay(true)?;
    // Where a system has none, the connection is as good.
    let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
    Ok(stream)
}

/// What is connected first: the addresses of the kind that the system names first, and after a while, or
/// where they have failed, those of the other.
async fn first<T, F>(addresses: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let six = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (own, other): (Vec<_>, Vec<_>) = addresses.iter().partition(|one| one.is_ipv6() == six);
    let one_by_one = async |addresses: Vec<&SocketAddr>| {
        let mut last = io::Error::other("the name of the server has no address");
        for address in addresses {
            match connect(*address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    };
    let own = pin!(one_by_one(own));
    if other.is_empty() {
        return own.await;
    }
    let own = match select(own, pin!(sleep(HEAD_START))).await {
        Either::Left((Ok(stream), _)) => return Ok(stream),
        Either::Left((Err(_), _)) => return one_by_one(other).await,
        Either::Right(((), own)) => own,
    };
    match select(own, pin!(one_by_one(other))).await {
        Either::Left((Err(_), other)) => other.await,
        Either::Right((Err(_), own)) => own.await,
        Either::Left((stream, _)) | Either::Right((stream, _)) => stream,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_other_kind_of_address_is_tried_when_the_first_fails_or_is_silent() {
        let addresses = |text: &str| -> Vec<SocketAddr> {
            let all = text.split(' ');
            all.map(|address| address.parse().expect("an address"))
                .collect()
        };
        // By its port: 1 refuses, 2 is silent, others connect.
        let connect = async |address: SocketAddr| match address.port() {
            1 => Err(io::ErrorKind::ConnectionRefused.into()),
            2 => std::future::pending().await,
            _ => Ok(address.to_string()),
        };
        for (given, wanted) in [
            ("[::1]:3 127.0.0.1:4", Some("[::1]:3")),
            ("[::1]:1 [::1]:3 127.0.0.1:4", Some("[::1]:3")),
            ("[::1]:1 127.0.0.1:4", Some("127.0.0.1:4")),
            ("[::1]:2 127.0.0.1:1 127.0.0.1:4", Some("127.0.0.1:4")),
            ("127.0.0.1:1 [::1]:1", None),
        ] {
            let found = first(addresses(given), connect).await.ok();
            assert_eq!(found.as_deref(), wanted, "{given}");
        }
    }
}
