//! Which root is trusted, and the way from there to the newest: version by version, each signed by the one before it and by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use time::OffsetDateTime;
use wharfinger_keys::{Certificate, KeyId};

use super::error::WalkError;
use super::want::{By, Want};
use crate::collection::Verified;
use crate::{Gun, Meta, RoleKeys, RoleName, Root, Signed, leaf_keys, verify_signatures};

/// What a root is held to beforehand. Empty: trust at first use. Given both ways, a root that meets one of them is pinned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pins {
    /// TUF ids (of the certificates) or canonical ids (of the bare keys); a root must be signed by one of them.
    pub root_keys: BTreeSet<KeyId>,
    /// CAs; a root must be signed by a certificate that one of them issued directly.
    pub authorities: Vec<Certificate>,
}

impl Pins {
    fn is_empty(&self) -> bool {
        self.root_keys.is_empty() && self.authorities.is_empty()
    }
}

pub(super) struct Roots {
    gun: Gun,
    now: OffsetDateTime,
    pins: Pins,
    longest_chain: u64,
    trusted: Option<Verified<Root>>,
    state: State,
    /// The newest root is asked for once per reason, so that a server cannot keep us walking.
    asked_current: bool,
    asked_named: bool,
}

enum State {
    Settled,
    /// Waiting for the newest root; when it brings nothing new, this is what was wrong.
    Newest {
        by: By,
        cause: Option<WalkError>,
    },
    /// On the way to `newest`; `next` is the version to come.
    Chain {
        newest: Box<Signed<Root>>,
        next: u64,
        cause: Option<WalkError>,
    },
}

impl Roots {
    pub(super) fn new(
        gun: Gun,
        now: OffsetDateTime,
        anchor: Option<&[u8]>,
        pins: Pins,
        longest_chain: u64,
    ) -> Result<Self, WalkError> {
        let mut roots = Self {
            gun,
            now,
            pins,
            longest_chain,
            trusted: None,
            state: State::Settled,
            asked_current: false,
            asked_named: false,
        };
        let Some(bytes) = anchor else {
            roots.asked_current = true;
            roots.state = State::Newest { by: By::Current, cause: None };
            return Ok(roots);
        };
        let file = Signed::<Root>::parse(bytes).map_err(WalkError::Anchor)?;
        // It was judged when it was remembered, certificates included; its signatures are counted again all the same.
        let keys = file.signed.role(&RoleName::Root).ok_or(WalkError::Unnamed { role: RoleName::Root })?;
        let valid = verify_signatures(&file, keys, &file.signed.keys)
            .map_err(|source| WalkError::Signatures { role: RoleName::Root, source })?;
        roots.pinned(&file.signed, &valid)?;
        roots.trusted = Some(Verified { file: Arc::new(file), keys: valid });
        Ok(roots)
    }

    pub(super) fn trusted(&self) -> Option<Verified<Root>> {
        self.trusted.clone()
    }

    pub(super) fn is_moving(&self) -> bool {
        !matches!(self.state, State::Settled)
    }

    pub(super) fn want(&self, limit: u64) -> Option<Want> {
        match &self.state {
            State::Settled => None,
            State::Newest { by: By::Hash(meta), .. } => Some(Want::by_hash(RoleName::Root, meta, limit)),
            State::Newest { by, .. } => Some(Want { role: RoleName::Root, by: by.clone(), limit }),
            State::Chain { next, .. } => Some(Want { role: RoleName::Root, by: By::Version(*next), limit }),
        }
    }

    /// Asks for the root that a verified snapshot names, or for the newest. `cause` is the answer if that was tried before.
    pub(super) fn refresh(&mut self, named: Option<Meta>, cause: WalkError) -> Result<(), WalkError> {
        let asked = if named.is_some() { &mut self.asked_named } else { &mut self.asked_current };
        if std::mem::replace(asked, true) {
            return Err(cause);
        }
        self.state = State::Newest { by: named.map_or(By::Current, By::Hash), cause: Some(cause) };
        Ok(())
    }

    pub(super) fn missing(&mut self, want: &Want) -> Result<(), WalkError> {
        match (&want.role, std::mem::replace(&mut self.state, State::Settled)) {
            (RoleName::Root, State::Chain { next, .. }) => {
                Err(self.changed(format!("version {next}, which would have to lead to the newest, is missing")))
            }
            (RoleName::Root, State::Newest { cause: Some(cause), .. }) => Err(cause),
            _ => Err(WalkError::Missing { role: want.role.clone() }),
        }
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), WalkError> {
        let file = Signed::<Root>::parse(bytes).map_err(|source| WalkError::Malformed { role: RoleName::Root, source })?;
        match std::mem::replace(&mut self.state, State::Settled) {
            State::Settled => Err(WalkError::Incomplete),
            State::Newest { cause, .. } => match self.trusted() {
                None => self.trust_at_first_use(file),
                Some(trusted) => self.approach(&trusted, file, cause),
            },
            State::Chain { newest, next, cause } => {
                let Some(trusted) = self.trusted() else { return Err(WalkError::Incomplete) };
                if file.signed.version != next {
                    return Err(self.changed(format!("the file of version {next} says version {}", file.signed.version)));
                }
                self.step(&trusted, file, false)?;
                let Some(trusted) = self.trusted() else { return Err(WalkError::Incomplete) };
                self.approach(&trusted, *newest, cause)
            }
        }
    }

    fn trust_at_first_use(&mut self, file: Signed<Root>) -> Result<(), WalkError> {
        let keys = leaf_keys(&file.signed, &self.gun, self.now)?;
        let valid = verify_signatures(&file, &keys, &file.signed.keys)
            .map_err(|source| WalkError::Signatures { role: RoleName::Root, source })?;
        self.pinned(&file.signed, &valid)?;
        self.trusted = Some(Verified { file: Arc::new(file), keys: valid });
        Ok(())
    }

    /// One step nearer to `newest`, or there.
    fn approach(&mut self, trusted: &Verified<Root>, newest: Signed<Root>, cause: Option<WalkError>) -> Result<(), WalkError> {
        let (from, to) = (trusted.signed().version, newest.signed.version);
        // An older root of the same line is signed by keys we trust; one that is not belongs to a repository made anew.
        if to <= from && !Self::is_kin(trusted, &newest) {
            return Err(WalkError::Recreated { trusted: from, version: to });
        }
        if to < from {
            return Err(WalkError::Rollback { role: RoleName::Root, version: to, known: from });
        }
        if to == from {
            if newest.statement() != trusted.file.statement() {
                return Err(self.changed(format!("there is another root of the same version {to}")));
            }
            // Nothing newer. The bytes may differ in signatures; the ones served now count if they are enough by themselves.
            if newest.bytes() != trusted.file.bytes() {
                return self.step(trusted, newest, true);
            }
            return cause.map_or(Ok(()), Err);
        }
        if to - from > self.longest_chain {
            return Err(WalkError::RootChainTooLong(self.longest_chain));
        }
        if to == from + 1 {
            return self.step(trusted, newest, true);
        }
        self.state = State::Chain { newest: Box::new(newest), next: from + 1, cause };
        Ok(())
    }

    /// The rule of TUF § 5.3: a successor is signed by the threshold of the root before it and by its own. A root on the way may have
    /// expired, and so may its certificates; the last one may not.
    fn step(&mut self, trusted: &Verified<Root>, file: Signed<Root>, last: bool) -> Result<(), WalkError> {
        let no_keys = WalkError::Unnamed { role: RoleName::Root };
        let old = trusted.signed().role(&RoleName::Root).ok_or(no_keys.clone())?;
        if let Err(error) = verify_signatures(&file, old, &trusted.signed().keys) {
            return Err(self.changed(format!("version {}: {error}", file.signed.version)));
        }
        let own = if last {
            leaf_keys(&file.signed, &self.gun, self.now)?
        } else {
            file.signed.role(&RoleName::Root).ok_or(no_keys)?.clone()
        };
        let valid = verify_signatures(&file, &own, &file.signed.keys)
            .map_err(|source| WalkError::Signatures { role: RoleName::Root, source })?;
        if last {
            self.pinned(&file.signed, &valid)?;
        }
        self.trusted = Some(Verified { file: Arc::new(file), keys: valid });
        Ok(())
    }

    fn pinned(&self, root: &Root, signers: &crate::ValidKeys) -> Result<(), WalkError> {
        let keys = &self.pins.root_keys;
        let named = |(id, key): &(KeyId, wharfinger_keys::PublicKey)| keys.contains(id) || keys.contains(&key.canonical_id());
        let issued = |(id, _): &(KeyId, wharfinger_keys::PublicKey)| {
            let certificate = root.keys.get(id).and_then(crate::TufKey::certificate);
            certificate.is_some_and(|leaf| self.pins.authorities.iter().any(|ca| leaf.is_issued_by(ca, self.now)))
        };
        let pinned = self.pins.is_empty() || signers.iter().any(|signer| named(signer) || issued(signer));
        if pinned { Ok(()) } else { Err(WalkError::NotPinned) }
    }

    /// Whether one of the keys of `trusted` has signed `other`, or the other way round.
    fn is_kin(trusted: &Verified<Root>, other: &Signed<Root>) -> bool {
        let own = |root: &Root| root.role(&RoleName::Root).map(|role| RoleKeys { threshold: 1, ..role.clone() });
        let signed =
            |file: &Signed<Root>, by: &Root| own(by).is_some_and(|keys| verify_signatures(file, &keys, &by.keys).is_ok());
        signed(other, trusted.signed()) || signed(&trusted.file, &other.signed)
    }

    fn changed(&self, why: String) -> WalkError {
        WalkError::RootChanged { trusted: self.trusted.as_ref().map_or(0, |root| root.signed().version), why }
    }
}
