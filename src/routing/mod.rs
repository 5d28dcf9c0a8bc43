//! Which queue a call waits in, at what priority, and the rule that said so.
//!
//! Pure: the rules and the facts in, a decision out. It never refuses a call; that some rule is
//! always true is the configuration's duty.

pub mod settings;
pub mod times;

use std::cmp::Reverse;

use jiff::civil::DateTime;

use crate::incident::service_label;
use crate::vocabulary::{QueueId, TrunkId, Want};
use settings::{Rule, When};

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The trunk that the call came from.
    pub trunk: &'a TrunkId,
    /// The service asked for, with or without `urn:service:` (RFC 5031).
    pub service: &'a str,
    /// What was dialled: digits, or a service URN.
    pub dialled: &'a str,
    /// Code of the kecamatan that the caller's location names.
    pub kecamatan: Option<&'a str>,
    /// When the call came, by the centre's clock.
    pub local: DateTime,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Where it waits.
    pub queue: QueueId,
    /// Name of the rule that was true.
    pub rule: String,
    /// The call's priority in the queue, 0 to 9, highest first.
    pub priority: u8,
    /// Skills that it asks of a seat.
    pub wants: Vec<Want>,
}

/// Takes the first rule that is true: highest priority first, equal ones in the given order.
/// None only where no rule is true.
#[must_use]
pub fn decide(rules: &[Rule], facts: &Facts<'_>) -> Option<Decision> {
    rules
        .iter()
        .filter(|rule| unmet(&rule.when, facts).is_none())
        .min_by_key(|rule| Reverse(rule.priority))
        .map(|rule| Decision {
            queue: rule.queue.clone(),
            rule: rule.name.clone(),
            priority: rule.call_priority,
            wants: rule.wants.clone(),
        })
}

/// One English sentence for each rule tried, in the order of trying, up to the one that wins.
#[must_use]
pub fn explain(rules: &[Rule], facts: &Facts<'_>) -> Vec<String> {
    let mut order: Vec<&Rule> = rules.iter().collect();
    order.sort_by_key(|rule| Reverse(rule.priority));
    let mut sentences = Vec::new();
    for rule in order {
        let head = format!("Rule {} (priority {})", rule.name, rule.priority);
        if let Some(unmet) = unmet(&rule.when, facts) {
            sentences.push(format!("{head} is not true: {}.", why_not(unmet, &rule.when, facts)));
            continue;
        }
        let why = why(&rule.when, facts);
        let (queue, priority) = (&rule.queue, rule.call_priority);
        sentences.push(format!(
            "{head} is true: {why}; the call goes to queue {queue} with call priority {priority}."
        ));
        return sentences;
    }
    sentences.push("No rule is true.".to_owned());
    sentences
}

/// One kind of condition that a rule can set.
#[derive(Clone, Copy)]
enum Condition {
    Trunk,
    Service,
    Dialled,
    Kecamatan,
    Time,
}

/// The first condition that does not hold; a rule is true where there is none.
fn unmet(when: &When, facts: &Facts<'_>) -> Option<Condition> {
    let service = service_label(facts.service);
    if !when.trunk.is_empty() && !when.trunk.contains(facts.trunk) {
        Some(Condition::Trunk)
    } else if !when.service.is_empty() && !when.service.iter().any(|p| asks_for(p, service)) {
        Some(Condition::Service)
    } else if !when.dialled.is_empty() && !when.dialled.iter().any(|d| d == facts.dialled) {
        Some(Condition::Dialled)
    } else if !when.kecamatan.is_empty()
        && !when.kecamatan.iter().any(|code| Some(code.as_str()) == facts.kecamatan)
    {
        Some(Condition::Kecamatan)
    } else if !when.times.hold(facts.local) {
        Some(Condition::Time)
    } else {
        None
    }
}

/// `sos.*` is every child of `sos`, at any depth, and not `sos` itself.
fn asks_for(pattern: &str, service: &str) -> bool {
    let pattern = service_label(pattern);
    match pattern.strip_suffix('*') {
        Some(branch) if branch.ends_with('.') => {
            service.len() > branch.len()
                && service.get(..branch.len()).is_some_and(|s| s.eq_ignore_ascii_case(branch))
        }
        _ => pattern.eq_ignore_ascii_case(service),
    }
}

fn why_not(condition: Condition, when: &When, facts: &Facts<'_>) -> String {
    match condition {
        Condition::Trunk => {
            let trunks: Vec<String> = when.trunk.iter().map(ToString::to_string).collect();
            format!("the trunk is {}, not {}", facts.trunk, trunks.join(" or "))
        }
        Condition::Service => {
            let wanted = when.service.join(" or ");
            format!("the service is {}, not {wanted}", service_label(facts.service))
        }
        Condition::Dialled => {
            format!("dialled was {}, not {}", facts.dialled, when.dialled.join(" or "))
        }
        Condition::Kecamatan => {
            let wanted = when.kecamatan.join(" or ");
            match facts.kecamatan {
                Some(code) => format!("the kecamatan is {code}, not {wanted}"),
                None => format!("no kecamatan is known, and it asks for {wanted}"),
            }
        }
        Condition::Time => format!("it is {}, not {}", clock(facts.local), when.times),
    }
}

/// `Fri 2026-11-27 02:00`, as people write the time of a call.
#[must_use]
pub fn clock(at: DateTime) -> String {
    at.strftime("%a %Y-%m-%d %H:%M").to_string()
}

fn why(when: &When, facts: &Facts<'_>) -> String {
    let mut reasons = Vec::new();
    if !when.trunk.is_empty() {
        reasons.push(format!("the trunk is {}", facts.trunk));
    }
    if !when.service.is_empty() {
        reasons.push(format!("the service is {}", service_label(facts.service)));
    }
    if !when.dialled.is_empty() {
        reasons.push(format!("dialled was {}", facts.dialled));
    }
    if let (false, Some(code)) = (when.kecamatan.is_empty(), facts.kecamatan) {
        reasons.push(format!("the kecamatan is {code}"));
    }
    if !when.times.is_any() {
        reasons.push(format!("it is {}", clock(facts.local)));
    }
    if reasons.is_empty() {
        return "it asks for nothing".to_owned();
    }
    reasons.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    fn rule(name: &str, priority: i32, when: When) -> Rule {
        Rule {
            name: name.into(),
            priority,
            when,
            queue: QueueId::from(name),
            call_priority: u8::try_from(priority / 10).expect("a small number"),
            wants: Vec::new(),
        }
    }

    fn rules() -> Vec<Rule> {
        let islands = texts(&["35.29.24", "35.29.25"]);
        vec![
            rule("darurat", 0, When::default()),
            rule("kepulauan", 80, When { kecamatan: islands, ..When::default() }),
            rule("laut", 90, When { service: texts(&["sos.marine"]), ..When::default() }),
            rule("layanan", 50, When { service: texts(&["SOS.*"]), ..When::default() }),
            rule("pulau", 50, When { dialled: texts(&["0327112"]), ..When::default() }),
            rule(
                "polisi",
                60,
                When {
                    trunk: vec![TrunkId::from("telco-b")],
                    service: texts(&["urn:service:sos"]),
                    dialled: texts(&["110"]),
                    ..When::default()
                },
            ),
        ]
    }

    /// A Friday, at two in the night.
    fn night() -> DateTime {
        "2026-11-27T02:00".parse().expect("a time")
    }

    fn decided(trunk: &str, service: &str, dialled: &str, kecamatan: Option<&str>) -> String {
        let trunk = TrunkId::from(trunk);
        let facts = Facts { trunk: &trunk, service, dialled, kecamatan, local: night() };
        let rules = rules();
        let decision = decide(&rules, &facts).expect("one rule is always true");
        let sentences = explain(&rules, &facts);
        let last = sentences.last().expect("a sentence");
        assert!(last.starts_with(&format!("Rule {} (", decision.rule)), "{sentences:?}");
        assert!(last.contains("is true"), "{sentences:?}");
        assert!(sentences.iter().rev().skip(1).all(|s| s.contains("is not true")));
        decision.rule
    }

    #[test]
    fn the_highest_true_rule_wins() {
        for (trunk, service, dialled, kecamatan, rule) in [
            ("telco-a", "urn:service:sos", "112", None, "darurat"),
            ("telco-a", "URN:service:SOS.Marine", "112", Some("35.29.25"), "laut"),
            ("telco-a", "urn:service:sos", "112", Some("35.29.25"), "kepulauan"),
            ("telco-a", "urn:service:sos", "112", Some("35.29.2"), "darurat"),
            ("telco-a", "urn:service:sos.marine.boat", "112", None, "layanan"),
            ("telco-a", "sos.fire", "0327112", None, "layanan"),
            ("telco-a", "sos", "0327112", None, "pulau"),
            ("telco-a", "sos.", "112", None, "darurat"),
            ("telco-a", "sosial", "112", None, "darurat"),
            ("telco-a", "", "", None, "darurat"),
            ("telco-b", "urn:service:sos", "110", None, "polisi"),
            ("telco-b", "urn:service:sos.fire", "110", None, "layanan"),
            ("telco-b", "urn:service:sos", "0110", None, "darurat"),
            ("telco-a", "urn:service:sos", "110", None, "darurat"),
        ] {
            let found = decided(trunk, service, dialled, kecamatan);
            assert_eq!(found, rule, "{trunk} {service} {dialled} {kecamatan:?}");
        }
    }

    #[test]
    fn the_decision_carries_queue_and_priority() {
        let trunk = TrunkId::from("telco-a");
        let facts = Facts {
            trunk: &trunk,
            service: "sos.marine",
            dialled: "112",
            kecamatan: None,
            local: night(),
        };
        let (queue, wants) = (QueueId::from("laut"), Vec::new());
        let expected = Decision { queue, rule: "laut".into(), priority: 9, wants };
        assert_eq!(decide(&rules(), &facts), Some(expected));
        assert_eq!(decide(&[], &facts), None);
        assert_eq!(explain(&[], &facts), ["No rule is true."]);
    }

    #[test]
    fn a_rule_by_hour_is_true_in_its_hours_and_says_so() {
        let trunk = TrunkId::from("telco-a");
        let times = times::Times {
            hours: vec![times::Hours::new(22 * 60, 6 * 60).expect("hours")],
            days: vec![times::day_of("thu").expect("a day")],
            dates: Vec::new(),
        };
        let rules = [
            rule("malam", 40, When { times, ..When::default() }),
            rule("darurat", 0, When::default()),
        ];
        let at = |local: &str| Facts {
            trunk: &trunk,
            service: "sos",
            dialled: "112",
            kecamatan: None,
            local: local.parse().expect("a time"),
        };
        let (night, day) = (at("2026-11-27T02:00"), at("2026-11-27T22:30"));
        assert_eq!(decide(&rules, &night).expect("a rule").rule, "malam");
        assert_eq!(decide(&rules, &day).expect("a rule").rule, "darurat");
        assert_eq!(
            explain(&rules, &night),
            [
                "Rule malam (priority 40) is true: it is Fri 2026-11-27 02:00; the call goes to queue \
              malam with call priority 4."
            ]
        );
        assert_eq!(
            explain(&rules, &day)[0],
            "Rule malam (priority 40) is not true: it is Fri 2026-11-27 22:30, not 22:00-06:00 on \
             thu."
        );
    }

    #[test]
    fn the_explanation_says_why() {
        let trunk = TrunkId::from("telco-b");
        let facts = Facts {
            trunk: &trunk,
            service: "urn:service:sos",
            dialled: "112",
            kecamatan: None,
            local: night(),
        };
        assert_eq!(
            explain(&rules(), &facts),
            [
                "Rule laut (priority 90) is not true: the service is sos, not sos.marine.",
                "Rule kepulauan (priority 80) is not true: no kecamatan is known, and it asks \
                 for 35.29.24 or 35.29.25.",
                "Rule polisi (priority 60) is not true: dialled was 112, not 110.",
                "Rule layanan (priority 50) is not true: the service is sos, not SOS.*.",
                "Rule pulau (priority 50) is not true: dialled was 112, not 0327112.",
                "Rule darurat (priority 0) is true: it asks for nothing; the call goes to queue \
                 darurat with call priority 0.",
            ]
        );
    }
}
