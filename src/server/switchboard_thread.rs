//! The thread that decides: inbox, turn, outputs, wait until the deadline. The panic boundary: a
//! fault in one turn is told and counted, and every other call goes on.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::clock::Clock;
use super::connections::Connections;
use super::hep::{Hep, Tapped};
use super::inbox::{Inbox, InboxCounts};
use super::locator::Locator;
use super::sip_udp::UdpSender;
use super::whereabouts::Dereferencer;
use crate::journal::{Entry, Fact};
use crate::media::MediaHandle;
use crate::store::JournalHandle;
use crate::switchboard::orders::{Answer, Order, Refusal};
use crate::switchboard::{Input, Output, Switchboard};
use crate::telemetry::metrics::EntryCounter;
use crate::vocabulary::{Moment, limits};

/// Inputs of one turn: outputs go out at least this often under load.
const BATCH: usize = 64;
/// The longest sleep without a deadline.
const IDLE: Duration = Duration::from_secs(60);

/// Where answers to orders are waited for.
pub(super) type Waiters = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Answer, Refusal>>>>>;

/// What the thread needs of the rim.
pub(super) struct Rim {
    pub clock: Clock,
    pub inbox: Inbox,
    pub locator: Locator,
    pub dereferencer: Dereferencer,
    pub sip: HashMap<SocketAddr, UdpSender>,
    pub connections: Connections,
    pub media: MediaHandle,
    pub journal: JournalHandle,
    pub counter: EntryCounter,
    pub waiters: Waiters,
    /// Counts what may have changed the board, for who shows it.
    pub turns: Arc<AtomicU64>,
    /// Where copies of all messages go.
    pub hep: Option<Hep>,
    pub drained: Box<dyn Fn() + Send>,
}

/// Runs the switchboard until every sender of its inbox is gone or it was shut down and drained.
pub(super) fn run(mut switchboard: Switchboard, mut rim: Rim) {
    let (mut stopping, mut drained) = (false, false);
    let mut told = Told::default();
    loop {
        let now = rim.clock.now();
        let wait = switchboard.poll_timeout().map_or(IDLE, |at| at.since(now.moment).min(IDLE));
        let Ok(mut next) = rim.inbox.next(wait) else { break };
        let now = rim.clock.now();
        if switchboard.poll_timeout().is_some_and(|at| at <= now.moment) {
            guarded(&mut switchboard, &rim.clock, |s| s.tick(now));
            rim.turns.fetch_add(1, Ordering::Relaxed);
        }
        for _ in 0..BATCH {
            let Some(input) = next else { break };
            stopping |= matches!(input, Input::Shutdown);
            take(&mut switchboard, &rim, input);
            next = rim.inbox.ready();
        }
        // What was taken out of the inbox beyond the batch is handled before the next wait.
        if let Some(input) = next {
            take(&mut switchboard, &rim, input);
        }
        drained |= carry_out(&mut switchboard, &mut rim);
        for refusal in rim.inbox.refusals() {
            send(&rim, refusal);
        }
        told.tell(&mut rim);
        if stopping && drained {
            break;
        }
    }
}

/// One input. Its copy for the collector is taken afterwards: an INVITE's call is known by then.
fn take(switchboard: &mut Switchboard, rim: &Rim, input: Input) {
    let now = rim.clock.now();
    let heard = match (&rim.hep, &input) {
        (Some(hep), Input::Sip { flow, bytes }) => Some((hep, *flow, bytes.clone())),
        _ => None,
    };
    let looks = matches!(&input, Input::Order { order: Order::Board, .. });
    guarded(switchboard, &rim.clock, |s| s.handle(now, input));
    if !looks {
        rim.turns.fetch_add(1, Ordering::Relaxed);
    }
    if let Some((hep, flow, message)) = heard {
        let call = switchboard.call_of(&message);
        hep.tell(Tapped { at: now.wall, received: true, flow, message, call });
    }
}

/// One turn. Pure rooms without locks make it safe to go on after a panic: the worst is one call
/// whose state is half changed, and its BYE still finds its dialog.
fn guarded(switchboard: &mut Switchboard, clock: &Clock, turn: impl FnOnce(&mut Switchboard)) {
    let result = catch_unwind(AssertUnwindSafe(|| turn(switchboard)));
    if let Err(panic) = result {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        tracing::error!(fault = text, "a turn of the switchboard failed; all calls go on");
        let now = clock.now();
        let _ = catch_unwind(AssertUnwindSafe(|| switchboard.note_fault(now, text)));
    }
}

/// Carries out everything that was asked for; true when draining is over.
fn carry_out(switchboard: &mut Switchboard, rim: &mut Rim) -> bool {
    let mut drained = false;
    let now = rim.clock.now();
    // Each of these threads is woken once.
    let (mut orders, mut entries) = (Vec::new(), Vec::new());
    while let Some(output) = switchboard.poll_output() {
        match output {
            Output::Send(sent) => {
                rim.inbox.we_send(now.moment, &sent);
                if let Some(hep) = &rim.hep {
                    let (flow, message) = (sent.flow, sent.bytes.clone());
                    let call = switchboard.call_of(&message);
                    hep.tell(Tapped { at: now.wall, received: false, flow, message, call });
                }
                send(rim, sent);
            }
            Output::Locate { trunk, target } => rim.locator.look_up(trunk, target),
            Output::Dereference { call, uri } => rim.dereferencer.ask(call, uri),
            Output::Vouch { call, signed } => rim.dereferencer.vouch(call, signed),
            Output::FetchData { call, purpose, uri } => {
                rim.dereferencer.fetch_data(call, purpose, uri);
            }
            Output::Media(order) => orders.push(order),
            Output::Journal { ticket, entry } => {
                rim.counter.count(&entry);
                entries.push((ticket, *entry));
            }
            Output::Answer { number, answer } => {
                let mut waiters = rim.waiters.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(waiter) = waiters.remove(&number) {
                    // The page that asked may be gone.
                    let _ = waiter.send(answer);
                }
            }
            Output::Drained => {
                drained = true;
                (rim.drained)();
            }
        }
    }
    if !orders.is_empty() {
        rim.media.orders(orders);
    }
    if !entries.is_empty() {
        rim.journal.append_all(entries);
    }
    drained
}

fn send(rim: &Rim, send: crate::sip::Send) {
    if send.flow.transport.is_reliable() {
        rim.connections.send(send);
    } else if let Some(socket) = rim.sip.get(&send.flow.local) {
        socket.send(&send);
    }
}

/// What was told of overload so far.
#[derive(Default)]
struct Told {
    at: Option<Moment>,
    counts: InboxCounts,
}

impl Told {
    /// One alarm now and then while known sources are turned away: people must know that the
    /// machine is too small, and above all when callers were refused.
    fn tell(&mut self, rim: &mut Rim) {
        let now = rim.clock.now();
        if self.at.is_some_and(|at| now.moment.since(at) < limits::ALARM_EVERY) {
            return;
        }
        let counts = rim.inbox.counts();
        self.at = Some(now.moment);
        let away = counts.turned_away() - self.counts.turned_away();
        if away == 0 {
            return;
        }
        let (refused, late) = counts.lost_calls();
        let before = self.counts.lost_calls();
        let detail = format!(
            "{away} messages turned away since the last one; of these {} new calls of trunks with \
             503 and {} after 32 s in vain",
            refused - before.0,
            late - before.1,
        );
        self.counts = counts;
        tracing::warn!(alarm = "overload", detail, "alarm");
        let fact = Fact::Alarm { name: "overload".to_owned(), detail };
        let entry = Entry { at: now.wall, fact };
        rim.counter.count(&entry);
        rim.journal.append(0, entry);
    }
}
