//! `siaga112 route`: what would happen to one INVITE, by the same reading and rules as for a call.

use std::net::IpAddr;
use std::path::PathBuf;

use bytes::Bytes;
use siaga112::config;
use siaga112::server::Clock;
use siaga112::sip::message::Message;
use siaga112::sip::parse;
use siaga112::switchboard::plan::{SentBy, plan};
use siaga112::vocabulary::{WANTED_TIME, WallTime};

/// What `route` is asked.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Configuration folder.
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// The INVITE as it was on the wire.
    #[arg(value_name = "FILE.sip")]
    file: PathBuf,
    /// The trunk that sends it; else --source decides, or the address in its topmost Via.
    #[arg(long, value_name = "NAME")]
    trunk: Option<String>,
    /// The address that it comes from.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "trunk")]
    source: Option<IpAddr>,
    /// When it comes: an RFC 3339 time, or by the centre's clock 2026-12-25T02:00 or 02:00 of today;
    /// else now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// The steps, one a line, and where the call would go.
pub fn route(options: &Options) -> anyhow::Result<String> {
    let loaded = config::load(&options.config, config::environment())
        .map_err(|findings| anyhow::anyhow!("the configuration has mistakes:\n{findings}"))?;
    let file = options.file.display();
    let message = std::fs::read(&options.file);
    let message = message.map_err(|error| anyhow::anyhow!("{file} cannot be read: {error}"))?;
    let message = Bytes::from(message);
    let source = options.source.or_else(|| via(&message));
    let by = SentBy { trunk: options.trunk.clone().map(Into::into), source };
    let now = Clock::start().now().wall;
    let zone = &loaded.switchboard.centre.timezone;
    let at = match &options.at {
        Some(text) => WallTime::asked(text, now, zone)
            .ok_or_else(|| anyhow::anyhow!("--at {text:?} is no time: {WANTED_TIME}"))?,
        None => now,
    };
    let plan = plan(&loaded.switchboard, &message, &by, at);
    let plan = plan.map_err(|error| anyhow::anyhow!("{file}: {error}"))?;
    let mut told = plan.steps.join("\n");
    told += &format!("\n=> {}", plan.destination);
    Ok(told)
}

/// The address in the topmost Via: where the sender believes to be.
fn via(message: &Bytes) -> Option<IpAddr> {
    let Message::Request(request) = parse::parse(message).ok()?.message else { return None };
    let via = request.headers.via()?;
    let received = via.params.get("received").unwrap_or(&via.host);
    received.trim_matches(['[', ']']).parse().ok()
}
