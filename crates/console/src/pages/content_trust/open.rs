//! The rule and the exemption that are being written on the page, and how they come into the draft.

use std::sync::Arc;

use wharfinger_cluster::{ClusterError, Current};
use wharfinger_policy::{ConfigurationError, ExemptionDocument, RuleDocument, TrustDocument};

use super::draft::Draft;
use super::exemption_form::ExemptionForm;
use super::rule_form::RuleForm;
use crate::error::Refused;
use crate::posted::Fields;
use crate::routes::House;
use crate::visitor::Visitor;

#[derive(Default)]
pub(crate) struct Open {
    pub(crate) rule: Option<RuleForm>,
    pub(crate) exemption: Option<ExemptionForm>,
}

impl Open {
    pub(crate) fn read(fields: &Fields) -> Self {
        Self { rule: RuleForm::read(fields), exemption: ExemptionForm::read(fields) }
    }

    /// What a button opens or closes: `rule:new`, `rule:0`, `close-rule`. Anything else does neither.
    pub(crate) fn press(&mut self, button: &str, draft: &Draft) {
        match button.split_once(':') {
            Some(("rule", "new")) => self.rule = Some(RuleForm::default()),
            Some(("exemption", "new")) => self.exemption = Some(ExemptionForm::default()),
            Some(("rule", place)) => self.rule = at(&draft.rules, place).map(|(place, rule)| RuleForm::of(place, rule)),
            Some(("exemption", place)) => {
                self.exemption = at(&draft.exemptions, place).map(|(place, exemption)| ExemptionForm::of(place, exemption));
            }
            None if button == "close-rule" => self.rule = None,
            None if button == "close-exemption" => self.exemption = None,
            _ => {}
        }
    }

    /// Takes what is being written into the draft, with every check that saving makes of it. Whether nothing is open any more: what
    /// is wrong stands at its field.
    pub(crate) async fn settle(
        &mut self,
        house: &Arc<House>,
        visitor: &Visitor,
        current: &Current,
        draft: &mut Draft,
    ) -> Result<bool, Refused> {
        if let Some(form) = &mut self.rule
            && let Some(rule) = form.document()
            && rule_stands(house, visitor, current, draft, form, &rule).await?
        {
            put(&mut draft.rules, form.place, rule);
            self.rule = None;
        }
        if let Some(form) = &mut self.exemption
            && let Some(written) = form.document()
        {
            // One that stays as it is was approved already.
            let present = current.configuration.trust.exemptions.iter().map(ExemptionDocument::from);
            let same = |present: &ExemptionDocument| ExemptionDocument { approved_by: None, ..present.clone() } == written;
            let exemption = present.into_iter().find(same).unwrap_or(written);
            if exemption_stands(house, visitor, current, form, &exemption).await? {
                put(&mut draft.exemptions, form.place, exemption);
                self.exemption = None;
            }
        }
        Ok(self.rule.is_none() && self.exemption.is_none())
    }
}

fn at<'a, T>(list: &'a [T], place: &str) -> Option<(usize, &'a T)> {
    let place = place.parse().ok()?;
    list.get(place).map(|one| (place, one))
}

fn put<T>(list: &mut Vec<T>, place: Option<usize>, one: T) {
    match place.and_then(|place| list.get_mut(place)) {
        Some(old) => *old = one,
        None => list.push(one),
    }
}

/// What is in force, with these rules and exemptions alone.
fn only(current: &Current, rules: Option<Vec<RuleDocument>>, exemptions: Vec<ExemptionDocument>) -> TrustDocument {
    let present = TrustDocument::from(&current.configuration.trust);
    TrustDocument { require_signature_from: None, allow_repos: Vec::new(), rules, exemptions, ..present }
}

/// After the rules before it.
async fn rule_stands(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    draft: &Draft,
    form: &mut RuleForm,
    rule: &RuleDocument,
) -> Result<bool, Refused> {
    let place = form.place.unwrap_or(draft.rules.len()).min(draft.rules.len());
    let rules = draft.rules.iter().take(place).chain([rule]).cloned().collect();
    let label = rule.label(place);
    match house.console.cluster.candidate_trust(visitor.name(), only(current, Some(rules), Vec::new())).await {
        Ok(_) => return Ok(true),
        Err(ClusterError::Configuration(ConfigurationError::Rule { rule, fault })) if rule == label => form.faulty(&fault),
        Err(ClusterError::Named { entry, source }) if entry == label => form.unknown(&source),
        Err(other) => return Err(other.into()),
    }
    Ok(false)
}

async fn exemption_stands(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    form: &mut ExemptionForm,
    exemption: &ExemptionDocument,
) -> Result<bool, Refused> {
    match house.console.cluster.candidate_trust(visitor.name(), only(current, None, vec![exemption.clone()])).await {
        Ok(_) => return Ok(true),
        Err(ClusterError::Configuration(ConfigurationError::Exemption { fault, .. })) => form.faulty(&fault),
        Err(ClusterError::Named { source, .. }) => form.unknown(&source),
        Err(other) => return Err(other.into()),
    }
    Ok(false)
}
