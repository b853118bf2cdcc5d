//! What is in the repositories: links to blobs, tags and uploads. Manifests are beside it.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;
use wharfinger_identity::AccountId;
use wharfinger_oci::{Digest, Repository, Tag};
use wharfinger_storage::blobs::UploadId;
use wharfinger_storage::repositories::{
    BlobLink, Content, ManifestDeletion, ManifestPut, ManifestRecord, ManifestSelector, NewManifest, TagDeletion, TagRecord,
    Unlinking, Upload,
};
use wharfinger_storage::{Result, StorageError};

use super::manifests;
use super::stored::{nanoseconds, parsed, size_of, time_of};
use crate::{Sql, failed};

#[async_trait]
impl Content for Sql {
    async fn link_blob(&self, name: &Repository, blob: &BlobLink, now: OffsetDateTime) -> Result<bool> {
        let size = i64::try_from(blob.size).map_err(|_| StorageError::Damaged("a blob of more than 8 EiB".to_owned()))?;
        let mut transaction = self.write().await?;
        if super::found(&mut *transaction, name).await?.is_none() {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO blob_links (repository, digest, size, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (repository, digest) DO NOTHING",
        )
        .bind(name.as_str())
        .bind(blob.digest.as_str())
        .bind(size)
        .bind(nanoseconds(now)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn mount_blob(
        &self,
        from: &Repository,
        to: &Repository,
        digest: &Digest,
        now: OffsetDateTime,
    ) -> Result<Option<BlobLink>> {
        let mut transaction = self.write().await?;
        if super::found(&mut *transaction, to).await?.is_none() {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO blob_links (repository, digest, size, created_at)
             SELECT $2, digest, size, $4 FROM blob_links WHERE repository = $1 AND digest = $3
             ON CONFLICT (repository, digest) DO NOTHING",
        )
        .bind(from.as_str())
        .bind(to.as_str())
        .bind(digest.as_str())
        .bind(nanoseconds(now)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let mounted = sqlx::query(
            "SELECT digest, size FROM blob_links WHERE repository = $1 AND digest = $2
             AND EXISTS (SELECT 1 FROM blob_links WHERE repository = $3 AND digest = $2)",
        )
        .bind(to.as_str())
        .bind(digest.as_str())
        .bind(from.as_str())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        mounted.as_ref().map(link).transpose()
    }

    async fn blob(&self, name: &Repository, digest: &Digest) -> Result<Option<BlobLink>> {
        sqlx::query("SELECT digest, size FROM blob_links WHERE repository = $1 AND digest = $2")
            .bind(name.as_str())
            .bind(digest.as_str())
            .fetch_optional(self.read())
            .await
            .map_err(failed)?
            .as_ref()
            .map(link)
            .transpose()
    }

    async fn unlink_blob(&self, name: &Repository, digest: &Digest) -> Result<Unlinking> {
        let mut transaction = self.write().await?;
        if let Some(user) = manifests::needing(&mut transaction, name, "blob", digest).await? {
            return Ok(Unlinking::InUse(user));
        }
        let gone = sqlx::query("DELETE FROM blob_links WHERE repository = $1 AND digest = $2")
            .bind(name.as_str())
            .bind(digest.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?
            .rows_affected();
        transaction.commit().await.map_err(failed)?;
        Ok(if gone == 1 { Unlinking::Removed } else { Unlinking::Absent })
    }

    async fn blob_is_linked(&self, digest: &Digest) -> Result<bool> {
        let linked = sqlx::query("SELECT 1 FROM blob_links WHERE digest = $1 LIMIT 1")
            .bind(digest.as_str())
            .fetch_optional(self.read())
            .await
            .map_err(failed)?;
        Ok(linked.is_some())
    }

    async fn put_manifest(&self, manifest: &NewManifest) -> Result<ManifestPut> {
        manifests::put(self, manifest).await
    }

    async fn manifest(&self, name: &Repository, selector: &ManifestSelector) -> Result<Option<ManifestRecord>> {
        manifests::select(self, name, selector).await
    }

    async fn delete_manifest(&self, name: &Repository, digest: &Digest) -> Result<ManifestDeletion> {
        manifests::delete(self, name, digest).await
    }

    async fn delete_tag(&self, name: &Repository, tag: &Tag, digest: &Digest) -> Result<TagDeletion> {
        let mut transaction = self.write().await?;
        let stands_on = manifests::tagged(&mut transaction, name, tag).await?;
        match stands_on {
            None => return Ok(TagDeletion::Absent),
            Some(other) if other != *digest => return Ok(TagDeletion::Moved(other)),
            Some(_) => {}
        }
        sqlx::query("DELETE FROM tags WHERE repository = $1 AND name = $2")
            .bind(name.as_str())
            .bind(tag.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(TagDeletion::Removed)
    }

    async fn tag(&self, name: &Repository, tag: &Tag) -> Result<Option<TagRecord>> {
        sqlx::query("SELECT name, digest, author, created_at, updated_at FROM tags WHERE repository = $1 AND name = $2")
            .bind(name.as_str())
            .bind(tag.as_str())
            .fetch_optional(self.read())
            .await
            .map_err(failed)?
            .as_ref()
            .map(tag_record)
            .transpose()
    }

    async fn tags(&self, name: &Repository, after: Option<&str>, limit: u32) -> Result<Vec<TagRecord>> {
        sqlx::query(
            "SELECT name, digest, author, created_at, updated_at FROM tags
             WHERE repository = $1 AND name > $2 ORDER BY name LIMIT $3",
        )
        .bind(name.as_str())
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await
        .map_err(failed)?
        .iter()
        .map(tag_record)
        .collect()
    }

    async fn tag_count(&self, name: &Repository) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tags WHERE repository = $1")
            .bind(name.as_str())
            .fetch_one(self.read())
            .await
            .map_err(failed)?;
        Ok(count.unsigned_abs())
    }

    async fn referrers(&self, name: &Repository, subject: &Digest) -> Result<Vec<ManifestRecord>> {
        manifests::referrers(self, name, subject).await
    }

    async fn begin_upload(&self, upload: &Upload) -> Result<bool> {
        let mut transaction = self.write().await?;
        if super::found(&mut *transaction, &upload.repository).await?.is_none() {
            return Ok(false);
        }
        sqlx::query("INSERT INTO uploads (id, repository, account, started_at) VALUES ($1, $2, $3, $4)")
            .bind(upload.id.to_string())
            .bind(upload.repository.as_str())
            .bind(upload.account.as_str())
            .bind(nanoseconds(upload.started_at)?)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn upload(&self, id: &UploadId) -> Result<Option<Upload>> {
        sqlx::query("SELECT id, repository, account, started_at FROM uploads WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.read())
            .await
            .map_err(failed)?
            .as_ref()
            .map(upload_record)
            .transpose()
    }

    async fn end_upload(&self, id: &UploadId) -> Result<()> {
        let mut transaction = self.write().await?;
        sqlx::query("DELETE FROM uploads WHERE id = $1").bind(id.to_string()).execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn uploads_before(&self, before: OffsetDateTime) -> Result<Vec<Upload>> {
        sqlx::query("SELECT id, repository, account, started_at FROM uploads WHERE started_at < $1 ORDER BY started_at")
            .bind(nanoseconds(before)?)
            .fetch_all(self.read())
            .await
            .map_err(failed)?
            .iter()
            .map(upload_record)
            .collect()
    }
}

fn link(row: &SqliteRow) -> Result<BlobLink> {
    Ok(BlobLink { digest: parsed(row, "digest")?, size: size_of(row, "size")? })
}

fn tag_record(row: &SqliteRow) -> Result<TagRecord> {
    Ok(TagRecord {
        name: parsed(row, "name")?,
        digest: parsed(row, "digest")?,
        author: row.try_get("author").map_err(failed)?,
        created_at: time_of(row, "created_at")?,
        updated_at: time_of(row, "updated_at")?,
    })
}

fn upload_record(row: &SqliteRow) -> Result<Upload> {
    Ok(Upload {
        id: parsed(row, "id")?,
        repository: parsed(row, "repository")?,
        account: AccountId::stored(row.try_get::<String, _>("account").map_err(failed)?),
        started_at: time_of(row, "started_at")?,
    })
}
