//! A request's body on its way in: its framing, its pace, and how it went wrong.
//!
//! The errors of s3s's streams have no public type, so what we see ourselves is
//! remembered beside the stream ([`Fate`]) and what s3s sees is told by its text
//! (s3s is pinned to one version; the tests over real requests would notice).

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use holdfast_io::BoxFuture;
use holdfast_io::clock::Clock;
use http_body::{Body, Frame, SizeHint};
use s3s::{S3Error, S3Result, StdError, s3_error};

use super::chunked::{BadChunk, Framing};
use super::errors::{custom, invalid_request};

/// A client that sends nothing for so long has gone.
const IDLE: Duration = Duration::from_secs(60);

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

/// A body as it comes from hyper.
pub(super) struct Incoming<B> {
    inner: B,
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
        inner: B,
        framing: Option<Framing>,
        clock: Arc<dyn Clock>,
        fate: Fate,
    ) -> Self {
        let (ready, ended, timer) = (VecDeque::new(), false, None);
        fate.0.over.store(inner.is_end_stream(), Ordering::Release);
        Self { inner, framing, ready, ended, clock, timer, fate }
    }

    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        // The first fault is the cause of the others.
        let _ = self.fate.0.fault.set(fault);
        self.ended = true;
        Poll::Ready(Some(Err(Box::new(fault))))
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
            let frame = match Pin::new(&mut self.inner).poll_frame(cx) {
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
        if self.framing.is_some() { SizeHint::default() } else { self.inner.size_hint() }
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
