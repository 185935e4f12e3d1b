//! The loop under a host that watches its descriptor as libuv and asyncio do.

#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::task::Waker;
use std::thread::{self, ThreadId};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;

use super::*;

/// A host: a thread that does nothing but to watch the descriptor and to give turns.
struct Host {
    watching: Runtime,
    elsewhere: Runtime,
    host: HostLoop,
}

impl Host {
    fn new() -> Host {
        let mut elsewhere = tokio::runtime::Builder::new_multi_thread();
        let elsewhere = elsewhere.worker_threads(1).enable_all().build().unwrap();
        let mut watching = tokio::runtime::Builder::new_current_thread();
        Host {
            watching: watching.enable_all().build().unwrap(),
            host: HostLoop::new(elsewhere.handle().clone()).unwrap(),
            elsewhere,
        }
    }

    /// Gives turns until the work is done.
    fn finish<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (done, answer) = mpsc::channel();
        self.host
            .spawn(async move { done.send(work.await).unwrap() });
        self.turns(|| answer.try_recv().ok())
    }

    #[expect(
        deprecated,
        reason = "what is to be used instead is unsafe; the descriptor outlives it here"
    )]
    fn turns<T>(&self, mut over: impl FnMut() -> Option<T>) -> T {
        let turns = async {
            let descriptor = AsyncFd::new(self.host.descriptor()).unwrap();
            loop {
                if let Some(answer) = over() {
                    return answer;
                }
                descriptor.readable().await.unwrap().clear_ready();
                self.host.turn();
            }
        };
        let limit = Duration::from_secs(20);
        let limited = async { tokio::time::timeout(limit, turns).await };
        self.watching.block_on(limited).unwrap()
    }
}

/// A server that answers everything it is sent with the same bytes.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut bytes) {
                    if stream.write_all(&bytes[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn a_task_runs_on_the_thread_of_the_host() {
    let host = Host::new();
    let address = echo();
    let threads: Vec<ThreadId> = host.finish(async move {
        let mut threads = vec![thread::current().id()];
        let mut stream = HostTcpStream::connect(address).await.unwrap();
        for _ in 0..3 {
            stream.write_all(b"hello").await.unwrap();
            let mut answer = [0; 5];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"hello");
            threads.push(thread::current().id());
        }
        threads
    });
    assert_eq!(threads, [thread::current().id(); 4]);
}

#[test]
fn what_can_be_sent_at_once_is_sent_before_spawn_returns() {
    let host = Host::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut stream = host.finish(HostTcpStream::connect(address)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    host.host.spawn(async move {
        stream.write_all(b"hello").await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut sent = [0; 5];
    server.read_exact(&mut sent).unwrap();
    assert_eq!(&sent, b"hello");
}

#[test]
fn more_than_the_system_holds_goes_both_ways() {
    let host = Host::new();
    let address = echo();
    let (written, read) = host.finish(async move {
        let stream = HostTcpStream::connect(address).await.unwrap();
        let (mut from, mut to) = tokio::io::split(stream);
        let bytes: Vec<u8> = (0..8_000_000_u32).map(|at| (at / 7) as u8).collect();
        let sent = bytes.clone();
        let writing = async move {
            to.write_all(&sent).await.unwrap();
            to.shutdown().await.unwrap();
        };
        let mut answer = Vec::new();
        let reading = async { from.read_to_end(&mut answer).await.unwrap() };
        futures::future::join(writing, reading).await;
        (bytes, answer)
    });
    assert!(written == read);
}

#[test]
fn a_connection_that_is_refused_is_an_error() {
    let host = Host::new();
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let error = host.finish(HostTcpStream::connect(gone)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn timers_and_blocking_work_come_from_elsewhere() {
    let host = Host::new();
    let (here, there) = host.finish(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let there = tokio::task::spawn_blocking(|| thread::current().id());
        (thread::current().id(), there.await.unwrap())
    });
    assert_eq!(here, thread::current().id());
    assert_ne!(there, here);
    drop(host.elsewhere);
}

#[test]
fn a_task_that_is_aborted_closes_its_connection() {
    let host = Host::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stream = host.finish(HostTcpStream::connect(address)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let task = host.host.spawn(async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    task.abort();
    host.host.turn();
    assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
}

#[test]
fn what_begins_leaves_the_news_of_others_to_the_turn() {
    let host = Host::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut stream = host.finish(HostTcpStream::connect(address)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let (done, heard) = mpsc::channel();
    host.host.spawn(async move {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        done.send(byte).unwrap();
    });
    server.write_all(b"x").unwrap();
    thread::sleep(Duration::from_millis(20));
    host.host.spawn(async {});
    assert!(heard.try_recv().is_err());
    host.host.turn();
    assert_eq!(heard.try_recv().unwrap(), *b"x");
}

#[test]
fn a_task_may_start_another() {
    let host = Arc::new(Host::new());
    let inner = host.clone();
    let (done, answer) = mpsc::channel();
    host.host.spawn(async move {
        let loop_of_it = HostLoop::current();
        inner
            .host
            .spawn(async move { done.send((loop_of_it, HostLoop::current())).unwrap() });
    });
    let (outer, inner) = host.turns(|| answer.try_recv().ok());
    assert!(outer.is_some());
    assert_eq!(outer, inner);
    assert_eq!(HostLoop::current(), None);
}

#[test]
fn a_task_that_wakes_itself_leaves_the_host_its_turn() {
    let host = Host::new();
    host.host.spawn(futures::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        Poll::Pending
    }));
    // Each of these ends, and another is due.
    for _ in 0..3 {
        host.turns(|| None::<()>.or(Some(())));
        host.host.turn();
    }
    let mut turns = 0;
    host.turns(|| {
        turns += 1;
        (turns > 3).then_some(())
    });
}

#[test]
fn another_thread_wakes_the_loop_once_for_all_it_wakes() {
    let host = Host::new();
    let places: Arc<Mutex<Vec<Waker>>> = Arc::default();
    let done = Arc::new(AtomicU64::new(0));
    for _ in 0..50 {
        let (places, done) = (places.clone(), done.clone());
        let mut seen = false;
        let waiting = futures::future::poll_fn(move |context| {
            if std::mem::replace(&mut seen, true) {
                return Poll::Ready(());
            }
            places.lock().unwrap().push(context.waker().clone());
            Poll::Pending
        });
        host.host.spawn(async move {
            waiting.await;
            done.fetch_add(1, Ordering::SeqCst);
        });
    }
    let wakers = std::mem::take(&mut *places.lock().unwrap());
    thread::spawn(move || wakers.into_iter().for_each(Waker::wake))
        .join()
        .unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 0);
    host.host.turn();
    assert_eq!(done.load(Ordering::SeqCst), 50);
}
