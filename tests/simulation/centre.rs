//! A centre that has everything: announcements, early media, screening, refusals, all seats that ring,
//! call backs, an overflow that calls out.

use std::time::Duration;

use siaga112::acd::settings::{OverflowWhen, Strategy};
use siaga112::sip::locate::{Hop, Target};
use siaga112::sip::{Transport, Uri};
use siaga112::switchboard::Input;
use siaga112::switchboard::settings::{Announcements, Screen, SwitchboardSettings};
use siaga112::trunk::settings::{EarlyMedia, LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, AudioPolicy, Dice, PromptId};

use super::scenario::{World, settings};

const CARRIER: &str = "192.0.2.1:5060";
/// Outside recorders; the second is sometimes the only one.
pub const RECORDERS: [&str; 2] = ["192.0.2.8:5060", "192.0.2.9:5060"];

fn prompts(name: &str) -> Vec<PromptId> {
    vec![PromptId::from(name)]
}

/// A centre that has everything, by chance.
pub fn rich(dice: &mut Dice, seats: usize, answer: AnswerMode) -> SwitchboardSettings {
    let mut pick = |n: u64| (dice.number() % n) as usize;
    let mut settings = settings(seats, answer);
    let screens = [Screen::Never, Screen::WhileWaiting, Screen::First];
    let announcements = Announcements {
        missing: Vec::new(),
        welcome_text: "112".to_owned(),
        welcome: if pick(4) == 0 { Vec::new() } else { prompts("welcome") },
        wait: if pick(4) == 0 { Vec::new() } else { prompts("wait") },
        again: Duration::from_secs([0, 20][pick(2)]),
        music: (pick(2) == 0).then(|| "music".into()),
        position: None,
        screen: screens[pick(3)],
        silence: [prompts("1"), if pick(3) == 0 { Vec::new() } else { prompts("2") }],
        listen: Duration::from_secs(3),
        hold: if pick(2) == 0 { Vec::new() } else { prompts("hold") },
        hold_alarm: Duration::from_secs([0, 20][pick(2)]),
        refused: if pick(4) == 0 { Vec::new() } else { prompts("refused") },
    };
    if pick(8) > 0 {
        for queue in ["darurat", "renamed"] {
            settings.announcements.insert(queue.into(), announcements.clone());
        }
    }
    for seat in (1..=seats).filter(|seat| seat % 2 == 0) {
        let audio = AudioPolicy { text: true, ..AudioPolicy::default() };
        settings.seat_audio.insert(format!("seat-{seat}").as_str().into(), audio);
    }
    settings.trunks[0].early_media = [EarlyMedia::No, EarlyMedia::Heard, EarlyMedia::Both][pick(3)];
    settings.sip.reliable_provisionals = pick(2) == 0;
    settings.screening.refuse_after_marks = (pick(2) == 0).then_some(1);
    let queue = &mut settings.queues[0];
    queue.strategy = [Strategy::RingAll, Strategy::LongestIdle][pick(2)];
    queue.misses = pick(3) as u8;
    queue.max_wait = Duration::from_secs(15);
    queue.overflow_when =
        OverflowWhen { unstaffed: pick(2) == 0, paused: pick(2) == 0, length: None };
    let uri = Uri::read("sip:sbc.telco-a.example");
    let line = LineSettings {
        target: Target::of(&uri).unwrap(),
        uri,
        register: false,
        account: None,
        from_user: "siaga".into(),
        caller_id: Some("0328112".into()),
        probe: None,
    };
    for name in ["recorder-0", "recorder-1"] {
        if pick(2) == 0 {
            let uri = Uri::read("sip:rec.example");
            let line = LineSettings { target: Target::of(&uri).unwrap(), uri, ..line.clone() };
            settings.recorders.push(name.into());
            settings.trunks.push(TrunkSettings {
                id: name.into(),
                sources: Vec::new(),
                line: Some(line.into()),
                ..settings.trunks[0].clone()
            });
        }
    }
    if pick(4) > 0 {
        settings.trunks.push(TrunkSettings {
            id: "telco-a".into(),
            sources: Vec::new(),
            line: Some(line.into()),
            ..settings.trunks[0].clone()
        });
    }
    settings
}

pub fn locate(world: &mut World) {
    let carriers =
        [("telco-a", CARRIER), ("recorder-0", RECORDERS[0]), ("recorder-1", RECORDERS[1])];
    for (trunk, at) in carriers {
        let (transport, address) = (Transport::Udp, at.parse().unwrap());
        let hop = Hop { transport, address, name: "sbc.telco-a.example".into() };
        let (hops, good_for) = (vec![hop], Duration::from_secs(36_000));
        world.take(Input::Located { trunk: trunk.into(), hops, wrong: None, good_for });
    }
}
