//! Two captured INVITEs, field by field; what is odd; and hostile forms of both captures.

use super::*;
use crate::incident::{IdentityHeader, Trust};
use crate::sip::{Message, parse};
use crate::trunk::tests::{centre, request, trunk};

const PLAIN: &[u8] = include_bytes!("../../../sip-scenarios/trunk/invite-plain-trunk.sip");
const FULL: &[u8] = include_bytes!("../../../sip-scenarios/trunk/invite-ng-multipart.sip");
const MOBILE: &str = "+6281234567890";

fn read(bytes: &[u8]) -> (Arrival, DialledKind) {
    let places = [Kecamatan {
        code: "35.29.25".to_owned(),
        name: "Sapeken".to_owned(),
        aliases: Vec::new(),
        island: true,
    }];
    arrival(&request(bytes), &trunk("telco"), &centre(), &places, &categories())
}

fn categories() -> [Category; 1] {
    [Category {
        code: "kebakaran".to_owned(),
        name: "Kebakaran".to_owned(),
        name_en: "Fire".to_owned(),
        sub: Vec::new(),
        agencies: Vec::new(),
        services: vec!["sos.fire".to_owned()],
        eido: None,
    }]
}

/// An INVITE with these header lines and body.
fn invite(uri: &str, headers: &str, body: &str) -> (Arrival, DialledKind) {
    let text = format!(
        "INVITE {uri} SIP/2.0\r\nFrom: <sip:0328671234@h>;tag=1\r\nCall-ID: c1\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    read(text.as_bytes())
}

#[test]
fn the_capture_of_a_plain_trunk_is_read() {
    let (found, kind) = read(PLAIN);
    assert_eq!(kind, DialledKind::Emergency);
    assert_eq!(found.sip_call_id, "1_2231@198.51.100.7");
    assert_eq!((&*found.dialled, &*found.service), ("0328112", "urn:service:sos"));
    let caller = &found.caller;
    assert_eq!(caller.phone.e164.as_ref().unwrap().reveal(), MOBILE);
    assert_eq!((caller.header, caller.trust), (IdentityHeader::Asserted, Trust::Asserted));
    assert_eq!(caller.name.as_ref().unwrap().reveal(), "081234567890");
    assert_eq!((caller.private, caller.privacy.as_deref()), (false, Some("none")));
    assert_eq!(caller.identities.len(), 3);
    assert_eq!(
        found.diversion,
        ["<sip:112@198.51.100.7;user=phone>;reason=unconditional;counter=1;screen=no;privacy=off"]
    );
    assert_eq!(found.raw.0, PLAIN);
    assert_eq!(found.findings, [""; 0]);
    assert!(found.additional_data.is_empty() && found.locations.is_empty());
    assert!(found.languages.is_empty() && found.cell.is_none() && found.icid.is_none());
}

#[test]
#[allow(clippy::too_many_lines, reason = "one INVITE, field by field")]
fn the_capture_of_a_full_ng112_network_is_read() {
    let (found, kind) = read(FULL);
    assert_eq!(kind, DialledKind::Emergency);
    assert_eq!((&*found.dialled, &*found.service), ("urn:service:sos", "urn:service:sos"));
    assert_eq!(found.icid.as_deref(), Some("1be1-20260917-0001"));
    let id = "urn:emergency:uid:callid:7f3c1e200001:sbc1.telco-a.example";
    assert_eq!(found.emergency_call_id.as_deref(), Some(id));
    let id = "urn:emergency:uid:incidentid:7f3c1e200002:sbc1.telco-a.example";
    assert_eq!(found.emergency_incident_id.as_deref(), Some(id));
    assert_eq!(found.caller.phone.e164.as_ref().unwrap().reveal(), MOBILE);
    assert_eq!(found.caller.identities.len(), 3);
    assert_eq!(found.resource_priority, ["esnet.1"]);
    assert_eq!(
        found.history,
        ["<sip:112@telco-a.example;user=phone>;index=1", "<urn:service:sos>;index=1.1;mp=1"]
    );
    assert_eq!(found.access_network.len(), 1);
    let cell = found.cell.unwrap();
    assert_eq!(
        (&*cell.mcc, &*cell.mnc, &*cell.area, &*cell.cell),
        ("510", "10", "1A2B", "0C3D4E5")
    );
    assert!(cell.network_provided);
    assert_eq!(found.geolocation, ["<cid:loc1@telco-a.example>;loc-src=telco-a.example"]);
    let place = &found.locations[0];
    assert_eq!((&*place.shape, &*place.source), ("Circle", "loc1@telco-a.example"));
    let said = (place.latitude.as_deref(), place.loc_src.as_deref());
    assert_eq!(said, (Some("-7.0530"), Some("telco-a.example")));
    assert_eq!(found.languages, ["mad", "id"]);
    let data: Vec<_> =
        found.additional_data.iter().map(|d| (&*d.purpose, &*d.content_type)).collect();
    assert_eq!(
        data,
        [
            ("EmergencyCallData.ProviderInfo", "application/EmergencyCallData.ProviderInfo+xml"),
            ("EmergencyCallData.ServiceInfo", "application/EmergencyCallData.ServiceInfo+xml"),
        ]
    );
    assert!(found.additional_data[0].body.display().contains("Operator Seluler A"));
    let said: Vec<_> = found
        .additional_data
        .iter()
        .flat_map(|data| &data.fields)
        .map(|field| (field.name.as_str(), field.value.reveal().as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("DataProviderReference", "prv-20260917-77@telco-a.example"),
            ("DataProviderString", "Operator Seluler A"),
            ("ProviderID", "telco-a.example"),
            ("ProviderIDSeries", "domain"),
            ("TypeOfProvider", "Telecom Provider"),
            ("ContactURI", "tel:+622150000112"),
            ("Language", "id"),
            ("DataProviderReference", "svc-20260917-77@telco-a.example"),
            ("ServiceEnvironment", "Unknown"),
            ("ServiceType", "wireless"),
            ("ServiceMobility", "Mobile"),
        ]
    );
    assert_eq!(found.call_info.len(), 4);
    assert_eq!(
        found.charging.as_deref(),
        Some(
            "icid-value=\"1be1-20260917-0001\";icid-generated-at=pcscf1.telco-a.example;\
             orig-ioi=telco-a.example"
        )
    );
    let caller = &found.caller;
    assert_eq!((caller.issued_by.as_deref(), caller.country.as_deref()), (Some("Telkomsel"), None));
    assert_eq!(found.findings, [""; 0]);
}

/// H-4: several Diversions, in one line or in several.
#[test]
fn what_a_trunk_proves_itself_with_is_not_on_the_record() {
    let proof = "Authorization: Digest username=\"telco\", response=\"6629fae4\"\r\n";
    let text = String::from_utf8_lossy(PLAIN).replacen("From:", &format!("{proof}From:"), 1);
    let (found, _) = read(text.as_bytes());
    let kept = String::from_utf8_lossy(&found.raw.0);
    assert!(kept.contains("username=\"telco\"") && !kept.contains("6629fae4"), "{kept}");
}

#[test]
fn diversions_are_an_ordered_list() {
    for lines in [
        "Diversion: <sip:1@h>;reason=a, <sip:2@h>\r\n",
        "Diversion: <sip:1@h>;reason=a\r\nDiversion: <sip:2@h>\r\n",
    ] {
        let found = invite("sip:112@gw", lines, "").0;
        assert_eq!(found.diversion, ["<sip:1@h>;reason=a", "<sip:2@h>"]);
    }
}

#[test]
fn what_is_odd_is_said_and_answered() {
    // Request-URI, header lines, findings
    let table: [(&str, &str, &[&str]); 6] = [
        ("sip:0511234@gw", "", &["dialled number is none of ours"]),
        ("sip:112@gw", "Call-Info: <>;purpose=x\r\n", &["Call-Info is not readable"]),
        (
            "sip:112@gw",
            "Geolocation: <cid:no@h>\r\n",
            &["Geolocation names a body part that is not there"],
        ),
        (
            "sip:112@gw",
            "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=xyz\r\n",
            &["serving cell is not readable"],
        ),
        (
            "sip:112@gw",
            "Call-Info: <cid:no@h>;purpose=EmergencyCallData.Comment\r\n",
            &["EmergencyCallData.Comment names a body part that is not there"],
        ),
        ("sip:112@gw", "P-Asserted-Identity: <>\r\n", &["P-Asserted-Identity is not readable"]),
    ];
    for (uri, lines, findings) in table {
        assert_eq!(invite(uri, lines, "").0.findings, findings, "{uri} {lines}");
    }
    let (bare, kind) = read(b"INVITE sip:112@gw SIP/2.0\r\nSubject: \xff\r\n\r\n");
    assert_eq!(kind, DialledKind::Emergency);
    assert_eq!(
        bare.findings,
        ["no Call-ID", "no readable From", "no usable caller number", "Subject is not UTF-8"]
    );
}

#[test]
fn data_by_reference_and_unknown_parts_are_kept_once() {
    let headers = "Content-Type: multipart/mixed;boundary=b\r\n\
         Call-Info: <https://adr.example/x>;purpose=EmergencyCallData.SubscriberInfo\r\n\
         Call-Info: <cid:c%40h>;purpose=EmergencyCallData.Comment\r\n\
         Call-Info: <cid:c@h>;purpose=EmergencyCallData.Comment\r\n\
         Call-Info: <urn:nena:callid:1:h>;purpose=nena-CallId\r\n";
    let body = "--b\r\nContent-Type: application/ISUP;version=x\r\n\r\n\x01\x02\r\n\
         --b\r\nContent-Type: text/xml\r\nContent-ID: <c@h>\r\n\r\n<c/>\r\n--b--\r\n";
    let found = invite("sip:112@gw", headers, body).0;
    let data: Vec<_> = found
        .additional_data
        .iter()
        .map(|d| (&*d.purpose, &*d.content_type, &d.body.0[..]))
        .collect();
    assert_eq!(
        data,
        [
            ("EmergencyCallData.SubscriberInfo", "https://adr.example/x", &b""[..]),
            ("EmergencyCallData.Comment", "text/xml", b"<c/>"),
            ("EmergencyCallData.Comment", "cid:c@h", b""),
            ("", "application/ISUP;version=x", b"\x01\x02"),
        ]
    );
    assert_eq!(found.emergency_call_id.as_deref(), Some("urn:nena:callid:1:h"));
}

#[test]
fn a_service_urn_preselects_the_category() {
    let found = invite("urn:service:sos.fire", "", "").0;
    assert_eq!(found.category.as_deref(), Some("kebakaran"));
    assert_eq!(invite("sip:112@gw", "", "").0.category, None);
}

#[test]
fn languages_come_by_weight_and_once() {
    let mut headers = Headers::default();
    headers.push(Name::AcceptLanguage, "en;q=0.3, *, id;q=0.9, de;q=0, jv;q=x");
    headers.push(Name::AcceptLanguage, "mad");
    let sdp = "v=0\r\na=hlang-send:MAD id\r\na=hlang-recv:ase ar *\r\n";
    assert_eq!(languages(&headers, sdp), ["mad", "id", "en", "ase", "ar"]);
    let many: String = (0..9999).map(|n| format!("a=hlang-send:l{n}\n")).collect();
    assert_eq!(languages(&Headers::default(), &many).len(), LANGUAGES);
}

#[test]
fn cut_and_flipped_captures_are_read_or_refused_but_never_panic() {
    let try_one = |bytes: Vec<u8>| {
        let Ok(read) = parse::parse(&bytes.into()) else { return };
        if let Message::Request(request) = read.message {
            let found = arrival(&request, &trunk("telco"), &centre(), &[], &categories()).0;
            assert_eq!(found.raw.0, request.raw);
        }
    };
    for capture in [PLAIN, FULL] {
        for at in 0..capture.len() {
            try_one(capture[..at].to_vec());
            for mask in [0x01, 0xff] {
                let mut flipped = capture.to_vec();
                flipped[at] ^= mask;
                try_one(flipped);
            }
        }
    }
}
