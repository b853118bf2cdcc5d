//! One walk over the network: drives [`Walk`], answers what it wants from memory where the hash is known, and asks the host for the rest.

use std::collections::BTreeMap;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use wharfinger_storage::memory::Remembered;
use wharfinger_tuf::{By, Collection, File, Gun, RoleName, Walk, Want};

use crate::TrustError;
use crate::credentials::Credentials;
use crate::error::judged;
use crate::remembered;
use crate::server::{Answer, Server, file_path};

/// Files asked for at once.
const PARALLEL: usize = 8;

/// A verified collection, and what the host called the state of its timestamp.
pub(crate) struct Read {
    pub(crate) collection: Collection,
    pub(crate) etag: Option<String>,
}

pub(crate) struct Reading<'a> {
    pub(crate) server: Server<'a>,
    gun: &'a Gun,
    pub(crate) candidates: Vec<Option<Credentials>>,
    /// Whether credentials that work may serve later requests that bring none.
    keeps: bool,
    pub(crate) remembered: Option<&'a Remembered>,
    /// The candidate the host answered to; set by the first file that came.
    chosen: Option<usize>,
    etag: Option<String>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        server: Server<'a>,
        gun: &'a Gun,
        candidates: Vec<Option<Credentials>>,
        keeps: bool,
        remembered: Option<&'a Remembered>,
    ) -> Self {
        Self { server, gun, candidates, keeps, remembered, chosen: None, etag: None }
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
                walk.receive(want, file).map_err(|error| judged(self.gun, error))?;
            }
        }
        let collection = walk.finish().map_err(|error| judged(self.gun, error))?;
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
            match self.get(want, etag, credentials.as_ref()).await? {
                Answer::Refused => refused = true,
                // A host that hides what one may not see says 404: someone else may see it.
                Answer::Missing => {}
                answer => {
                    if self.keeps {
                        self.server.keyring.worked(self.server.host, &self.server.scope, credentials.as_ref()).await;
                    }
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
        let answer = self.get(want, etag, self.credentials()).await?;
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
            asked.push(async move { (at, this.get(want, None, this.credentials()).await) }.boxed());
        }
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(PARALLEL).collect().await;
        for (at, answer) in answers {
            let Some(want) = wants.get(at) else { continue };
            files.insert(at, self.file(want, answer?)?);
        }
        Ok(files.into_values().collect())
    }

    async fn get(&self, want: &Want, etag: Option<&str>, credentials: Option<&Credentials>) -> Result<Answer, TrustError> {
        self.server.get(&file_path(self.gun, want), want.limit, etag, credentials).await
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
                    self.known_timestamp(want).ok_or_else(|| self.server.unusable("it answered 304 to what was not known"))?;
                self.etag.clone_from(&known.etag);
                Ok(File::Found(known.bytes.clone()))
            }
            Answer::Refused => Err(TrustError::Absent { credentials_refused: true }),
            Answer::Missing if want.by == By::Current => Err(TrustError::Absent { credentials_refused: false }),
            Answer::Missing => Ok(File::Missing),
        }
    }

    /// A file named by hash that is remembered.
    fn kept(&self, want: &Want) -> Option<File> {
        matches!(want.by, By::Hash(_)).then(|| remembered::file(self.remembered?, want)).flatten()
    }

    fn known_timestamp(&self, want: &Want) -> Option<&'a wharfinger_storage::memory::RememberedFile> {
        if want.role != RoleName::Timestamp {
            return None;
        }
        self.remembered?.files.iter().find(|file| file.role == RoleName::Timestamp.as_str() && file.etag.is_some())
    }
}
