//! The HTTP interface: the only place, beside the composition root, that knows HTTP.
//!
//! Each file with endpoints holds its routes, their documentation and the mapping to use cases. A handler extracts,
//! calls one use case on a thread where blocking is allowed, and maps the result.

pub mod body;
pub mod caller;
pub mod checks;
pub mod content;
pub mod gate;
pub mod health;
pub mod inspections;
pub mod labels;
pub mod log;
pub mod metrics;
pub mod multipart;
pub mod observe;
pub mod openapi;
pub mod organisations;
pub mod pages;
pub mod problem;
pub mod registry;
mod sbr;
pub mod statements;
pub mod throttle;
pub mod tokens;
pub mod witness;

use crate::{
    clock::Clock,
    config::Limits,
    registry::{Caller, Refusal, Registry, Settings},
    telemetry::RequestIds,
};
use actix_web::{
    HttpRequest, HttpResponse, Resource, Route,
    body::MessageBody,
    guard,
    http::{Method, StatusCode, header},
    web,
};
use body::Budget;
use caller::Bearer;
use gate::Gate;
use metrics::Metrics;
use observe::Observe;
use problem::Failure;
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Display, str::FromStr, sync::Arc, time::Duration};
use throttle::Throttle;
use touchstone_schema::{api::Scope, problem::ProblemCode};

/// What handlers return.
pub type Answer = Result<HttpResponse, Failure>;
/// The state as handlers take it.
pub type Shared = web::Data<State>;

/// What all handlers share.
#[derive(Debug)]
pub struct State {
    registry: Registry,
    clock: Arc<dyn Clock>,
    limits: Limits,
    max_upload_bytes: usize,
    max_batch: usize,
    max_manifest_bytes: usize,
    public_url: Option<String>,
    receipt_wait: Duration,
    pictures: Gate,
    passwords: Gate,
    tiles: Gate,
    budget: Budget,
    sign_ins: Throttle,
    metrics: Metrics,
    request_ids: RequestIds,
    embedded: bool,
}

/// Sign-ins that compute a password hash at the same time, and those that may wait. Each takes 19 MiB for a moment.
const PASSWORD_SLOTS: usize = 1;
const PASSWORD_QUEUE: usize = 16;
/// Tiles that are read from storage at the same time, and requests that may wait for that: anyone may ask for them, and
/// storage may be slow.
const TILE_SLOTS: usize = 4;
const TILE_QUEUE: usize = 512;

impl State {
    /// State of a server on `registry`. `embedded` says that its database is a file on this machine.
    #[must_use]
    pub fn new(
        registry: Registry,
        clock: Arc<dyn Clock>,
        limits: Limits,
        settings: &Settings,
        request_ids: RequestIds,
        embedded: bool,
    ) -> Self {
        Self {
            registry,
            clock,
            max_upload_bytes: settings.max_upload_bytes,
            max_batch: settings.max_batch,
            max_manifest_bytes: settings.max_manifest_bytes,
            public_url: settings.public_url.clone(),
            receipt_wait: settings.receipt_wait,
            pictures: Gate::new(limits.picture_slots(), limits.picture_queue),
            passwords: Gate::new(PASSWORD_SLOTS, PASSWORD_QUEUE),
            tiles: Gate::new(TILE_SLOTS, TILE_QUEUE),
            budget: Budget::new(limits.max_buffered_bytes),
            sign_ins: Throttle::new(limits.sign_in_attempts, limits.sign_in_window_seconds),
            metrics: Metrics::default(),
            request_ids,
            embedded,
            limits,
        }
    }

    /// Runs one use case on a thread where blocking is allowed.
    ///
    /// # Errors
    /// What the use case refuses; an internal failure if it stopped unexpectedly.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registry) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        let registry = self.registry.clone();
        match web::block(move || work(&registry)).await {
            Ok(result) => result.map_err(Failure::from),
            Err(_) => Err(Refusal::internal("a use case stopped unexpectedly").into()),
        }
    }

    /// Runs a look-up by key. On an embedded database it takes microseconds, less than a change of threads, and
    /// readers never wait for writers there: it runs on the spot. Otherwise it waits for a network: as [`Self::run`].
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn look_up<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registry) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        if self.embedded { work(&self.registry).map_err(Failure::from) } else { self.run(work).await }
    }

    /// Waits until the log entry at `index` is published, as long as the settings say.
    pub async fn published(&self, index: u64) {
        let covered = self.registry.log().reaches(index.saturating_add(1));
        // Whether it came in time is seen when the receipt is made.
        let _ = tokio::time::timeout(self.receipt_wait, covered).await;
    }

    /// Runs one use case for the bearer of a token; the token is judged on the same thread.
    ///
    /// # Errors
    /// As [`Self::run`], or because the token is not valid.
    pub async fn run_as<T: Send + 'static>(
        &self,
        bearer: Bearer,
        work: impl FnOnce(&Registry, &Caller) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        self.run(move |registry| work(registry, &registry.authenticate(bearer.secret())?)).await
    }

    /// Runs work on a picture once a slot is free, so that the memory of decoding is bounded.
    ///
    /// # Errors
    /// As [`Self::run`], or unavailable because too many wait.
    pub async fn run_picture<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registry) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = self.pictures.enter().await?;
        self.run_holding(permit, work).await
    }

    /// Runs work that computes a password hash, a few at a time: each takes much memory.
    ///
    /// # Errors
    /// As [`Self::run`], or unavailable because too many wait.
    pub async fn run_password<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registry) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = self.passwords.enter().await?;
        self.run_holding(permit, work).await
    }

    /// Reads a tile that is not in memory, a few at a time, so that slow storage does not take every thread.
    ///
    /// # Errors
    /// As [`Self::run`], or unavailable because too many wait.
    pub async fn run_tile<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Registry) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = self.tiles.enter().await?;
        self.run_holding(permit, work).await
    }

    // The permit goes along: work that has begun ends even if the client went away.
    async fn run_holding<T: Send + 'static>(
        &self,
        permit: tokio::sync::OwnedSemaphorePermit,
        work: impl FnOnce(&Registry) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        self.run(move |registry| {
            let _permit = permit;
            work(registry)
        })
        .await
    }

    /// Judges a token before a large body is read. One of the scopes suffices.
    ///
    /// # Errors
    /// A refusal if the token is not valid or has none of the scopes.
    pub async fn authenticate(&self, bearer: Bearer, any_of: &'static [Scope]) -> Result<Caller, Failure> {
        self.run(move |registry| {
            let caller = registry.authenticate(bearer.secret())?;
            caller.require_any(any_of)?;
            Ok(caller)
        })
        .await
    }
}

/// A resource with its methods: everything on it is measured, logged and answered with problem documents. GET
/// serves HEAD too; other methods are answered with 405 and `Allow`.
fn resource<const N: usize>(
    state: &Shared,
    path: &'static str,
    routes: [(Method, Route); N],
) -> Resource<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    > + 'static,
> {
    let mut resource = web::resource(path);
    let mut allowed = Vec::with_capacity(N + 1);
    for (method, route) in routes {
        allowed.push(method.to_string());
        resource = resource.route(if method == Method::GET {
            allowed.push(Method::HEAD.to_string());
            route.guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            route.method(method)
        });
    }
    let allow: Arc<str> = allowed.join(", ").into();
    let refuse = move || {
        let failure = Failure::method_not_allowed(&allow);
        async move { Err::<HttpResponse, _>(failure) }
    };
    resource.default_service(web::to(refuse)).wrap(Observe::new(state.clone(), path))
}

/// All routes. The most frequent one comes first: routes are tried in order.
pub fn configure(state: &Shared, services: &mut web::ServiceConfig) {
    services.app_data(state.clone()).app_data(problem::path_config());
    log::configure(state, services);
    content::configure(state, services);
    statements::configure(state, services);
    checks::configure(state, services);
    inspections::configure(state, services);
    labels::configure(state, services);
    registry::configure(state, services);
    organisations::configure(state, services);
    tokens::configure(state, services);
    sbr::configure(state, services);
    health::configure(state, services);
    pages::configure(state, services);
    services.default_service(web::to(nothing_here).wrap(Observe::new(state.clone(), "unmatched")));
}

async fn nothing_here() -> Answer {
    Err(Refusal::new(ProblemCode::NotFound).into())
}

/// An answer in JSON.
fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(Refusal::internal)?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, header::HeaderValue::from_static("application/json")))
        .body(body))
}

/// An answer that is JSON already.
fn json_text(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, header::HeaderValue::from_static("application/json")))
        .body(text)
}

/// An answer that never changes: caches may keep it for a week (C2SP tlog-tiles).
fn immutable(body: impl MessageBody + 'static, media_type: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, header::HeaderValue::from_static(media_type)))
        .insert_header((
            header::CACHE_CONTROL,
            header::HeaderValue::from_static("public, max-age=604800, immutable"),
        ))
        .body(body)
}

/// The query of a request, strictly: what is not known is refused.
fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Failure> {
    web::Query::<T>::from_query(request.query_string())
        .map(web::Query::into_inner)
        .map_err(|error| Failure::with(ProblemCode::MalformedRequest, format!("the query: {error}")))
}

/// An identifier or digest from the path.
fn path_part<T>(request: &HttpRequest, name: &'static str) -> Result<T, Failure>
where
    T: FromStr,
    T::Err: Display,
{
    let text = request.match_info().get(name).unwrap_or_default();
    text.parse().map_err(|error| {
        Refusal::with(ProblemCode::InvalidIdentifier, format!("{name} in the path: {error}")).into()
    })
}
