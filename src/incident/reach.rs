//! How far from a location its caller may be, in metres: the one measure by which locations are compared.
//!
//! It reads what the sender wrote and adds nothing but what time does. Where a location says nothing of
//! its own exactness, its kind says what is usual.

use super::record::Location;
use crate::vocabulary::WallTime;

/// A point without a radius, found by satellite or in ways that nobody says.
const POINT: f64 = 100.0;
/// A point without a radius that was found by the cell: where the mast stands, more or less.
const POINT_BY_CELL: f64 = 3_000.0;
/// Civic addresses by the last thing that they name: a house, a road, a village, a kecamatan, less.
const CIVIC: [(&[&str], f64); 4] = [
    (&["HNO", "LMK", "NAM", "BLD"], 50.0),
    (&["RD", "STS", "PLC"], 500.0),
    (&["A4", "A5", "A6", "LOC"], 3_000.0),
    (&["A3"], 10_000.0),
];
/// A civic address that names no more than a regency.
const CIVIC_LEAST: f64 = 50_000.0;
/// How much further a caller may be for each second: somebody who walks.
const WALK: f64 = 1.5;
/// Metres of a degree of latitude.
const DEGREE: f64 = 111_320.0;
/// Beyond this a location says nothing: half of the way around the Earth.
const MOST: f64 = 20_000_000.0;

/// Metres within which the caller was, with 95 % confidence, when the location was found.
#[must_use]
pub(super) fn metres(location: &Location) -> f64 {
    let shape = shape(location).map(|metres| metres * widening(location.confidence));
    let by_cell = location.method.as_deref().is_some_and(|method| {
        ["cell", "cellid", "otdoa", "cid"].contains(&method.to_ascii_lowercase().as_str())
    });
    let point = if by_cell { POINT_BY_CELL } else { POINT };
    let geodetic = location.latitude.as_ref().map(|_| shape.unwrap_or(point));
    let names = |element: &str| location.civic.iter().any(|(name, _)| name == element);
    let told = CIVIC.iter().find(|(elements, _)| elements.iter().any(|element| names(element)));
    let civic = (!location.civic.is_empty()).then(|| told.map_or(CIVIC_LEAST, |(_, far)| *far));
    // Both of one location describe the same place.
    let nearest = [geodetic, civic].into_iter().flatten().fold(MOST, f64::min);
    nearest.clamp(1.0, MOST)
}

/// The same at a later time.
#[must_use]
pub(super) fn metres_later(metres: f64, found: WallTime, now: WallTime) -> f64 {
    let seconds = now.0.saturating_sub(found.0).max(0) / 1_000_000;
    let seconds = f64::from(u32::try_from(seconds).unwrap_or(u32::MAX));
    (metres + WALK * seconds).min(MOST)
}

/// When the location was found by its own word; a time to come is no time.
#[must_use]
pub(super) fn found_at(location: &Location, now: WallTime) -> WallTime {
    let said = location.timestamp.as_deref().and_then(WallTime::parse);
    said.map_or(now, |said| said.min(now))
}

/// The half of the shape's longest way.
fn shape(location: &Location) -> Option<f64> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    let measure = |wanted: &str| {
        location.measures.iter().find(|(name, _)| name == wanted).and_then(|(_, m)| number(m))
    };
    let radius = || location.radius_m.as_deref().and_then(number);
    radius()
        .or_else(|| measure("semiMajorAxis"))
        // Of an arc the position is the mast.
        .or_else(|| measure("outerRadius"))
        .or_else(|| farthest(location))
}

/// From the first corner to the one that is farthest from it.
fn farthest(location: &Location) -> Option<f64> {
    let point = |(latitude, longitude): &(String, String)| {
        Some((latitude.parse::<f64>().ok()?, longitude.parse::<f64>().ok()?))
    };
    let mut corners = location.outline.iter().filter_map(point);
    let (latitude, longitude) = corners.next()?;
    let width = latitude.to_radians().cos();
    corners
        .map(|(to_latitude, to_longitude)| {
            let (north, east) = (to_latitude - latitude, (to_longitude - longitude) * width);
            north.hypot(east) * DEGREE
        })
        .filter(|metres| metres.is_finite())
        .reduce(f64::max)
}

/// By how much a radius grows from its own confidence to 95 %, for errors that are normal in two
/// dimensions: `sqrt(ln 0.05 / ln (1 - c))`. Without a word it is 95 % (RFC 7459 §3.3).
fn widening(confidence: Option<u8>) -> f64 {
    match confidence {
        None | Some(95..) => 1.0,
        Some(90..) => 1.15,
        Some(80..) => 1.37,
        Some(67..) => 1.65,
        Some(50..) => 2.08,
        Some(38..) => 2.5,
        Some(_) => 5.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(shape: &str) -> Location {
        let (latitude, longitude) = (Some("-7".to_owned()), Some("113".to_owned()));
        Location { shape: shape.to_owned(), latitude, longitude, ..Location::default() }
    }

    fn is(location: &Location, wanted: f64) {
        let found = metres(location);
        assert!((found - wanted).abs() < wanted / 50.0, "{found} for {wanted}: {location:?}");
    }

    #[test]
    fn every_kind_has_its_measure() {
        let radius = |text: &str| Location { radius_m: Some(text.to_owned()), ..at("Circle") };
        is(&radius("35.0"), 35.0);
        is(&Location { confidence: Some(67), ..radius("100") }, 165.0);
        is(&Location { confidence: Some(100), ..radius("100") }, 100.0);
        is(&radius("0"), 1.0);
        is(&radius("1e99"), MOST);
        is(&at("Point"), POINT);
        is(&Location { method: Some("Cell".into()), ..at("Point") }, POINT_BY_CELL);
        let measures = |name: &str| vec![(name.to_owned(), "250".to_owned())];
        is(&Location { measures: measures("semiMajorAxis"), ..at("Ellipse") }, 250.0);
        is(&Location { measures: measures("outerRadius"), ..at("ArcBand") }, 250.0);
        let corner = |latitude: &str, longitude: &str| (latitude.to_owned(), longitude.to_owned());
        let outline = vec![corner("-7", "113"), corner("-7.01", "113"), corner("-7", "113.001")];
        is(&Location { outline, ..at("Polygon") }, 1_113.0);
        let civic = |name: &str| Location {
            civic: vec![("A2".into(), "Sumenep".into()), (name.into(), "x".into())],
            ..Location::default()
        };
        is(&civic("HNO"), 50.0);
        is(&civic("A3"), 10_000.0);
        is(&civic("A1"), CIVIC_LEAST);
        is(&Location { civic: civic("A3").civic, ..radius("35") }, 35.0);
        is(&Location::default(), MOST);
    }

    #[test]
    fn who_walks_gets_further() {
        let (found, now) = (WallTime(0), WallTime(60_000_000));
        assert!((metres_later(35.0, found, now) - 125.0).abs() < 0.1);
        assert!((metres_later(35.0, now, found) - 35.0).abs() < 0.1);
        assert!(metres_later(35.0, WallTime(i64::MIN), WallTime(i64::MAX)) <= MOST);
        let past = Location { timestamp: Some("1970-01-01T00:00:01Z".into()), ..at("Point") };
        assert_eq!(found_at(&past, now), WallTime(1_000_000));
        let future = Location { timestamp: Some("2070-01-01T00:00:01Z".into()), ..at("Point") };
        assert_eq!(found_at(&future, now), now);
    }
}
