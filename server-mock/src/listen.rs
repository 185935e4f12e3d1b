//! Where a server listens, and the sockets for it.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// How many ports the system is asked for until one is free on both addresses.
const PORTS: usize = 16;

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Host {
    /// On one address.
    Address(IpAddr),
    /// Wherever the name `localhost` may lead to: on 127.0.0.1 and on ::1, on one port.
    Localhost,
}

impl Default for Host {
    fn default() -> Self {
        Self::Address(Ipv4Addr::LOCALHOST.into())
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("localhost") {
            return Ok(Self::Localhost);
        }
        let address = text.parse().map(Self::Address);
        address.map_err(|_| format!("`{text}` is neither an IP address nor `localhost`"))
    }
}

impl TryFrom<String> for Host {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.to_string()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Localhost => f.write_str("localhost"),
        }
    }
}

impl Host {
    /// The address that the server is known by.
    pub(crate) fn address(self) -> IpAddr {
        match self {
            Self::Address(address) => address,
            Self::Localhost => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// The sockets, the one that the server is known by first. A system without IPv6 has one.
    pub(crate) async fn listen(self, port: u16) -> io::Result<Vec<TcpListener>> {
        let mut tries = if port == 0 { PORTS } else { 1 };
        loop {
            tries -= 1;
            let first = TcpListener::bind(SocketAddr::new(self.address(), port)).await?;
            if self != Self::Localhost {
                return Ok(vec![first]);
            }
            let second = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), first.local_addr()?.port());
            match TcpListener::bind(second).await {
                Ok(second) => return Ok(vec![first, second]),
                // Somebody else has it there.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
                Err(_) => return Ok(vec![first]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_is_both_addresses_and_a_port_that_is_taken_on_one_is_not_used() {
        let sockets = Host::Localhost.listen(0).await.expect("sockets");
        let [first, second] = sockets.as_slice() else {
            panic!("this test needs IPv6 on the loopback: {sockets:?}");
        };
        let (first, second) = (first.local_addr().unwrap(), second.local_addr().unwrap());
        assert_eq!(first.port(), second.port());
        assert_eq!(
            (first.ip(), second.ip()),
            (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into())
        );
        // On a port of one's own choice it is an error and no silent half.
        let taken = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Host::Localhost.listen(port).await.expect_err("it is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_host_is_an_address_or_localhost() {
        assert_eq!("LocalHost".parse(), Ok(Host::Localhost));
        assert_eq!("::1".parse(), Ok(Host::Address(Ipv6Addr::LOCALHOST.into())));
        let error = "example.com".parse::<Host>().expect_err("is no address");
        assert!(error.contains("`example.com`"), "{error}");
        assert_eq!(serde_json::to_value(Host::Localhost).unwrap(), "localhost");
    }
}
