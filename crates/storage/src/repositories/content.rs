//! What is in the repositories: manifests, tags, which blobs may be read where, and the uploads under way.
//!
//! A blob's bytes are stored once ([`crate::blobs`]); a link here is what makes them part of a repository.

use async_trait::async_trait;
use time::OffsetDateTime;
use wharfinger_identity::AccountId;
use wharfinger_oci::{Digest, Repository, Tag};

use crate::Result;
use crate::blobs::UploadId;

/// A blob as part of a repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlobLink {
    pub digest: Digest,
    pub size: u64,
}

/// An upload under way. It belongs to one repository and one account for its whole life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    pub id: UploadId,
    pub repository: Repository,
    pub account: AccountId,
    pub started_at: OffsetDateTime,
}

/// A manifest to be stored, already checked by the door: `content` has this digest and media type, and these are its references.
#[derive(Clone, Debug)]
pub struct NewManifest {
    pub repository: Repository,
    pub digest: Digest,
    pub media_type: String,
    /// The bytes as received.
    pub content: Vec<u8>,
    /// Config and layers: blobs that must be linked in this repository.
    pub blobs: Vec<Digest>,
    /// Children of an index: manifests that must be in this repository.
    pub manifests: Vec<Digest>,
    /// OCI `subject`; it need not exist.
    pub subject: Option<Digest>,
    /// The tag to set to this manifest.
    pub tag: Option<Tag>,
    /// Name of the account that pushed.
    pub author: String,
    pub now: OffsetDateTime,
}

/// What became of [`Content::put_manifest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ManifestPut {
    Stored,
    /// Nothing was stored: these are not in the repository.
    Missing(Vec<Digest>),
    /// Nothing was stored: the repository's tags are immutable and this one stands on another digest.
    Immutable(Digest),
    /// Nothing was stored: there is no such repository.
    NoRepository,
}

#[derive(Clone, Debug)]
pub enum ManifestSelector {
    Tag(Tag),
    Digest(Digest),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestRecord {
    pub digest: Digest,
    pub media_type: String,
    pub content: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagRecord {
    pub name: Tag,
    pub digest: Digest,
    /// Who pushed it last.
    pub author: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unlinking {
    Removed,
    Absent,
    /// Kept: this manifest of the repository needs the blob.
    InUse(Digest),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TagDeletion {
    Removed,
    Absent,
    /// Kept: it stands on this digest now, not on the one it was decided about.
    Moved(Digest),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ManifestDeletion {
    /// Gone, with these tags.
    Removed(Vec<Tag>),
    Absent,
    /// Kept: this index of the repository needs the manifest.
    InUse(Digest),
}

/// What is in the repositories.
#[async_trait]
pub trait Content: Send + Sync {
    /// Makes a stored blob part of a repository. `false`: there is no such repository.
    async fn link_blob(&self, name: &Repository, blob: &BlobLink, now: OffsetDateTime) -> Result<bool>;

    /// Makes a blob of `from` part of `to`. `None`: it is not in `from`, or one of them does not exist.
    async fn mount_blob(
        &self,
        from: &Repository,
        to: &Repository,
        digest: &Digest,
        now: OffsetDateTime,
    ) -> Result<Option<BlobLink>>;

    async fn blob(&self, name: &Repository, digest: &Digest) -> Result<Option<BlobLink>>;

    async fn unlink_blob(&self, name: &Repository, digest: &Digest) -> Result<Unlinking>;

    /// Whether any repository has this blob.
    async fn blob_is_linked(&self, digest: &Digest) -> Result<bool>;

    /// Stores a manifest and sets its tag, if everything it refers to is in the repository.
    async fn put_manifest(&self, manifest: &NewManifest) -> Result<ManifestPut>;

    async fn manifest(&self, name: &Repository, selector: &ManifestSelector) -> Result<Option<ManifestRecord>>;

    /// Removes a manifest and the tags that stand on it.
    async fn delete_manifest(&self, name: &Repository, digest: &Digest) -> Result<ManifestDeletion>;

    /// Removes a tag that stands on `digest`; its manifest stays.
    async fn delete_tag(&self, name: &Repository, tag: &Tag, digest: &Digest) -> Result<TagDeletion>;

    async fn tag(&self, name: &Repository, tag: &Tag) -> Result<Option<TagRecord>>;

    /// Up to `limit` tags in byte order of their names, after the name `after`.
    async fn tags(&self, name: &Repository, after: Option<&str>, limit: u32) -> Result<Vec<TagRecord>>;

    /// How many tags there are.
    async fn tag_count(&self, name: &Repository) -> Result<u64>;

    /// The manifests of this repository whose `subject` is `digest`, in order of digest.
    async fn referrers(&self, name: &Repository, subject: &Digest) -> Result<Vec<ManifestRecord>>;

    /// `false`: there is no such repository.
    async fn begin_upload(&self, upload: &Upload) -> Result<bool>;

    async fn upload(&self, id: &UploadId) -> Result<Option<Upload>>;

    async fn end_upload(&self, id: &UploadId) -> Result<()>;

    /// Uploads that began before `before`.
    async fn uploads_before(&self, before: OffsetDateTime) -> Result<Vec<Upload>>;
}
