//! Contacts and chains: who can be called out, whom a chain means for a call, and a chain as it runs.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::{bounded, call_id, read};
use super::live::board;
use super::problem::Problem;
use crate::callout::settings::{Chain, Contact, Who};
use crate::callout::{Planned, Proposed};
use crate::incident::Field;
use crate::store::At;
use crate::switchboard::orders::Order;
use crate::switchboard::view::{ChainNumberView, ChainStepView, ChainView};
use crate::vocabulary::{CallId, ChainId};

/// A sub-district.
#[derive(Serialize, ToSchema)]
struct Kecamatan {
    /// Code of the Ministry of Home Affairs.
    code: String,
    /// Its name.
    name: String,
}

/// Somebody who can be called out.
#[derive(Serialize, ToSchema)]
pub(super) struct ListedContact {
    /// The name in the configuration.
    name: String,
    /// The name that people read.
    full_name: String,
    /// Their agency, as the categories call it.
    agency: Option<String>,
    /// What they are: `camat`, `puskesmas`, …
    role: Option<String>,
    /// The sub-districts that they answer for; empty: all.
    kecamatan: Vec<Kecamatan>,
    /// Their numbers in the order in which they are tried.
    numbers: Vec<String>,
    /// For whoever calls; empty: nothing.
    note: String,
}

/// Everybody who can be called out.
#[derive(Serialize, ToSchema)]
pub(super) struct Contacts {
    /// In the order of the configuration.
    contacts: Vec<ListedContact>,
}

/// Everybody who can be called out, for a list to search in.
#[utoipa::path(get, path = "/api/v1/contacts", tag = "callout", responses(
    (status = 200, description = "As configured", body = Contacts),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn contacts(State(console): State<Console>) -> Json<Contacts> {
    let known = console.desk.callout().contacts;
    Json(Contacts { contacts: known.iter().map(|contact| listed(&console, contact)).collect() })
}

fn listed(console: &Console, contact: &Contact) -> ListedContact {
    let choices = console.desk.choices();
    let place = |code: &String| {
        let known = choices.kecamatan.iter().find(|place| place.code == *code);
        let name = known.map_or_else(|| code.clone(), |place| place.name.clone());
        Kecamatan { code: code.clone(), name }
    };
    ListedContact {
        name: contact.id.as_str().to_owned(),
        full_name: contact.full_name.clone(),
        agency: contact.agency.clone(),
        role: contact.role.clone(),
        kecamatan: contact.kecamatan.iter().map(place).collect(),
        numbers: contact.numbers.clone(),
        note: contact.note.clone(),
    }
}

/// One step of a chain.
#[derive(Serialize, ToSchema)]
struct ListedStep {
    /// The contact that it names.
    contact: Option<String>,
    /// The role whose contact it means.
    role: Option<String>,
    /// How long each number rings.
    ring_seconds: u64,
}

/// For which calls a chain is proposed; an empty list is true for all.
#[derive(Serialize, ToSchema)]
struct ListedWhen {
    /// Codes of categories.
    category: Vec<String>,
    /// Codes of sub-districts.
    kecamatan: Vec<String>,
}

/// An order in which contacts are called out.
#[derive(Serialize, ToSchema)]
pub(super) struct ListedChain {
    /// The name in the configuration.
    name: String,
    /// The name that people read.
    title: String,
    /// For which calls it is proposed; null: it is begun by hand only.
    when: Option<ListedWhen>,
    /// In order.
    steps: Vec<ListedStep>,
}

/// All chains.
#[derive(Serialize, ToSchema)]
pub(super) struct ListedChains {
    /// In the order of the configuration.
    chains: Vec<ListedChain>,
}

/// All chains as they are configured.
#[utoipa::path(get, path = "/api/v1/chains", tag = "callout", responses(
    (status = 200, description = "As configured", body = ListedChains),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn chains(State(console): State<Console>) -> Json<ListedChains> {
    let list = |chain: Chain| ListedChain {
        name: chain.id.as_str().to_owned(),
        title: chain.title,
        when: chain
            .when
            .map(|when| ListedWhen { category: when.category, kecamatan: when.kecamatan }),
        steps: chain
            .steps
            .into_iter()
            .map(|step| {
                let (contact, role) = match step.who {
                    Who::Contact(id) => (Some(id.as_str().to_owned()), None),
                    Who::Role(role) => (None, Some(role)),
                };
                ListedStep { contact, role, ring_seconds: step.ring.as_secs() }
            })
            .collect(),
    };
    Json(ListedChains { chains: console.desk.callout().chains.into_iter().map(list).collect() })
}

/// Whom a step means for this call.
#[derive(Serialize, ToSchema)]
struct PlannedStep {
    /// The role that it asks for; null where it names its contact.
    role: Option<String>,
    /// Whom it means; null: nobody answers for this sub-district, or it is not known, and the step is
    /// left out.
    contact: Option<ListedContact>,
    /// How long each number rings.
    ring_seconds: u64,
}

/// A chain as it would run for this call.
#[derive(Serialize, ToSchema)]
struct PlannedChain {
    /// The name in the configuration.
    name: String,
    /// The name that people read.
    title: String,
    /// Why it is proposed: `both` (it names the category and the sub-district), `kecamatan`, `category`
    /// or `always`; null: it is not.
    proposed: Option<&'static str>,
    /// In order.
    steps: Vec<PlannedStep>,
}

/// The chains of a call.
#[derive(Serialize, ToSchema)]
pub(super) struct CallChains {
    /// The category that was gone by; null while none is known.
    category: Option<String>,
    /// The sub-district that was gone by; null while none is known.
    kecamatan: Option<String>,
    /// What is proposed first, then the others.
    chains: Vec<PlannedChain>,
    /// The chain that runs, or ran last; null: none did.
    running: Option<LiveChain>,
}

/// What a call's chains are looked up by.
#[derive(Default)]
struct Known {
    category: Option<String>,
    kecamatan: Option<String>,
}

/// What the request says; what it leaves out as the incident's form has it, then as the call's place is
/// guessed.
async fn known(console: &Console, call: CallId, mut asked: Known) -> Result<Known, Problem> {
    let board = board(console).await?;
    let view = board.calls.into_iter().find(|view| view.call == call);
    let view = view.ok_or_else(|| Problem::unknown_id("call", &call.to_string()))?;
    if asked.category.is_none() || asked.kecamatan.is_none() {
        // A seat's own call has no record of its own.
        let record = console.records.find(console, &view.incident.to_string()).await.ok();
        let form = record.as_ref().map(|known| &known.record.form);
        let text = |field| form.and_then(|form| form.text(&field)).map(str::to_owned);
        asked.category = asked.category.or_else(|| text(Field::Category));
        asked.kecamatan = asked.kecamatan.or_else(|| text(Field::Kecamatan));
    }
    let guess = view.place.kecamatan.map(|guess| guess.code);
    asked.kecamatan = asked.kecamatan.or(guess);
    Ok(asked)
}

/// Refuses codes that the centre does not know.
fn fits(console: &Console, known: &Known) -> Result<(), Problem> {
    let choices = console.desk.choices();
    let place = |code: &String| choices.kecamatan.iter().any(|it| it.code == *code);
    let kind = |code: &String| choices.categories.iter().any(|it| it.code == *code);
    if let Some(code) = known.kecamatan.as_ref().filter(|code| !place(code)) {
        return Err(Problem::unknown_id("kecamatan", code));
    }
    match known.category.as_ref().filter(|code| !kind(code)) {
        Some(code) => Err(Problem::unknown_id("category", code)),
        None => Ok(()),
    }
}

/// Which chains are proposed for a call, whom each step means there, and the chain that runs.
#[utoipa::path(get, path = "/api/v1/calls/{id}/chains", tag = "callout", params(
    ("id" = String, Path, description = "The call's id"),
    ("category" = Option<String>, Query, description = "Code of the category; else that of the form"),
    ("kecamatan" = Option<String>, Query,
        description = "Code of the sub-district; else that of the form, else where the caller is")),
    responses(
    (status = 200, description = "The chains", body = CallChains),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call, or no such code", body = Problem)))]
pub(super) async fn of_call(
    State(console): State<Console>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<CallChains>, Problem> {
    let call = call_id(id)?;
    let mut asked = Known::default();
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match &*key {
            "category" => asked.category = value,
            "kecamatan" => asked.kecamatan = value,
            other => {
                let detail = format!("{other:?} is not asked here: category and kecamatan are");
                return Err(Problem::bad_query(detail));
            }
        }
    }
    fits(&console, &asked)?;
    let known = known(&console, call, asked).await?;
    let (category, kecamatan) = (known.category.as_deref(), known.kecamatan.as_deref());
    let callout = console.desk.callout();
    let mut ranked: Vec<(Option<Proposed>, &Chain)> =
        callout.chains.iter().map(|chain| (chain.proposed(category, kecamatan), chain)).collect();
    ranked.sort_by_key(|(why, _)| (why.is_none(), *why));
    let chains = ranked.into_iter().map(|(why, chain)| PlannedChain {
        name: chain.id.as_str().to_owned(),
        title: chain.title.clone(),
        proposed: why.map(word),
        steps: callout.plan(chain, kecamatan).iter().map(|it| planned(&console, it)).collect(),
    });
    let chains = chains.collect();
    let running = board(&console).await?.calls.into_iter().find(|view| view.call == call);
    let running = running.and_then(|view| view.chain).map(LiveChain::from);
    Ok(Json(CallChains { category: known.category, kecamatan: known.kecamatan, chains, running }))
}

fn planned(console: &Console, it: &Planned<'_>) -> PlannedStep {
    let role = match &it.step.who {
        Who::Role(role) => Some(role.clone()),
        Who::Contact(_) => None,
    };
    let contact = it.contact.map(|contact| listed(console, contact));
    PlannedStep { role, contact, ring_seconds: it.step.ring.as_secs() }
}

const fn word(why: Proposed) -> &'static str {
    match why {
        Proposed::Both => "both",
        Proposed::Kecamatan => "kecamatan",
        Proposed::Category => "category",
        Proposed::Always => "always",
    }
}

/// How a chain is to be begun.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    /// Code of the sub-district whose people are meant; null: that of the form, else where the caller
    /// is.
    #[serde(default)]
    kecamatan: Option<String>,
}

/// Begins a chain: its people are called one after the other until somebody says that they come. Only the
/// operator hears them.
#[utoipa::path(post, path = "/api/v1/calls/{id}/chains/{name}", tag = "callout", request_body = Begin,
    params(("id" = String, Path, description = "The call's id"),
    ("name" = String, Path, description = "The chain's name")), responses(
    (status = 202, description = "The first is being called"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call, chain or sub-district", body = Problem),
    (status = 409, description = "Nobody talks, a chain runs already, or it means nobody here",
     body = Problem)))]
pub(super) async fn begin(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    place: Result<Path<(String, String)>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let Path((id, name)) = place.map_err(|_| Problem::unknown_id("call", ""))?;
    let call = id.parse().map_err(|_| Problem::unknown_id("call", &id))?;
    bounded("name", &name)?;
    let Begin { kecamatan } = read(body, r#"{"kecamatan": "35.29.25"}"#)?;
    let asked = Known { kecamatan, category: None };
    fits(&console, &asked)?;
    let Known { kecamatan, .. } = known(&console, call, asked).await?;
    let chain = ChainId::from(name);
    console.desk.order(Order::BeginChain { call, chain, kecamatan, by: holder.name }).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Whoever of the chain has answered comes: the chain is over, and they stay in the talk with the operator
/// until they are joined to the caller or let go. Their agency's times stand in the form.
#[utoipa::path(post, path = "/api/v1/calls/{id}/chain/taken", tag = "callout",
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 204, description = "Done"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "No chain runs, or nobody has answered", body = Problem)))]
pub(super) async fn taken(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let call = call_id(id)?;
    console.desk.order(Order::TakeChain { call, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leaves whoever rings or has answered, a mailbox for example, and calls the next number.
#[utoipa::path(post, path = "/api/v1/calls/{id}/chain/next", tag = "callout",
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 204, description = "Done"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "No chain runs", body = Problem)))]
pub(super) async fn next(
    State(console): State<Console>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let call = call_id(id)?;
    console.desk.order(Order::NextInChain { call }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Calls nobody else of the chain. Whoever has answered stays in the talk until they are let go.
#[utoipa::path(post, path = "/api/v1/calls/{id}/chain/stop", tag = "callout",
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 204, description = "Done"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "No chain runs", body = Problem)))]
pub(super) async fn stop(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let call = call_id(id)?;
    console.desk.order(Order::StopChain { call, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

// ---- a chain as it runs ------------------------------------------------------------------------

/// A chain as it runs, or has run.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveChain {
    /// Its name.
    name: String,
    /// What people call it.
    title: String,
    /// Who began it.
    by: String,
    /// When.
    begun_at: At,
    /// Code of the sub-district by which its roles were looked up.
    kecamatan: Option<String>,
    /// `ringing`, `answered` (by a person or a machine), `taken` (somebody comes), `exhausted` (all in
    /// vain) or `stopped`.
    state: String,
    /// Why it was stopped, where no person did.
    why: String,
    /// Its steps in order.
    steps: Vec<LiveStep>,
}

/// One step of a chain.
#[derive(Serialize, ToSchema)]
struct LiveStep {
    /// The role that was asked for.
    role: Option<String>,
    /// Whom it means; null: nobody, and it is left out.
    contact: Option<String>,
    /// What they are called.
    full_name: String,
    /// Their agency.
    agency: Option<String>,
    /// For whoever calls.
    note: String,
    /// Their numbers in the order in which they are tried.
    numbers: Vec<LiveNumber>,
}

/// One number of a step.
#[derive(Serialize, ToSchema)]
struct LiveNumber {
    /// The number.
    to: String,
    /// `waiting`, `ringing`, `answered`, or what came of it: `taken`, `busy`, `no-answer`, `refused`,
    /// `unreachable`, `not-taken` (answered, and gone without a word), `passed-over` or `stopped`.
    state: String,
    /// When it was called.
    began_at: Option<At>,
    /// When it was answered.
    answered_at: Option<At>,
    /// Who they are among the parties of the call.
    party: Option<u8>,
}

impl From<ChainView> for LiveChain {
    fn from(view: ChainView) -> Self {
        Self {
            name: view.chain.as_str().to_owned(),
            title: view.title,
            by: view.by,
            begun_at: At(view.begun_at),
            kecamatan: view.kecamatan,
            state: view.state,
            why: view.why,
            steps: view.steps.into_iter().map(LiveStep::from).collect(),
        }
    }
}

impl From<ChainStepView> for LiveStep {
    fn from(view: ChainStepView) -> Self {
        Self {
            role: view.role,
            contact: view.contact.map(|contact| contact.as_str().to_owned()),
            full_name: view.name,
            agency: view.agency,
            note: view.note,
            numbers: view.numbers.into_iter().map(LiveNumber::from).collect(),
        }
    }
}

impl From<ChainNumberView> for LiveNumber {
    fn from(view: ChainNumberView) -> Self {
        Self {
            to: view.to,
            state: view.state,
            began_at: view.began_at.map(At),
            answered_at: view.answered_at.map(At),
            party: view.party,
        }
    }
}
