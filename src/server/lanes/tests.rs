//! Stories of an overload, told without a clock.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::sip::Transport;

const MILLI: Duration = Duration::from_millis(1);

fn flow(port: u16) -> Flow {
    let remote = SocketAddr::from(([198, 51, 100, 7], port));
    Flow { transport: Transport::Udp, local: SocketAddr::from(([192, 0, 2, 1], 5060)), remote }
}

fn datagram(text: &str) -> Input {
    Input::Sip { flow: flow(5060), bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

fn key(branch: u64) -> Option<Key> {
    Some((flow(5060).remote, branch))
}

fn name(input: Option<Input>) -> String {
    match input {
        Some(Input::Sip { bytes, .. }) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(_) => "report".to_owned(),
        None => String::new(),
    }
}

fn put(lanes: &mut Lanes, now: Moment, lane: Lane, text: &str) -> Put {
    lanes.put(now, lane, None, datagram(text))
}

fn all(lanes: &mut Lanes, now: Moment) -> Vec<String> {
    std::iter::from_fn(|| lanes.take(now)).map(|input| name(Some(input))).collect()
}

#[test]
fn the_urgent_goes_before_what_came_first() {
    let (mut lanes, now) = (Lanes::default(), Moment(1_000_000));
    for lane in Lane::ALL.into_iter().rev() {
        assert_eq!(put(&mut lanes, now, lane, lane.policy().word), Put::Waits);
    }
    put(&mut lanes, now, Lane::InProgress, "second");
    lanes.report(Input::Drain);
    assert_eq!(
        all(&mut lanes, now),
        [
            "report",
            "in-progress",
            "second",
            "calls",
            "newcomers",
            "web",
            "subscriptions",
            "options",
            "refreshes"
        ]
    );
    assert_eq!(lanes.counts().waiting, [0; LANES]);
}

#[test]
fn lower_lanes_have_a_share_until_calls_wait_for_too_long_and_registers_keep_one() {
    let mut lanes = Lanes::default();
    let now = Moment(1_000_000);
    for lane in Lane::ALL {
        for _ in 0..1_000 {
            lanes.put(now, lane, None, datagram(lane.policy().word));
        }
    }
    let taken = |lanes: &mut Lanes, now| {
        let names: Vec<_> = (0..640).map(|_| name(lanes.take(now))).collect();
        let count = |word: &str| names.iter().filter(|name| *name == word).count();
        Lane::ALL.map(|lane| count(lane.policy().word))
    };
    assert_eq!(taken(&mut lanes, now), [560, 0, 16, 16, 16, 16, 16]);
    let behind = now.after(limits::BEHIND);
    assert_eq!(taken(&mut lanes, behind), [440, 190, 5, 0, 0, 0, 5]);
}

#[test]
fn a_storm_in_one_lower_lane_does_not_starve_the_others() {
    let (mut lanes, now) = (Lanes::default(), Moment(1_000_000));
    for _ in 0..1_000 {
        put(&mut lanes, now, Lane::Options, "options");
    }
    put(&mut lanes, now, Lane::Refreshes, "refresh");
    let first: Vec<_> = (0..2).map(|_| name(lanes.take(now))).collect();
    assert_eq!(first, ["options", "refresh"]);
}

#[test]
fn classes_are_shed_in_the_order_of_the_table() {
    let mut lanes = Lanes::default();
    let start = Moment(1_000_000);
    for lane in Lane::ALL {
        put(&mut lanes, start, lane, "first");
    }
    let mut shed = Vec::new();
    for steps in 1..=9 {
        let now = start.after(limits::LANE_PATIENCE * steps + MILLI);
        for lane in Lane::ALL {
            if !shed.contains(&lane) && put(&mut lanes, now, lane, "next") == Put::Over {
                shed.push(lane);
            }
        }
    }
    use Lane::{Newcomers, Options, Refreshes, Subscriptions, Web};
    assert_eq!(shed, [Refreshes, Options, Subscriptions, Web, Newcomers]);
    assert_eq!(lanes.counts().over, [0, 0, 1, 1, 1, 1, 1]);
    // The moment the load ends all of them are taken again.
    let now = start.after(10 * limits::LANE_PATIENCE);
    all(&mut lanes, now);
    assert!(Lane::ALL.into_iter().all(|lane| put(&mut lanes, now, lane, "again") == Put::Waits));
}

#[test]
fn an_invite_that_waits_is_not_taken_twice() {
    let (mut lanes, now) = (Lanes::default(), Moment(1_000_000));
    for branch in 1..=3 {
        lanes.put(now, Lane::Calls, key(branch), datagram(&format!("call {branch}")));
    }
    assert_eq!(lanes.put(now, Lane::Calls, key(2), datagram("again")), Put::Again);
    let other = Some((flow(5070).remote, 2));
    assert_eq!(lanes.put(now, Lane::Calls, other, datagram("other source")), Put::Waits);
    assert_eq!(name(lanes.take(now)), "call 1");
    // What was taken is the endpoint's to recognise.
    assert_eq!(lanes.put(now, Lane::Calls, key(1), datagram("call 1")), Put::Waits);
    assert_eq!(all(&mut lanes, now), ["call 2", "call 3", "other source", "call 1"]);
    assert_eq!(lanes.counts().again, 1);
    assert!(lanes.invites.is_empty());
}

#[test]
fn a_cancel_does_not_overtake_its_invite() {
    let (mut lanes, now) = (Lanes::default(), Moment(1_000_000));
    for branch in 1..=3 {
        lanes.put(now, Lane::Calls, key(branch), datagram(&format!("call {branch}")));
    }
    lanes.take(now);
    assert!(lanes.follow(key(2).unwrap(), datagram("cancel 2")).is_ok());
    assert!(lanes.follow(key(2).unwrap(), datagram("cancel 2")).is_ok());
    assert!(lanes.follow(key(1).unwrap(), datagram("cancel 1")).is_err());
    put(&mut lanes, now, Lane::InProgress, "bye");
    assert_eq!(all(&mut lanes, now), ["bye", "call 2", "cancel 2", "call 3"]);
}

#[test]
fn nobody_is_called_back_after_timer_b() {
    let (mut lanes, start) = (Lanes::default(), Moment(1_000_000));
    lanes.put(start, Lane::Calls, key(1), datagram("old"));
    assert!(lanes.follow(key(1).unwrap(), datagram("cancel of old")).is_ok());
    put(&mut lanes, start, Lane::Options, "old options");
    put(&mut lanes, start, Lane::InProgress, "bye");
    let late = start.after(limits::REQUEST_LIFE);
    lanes.put(late, Lane::Calls, key(2), datagram("new"));
    // A BYE ends a call however late it comes.
    assert_eq!(all(&mut lanes, late), ["bye", "new"]);
    assert_eq!(lanes.counts().late, [0, 1, 0, 0, 0, 1, 0]);
    assert!(lanes.invites.is_empty());
}

#[test]
fn no_lane_grows_beyond_its_memory_and_the_first_to_come_stay() {
    let (mut lanes, now) = (Lanes::default(), Moment(1_000_000));
    let long = "x".repeat(8_000);
    for (lane, most) in
        [(Lane::Calls, limits::UPPER_LANE_BYTES), (Lane::Options, limits::LANE_BYTES)]
    {
        put(&mut lanes, now, lane, "first");
        while put(&mut lanes, now, lane, &long) == Put::Waits {}
        let queue = lanes.queue(lane);
        assert!((most - 9_000..=most).contains(&queue.bytes), "{}", queue.bytes);
    }
    while put(&mut lanes, now, Lane::InProgress, "x") == Put::Waits {}
    assert_eq!(lanes.counts().waiting[0], limits::UPPER_LANE);
    while lanes.take(now).is_some() {}
    assert!(lanes.queues.iter().all(|queue| queue.bytes == 0));
    assert!(lanes.queues.iter().all(|queue| queue.waiting.capacity() <= limits::LANE));
}

#[test]
fn a_lost_connection_takes_its_logins_along_and_no_bye() {
    let (mut lanes, now) = (Lanes::default(), Moment(1_000_000));
    for lane in [Lane::InProgress, Lane::Refreshes, Lane::Newcomers] {
        put(&mut lanes, now, lane, lane.policy().word);
    }
    let other = Input::Sip { flow: flow(5070), bytes: Bytes::from_static(b"other") };
    lanes.put(now, Lane::Refreshes, None, other);
    lanes.disconnected(&flow(5060));
    assert_eq!(all(&mut lanes, now), ["in-progress", "other"]);
    assert!(lanes.queues.iter().all(|queue| queue.bytes == 0));
}

#[test]
fn behind_is_who_waits_and_not_who_has_much_to_do() {
    let (mut lanes, now) = (Lanes::default(), Moment(1_000_000));
    for _ in 0..5_000 {
        put(&mut lanes, now, Lane::Calls, "call");
    }
    let later = now.after(limits::WEB_BEHIND);
    assert!(!lanes.is_behind(now, &[Lane::Calls], limits::WEB_BEHIND));
    assert!(lanes.is_behind(later, &[Lane::Web, Lane::Calls], limits::WEB_BEHIND));
    assert!(!lanes.is_behind(later, &[Lane::Web], limits::WEB_BEHIND));
    all(&mut lanes, later);
    assert!(!lanes.is_behind(later, &[Lane::Calls], limits::WEB_BEHIND));
}
