//! Additional data of a call (RFC 7852) read into fields that an operator can read: who provides the
//! service, what kind of line and device it is, whose it is, and what somebody wrote about it.
//!
//! It reads every block of that family in one way, by the names of its elements, so that a block which
//! is new to us is shown as well. What cannot be read stays in the record as it came.

use serde::{Deserialize, Serialize};

use super::record::{AdditionalData, Raw};
use super::xml::{self, Element};
use crate::vocabulary::Private;

/// Fields of one block; the blocks of RFC 7852 have under 20.
const FIELDS: usize = 64;
/// Beginning of the purposes that RFC 7852 §6 registers, and of its blocks' root elements.
const FAMILY: &str = "emergencycalldata.";
/// Blocks that one location brings along.
const PROVIDED: usize = 16;

/// One statement of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The element's name; what it is about in brackets: `UniqueDeviceID (IMEI)`, `Comment (id)`.
    pub name: String,
    /// What it says.
    pub value: Private<String>,
}

/// Whether a purpose is of the family of RFC 7852: `EmergencyCallData.ProviderInfo`.
#[must_use]
pub fn is_purpose(purpose: &str) -> bool {
    purpose.get(..FAMILY.len()).is_some_and(|head| head.eq_ignore_ascii_case(FAMILY))
}

/// Reads a block. Empty for what is no XML block of the family; and what was odd, in English.
#[must_use]
pub fn fields(content_type: &str, body: &[u8]) -> (Vec<Field>, Option<String>) {
    let media = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let ours = media.strip_prefix("application/").is_some_and(is_purpose);
    if !ours || !media.ends_with("+xml") {
        return (Vec::new(), None);
    }
    let (root, broken) = xml::read(body);
    let fields = root.map(|root| of_element(&root)).unwrap_or_default();
    (fields, broken.map(|broken| format!("{} {broken}", media.trim_start_matches("application/"))))
}

/// Blocks that a location was provided with (RFC 7852 §6.2): within the PIDF-LO, by value or by
/// reference.
#[must_use]
pub fn provided_by(pidf_lo: &[u8]) -> Vec<AdditionalData> {
    // Nearly every PIDF-LO has none.
    if memchr::memmem::find(pidf_lo, b"EmergencyCallData").is_none() {
        return Vec::new();
    }
    let Some(root) = xml::read(pidf_lo).0 else { return Vec::new() };
    let references = root.find("EmergencyCallDataReference").into_iter().filter_map(|element| {
        let (purpose, uri) = (element.attribute("purpose")?, element.attribute("ref")?);
        Some(AdditionalData {
            purpose: purpose.to_owned(),
            content_type: uri.to_owned(),
            ..AdditionalData::default()
        })
    });
    let values = root.find("EmergencyCallDataValue");
    let values = values.into_iter().flat_map(|value| &value.children).map(|block| AdditionalData {
        purpose: block.name.clone(),
        content_type: format!("application/{}+xml", block.name),
        body: Raw::default(),
        fields: of_element(block),
    });
    references.chain(values).take(PROVIDED).collect()
}

fn of_element(root: &Element) -> Vec<Field> {
    let mut fields = Vec::new();
    if root.attribute("privacyRequested") == Some("true") {
        push(&mut fields, "privacyRequested", "true");
    }
    root.children.iter().for_each(|child| gather(child, &mut fields));
    fields
}

/// The leaves of an element. A vCard's properties are told each as one.
fn gather(element: &Element, fields: &mut Vec<Field>) {
    if element.name == "vcard" {
        element.children.iter().for_each(|property| of_card(property, fields));
    } else if element.children.is_empty() {
        let about = ["TypeOfDeviceID", "lang"].iter().find_map(|name| element.attribute(name));
        let name = about
            .map_or_else(|| element.name.clone(), |about| format!("{} ({about})", element.name));
        push(fields, &name, &element.text);
    } else {
        element.children.iter().for_each(|child| gather(child, fields));
    }
}

/// A property of an xCard (RFC 6351): its values without its parameters.
fn of_card(property: &Element, fields: &mut Vec<Field>) {
    if property.name == "group" {
        return property.children.iter().for_each(|inner| of_card(inner, fields));
    }
    let mut values = Vec::new();
    texts(property, &mut values);
    push(fields, &property.name, &values.join(if property.name == "n" { " " } else { ", " }));
}

fn texts<'a>(element: &'a Element, values: &mut Vec<&'a str>) {
    if element.name == "parameters" {
        return;
    }
    if !element.text.is_empty() {
        values.push(&element.text);
    }
    element.children.iter().for_each(|child| texts(child, values));
}

fn push(fields: &mut Vec<Field>, name: &str, value: &str) {
    let name: String = name.chars().take(64).collect();
    let field = Field { name, value: Private::new(value.to_owned()) };
    if !value.is_empty() && fields.len() < FIELDS && !fields.contains(&field) {
        fields.push(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, xml: &str) -> Vec<(String, String)> {
        let (fields, odd) =
            fields(&format!("application/EmergencyCallData.{kind}+xml"), xml.as_bytes());
        assert_eq!(odd, None);
        fields.into_iter().map(|f| (f.name, f.value.reveal().clone())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_five_blocks_are_read_into_fields() {
        let provider = "<p:EmergencyCallData.ProviderInfo xmlns:p='u'>\
            <p:DataProviderString>Operator A</p:DataProviderString>\
            <p:ContactURI>tel:+622150000112</p:ContactURI>\
            <p:DataProviderContact><vcard xmlns='v'><fn><text>NOC</text></fn>\
            <tel><parameters><pref><integer>1</integer></pref></parameters><uri>tel:+6221</uri></tel>\
            </vcard></p:DataProviderContact></p:EmergencyCallData.ProviderInfo>";
        let expected = [
            ("DataProviderString", "Operator A"),
            ("ContactURI", "tel:+622150000112"),
            ("fn", "NOC"),
            ("tel", "tel:+6221"),
        ];
        assert_eq!(read("ProviderInfo", provider), pairs(&expected));

        let service = "<s><ServiceEnvironment>Residence</ServiceEnvironment>\
            <ServiceType>POTS</ServiceType><ServiceMobility>Fixed</ServiceMobility></s>";
        let expected = [
            ("ServiceEnvironment", "Residence"),
            ("ServiceType", "POTS"),
            ("ServiceMobility", "Fixed"),
        ];
        assert_eq!(read("ServiceInfo", service), pairs(&expected));

        let device = "<d><DeviceClassification>marine</DeviceClassification>\
            <UniqueDeviceID TypeOfDeviceID='MMSI'>525000001</UniqueDeviceID></d>";
        let expected = [("DeviceClassification", "marine"), ("UniqueDeviceID (MMSI)", "525000001")];
        assert_eq!(read("DeviceInfo", device), pairs(&expected));

        let subscriber = "<e privacyRequested='true'><SubscriberData><vcards><vcard>\
            <n><surname>Hasanah</surname><given>Siti</given></n>\
            <group name='g'><adr><street>Jl. Trunojoyo 1</street><locality>Sumenep</locality></adr></group>\
            <note><text>Kursi roda</text></note></vcard></vcards></SubscriberData></e>";
        let expected = [
            ("privacyRequested", "true"),
            ("n", "Hasanah Siti"),
            ("adr", "Jl. Trunojoyo 1, Sumenep"),
            ("note", "Kursi roda"),
        ];
        assert_eq!(read("SubscriberInfo", subscriber), pairs(&expected));

        let comment = "<c><Comment xml:lang='id'>Sensor asap, lantai 2</Comment>\
            <Comment xml:lang='en'>Smoke &amp; heat</Comment></c>";
        let expected =
            [("Comment (id)", "Sensor asap, lantai 2"), ("Comment (en)", "Smoke & heat")];
        assert_eq!(read("Comment", comment), pairs(&expected));
    }

    #[test]
    fn what_is_no_block_has_no_fields_and_what_is_broken_says_so() {
        assert_eq!(fields("application/ISUP", b"\x01"), (Vec::new(), None));
        assert_eq!(fields("application/EmergencyCallData.eCall.MSD", b"\x01"), (Vec::new(), None));
        assert_eq!(fields("text/xml", b"<a><b>c</b></a>"), (Vec::new(), None));
        let (read, odd) = fields(
            "application/emergencycalldata.comment+xml; x=y",
            b"<c><Comment>ya</Comment><x>",
        );
        assert_eq!((read.len(), read[0].value.reveal().as_str()), (1, "ya"));
        assert_eq!(odd.as_deref(), Some("emergencycalldata.comment+xml is no well-formed XML"));
        let many =
            format!("<c>{}</c>", (0..900).map(|n| format!("<a>{n}</a>")).collect::<String>());
        assert_eq!(fields("application/EmergencyCallData.X+xml", many.as_bytes()).0.len(), FIELDS);
    }

    #[test]
    fn a_location_may_bring_blocks_along() {
        let pidf = b"<presence><tuple><geopriv><provided-by><ad:EmergencyCallDataReference \
            purpose='EmergencyCallData.ServiceInfo' ref='https://adr.example/s'/>\
            <ad:EmergencyCallDataValue><EmergencyCallData.ProviderInfo>\
            <DataProviderString>LIS A</DataProviderString></EmergencyCallData.ProviderInfo>\
            </ad:EmergencyCallDataValue></provided-by></geopriv></tuple></presence>";
        let found = provided_by(pidf);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].reference(), Some("https://adr.example/s"));
        assert_eq!(found[1].purpose, "EmergencyCallData.ProviderInfo");
        assert_eq!(found[1].fields[0].value.reveal(), "LIS A");
        assert_eq!(provided_by(b"<presence/>"), []);
    }
}
