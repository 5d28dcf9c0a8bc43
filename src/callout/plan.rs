//! Whom a chain means for one call, and which chains are proposed for it.

use super::settings::{CalloutSettings, Chain, Contact, Step, Who};

/// A step and whom it means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned<'s> {
    /// The step.
    pub step: &'s Step,
    /// Nobody, where no contact of the role answers for the kecamatan or it is not known.
    pub contact: Option<&'s Contact>,
}

/// Why a chain is proposed, the closest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proposed {
    /// It names the call's category and its kecamatan.
    Both,
    /// It names the kecamatan.
    Kecamatan,
    /// It names the category.
    Category,
    /// It is for every call.
    Always,
}

impl Chain {
    /// Whether the chain is proposed for a call of this category and kecamatan, and why.
    #[must_use]
    pub fn proposed(&self, category: Option<&str>, kecamatan: Option<&str>) -> Option<Proposed> {
        let when = self.when.as_ref()?;
        let has = |list: &[String], known: Option<&str>| {
            list.is_empty() || known.is_some_and(|known| list.iter().any(|code| code == known))
        };
        let fits = has(&when.category, category) && has(&when.kecamatan, kecamatan);
        fits.then_some(match (when.category.is_empty(), when.kecamatan.is_empty()) {
            (false, false) => Proposed::Both,
            (true, false) => Proposed::Kecamatan,
            (false, true) => Proposed::Category,
            (true, true) => Proposed::Always,
        })
    }
}

impl CalloutSettings {
    /// Chains proposed for a call of this category and kecamatan, the closest first.
    #[must_use]
    pub fn proposed(&self, category: Option<&str>, kecamatan: Option<&str>) -> Vec<&Chain> {
        let fits = |chain| Some((Chain::proposed(chain, category, kecamatan)?, chain));
        let mut fitting: Vec<(Proposed, &Chain)> = self.chains.iter().filter_map(fits).collect();
        fitting.sort_by_key(|(why, _)| *why);
        fitting.into_iter().map(|(_, chain)| chain).collect()
    }

    /// Whom each step of a chain means for a call from this kecamatan. Nobody stands there twice: the
    /// second step of a role means its second contact.
    #[must_use]
    pub fn plan<'s>(&'s self, chain: &'s Chain, kecamatan: Option<&str>) -> Vec<Planned<'s>> {
        let named = |contact: &Contact| {
            let is = |step: &Step| matches!(&step.who, Who::Contact(id) if *id == contact.id);
            chain.steps.iter().any(is)
        };
        let mut taken: Vec<&Contact> = Vec::new();
        let mut plan = Vec::new();
        for step in &chain.steps {
            let contact = match &step.who {
                Who::Contact(id) => self.contact(id).filter(|contact| !taken.contains(contact)),
                Who::Role(role) => {
                    let fits = |contact: &&Contact| {
                        contact.role.as_ref() == Some(role)
                            && contact.answers_for(kecamatan)
                            && !named(contact)
                            && !taken.contains(contact)
                    };
                    // Who answers for this kecamatan by name before who answers for all.
                    let mut fitting = self.contacts.iter().filter(fits);
                    fitting
                        .clone()
                        .find(|contact| !contact.kecamatan.is_empty())
                        .or_else(|| fitting.next())
                }
            };
            taken.extend(contact);
            plan.push(Planned { step, contact });
        }
        plan
    }
}
