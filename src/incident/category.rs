//! The kind of emergency that a service URN preselects. The operator may always say otherwise.
//!
//! It never refuses a service: an unknown one preselects nothing.

use super::settings::Category;

const URN: &str = "urn:service:";

/// The label of a service, without `urn:service:` (RFC 5031): `sos.fire`. Compare without case.
#[must_use]
pub fn service_label(service: &str) -> &str {
    let service = service.trim();
    match (service.get(..URN.len()), service.get(URN.len()..)) {
        (Some(urn), Some(label)) if urn.eq_ignore_ascii_case(URN) => label,
        _ => service,
    }
}

/// Code of the category with the longest branch that holds `service`: `sos.fire` holds
/// `sos.fire.forest`. Between equals the first one listed wins.
#[must_use]
pub fn category(service: &str, categories: &[Category]) -> Option<String> {
    let service = service_label(service);
    let mut best: Option<(usize, &Category)> = None;
    for category in categories {
        for branch in category.services.iter().map(|branch| service_label(branch)) {
            if holds(branch, service) && best.is_none_or(|(length, _)| branch.len() > length) {
                best = Some((branch.len(), category));
            }
        }
    }
    best.map(|(_, category)| category.code.clone())
}

fn holds(branch: &str, service: &str) -> bool {
    let (Some(head), Some(tail)) = (service.get(..branch.len()), service.get(branch.len()..))
    else {
        return false;
    };
    !branch.is_empty()
        && head.eq_ignore_ascii_case(branch)
        && (tail.is_empty() || tail.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(code: &str, services: &[&str]) -> Category {
        Category {
            code: code.into(),
            name: code.into(),
            name_en: code.into(),
            sub: Vec::new(),
            agencies: Vec::new(),
            services: services.iter().map(|s| (*s).to_owned()).collect(),
            eido: None,
        }
    }

    #[test]
    fn longest_branch_wins() {
        let categories = [
            listed("kebakaran", &["sos.fire"]),
            listed("hutan", &["urn:service:sos.fire.forest"]),
            listed("medis", &["sos.ambulance", "sos.poison"]),
        ];
        for (service, code) in [
            ("urn:service:sos.fire", Some("kebakaran")),
            ("URN:Service:SOS.Fire", Some("kebakaran")),
            ("urn:service:sos.fire.boat", Some("kebakaran")),
            ("urn:service:sos.fire.forest", Some("hutan")),
            ("urn:service:sos.fire.forest.peat", Some("hutan")),
            ("sos.poison", Some("medis")),
            ("urn:service:sos.fireworks", None),
            ("urn:service:sos", None),
            ("urn:service:sos.", None),
            ("urn:service:", None),
            ("", None),
            ("sos.firé", None),
        ] {
            assert_eq!(category(service, &categories).as_deref(), code, "{service}");
        }
    }

    #[test]
    fn plain_sos_needs_to_be_listed() {
        let categories = [listed("umum", &["sos"]), listed("kebakaran", &["sos.fire"])];
        assert_eq!(category("urn:service:sos", &categories).as_deref(), Some("umum"));
        assert_eq!(category("urn:service:sos.fire", &categories).as_deref(), Some("kebakaran"));
        assert_eq!(category("urn:service:sos", &[listed("kosong", &["", "urn:service:"])]), None);
    }
}
