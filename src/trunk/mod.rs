//! Who the carrier is, how far it is trusted, and what its INVITE says about the caller and the
//! emergency.
//!
//! A function room: values in, values out. What cannot be understood is kept with a finding and
//! never refuses a call. It never knows transactions, queues or seats.

mod abroad;
mod arrival;
mod caller;
mod dialled;
pub mod line;
mod malformed;
pub mod number_plan;
mod quiet;
pub mod settings;
mod signed;
mod sound;
mod trunks;
pub mod vehicle;

pub use abroad::{country, read_tables};
pub use arrival::arrival;
pub use caller::caller;
pub use dialled::{Dialled, DialledKind, dialled};
pub use line::Line;
pub use malformed::Malformed;
pub use quiet::QuietWatch;
pub use signed::{Signed, signed};
pub use sound::{SoundChange, SoundWatch, Sounded};
pub use trunks::Trunks;

#[cfg(test)]
mod tests {
    use super::settings::{Centre, TrunkSettings};
    use crate::sip::{Message, Request, parse};
    use crate::vocabulary::TrunkId;

    /// A carrier that asserts identities, as most do.
    pub(super) fn trunk(id: &str) -> TrunkSettings {
        TrunkSettings {
            id: TrunkId::from(id),
            sources: Vec::new(),
            tls_names: Vec::new(),
            digest: None,
            trust_identity: true,
            area_code: "0328".to_owned(),
            callers: Default::default(),
            answer: None,
            early_media: Default::default(),
            test_number: None,
            line: None,
            quiet_alarm: None,
            audio: Default::default(),
        }
    }

    /// The centre of the sample configuration.
    pub(super) fn centre() -> Centre {
        let dialled = ["112", "0328112", "1120328", "+62328112", "urn:service:sos.*"];
        Centre {
            name: "112 Sumenep".to_owned(),
            area_code: "0328".to_owned(),
            dialled: dialled.map(str::to_owned).to_vec(),
            timezone: jiff::tz::TimeZone::UTC,
        }
    }

    /// Reads a request from its bytes.
    pub(super) fn request(bytes: &[u8]) -> Request {
        match parse::parse(&bytes::Bytes::copy_from_slice(bytes)).map(|read| read.message) {
            Ok(Message::Request(request)) => request,
            other => panic!("a request was expected, not {other:?}"),
        }
    }
}
