//! One phone of a seat: what its Contact asks for, and how it is written back.
//!
//! A phone may keep several flows (RFC 5626: `reg-id`), sit behind proxies (RFC 3327: Path) and be
//! given addresses that mean this very phone (RFC 5627: GRUU).

use std::time::Duration;

use crate::sip::flow::Flow;
use crate::sip::message::{Headers, Request};
use crate::sip::name::Name;
use crate::sip::settings::Expires;
use crate::sip::uri::Uri;
use crate::sip::values::{NameAddr, decimal};
use crate::sip::write::quoted;
use crate::vocabulary::{Moment, limits};

/// What a temporary GRUU's user begins with (RFC 5627 §3.1.2).
pub(super) const TEMPORARY: &str = "tgruu.";

/// One way to one phone of a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where to send an INVITE, as the phone wrote it.
    pub contact: Uri,
    /// Where it registered from: the way through its NAT.
    pub flow: Flow,
    /// `+sip.instance` (RFC 5626), when it has one: the same phone replaces itself.
    pub instance: Option<String>,
    /// Which of the phone's flows this is, where it keeps several (RFC 5626 §4.2).
    pub reg_id: Option<u32>,
    /// The proxies between us and the phone, in the order of a Route (RFC 3327 §5).
    pub path: Vec<Box<str>>,
    /// Tokens of its temporary GRUUs, newest last; none for a phone that asked for none.
    pub(super) temporary: Vec<Box<str>>,
    pub(super) call_id: String,
    pub(super) number: u32,
    pub(super) expires_at: Moment,
}

/// What one Contact of a REGISTER asks for.
pub(super) struct Wish {
    pub contact: Uri,
    pub instance: Option<String>,
    pub reg_id: Option<u32>,
    pub seconds: u32,
}

impl Wish {
    /// Whether a binding is what this Contact names: the same flow of the same phone, or for a phone
    /// that keeps one flow the same phone or address.
    pub fn is(&self, binding: &Binding) -> bool {
        let phone = self.instance.is_some() && binding.instance == self.instance;
        match self.reg_id {
            Some(_) => phone && binding.reg_id.is_none_or(|id| Some(id) == self.reg_id),
            None => phone || binding.contact.as_str() == self.contact.as_str(),
        }
    }

    /// The binding that it makes.
    pub fn bind(&self, now: Moment, request: &Asked, flow: Flow) -> Binding {
        Binding {
            contact: self.contact.clone(),
            flow,
            instance: self.instance.clone(),
            reg_id: self.reg_id,
            path: request.path.clone(),
            temporary: Vec::new(),
            call_id: request.call_id.clone(),
            number: request.number,
            expires_at: now.after(Duration::from_secs(u64::from(self.seconds))),
        }
    }
}

/// What a REGISTER says beside its Contacts.
pub(super) struct Asked {
    pub call_id: String,
    pub number: u32,
    pub path: Vec<Box<str>>,
    /// It keeps several flows, and nothing between us breaks them.
    pub outbound: bool,
    pub gruu: bool,
}

impl Asked {
    /// Reads a REGISTER.
    ///
    /// # Errors
    /// The status that refuses it: 400 without Call-ID or CSeq, 439 when the first hop would break the
    /// flows that it asks for (RFC 5626 §6).
    pub fn of(request: &Request) -> Result<Self, u16> {
        let headers = &request.headers;
        let (Some(call_id), Some(cseq)) = (headers.call_id(), headers.cseq()) else {
            return Err(400);
        };
        let path: Vec<Box<str>> = headers.values(&Name::Path).into_iter().map(Into::into).collect();
        if path.len() > limits::PATH_HOPS {
            return Err(400);
        }
        let outbound = headers.lists(&Name::Supported, "outbound")
            && headers.contacts().iter().any(|contact| reg_id(contact).is_some());
        let direct = headers.values(&Name::Via).len() == 1 && path.is_empty();
        let first = path.last().and_then(|hop| NameAddr::read(hop));
        if outbound && !direct && !first.is_some_and(|hop| hop.uri.params().has("ob")) {
            return Err(439);
        }
        let gruu = headers.lists(&Name::Supported, "gruu");
        Ok(Self { call_id, number: cseq.number, path, outbound, gruu })
    }
}

/// The flow that a Contact names; it counts only beside the phone's own name (RFC 5626 §6).
fn reg_id(contact: &NameAddr) -> Option<u32> {
    contact.params.get("+sip.instance")?;
    contact.params.get("reg-id").and_then(decimal).filter(|id| *id > 0)
}

/// What the Contacts of a REGISTER ask for: `None` is `Contact: *`.
///
/// # Errors
/// The status that refuses the whole request: 400, 423.
pub(super) fn wishes(
    headers: &Headers,
    expires: &Expires,
    outbound: bool,
) -> Result<Option<Vec<Wish>>, u16> {
    let header = headers.number(&Name::Expires);
    let values = headers.values(&Name::Contact);
    if values.iter().any(|v| v == "*") {
        // `*` stands alone and only with Expires: 0 (§10.3 step 6).
        return if values.len() == 1 && header == Some(0) { Ok(None) } else { Err(400) };
    }
    let mut wishes = Vec::new();
    for value in &values {
        let contact = NameAddr::read(value).ok_or(400u16)?;
        // A Contact with headers stands in brackets (RFC 3261 §20.10).
        let uri = contact.uri.as_str();
        let bare_headers = uri.contains('?') && value.trim_start().starts_with(uri);
        // It is written back to every phone of the seat: nothing may break out of its place.
        if !contact.uri.is_target() || !contact.uri.is_sound() || bare_headers {
            return Err(400);
        }
        // The Contact's own parameter wins over the header, the header over the default.
        let asked = contact.params.get("expires").map(|t| t.trim().parse::<u32>());
        let seconds = match asked {
            Some(Ok(seconds)) => seconds,
            // A malformed parameter counts as an hour, the RFC's own default (§20.19).
            Some(Err(_)) => 3600,
            None => header.unwrap_or(expires.default),
        };
        if seconds != 0 && seconds < expires.min {
            return Err(423);
        }
        wishes.push(Wish {
            instance: contact.params.get("+sip.instance").map(str::to_owned),
            reg_id: reg_id(&contact).filter(|_| outbound),
            contact: contact.uri,
            seconds: seconds.min(expires.max),
        });
    }
    if wishes.len() > limits::BINDINGS_PER_SEAT { Err(400) } else { Ok(Some(wishes)) }
}

/// A binding as the 200 to a REGISTER lists it. `address` is the seat's own, `seat-1@112.example`.
pub(super) fn listed(binding: &Binding, now: Moment, address: &str) -> String {
    let seconds = binding.expires_at.since(now).as_secs();
    let mut value = format!("<{}>;expires={seconds}", binding.contact);
    let Some(instance) = &binding.instance else { return value };
    value.push_str(&format!(";+sip.instance={}", quoted(instance)));
    if let Some(id) = binding.reg_id {
        value.push_str(&format!(";reg-id={id}"));
    }
    if let Some(token) = binding.temporary.last() {
        let host = address.split('@').next_back().unwrap_or_default();
        let public = format!("sip:{address};gr={}", urn(instance));
        let temporary = format!("sip:{TEMPORARY}{token}@{host};gr");
        value.push_str(&format!(";pub-gruu={};temp-gruu={}", quoted(&public), quoted(&temporary)));
    }
    value
}

/// The URN of an instance, without its brackets, as a GRUU carries it (RFC 5627 §3.1.1).
pub(super) fn urn(instance: &str) -> &str {
    instance.trim_matches(['<', '>'])
}
