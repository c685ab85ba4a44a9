//! `GET /metrics`: Prometheus text. Names are `holdfast_<subsystem>_<name>_<unit>`.
//!
//! ```text
//! S3 front --Served--> S3Metrics (counters, histograms; live as long as the process)
//! scrape --> figures of now (gauges) -------------------> one text
//! ```
//!
//! - B1: labels come from fixed sets (operation, status, drive slot, state): a
//!   client cannot make series.
//!
//! Not here: which gauges there are (`gauges`).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::gauges;
use super::state::Admin;
use crate::s3::Served;

/// The first bound of the latency histograms; each further one is the double. [s]
const LATENCY_FIRST_S: f64 = 0.00025;
/// Bounds of the latency histograms: up to 32.768 s.
const LATENCY_BOUNDS: u16 = 18;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    operation: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

/// What S3 requests leave behind.
#[derive(Debug)]
pub struct S3Metrics {
    registry: Registry,
    requests: Family<Call, Counter>,
    seconds: Family<Operation, Histogram, fn() -> Histogram>,
    received: Counter,
    sent: Counter,
}

impl Default for S3Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram =
            || Histogram::new(exponential_buckets(LATENCY_FIRST_S, 2.0, LATENCY_BOUNDS));
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            received: Counter::default(),
            sent: Counter::default(),
        };
        let Self { registry, requests, seconds, received, sent } = &mut metrics;
        registry.register(
            "holdfast_s3_requests",
            "Requests by operation and status",
            requests.clone(),
        );
        registry.register_with_unit(
            "holdfast_s3_request_duration",
            "From a request's head to the answer's last byte",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register_with_unit(
            "holdfast_s3_received",
            "Bodies of requests",
            Unit::Bytes,
            received.clone(),
        );
        registry.register_with_unit(
            "holdfast_s3_sent",
            "Bodies of answers",
            Unit::Bytes,
            sent.clone(),
        );
        metrics
    }
}

impl S3Metrics {
    /// Counts a request that was served.
    pub fn count(&self, served: &Served) {
        let operation = served.operation.unwrap_or("unknown");
        self.requests.get_or_create(&Call { operation, status: served.status }).inc();
        self.seconds.get_or_create(&Operation { operation }).observe(served.took.as_secs_f64());
        self.received.inc_by(served.bytes_in);
        self.sent.inc_by(served.bytes_out);
    }
}

/// `GET /metrics`
pub(super) async fn show(State(admin): State<Arc<Admin>>) -> Response {
    let mut text = String::new();
    let now = gauges::of(&admin).await;
    // Writing to a String cannot go wrong.
    let _ = encode(&mut text, &admin.s3.registry);
    let end = "# EOF\n";
    if text.ends_with(end) {
        text.truncate(text.len() - end.len());
    }
    let _ = encode(&mut text, &now);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
