//! Connections of the commands, encrypted or not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

/// A server that a command talks to.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// What stands in the header `host`.
    pub(super) authority: String,
    /// What stands before every path; no slash at its end.
    pub(super) prefix: String,
    host: String,
    port: u16,
    encrypted: bool,
    ca_file: Option<PathBuf>,
}

/// A connection.
pub(super) trait Wire: Read + Write {}

impl Wire for TcpStream {}

/// A connection with TLS.
struct Secure(rustls::StreamOwned<rustls::ClientConnection, TcpStream>);

impl Read for Secure {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer) {
            // Many servers just close. What is missing then shows in the answer: it has a length, or an
            // end of its own.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(0),
            read => read,
        }
    }
}

impl Write for Secure {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Wire for Secure {}

impl Peer {
    /// The server of a URL; or what is wrong with it.
    pub(super) fn new(url: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(format!("`{url}` has to begin with http:// or https://")),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("`{url}` has no host"))?;
        Ok(Self {
            authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 }),
            encrypted,
            ca_file: ca_file.map(Path::to_owned),
        })
    }

    /// Opens a connection; reading from it may wait so long, or for ever.
    pub(super) fn dial(&self, patience: Option<Duration>) -> std::io::Result<Box<dyn Wire>> {
        let mut stream = TcpStream::connect((self.host.as_str(), self.port))?;
        stream.set_read_timeout(patience)?;
        if !self.encrypted {
            return Ok(Box::new(stream));
        }
        let config = langflow_mock::tls_client(self.ca_file.as_deref());
        let config = config.map_err(std::io::Error::other)?;
        let name = rustls::pki_types::ServerName::try_from(self.host.clone());
        let name = name.map_err(std::io::Error::other)?;
        let made = rustls::ClientConnection::new(Arc::clone(&config), name);
        let mut tls = made.map_err(std::io::Error::other)?;
        while tls.is_handshaking() {
            let shaken = tls.complete_io(&mut stream);
            shaken.map_err(|error| std::io::Error::other(langflow_mock::explain_tls(&error)))?;
        }
        Ok(Box::new(Secure(rustls::StreamOwned::new(tls, stream))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_where_and_how() {
        let peer = |url: &str| Peer::new(url, None);
        let plain = peer("http://127.0.0.1:7870").unwrap();
        assert_eq!(
            (plain.port, plain.encrypted, &*plain.prefix),
            (7870, false, "")
        );
        let deep = peer("https://[::1]/__t/a/").unwrap();
        assert_eq!((deep.port, deep.encrypted, &*deep.host), (443, true, "::1"));
        assert_eq!((&*deep.prefix, &*deep.authority), ("/__t/a", "[::1]"));
        for bad in ["127.0.0.1:7870", "ftp://x", "http://", "", "http:///x"] {
            let error = peer(bad).unwrap_err();
            assert!(error.contains(bad), "{error}");
        }
    }
}
