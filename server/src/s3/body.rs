//! A request's body on its way in: its framing, its pace, and how it went wrong.
//!
//! The errors of s3s's streams have no public type, so what we see ourselves is
//! remembered beside the stream ([`Fate`]) and what s3s sees is told by its text
//! (s3s is pinned to one version; the tests over real requests would notice).
//!
//! - L1: an HTTP/2 answer given before its request's body was read ends no earlier than the
//!   client's sending does, within the bounds below: curl 7.88 errs, and shows no answer, when
//!   the stream ends while it sends. (Connections of HTTP/1 linger in `listen`.)

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use holdfast_io::BoxFuture;
use holdfast_io::clock::{Clock, deadline};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use s3s::{S3Error, S3Result, StdError, s3_error};

use super::chunked::{BadChunk, Framing};
use super::errors::{custom, invalid_request};

/// A client that sends nothing for so long has gone.
const IDLE: Duration = Duration::from_secs(60);

/// How long we hear a body out that nobody wants (L1).
const LINGER: Duration = Duration::from_secs(2);
/// And how much of it. [bytes]
const LINGER_BYTES: usize = 16 << 20;

/// What went wrong with a body, as far as we saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the body ended before its time")]
    Truncated,
    #[error("nothing came for {} s", IDLE.as_secs())]
    Idle,
    #[error("the body is not aws-chunked")]
    BadChunk,
    #[error("a signed chunk is larger than 16 MiB")]
    ChunkTooLarge,
}

/// What became of a body; travels in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate(Arc<State>);

#[derive(Debug, Default)]
struct State {
    fault: OnceLock<Fault>,
    over: AtomicBool,
}

impl Fate {
    /// True once every byte of the body was read: only then may the connection carry another
    /// request. (A client that was refused instead of told `100 Continue` does not send
    /// the body; what it sends next must not be taken for it.)
    pub(super) fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }
}

/// Where a body goes that was given up before its end.
pub(super) struct Rest<B>(Arc<Mutex<Option<B>>>);

impl<B> Rest<B>
where
    B: Body + Send + Unpin + 'static,
{
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Throws it away as it comes, within bounds (L1). `None` if there is nothing more to come.
    pub(super) fn waste(self, clock: Arc<dyn Clock>) -> Option<BoxFuture<'static, ()>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Box::pin(async move {
            let hear = async {
                let mut left = LINGER_BYTES;
                while let Some(Ok(frame)) = body.frame().await {
                    let len = frame.data_ref().map_or(0, bytes::Buf::remaining);
                    left = left.saturating_sub(len);
                    if left == 0 {
                        break;
                    }
                }
            };
            // Late or not: we were polite.
            let _ = deadline(&clock, LINGER, hear).await;
        }))
    }
}

impl<B> Clone for Rest<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A body as it comes from hyper.
pub(super) struct Incoming<B> {
    /// `None` once it was given up, or ended.
    inner: Option<B>,
    rest: Rest<B>,
    framing: Option<Framing>,
    ready: VecDeque<Bytes>,
    ended: bool,
    clock: Arc<dyn Clock>,
    timer: Option<BoxFuture<'static, ()>>,
    fate: Fate,
}

impl<B: Body> Incoming<B> {
    /// `framing` for a body that is `aws-chunked`.
    pub(super) fn new(
        (inner, rest): (B, Rest<B>),
        framing: Option<Framing>,
        clock: Arc<dyn Clock>,
        fate: Fate,
    ) -> Self {
        let (ready, ended, timer) = (VecDeque::new(), false, None);
        fate.0.over.store(inner.is_end_stream(), Ordering::Release);
        Self { inner: Some(inner), rest, framing, ready, ended, clock, timer, fate }
    }

    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        // The first fault is the cause of the others.
        let _ = self.fate.0.fault.set(fault);
        self.ended = true;
        Poll::Ready(Some(Err(Box::new(fault))))
    }
}

impl<B> Drop for Incoming<B> {
    fn drop(&mut self) {
        if !self.fate.is_over() {
            let mut rest = self.rest.0.lock().unwrap_or_else(PoisonError::into_inner);
            *rest = self.inner.take();
        }
    }
}

impl<B> Body for Incoming<B>
where
    B: Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<StdError>,
{
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
            let frame = match Pin::new(inner).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    let clock = self.clock.clone();
                    let timer = self.timer.get_or_insert_with(|| clock.sleep(IDLE));
                    return match timer.as_mut().poll(cx) {
                        Poll::Ready(()) => self.fail(Fault::Idle),
                        Poll::Pending => Poll::Pending,
                    };
                }
            };
            self.timer = None;
            match frame {
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    let this = &mut *self;
                    match &mut this.framing {
                        None => this.ready.push_back(bytes),
                        Some(framing) => match framing.push(bytes, &mut this.ready) {
                            Ok(()) => {}
                            Err(BadChunk::Line) => return self.fail(Fault::BadChunk),
                            Err(BadChunk::TooLarge) => return self.fail(Fault::ChunkTooLarge),
                        },
                    }
                }
                Some(Err(_)) => return self.fail(Fault::Truncated),
                None if self.framing.as_ref().is_some_and(|framing| !framing.is_whole()) => {
                    return self.fail(Fault::Truncated);
                }
                None => {
                    self.ended = true;
                    self.fate.0.over.store(true, Ordering::Release);
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.framing, &self.inner) {
            (None, Some(inner)) => inner.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

/// A body as a handler reads it: decoded, verified by s3s as far as it does that.
pub(super) struct Payload {
    pub(super) stream: s3s::Body,
    pub(super) fate: Fate,
}

impl Payload {
    /// The next bytes, not empty; `None` at the end.
    pub(super) async fn next(&mut self) -> S3Result<Option<Bytes>> {
        loop {
            match self.stream.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => return Ok(Some(bytes)),
                Some(Err(error)) => return Err(explain(&self.fate, &error)),
                None => return Ok(None),
            }
        }
    }

    /// All of a small body.
    pub(super) async fn all(mut self, limit: usize) -> S3Result<Bytes> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            if all.len() + bytes.len() > limit {
                return Err(s3_error!(MaxMessageLengthExceeded, "Your request was too big."));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.into())
    }
}

fn explain(fate: &Fate, error: &StdError) -> S3Error {
    match fate.0.fault.get() {
        Some(Fault::Truncated) => return incomplete(),
        Some(Fault::Idle) => {
            return s3_error!(
                RequestTimeout,
                "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed."
            );
        }
        Some(fault) => return invalid_request(fault.to_string()),
        None => {}
    }
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        custom(
            "XAmzContentSHA256Mismatch",
            http::StatusCode::BAD_REQUEST,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    } else if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "The signature of a chunk does not match.")
    } else if text.contains("Incomplete") || text.contains("LengthMismatch") {
        incomplete()
    } else {
        invalid_request("The body is not aws-chunked as announced.")
    }
}

pub(super) fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}
