//! One image, from its text to a verdict: parse → registered? → exempt? → resolve → released → counted → the policy.

use std::sync::Arc;

use wharfinger_keys::Certificate;
use wharfinger_oci::{Digest, Host, Reference, Repository};
use wharfinger_policy::{Configuration, Evidence, Mode, Registration, Rule, SignedBy, Subject, Verdict, evaluate};
use wharfinger_trust::{Credentials, NotaryServer, NotaryUrl, Secret, TokenRealm, TrustError};
use wharfinger_tuf::{Collection, Gun, Pins, TargetFile};

use crate::{Cause, Denial, Gate, Pin, PresentedError, SignedPin, Workload};

/// What was found for one image, and what follows.
pub(crate) struct Judgement {
    pub(crate) outcome: Result<Pin, Denial>,
    /// The reference that was judged; none for an image by id or local name that has none.
    pub(crate) judged: Option<String>,
    /// The tag whose signatures were counted.
    pub(crate) tag: Option<String>,
    /// The signed digest, as soon as one was found.
    pub(crate) digest: Option<Digest>,
    pub(crate) evidence: Evidence,
    /// Signers that stand on another digest: shown, and no reason to deny.
    pub(crate) elsewhere: Vec<String>,
    /// The trust data it was judged by.
    pub(crate) collection: Option<Arc<Collection>>,
    /// The rule that applies to the image, with what people call it; none: the plain list does.
    pub(crate) rule: Option<(String, Rule)>,
    /// What was allowed only because the rule is in audit mode: this would have been the denial.
    pub(crate) audited: Option<Denial>,
    /// What exempts the image, as people call it.
    pub(crate) exempted_by: Option<String>,
    /// The registry does not answer: how old is what it was judged by.
    pub(crate) stale_seconds: Option<u64>,
}

impl Judgement {
    fn of(outcome: Result<Pin, Denial>) -> Self {
        Self {
            outcome,
            judged: None,
            tag: None,
            digest: None,
            evidence: Evidence::default(),
            elsewhere: Vec::new(),
            collection: None,
            rule: None,
            audited: None,
            exempted_by: None,
            stale_seconds: None,
        }
    }

    fn exempt(reference: Reference, by: String) -> Self {
        Self { exempted_by: Some(by), ..Self::of(Ok(Pin::Exempt(reference))) }
    }

    pub(crate) fn refused(denial: Denial) -> Self {
        Self::of(Err(denial))
    }
}

impl Gate {
    /// Decides `image` by `configuration`, which enforces; `policy` is its revision, none where it is not in force. Never answers an
    /// allowance it did not derive.
    pub(crate) async fn judge(
        &self,
        configuration: &Configuration,
        policy: Option<i64>,
        workload: &Workload,
        image: &str,
    ) -> Judgement {
        Judgement { judged: Some(image.to_owned()), ..self.judge_text(configuration, policy, workload, image).await }
    }

    /// The same for an image by id or local name, `asked`, which is one of those the engine got under these names: the first
    /// that passes decides.
    pub(crate) async fn judge_local(
        &self,
        configuration: &Configuration,
        policy: Option<i64>,
        workload: &Workload,
        asked: &str,
        repo_digests: &[String],
    ) -> Judgement {
        let mut judgement = Judgement::refused(Denial { image: asked.to_owned(), cause: Cause::LocalOnly });
        for name in repo_digests {
            judgement = self.judge(configuration, policy, workload, name).await;
            if judgement.outcome.is_ok() {
                break;
            }
        }
        for denial in judgement.outcome.as_mut().err().into_iter().chain(&mut judgement.audited) {
            asked.clone_into(&mut denial.image);
        }
        judgement
    }

    async fn judge_text(
        &self,
        configuration: &Configuration,
        policy: Option<i64>,
        workload: &Workload,
        image: &str,
    ) -> Judgement {
        let reference: Reference = match image.parse() {
            Ok(reference) => reference,
            Err(error) => {
                let cause = Cause::Malformed { why: format!("{error}") };
                return Judgement::refused(Denial { image: image.to_owned(), cause });
            }
        };
        let refuse = |cause| Judgement::refused(Denial { image: reference.without_digest(), cause });
        let subject = Subject { reference: &reference, namespace: workload.namespace.as_deref() };
        let Some(registration) = configuration.registration(&reference.host) else {
            return match configuration.trust.exempted_unregistered_by(subject, (self.clock)()) {
                Some(by) => Judgement::exempt(reference, by),
                None => refuse(Cause::NotRegistered { host: reference.host.to_string() }),
            };
        };
        if let Some(by) = configuration.trust.exempted_by(subject, (self.clock)()) {
            return Judgement::exempt(reference, by);
        }
        let mut judgement = self.judge_signatures(configuration, policy, registration, workload, &reference).await;
        if let Some((index, rule)) = configuration.trust.rule_for(subject) {
            judgement.rule = Some((rule.label(index), rule.clone()));
            // Whatever the rule would refuse, it only records: who tries a rule out must not find services refused by it.
            if rule.mode == Mode::Audit && judgement.outcome.is_err() {
                judgement.audited = std::mem::replace(&mut judgement.outcome, Ok(Pin::Exempt(reference))).err();
            }
        }
        judgement
    }

    /// By what was signed, for an image of a registered registry that nothing exempts.
    async fn judge_signatures(
        &self,
        configuration: &Configuration,
        policy: Option<i64>,
        registration: &Registration,
        workload: &Workload,
        reference: &Reference,
    ) -> Judgement {
        let subject = Subject { reference, namespace: workload.namespace.as_deref() };
        let refused = |cause| Judgement::refused(Denial { image: reference.without_digest(), cause });
        let (gun, place) = match repository(registration, reference) {
            Ok(found) => found,
            Err(cause) => return refused(cause),
        };
        if let Some(collection) = self.resolver.at_hand(&place, &gun).await {
            let judgement = self.judge_collection(configuration, collection, subject).await;
            if judgement.outcome.is_ok() {
                return judgement;
            }
            // It may have been signed a moment ago: before it is refused, the registry is asked.
        }
        let (credentials, unread) = self.credentials(registration, workload, reference, &gun).await;
        match self.resolver.resolve_anew(&place, &gun, &credentials).await {
            Ok(collection) => self.judge_collection(configuration, collection, subject).await,
            // The registry asks for credentials, and those that were meant for it could not be read.
            Err(TrustError::Absent { credentials_refused: true }) if unread.is_some() => {
                refused(Cause::Undecided { why: unread.map(|error| error.to_string()).unwrap_or_default() })
            }
            Err(error) => {
                let silent = matches!(error, TrustError::Unreachable { .. });
                let unanswered = refused(cause(error, &reference.without_digest()));
                let stale = if silent { self.judge_stale(configuration, policy, &place, &gun, subject).await } else { None };
                stale.unwrap_or(unanswered)
            }
        }
    }

    pub(crate) async fn judge_collection(
        &self,
        configuration: &Configuration,
        collection: Arc<Collection>,
        subject: Subject<'_>,
    ) -> Judgement {
        let judgement = match (&subject.reference.tag, &subject.reference.digest) {
            (None, Some(digest)) => self.judge_digest(configuration, &collection, subject, digest).await,
            _ => self.judge_tag(configuration, &collection, subject, subject.reference.tag_or_latest().as_str()).await,
        };
        Judgement { collection: Some(collection), ..judgement }
    }

    /// `repo:tag` and `repo:tag@digest`.
    async fn judge_tag(
        &self,
        configuration: &Configuration,
        collection: &Collection,
        subject: Subject<'_>,
        tag: &str,
    ) -> Judgement {
        let reference = subject.reference;
        let denial = |cause| Denial { image: reference.without_digest(), cause };
        let Some(released) = collection.released(tag) else {
            return Judgement::refused(denial(Cause::NotReleased));
        };
        let Some((digest, length)) = manifest(released) else {
            let why = format!("the signed entry of {tag} has no sha256 hash");
            return Judgement::refused(denial(Cause::Undecided { why }));
        };
        let evidence = match self.evidence(collection, tag).await {
            Ok(evidence) => evidence,
            Err(why) => return Judgement::refused(denial(Cause::Undecided { why })),
        };
        let outcome = match evaluate(&configuration.trust, subject, &evidence) {
            _ if reference.digest.as_ref().is_some_and(|asked| *asked != digest) => {
                Err(denial(Cause::OtherDigest { signed: digest.to_string() }))
            }
            Verdict::Allow => Ok(Pin::Signed(SignedPin {
                pinned: reference.pinned(&digest),
                reference: reference.clone(),
                digest: digest.clone(),
                length,
            })),
            Verdict::NotSigned => Err(denial(Cause::PolicyNotMet { missing: Vec::new() })),
            Verdict::TeamsMissing(teams) => {
                Err(denial(Cause::PolicyNotMet { missing: teams.into_iter().map(|team| team.name).collect() }))
            }
            Verdict::RuleNotMet { missing, more } => {
                let rule = configuration.trust.rule_for(subject).map(|(index, rule)| rule.label(index)).unwrap_or_default();
                Err(denial(Cause::RuleNotMet { rule, missing, more }))
            }
        };
        let elsewhere = collection.elsewhere(tag).into_iter().map(|(role, _)| role.to_string()).collect();
        Judgement { tag: Some(tag.to_owned()), digest: Some(digest), evidence, elsewhere, ..Judgement::of(outcome) }
    }

    /// `repo@digest`: allowed iff it is the signed digest of some tag that passes.
    async fn judge_digest(
        &self,
        configuration: &Configuration,
        collection: &Collection,
        subject: Subject<'_>,
        digest: &Digest,
    ) -> Judgement {
        let image = subject.reference.without_digest();
        let mut found = Judgement::refused(Denial { image, cause: Cause::NotReleased });
        let released = collection.tags().filter(|(_, target)| manifest(target).is_some_and(|(signed, _)| signed == *digest));
        let tags: Vec<String> = released.map(|(tag, _)| tag.to_owned()).collect();
        for tag in tags {
            found = self.judge_tag(configuration, collection, subject, &tag).await;
            if found.outcome.is_ok() {
                break;
            }
        }
        found
    }

    async fn evidence(&self, collection: &Collection, tag: &str) -> Result<Evidence, String> {
        let mut evidence = Evidence::default();
        for counted in collection.counted(tag) {
            let owner = self.directory.owner(&counted.key).await.map_err(|error| error.to_string())?;
            let name = counted.role.as_str().trim_start_matches("targets/").to_owned();
            evidence.signed_by.push(SignedBy { name, key: counted.key.canonical_id().to_string(), owner });
        }
        Ok(evidence)
    }

    /// In the order they are tried: the request's own, the caller's right where accounts are shared, the registration's; and why
    /// the request's own could not be read.
    async fn credentials(
        &self,
        registration: &Registration,
        workload: &Workload,
        reference: &Reference,
        gun: &Gun,
    ) -> (Vec<Credentials>, Option<PresentedError>) {
        let (mut credentials, unread) = match workload.credentials.for_image(reference).await {
            Ok(presented) => (presented, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        if let Some(local) = self.local.as_ref().filter(|local| *local.host() == reference.host) {
            let token = match &workload.account {
                Some(account) => local.pull_token(Some(account), &reference.repository, &gun.to_string()).await,
                // The registry in this process needs no read credentials to be registered: this is what stands for them.
                None => local.mirror_token().await,
            };
            credentials.extend(token.map(|token| Credentials::Bearer(Secret::new(token))));
        }
        credentials.extend(self.read_credentials(registration, &reference.host));
        (credentials, unread)
    }

    /// Those that the registration holds.
    pub(crate) fn read_credentials(&self, registration: &Registration, host: &Host) -> Option<Credentials> {
        if registration.read_username.is_empty() {
            return None;
        }
        let Some(password) = self.read_password(host, &registration.read_password) else {
            tracing::error!(registry = %host, "the registration's read password cannot be unsealed: write it again");
            return None;
        };
        Some(Credentials::Basic { username: registration.read_username.clone(), password: Secret::new(password) })
    }

    fn read_password(&self, host: &Host, sealed: &str) -> Option<String> {
        let sealed = hex::decode(sealed).ok()?;
        let opened = self.seal.open(&read_password_context(host), &sealed).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

/// The name of the reference's trust data, and where it is.
fn repository(registration: &Registration, reference: &Reference) -> Result<(Gun, wharfinger_trust::Registration), Cause> {
    let gun = format!("{}/{}", reference.host, reference.repository).parse();
    let gun = gun.map_err(|error| Cause::Malformed { why: format!("{error}") })?;
    let place = place(registration, &reference.host, Some(&reference.repository)).map_err(|why| Cause::Undecided { why })?;
    Ok((gun, place))
}

/// A registration as the reader of trust data needs it; the pins are those of `repository`. What cannot be read of it is not left out:
/// then nothing is decided.
pub(crate) fn place(
    registration: &Registration,
    host: &Host,
    repository: Option<&Repository>,
) -> Result<wharfinger_trust::Registration, String> {
    let bundle = |text: &str| Some(text.to_owned()).filter(|bundle| !bundle.trim().is_empty());
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let damaged = |what: &str, error: &dyn std::fmt::Display| format!("the registration's {what} cannot be read: {error}");
    let url = given(&registration.notary_url).map(|url| url.parse::<NotaryUrl>()).transpose();
    let url = url.map_err(|error| damaged("notary_url", &error))?;
    let token_realm = given(&registration.token_realm).map(|realm| realm.parse::<TokenRealm>()).transpose();
    let entry = repository.map(|repository| registration.pinned_root(host, repository)).transpose();
    let mut pins = Pins::default();
    if let Some(entry) = entry.map(Option::flatten).map_err(|error| damaged("pinned_roots", &error))? {
        let keys = entry.keys.iter().map(|id| id.parse()).collect::<Result<_, _>>();
        pins.root_keys = keys.map_err(|error| damaged("pinned_roots", &error))?;
        if pins.root_keys.is_empty() {
            pins.authorities = Certificate::all_from_pem(&entry.ca).map_err(|error| damaged("pinned_roots", &error))?;
        }
    }
    Ok(wharfinger_trust::Registration {
        notary: url.map(|url| NotaryServer { url, ca_bundle: bundle(&registration.notary_ca_bundle) }),
        token_realm: token_realm.map_err(|error| damaged("token_realm", &error))?,
        pins,
        ..wharfinger_trust::Registration::of(host.clone(), bundle(&registration.ca_bundle))
    })
}

/// What a registration's read password is sealed for.
pub fn read_password_context(host: &Host) -> String {
    format!("registration read password {host}")
}

/// The manifest digest and length a target names.
fn manifest(target: &TargetFile) -> Option<(Digest, u64)> {
    Some((Digest::from_sha256(&target.hashes.sha256?), target.length))
}

/// `semantics.md`, *Registry says 401, 403 or 404 → … no answer, 5xx, invalid or expired metadata → 503 with the cause*.
fn cause(error: TrustError, image: &str) -> Cause {
    match error {
        TrustError::Deleted { .. } => Cause::Deleted { remedy: error.remedy(image) },
        TrustError::Frozen { .. }
        | TrustError::Expired { .. }
        | TrustError::Rollback { .. }
        | TrustError::FastForward { .. }
        | TrustError::RootChanged { .. }
        | TrustError::Recreated { .. }
        | TrustError::NotPinned { .. }
        | TrustError::Invalid { .. } => Cause::Distrusted { code: error.code(), remedy: error.remedy(image), why: chain(&error) },
        TrustError::Absent { credentials_refused } => Cause::NoTrustData { credentials_refused },
        TrustError::Replayed { cause, .. } => Cause::Replayed { why: cause },
        other => Cause::Undecided { why: chain(&other) },
    }
}

/// An error with all its sources, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
