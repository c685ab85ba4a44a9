//! The front as the wiring sees it: made once, called for every request.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::meta::MetaService;
use holdfast_api::object::ObjectStore;
use holdfast_io::clock::Clock;
use holdfast_io::rng::Rng;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, StdError};

use super::answer::AnswerBody;
use super::auth::{KeyRing, Keys};
use super::body::{Fate, Incoming, Rest};
use super::chunked::Framing;
use super::host::{BadDomain, Domains};
use super::router::{Nothing, OpName, Router};
use super::uri::Query;
use super::{errors, gate, promised, xml};

/// Told of every request once its answer is over, or broken off.
pub type Observer = Arc<dyn Fn(&Served) + Send + Sync>;

/// One request that was served.
#[derive(Clone, Debug)]
pub struct Served {
    /// S3's name of the operation; `None` where the request was refused before it was known.
    pub operation: Option<&'static str>,
    /// HTTP status.
    pub status: u16,
    /// The body's length as announced. [bytes]
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// From the request's head to the answer's last byte.
    pub took: Duration,
}

/// What a front is made of.
#[derive(Clone)]
pub struct FrontConfig {
    /// What is visible.
    pub meta: Arc<dyn MetaService>,
    /// Where bytes are.
    pub store: Arc<dyn ObjectStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Request, version and upload ids.
    pub rng: Arc<dyn Rng>,
    /// Who may sign.
    pub keys: Arc<Keys>,
    /// The region that signatures must name, `us-east-1` by default.
    pub region: String,
    /// Base domains for virtual-host style; none: path style only.
    pub domains: Vec<String>,
    /// For metrics and access logs.
    pub observer: Observer,
}

/// What handlers share.
pub(super) struct Shared {
    pub(super) meta: Arc<dyn MetaService>,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: Arc<dyn Rng>,
    pub(super) region: String,
    pub(super) domains: Domains,
    observer: Observer,
}

/// The S3 front. Clones share everything.
#[derive(Clone)]
pub struct Front {
    shared: Arc<Shared>,
    service: S3Service,
}

impl Front {
    /// # Errors
    /// [`BadDomain`].
    pub fn new(config: FrontConfig) -> Result<Self, BadDomain> {
        let domains = Domains::new(&config.domains)?;
        let shared = Arc::new(Shared {
            meta: config.meta,
            store: config.store,
            clock: config.clock,
            rng: config.rng,
            region: config.region,
            domains: domains.clone(),
            observer: config.observer,
        });
        let mut limits = S3Config::default();
        // The largest are a completion of 10,000 parts and a deletion of 1,000 keys.
        limits.xml_max_body_size = 8 << 20;
        let mut builder = S3ServiceBuilder::new(Nothing);
        builder.set_auth(KeyRing(config.keys));
        builder.set_host(domains);
        builder.set_route(Router(shared.clone()));
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(limits))));
        Ok(Self { shared, service: builder.build() })
    }

    /// Serves one request, of any HTTP version. Never errs: what went wrong is in the answer.
    /// Dropping the future gives the request up; nothing of it becomes visible then, unless
    /// its commit was sent already.
    pub fn call<B>(
        &self,
        request: Request<B>,
    ) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + Send + 'static + use<B>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<StdError>,
    {
        let front = self.clone();
        async move { Ok(front.serve(request).await) }
    }

    async fn serve<B>(self, request: Request<B>) -> Response<AnswerBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<StdError>,
    {
        let shared = &self.shared;
        let started = shared.clock.monotonic();
        let id = hex::encode_upper(shared.rng.next_u64().to_be_bytes());
        let operation = OpName::default();
        let bytes_in = request.body().size_hint().exact().unwrap_or(0);
        let resource = request.uri().path().to_owned();

        let (mut parts, body) = request.into_parts();
        let query = Query::parse(parts.uri.query().unwrap_or(""));
        let is_http1 = parts.version <= http::Version::HTTP_11;
        let fate = Fate::default();
        let framing = framing(&parts.headers);
        let rest = Rest::new();
        // Who waits to be told `100 Continue` sends nothing now.
        let sends = !is_http1 && !parts.headers.contains_key(http::header::EXPECT);
        let body = (body, rest.clone());
        let body = Incoming::new(body, framing, shared.clock.clone(), fate.clone());
        let answer = match gate::check(&parts, &query, (&shared.region, shared.clock.wall())) {
            Err(error) => {
                drop(body);
                plain(error)
            }
            Ok(()) => {
                parts.extensions.insert(fate.clone());
                parts.extensions.insert(query);
                parts.extensions.insert(operation.clone());
                let body = match promised::promise(&parts.headers) {
                    Some(promise) => {
                        let (carried, body) = promised::carry(body, promise);
                        parts.extensions.insert(carried);
                        body
                    }
                    None => s3s::Body::http_body_unsync(body),
                };
                match self.service.call(Request::from_parts(parts, body)).await {
                    Ok(answer) => answer,
                    Err(error) => plain(errors::internal(&StdError::from(error))),
                }
            }
        };
        let mut answer = name_error(answer, (&id, &resource), &shared.region);
        super::headers::put(answer.headers_mut(), "x-amz-request-id", &id);
        super::headers::put(answer.headers_mut(), "x-amz-id-2", &id);
        super::headers::put(answer.headers_mut(), "server", "Holdfast");
        if is_http1 && !fate.is_over() {
            super::headers::put(answer.headers_mut(), "connection", "close");
        }
        let served = Served {
            operation: operation.get(),
            status: answer.status().as_u16(),
            bytes_in,
            bytes_out: 0,
            took: started,
        };
        let (clock, observer) = (shared.clock.clone(), shared.observer.clone());
        let waste = if sends { rest.waste(shared.clock.clone()) } else { None };
        answer.map(|body| AnswerBody::new((body, waste), served, clock, observer))
    }
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("region", &self.shared.region).finish_non_exhaustive()
    }
}

/// How the body is chunked, if it is (`x-amz-content-sha256: STREAMING-..`).
fn framing(headers: &HeaderMap) -> Option<Framing> {
    let kind = headers.get("x-amz-content-sha256")?.as_bytes();
    let signed = !kind.starts_with(b"STREAMING-UNSIGNED-");
    kind.starts_with(b"STREAMING-").then(|| Framing::new(signed))
}

fn plain(error: S3Error) -> Response<s3s::Body> {
    error.to_http_response().unwrap_or_else(|_| {
        let mut bare = Response::new(s3s::Body::empty());
        *bare.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        bare
    })
}

/// Completes an error's document: s3s writes code and message only, and not always a message.
fn name_error(
    answer: Response<s3s::Body>,
    (id, resource): (&str, &str),
    region: &str,
) -> Response<s3s::Body> {
    const END: &str = "</Error>";
    if answer.status().as_u16() < 400 {
        return answer;
    }
    let Some(body) = answer.body().bytes() else { return answer };
    let Some(text) = std::str::from_utf8(&body).ok().and_then(|text| text.strip_suffix(END)) else {
        return answer;
    };
    let mut text = text.to_owned();
    let mut add = |tag: &str, value: &str| {
        text.push('<');
        text.push_str(tag);
        text.push('>');
        xml::escape_into(&mut text, value);
        text.push_str("</");
        text.push_str(tag);
        text.push('>');
    };
    let code = std::str::from_utf8(&body).ok().and_then(errors::code_of).unwrap_or("");
    if !body.windows(9).any(|tag| tag == b"<Message>") {
        add("Message", errors::message_of(code));
    }
    if code == "AuthorizationHeaderMalformed" {
        // Clients that signed for another region sign again for this one.
        add("Region", region);
    }
    add("Resource", resource);
    add("RequestId", id);
    add("HostId", id);
    text.push_str(END);
    let (mut parts, _) = answer.into_parts();
    parts.headers.remove(http::header::CONTENT_LENGTH);
    Response::from_parts(parts, s3s::Body::from(text))
}
