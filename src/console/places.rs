//! The kecamatan of the regency, and their borders where the centre has its own.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Console;
use super::problem::Problem;
use crate::incident::settings::Kecamatan;

/// Borders that maps draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// GeoJSON.
    pub text: String,
    /// SHA-256 of it, lower-case hexadecimal.
    pub sha256: String,
}

/// Places.
#[derive(Serialize, ToSchema)]
pub(super) struct Places {
    /// In the order of `places/kecamatan.csv`.
    #[schema(value_type = Vec<Object>)]
    kecamatan: Vec<Kecamatan>,
    /// Names the borders at `/api/v1/places/outline`; null where the centre has none of its own.
    outline: Option<String>,
}

/// The kecamatan of the regency. The desa of a form is free text.
#[utoipa::path(get, path = "/api/v1/places", tag = "about", responses(
    (status = 200, description = "The kecamatan", body = Places),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn show(State(console): State<Console>) -> Json<Places> {
    let outline = console.desk.outline().map(|outline| outline.sha256.clone());
    Json(Places { kecamatan: console.desk.choices().kecamatan.clone(), outline })
}

/// The borders of the kecamatan (`places/outline.geojson`): a FeatureCollection with a feature for each, `id` and
/// `properties` of `code`, `name` and `label` (where to write it), geometry MultiPolygon; `attribution`.
#[utoipa::path(get, path = "/api/v1/places/outline", tag = "about", params(
    ("If-None-Match" = Option<String>, Header, description = "The ETag of the last answer")),
    responses(
    (status = 200, description = "GeoJSON", content_type = "application/geo+json"),
    (status = 304, description = "It is still the same"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "The centre has none of its own: draw the shipped one",
     body = Problem)))]
pub(super) async fn outline(
    State(console): State<Console>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let outline = console.desk.outline();
    let outline = outline.ok_or_else(|| Problem::unknown_id("file", "places/outline.geojson"))?;
    let tag = format!("\"{}\"", outline.sha256);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let same = known.is_some_and(|known| {
        known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
    });
    let headers = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::CONTENT_TYPE, "application/geo+json".to_owned()),
    ];
    if same {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, outline.text.clone()).into_response())
}
