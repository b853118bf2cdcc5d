//! How names, digests, sizes and times stand in the tables of repositories.

use std::fmt::Display;
use std::str::FromStr;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;
use wharfinger_storage::{Result, StorageError};

use crate::failed;

pub(super) fn nanoseconds(time: OffsetDateTime) -> Result<i64> {
    i64::try_from(time.unix_timestamp_nanos()).map_err(|_| StorageError::Damaged(format!("{time} is not a time we keep")))
}

pub(super) fn time_of(row: &SqliteRow, column: &str) -> Result<OffsetDateTime> {
    let stored: i64 = row.try_get(column).map_err(failed)?;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(stored))
        .map_err(|_| StorageError::Damaged(format!("{stored} in {column} is not a time")))
}

/// A text column as the type it was written from.
pub(super) fn parsed<T: FromStr<Err: Display>>(row: &SqliteRow, column: &str) -> Result<T> {
    let stored: String = row.try_get(column).map_err(failed)?;
    stored.parse().map_err(|error: T::Err| StorageError::Damaged(format!("{column}: {error}")))
}

pub(super) fn size_of(row: &SqliteRow, column: &str) -> Result<u64> {
    let stored: i64 = row.try_get(column).map_err(failed)?;
    u64::try_from(stored).map_err(|_| StorageError::Damaged(format!("{stored} in {column} is not a size")))
}
