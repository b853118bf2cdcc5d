//! Manifests, what they need, and the tags set with them: one transaction each.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use wharfinger_oci::{Digest, Repository, Tag};
use wharfinger_storage::Result;
use wharfinger_storage::repositories::{ManifestDeletion, ManifestPut, ManifestRecord, ManifestSelector, NewManifest};

use super::stored::{nanoseconds, parsed};
use crate::{Sql, failed};

pub(super) async fn put(sql: &Sql, manifest: &NewManifest) -> Result<ManifestPut> {
    let mut transaction = sql.write().await?;
    let Some(repository) = super::found(&mut *transaction, &manifest.repository).await? else {
        return Ok(ManifestPut::NoRepository);
    };
    let missing = missing(&mut transaction, manifest).await?;
    if !missing.is_empty() {
        return Ok(ManifestPut::Missing(missing));
    }
    if let Some(tag) = manifest.tag.as_ref().filter(|_| repository.immutable_tags) {
        match tagged(&mut transaction, &manifest.repository, tag).await? {
            Some(other) if other != manifest.digest => return Ok(ManifestPut::Immutable(other)),
            _ => {}
        }
    }
    insert(&mut transaction, manifest).await?;
    if let Some(tag) = &manifest.tag {
        sqlx::query(
            "INSERT INTO tags (repository, name, digest, author, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
             ON CONFLICT (repository, name) DO UPDATE
             SET digest = excluded.digest, author = excluded.author, updated_at = excluded.updated_at",
        )
        .bind(manifest.repository.as_str())
        .bind(tag.as_str())
        .bind(manifest.digest.as_str())
        .bind(&manifest.author)
        .bind(nanoseconds(manifest.now)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(ManifestPut::Stored)
}

async fn missing(transaction: &mut Transaction<'static, Sqlite>, manifest: &NewManifest) -> Result<Vec<Digest>> {
    let mut missing = Vec::new();
    let blobs = (&manifest.blobs, "SELECT 1 FROM blob_links WHERE repository = $1 AND digest = $2");
    let manifests = (&manifest.manifests, "SELECT 1 FROM manifests WHERE repository = $1 AND digest = $2");
    for (digests, select) in [blobs, manifests] {
        for digest in digests {
            let there = sqlx::query(select)
                .bind(manifest.repository.as_str())
                .bind(digest.as_str())
                .fetch_optional(&mut **transaction)
                .await
                .map_err(failed)?;
            if there.is_none() {
                missing.push(digest.clone());
            }
        }
    }
    Ok(missing)
}

async fn insert(transaction: &mut Transaction<'static, Sqlite>, manifest: &NewManifest) -> Result<()> {
    // The digest names these very bytes: a manifest that is there already is the same one.
    sqlx::query(
        "INSERT INTO manifests (repository, digest, media_type, content, subject, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (repository, digest) DO NOTHING",
    )
    .bind(manifest.repository.as_str())
    .bind(manifest.digest.as_str())
    .bind(&manifest.media_type)
    .bind(&manifest.content)
    .bind(manifest.subject.as_ref().map(Digest::as_str))
    .bind(nanoseconds(manifest.now)?)
    .execute(&mut **transaction)
    .await
    .map_err(failed)?;
    for (kind, digests) in [("blob", &manifest.blobs), ("manifest", &manifest.manifests)] {
        for digest in digests {
            sqlx::query(
                "INSERT INTO manifest_needs (repository, manifest, kind, digest) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (repository, manifest, kind, digest) DO NOTHING",
            )
            .bind(manifest.repository.as_str())
            .bind(manifest.digest.as_str())
            .bind(kind)
            .bind(digest.as_str())
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
        }
    }
    Ok(())
}

pub(super) async fn select(sql: &Sql, name: &Repository, selector: &ManifestSelector) -> Result<Option<ManifestRecord>> {
    let (select, by) = match selector {
        ManifestSelector::Digest(digest) => {
            ("SELECT digest, media_type, content FROM manifests WHERE repository = $1 AND digest = $2", digest.as_str())
        }
        ManifestSelector::Tag(tag) => (
            "SELECT manifests.digest AS digest, media_type, content FROM manifests JOIN tags
             ON tags.repository = manifests.repository AND tags.digest = manifests.digest
             WHERE tags.repository = $1 AND tags.name = $2",
            tag.as_str(),
        ),
    };
    sqlx::query(select)
        .bind(name.as_str())
        .bind(by)
        .fetch_optional(sql.read())
        .await
        .map_err(failed)?
        .as_ref()
        .map(record)
        .transpose()
}

pub(super) async fn referrers(sql: &Sql, name: &Repository, subject: &Digest) -> Result<Vec<ManifestRecord>> {
    sqlx::query("SELECT digest, media_type, content FROM manifests WHERE repository = $1 AND subject = $2 ORDER BY digest")
        .bind(name.as_str())
        .bind(subject.as_str())
        .fetch_all(sql.read())
        .await
        .map_err(failed)?
        .iter()
        .map(record)
        .collect()
}

pub(super) async fn delete(sql: &Sql, name: &Repository, digest: &Digest) -> Result<ManifestDeletion> {
    let mut transaction = sql.write().await?;
    if let Some(index) = needing(&mut transaction, name, "manifest", digest).await? {
        return Ok(ManifestDeletion::InUse(index));
    }
    let tags = sqlx::query("SELECT name FROM tags WHERE repository = $1 AND digest = $2 ORDER BY name")
        .bind(name.as_str())
        .bind(digest.as_str())
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?
        .iter()
        .map(|row| parsed(row, "name"))
        .collect::<Result<Vec<Tag>>>()?;
    let gone = sqlx::query("DELETE FROM manifests WHERE repository = $1 AND digest = $2")
        .bind(name.as_str())
        .bind(digest.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?
        .rows_affected();
    transaction.commit().await.map_err(failed)?;
    Ok(if gone == 1 { ManifestDeletion::Removed(tags) } else { ManifestDeletion::Absent })
}

/// A manifest of the repository that needs the blob or manifest `digest`.
pub(super) async fn needing(
    transaction: &mut Transaction<'static, Sqlite>,
    name: &Repository,
    kind: &str,
    digest: &Digest,
) -> Result<Option<Digest>> {
    sqlx::query("SELECT manifest FROM manifest_needs WHERE repository = $1 AND kind = $2 AND digest = $3 LIMIT 1")
        .bind(name.as_str())
        .bind(kind)
        .bind(digest.as_str())
        .fetch_optional(&mut **transaction)
        .await
        .map_err(failed)?
        .map(|row| parsed(&row, "manifest"))
        .transpose()
}

/// The digest a tag stands on.
pub(super) async fn tagged(
    transaction: &mut Transaction<'static, Sqlite>,
    name: &Repository,
    tag: &Tag,
) -> Result<Option<Digest>> {
    sqlx::query("SELECT digest FROM tags WHERE repository = $1 AND name = $2")
        .bind(name.as_str())
        .bind(tag.as_str())
        .fetch_optional(&mut **transaction)
        .await
        .map_err(failed)?
        .map(|row| parsed(&row, "digest"))
        .transpose()
}

fn record(row: &SqliteRow) -> Result<ManifestRecord> {
    Ok(ManifestRecord {
        digest: parsed(row, "digest")?,
        media_type: row.try_get("media_type").map_err(failed)?,
        content: row.try_get("content").map_err(failed)?,
    })
}
