//! Data of vehicles that call by themselves: eCall (RFC 8147) and VEDS (RFC 8148). The bytes are kept as
//! they came and acknowledged; what they say is for those who have the vehicle's tables.

use quick_xml::escape::escape;

use crate::incident::{AdditionalData, Raw};
use crate::sip::body::{self, Part};
use crate::sip::{Name, Request};

/// The Info Package in which a vehicle sends newer data (RFC 8147 §14.9).
pub const INFO_PACKAGE: &str = "EmergencyCallData.eCall.MSD";
/// Media type of the block that acknowledges.
pub const CONTROL: &str = "application/EmergencyCallData.Control+xml";
/// Media types of what is acknowledged, in lower case, and the purpose of each.
const DATA: [(&str, &str); 2] = [
    ("application/emergencycalldata.ecall.msd", "EmergencyCallData.eCall.MSD"),
    ("application/emergencycalldata.veds+xml", "EmergencyCallData.VEDS"),
];

/// The block that acknowledges the vehicle's data in a request; none where there is none.
#[must_use]
pub fn acknowledgement(request: &Request) -> Option<String> {
    let acks: String = parts(request)
        .iter()
        .map(|(part, _)| match part.content_id.as_str() {
            "" => "<ack received=\"true\"/>".to_owned(),
            id => format!("<ack ref=\"{}\" received=\"true\"/>", escape(id)),
        })
        .collect();
    (!acks.is_empty()).then(|| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<EmergencyCallData.Control \
             xmlns=\"urn:ietf:params:xml:ns:EmergencyCallData:control\">{acks}\
             </EmergencyCallData.Control>\r\n"
        )
    })
}

/// The vehicle's data in a request, for the record.
#[must_use]
pub fn data(request: &Request) -> Vec<AdditionalData> {
    let read = |(part, purpose): (Part, &str)| {
        let (fields, _) = crate::incident::data::fields(&part.content_type, &part.body);
        AdditionalData {
            purpose: purpose.to_owned(),
            content_type: part.content_type,
            body: Raw(part.body),
            fields,
        }
    };
    parts(request).into_iter().map(read).collect()
}

/// Whether an INFO is of the vehicles' package.
#[must_use]
pub fn is_info(request: &Request) -> bool {
    let package = request.headers.text(&Name::InfoPackage);
    package.is_some_and(|package| {
        let package = package.split(';').next().unwrap_or("").trim();
        package.eq_ignore_ascii_case(INFO_PACKAGE)
    })
}

fn parts(request: &Request) -> Vec<(Part, &'static str)> {
    // Nearly every body is a session description and nothing else.
    if memchr::memmem::find(&request.body, b"mergency").is_none()
        && !request.headers.text(&Name::ContentType).is_some_and(|t| t.contains("mergency"))
    {
        return Vec::new();
    }
    let known = |part: Part| {
        let found = DATA.iter().find(|(media, _)| *media == part.media_type)?;
        Some((part, found.1))
    };
    body::parts(&request.headers, &request.body).0.into_iter().filter_map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trunk::tests::request;

    #[test]
    fn data_of_a_vehicle_is_found_and_acknowledged_by_its_name() {
        let message = request(
            b"INVITE urn:service:sos.ecall.automatic SIP/2.0\r\n\
              Content-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\nContent-Type: application/sdp\r\n\r\n\
              v=0\r\n--b\r\nContent-Type: application/EmergencyCallData.eCall.MSD\r\n\
              Content-ID: <1&2@car>\r\n\r\n\x02\xff\x00\r\n--b--\r\n",
        );
        let found = data(&message);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&*found[0].purpose, &found[0].body.0[..]),
            (INFO_PACKAGE, &b"\x02\xff\x00"[..])
        );
        let ack = acknowledgement(&message).expect("a block");
        assert!(ack.contains("<ack ref=\"1&amp;2@car\" received=\"true\"/>"), "{ack}");
        let plain =
            request(b"INVITE sip:112@h SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n");
        assert_eq!((acknowledgement(&plain), data(&plain)), (None, Vec::new()));
    }

    #[test]
    fn the_package_is_known_whatever_its_case_and_parameters() {
        let info = |package: &str| {
            request(format!("INFO sip:x@h SIP/2.0\r\nInfo-Package: {package}\r\n\r\n").as_bytes())
        };
        assert!(is_info(&info("emergencycalldata.ecall.msd;x=y")));
        assert!(!is_info(&info("dtmf")));
        assert!(!is_info(&request(b"INFO sip:x@h SIP/2.0\r\n\r\n")));
    }
}
