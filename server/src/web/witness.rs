//! The HTTP interface of a witness (C2SP tlog-witness): `add-checkpoint`, and what it cosigned last for monitors.

use crate::witness::{Refused, Witness};
use actix_web::{
    App, HttpResponse, HttpServer,
    dev::Server,
    http::{StatusCode, header},
    web::{self, Bytes, Data, PayloadConfig},
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use touchstone_schema::log::witness::{MAX_REQUEST_BYTES, SIZE_MEDIA_TYPE};

/// Requests are small and few: one for each checkpoint of each log.
const WORKERS: usize = 1;
const BLOCKING_THREADS: usize = 8;
const MAX_CONNECTIONS: usize = 256;
/// Logs come again within this time, and need no new connection then.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(10);
/// How long open requests may take to end after a signal to stop, in seconds.
const SHUTDOWN_SECONDS: u64 = 5;

/// A server on that address, and where it listens. It answers once it is polled.
///
/// # Errors
/// The address cannot be listened on.
pub fn serve(witness: &Arc<Witness>, address: SocketAddr) -> io::Result<(Server, SocketAddr)> {
    let witness = Data::from(Arc::clone(witness));
    let app = move || {
        App::new()
            .app_data(witness.clone())
            .app_data(PayloadConfig::new(MAX_REQUEST_BYTES))
            .service(web::resource("/add-checkpoint").route(web::post().to(add_checkpoint)))
            .service(web::resource("/{origin_hash}/checkpoint").route(web::get().to(latest)))
    };
    let server = HttpServer::new(app)
        .workers(WORKERS)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .max_connections(MAX_CONNECTIONS)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .bind(address)?;
    let bound = server.addrs().first().copied();
    Ok((server.run(), bound.ok_or_else(|| io::Error::other("no address was bound"))?))
}

async fn add_checkpoint(witness: Data<Witness>, body: Bytes) -> HttpResponse {
    // It waits for the disk.
    let outcome = web::block(move || witness.add_checkpoint(&body)).await;
    match outcome.unwrap_or_else(|error| Err(Refused::Failed(error.into()))) {
        Ok(signature) => text(StatusCode::OK, format!("{signature}\n")),
        Err(refused) => refusal(&refused),
    }
}

fn refusal(refused: &Refused) -> HttpResponse {
    let status = match refused {
        Refused::Malformed(_) | Refused::Shrunk { .. } => StatusCode::BAD_REQUEST,
        Refused::Untrusted(_) => StatusCode::FORBIDDEN,
        Refused::UnknownLog => StatusCode::NOT_FOUND,
        Refused::Inconsistent(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::Moved(size) => {
            return HttpResponse::Conflict()
                .insert_header((header::CONTENT_TYPE, SIZE_MEDIA_TYPE))
                .body(format!("{size}\n"));
        }
        Refused::Failed(error) => {
            tracing::error!("a checkpoint was not cosigned: {error}");
            return text(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n".to_owned());
        }
    };
    text(status, format!("{refused}\n"))
}

async fn latest(witness: Data<Witness>, origin_hash: web::Path<String>) -> HttpResponse {
    // A request that is being recorded holds the record for as long as the disk takes.
    match web::block(move || witness.latest(&origin_hash)).await {
        Ok(Some(note)) => text(StatusCode::OK, note),
        Ok(None) => text(StatusCode::NOT_FOUND, "no checkpoint of such a log was cosigned\n".to_owned()),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}
