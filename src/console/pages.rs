//! The pages that people see, served by the gateway itself: what Vite has built, from within the binary,
//! or, in a build that is no release, from the folder as it was at the start.
//!
//! Nothing in here knows who asks: pages hold no data, and whoever has none of a session sees the way in.
//! No page may load anything from elsewhere but the tiles of a map that the configuration names.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HOST, IF_NONE_MATCH, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use super::settings::Site;
use super::{Console, access};
use crate::vocabulary::hex;

/// The pages of a release, as `build.rs` has found them.
const EMBEDDED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/pages.rs"));
/// Where another build finds them.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/web/dist");
/// The page that every path of the application begins with.
const INDEX: &str = "index.html";
/// Names in this folder change with their content.
const HASHED: &str = "assets/";
/// Compressed forms beside a file, best first: what a browser calls them, and how their names end.
const PACKED: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
/// The header by which a page sees that the gateway has another build than its own.
const BUILD: HeaderName = HeaderName::from_static("siaga112-build");
const NO_PAGES: &str = include_str!("no_pages.html");

/// The built pages.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    files: BTreeMap<String, File>,
    build: String,
}

#[derive(Clone, Debug)]
struct File {
    bytes: Bytes,
    etag: String,
    packed: [Option<Bytes>; 2],
}

impl Pages {
    /// Those of this build. A folder that cannot be read has none.
    #[must_use]
    pub fn of_this_build() -> Self {
        if !cfg!(debug_assertions) {
            let files = EMBEDDED
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), Bytes::from_static(bytes)));
            return Self::new(files.collect());
        }
        Self::read(Path::new(FOLDER)).unwrap_or_else(|_| Self::new(BTreeMap::new()))
    }

    /// Those of a folder.
    ///
    /// # Errors
    /// When it, or a file in it, cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        collect(folder, "", &mut files)?;
        Ok(Self::new(files))
    }

    fn new(mut read: BTreeMap<String, Bytes>) -> Self {
        read.retain(|name, _| !name.ends_with(".map") && !name.starts_with('.'));
        let mut whole = Sha256::new_with_prefix(env!("CARGO_PKG_VERSION"));
        for (name, bytes) in &read {
            whole.update(name);
            whole.update(bytes);
        }
        let mut build = hex(&whole.finalize());
        build.truncate(16);
        let is_packed = |name: &str| PACKED.iter().any(|(_, ending)| name.ends_with(ending));
        let mut files = BTreeMap::new();
        for (name, bytes) in &read {
            if is_packed(name) {
                continue;
            }
            let beside = |ending: &str| read.get(&format!("{name}{ending}")).cloned();
            let mut packed = PACKED.map(|(_, ending)| beside(ending));
            let mut bytes = bytes.clone();
            if name == INDEX {
                bytes = named(&bytes, &build);
                packed = [None, None];
            }
            let mut etag = hex(&Sha256::digest(&bytes));
            etag.truncate(32);
            files.insert(name.clone(), File { bytes, etag: format!("\"{etag}\""), packed });
        }
        Self { files, build }
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.files.contains_key(INDEX)
    }

    /// Tells one build of the pages from another.
    #[must_use]
    pub fn build(&self) -> &str {
        &self.build
    }

    /// The file of a path: itself, or the application's one page where the path is a place in it.
    fn find(&self, path: &str) -> Option<(&str, &File)> {
        let path = path.trim_start_matches('/');
        let last = path.rsplit('/').next().unwrap_or_default();
        let name = if last.contains('.') { path } else { INDEX };
        self.files.get_key_value(name).map(|(name, file)| (name.as_str(), file))
    }
}

fn collect(folder: &Path, before: &str, files: &mut BTreeMap<String, Bytes>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

/// Writes into the page which build it is.
fn named(index: &Bytes, build: &str) -> Bytes {
    let text = String::from_utf8_lossy(index);
    let mark = format!("<head>\n    <meta name=\"siaga112-build\" content=\"{build}\">");
    text.replacen("<head>", &mark, 1).into_bytes().into()
}

/// A path that is none of the API: a page, a file of one, or nothing. Below `/api` even that there is
/// nothing is told only to those who may ask.
pub(super) async fn serve(State(console): State<Console>, request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let shown: String = path.chars().take(100).collect();
    if path.starts_with("/api") {
        let asked = access::holder(&console, method, request.headers());
        return asked.err().unwrap_or_else(|| Problem::unknown_path(&shown)).into_response();
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Problem::unknown_path(&shown).into_response();
    }
    let mut response = match console.pages.find(path) {
        Some((name, file)) => file.answer(name, request.headers()),
        None if console.pages.is_empty() && !path.contains('.') => {
            let kind = (CONTENT_TYPE, "text/html; charset=utf-8");
            (StatusCode::NOT_FOUND, [kind, (CACHE_CONTROL, "no-store")], NO_PAGES).into_response()
        }
        None => return Problem::unknown_path(&shown).into_response(),
    };
    guard(response.headers_mut(), &console.desk.site(), request.headers());
    response
}

impl File {
    fn answer(&self, name: &str, asked: &HeaderMap) -> Response {
        let keep = if name.starts_with(HASHED) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let same = |value: &HeaderValue| {
            let known = value.to_str().unwrap_or_default();
            known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag)
        };
        let known = asked.get_all(IF_NONE_MATCH).iter().any(same);
        let taken = asked.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        let takes = |coding: &str| {
            let mut all = taken.unwrap_or_default().split(',').map(str::trim);
            all.any(|one| one.split(';').next() == Some(coding) && !one.ends_with("q=0"))
        };
        let packed = PACKED.iter().zip(&self.packed).find_map(|((coding, _), bytes)| {
            bytes.as_ref().filter(|_| takes(coding)).map(|bytes| (*coding, bytes))
        });
        let (coding, bytes) = packed.map_or((None, &self.bytes), |(c, bytes)| (Some(c), bytes));
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(bytes.clone()).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind(name)));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(ETAG, etag);
        }
        if let Some(coding) = coding.filter(|_| !known) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "webmanifest" => "application/json",
        "geojson" => "application/geo+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What a page may do: run what came with it, talk to us, and hear the microphone.
fn guard(headers: &mut HeaderMap, site: &Site, asked: &HeaderMap) {
    let host = asked.get(HOST).and_then(|value| value.to_str().ok()).and_then(host_of);
    let phone = site.phone_url(host, false).into_iter().chain(site.phone_url(host, true));
    let mut talks: Vec<String> = phone.collect();
    // Some browsers do not take a WebSocket of the page's own host for 'self'.
    talks.extend(
        host.into_iter().flat_map(|host| [format!("ws://{host}"), format!("wss://{host}")]),
    );
    talks.sort();
    talks.dedup();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
         img-src 'self' data: blob:{}{}; media-src 'self' blob:; connect-src 'self' {}; \
         manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
        if site.map_tiles.is_some() { " " } else { "" },
        site.tiles_origin().unwrap_or_default(),
        talks.join(" ")
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    let fixed = [
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "microphone=(self), speaker-selection=(self), autoplay=(self), fullscreen=(self), \
             camera=(), geolocation=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The host and port of a Host header, where it can stand in a policy.
pub(super) fn host_of(text: &str) -> Option<&str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    (!text.is_empty() && text.len() <= 255 && text.bytes().all(fits)).then_some(text)
}

/// What every answer says: which build this is, and that nothing is guessed from its content. What is
/// told to who asks for it stays in no cache.
pub(super) async fn mark(State(console): State<Console>, request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(build) = HeaderValue::from_str(console.pages.build()) {
        headers.insert(BUILD, build);
    }
    if console.secure {
        // Whoever came over TLS once does not come in the clear again.
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if api && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        let file = |name: &str, text: &str| (name.to_owned(), Bytes::from(text.to_owned()));
        Pages::new(BTreeMap::from([
            file(INDEX, "<!doctype html><head><title>x</title></head>"),
            file("assets/main-1a2b.js", "let whole = 1"),
            file("assets/main-1a2b.js.gz", "small"),
            file("assets/main-1a2b.js.map", "source"),
        ]))
    }

    #[test]
    fn a_place_in_the_application_is_its_page_and_a_file_is_itself_or_nothing() {
        let pages = pages();
        let name = |path| pages.find(path).map(|(name, _)| name);
        for path in ["/", "", "/calls", "/records/01H", "/a/b/c"] {
            assert_eq!(name(path), Some(INDEX), "{path}");
        }
        assert_eq!(name("/assets/main-1a2b.js"), Some("assets/main-1a2b.js"));
        for path in
            ["/assets/main-0000.js", "/favicon.ico", "/../Cargo.toml", "/assets/main-1a2b.js.map"]
        {
            assert_eq!(name(path), None, "{path}");
        }
        assert!(!pages.is_empty() && Pages::new(BTreeMap::new()).is_empty());
    }

    #[test]
    fn the_page_says_which_build_it_is_and_another_file_makes_another_build() {
        let (one, other) = (pages(), Pages::new(BTreeMap::new()));
        assert_ne!(one.build(), other.build());
        let index = &one.files[INDEX].bytes;
        let text = String::from_utf8_lossy(index);
        assert!(text.contains(&format!("content=\"{}\"", one.build())), "{text}");
    }

    #[test]
    fn hashed_files_are_kept_and_the_page_is_asked_for_each_time() {
        let pages = pages();
        let (name, file) = pages.find("/assets/main-1a2b.js").expect("there");
        let mut asked = HeaderMap::new();
        let whole = file.answer(name, &asked);
        assert!(whole.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert!(!whole.headers().contains_key(CONTENT_ENCODING));
        asked.insert(ACCEPT_ENCODING, HeaderValue::from_static("br;q=1.0, gzip"));
        assert_eq!(file.answer(name, &asked).headers()[CONTENT_ENCODING], "gzip");
        let (name, index) = pages.find("/calls").expect("there");
        let first = index.answer(name, &asked);
        assert_eq!(first.headers()[CACHE_CONTROL], "no-cache");
        asked.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        assert_eq!(index.answer(name, &asked).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn a_host_that_is_none_gets_into_no_policy() {
        for good in ["gw:8112", "[::1]:8112", "112.sumenep.example"] {
            assert_eq!(host_of(good), Some(good));
        }
        for bad in ["", "x; script-src *", "a b", "x'", "x,y"] {
            assert_eq!(host_of(bad), None, "{bad}");
        }
    }
}
