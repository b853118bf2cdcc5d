//! What was seen of trust data, in SQL. One transaction compares and takes in a whole walk.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use time::OffsetDateTime;
use wharfinger_storage::memory::{
    Proven, Remembered, RememberedFile, RememberedSigning, Remembering, SeenElsewhere, TrustMemory,
};
use wharfinger_storage::{Result, StorageError};

use crate::{Sql, failed};

#[cfg(test)]
mod tests;

type Tx = Transaction<'static, Sqlite>;

#[async_trait]
impl TrustMemory for Sql {
    async fn recall(&self, gun: &str) -> Result<Option<Remembered>> {
        let select = "SELECT role, version, statement, bytes, etag FROM trust_files WHERE gun = $1 ORDER BY role";
        let files = sqlx::query(select).bind(gun).fetch_all(self.read()).await.map_err(failed)?;
        let select = "SELECT role, version FROM trust_versions WHERE gun = $1 ORDER BY role";
        let versions = sqlx::query(select).bind(gun).fetch_all(self.read()).await.map_err(failed)?;
        let select = "SELECT role, key_id, version, expires FROM trust_signings WHERE gun = $1 ORDER BY role, key_id";
        let signings = sqlx::query(select).bind(gun).fetch_all(self.read()).await.map_err(failed)?;
        if versions.is_empty() {
            return Ok(None);
        }
        Ok(Some(Remembered {
            files: files.iter().map(file).collect::<Result<_>>()?,
            versions: versions.iter().map(|row| Ok((text(row, "role")?, number(row, "version")?))).collect::<Result<_>>()?,
            signings: signings.iter().map(signing).collect::<Result<_>>()?,
        }))
    }

    async fn remember(
        &self,
        gun: &str,
        files: &[RememberedFile],
        signings: &[RememberedSigning],
        recalled: bool,
    ) -> Result<Remembering> {
        let mut tx = self.write().await?;
        if recalled {
            let select = "SELECT COUNT(*) FROM trust_versions WHERE gun = $1";
            let known: i64 = sqlx::query_scalar(select).bind(gun).fetch_one(&mut *tx).await.map_err(failed)?;
            if known == 0 {
                return Ok(Remembering::Forgotten);
            }
        }
        sqlx::query("DELETE FROM trust_files WHERE gun = $1").bind(gun).execute(&mut *tx).await.map_err(failed)?;
        // All are compared with earlier walks before any is taken in: a signer's file and the releases made in one moment may be the
        // same statement, and neither is a replay of the other. Dropping the transaction undoes it all.
        for file in files {
            if let Some(refusal) = refuse(&mut tx, gun, file).await? {
                return Ok(refusal);
            }
        }
        for file in files {
            take_in(&mut tx, gun, file).await?;
        }
        for signing in signings {
            take_in_signing(&mut tx, gun, signing).await?;
        }
        tx.commit().await.map_err(failed)?;
        Ok(Remembering::Done)
    }

    async fn guns(&self) -> Result<Vec<String>> {
        let rows =
            sqlx::query("SELECT DISTINCT gun FROM trust_versions ORDER BY gun").fetch_all(self.read()).await.map_err(failed)?;
        rows.iter().map(|row| text(row, "gun")).collect()
    }

    async fn forget(&self, gun: &str) -> Result<bool> {
        let mut tx = self.write().await?;
        let mut forgotten = 0;
        for statement in [
            "DELETE FROM trust_files WHERE gun = $1",
            "DELETE FROM trust_versions WHERE gun = $1",
            "DELETE FROM trust_signings WHERE gun = $1",
        ] {
            forgotten += sqlx::query(statement).bind(gun).execute(&mut *tx).await.map_err(failed)?.rows_affected();
        }
        sqlx::query("DELETE FROM trust_proven WHERE gun = $1").bind(gun).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(forgotten > 0)
    }

    async fn prove(&self, proven: &Proven) -> Result<()> {
        let mut tx = self.write().await?;
        let upsert = "INSERT INTO trust_proven (image, gun, policy, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (image) DO UPDATE SET gun = $2, policy = $3, at = $4";
        sqlx::query(upsert)
            .bind(&proven.image)
            .bind(&proven.gun)
            .bind(proven.policy)
            .bind(nanos(proven.at))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        let old = nanos(proven.at - time::Duration::days(7));
        sqlx::query("DELETE FROM trust_proven WHERE at < $1").bind(old).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    async fn proven(&self, image: &str) -> Result<Option<Proven>> {
        let select = "SELECT image, gun, policy, at FROM trust_proven WHERE image = $1";
        let found = sqlx::query(select).bind(image).fetch_optional(self.read()).await.map_err(failed)?;
        found.as_ref().map(proven).transpose()
    }

    async fn disprove(&self, gun: &str) -> Result<()> {
        let select = "SELECT COUNT(*) FROM trust_proven WHERE gun = $1";
        let count: i64 = sqlx::query_scalar(select).bind(gun).fetch_one(self.read()).await.map_err(failed)?;
        if count == 0 {
            return Ok(());
        }
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM trust_proven WHERE gun = $1").bind(gun).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}

/// Only targets and delegations name neither their GUN nor their role, so only their statements can be replayed.
fn is_portable(role: &str) -> bool {
    role == "targets" || role.starts_with("targets/")
}

async fn refuse(tx: &mut Tx, gun: &str, file: &RememberedFile) -> Result<Option<Remembering>> {
    let select = "SELECT version FROM trust_versions WHERE gun = $1 AND role = $2 AND version > $3";
    let newer = sqlx::query(select).bind(gun).bind(&file.role).bind(signed(file.version)?);
    if let Some(row) = newer.fetch_optional(&mut **tx).await.map_err(failed)? {
        return Ok(Some(Remembering::Older { role: file.role.clone(), known: number(&row, "version")? }));
    }
    if !is_portable(&file.role) {
        return Ok(None);
    }
    let select = "SELECT gun, role FROM trust_statements WHERE statement = $1
         AND NOT EXISTS (SELECT 1 FROM trust_statements WHERE statement = $1 AND gun = $2 AND role = $3)
         ORDER BY gun, role LIMIT 1";
    let elsewhere = sqlx::query(select).bind(file.statement.as_slice()).bind(gun).bind(&file.role);
    match elsewhere.fetch_optional(&mut **tx).await.map_err(failed)? {
        Some(row) => Ok(Some(Remembering::Replayed(SeenElsewhere {
            role: file.role.clone(),
            earlier_gun: text(&row, "gun")?,
            earlier_role: text(&row, "role")?,
        }))),
        None => Ok(None),
    }
}

async fn take_in(tx: &mut Tx, gun: &str, file: &RememberedFile) -> Result<()> {
    let insert = "INSERT INTO trust_files (gun, role, version, statement, bytes, etag) VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(insert)
        .bind(gun)
        .bind(&file.role)
        .bind(signed(file.version)?)
        .bind(file.statement.as_slice())
        .bind(&file.bytes)
        .bind(&file.etag)
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
    let upsert = "INSERT INTO trust_versions (gun, role, version) VALUES ($1, $2, $3)
         ON CONFLICT (gun, role) DO UPDATE SET version = $3";
    sqlx::query(upsert).bind(gun).bind(&file.role).bind(signed(file.version)?).execute(&mut **tx).await.map_err(failed)?;
    if is_portable(&file.role) {
        let insert = "INSERT INTO trust_statements (statement, gun, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        sqlx::query(insert)
            .bind(file.statement.as_slice())
            .bind(gun)
            .bind(&file.role)
            .execute(&mut **tx)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn take_in_signing(tx: &mut Tx, gun: &str, signing: &RememberedSigning) -> Result<()> {
    let upsert = "INSERT INTO trust_signings (gun, role, key_id, version, expires) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (gun, role, key_id) DO UPDATE SET version = $4, expires = $5";
    sqlx::query(upsert)
        .bind(gun)
        .bind(&signing.role)
        .bind(&signing.key)
        .bind(signed(signing.version)?)
        .bind(nanos(signing.expires))
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
    Ok(())
}

fn signed(version: u64) -> Result<i64> {
    i64::try_from(version).map_err(StorageError::unavailable)
}

fn nanos(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos()).unwrap_or(i64::MAX)
}

fn instant(row: &SqliteRow, column: &str) -> Result<OffsetDateTime> {
    let nanos: i64 = row.try_get(column).map_err(failed)?;
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanos));
    time.map_err(|_| StorageError::Damaged("a time is out of range".to_owned()))
}

fn text(row: &SqliteRow, column: &str) -> Result<String> {
    row.try_get(column).map_err(failed)
}

fn number(row: &SqliteRow, column: &str) -> Result<u64> {
    let number: i64 = row.try_get(column).map_err(failed)?;
    u64::try_from(number).map_err(|_| StorageError::Damaged(format!("{column} is negative")))
}

fn file(row: &SqliteRow) -> Result<RememberedFile> {
    let statement: Vec<u8> = row.try_get("statement").map_err(failed)?;
    Ok(RememberedFile {
        role: text(row, "role")?,
        version: number(row, "version")?,
        statement: statement.try_into().map_err(|_| StorageError::Damaged("a statement is not 32 bytes".to_owned()))?,
        bytes: row.try_get("bytes").map_err(failed)?,
        etag: row.try_get("etag").map_err(failed)?,
    })
}

fn signing(row: &SqliteRow) -> Result<RememberedSigning> {
    Ok(RememberedSigning {
        role: text(row, "role")?,
        key: text(row, "key_id")?,
        version: number(row, "version")?,
        expires: instant(row, "expires")?,
    })
}

fn proven(row: &SqliteRow) -> Result<Proven> {
    Ok(Proven {
        gun: text(row, "gun")?,
        image: text(row, "image")?,
        policy: row.try_get("policy").map_err(failed)?,
        at: instant(row, "at")?,
    })
}
