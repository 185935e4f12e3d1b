//! A server that does what its script says, byte for byte, and remembers every request.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::play::{play, reset, stall};
use super::request::{RecordedRequest, read};
use super::script::{End, Reply, ScriptedReply, Trick};

/// A server on `127.0.0.1` that plays one entry of its script for each request, whatever the
/// connection; the last entry serves all further ones unless it is marked `once`. It has a thread
/// of its own and ends when it is dropped.
///
/// ```
/// use langflow_mock::wire::{Reply, ScriptServer};
/// use std::io::{Read, Write};
///
/// let server = ScriptServer::start(vec![Reply { status: 204, ..Reply::default() }.into()])?;
/// let mut client = std::net::TcpStream::connect(server.address())?;
/// client.write_all(b"GET /a%20b HTTP/1.1\r\nhost: x\r\n\r\n")?;
/// let mut start = [0; 12];
/// client.read_exact(&mut start)?;
/// assert_eq!(&start, b"HTTP/1.1 204");
/// assert_eq!(server.requests()[0].target, "/a%20b");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ScriptServer {
    address: SocketAddr,
    journal: Arc<Journal>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ScriptServer {
    /// Starts a server; it listens, or refuses, once this returns.
    pub fn start(script: Vec<ScriptedReply>) -> std::io::Result<Self> {
        let journal = Arc::new(Journal::new(script));
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let shared = journal.clone();
        let thread = std::thread::Builder::new()
            .name("script-server".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let _ = tell.send(Err(error));
                        return;
                    }
                };
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = listen(shared, tell) => {}
                    }
                });
            })?;
        let lost = || std::io::Error::other("the thread of the server ended");
        let address = told.recv().map_err(|_| lost())??;
        Ok(Self {
            address,
            journal,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The URL of the server, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, in the order in which they were complete. What is known only later,
    /// such as that the client went away, is filled in when it happens.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.journal.requests().clone()
    }

    /// Waits until the requests are such as a test expects; `false` after `limit`.
    pub fn wait_for(&self, limit: Duration, expected: impl Fn(&[RecordedRequest]) -> bool) -> bool {
        let requests = self.journal.requests();
        let result = self
            .journal
            .changed
            .wait_timeout_while(requests, limit, |it| !expected(it));
        !result.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Drop for ScriptServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The script, how far it is played, and what came.
#[derive(Debug)]
struct Journal {
    script: Vec<ScriptedReply>,
    next: Mutex<usize>,
    refusing: watch::Sender<bool>,
    requests: Mutex<Vec<RecordedRequest>>,
    changed: Condvar,
    started: Instant,
}

impl Journal {
    fn new(script: Vec<ScriptedReply>) -> Self {
        let refusing = matches!(script.first(), Some(ScriptedReply::Trick(Trick::Refuse)));
        Self {
            script,
            next: Mutex::new(0),
            refusing: watch::Sender::new(refusing),
            requests: Mutex::new(Vec::new()),
            changed: Condvar::new(),
            started: Instant::now(),
        }
    }

    fn requests(&self) -> MutexGuard<'_, Vec<RecordedRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry that the next request will get.
    fn peek(&self) -> Option<(usize, &ScriptedReply)> {
        let next = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.script.len().checked_sub(1)?;
        let entry = self.script.get(next.min(last))?;
        let used_up = next > last && matches!(entry, ScriptedReply::Reply(reply) if reply.once);
        (!used_up).then_some((next.min(last), entry))
    }

    /// Goes on to the next entry; one that refuses takes effect at once.
    fn take(&self) -> Option<(usize, &ScriptedReply)> {
        let entry = self.peek();
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        if matches!(self.peek(), Some((_, ScriptedReply::Trick(Trick::Refuse)))) {
            self.refusing.send_replace(true);
        }
        entry
    }

    fn record(&self, mut request: RecordedRequest) -> usize {
        request.at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut requests = self.requests();
        requests.push(request);
        self.changed.notify_all();
        requests.len() - 1
    }

    fn amend(&self, at: usize, change: impl FnOnce(&mut RecordedRequest)) {
        if let Some(request) = self.requests().get_mut(at) {
            change(request);
        }
        self.changed.notify_all();
    }
}

async fn listen(journal: Arc<Journal>, tell: mpsc::Sender<std::io::Result<SocketAddr>>) {
    let bound = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let (socket, address) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            let _ = tell.send(Err(error));
            return;
        }
    };
    let mut refusing = journal.refusing.subscribe();
    if *refusing.borrow() {
        // A socket that is bound and does not listen: the port is ours and refuses everybody.
        let _ = tell.send(Ok(address));
        std::future::pending::<()>().await;
    }
    let listener = match socket.listen(1024) {
        Ok(listener) => listener,
        Err(error) => {
            let _ = tell.send(Err(error));
            return;
        }
    };
    let _ = tell.send(Ok(address));
    let mut connections = JoinSet::new();
    let mut count = 0;
    loop {
        while connections.try_join_next().is_some() {}
        tokio::select! {
            biased;
            _ = refusing.wait_for(|refusing| *refusing) => break,
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(converse(stream, count, journal.clone()));
                count += 1;
            },
        }
    }
    drop(listener);
    let _held = bind(address);
    while connections.join_next().await.is_some() {}
    std::future::pending::<()>().await;
}

fn bind(address: SocketAddr) -> std::io::Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

async fn converse(mut stream: TcpStream, connection: usize, journal: Arc<Journal>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    if let Some((_, ScriptedReply::Trick(Trick::ResetOnConnect))) = journal.peek() {
        journal.take();
        reset(&stream);
        return;
    }
    while let Some(mut request) = read(&mut stream, &mut buffer).await {
        let entry = journal.take();
        request.connection = connection;
        request.entry = entry.map(|(number, _)| number);
        let at = journal.record(request);
        let exhausted = Reply {
            status: 500,
            headers: super::Headers(vec![("x-script".to_owned(), "exhausted".to_owned())]),
            end: End::Close,
            ..Reply::default()
        };
        let reply = match entry {
            None => &exhausted,
            Some((_, ScriptedReply::Reply(reply))) => reply,
            Some((_, ScriptedReply::Trick(trick))) => {
                match trick {
                    Trick::ResetBeforeResponse | Trick::ResetOnConnect => reset(&stream),
                    Trick::Stall => {
                        stall(&mut stream, &mut buffer).await;
                        journal.amend(at, |request| request.closed_early = true);
                    }
                    Trick::CloseBeforeResponse | Trick::Refuse => {}
                }
                return;
            }
        };
        let played = play(reply, &mut stream, &mut buffer).await;
        journal.amend(at, |request| {
            request.response_bytes = played.written;
            request.closed_early = played.closed_early;
        });
        if !played.keep {
            return;
        }
    }
}
