//! Asks a location server where a reference leads to (HELD: RFC 5985, dereferenced as RFC 6753 says).
//!
//! The answer is a report, whatever it is: why nothing came is worth as much on the record as a place.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::https::{Ask, FetchError, Fetcher};
use crate::incident::location::pidf_lo;
use crate::incident::{How, Report};
use crate::vocabulary::limits;

/// What is asked: any place, as good as can be had while somebody is on the phone (RFC 5985 §6.1, §6.2).
const REQUEST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <locationRequest xmlns=\"urn:ietf:params:xml:ns:geopriv:held\" responseTime=\"emergencyDispatch\">\
    <locationType exact=\"false\">any</locationType></locationRequest>";
const HELD: &str = "application/held+xml";
const ACCEPT: &str = "application/held+xml, application/pidf+xml";
/// Characters of the server's own words.
const WORDS: usize = 100;

/// Follows a reference.
pub async fn dereference(fetcher: &Fetcher, uri: &str) -> Report {
    let held =
        Ask { uri, accept: ACCEPT, post: Some((HELD, REQUEST)), most: limits::REFERENCE_BYTES };
    let fetched = match fetcher.fetch(held).await {
        // A server of plain documents (RFC 6753 §4.1).
        Err(FetchError::Status(_, 404 | 405 | 415 | 501)) => {
            fetcher.fetch(Ask { post: None, ..held }).await
        }
        fetched => fetched,
    };
    let report = |from: String, findings| Report {
        how: How::Reference,
        from,
        findings,
        ..Report::default()
    };
    match fetched {
        Err(error) => {
            report(host(uri).into_owned(), vec![format!("location by reference: {error}")])
        }
        Ok(fetched) => match refusal(&fetched.body) {
            Some(why) => {
                let finding = format!("location by reference: {} says {why}", fetched.host);
                report(fetched.host, vec![finding])
            }
            None => {
                let (locations, findings) = pidf_lo(&fetched.body, uri);
                Report { locations, ..report(fetched.host, findings) }
            }
        },
    }
}

/// Whom a reference names, as far as that can be told.
pub(super) fn host(uri: &str) -> Cow<'_, str> {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?', ';']).next().unwrap_or_default().chars().take(WORDS).collect()
}

/// HELD's own refusal: its code, and its words (RFC 5985 §6.3).
fn refusal(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let (mut code, mut words) = (None, String::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) if code.is_none() => {
                if start.local_name().into_inner() != "error" {
                    return None;
                }
                let attribute = start
                    .attributes()
                    .flatten()
                    .find(|attribute| attribute.key.local_name().into_inner() == "code");
                code = Some(attribute.map(|code| code.value.trim().to_owned()).unwrap_or_default());
            }
            Ok(Event::Text(text)) if code.is_some() => words.push_str(&text.xml10_content()),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = code.map(|code| format!("{code} {words}"))?;
    Some(told.trim().chars().filter(|c| !c.is_control()).take(WORDS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_an_answer() {
        let error = r#"<?xml version="1.0"?><h:error xmlns:h="urn:ietf:params:xml:ns:geopriv:held"
            code="locationUnknown"><h:message>Not in this
            network</h:message></h:error>"#;
        let told = refusal(error.as_bytes());
        assert_eq!(told.as_deref(), Some("locationUnknown Not in this network"));
        for answer in ["<locationResponse><error/></locationResponse>", "", "<", "no XML", "<error"]
        {
            assert_eq!(refusal(answer.as_bytes()), None, "{answer}");
        }
        assert_eq!(host("https://lis.example:8443/x?y"), "lis.example:8443");
    }
}
