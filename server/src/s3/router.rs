//! Method, path and query choose a handler.
//!
//! As an s3s route that matches everything: s3s verifies the signature, hands the request
//! over raw, and turns errors into XML.

use std::sync::{Arc, OnceLock};

use http::{Extensions, HeaderMap, Method, Uri};
use s3s::route::S3Route;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::call::{Call, Handled};
use super::errors::not_implemented;
use super::service::Shared;
use super::{buckets, copy, delete, get, list, multipart, put, subresources};

/// The operation's name, for the observer. Travels in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct OpName(Arc<OnceLock<&'static str>>);

impl OpName {
    pub(super) fn get(&self) -> Option<&'static str> {
        self.0.get().copied()
    }

    fn set(&self, name: &'static str) {
        // A request has one operation; a second name would change nothing.
        let _ = self.0.set(name);
    }
}

/// s3s wants an implementation of S3; the router takes every request before it.
pub(super) struct Nothing;

#[async_trait::async_trait]
impl S3 for Nothing {}

pub(super) struct Router(pub(super) Arc<Shared>);

#[async_trait::async_trait]
impl S3Route for Router {
    fn is_match(&self, _: &Method, _: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        true
    }

    async fn check_access(&self, request: &mut S3Request<s3s::Body>) -> S3Result<()> {
        match request.credentials {
            Some(_) => Ok(()),
            None => Err(s3_error!(AccessDenied, "Access Denied")),
        }
    }

    async fn call(&self, request: S3Request<s3s::Body>) -> S3Result<S3Response<s3s::Body>> {
        let name = request.extensions.get::<OpName>().cloned().unwrap_or_default();
        let call = Call::of(self.0.clone(), request)?;
        route(call, &name).await
    }
}

async fn route(call: Call, name: &OpName) -> Handled {
    match (call.bucket.is_empty(), call.key.is_empty()) {
        (true, _) => root(call, name).await,
        (false, true) => bucket(call, name).await,
        (false, false) => object(call, name).await,
    }
}

async fn root(call: Call, name: &OpName) -> Handled {
    match call.method {
        Method::GET => {
            name.set("ListBuckets");
            buckets::list(call).await
        }
        _ => Err(method_not_allowed()),
    }
}

async fn bucket(call: Call, name: &OpName) -> Handled {
    if let Some(sub) = subresources::of_bucket(&call.query) {
        name.set("BucketSubresource");
        return subresources::bucket(call, sub).await;
    }
    match call.method.as_str() {
        "GET" if call.query.has("location") => {
            name.set("GetBucketLocation");
            buckets::location(call).await
        }
        "GET" if call.query.has("uploads") => {
            name.set("ListMultipartUploads");
            multipart::list::uploads(call).await
        }
        "GET" if call.query.has("versions") => {
            name.set("ListObjectVersions");
            list::versions(call).await
        }
        "GET" if call.query.get("list-type") == Some("2") => {
            name.set("ListObjectsV2");
            list::v2(call).await
        }
        "GET" => {
            name.set("ListObjects");
            list::v1(call).await
        }
        "HEAD" => {
            name.set("HeadBucket");
            buckets::head(call).await
        }
        "PUT" => {
            name.set("CreateBucket");
            buckets::create(call).await
        }
        "DELETE" => {
            name.set("DeleteBucket");
            buckets::delete(call).await
        }
        "POST" if call.query.has("delete") => {
            name.set("DeleteObjects");
            delete::many(call).await
        }
        "POST" => Err(not_implemented("this POST to a bucket")),
        _ => Err(method_not_allowed()),
    }
}

async fn object(call: Call, name: &OpName) -> Handled {
    if let Some(sub) = subresources::of_object(&call.query) {
        name.set("ObjectSubresource");
        return subresources::object(call, sub).await;
    }
    let in_upload = call.query.has("uploadId");
    let is_copy = call.headers.contains_key("x-amz-copy-source");
    match call.method.as_str() {
        "GET" if call.query.has("attributes") => {
            name.set("GetObjectAttributes");
            get::attributes(call).await
        }
        "GET" if in_upload => {
            name.set("ListParts");
            multipart::list::parts(call).await
        }
        "GET" => {
            name.set("GetObject");
            get::get(call).await
        }
        "HEAD" => {
            name.set("HeadObject");
            get::get(call).await
        }
        "PUT" if in_upload && is_copy => {
            name.set("UploadPartCopy");
            multipart::part::copy(call).await
        }
        "PUT" if in_upload => {
            name.set("UploadPart");
            multipart::part::upload(call).await
        }
        "PUT" if is_copy => {
            name.set("CopyObject");
            copy::copy(call).await
        }
        "PUT" => {
            name.set("PutObject");
            put::put(call).await
        }
        "DELETE" if in_upload => {
            name.set("AbortMultipartUpload");
            multipart::create::abort(call).await
        }
        "DELETE" => {
            name.set("DeleteObject");
            delete::one(call).await
        }
        "POST" if call.query.has("uploads") => {
            name.set("CreateMultipartUpload");
            multipart::create::create(call).await
        }
        "POST" if in_upload => {
            name.set("CompleteMultipartUpload");
            multipart::complete::complete(call).await
        }
        "POST" => Err(not_implemented("this POST to an object")),
        _ => Err(method_not_allowed()),
    }
}

fn method_not_allowed() -> s3s::S3Error {
    s3_error!(MethodNotAllowed, "The specified method is not allowed against this resource.")
}
