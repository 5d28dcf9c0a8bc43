//! Where a caller is, as the live pages show it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::incident::{Cell, Location, Place};
use crate::store::At;

/// Where a caller most likely is.
#[derive(Serialize, ToSchema)]
pub(super) struct LivePlace {
    /// The best location; null while there is none.
    location: Option<LiveLocation>,
    /// Metres within which the caller was when it was found, with 95 % confidence.
    within_m: Option<u32>,
    /// When it was found.
    found_at: Option<At>,
    /// Why it is the best.
    why: String,
    /// The sub-district; null while it is not known.
    kecamatan: Option<LiveGuess>,
    /// A neighbouring centre whose caller this may be; null: none.
    neighbour: Option<LiveNeighbour>,
}

/// A sub-district, and how sure that is.
#[derive(Serialize, ToSchema)]
struct LiveGuess {
    /// Code of the Ministry of Home Affairs.
    code: String,
    /// Its name.
    name: String,
    /// How sure, per cent.
    percent: u8,
    /// By what.
    why: String,
}

/// A neighbouring regency.
#[derive(Serialize, ToSchema)]
struct LiveNeighbour {
    /// Its code.
    code: String,
    /// Its name.
    name: String,
    /// Where its centre takes a warm transfer.
    number: String,
    /// Why the caller may be there.
    why: String,
}

/// One location.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveLocation {
    /// `Point`, `Circle`, `Polygon`, …, or `civic`.
    shape: String,
    /// Degrees, as sent.
    latitude: Option<String>,
    /// Degrees, as sent.
    longitude: Option<String>,
    /// Metres, as sent.
    radius_m: Option<String>,
    /// Corners: latitude and longitude.
    outline: Vec<[String; 2]>,
    /// Address elements in order: name and value.
    civic: Vec<[String; 2]>,
    /// How it was found.
    method: Option<String>,
    /// When it was found, as sent.
    timestamp: Option<String>,
    /// Per cent with which the caller is there, as sent.
    confidence: Option<u8>,
    /// What it came with.
    source: String,
    /// Who put it into the message, by its own word.
    loc_src: Option<String>,
}

/// The serving cell.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveCell {
    /// Technology as the header names it.
    access: String,
    /// Country and network: `510-10`.
    network: String,
    /// LAC or TAC, hexadecimal.
    area: String,
    /// Cell identity, hexadecimal.
    cell: String,
    /// The network vouches for it.
    network_provided: bool,
}

impl From<Place> for LivePlace {
    fn from(place: Place) -> Self {
        let guess = place.kecamatan.map(|guess| LiveGuess {
            code: guess.code,
            name: guess.name,
            percent: guess.percent,
            why: guess.why,
        });
        let neighbour = place.neighbour.map(|hint| LiveNeighbour {
            code: hint.code,
            name: hint.name,
            number: hint.number,
            why: hint.why,
        });
        Self {
            location: place.location.map(|location| (*location).into()),
            within_m: place.within_m,
            found_at: place.found_at.map(At),
            why: place.why,
            kecamatan: guess,
            neighbour,
        }
    }
}

impl From<Location> for LiveLocation {
    fn from(location: Location) -> Self {
        let pairs = |pairs: Vec<(String, String)>| pairs.into_iter().map(|(a, b)| [a, b]).collect();
        Self {
            shape: location.shape,
            latitude: location.latitude,
            longitude: location.longitude,
            radius_m: location.radius_m,
            outline: pairs(location.outline),
            civic: pairs(location.civic),
            method: location.method,
            timestamp: location.timestamp,
            confidence: location.confidence,
            source: location.source,
            loc_src: location.loc_src,
        }
    }
}

impl From<Cell> for LiveCell {
    fn from(cell: Cell) -> Self {
        Self {
            access: cell.access,
            network: format!("{}-{}", cell.mcc, cell.mnc),
            area: cell.area,
            cell: cell.cell,
            network_provided: cell.network_provided,
        }
    }
}
