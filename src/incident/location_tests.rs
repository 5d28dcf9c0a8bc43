//! PIDF-LO documents as networks send them, and as nobody should.

use proptest::prelude::*;

use super::*;

const CIRCLE: &[u8] = include_bytes!("../../tests/fixtures/pidf-circle.xml");
const CIVIC_XML: &[u8] = include_bytes!("../../tests/fixtures/pidf-civic.xml");

fn info(inner: &str) -> String {
    format!(
        "<presence xmlns:gp='a' xmlns:gs='b' xmlns:gml='c'><tuple><status><gp:geopriv>\
         <gp:location-info>{inner}</gp:location-info><gp:method>Cell</gp:method></gp:geopriv>\
         </status><timestamp>2026-09-17T05:12:31Z</timestamp></tuple></presence>"
    )
}

fn read(xml: &str) -> (Vec<Location>, Vec<String>) {
    pidf_lo(xml.as_bytes(), "cid:loc1")
}

#[test]
fn circle() {
    let (locations, findings) = pidf_lo(CIRCLE, "cid:loc1");
    assert_eq!(findings, Vec::<String>::new());
    assert_eq!(
        locations,
        [Location {
            shape: "Circle".into(),
            latitude: Some("-7.0530".into()),
            longitude: Some("113.9440".into()),
            radius_m: Some("35.0".into()),
            method: Some("GPS".into()),
            timestamp: Some("2026-09-17T05:12:31Z".into()),
            source: "cid:loc1".into(),
            ..Location::default()
        }]
    );
}

#[test]
fn civic() {
    let (locations, findings) = pidf_lo(CIVIC_XML, "cid:loc1");
    assert_eq!(findings, Vec::<String>::new());
    let [location] = locations.as_slice() else { panic!("one location: {locations:?}") };
    assert_eq!(location.shape, "civic");
    let civic: Vec<_> = location.civic.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    assert_eq!(
        civic,
        [
            ("country", "ID"),
            ("A1", "Jawa Timur"),
            ("A2", "Sumenep"),
            ("A3", "Kalianget"),
            ("A4", "Kalianget Timur"),
            ("RD", "Jalan Raya Pelabuhan"),
            ("HNO", "12"),
            ("LMK", "Pelabuhan Kalianget"),
        ]
    );
    assert_eq!(location.method.as_deref(), Some("Manual"));
    assert_eq!(location.timestamp.as_deref(), Some("2026-09-17T05:12:31Z"));
}

#[test]
fn every_shape_gives_its_first_position() {
    for (shape, inner) in [
        ("Point", "<gml:pos>-7 113</gml:pos>"),
        ("Circle", "<gml:pos> -7\n113 </gml:pos>"),
        ("Ellipse", "<gml:pos>-7 113</gml:pos><gs:semiMajorAxis>7</gs:semiMajorAxis>"),
        ("ArcBand", "<gml:pos>-7 113</gml:pos><gs:innerRadius>3</gs:innerRadius>"),
        (
            "Polygon",
            "<gml:exterior><gml:LinearRing><gml:pos>-7 113</gml:pos><gml:pos>-8 114</gml:pos>\
             </gml:LinearRing></gml:exterior>",
        ),
        ("Polygon", "<gml:posList>-7 113 -8 114 -8 115 -7 113</gml:posList>"),
        ("Sphere", "<gml:pos>-7 113 12</gml:pos>"),
        ("Ellipsoid", "<gml:pos>-7 113 12</gml:pos>"),
        (
            "Prism",
            "<gs:base><gml:Polygon><gml:posList>-7 113 0</gml:posList></gml:Polygon></gs:base>",
        ),
    ] {
        let (locations, findings) = read(&info(&format!("<x:{shape}>{inner}</x:{shape}>")));
        assert_eq!(findings, Vec::<String>::new(), "{shape}");
        let [one] = locations.as_slice() else { panic!("{shape}: {locations:?}") };
        assert_eq!(one.shape, shape);
        assert_eq!(
            (one.latitude.as_deref(), one.longitude.as_deref()),
            (Some("-7"), Some("113")),
            "{shape}"
        );
        assert_eq!(one.method.as_deref(), Some("Cell"), "{shape}");
        assert_eq!(one.timestamp.as_deref(), Some("2026-09-17T05:12:31Z"), "{shape}");
    }
}

/// Every shape of RFC 5491 with all that it is made of.
#[test]
#[allow(clippy::too_many_lines, reason = "a row for each shape")]
fn every_shape_is_kept_whole() {
    let uom = |name: &str, code: &str, value: &str| {
        format!("<gs:{name} uom='urn:ogc:def:uom:EPSG::{code}'>{value}</gs:{name}>")
    };
    let metres = |name: &str, value: &str| uom(name, "9001", value);
    let degrees = |name: &str, value: &str| uom(name, "9102", value);
    let ellipse = metres("semiMajorAxis", "30.5") + &metres("semiMinorAxis", "12");
    // shape, its srsName's code, what is within, height, radius, corners, measures
    type Row =
        (&'static str, &'static str, String, &'static str, &'static str, usize, &'static str);
    let table: [Row; 8] = [
        ("Point", "4979", "<gml:pos>-7 113 31</gml:pos>".into(), "31", "", 0, ""),
        (
            "Circle",
            "4326",
            "<gml:pos>-7 113</gml:pos>".to_owned() + &metres("radius", "35.0"),
            "",
            "35.0",
            0,
            "",
        ),
        (
            "Ellipse",
            "4326",
            format!("<gml:pos>-7 113</gml:pos>{ellipse}{}", degrees("orientation", "43.2")),
            "",
            "",
            0,
            "semiMajorAxis 30.5, semiMinorAxis 12, orientation 43.2",
        ),
        (
            "ArcBand",
            "4326",
            format!(
                "<gml:pos>-7 113</gml:pos>{}{}{}{}",
                metres("innerRadius", "3594"),
                metres("outerRadius", "4148"),
                degrees("startAngle", "20"),
                degrees("openingAngle", "20")
            ),
            "",
            "",
            0,
            "innerRadius 3594, outerRadius 4148, startAngle 20, openingAngle 20",
        ),
        (
            "Polygon",
            "4326",
            "<gml:exterior><gml:LinearRing><gml:posList>-7 113 -7 114 -8 114 -7 113</gml:posList>\
             </gml:LinearRing></gml:exterior>"
                .into(),
            "",
            "",
            4,
            "",
        ),
        (
            "Sphere",
            "4979",
            "<gml:pos>-7 113 26.3</gml:pos>".to_owned() + &metres("radius", "850.24"),
            "26.3",
            "850.24",
            0,
            "",
        ),
        (
            "Ellipsoid",
            "4979",
            format!(
                "<gml:pos>-7 113 26</gml:pos>{ellipse}{}{}",
                metres("verticalAxis", "28.7"),
                degrees("orientation", "90")
            ),
            "26",
            "",
            0,
            "semiMajorAxis 30.5, semiMinorAxis 12, verticalAxis 28.7, orientation 90",
        ),
        (
            "Prism",
            "4979",
            "<gs:base><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>-7 113 36 -7 114 36 \
             -8 114 36 -7 113 36</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>\
             </gs:base>"
                .to_owned()
                + &metres("height", "2.4"),
            "36",
            "",
            4,
            "height 2.4",
        ),
    ];
    for (shape, crs, inner, height, radius, corners, measures) in table {
        let srs = format!("srsName='urn:ogc:def:crs:EPSG::{crs}'");
        let confidence = "<con:confidence pdf='normal'>67.9</con:confidence>";
        let (locations, findings) =
            read(&info(&format!("<gs:{shape} {srs}>{inner}</gs:{shape}>{confidence}")));
        assert_eq!(findings, Vec::<String>::new(), "{shape}");
        let [one] = locations.as_slice() else { panic!("{shape}: {locations:?}") };
        assert_eq!(one.shape, shape);
        let place = (one.latitude.as_deref(), one.longitude.as_deref(), one.confidence);
        assert_eq!(place, (Some("-7"), Some("113"), Some(67)), "{shape}");
        assert_eq!(one.altitude_m.as_deref().unwrap_or_default(), height, "{shape}");
        assert_eq!(one.radius_m.as_deref().unwrap_or_default(), radius, "{shape}");
        assert_eq!(one.outline.len(), corners, "{shape}");
        if corners > 0 {
            assert_eq!(one.outline[2], ("-8".to_owned(), "114".to_owned()), "{shape}");
        }
        let said: Vec<_> =
            one.measures.iter().map(|(name, value)| format!("{name} {value}")).collect();
        assert_eq!(said.join(", "), measures, "{shape}");
    }
}

#[test]
fn civic_beside_a_shape_is_one_location_whichever_is_first() {
    let point = "<Point><pos>-7 113</pos></Point>";
    let civic = "<civicAddress><A3>Raas</A3></civicAddress>";
    for inner in [format!("{point}{civic}"), format!("{civic}{point}")] {
        let (locations, findings) = read(&info(&inner));
        assert_eq!((locations.len(), findings.len()), (1, 0), "{inner}");
        assert_eq!(locations[0].shape, "Point");
        assert_eq!(locations[0].latitude.as_deref(), Some("-7"));
        assert_eq!(locations[0].civic, [("A3".to_owned(), "Raas".to_owned())]);
    }
    let (locations, _) = read(&info(&format!("{point}{point}{civic}{civic}")));
    assert_eq!(locations.iter().map(|l| l.civic.len()).collect::<Vec<_>>(), [0, 1, 1]);
}

#[test]
fn first_usable_leads_and_the_rest_keeps_its_order() {
    let geopriv = |pos: &str, method: &str| {
        format!(
            "<geopriv><location-info><Point><pos>{pos}</pos></Point></location-info>\
             <method>{method}</method></geopriv>"
        )
    };
    let xml = format!(
        "<presence><tuple>{}<timestamp>t1</timestamp></tuple><person>{}{}</person>\
         <device>{}<timestamp>t4</timestamp></device></presence>",
        geopriv("113 -7", "a"),
        geopriv("NaN inf", "b"),
        geopriv("-7 113", "c"),
        geopriv("-8 114", "d"),
    );
    let (locations, findings) = read(&xml);
    let seen: Vec<_> = locations
        .iter()
        .map(|l| (l.method.as_deref().unwrap_or(""), l.timestamp.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(seen, [("c", ""), ("a", "t1"), ("b", ""), ("d", "t4")]);
    assert_eq!(findings.len(), 2, "{findings:?}");
}

#[test]
fn oddities_are_kept_with_a_finding() {
    for (inner, finding) in [
        ("<Circle><pos>-7 113</pos><radius uom='EPSG::9002'>9</radius></Circle>", "9 EPSG::9002"),
        ("<Circle><pos>-7 113</pos><radius>wide</radius></Circle>", "wide metres"),
        ("<Point srsName='urn:ogc:def:crs:EPSG::23830'><pos>-7 113</pos></Point>", "23830"),
        ("<Point><pos>-7 113</pos></Point><Spiral/>", "unknown shape Spiral"),
        ("<Point><pos>-7 113</pos></Point><Point/>", "without coordinates"),
        ("<Point><pos>-7 113&nbsp;</pos></Point>", "unknown entity nbsp"),
    ] {
        let (locations, findings) = read(&info(inner));
        assert_eq!(locations.len(), 1, "{inner}");
        assert_eq!(locations[0].latitude.as_deref(), Some("-7"), "{inner}");
        assert_eq!(locations[0].radius_m, None, "{inner}");
        assert!(findings.iter().any(|f| f.contains(finding)), "{finding}: {findings:?}");
    }
    for xml in ["", "hello", "<presence/>", "<Point><pos>-7 113</pos></Point>", &info("")] {
        let (locations, findings) = read(xml);
        assert!(locations.is_empty(), "{xml}");
        assert!(!findings.is_empty(), "{xml}");
    }
}

#[test]
fn a_byte_order_mark_and_crlf_are_no_matter() {
    let xml = info("\r\n<Point>\r\n<pos>-7\r\n113</pos></Point>");
    let (locations, findings) = read(&format!("\u{feff}<?xml version='1.0'?>\r\n{xml}"));
    assert_eq!((locations.len(), findings.len()), (1, 0), "{findings:?}");
}

#[test]
fn entities_and_character_references() {
    let xml = info(
        "<civicAddress><LMK>R&amp;B &lt;&#65;&#x42;&gt; &quot;Ra&apos;as&quot;&#10;<!-- x -->\
         <![CDATA[<toko>]]></LMK></civicAddress>",
    );
    let (locations, findings) = read(&xml);
    assert_eq!(findings, Vec::<String>::new());
    assert_eq!(locations[0].civic[0].1, "R&B <AB> \"Ra'as\" <toko>");
}

#[test]
fn cut_anywhere_keeps_only_whole_values() {
    for whole in [CIRCLE, CIVIC_XML] {
        let (all, _) = pidf_lo(whole, "");
        for end in 0..whole.len() {
            let (locations, findings) = pidf_lo(&whole[..end], "");
            assert!(!findings.is_empty() || locations == all, "{end}");
            for found in &locations {
                assert!(found.latitude.is_none() || found.latitude == all[0].latitude, "{end}");
                assert!(found.longitude.is_none() || found.longitude == all[0].longitude, "{end}");
                assert!(all[0].civic.starts_with(&found.civic), "{end}");
            }
        }
    }
    let cut = String::from_utf8_lossy(CIVIC_XML);
    let (cut, _) = cut.split_once("Timur</ca:A4>").expect("the fixture has an A4");
    let (locations, findings) = read(cut);
    assert_eq!(locations[0].civic.last().map(|(n, _)| n.as_str()), Some("A3"));
    assert_eq!(findings, ["location: XML ends within A4"]);
}

#[test]
fn bombs_are_defused() {
    let point = "<Point><pos>-7 113</pos></Point>";
    let (locations, findings) = read(&format!("{}{}", info(point), "<a>".repeat(10_000)));
    assert_eq!(locations.len(), 1);
    assert_eq!(findings, ["location: XML is nested too deep"]);
    let (locations, findings) = read(&"<location-info>".repeat(10_000));
    assert!(locations.is_empty());
    assert!(findings.contains(&"location: XML is nested too deep".to_owned()), "{findings:?}");

    let laughs = "<!DOCTYPE p [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>";
    for dtd in [laughs, "<!DOCTYPE p SYSTEM 'file:///etc/passwd'>", "<!DOCTYPE p>"] {
        let (locations, findings) = read(&format!("{dtd}{}", info(point)));
        assert!(locations.is_empty(), "{dtd}");
        assert_eq!(findings[0], "location: XML with a DTD is refused");
    }
    let (locations, findings) =
        read(&info(&format!("{point}<civicAddress><A3>{}</A3></civicAddress>", "&b;".repeat(999))));
    assert_eq!((locations.len(), locations[0].civic.len()), (1, 0));
    assert_eq!(findings, ["location: unknown entity b"]);
}

#[test]
fn sizes_and_counts_are_bounded() {
    let (locations, findings) = read(&info(&"<Point><pos>-7 113</pos></Point>".repeat(99)));
    assert_eq!((locations.len(), findings.len()), (LOCATIONS, 1));
    let civic = format!("<civicAddress>{}</civicAddress>", "<A3>é</A3>".repeat(99));
    let (locations, findings) = read(&info(&civic));
    assert_eq!((locations[0].civic.len(), findings.len()), (CIVIC, 1));
    let long = format!("<civicAddress><A3>x{}&amp;</A3></civicAddress>", "é".repeat(9_999));
    let (locations, findings) = read(&info(&long));
    assert_eq!(locations[0].civic[0].1.len(), TEXT - 1);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let polygon = format!("<Polygon><posList>{}</posList></Polygon>", "-7 113 ".repeat(999));
    let (locations, findings) = read(&info(&polygon));
    assert_eq!((locations.len(), findings.len()), (1, 1), "{findings:?}");
    let unknown: String = (0..999).fold(String::new(), |all, n| all + &format!("<s{n}/>"));
    assert_eq!(read(&info(&unknown)).1.len(), FINDINGS);
    let (_, findings) = read(&format!("<!--{}-->", "x".repeat(limits::SIP_MESSAGE_BYTES)));
    assert!(findings[0].starts_with("location: cut after"), "{findings:?}");
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = pidf_lo(&bytes, "");
    }

    #[test]
    fn any_tags_are_survived(tags in proptest::collection::vec(0..TAGS.len(), 0..64)) {
        let xml: String = tags.into_iter().map(|tag| TAGS[tag]).collect();
        let (locations, findings) = pidf_lo(xml.as_bytes(), "");
        prop_assert!(locations.len() <= LOCATIONS && findings.len() <= FINDINGS);
    }

    #[test]
    fn any_damage_is_survived(at in 0..CIRCLE.len(), byte: u8) {
        let mut bytes = CIRCLE.to_vec();
        bytes[at] = byte;
        let _ = pidf_lo(&bytes, "");
    }
}

const TAGS: [&str; 20] = [
    "<tuple>",
    "</tuple>",
    "<geopriv>",
    "</geopriv>",
    "<location-info>",
    "</location-info>",
    "<Circle>",
    "</Circle>",
    "<pos>",
    "</pos>",
    "<pos>-7 113</pos>",
    "<radius uom='9001'>",
    "</radius>",
    "<civicAddress>",
    "</civicAddress>",
    "<A3>Raas</A3>",
    "1 2",
    "&lt;",
    "&#0;",
    "é",
];
