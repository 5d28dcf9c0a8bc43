//! What the fields take and refuse.

use serde_json::json;

use super::*;
use crate::incident::settings::SubCategory;

pub(crate) fn choices() -> Choices {
    let category = |code: &str, subs: &[&str]| Category {
        code: code.into(),
        name: code.into(),
        name_en: code.into(),
        sub: subs
            .iter()
            .map(|sub| SubCategory {
                code: (*sub).into(),
                name: (*sub).into(),
                name_en: (*sub).into(),
                eido: None,
            })
            .collect(),
        agencies: Vec::new(),
        services: Vec::new(),
        eido: None,
    };
    let place = |code: &str, name: &str| Kecamatan {
        code: code.into(),
        name: name.into(),
        aliases: Vec::new(),
        island: false,
    };
    Choices {
        categories: vec![
            category("kebakaran", &["rumah", "gas"]),
            category("pohon-tiang", &["rumah", "jalan"]),
            category("lainnya", &[]),
        ],
        kecamatan: vec![place("35.29.01", "Kota Sumenep"), place("35.29.25", "Sapeken")],
        dispositions: vec!["normal", "prank"],
    }
}

fn read(field: &str, value: &Json) -> Result<Option<Value>, String> {
    field.parse::<Field>()?.read(value, &choices())
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(Private::new(text.to_owned())))
}

#[test]
fn every_field_takes_what_it_should() {
    for (field, written, kept) in [
        ("caller_name", json!("  Bu Siti "), text("Bu Siti")),
        ("caller_name", json!(" "), None),
        ("text", json!("api besar\r\ndi dapur\u{7}"), text("api besar\ndi dapur ")),
        ("category", json!("kebakaran"), text("kebakaran")),
        ("kecamatan", json!("35.29.25"), text("35.29.25")),
        ("kecamatan", json!("Kec. Sapeken"), text("35.29.25")),
        ("disposition", json!("prank"), text("prank")),
        ("victims_dead", json!(0), Some(Value::Count(0))),
        ("victims_dead", json!(null), None),
    ] {
        assert_eq!(read(field, &written), Ok(kept), "{field} {written}");
    }
    let point = read("coordinates", &json!({"latitude": -7.0123, "longitude": "113.86"}));
    let wanted = Point { latitude: "-7.0123".into(), longitude: "113.86".into() };
    assert_eq!(point, Ok(Some(Value::Point(Private::new(wanted)))));
    let notice = read("agencies.Damkar 113", &json!({"notified_at": "2026-09-17T12:13:00+07:00"}));
    let Ok(Some(Value::Notice(notice))) = notice else { panic!("{notice:?}") };
    assert_eq!(notice.to_string(), "notified 2026-09-17T05:13:00.000Z");
}

#[test]
fn what_a_field_does_not_take_is_refused_with_what_it_does() {
    let early =
        json!({"notified_at": "2026-09-17T05:13:00Z", "arrived_at": "2026-09-17T05:12:00Z"});
    for (field, written, told) in [
        ("catagory", json!("x"), "known are caller_name"),
        ("agencies.", json!({}), "1 to 100 characters"),
        ("category", json!("api"), "kebakaran, pohon-tiang"),
        ("category", json!(7), "kebakaran, pohon-tiang"),
        ("kecamatan", json!("Pamekasan"), "35.29.01, 35.29.25"),
        ("disposition", json!("joke"), "normal, prank"),
        ("victims_dead", json!(-1), "0 to 1000000"),
        ("victims_dead", json!("two"), "0 to 1000000"),
        ("victims_dead", json!(1_000_001), "0 to 1000000"),
        ("text", json!("x".repeat(4_001)), "4000 are the most"),
        ("text", json!(["x"]), "takes a text"),
        ("coordinates", json!({"latitude": 91, "longitude": 0}), "latitude lies between"),
        ("coordinates", json!({"latitude": 1, "longitude": "113;5"}), "longitude lies between"),
        ("coordinates", json!({"latitude": "NaN", "longitude": 1}), "latitude lies between"),
        ("coordinates", json!([1, 2]), "takes {\"latitude\""),
        ("agencies.BPBD", json!({}), "notified_at"),
        ("agencies.BPBD", json!({"notified_at": "now"}), "RFC 3339"),
        ("agencies.BPBD", json!({"told": "now"}), "unknown field"),
        ("agencies.BPBD", early, "in this order"),
    ] {
        let refused = read(field, &written).expect_err(field);
        assert!(refused.contains(told), "{field} {written}: {refused}");
    }
}

#[test]
fn a_sub_category_goes_with_its_category() {
    let choices = choices();
    let mut form = Form::default();
    let change = |pairs: &[(Field, &str)]| -> Changes {
        pairs.iter().map(|(field, code)| (field.clone(), text(code))).collect()
    };
    let mut alone = change(&[(Field::SubCategory, "gas")]);
    let wrong = form.fit(&mut alone, &choices).expect_err("no category");
    assert_eq!(wrong[0].field, "sub_category");
    let mut both = change(&[(Field::Category, "kebakaran"), (Field::SubCategory, "gas")]);
    form.fit(&mut both, &choices).expect("fits");
    form.apply(&both);
    // The same again is no change, and what belongs to another category is cleared with it.
    form.fit(&mut both, &choices).expect("fits");
    assert!(both.is_empty());
    let mut other = change(&[(Field::Category, "pohon-tiang")]);
    form.fit(&mut other, &choices).expect("fits");
    assert_eq!(other.get(&Field::SubCategory), Some(&None));
    let mut foreign = change(&[(Field::SubCategory, "jalan")]);
    let wrong = form.fit(&mut foreign, &choices).expect_err("of another category");
    assert!(wrong[0].why.contains("rumah, gas"), "{wrong:?}");
    let mut none = change(&[(Field::Category, "lainnya"), (Field::SubCategory, "gas")]);
    assert!(form.fit(&mut none, &choices).is_err());
}

#[test]
fn changes_survive_the_journal_and_no_value_is_in_a_log() {
    let at = WallTime::parse("2026-09-17T05:13:00Z");
    let note = Some(Private::new("Pak Camat, 0812".to_owned()));
    let notice = Notice { notified_at: at, note, ..Notice::default() };
    let point = Point { latitude: "-7.01".into(), longitude: "113.8".into() };
    let changes = Changes::from([
        (Field::Text, text("Bu Siti terbakar")),
        (Field::VictimsMinor, Some(Value::Count(2))),
        (Field::Coordinates, Some(Value::Point(Private::new(point)))),
        (Field::Agency("Damkar 113".into()), Some(Value::Notice(notice))),
        (Field::Landmark, None),
    ]);
    let json = serde_json::to_string(&changes).expect("writes");
    assert!(json.contains(r#""agencies.Damkar 113":{"notified_at":"2026-09-17T05:13:00.000Z""#));
    assert_eq!(serde_json::from_str::<Changes>(&json).expect("reads"), changes);
    let debug = format!("{changes:?}");
    assert!(
        !debug.contains("Siti") && !debug.contains("0812") && !debug.contains("-7.01"),
        "{debug}"
    );
}
