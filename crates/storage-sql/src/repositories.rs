//! The directory of repositories, in SQL; what is in them is beside it.

mod content;
mod manifests;
mod stored;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, QueryBuilder, Row, Sqlite, Transaction};
use time::OffsetDateTime;
use wharfinger_identity::{AccountId, TeamId};
use wharfinger_oci::Repository;
use wharfinger_storage::repositories::{
    AccessLevel, Reader, Repositories, RepositoryChange, RepositoryRecord, Scope, Visibility,
};
use wharfinger_storage::{Result, StorageError};

use self::stored::{nanoseconds, parsed, time_of};
use crate::{Sql, failed};

/// The beginning of one way to be allowed to read.
const WAY: &str = "SELECT name FROM (SELECT name FROM repositories WHERE ";

/// Namespaces whose every repository one of some teams may read.
const GRANTED: &str = "SELECT namespace FROM namespace_team_access WHERE team IN (";

#[async_trait]
impl Repositories for Sql {
    async fn create(&self, record: &RepositoryRecord) -> Result<bool> {
        let mut transaction = self.write().await?;
        let made = sqlx::query(
            "INSERT INTO repositories (name, namespace, owner, visibility, short_description, long_description,
             immutable_tags, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(record.name.as_str())
        .bind(record.name.namespace())
        .bind(record.owner.as_ref().map(AccountId::as_str))
        .bind(record.visibility.as_str())
        .bind(&record.short_description)
        .bind(&record.long_description)
        .bind(i64::from(record.immutable_tags))
        .bind(nanoseconds(record.created_at)?)
        .bind(nanoseconds(record.updated_at)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?
        .rows_affected();
        transaction.commit().await.map_err(failed)?;
        Ok(made == 1)
    }

    async fn find(&self, name: &Repository) -> Result<Option<RepositoryRecord>> {
        found(self.read(), name).await
    }

    async fn list(&self, namespace: Option<&str>, after: Option<&str>, limit: u32) -> Result<Vec<RepositoryRecord>> {
        let select = match namespace {
            Some(_) => {
                "SELECT name, owner, visibility, short_description, long_description, immutable_tags, created_at, updated_at
                 FROM repositories WHERE name > $1 AND namespace = $3 ORDER BY name LIMIT $2"
            }
            None => {
                "SELECT name, owner, visibility, short_description, long_description, immutable_tags, created_at, updated_at
                 FROM repositories WHERE name > $1 ORDER BY name LIMIT $2"
            }
        };
        let mut query = sqlx::query(select).bind(after.unwrap_or_default()).bind(i64::from(limit));
        if let Some(namespace) = namespace {
            query = query.bind(namespace);
        }
        query.fetch_all(self.read()).await.map_err(failed)?.iter().map(record).collect()
    }

    async fn readable(&self, reader: &Reader, words: &str, after: Option<&str>, limit: u32) -> Result<Vec<RepositoryRecord>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT name, owner, visibility, short_description, long_description, immutable_tags, created_at, updated_at
             FROM repositories WHERE ",
        );
        // Each way to be allowed is followed by its own index, no further than to the end of the page. Every name on the way stands
        // in that index: only what is found is looked up, however much was passed over.
        let page = |query: &mut QueryBuilder<Sqlite>| {
            query.push("name > ").push_bind(after.unwrap_or_default().to_owned());
            if !words.is_empty() {
                query.push(" AND instr(name, ").push_bind(words.to_owned()).push(") > 0");
            }
            query.push(" ORDER BY name LIMIT ").push_bind(i64::from(limit));
        };
        query.push("name IN (").push(WAY);
        if let Reader::Of { owners, teams } = reader {
            query.push("visibility = ").push_bind(Visibility::Public.as_str()).push(" AND ");
            page(&mut query);
            if !owners.is_empty() {
                query.push(") UNION ").push(WAY).push("owner IN (");
                one_of(&mut query, owners.iter().map(AccountId::as_str));
                query.push(" AND ");
                page(&mut query);
            }
            if !teams.is_empty() {
                let teams = || teams.iter().map(TeamId::as_str);
                query.push(") UNION ").push(WAY).push("name IN (SELECT repository FROM repository_team_access WHERE team IN (");
                one_of(&mut query, teams());
                query.push(") AND ");
                page(&mut query);
                // The page ends at the latest where that of any one namespace ends: nothing behind it is read and sorted.
                query.push(") UNION ").push(WAY).push("namespace IN (").push(GRANTED);
                one_of(&mut query, teams());
                query.push(") AND name <= COALESCE((SELECT MIN(n) FROM (SELECT (SELECT name FROM repositories WHERE ");
                query.push("namespace = g.namespace AND ");
                page(&mut query);
                query.push(" OFFSET ").push_bind(i64::from(limit) - 1).push(") AS n FROM (").push(GRANTED);
                one_of(&mut query, teams());
                query.push(") AS g)), ").push_bind(char::MAX.to_string()).push(") AND ");
                page(&mut query);
            }
        } else {
            page(&mut query);
        }
        query.push(")) ORDER BY name LIMIT ").push_bind(i64::from(limit));
        query.build().fetch_all(self.read()).await.map_err(failed)?.iter().map(record).collect()
    }

    async fn change(
        &self,
        name: &Repository,
        change: &RepositoryChange,
        now: OffsetDateTime,
    ) -> Result<Option<RepositoryRecord>> {
        let mut transaction = self.write().await?;
        sqlx::query(
            "UPDATE repositories SET visibility = COALESCE($2, visibility),
             short_description = COALESCE($3, short_description), long_description = COALESCE($4, long_description),
             immutable_tags = COALESCE($5, immutable_tags), updated_at = $6 WHERE name = $1",
        )
        .bind(name.as_str())
        .bind(change.visibility.map(Visibility::as_str))
        .bind(change.short_description.as_deref())
        .bind(change.long_description.as_deref())
        .bind(change.immutable_tags.map(i64::from))
        .bind(nanoseconds(now)?)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if change.visibility.is_some() {
            fewer_readers(&mut transaction).await?;
        }
        let changed = found(&mut *transaction, name).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(changed)
    }

    async fn delete(&self, name: &Repository) -> Result<bool> {
        let mut transaction = self.write().await?;
        let gone = sqlx::query("DELETE FROM repositories WHERE name = $1")
            .bind(name.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?
            .rows_affected();
        if gone == 1 {
            fewer_readers(&mut transaction).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(gone == 1)
    }

    async fn team_access(&self, name: &Repository) -> Result<Vec<(TeamId, AccessLevel)>> {
        sqlx::query(
            "SELECT team, level FROM repository_team_access WHERE repository = $1
             UNION ALL SELECT team, level FROM namespace_team_access WHERE namespace = $2",
        )
        .bind(name.as_str())
        .bind(name.namespace())
        .fetch_all(self.read())
        .await
        .map_err(failed)?
        .iter()
        .map(access)
        .collect()
    }

    async fn grants(&self, scope: &Scope) -> Result<Vec<(TeamId, AccessLevel)>> {
        let (select, on) = match scope {
            Scope::Repository(name) => {
                ("SELECT team, level FROM repository_team_access WHERE repository = $1 ORDER BY team", name.as_str())
            }
            Scope::Namespace(name) => {
                ("SELECT team, level FROM namespace_team_access WHERE namespace = $1 ORDER BY team", name.as_str())
            }
        };
        sqlx::query(select).bind(on).fetch_all(self.read()).await.map_err(failed)?.iter().map(access).collect()
    }

    async fn administered_namespaces(&self, teams: &[TeamId]) -> Result<Vec<String>> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT DISTINCT namespace FROM namespace_team_access WHERE level = ");
        query.push_bind(AccessLevel::Admin.as_str()).push(" AND team IN (");
        one_of(&mut query, teams.iter().map(TeamId::as_str));
        let rows = query.build().fetch_all(self.read()).await.map_err(failed)?;
        rows.iter().map(|row| row.try_get("namespace").map_err(failed)).collect()
    }

    async fn grant(&self, scope: &Scope, team: &TeamId, level: AccessLevel) -> Result<bool> {
        let mut transaction = self.write().await?;
        let (insert, on) = match scope {
            Scope::Repository(name) => {
                if found(&mut *transaction, name).await?.is_none() {
                    return Ok(false);
                }
                let insert = "INSERT INTO repository_team_access (repository, team, level) VALUES ($1, $2, $3)
                              ON CONFLICT (repository, team) DO UPDATE SET level = excluded.level";
                (insert, name.as_str())
            }
            Scope::Namespace(name) => {
                let insert = "INSERT INTO namespace_team_access (namespace, team, level) VALUES ($1, $2, $3)
                              ON CONFLICT (namespace, team) DO UPDATE SET level = excluded.level";
                (insert, name.as_str())
            }
        };
        sqlx::query(insert).bind(on).bind(team.as_str()).bind(level.as_str()).execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn revoke(&self, scope: &Scope, team: &TeamId) -> Result<bool> {
        let (delete, on) = match scope {
            Scope::Repository(name) => ("DELETE FROM repository_team_access WHERE repository = $1 AND team = $2", name.as_str()),
            Scope::Namespace(name) => ("DELETE FROM namespace_team_access WHERE namespace = $1 AND team = $2", name.as_str()),
        };
        let mut transaction = self.write().await?;
        let gone =
            sqlx::query(delete).bind(on).bind(team.as_str()).execute(&mut *transaction).await.map_err(failed)?.rows_affected();
        if gone == 1 {
            fewer_readers(&mut transaction).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(gone == 1)
    }

    async fn revision(&self) -> Result<u64> {
        let revision: i64 = sqlx::query_scalar("SELECT revision FROM repository_readers WHERE id = 1")
            .fetch_one(self.read())
            .await
            .map_err(failed)?;
        u64::try_from(revision).map_err(|_| StorageError::Damaged("the revision of readers is negative".to_owned()))
    }
}

/// The rest of `IN (`.
fn one_of<'a>(query: &mut QueryBuilder<Sqlite>, values: impl Iterator<Item = &'a str>) {
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value.to_owned());
    }
    query.push(")");
}

async fn fewer_readers(transaction: &mut Transaction<'static, Sqlite>) -> Result<()> {
    let bump = "UPDATE repository_readers SET revision = revision + 1 WHERE id = 1";
    sqlx::query(bump).execute(&mut **transaction).await.map_err(failed).map(drop)
}

async fn found(executor: impl Executor<'_, Database = Sqlite>, name: &Repository) -> Result<Option<RepositoryRecord>> {
    sqlx::query(
        "SELECT name, owner, visibility, short_description, long_description, immutable_tags, created_at, updated_at
         FROM repositories WHERE name = $1",
    )
    .bind(name.as_str())
    .fetch_optional(executor)
    .await
    .map_err(failed)?
    .as_ref()
    .map(record)
    .transpose()
}

fn record(row: &SqliteRow) -> Result<RepositoryRecord> {
    let visibility: String = row.try_get("visibility").map_err(failed)?;
    Ok(RepositoryRecord {
        name: parsed(row, "name")?,
        owner: row.try_get::<Option<String>, _>("owner").map_err(failed)?.map(AccountId::stored),
        visibility: Visibility::parse(&visibility)
            .ok_or_else(|| StorageError::Damaged(format!("`{visibility}` is not a visibility")))?,
        short_description: row.try_get("short_description").map_err(failed)?,
        long_description: row.try_get("long_description").map_err(failed)?,
        immutable_tags: row.try_get::<i64, _>("immutable_tags").map_err(failed)? != 0,
        created_at: time_of(row, "created_at")?,
        updated_at: time_of(row, "updated_at")?,
    })
}

fn access(row: &SqliteRow) -> Result<(TeamId, AccessLevel)> {
    let level: String = row.try_get("level").map_err(failed)?;
    let level = AccessLevel::parse(&level).ok_or_else(|| StorageError::Damaged(format!("`{level}` is not an access level")))?;
    Ok((TeamId::stored(row.try_get::<String, _>("team").map_err(failed)?), level))
}
