//! The service in Rust: hyper for HTTP, serde_json for the bodies, rayon for the work.
//!
//! Two endpoints, the request and response of forkjoin's (`threads` is the pool's size, given at the start). Bodies are
//! collected whole; text that has no escapes is borrowed from the body. Large requests are decoded, computed and
//! encoded on the pool, so that they don't hold up the event loop; small ones right here, since the hand-over would
//! cost more than it brings.
//!
//! usage: rust-service THREADS    serves on a free port of 127.0.0.1 until it is ended

use hyper::body::Bytes;
use hyper::header::{HeaderValue, CONTENT_TYPE};
use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Method, Request, Response, Server, StatusCode};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::convert::Infallible;
use std::net::TcpListener;

/// Up to here a body is decoded, computed and encoded on the event loop.
const INLINE_BODY_BYTES: usize = 64 * 1024;
/// Elements below which a piece isn't split between threads.
const PIECE: usize = 4096;

type Outcome = Result<Vec<u8>, String>;

#[derive(Deserialize)]
struct CountRequest<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    word: Cow<'a, str>,
}

#[derive(Serialize)]
struct CountResponse {
    count: usize,
}

#[derive(Deserialize)]
struct GaussianRequest {
    x: Vec<f64>,
    y: Vec<f64>,
    #[serde(default = "one")]
    gamma: f64,
}

#[derive(Serialize)]
struct GaussianResponse {
    z: Vec<f64>,
    gamma: f64,
}

fn one() -> f64 {
    1.0
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn encode<T: Serialize>(response: &T) -> Outcome {
    serde_json::to_vec(response).map_err(|error| error.to_string())
}

fn word_count(body: &[u8]) -> Outcome {
    let request: CountRequest = decode(body)?;
    let word = request.word.as_ref();
    let in_line = |line: &str| line.split(' ').filter(|candidate| *candidate == word).count();
    encode(&CountResponse { count: request.text.par_lines().map(in_line).sum() })
}

fn gaussian(body: &[u8]) -> Outcome {
    let GaussianRequest { mut x, y, gamma } = decode(body)?;
    if x.len() != y.len() {
        return Err(format!("x has {} elements, y has {}", x.len(), y.len()));
    }
    x.par_iter_mut().zip(&y).with_min_len(PIECE).for_each(|(x, y)| {
        let difference = *x - y;
        *x = (-gamma * difference * difference).exp();
    });
    encode(&GaussianResponse { z: x, gamma })
}

async fn compute(handler: fn(&[u8]) -> Outcome, body: Bytes) -> Outcome {
    if body.len() <= INLINE_BODY_BYTES {
        return handler(&body);
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    rayon::spawn(move || {
        let _ = sender.send(handler(&body)); // nobody receives it if the client has gone
    });
    receiver.await.unwrap_or_else(|gone| Err(gone.to_string()))
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, hyper::Error> {
    let handler: fn(&[u8]) -> Outcome = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v1/wordcount") => word_count,
        (&Method::POST, "/v1/gaussian") => gaussian,
        _ => return Ok(respond(StatusCode::NOT_FOUND, "text/plain", "no such endpoint")),
    };
    let body = hyper::body::to_bytes(request.into_body()).await?;
    Ok(match compute(handler, body).await {
        Ok(json) => respond(StatusCode::OK, "application/json", json),
        Err(reason) => respond(StatusCode::BAD_REQUEST, "text/plain", reason),
    })
}

fn respond(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

async fn serve(listener: TcpListener) -> Result<(), hyper::Error> {
    let service = make_service_fn(|_| async { Ok::<_, Infallible>(service_fn(answer)) });
    Server::from_tcp(listener)?.tcp_nodelay(true).serve(service).await
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let threads = std::env::args().nth(1).ok_or("usage: rust-service THREADS")?.parse()?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_io().build()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!(r#"{{"event":"listening","address":"{}"}}"#, listener.local_addr()?);
    runtime.block_on(serve(listener))?;
    Ok(())
}
