//! Around every request: its identifier, its line in the log, its numbers, its security headers, and problem
//! documents in the place of bare errors.

use super::{Shared, metrics::RouteMetrics, problem};
use crate::telemetry::Stopwatch;
use actix_web::{
    Error, HttpMessage,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};
use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Pages load nothing from elsewhere and run no inline scripts.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// The interactive documentation styles its elements inline, holds its pictures in the style sheet, and calls
/// this server.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Observes the requests of one route.
pub struct Observe {
    state: Shared,
    route: Arc<RouteMetrics>,
}

impl Observe {
    /// For the route with that pattern.
    #[must_use]
    pub fn new(state: Shared, pattern: &'static str) -> Self {
        let route = state.metrics.route(pattern);
        Self { state, route }
    }
}

impl<S> Transform<S, ServiceRequest> for Observe
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = Observed<S>;
    type InitError = ();
    type Future = Ready<Result<Observed<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Observed { service, state: self.state.clone(), route: Arc::clone(&self.route) }))
    }
}

/// A service with its observer.
pub struct Observed<S> {
    service: S,
    state: Shared,
    route: Arc<RouteMetrics>,
}

impl<S> Service<ServiceRequest> for Observed<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<ServiceResponse, Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let stopwatch = Stopwatch::start();
        let id = self.state.request_ids.next();
        request.extensions_mut().insert(id);
        let route = Arc::clone(&self.route);
        let answering = self.service.call(request);
        Box::pin(async move {
            let mut response = answering.await?;
            if let Some(answer) = problem::answer(response.response(), id) {
                response = response.into_response(answer);
            }
            let headers = response.headers_mut();
            if let Ok(value) = HeaderValue::from_bytes(&id.digits()) {
                headers.insert(REQUEST_ID, value);
            }
            secure(headers, route.pattern());
            let (method, status) = (response.request().method(), response.status().as_u16());
            let duration_us = stopwatch.micros();
            route.count(method, status, duration_us);
            let (method, route) = (method.as_str(), route.pattern());
            tracing::info!(target: "touchstone_server::request", request = %id, method, route, status, duration_us);
            Ok(response)
        })
    }
}

fn secure(headers: &mut HeaderMap, pattern: &str) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let is_page =
        headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        let policy = if pattern.starts_with("/docs") { DOCS_POLICY } else { PAGE_POLICY };
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
}
