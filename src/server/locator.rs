//! Looks carriers up in the DNS: asks what [`Location`] wants to know and reports what came of it.
//! Runs on tokio's threads; the switchboard asks and goes on.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ProtocolConfig, ResolverConfig,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::runtime::Handle;

use super::entropy;
use super::inbox::InboxSender;
use crate::sip::Transport;
use crate::sip::locate::{Found, Hop, Location, Naptr, Question, Srv, Target};
use crate::switchboard::Input;
use crate::vocabulary::{TrunkId, limits};

/// Who looks things up.
#[derive(Clone, Debug)]
pub(super) struct Locator {
    runtime: Handle,
    inbox: InboxSender,
    /// Transports that we listen on.
    transports: Vec<Transport>,
    /// Empty: those of the system, read anew each time.
    servers: Vec<SocketAddr>,
}

/// What came of one location.
struct Report {
    hops: Vec<Hop>,
    wrong: Option<String>,
    good_for: Duration,
}

impl Locator {
    /// A locator on this runtime.
    pub fn new(inbox: InboxSender, transports: Vec<Transport>, servers: Vec<SocketAddr>) -> Self {
        Self { runtime: Handle::current(), inbox, transports, servers }
    }

    /// Looks a trunk's carrier up; [`Input::Located`] follows.
    pub fn look_up(&self, trunk: TrunkId, target: Target) {
        let this = self.clone();
        self.runtime.spawn(async move {
            let location = this.locate(&target);
            let Report { hops, wrong, good_for } =
                match tokio::time::timeout(limits::LOCATE_PATIENCE, location).await {
                    Ok(report) => report,
                    Err(_) => Report::nothing(format!("{} took too long to look up", target.host)),
                };
            this.inbox.put(Input::Located { trunk, hops, wrong, good_for });
        });
    }

    async fn locate(&self, target: &Target) -> Report {
        let resolver = match self.resolver() {
            Ok(resolver) => resolver,
            Err(error) => return Report::nothing(format!("there is no DNS server: {error}")),
        };
        let mut location = Location::new(target, &self.transports);
        let mut dice = entropy::dice();
        let (mut wrong, mut good_for) = (None, limits::LOCATE_MOST);
        while let Some(question) = location.question() {
            let (found, ttl) = match ask(&resolver, question).await {
                Ok(answer) => answer,
                Err(why) => {
                    wrong = Some(why);
                    (nothing(question), limits::LOCATE_LEAST)
                }
            };
            good_for = good_for.min(ttl);
            location.answer(found, &mut dice);
        }
        Report { hops: location.into_hops(), wrong, good_for }
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut builder = if self.servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = self.servers.iter().map(server).collect();
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.timeout = limits::DNS_PATIENCE / 3;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        builder.build()
    }
}

impl Report {
    const fn nothing(wrong: String) -> Self {
        Self { hops: Vec::new(), wrong: Some(wrong), good_for: limits::LOCATE_LEAST }
    }
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let connection = |protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = address.port();
        connection
    };
    let connections = vec![connection(ProtocolConfig::Udp), connection(ProtocolConfig::Tcp)];
    NameServerConfig::new(address.ip(), true, connections)
}

const fn nothing(question: &Question) -> Found {
    match question {
        Question::Naptr(_) => Found::Naptr(Vec::new()),
        Question::Srv(_) => Found::Srv(Vec::new()),
        Question::Addresses(_) => Found::Addresses(Vec::new()),
    }
}

/// Asks one question; no such name or record is an answer, silence an error.
async fn ask(resolver: &TokioResolver, question: &Question) -> Result<(Found, Duration), String> {
    let name = match question {
        Question::Naptr(name) | Question::Srv(name) | Question::Addresses(name) => name,
    };
    // The dot at the end keeps the system's search list out.
    let full = format!("{}.", name.trim_end_matches('.'));
    let answer = async {
        match question {
            Question::Naptr(_) => resolver.lookup(full, RecordType::NAPTR).await,
            Question::Srv(_) => resolver.lookup(full, RecordType::SRV).await,
            Question::Addresses(_) => {
                resolver.lookup_ip(full).await.map(|found| found.as_lookup().clone())
            }
        }
    };
    match tokio::time::timeout(limits::DNS_PATIENCE, answer).await {
        Ok(Ok(lookup)) => Ok((found(question, &lookup), ttl(&lookup))),
        Ok(Err(error)) if error.is_no_records_found() => {
            Ok((nothing(question), limits::LOCATE_USUAL))
        }
        Ok(Err(error)) => Err(format!("{name} cannot be looked up: {error}")),
        Err(_) => Err(format!("{name} cannot be looked up: no DNS server answers")),
    }
}

fn ttl(lookup: &Lookup) -> Duration {
    let least = lookup.answers().iter().map(|record| record.ttl).min();
    least.map_or(limits::LOCATE_USUAL, |seconds| Duration::from_secs(u64::from(seconds)))
}

fn found(question: &Question, lookup: &Lookup) -> Found {
    let data = lookup.answers().iter().map(|record| &record.data);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match question {
        Question::Naptr(_) => Found::Naptr(
            data.filter_map(|data| match data {
                RData::NAPTR(naptr) => Some(Naptr {
                    order: naptr.order,
                    preference: naptr.preference,
                    flags: text(&naptr.flags),
                    service: text(&naptr.services),
                    regexp: text(&naptr.regexp),
                    replacement: naptr.replacement.to_ascii(),
                }),
                _ => None,
            })
            .collect(),
        ),
        Question::Srv(_) => Found::Srv(
            data.filter_map(|data| match data {
                RData::SRV(srv) => Some(Srv {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    target: srv.target.to_ascii(),
                }),
                _ => None,
            })
            .collect(),
        ),
        Question::Addresses(_) => Found::Addresses(data.filter_map(RData::ip_addr).collect()),
    }
}
