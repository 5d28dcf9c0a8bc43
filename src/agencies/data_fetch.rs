//! Fetches additional data that a message names by reference (RFC 7852 §6.1), alerts among them (RFC 8876),
//! and reads it as if it had come by value.
//!
//! What does not come is told in words for the record. It is asked beside the call and never waited for.

use super::held::host;
use super::https::{Ask, Fetcher};
use crate::incident::{AdditionalData, DataCame, Raw, alert, data};
use crate::vocabulary::{CallId, limits};

/// What we understand; anything else is kept as it came.
const ACCEPT: &str = "application/EmergencyCallData.*+xml, application/*, */*;q=0.1";

/// Follows a reference of a call.
pub async fn fetch(fetcher: &Fetcher, call: CallId, purpose: String, uri: String) -> DataCame {
    match fetcher
        .fetch(Ask { uri: &uri, accept: ACCEPT, post: None, most: limits::REFERENCE_BYTES })
        .await
    {
        Ok(fetched) => read(call, purpose, uri, fetched.host, &fetched.media_type, fetched.body),
        Err(error) => {
            let findings = vec![format!("{purpose} by reference: {error}")];
            let how = host(&uri).into_owned();
            let data = AdditionalData { purpose, content_type: uri.clone(), ..Default::default() };
            DataCame { call, how, data, reference: Some(uri), findings, alert: None }
        }
    }
}

fn read(
    call: CallId,
    purpose: String,
    uri: String,
    how: String,
    media_type: &str,
    body: bytes::Bytes,
) -> DataCame {
    let mut findings = Vec::new();
    // A plain server says that it is some XML; the reference says which.
    let plain = matches!(media_type, "" | "text/xml" | "application/xml" | "text/plain");
    let content_type =
        if plain { format!("application/{purpose}+xml") } else { media_type.to_owned() };
    let alert = match content_type.eq_ignore_ascii_case(alert::MEDIA_TYPE) {
        true => alert::read(&body)
            .map_err(|why| findings.push(format!("{purpose} by reference: {why}")))
            .ok(),
        false => None,
    };
    let (fields, odd) = data::fields(&content_type, &body);
    findings.extend(odd);
    let data = AdditionalData { purpose, content_type, body: Raw(body), fields };
    DataCame { call, how, data, reference: Some(uri), findings, alert: alert.map(Box::new) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(purpose: &str, media_type: &str, body: &'static str) -> DataCame {
        let (purpose, uri) = (purpose.to_owned(), "https://adr.example/1".to_owned());
        let body = bytes::Bytes::from_static(body.as_bytes());
        read(CallId::default(), purpose, uri, "adr.example".to_owned(), media_type, body)
    }

    #[test]
    fn what_was_fetched_is_read_as_if_it_had_come_along() {
        let comment = "<c><Comment>Kursi roda</Comment></c>";
        for kind in ["application/emergencycalldata.comment+xml", "text/xml", ""] {
            let came = fetched("EmergencyCallData.Comment", kind, comment);
            assert_eq!(came.data.fields[0].value.reveal(), "Kursi roda", "{kind}");
            assert!(came.is_there() && came.findings.is_empty());
        }
        let image = fetched("EmergencyCallData.Picture", "image/png", "x");
        assert!(image.is_there() && image.data.fields.is_empty());
        let broken = fetched("EmergencyCallData.cap", "text/xml", "<alert>");
        assert!(broken.alert.is_none() && !broken.findings.is_empty(), "{broken:?}");
    }
}
