//! Who calls: the identity headers of an INVITE, weighed by how far the trunk is trusted.
//!
//! Every identity is kept as it came. None of them, however broken, refuses a call; a request for
//! privacy hides the number from the public, not from an emergency centre (RFC 3325 §7).

use super::number_plan;
use super::settings::TrunkSettings;
use crate::incident::{Caller, IdentityHeader, Trust};
use crate::sip::{Name, NameAddr, Params, Request};
use crate::vocabulary::{NumberClass, Phone, Private};

/// One identity that a header offers.
struct Identity {
    header: IdentityHeader,
    trust: Trust,
    phone: Phone,
    display: String,
    verstat: Option<String>,
    private: bool,
}

/// Reads the caller: of the headers that the trunk's profile names, in its order, the first one with a
/// number, else the least poor.
#[must_use]
pub fn caller(request: &Request, trunk: &TrunkSettings) -> Caller {
    let asserted = identities(request, trunk, &Name::PAssertedIdentity);
    let remote_party = identities(request, trunk, &Name::RemotePartyId);
    let from = identities(request, trunk, &Name::From);
    let from_display = from.first().map(|i| i.display.clone()).unwrap_or_default();
    let verstat = asserted.iter().find_map(|i| i.verstat.clone());
    let privacy = privacy(request);
    let private = privacy.as_deref().is_some_and(hides) || remote_party.iter().any(|i| i.private);
    let mut offered = [asserted, remote_party, from];
    let groups = trunk.identity_order().iter().map(|header| match header {
        IdentityHeader::Asserted => std::mem::take(&mut offered[0]),
        IdentityHeader::RemoteParty => std::mem::take(&mut offered[1]),
        IdentityHeader::From => std::mem::take(&mut offered[2]),
    });
    let chosen = choose(groups);
    let (phone, header, trust, display, own_verstat) = chosen.map_or_else(
        || (Phone::default(), IdentityHeader::From, Trust::Claimed, String::new(), None),
        |i| (i.phone, i.header, i.trust, i.display, i.verstat),
    );
    Caller {
        network: trunk.callers.network.clone(),
        issued_by: number_plan::issued_by(&phone).map(str::to_owned),
        country: abroad(&phone),
        device: request.headers.instance().map(Private::new),
        phone,
        name: name(&display).or_else(|| name(&from_display)),
        header,
        trust,
        private,
        privacy,
        verstat: own_verstat.or(verstat),
        identities: as_they_came(request),
    }
}

/// The country of a number that is not ours.
fn abroad(phone: &Phone) -> Option<String> {
    let e164 = phone.e164.as_ref().filter(|_| phone.class == NumberClass::International)?;
    super::country(e164.reveal())
}

/// The identities of one header, in order, whether in one line or several.
fn identities(request: &Request, trunk: &TrunkSettings, name: &Name) -> Vec<Identity> {
    let values = request.headers.values(name);
    let read = values.iter().filter_map(|value| NameAddr::read(value));
    read.filter_map(|address| identity(&address, trunk, name)).collect()
}

fn identity(address: &NameAddr, trunk: &TrunkSettings, name: &Name) -> Option<Identity> {
    let params = &address.params;
    let is =
        |name: &str, value: &str| params.get(name).is_some_and(|v| v.eq_ignore_ascii_case(value));
    let (header, trust) = match name {
        Name::PAssertedIdentity if trunk.trust_identity => {
            (IdentityHeader::Asserted, Trust::Asserted)
        }
        Name::PAssertedIdentity => (IdentityHeader::Asserted, Trust::Claimed),
        Name::RemotePartyId => {
            if params.has("party") && !is("party", "calling") {
                return None;
            }
            let screened = trunk.trust_identity && is("screen", "yes");
            let trust = if screened { Trust::Screened } else { Trust::Claimed };
            (IdentityHeader::RemoteParty, trust)
        }
        _ => (IdentityHeader::From, Trust::Claimed),
    };
    let asked = params.get("privacy").unwrap_or("").to_ascii_lowercase();
    Some(Identity {
        header,
        trust,
        phone: phone(address, trunk),
        display: address.display.clone(),
        verstat: verstat(address),
        private: ["full", "name", "uri"].iter().any(|word| asked.starts_with(word)),
    })
}

fn phone(address: &NameAddr, trunk: &TrunkSettings) -> Phone {
    let uri = &address.uri;
    let mut phone = number_plan::phone_by(uri.user(), &trunk.area_code, &trunk.callers.prefixes);
    let anonymous = uri.host().eq_ignore_ascii_case("anonymous.invalid");
    if anonymous && !phone.class.can_be_called_back() {
        phone.class = NumberClass::Withheld;
    }
    phone
}

/// `verstat` stands in the tel URI, in the user part of a SIP URI, or beside the address
/// (3GPP TS 24.229 §7.2A.20).
fn verstat(address: &NameAddr) -> Option<String> {
    let user = address.uri.user();
    let in_user = Params::read(user.split_once(';').map_or("", |(_, params)| params));
    [address.uri.params(), &in_user, &address.params]
        .into_iter()
        .find_map(|params| params.get("verstat").map(str::to_owned))
}

/// How well a number serves: 0 can be called back, 1 has a reading, 2 is odd text, 3 tells nothing.
const fn rank(class: NumberClass) -> u8 {
    match class {
        NumberClass::Mobile | NumberClass::Fixed | NumberClass::International => 0,
        NumberClass::Ambiguous | NumberClass::NoCallback => 1,
        NumberClass::Unparsed | NumberClass::TooShort | NumberClass::ServiceNumber => 2,
        NumberClass::Withheld | NumberClass::Unavailable | NumberClass::Absent => 3,
    }
}

/// The best identity of each header; of these the first that has a number, else the least poor.
fn choose(groups: impl Iterator<Item = Vec<Identity>>) -> Option<Identity> {
    let best = |group: Vec<Identity>| group.into_iter().min_by_key(|i| rank(i.phone.class));
    groups.filter_map(best).min_by_key(|i| rank(i.phone.class).max(1))
}

/// A display name that names somebody.
fn name(display: &str) -> Option<Private<String>> {
    let display = display.trim();
    let nobody = display.is_empty() || display.eq_ignore_ascii_case("anonymous");
    (!nobody).then(|| Private::new(display.to_owned()))
}

fn privacy(request: &Request) -> Option<String> {
    let lines: Vec<String> =
        request.headers.texts(&Name::Privacy).map(|line| line.trim().to_owned()).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// Whether a Privacy value asks for anything but `none` (RFC 3323 §4.2).
fn hides(privacy: &str) -> bool {
    privacy
        .split([';', ',', ' '])
        .map(str::trim)
        .any(|token| !token.is_empty() && !token.eq_ignore_ascii_case("none"))
}

fn as_they_came(request: &Request) -> Vec<Private<String>> {
    let names = [
        Name::PAssertedIdentity,
        Name::PPreferredIdentity,
        Name::RemotePartyId,
        Name::From,
        Name::Identity,
    ];
    let mut found = Vec::new();
    for name in &names {
        let values = request.headers.values(name);
        found.extend(values.iter().map(|value| Private::new(format!("{name}: {value}"))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Method, Uri};
    use crate::trunk::tests::{request, trunk};

    const FROM: (Name, &str) = (Name::From, "\"Budi\" <sip:0328671234@h>;tag=1");
    const HIDDEN: (Name, &str) =
        (Name::From, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1");
    const PAI: (Name, &str) = (Name::PAssertedIdentity, "<sip:+6281234567890@h>");
    const MOBILE: &str = "+6281234567890";
    const FIXED: &str = "+62328671234";

    fn read(lines: &[(Name, &str)], trust_identity: bool) -> Caller {
        let mut request = Request::new(Method::Invite, Uri::read("sip:112@gw"));
        for (name, value) in lines {
            request.headers.push(name.clone(), (*value).to_owned());
        }
        let mut trunk = trunk("telco-b");
        trunk.trust_identity = trust_identity;
        caller(&request, &trunk)
    }

    fn number(caller: &Caller) -> &str {
        caller.phone.e164.as_ref().map_or("", |p| p.reveal())
    }

    #[test]
    fn the_most_trusted_header_with_a_number_names_the_caller() {
        use IdentityHeader::{Asserted, From, RemoteParty};
        let rpid = |text: &'static str| (Name::RemotePartyId, text);
        let called = rpid("<sip:0328112@h>;party=called");
        let screened = rpid("<sip:081234567890@h>;party=calling;screen=yes");
        let unscreened = rpid("<sip:081234567890@h>;screen=no");
        let broken = (Name::PAssertedIdentity, "\"<<,;;>\u{fffd}");
        let wrong = (Name::PAssertedIdentity, "<sip:112@h>");
        // header lines, trusted trunk, number, header, trust
        let table = [
            (vec![PAI, screened.clone(), FROM], true, MOBILE, Asserted, Trust::Asserted),
            (vec![PAI, FROM], false, FIXED, From, Trust::Claimed),
            (vec![PAI, HIDDEN], false, MOBILE, Asserted, Trust::Claimed),
            (vec![PAI], false, MOBILE, Asserted, Trust::Claimed),
            (vec![screened.clone(), FROM], true, MOBILE, RemoteParty, Trust::Screened),
            (vec![screened, FROM], false, MOBILE, RemoteParty, Trust::Claimed),
            (vec![unscreened, FROM], true, MOBILE, RemoteParty, Trust::Claimed),
            (vec![called, FROM], true, FIXED, From, Trust::Claimed),
            (vec![broken, FROM], true, FIXED, From, Trust::Claimed),
            (vec![wrong, FROM], true, FIXED, From, Trust::Claimed),
            (vec![FROM], true, FIXED, From, Trust::Claimed),
            (vec![], true, "", From, Trust::Claimed),
        ];
        for (lines, trusted, expected, header, trust) in table {
            let caller = read(&lines, trusted);
            let found = (number(&caller), caller.header, caller.trust);
            assert_eq!(found, (expected, header, trust), "{lines:?}");
            assert_eq!(caller.identities.len(), lines.len(), "every identity is kept");
        }
    }

    /// H-1: several values, in one line or in several, sip or tel.
    #[test]
    fn several_asserted_identities_are_kept_and_the_usable_one_leads() {
        let lists: [&[(Name, &str)]; 3] = [
            &[(Name::PAssertedIdentity, "<sip:operator@h>, <tel:+6281234567890>")],
            &[
                (Name::PAssertedIdentity, "tel:+6281234567890"),
                (Name::PAssertedIdentity, "<sip:x@h>"),
            ],
            &[(
                Name::PAssertedIdentity,
                "<sip:81234567890@h>,\"Siti, ibu\" <sip:+6281234567890@h>",
            )],
        ];
        for lines in lists {
            let caller = read(lines, true);
            assert_eq!((number(&caller), caller.identities.len()), (MOBILE, 2), "{lines:?}");
        }
    }

    /// H-2: a folded header line.
    #[test]
    fn a_folded_identity_is_read() {
        let request = request(
            b"INVITE sip:112@gw SIP/2.0\r\nP-Asserted-Identity: \"Budi\"\r\n\t<sip:+6281234567890@h>,\r\n <tel:+6281234567890>\r\n\r\n",
        );
        let caller = caller(&request, &trunk("telco-b"));
        assert_eq!((number(&caller), caller.identities.len()), (MOBILE, 2));
        assert_eq!(caller.name.unwrap().reveal(), "Budi");
    }

    /// RFC 8224: what was signed stays as evidence. It names nobody by itself.
    #[test]
    fn a_signed_identity_is_kept_as_it_came() {
        let signed = "eyJ.eyJ.sig;info=<https://cert.example/p.cer>;alg=ES256;ppt=shaken";
        let caller = read(&[PAI, (Name::Identity, signed)], true);
        let kept: Vec<&str> = caller.identities.iter().map(|i| i.reveal().as_str()).collect();
        assert_eq!(kept[1], format!("Identity: {signed}"));
        assert_eq!((number(&caller), caller.trust), (MOBILE, Trust::Asserted));
    }

    /// H-7: parameters of the URI and of the header stay in the record.
    #[test]
    fn parameters_of_an_identity_are_kept() {
        let text = "<sip:+6281234567890@h;oli=62;cpc=payphone>;x=y";
        let caller = read(&[(Name::PAssertedIdentity, text), FROM], true);
        let kept: Vec<&str> = caller.identities.iter().map(|i| i.reveal().as_str()).collect();
        assert_eq!(kept[0], format!("P-Asserted-Identity: {text}"));
        assert_eq!(kept[1], format!("From: {}", FROM.1));
    }

    #[test]
    fn a_hidden_caller_is_known_to_us_and_marked() {
        // Privacy, Remote-Party-ID, private
        let table = [
            (Some("id"), None, true),
            (Some("none"), None, false),
            (Some("header;user;critical"), None, true),
            (Some(""), None, false),
            (None, Some("<sip:081234567890@h>;privacy=full"), true),
            (None, Some("<sip:081234567890@h>;privacy=off"), false),
            (None, None, false),
        ];
        for (privacy, rpid, private) in table {
            let mut lines = vec![PAI, HIDDEN];
            lines.extend(privacy.map(|text| (Name::Privacy, text)));
            lines.extend(rpid.map(|text| (Name::RemotePartyId, text)));
            let caller = read(&lines, true);
            assert_eq!((number(&caller), caller.private), (MOBILE, private), "{lines:?}");
            assert_eq!(caller.privacy.as_deref(), privacy);
            assert!(caller.name.is_none(), "nobody is called Anonymous");
        }
        assert_eq!(read(&[HIDDEN], true).phone.class, NumberClass::Withheld);
        let hostless = (Name::From, "<sip:anonymous.invalid>;tag=1");
        assert_eq!(read(&[hostless], true).phone.class, NumberClass::Withheld);
    }

    #[test]
    fn names_come_with_the_number_or_from_from() {
        let named = (Name::PAssertedIdentity, "\"Siti\" <tel:+6281234567890>");
        assert_eq!(read(&[named, FROM], true).name.unwrap().reveal(), "Siti");
        assert_eq!(read(&[PAI, FROM], true).name.unwrap().reveal(), "Budi");
    }

    #[test]
    fn verstat_is_read_wherever_it_stands() {
        let forms = [
            "<tel:+6281234567890;verstat=TN-Validation-Failed>",
            "<sip:+6281234567890;verstat=TN-Validation-Failed@h;user=phone>",
            "<sip:+6281234567890@h;verstat=TN-Validation-Failed>",
            "tel:+6281234567890;verstat=TN-Validation-Failed",
        ];
        for form in forms {
            let caller = read(&[(Name::PAssertedIdentity, form)], true);
            assert_eq!(caller.verstat.as_deref(), Some("TN-Validation-Failed"), "{form}");
            assert_eq!((number(&caller), caller.trust), (MOBILE, Trust::Asserted), "{form}");
        }
    }
    #[test]
    fn the_trunk_s_profile_says_which_header_is_believed_first_and_which_never() {
        use IdentityHeader::{Asserted, From, RemoteParty};
        let mut request = Request::new(Method::Invite, Uri::read("sip:112@gw"));
        request.headers.push(PAI.0, PAI.1);
        request.headers.push(Name::RemotePartyId, "<sip:087812345678@h>;screen=yes");
        request.headers.push(FROM.0, FROM.1);
        let mut trunk = trunk("telco-b");
        trunk.callers.network = Some("Telco B".to_owned());
        let table: [(&[IdentityHeader], &str, IdentityHeader); 5] = [
            (&[], MOBILE, Asserted),
            (&[RemoteParty, Asserted, From], "+6287812345678", RemoteParty),
            (&[From, Asserted], FIXED, From),
            (&[From], FIXED, From),
            (&[Asserted], MOBILE, Asserted),
        ];
        for (order, expected, header) in table {
            trunk.callers.order = order.to_vec();
            let caller = caller(&request, &trunk);
            assert_eq!((number(&caller), caller.header), (expected, header), "{order:?}");
            assert_eq!((caller.network.as_deref(), caller.identities.len()), (Some("Telco B"), 3));
        }
    }

    #[test]
    fn what_is_known_beside_the_number_is_a_hint() {
        let mobile = read(&[PAI], true);
        assert_eq!((mobile.issued_by.as_deref(), mobile.country), (Some("Telkomsel"), None));
        let abroad = read(&[(Name::PAssertedIdentity, "<tel:+81312345678>")], true);
        assert_eq!((abroad.issued_by, abroad.country.as_deref()), (None, Some("JP")));
        let contact = "<sip:h>;+sip.instance=\"<urn:gsma:imei:90420156-025763-0>\"";
        let no_sim = read(&[HIDDEN, (Name::Contact, contact)], true);
        assert!(!no_sim.phone.class.can_be_called_back());
        assert_eq!(no_sim.device.unwrap().reveal(), "<urn:gsma:imei:90420156-025763-0>");
    }
}
