//! One live call for a screen-pop: who calls, what came with the call, and the earlier calls of the
//! number with what people said of them. Reading it leaves an audit entry.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::live::{LiveCall, board};
use super::problem::Problem;
use crate::incident::{Brief, IdentityChecked, Shown};
use crate::screening::known_number;
use crate::store::{At, EarlierCall};
use crate::vocabulary::CallId;

/// The database has so long to tell of earlier calls; who calls is told without it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who calls, and how far that can be believed.
#[derive(Serialize, ToSchema)]
pub(super) struct Who {
    /// E.164, where the number has one certain reading.
    number: Option<String>,
    /// As it was sent.
    raw: String,
    /// `mobile`, `fixed`, `international`, `ambiguous`, `service-number`, `unparsed`, `too-short`,
    /// `withheld`, `unavailable`, `absent` or `no-callback` (a phone without SIM).
    class: &'static str,
    /// Whether the number can be called back.
    can_call_back: bool,
    /// Why it cannot, in words.
    no_call_back: Option<Words>,
    /// Display name.
    name: Option<String>,
    /// The header that named the caller: `P-Asserted-Identity`, `Remote-Party-ID` or `From`.
    header: &'static str,
    /// `asserted` (by a network that is trusted), `screened` (by its switch) or `claimed` (by
    /// somebody).
    trust: &'static str,
    /// The caller asked that the public does not see the number.
    private: bool,
    /// What the network says of the number's validation, e.g. `TN-Validation-Passed`.
    verstat: Option<String>,
    /// Who vouches for the number (STIR/SHAKEN); null while that is not known, or nothing was signed.
    verified: Option<Verified>,
    /// The network that the trunk is of.
    network: Option<String>,
    /// Whose block the number is of: a hint, people take their numbers along.
    issued_by: Option<String>,
    /// Country of a number that is not Indonesian, ISO 3166.
    country: Option<String>,
    /// The device's own name: of a phone without SIM all that there is.
    device: Option<String>,
}

/// What the signed identity of a call is worth. It never changes how the call is served.
#[derive(Serialize, ToSchema)]
struct Verified {
    /// `A` (the originating network vouches for the number), `B` (it knows the caller), `C` (it knows
    /// where the call entered), `signed`, or `failed`.
    badge: &'static str,
    /// The same in a sentence.
    words: Words,
    /// Where it failed: why.
    why: Option<Words>,
    /// What exactly, in English: for whoever asks the carrier.
    detail: Option<String>,
    /// Who signed, as the certificate names them.
    signer: Option<String>,
    /// Where nobody could say whether the signer's certificate was revoked: so.
    note: Option<Words>,
    /// Why not, in English: for whoever keeps the lists.
    note_detail: Option<String>,
}

impl From<&IdentityChecked> for Verified {
    fn from(checked: &IdentityChecked) -> Self {
        let words = |(id, en)| Words { id, en };
        let doubt = checked.doubt();
        Self {
            badge: checked.verified.word(),
            words: words(checked.verified.words()),
            why: doubt.map(|doubt| words(doubt.why.words())),
            detail: doubt.map(|doubt| doubt.detail.clone()).filter(|detail| !detail.is_empty()),
            signer: checked.passports.iter().find_map(|passport| passport.signer.clone()),
            note: checked.note().map(|(note, _)| words(note)),
            note_detail: checked.note().map(|(_, why)| why.to_owned()),
        }
    }
}

/// A sentence for people.
#[derive(Serialize, ToSchema)]
struct Words {
    /// Indonesian.
    id: &'static str,
    /// English.
    en: &'static str,
}

/// One block of additional data, or a body part that nobody knows.
#[derive(Serialize, ToSchema)]
struct Data {
    /// `EmergencyCallData.…` (RFC 7852), or empty.
    purpose: String,
    /// Content-Type; the URI of what came by reference and is not here.
    content_type: String,
    /// Length of what came.
    bytes: usize,
    /// What it says, in order.
    fields: Vec<Field>,
}

/// One statement.
#[derive(Serialize, ToSchema)]
struct Field {
    /// What it is, e.g. `ContactURI`.
    name: String,
    /// What it says.
    value: String,
}

/// One live call with everything for the screen of who takes it.
#[derive(Serialize, ToSchema)]
pub(super) struct CallPage {
    /// When this was so.
    at: At,
    /// The call.
    #[serde(flatten)]
    call: LiveCall,
    /// The carrier's own key for the call: a trace request names it.
    icid: Option<String>,
    /// Additional data of the call.
    data: Vec<Data>,
    /// The latest calls of the same number, 20 at most; null when the database does not answer, empty
    /// for who has no number.
    earlier: Option<Vec<EarlierCall>>,
}

impl From<&Brief> for Who {
    fn from(brief: &Brief) -> Self {
        let caller = &brief.caller;
        let words = caller.phone.class.no_call_back().map(|(id, en)| Words { id, en });
        Self {
            number: caller.phone.e164.as_ref().map(|number| number.reveal().clone()),
            raw: caller.phone.raw.reveal().clone(),
            class: caller.phone.class.word(),
            can_call_back: words.is_none(),
            no_call_back: words,
            name: caller.name.as_ref().map(|name| name.reveal().clone()),
            header: caller.header.word(),
            trust: caller.trust.word(),
            private: caller.private,
            verstat: caller.verstat.clone(),
            verified: brief.identity.as_ref().map(Verified::from),
            network: caller.network.clone(),
            issued_by: caller.issued_by.clone(),
            country: caller.country.clone(),
            device: caller.device.as_ref().map(|device| device.reveal().clone()),
        }
    }
}

impl From<&Shown> for Data {
    fn from(shown: &Shown) -> Self {
        let fields = shown
            .fields
            .iter()
            .map(|field| Field { name: field.name.clone(), value: field.value.reveal().clone() });
        Self {
            purpose: shown.purpose.clone(),
            content_type: shown.content_type.clone(),
            bytes: shown.bytes,
            fields: fields.collect(),
        }
    }
}

/// One live call with who calls, what came with the call, and the earlier calls of the number.
#[utoipa::path(get, path = "/api/v1/calls/{id}", tag = "live",
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 200, description = "The call", body = CallPage),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem)))]
pub(super) async fn call(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<CallPage>, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("live call", ""))?;
    let unknown = || Problem::unknown_id("live call", &id);
    let call: CallId = id.parse().map_err(|_| unknown())?;
    let board = board(&console).await?;
    let view = board.calls.into_iter().find(|view| view.call == call).ok_or_else(unknown)?;
    let brief = view.brief.clone();
    console.desk.audit(&holder.name, "live call read", &view.incident.to_string());
    let earlier = earlier(&console, &brief, call).await;
    Ok(Json(CallPage {
        at: At(board.at),
        call: LiveCall::from(view),
        icid: brief.icid.clone(),
        data: brief.data.iter().map(Data::from).collect(),
        earlier,
    }))
}

async fn earlier(console: &Console, brief: &Brief, call: CallId) -> Option<Vec<EarlierCall>> {
    let Some(number) = known_number(&brief.caller.phone) else { return Some(Vec::new()) };
    let found = console.desk.store().earlier(number.reveal(), call);
    tokio::time::timeout(PATIENCE, found).await.ok()?.ok()
}
