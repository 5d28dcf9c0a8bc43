//! What was dialled, and whether that means "emergency here".
//!
//! It never decides that a call is unwanted: what is unknown is named so, and answered.

use super::number_plan;
use super::settings::{Centre, TrunkSettings};
use crate::sip::{Request, Scheme, Uri};

/// The service that a trunk's test number stands for.
const TEST_SOS: &str = "urn:service:test.sos";
/// The service that plain digits ask for (RFC 5031 §4.2).
const SOS: &str = "urn:service:sos";
/// The service of test calls (RFC 6881 §15).
const TEST: &str = "urn:service:test";

/// What kind of call the dialled form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialledKind {
    /// One of the centre's dialled forms.
    Emergency,
    /// The test call: never reaches an operator.
    Test,
    /// Anything else that a trunk sent here; answered all the same.
    Other,
}

/// What was dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// The digits without separators, or the URN in lower case.
    pub dialled: String,
    /// The service URN asked for, in lower case.
    pub service: String,
    /// What it means here.
    pub kind: DialledKind,
}

/// Reads the Request-URI. Digits match as a whole or not at all: `0511234` is not `112`.
#[must_use]
pub fn dialled(request: &Request, trunk: &TrunkSettings, centre: &Centre) -> Dialled {
    let dialled = written(&request.uri);
    if is_urn(&dialled) {
        return urn(dialled, centre);
    }
    let same = |form: &String| !is_urn(form) && digits(form) == digits(&dialled);
    // An emergency form wins, should a profile name the same digits for its test call.
    let kind = if digits(&dialled).is_empty() {
        DialledKind::Other
    } else if centre.dialled.iter().any(same) {
        DialledKind::Emergency
    } else if trunk.test_number.as_ref().is_some_and(same) {
        DialledKind::Test
    } else {
        DialledKind::Other
    };
    // A test number stands for the test service, so that no report counts it as an emergency.
    let service = if kind == DialledKind::Test { TEST_SOS } else { SOS };
    Dialled { dialled, service: service.to_owned(), kind }
}

/// The dialled form: a URN in lower case, also where a switch put it into the user part.
fn written(uri: &Uri) -> String {
    if uri.scheme() == Scheme::Urn {
        return uri.as_str().to_ascii_lowercase();
    }
    let user = number_plan::percent_decoded(uri.user());
    if is_urn(&user) {
        return user.split([';', '@']).next().unwrap_or("").to_ascii_lowercase();
    }
    let number = number_plan::clean(uri.user());
    if number.is_empty() { uri.as_str().to_owned() } else { number }
}

fn urn(dialled: String, centre: &Centre) -> Dialled {
    let ours = centre.dialled.iter().any(|form| {
        let form = form.trim().to_ascii_lowercase();
        match form.strip_suffix(".*") {
            Some(branch) => is_within(&dialled, branch),
            None => form == dialled,
        }
    });
    let kind = if is_within(&dialled, TEST) {
        DialledKind::Test
    } else if ours {
        DialledKind::Emergency
    } else {
        DialledKind::Other
    };
    // A branch of `sos` that the centre forgot to list still says what is needed.
    let named = kind != DialledKind::Other || is_within(&dialled, SOS);
    let service = if named { dialled.clone() } else { SOS.to_owned() };
    Dialled { dialled, service, kind }
}

/// Whether a URN is `branch` or one of its children.
fn is_within(urn: &str, branch: &str) -> bool {
    urn.strip_prefix(branch).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_urn(text: &str) -> bool {
    text.trim_start().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
}

/// Digits for comparison: with or without its plus a number is the same.
fn digits(text: &str) -> String {
    let clean = number_plan::clean(text);
    clean.strip_prefix('+').map_or(clean.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Method;
    use crate::trunk::tests::{centre, trunk};

    #[test]
    fn dialled_forms_match_as_a_whole() {
        use DialledKind::{Emergency, Other, Test};
        let mut trunk = trunk("telco-b");
        trunk.test_number = Some("0328 999112".to_owned());
        // Request-URI, dialled, service, kind
        let table = [
            ("sip:112@gw", "112", SOS, Emergency),
            ("sip:0328112@203.0.113.10:5060;user=phone", "0328112", SOS, Emergency),
            ("sip:0328-112;npdi@gw", "0328112", SOS, Emergency),
            ("sip:%31%31%32@gw", "112", SOS, Emergency),
            ("sips:1120328@gw", "1120328", SOS, Emergency),
            ("tel:+62-328-112;phone-context=+62", "+62328112", SOS, Emergency),
            ("tel:62328112", "62328112", SOS, Emergency),
            ("sip:0511234@gw", "0511234", SOS, Other),
            ("sip:1123@gw", "1123", SOS, Other),
            ("sip:0112@gw", "0112", SOS, Other),
            ("sip:0328999112@gw", "0328999112", TEST_SOS, Test),
            ("sip:gw.example", "sip:gw.example", SOS, Other),
            ("sip:@gw", "sip:@gw", SOS, Other),
            ("sip:;@gw", "sip:;@gw", SOS, Other),
            ("sip:+@gw", "+", SOS, Other),
            ("urn:service:sos", SOS, SOS, Emergency),
            ("URN:Service:SOS", SOS, SOS, Emergency),
            ("urn:service:sos.fire", "urn:service:sos.fire", "urn:service:sos.fire", Emergency),
            (
                "sip:urn:service:sos.fire@gw",
                "urn:service:sos.fire",
                "urn:service:sos.fire",
                Emergency,
            ),
            ("urn:service:sosial", "urn:service:sosial", SOS, Other),
            ("urn:service:test.sos", "urn:service:test.sos", "urn:service:test.sos", Test),
            ("urn:service:counseling", "urn:service:counseling", SOS, Other),
            ("http://x", "http://x", SOS, Other),
        ];
        for (uri, dialled_as, service, kind) in table {
            let request = Request::new(Method::Invite, Uri::read(uri));
            let expected =
                Dialled { dialled: dialled_as.to_owned(), service: service.to_owned(), kind };
            assert_eq!(dialled(&request, &trunk, &centre()), expected, "{uri}");
        }
    }

    #[test]
    fn an_emergency_form_wins_over_a_test_number_that_equals_it() {
        let mut trunk = trunk("telco-b");
        trunk.test_number = Some("112".to_owned());
        let request = Request::new(Method::Invite, Uri::read("sip:112@gw"));
        assert_eq!(dialled(&request, &trunk, &centre()).kind, DialledKind::Emergency);
    }

    #[test]
    fn a_forgotten_branch_keeps_its_service() {
        let mut centre = centre();
        centre.dialled = vec!["112".to_owned(), SOS.to_owned()];
        let request = Request::new(Method::Invite, Uri::read("urn:service:sos.marine"));
        let found = dialled(&request, &trunk("telco-a"), &centre);
        assert_eq!(
            (found.service.as_str(), found.kind),
            ("urn:service:sos.marine", DialledKind::Other)
        );
    }
}
