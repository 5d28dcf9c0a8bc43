//! The HTTP side: health pages for machines, pages for people, `/api/v1` for both.
//!
//! It decides nothing: it asks the [`Desk`], and every refusal is a problem document (RFC 9457).
//! No token, number or name of a caller goes into a log from here.

mod access;
pub mod accounts;
mod acknowledged;
mod alarms;
mod audit;
mod body;
mod book;
mod callout;
mod custody;
pub mod desk;
mod door;
mod events;
mod feed;
mod fields;
mod handed_out;
mod health;
mod incidents;
mod judgement;
mod live;
mod locations;
mod login;
mod me;
mod own;
mod pages;
mod parties;
mod people;
mod permissions;
mod phone;
mod place;
pub mod places;
pub mod policy;
mod problem;
mod prompts;
pub mod proof;
mod queue;
mod receivers;
mod recording;
mod records;
mod reports;
mod routing;
pub mod settings;
mod staffing;
mod text;
mod websocket;
mod who;
mod work;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use rustls::ServerConfig;
use tokio::sync::{Semaphore, watch};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::{router::OpenApiRouter, routes};

use book::Book;
pub use desk::{Boxed, Desk, DeskError};
use door::{Door, Peer};
use feed::Feed;
pub use pages::Pages;
use problem::Problem;
use settings::Token;

/// Bytes of a request's body: a whole form with its agencies stays below.
const BODY_BYTES: usize = 64 * 1024;
/// Longest time for an answer to begin. A recording may then take as long as it needs.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What every page has at hand.
#[derive(Clone)]
struct Console {
    desk: Arc<dyn Desk>,
    tokens: Arc<[Token]>,
    pages: Arc<Pages>,
    /// Connections are encrypted.
    secure: bool,
    feed: Arc<Feed>,
    records: Arc<Book>,
    streams: Arc<Semaphore>,
    /// Copies of records that are made at once.
    copies: Arc<Semaphore>,
    staffing: staffing::Made,
    openapi: Arc<str>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Siaga112",
        description = "Live calls, queues and seats, and the incident records of a 112 centre. \
                       Every refusal is a problem document (RFC 9457)."
    ),
    modifiers(&BearerToken),
    security(("token" = []))
)]
struct Description;

struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Answers HTTP on `listener` until `shutdown` is done and the requests under way are answered.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: tokio::net::TcpListener,
    tokens: Vec<Token>,
    pages: Pages,
    tls: watch::Receiver<Option<Arc<ServerConfig>>>,
    desk: Arc<dyn Desk>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let secure = tls.borrow().is_some();
    let service = router(tokens, pages, secure, desk).into_make_service_with_connect_info::<Peer>();
    axum::serve(Door::open(listener, tls), service).with_graceful_shutdown(shutdown).await
}

/// The pages for machines.
fn open() -> OpenApiRouter<Console> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        // Phones have no token; it looks at their signature itself.
        .routes(routes!(locations::aml_https))
}

/// The way in: for those who have no token yet.
fn entrance() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(login::login))
}

/// What needs a bearer: each route has a row in `permissions.rs`.
fn guarded() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(feed::stream))
        .routes(routes!(alarms::show))
        .routes(routes!(alarms::see))
        .routes(routes!(live::calls))
        .routes(routes!(who::call))
        .routes(routes!(live::queues))
        .routes(routes!(live::seats))
        .routes(routes!(live::trunks))
        .routes(routes!(queue::set_seat))
        .routes(routes!(queue::wrap_up))
        .routes(routes!(queue::pick_up))
        .routes(routes!(queue::move_call))
        .routes(routes!(parties::bring))
        .routes(routes!(parties::change, parties::remove))
        .routes(routes!(parties::take_over))
        .routes(routes!(parties::private))
        .routes(routes!(callout::contacts))
        .routes(routes!(callout::chains))
        .routes(routes!(callout::of_call))
        .routes(routes!(callout::begin))
        .routes(routes!(callout::taken))
        .routes(routes!(callout::next))
        .routes(routes!(callout::stop))
        .routes(routes!(text::show, text::write))
        .routes(routes!(incidents::list, records::open))
        .routes(routes!(incidents::show, records::edit))
        .routes(routes!(incidents::eido))
        .routes(routes!(events::stream))
        .routes(routes!(records::versions))
        .routes(routes!(records::close))
        .routes(routes!(records::reopen))
        .routes(routes!(records::merge))
        .routes(routes!(records::unmerge))
        .routes(routes!(records::link))
        .routes(routes!(records::unlink))
        .routes(routes!(records::choices))
        .routes(routes!(places::show))
        .routes(routes!(places::outline))
        .routes(routes!(incidents::ladder))
        .routes(routes!(recording::play))
        .routes(routes!(recording::hold))
        .routes(routes!(custody::hold))
        .routes(routes!(handed_out::bundle))
        .routes(routes!(handed_out::redacted))
        .routes(routes!(handed_out::pack))
        .routes(routes!(custody::report))
        .routes(routes!(custody::access_log))
        .routes(routes!(recording::replay))
        .routes(routes!(judgement::dispose))
        .routes(routes!(judgement::clear))
        .routes(routes!(judgement::marks))
        .routes(routes!(locations::aml_sms))
        .routes(routes!(locations::unmatched))
        .routes(routes!(work::list))
        .routes(routes!(work::call))
        .routes(routes!(work::close))
        .routes(routes!(login::logout))
        .routes(routes!(login::own_password))
        .routes(routes!(people::list, people::add))
        .routes(routes!(people::change))
        .routes(routes!(people::set_password))
        .routes(routes!(people::log_out))
        .routes(routes!(people::tokens, people::make_token))
        .routes(routes!(people::revoke_token))
        .routes(routes!(openapi))
        .merge(looking_back())
        .merge(files())
        .merge(sounds())
        .merge(oneself())
}

/// Figures, who elsewhere is told, who did what, and what proves it.
fn looking_back() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(reports::standards))
        .routes(routes!(reports::live))
        .routes(routes!(reports::hours))
        .routes(routes!(staffing::staffing))
        .routes(routes!(reports::ciamis))
        .routes(routes!(reports::national))
        .routes(routes!(receivers::list))
        .routes(routes!(receivers::refused))
        .routes(routes!(receivers::send))
        .routes(routes!(audit::list))
        .routes(routes!(proof::show))
        .routes(routes!(proof::verify, proof::stop))
}

/// Whoever asks, and where they sit.
fn oneself() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(me::show))
        .routes(routes!(me::draft_key))
        .routes(routes!(me::lock))
        .routes(routes!(me::unlock))
        .routes(routes!(me::begin))
        .routes(routes!(me::confirm))
        .routes(routes!(me::remove))
        .routes(routes!(phone::sign_in, phone::sign_out))
        .routes(routes!(phone::credentials))
        .routes(routes!(people::drop_second))
}

/// Pages whose requests bring files.
fn files() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(routing::show, routing::apply))
        .routes(routes!(routing::validate))
        .routes(routes!(routing::diff))
        .routes(routes!(routing::versions))
        .routes(routes!(routing::version))
        .routes(routes!(routing::roll_back))
        .routes(routes!(routing::dry_run))
        .layer(DefaultBodyLimit::max(routing::FILES_BYTES))
}

/// Pages whose requests bring prompts.
fn sounds() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(prompts::list))
        .routes(routes!(prompts::put, prompts::remove))
        .routes(routes!(prompts::audio))
        .layer(DefaultBodyLimit::max(prompts::BYTES))
}

/// The description of the whole API: OpenAPI 3.1, as JSON.
#[must_use]
pub fn description() -> String {
    let (_, mut whole) = open().split_for_parts();
    whole.merge(guarded().split_for_parts().1);
    whole.merge(entrance().split_for_parts().1);
    name_operations(&mut whole);
    // It is made of plain words: there is nothing that JSON could refuse.
    whole.to_pretty_json().unwrap_or_default()
}

/// Names each operation by its method and path: names of handlers are not unique, and generators of
/// clients need that they are.
fn name_operations(api: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut api.paths.paths {
        let parts = path.trim_start_matches("/api/v1").split(|c: char| !c.is_ascii_alphanumeric());
        let name = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
        for (method, operation) in [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{name}"));
            }
        }
    }
}

fn router(tokens: Vec<Token>, pages: Pages, secure: bool, desk: Arc<dyn Desk>) -> Router {
    let (open, _) = open().split_for_parts();
    let (api, _) = guarded().split_for_parts();
    let (entrance, _) = entrance().split_for_parts();
    crate::store::Standby::sweep(&desk.data());
    let console = Console {
        feed: Feed::new(Arc::clone(&desk), pages.build()),
        desk,
        tokens: tokens.into(),
        pages: Arc::new(pages),
        secure,
        records: Arc::default(),
        streams: Arc::new(Semaphore::new(events::CLIENTS)),
        copies: Arc::new(Semaphore::new(handed_out::COPIES)),
        staffing: staffing::Made::default(),
        openapi: description().into(),
    };
    acknowledged::start(console.clone());
    let guard = middleware::from_fn_with_state(console.clone(), access::guard);
    api.method_not_allowed_fallback(wrong_method)
        .route_layer(guard)
        .merge(entrance.method_not_allowed_fallback(wrong_method))
        .route_layer(middleware::from_fn_with_state(console.clone(), yield_to_calls))
        .merge(open.method_not_allowed_fallback(wrong_method))
        .fallback(pages::serve)
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn_with_state(console.clone(), pages::mark))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(console)
}

/// This description.
#[utoipa::path(get, path = "/api/openapi.json", tag = "about",
    responses((status = 200, description = "OpenAPI 3.1")))]
async fn openapi(State(console): State<Console>) -> Response {
    ([("content-type", "application/json")], console.openapi.to_string()).into_response()
}

async fn wrong_method(request: Request) -> Problem {
    Problem::wrong_method(request.method().as_str(), request.uri().path())
}

/// While calls wait, people's questions wait too: the first to be shed is who can ask again. The
/// pages for machines still answer.
async fn yield_to_calls(State(console): State<Console>, request: Request, next: Next) -> Response {
    if console.desk.is_behind() {
        return Problem::overloaded().into_response();
    }
    next.run(request).await
}

async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await;
    answer.unwrap_or_else(|_| Problem::too_slow().into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::path::PathItem;

    fn methods(item: &PathItem) -> Vec<&'static str> {
        let all = [
            ("GET", item.get.is_some()),
            ("POST", item.post.is_some()),
            ("PUT", item.put.is_some()),
            ("PATCH", item.patch.is_some()),
            ("DELETE", item.delete.is_some()),
        ];
        all.into_iter().filter(|(_, there)| *there).map(|(method, _)| method).collect()
    }

    #[test]
    fn the_pages_are_made_from_this_description() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/web/openapi.json");
        let known = std::fs::read_to_string(file).unwrap_or_default();
        let mend = "run: cargo run -- openapi > src/console/web/openapi.json";
        assert!(known.trim_end() == description(), "{file} is not what the API is now; {mend}");
    }

    #[test]
    fn every_route_has_a_row_in_the_table_of_permissions_and_every_row_a_route() {
        let (_, description) = guarded().split_for_parts();
        let mut routes: Vec<(String, String)> = Vec::new();
        for (path, item) in &description.paths.paths {
            routes.extend(methods(item).into_iter().map(|method| (method.into(), path.clone())));
        }
        let mut rows: Vec<(String, String)> =
            permissions::routes().map(|(method, path)| (method.into(), path.into())).collect();
        routes.sort();
        rows.sort();
        assert_eq!(routes, rows);
    }
}
