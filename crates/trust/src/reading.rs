//! One walk over the network: drives [`Walk`], answers what it wants from memory where the hash is known, and asks the host for the rest.

use std::collections::BTreeMap;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use wharfinger_storage::memory::Remembered;
use wharfinger_tuf::{By, Collection, File, RoleName, Walk, Want};

use crate::TrustError;
use crate::credentials::Credentials;
use crate::error::judged;
use crate::server::{Answer, Server};

/// Files asked for at once.
const PARALLEL: usize = 8;

/// A verified collection, and what the host called the state of its timestamp.
pub(crate) struct Read {
    pub(crate) collection: Collection,
    pub(crate) etag: Option<String>,
}

pub(crate) struct Reading<'a> {
    pub(crate) server: Server<'a>,
    pub(crate) candidates: Vec<Option<Credentials>>,
    pub(crate) remembered: Option<&'a Remembered>,
    /// The candidate the host answered to; set by the first file that came.
    chosen: Option<usize>,
    etag: Option<String>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(server: Server<'a>, candidates: Vec<Option<Credentials>>, remembered: Option<&'a Remembered>) -> Self {
        Self { server, candidates, remembered, chosen: None, etag: None }
    }

    pub(crate) async fn run(mut self, mut walk: Walk) -> Result<Read, TrustError> {
        loop {
            let wants = walk.wants();
            let files = match wants.as_slice() {
                [] => break,
                [one] => vec![self.one(one).await?],
                many => self.many(many).await?,
            };
            for (want, file) in wants.iter().zip(files) {
                walk.receive(want, file).map_err(|error| judged(self.server.gun, error))?;
            }
        }
        let collection = walk.finish().map_err(|error| judged(self.server.gun, error))?;
        Ok(Read { collection, etag: self.etag })
    }

    async fn one(&mut self, want: &Want) -> Result<File, TrustError> {
        if let Some(file) = self.kept(want) {
            return Ok(file);
        }
        if self.chosen.is_some() {
            return self.again(want).await;
        }
        let mut refused = false;
        for (at, credentials) in self.candidates.iter().enumerate() {
            let etag = self.known_timestamp(want).and_then(|file| file.etag.as_deref());
            match self.server.get(want, etag, credentials.as_ref()).await? {
                Answer::Refused => refused = true,
                // A host that hides what one may not see says 404: someone else may see it.
                Answer::Missing => {}
                answer => {
                    self.server.keyring.worked(self.server.host, self.server.gun, credentials.as_ref()).await;
                    self.chosen = Some(at);
                    return self.file(want, answer);
                }
            }
        }
        Err(TrustError::Absent { credentials_refused: refused })
    }

    /// A file after the first: the host has already said yes to someone.
    async fn again(&mut self, want: &Want) -> Result<File, TrustError> {
        let etag = self.known_timestamp(want).and_then(|file| file.etag.as_deref());
        let answer = self.server.get(want, etag, self.credentials()).await?;
        self.file(want, answer)
    }

    async fn many(&mut self, wants: &[Want]) -> Result<Vec<File>, TrustError> {
        let mut files: BTreeMap<usize, File> = BTreeMap::new();
        let mut missing: Vec<(usize, &Want)> = Vec::new();
        for (at, want) in wants.iter().enumerate() {
            match self.kept(want) {
                Some(file) => drop(files.insert(at, file)),
                None => missing.push((at, want)),
            }
        }
        let this = &*self;
        let mut asked = Vec::new();
        for (at, want) in missing {
            // Boxed: a stream over a closure's futures is not general enough over lifetimes for callers that are `Send`.
            asked.push(async move { (at, this.server.get(want, None, this.credentials()).await) }.boxed());
        }
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(PARALLEL).collect().await;
        for (at, answer) in answers {
            let Some(want) = wants.get(at) else { continue };
            files.insert(at, self.file(want, answer?)?);
        }
        Ok(files.into_values().collect())
    }

    fn credentials(&self) -> Option<&Credentials> {
        self.candidates.get(self.chosen?)?.as_ref()
    }

    fn file(&mut self, want: &Want, answer: Answer) -> Result<File, TrustError> {
        match answer {
            Answer::Found { bytes, etag } => {
                if want.role == RoleName::Timestamp {
                    self.etag = etag;
                }
                Ok(File::Found(bytes))
            }
            Answer::Unchanged => {
                let known =
                    self.known_timestamp(want).ok_or_else(|| self.server.unreachable("it answered 304 to what was not known"))?;
                self.etag.clone_from(&known.etag);
                Ok(File::Found(known.bytes.clone()))
            }
            Answer::Refused => Err(TrustError::Absent { credentials_refused: true }),
            Answer::Missing if want.by == By::Current => Err(TrustError::Absent { credentials_refused: false }),
            Answer::Missing => Ok(File::Missing),
        }
    }

    /// A file named by hash that is remembered. The walk checks the hash again.
    fn kept(&self, want: &Want) -> Option<File> {
        let By::Hash(meta) = &want.by else { return None };
        let files = &self.remembered?.files;
        let file = files.iter().find(|file| file.role == want.role.as_str() && meta.hashes.match_bytes(&file.bytes))?;
        Some(File::Found(file.bytes.clone()))
    }

    fn known_timestamp(&self, want: &Want) -> Option<&'a wharfinger_storage::memory::RememberedFile> {
        if want.role != RoleName::Timestamp {
            return None;
        }
        self.remembered?.files.iter().find(|file| file.role == RoleName::Timestamp.as_str() && file.etag.is_some())
    }
}
