//! 503 without a transaction: for a request that the switchboard never sees because it is behind
//! (RFC 3261 §8.2.7, §21.5.4).

use bytes::Bytes;

use super::endpoint::stamp_top_via;
use super::event::Send;
use super::flow::Flow;
use super::message::{Message, Method};
use super::name::Name;
use super::parse;

/// The 503 to a datagram, to be sent where its Via says. None when there is nothing to answer: no
/// request, an ACK, or one whose dialog cannot be named.
#[must_use]
pub fn unavailable(flow: Flow, datagram: &Bytes, retry_after: u32) -> Option<Send> {
    let Message::Request(mut request) = parse::parse(datagram).ok()?.message else { return None };
    if request.method == Method::Ack {
        return None;
    }
    let to = stamp_top_via(&mut request, flow)?;
    let headers = &request.headers;
    headers.call_id()?;
    headers.from()?;
    headers.to()?;
    headers.cseq()?;
    // A server without state gives the same tag to a repeated request (§8.2.7).
    let response = request.response(503, "busy").with(Name::RetryAfter, retry_after.to_string());
    Some(Send::new(flow.towards(to), response.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::flow::Transport;
    use super::*;

    fn refuse(text: &str) -> Option<Send> {
        let flow = Flow {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.9:6000".parse().unwrap(),
        };
        unavailable(flow, &Bytes::copy_from_slice(text.as_bytes()), 7)
    }

    #[test]
    fn the_503_names_the_request_s_dialog_and_goes_back_to_its_sender() {
        let request = "OPTIONS sip:h SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;rport\r\n\
                       f: <sip:a@b>;tag=1\r\nt: <sip:c@d>\r\ni: x\r\nCSeq: 4 OPTIONS\r\n\r\n";
        let send = refuse(request).unwrap();
        assert_eq!(send.flow.remote.to_string(), "192.0.2.9:6000");
        assert_eq!(
            String::from_utf8_lossy(&send.bytes),
            "SIP/2.0 503 Service Unavailable\r\n\
             Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=192.0.2.9;rport=6000\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=busy\r\nCall-ID: x\r\nCSeq: 4 OPTIONS\r\n\
             Retry-After: 7\r\nContent-Length: 0\r\n\r\n"
        );
        for spoilt in ["i: x\r\n", "CSeq: 4 OPTIONS\r\n", "f: <sip:a@b>;tag=1\r\n"] {
            assert_eq!(refuse(&request.replace(spoilt, "")), None, "{spoilt:?}");
        }
        assert_eq!(refuse(&request.replace("OPTIONS", "ACK")), None);
        assert_eq!(refuse("SIP/2.0 200 OK\r\n\r\n"), None);
        assert_eq!(refuse("\u{1}"), None);
    }
}
