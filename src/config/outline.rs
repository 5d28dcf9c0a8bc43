//! `places/outline.geojson`: the borders of the kecamatan as the centre has them (RFC 7946). Maps draw them in
//! the place of the shipped approximate ones; no call is judged by them.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Value, json};

use super::findings::{Log, Place, did_you_mean};
use crate::incident::settings::Kecamatan;
use crate::vocabulary::limits;

/// Below the configuration folder.
pub(super) const FILE: &str = "places/outline.geojson";
/// Where Indonesia is, with some sea around it: degrees east, degrees north.
const EAST: std::ops::RangeInclusive<f64> = 94.0..=142.0;
const NORTH: std::ops::RangeInclusive<f64> = -12.0..=7.0;
/// Findings of one kind beyond this are echoes.
const TOLD: usize = 20;

/// Reads the file into what pages draw: a feature for each kecamatan, all of its polygons, its name and where
/// to write it.
pub(super) fn read(text: &str, file: &Place, places: &[Kecamatan], log: &Log) -> Option<String> {
    let whole: Value = match serde_json::from_str(text) {
        Ok(whole) => whole,
        Err(error) => {
            let place = at(file, error.line(), error.column());
            log.error(&place, format!("this is not JSON: {error}"), "export it as GeoJSON again");
            return None;
        }
    };
    let lines = lines_of_features(text);
    let features = whole.get("features").and_then(Value::as_array);
    let collection = whole.get("type").and_then(Value::as_str) == Some("FeatureCollection");
    let (true, Some(features)) = (collection, features) else {
        let mend = "export the kecamatan as one FeatureCollection (RFC 7946)";
        log.error(file, "this is no FeatureCollection with features", mend);
        return None;
    };
    let mut reader = Reader { places, log, points: 0, told: 0, known: BTreeSet::new() };
    let mut drawn = Vec::new();
    for (number, feature) in features.iter().enumerate() {
        let place = at(file, lines.get(number).copied().unwrap_or(1), 1);
        drawn.extend(reader.feature(feature, &place));
    }
    if reader.points > limits::OUTLINE_POINTS {
        log.error(
            file,
            format!("it has {} points, {} are allowed", reader.points, limits::OUTLINE_POINTS),
            "make the borders simpler: 0.0005 degrees are enough for a map on a screen",
        );
    }
    let missing: Vec<&str> = places
        .iter()
        .map(|kecamatan| kecamatan.code.as_str())
        .filter(|code| !reader.known.contains(*code))
        .collect();
    if !missing.is_empty() && reader.told == 0 {
        let (count, first) = (missing.len(), missing.first().copied().unwrap_or_default());
        log.warn(
            file,
            format!("{count} kecamatan have no border here, such as {first}"),
            "add them: maps show nothing in their place",
        );
    }
    let credit = whole.get("attribution").and_then(Value::as_str).unwrap_or_default();
    let credit: String = credit.chars().filter(|c| !c.is_control()).take(200).collect();
    let outline = json!({
        "type": "FeatureCollection",
        "approximate": false,
        "attribution": credit,
        "features": drawn,
    });
    Some(outline.to_string())
}

struct Reader<'a> {
    places: &'a [Kecamatan],
    log: &'a Log,
    points: usize,
    told: usize,
    known: BTreeSet<String>,
}

type Polygons = Vec<Vec<Vec<[f64; 2]>>>;

impl Reader<'_> {
    fn wrong(&mut self, place: &Place, what: impl Into<String>, mend: impl Into<String>) {
        self.told += 1;
        if self.told <= TOLD {
            self.log.error(place, what, mend);
        }
    }

    fn feature(&mut self, feature: &Value, place: &Place) -> Option<Value> {
        let code = feature.pointer("/properties/code").and_then(Value::as_str);
        let Some(code) = code else {
            let mend = "give each feature the property \"code\" of places/kecamatan.csv";
            self.wrong(place, "the feature has no code", mend);
            return None;
        };
        let places = self.places;
        let Some(kecamatan) = places.iter().find(|kecamatan| kecamatan.code == code) else {
            let known: Vec<&str> = places.iter().map(|known| known.code.as_str()).collect();
            let mend = did_you_mean(code, &known, "kecamatan");
            self.wrong(place, format!("there is no kecamatan {code:?}"), mend);
            return None;
        };
        if !self.known.insert(code.to_owned()) {
            let mend = "put all of its polygons into one MultiPolygon";
            self.wrong(place, format!("{code} has a border already"), mend);
            return None;
        }
        let polygons = self.geometry(feature.get("geometry").unwrap_or(&Value::Null), place)?;
        let label = label(&polygons);
        Some(json!({
            "type": "Feature",
            "id": code,
            "properties": { "code": code, "name": kecamatan.name, "label": label },
            "geometry": { "type": "MultiPolygon", "coordinates": polygons },
        }))
    }

    fn geometry(&mut self, geometry: &Value, place: &Place) -> Option<Polygons> {
        let kind = geometry.get("type").and_then(Value::as_str).unwrap_or_default();
        let coordinates = geometry.get("coordinates").and_then(Value::as_array);
        let polygons: Vec<&Value> = match (kind, coordinates) {
            ("Polygon", Some(_)) => geometry.get("coordinates").into_iter().collect(),
            ("MultiPolygon", Some(all)) => all.iter().collect(),
            _ => {
                let what = format!("{kind:?} is no border");
                self.wrong(place, what, "give it a geometry of type Polygon or MultiPolygon");
                return None;
            }
        };
        let read = |polygon: &&Value| {
            let rings = polygon.as_array().filter(|rings| !rings.is_empty())?;
            rings.iter().map(ring).collect::<Option<Vec<_>>>()
        };
        let polygons: Option<Polygons> = polygons.iter().map(read).collect();
        let Some(polygons) = polygons.filter(|polygons| !polygons.is_empty()) else {
            let mend = "each ring needs four points at least, of longitude and latitude";
            self.wrong(place, "its coordinates are no polygons", mend);
            return None;
        };
        let rings = || polygons.iter().flatten();
        if rings().any(|ring| ring.first() != ring.last()) {
            let mend = "let each ring end with its first point";
            self.wrong(place, "a ring is not closed", mend);
            return None;
        }
        self.points += rings().map(Vec::len).sum::<usize>();
        let outside = |[east, north]: &&[f64; 2]| !EAST.contains(east) || !NORTH.contains(north);
        if let Some([east, north]) = rings().flatten().find(outside).copied() {
            let turned = EAST.contains(&north) && NORTH.contains(&east);
            let mend = if turned {
                "GeoJSON has longitude before latitude: change them about"
            } else {
                "write degrees of WGS 84, longitude first"
            };
            let what = format!("the point [{east}, {north}] is not in Indonesia");
            self.wrong(place, what, mend);
            return None;
        }
        Some(polygons)
    }
}

fn ring(ring: &Value) -> Option<Vec<[f64; 2]>> {
    let point = |point: &Value| {
        let point = point.as_array()?;
        Some([point.first()?.as_f64()?, point.get(1)?.as_f64()?])
    };
    let points: Vec<[f64; 2]> = ring.as_array()?.iter().map(point).collect::<Option<_>>()?;
    (points.len() >= 4).then_some(points)
}

/// The middle of the largest polygon's frame.
fn label(polygons: &Polygons) -> [f64; 2] {
    let frame = |polygon: &Vec<Vec<[f64; 2]>>| {
        let ring = polygon.first().map(Vec::as_slice).unwrap_or_default();
        let far = |i: usize| {
            let of = ring.iter().filter_map(|point| point.get(i).copied());
            of.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
        };
        (far(0), far(1))
    };
    let size =
        |((west, east), (south, north)): &((f64, f64), (f64, f64))| (east - west) * (north - south);
    let frames = polygons.iter().map(frame);
    let largest = frames.max_by(|one, other| size(one).total_cmp(&size(other)));
    let rounded = |value: f64| (value * 1_000.0).round() / 1_000.0;
    largest.map_or([0.0, 0.0], |((west, east), (south, north))| {
        [rounded(f64::midpoint(west, east)), rounded(f64::midpoint(south, north))]
    })
}

fn at(file: &Place, line: usize, column: usize) -> Place {
    match file {
        Place::Whole(path) => Place::At(Rc::clone(path), line, column),
        other => other.clone(),
    }
}

/// The line on which each feature begins; `text` is good JSON. The reader of JSON does not tell.
fn lines_of_features(text: &str) -> Vec<usize> {
    let (mut lines, mut line, mut depth) = (Vec::new(), 1, 0usize);
    let (mut in_text, mut escaped, mut word, mut key) =
        (false, false, String::new(), String::new());
    let mut within = false;
    for c in text.chars() {
        if c == '\n' {
            line += 1;
        }
        if in_text {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_text = false,
                _ if depth == 1 => word.push(c),
                _ => {}
            }
            continue;
        }
        match c {
            '"' => {
                in_text = true;
                word.clear();
            }
            ':' if depth == 1 => key.clone_from(&word),
            '{' | '[' => {
                depth += 1;
                within |= depth == 2 && c == '[' && key == "features";
                if within && depth == 3 {
                    lines.push(line);
                }
            }
            '}' | ']' => {
                within &= depth != 2;
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Vec<Kecamatan> {
        [("35.29.01", "Kota Sumenep"), ("35.29.02", "Kalianget")]
            .map(|(code, name)| Kecamatan {
                code: code.to_owned(),
                name: name.to_owned(),
                aliases: Vec::new(),
                island: false,
            })
            .to_vec()
    }

    fn read(text: &str) -> (Option<String>, Vec<(usize, String, String)>) {
        let (file, log) = (Place::Whole(std::path::Path::new(FILE).into()), Log::default());
        let drawn = super::read(text, &file, &places(), &log);
        let findings = log.into_findings().0;
        (drawn, findings.into_iter().map(|found| (found.line, found.what, found.mend)).collect())
    }

    const SQUARE: &str = "[[[113.8,-7.0],[113.9,-7.0],[113.9,-7.1],[113.8,-7.0]]]";

    fn feature(code: &str, coordinates: &str) -> String {
        format!(
            "{{\"type\":\"Feature\",\n \"properties\":{{\"code\":\"{code}\",\"features\":[{{}}]}},\n \
             \"geometry\":{{\"type\":\"Polygon\",\"coordinates\":{coordinates}}}}}"
        )
    }

    fn all(features: &[String]) -> String {
        let features = features.join(",\n");
        format!(
            "{{\"type\":\"FeatureCollection\",\"attribution\":\"BIG\",\n\"features\":[\n{features}]}}"
        )
    }

    #[test]
    fn borders_are_drawn_by_kecamatan() {
        let text = all(&[feature("35.29.01", SQUARE), feature("35.29.02", SQUARE)]);
        let (drawn, findings) = read(&text);
        assert_eq!(findings, []);
        let drawn: Value = serde_json::from_str(&drawn.expect("drawn")).expect("JSON");
        let first = &drawn["features"][0];
        assert_eq!(
            (&first["properties"]["name"], &first["geometry"]["type"], &drawn["attribution"]),
            (&json!("Kota Sumenep"), &json!("MultiPolygon"), &json!("BIG"))
        );
        assert_eq!(first["properties"]["label"], json!([113.85, -7.05]));
    }

    #[test]
    fn every_mistake_is_told_at_its_feature() {
        let turned = "[[[-7.0,113.8],[-7.0,113.9],[-7.1,113.9],[-7.0,113.8]]]";
        let open = "[[[113.8,-7.0],[113.9,-7.0],[113.9,-7.1],[113.8,-7.2]]]";
        let short = "[[[113.8,-7.0],[113.9,-7.0],[113.8,-7.0]]]";
        for (second, what, mend) in [
            (feature("35.29.03", SQUARE), "no kecamatan", "did you mean"),
            (feature("35.29.01", SQUARE), "already", "MultiPolygon"),
            (feature("35.29.02", turned), "not in Indonesia", "longitude before latitude"),
            (feature("35.29.02", open), "not closed", "first point"),
            (feature("35.29.02", short), "no polygons", "four points"),
            (feature("35.29.02", SQUARE).replace("Polygon", "Point"), "no border", "Polygon"),
            (feature("35.29.02", SQUARE).replace("code", "kode"), "no code", "code"),
        ] {
            let (_, findings) = read(&all(&[feature("35.29.01", SQUARE), second]));
            assert_eq!(findings.len(), 1, "{findings:?}");
            let (line, told, how) = &findings[0];
            assert!(*line == 6 && told.contains(what) && how.contains(mend), "{findings:?}");
        }
        let (drawn, findings) = read("{\"type\":\n!}");
        assert!(drawn.is_none() && findings[0].0 == 2, "{findings:?}");
        assert!(read("{}").1[0].1.contains("FeatureCollection"));
        let (_, findings) = read(&all(&[feature("35.29.01", SQUARE)]));
        assert!(findings[0].1.contains("1 kecamatan"), "{findings:?}");
    }
}
