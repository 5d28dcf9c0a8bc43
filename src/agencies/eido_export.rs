//! `siaga112 incidents export --format eido`: one document in each line.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use super::eido::eido;
use super::issuer::Issuer;
use crate::store::cli::{CliError, Pages};
use crate::store::{Filter, Incident, Store, StoreError};

/// Writes every incident that `filter` describes, newest first.
///
/// # Errors
/// When the journal, the database or the output fails.
pub async fn export(
    store: &Store,
    journal: &Path,
    filter: &Filter,
    issuer: &Issuer,
    out: &mut impl Write,
) -> Result<(), CliError> {
    store.catch_up(journal).await?;
    let mut pages = Pages::new(store, filter.clone());
    // Several calls may be one incident: it is written at the first of them.
    let mut written = HashSet::new();
    while let Some(rows) = pages.next().await? {
        for row in rows {
            if written.insert(row.id.clone()) {
                line(store, &row.id, issuer, out).await?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// Writes one incident.
///
/// # Errors
/// No such incident; or the journal, the database or the output fails.
pub async fn show(
    store: &Store,
    journal: &Path,
    id: &str,
    issuer: &Issuer,
    out: &mut impl Write,
) -> Result<(), CliError> {
    store.catch_up(journal).await?;
    if !line(store, id, issuer, out).await? {
        return Err(CliError::NoSuchIncident(id.chars().take(40).collect()));
    }
    Ok(())
}

async fn line(
    store: &Store,
    id: &str,
    issuer: &Issuer,
    out: &mut impl Write,
) -> Result<bool, CliError> {
    let calls = calls(store, id).await?;
    let Some(document) = eido(&calls, issuer) else { return Ok(false) };
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)?;
    Ok(true)
}

/// The calls of an incident, whole, the first one first.
///
/// # Errors
/// When the database fails.
pub async fn calls(store: &Store, id: &str) -> Result<Vec<Incident>, StoreError> {
    let mut calls = Vec::new();
    for call in store.calls_of(id).await? {
        calls.extend(store.show(&call.call.to_string()).await?);
    }
    if calls.is_empty() {
        // A record without a call.
        calls.extend(store.show(id).await?);
    }
    calls.sort_by_key(|call| call.summary.received_at);
    Ok(calls)
}
