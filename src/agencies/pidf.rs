//! A location as a PIDF-LO for other agencies (RFC 4119, RFC 5491, RFC 5139). The reader is
//! `incident`'s; this is the strict writer.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::incident::Location;

/// The document, or none where the location has neither a point nor an address. `entity` is whose
/// place it is.
#[must_use]
pub fn pidf(location: &Location, entity: &str) -> Option<String> {
    let point = location.latitude.as_deref().zip(location.longitude.as_deref());
    if point.is_none() && location.civic.is_empty() {
        return None;
    }
    let mut out = Writer::new(Vec::new());
    let written = write(&mut out, location, point, entity);
    written.ok().and_then(|()| String::from_utf8(out.into_inner()).ok())
}

type Out = Writer<Vec<u8>>;

fn write(
    out: &mut Out,
    location: &Location,
    point: Option<(&str, &str)>,
    entity: &str,
) -> std::io::Result<()> {
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let presence = [
        ("xmlns", "urn:ietf:params:xml:ns:pidf"),
        ("xmlns:gp", "urn:ietf:params:xml:ns:pidf:geopriv10"),
        ("xmlns:gml", "http://www.opengis.net/gml"),
        ("xmlns:gs", "http://www.opengis.net/pidflo/1.0"),
        ("xmlns:ca", "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"),
        ("entity", entity),
    ];
    within(out, "presence", &presence, |out| {
        within(out, "tuple", &[("id", "place")], |out| {
            within(out, "status", &[], |out| {
                within(out, "gp:geopriv", &[], |out| {
                    within(out, "gp:location-info", &[], |out| place(out, location, point))?;
                    within(out, "gp:usage-rules", &[], |_| Ok(()))?;
                    match &location.method {
                        Some(method) => text(out, "gp:method", &[], method),
                        None => Ok(()),
                    }
                })
            })?;
            match &location.timestamp {
                Some(timestamp) => text(out, "timestamp", &[], timestamp),
                None => Ok(()),
            }
        })
    })
}

fn place(out: &mut Out, location: &Location, point: Option<(&str, &str)>) -> std::io::Result<()> {
    // Latitude, then longitude, on the ground (RFC 5491 §5).
    let srs = [("srsName", "urn:ogc:def:crs:EPSG::4326")];
    if let Some((latitude, longitude)) = point {
        let pos = format!("{latitude} {longitude}");
        match &location.radius_m {
            Some(radius) => within(out, "gs:Circle", &srs, |out| {
                text(out, "gml:pos", &[], &pos)?;
                text(out, "gs:radius", &[("uom", "urn:ogc:def:uom:EPSG::9001")], radius)
            })?,
            None => within(out, "gml:Point", &srs, |out| text(out, "gml:pos", &[], &pos))?,
        }
    }
    if location.civic.is_empty() {
        return Ok(());
    }
    within(out, "ca:civicAddress", &[], |out| {
        let known = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric());
        let parts = location.civic.iter().filter(|(name, _)| known(name));
        parts.clone().try_for_each(|(name, value)| text(out, &format!("ca:{name}"), &[], value))
    })
}

fn within(
    out: &mut Out,
    name: &str,
    attributes: &[(&str, &str)],
    inner: impl FnOnce(&mut Out) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
    out.write_event(Event::Start(start))?;
    inner(out)?;
    out.write_event(Event::End(BytesEnd::new(name)))
}

fn text(
    out: &mut Out,
    name: &str,
    attributes: &[(&str, &str)],
    value: &str,
) -> std::io::Result<()> {
    within(out, name, attributes, |out| out.write_event(Event::Text(BytesText::new(value))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::location::pidf_lo;

    #[test]
    fn what_is_written_is_read_as_the_same_place() {
        let civic =
            vec![("A3".to_owned(), "Sapeken".to_owned()), ("RD".into(), "A & B <1>".into())];
        for (shape, radius, civic) in [
            ("Point", None, Vec::new()),
            ("Circle", Some("25".to_owned()), Vec::new()),
            ("Circle", Some("25".to_owned()), civic.clone()),
            ("civic", None, civic),
        ] {
            let geodetic = shape != "civic";
            let place = Location {
                shape: shape.into(),
                latitude: geodetic.then(|| "-7.053000".into()),
                longitude: geodetic.then(|| "113.944000".into()),
                radius_m: radius,
                civic,
                method: Some("GPS".into()),
                timestamp: Some("2026-09-17T05:12:31Z".into()),
                ..Location::default()
            };
            let xml = pidf(&place, "urn:x").expect("a place");
            let (read, findings) = pidf_lo(xml.as_bytes(), "");
            assert_eq!((read, findings), (vec![place], Vec::<String>::new()), "{xml}");
        }
        assert_eq!(pidf(&Location::default(), "urn:x"), None);
    }
}
