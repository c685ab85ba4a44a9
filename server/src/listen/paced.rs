//! A connection's stream, with the pace that a client must keep and a polite end.
//!
//! ```text
//! accepted --nothing for `idle`---------------------> cut off
//!    `- first byte of a head --not whole in 10 s----> cut off
//!          `- request under way (its body has a limit of its own) --answered--> idle again
//! closing: our half is closed, what the client still sends is thrown away until it
//!          closes too, or for 2 s, or 16 MiB
//! ```
//!
//! - K2: as in `listen`. hyper knows one limit for both waits, and would cut off a client
//!   that keeps a connection for later as soon as one that dribbles its headers.
//! - K4: a client whose request was refused before its body was read sees the answer. Closing
//!   a socket with unread bytes would make the kernel send a reset, which overtakes it.
//!
//! Not here: the time that a body may take (`s3::body`), idle connections after the
//! first request (hyper's own limit, set in `listen`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use holdfast_io::BoxFuture;
use holdfast_io::clock::Clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Time for a request's headers, from their first byte. (K2)
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// How long a closing connection listens to what nobody wants to hear. (K4)
const LINGER: Duration = Duration::from_secs(2);
/// And how much of it: two parts of the usual 8 MiB. [bytes]
const LINGER_BYTES: u64 = 16 << 20;
/// What an HTTP/2 connection begins with; such a connection has pings instead.
const HTTP2: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Requests of one connection, as its service counts them.
#[derive(Debug, Default)]
pub(super) struct Requests {
    begun: AtomicU64,
    answered: AtomicU64,
}

impl Requests {
    pub(super) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answer(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    fn under_way(&self) -> bool {
        self.answered.load(Ordering::Relaxed) < self.begun()
    }
}

/// Cuts off a client that does not begin, or does not finish, its headers in time. (K2)
pub(super) struct Paced<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    requests: Arc<Requests>,
    /// Runs for the head after so many requests.
    timer: Option<(u64, BoxFuture<'static, ()>)>,
    header_limit: Duration,
    /// Bytes of [`HTTP2`] seen at the very beginning; `None` once it is something else.
    preface: Option<usize>,
}

impl<S> Paced<S> {
    pub(super) fn new(
        inner: S,
        idle: Duration,
        clock: Arc<dyn Clock>,
        requests: Arc<Requests>,
    ) -> Self {
        let timer = Some((0, clock.sleep(idle)));
        let header_limit = HEADER_LIMIT.min(idle);
        Self { inner, clock, requests, timer, header_limit, preface: Some(0) }
    }

    fn is_http2(&self) -> bool {
        self.preface == Some(HTTP2.len())
    }

    /// Bytes of a head, or of a body, came in.
    fn came(&mut self, bytes: &[u8], was_silent: bool) {
        if let Some(seen) = self.preface.filter(|seen| *seen < HTTP2.len()) {
            let rest = &HTTP2[seen..];
            let len = rest.len().min(bytes.len());
            self.preface = (rest[..len] == bytes[..len]).then_some(seen + len);
        }
        if self.is_http2() || self.requests.under_way() {
            self.timer = None;
            return;
        }
        let begun = self.requests.begun();
        let runs = self.timer.as_ref().is_some_and(|(head, _)| *head == begun);
        if was_silent || !runs {
            self.timer = Some((begun, self.clock.sleep(self.header_limit)));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if let Poll::Ready(done) = Pin::new(&mut self.inner).poll_read(cx, buf) {
            let silent = self.preface == Some(0);
            self.came(&buf.filled()[before..], silent);
            return Poll::Ready(done);
        }
        let begun = self.requests.begun();
        match &mut self.timer {
            Some((head, timer)) if *head == begun => {
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            timer => {
                *timer = None;
                Poll::Pending
            }
        }
    }
}

/// Stays for a while when it is closed, so that the other side hears the answer. (K4)
pub(super) struct Lingering<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    /// Runs since our half was closed.
    timer: Option<BoxFuture<'static, ()>>,
    left: u64,
}

impl<S> Lingering<S> {
    pub(super) fn new(inner: S, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, timer: None, left: LINGER_BYTES }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lingering<S> {
    /// Ready at the end of what the other side sends, or of our patience.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waste = [0; 16 << 10];
        loop {
            let mut into = ReadBuf::new(&mut waste);
            match Pin::new(&mut self.inner).poll_read(cx, &mut into) {
                Poll::Ready(Ok(())) if !into.filled().is_empty() => {
                    self.left = self.left.saturating_sub(into.filled().len() as u64);
                    if self.left == 0 {
                        return Poll::Ready(());
                    }
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    return self
                        .timer
                        .as_mut()
                        .map_or(Poll::Ready(()), |timer| timer.as_mut().poll(cx));
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.timer.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            self.timer = Some(self.clock.sleep(LINGER));
        }
        ready!(self.poll_linger(cx));
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}
