//! Answers: their parts while a handler makes them, their body on its way out.
//!
//! - A1: the answer's head is sent once its first bytes are in hand; an error before that
//!   is a clean S3 error, one after it ends the connection (F2).
//! - A2: a client that stops reading does not hold its read lease for ever.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::object::{BodyReader, ReadLease};
use holdfast_io::BoxFuture;
use holdfast_io::clock::{Clock, deadline};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::{Body, Frame, SizeHint};
use s3s::{S3Response, S3Result, StdError};
use tokio::sync::mpsc;

use super::errors;
use super::service::{Observer, Served};

/// A client that takes nothing for so long loses the answer (A2).
const STALLED: Duration = Duration::from_secs(120);
/// Pieces read ahead of the client.
const AHEAD: usize = 2;

/// What a handler answers.
pub(super) type Reply = S3Response<s3s::Body>;

/// A status and nothing else.
pub(super) fn empty(status: StatusCode) -> Reply {
    S3Response::with_status(s3s::Body::empty(), status)
}

/// An XML document.
pub(super) fn xml(document: String) -> Reply {
    let mut reply = S3Response::with_status(s3s::Body::from(document), StatusCode::OK);
    let kind = HeaderValue::from_static("application/xml");
    reply.headers.insert(http::header::CONTENT_TYPE, kind);
    reply
}

/// The body of `len` bytes that `reader` yields. Waits for the first of them (A1).
pub(super) async fn stream(
    mut reader: Box<dyn BodyReader>,
    len: u64,
    lease: ReadLease,
    clock: Arc<dyn Clock>,
) -> S3Result<s3s::Body> {
    if len == 0 {
        return Ok(s3s::Body::empty());
    }
    let first = reader.next().await.map_err(errors::store)?;
    let first = first.ok_or_else(|| errors::internal(&"a body without its bytes"))?;
    if first.len() as u64 == len {
        return Ok(s3s::Body::from(first));
    }
    let (sender, receiver) = mpsc::channel(AHEAD);
    let left = len - (first.len() as u64).min(len);
    tokio::spawn(pump(reader, lease, sender, clock));
    Ok(s3s::Body::http_body(Pumped { first: Some(first), receiver, left }))
}

/// Owner: the answer's body; ends when it is dropped, at the end, or by A2.
async fn pump(
    mut reader: Box<dyn BodyReader>,
    lease: ReadLease,
    sender: mpsc::Sender<Result<Bytes, StdError>>,
    clock: Arc<dyn Clock>,
) {
    loop {
        let piece = match reader.next().await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => break,
            Err(error) => {
                tracing::error!(%error, "an answer was broken off");
                Err(error.into())
            }
        };
        let over = piece.is_err();
        if !matches!(deadline(&clock, STALLED, sender.send(piece)).await, Ok(Ok(()))) || over {
            break;
        }
    }
    drop(lease);
}

/// Bytes of a [`pump`], exactly `left` of them or an error (F2).
struct Pumped {
    first: Option<Bytes>,
    receiver: mpsc::Receiver<Result<Bytes, StdError>>,
    left: u64,
}

impl Body for Pumped {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match self.receiver.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(bytes))) => match self.left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(Frame::data(bytes))))
                }
                None => Poll::Ready(Some(Err("more bytes than the object has".into()))),
            },
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) if self.left > 0 => {
                Poll::Ready(Some(Err("the answer was broken off".into())))
            }
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left + self.first.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// An answer's body as hyper sends it; tells the observer when it is over.
pub struct AnswerBody {
    inner: s3s::Body,
    /// `inner` has ended.
    ended: bool,
    /// The answer ends after this (L1 of `body`).
    waste: Option<BoxFuture<'static, ()>>,
    served: Served,
    started: Duration,
    clock: Arc<dyn Clock>,
    observer: Observer,
}

impl AnswerBody {
    pub(super) fn new(
        (inner, waste): (s3s::Body, Option<BoxFuture<'static, ()>>),
        served: Served,
        clock: Arc<dyn Clock>,
        observer: Observer,
    ) -> Self {
        // `took` carries the start until the end is known.
        Self { inner, ended: false, waste, started: served.took, served, clock, observer }
    }
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerBody").field("served", &self.served).finish_non_exhaustive()
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        if !self.ended {
            let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
            if let Some(Ok(frame)) = &frame
                && let Some(bytes) = frame.data_ref()
            {
                self.served.bytes_out += bytes.len() as u64;
            }
            if frame.is_some() {
                return Poll::Ready(frame);
            }
            self.ended = true;
        }
        if let Some(waste) = &mut self.waste {
            ready!(waste.as_mut().poll(cx));
            self.waste = None;
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.waste.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.served.took = self.clock.monotonic().saturating_sub(self.started);
        (self.observer)(&self.served);
    }
}

/// Sets a header of an answer.
pub(super) fn with(mut reply: Reply, name: &str, value: &str) -> Reply {
    super::headers::put(&mut reply.headers, name, value);
    reply
}

/// `"etag"`.
pub(super) fn put_etag(into: &mut HeaderMap, etag: &str) {
    super::headers::put(into, "etag", &format!("\"{etag}\""));
}
