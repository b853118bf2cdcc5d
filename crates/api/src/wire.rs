//! The JSON of the directory, by UCP's names.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wharfinger_auth::{AccountRow, Listed, Lost, MemberRow, TeamRow};
use wharfinger_keys::PublicKey;
use wharfinger_storage::accounts::{Page, PublicKeyRecord};

use crate::error::ApiError;

const DEFAULT_LIMIT: u32 = 100;
const MOST: u32 = 1000;

/// `?start=…&limit=…`, and a listing's filter.
#[derive(Deserialize, Default)]
pub(crate) struct Paging {
    start: Option<String>,
    limit: Option<String>,
    pub(crate) filter: Option<String>,
}

impl Paging {
    pub(crate) fn page(&self) -> Result<Page, ApiError> {
        let limit = match self.limit.as_deref() {
            None | Some("") => DEFAULT_LIMIT,
            Some(text) => {
                let number = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                number.ok_or_else(|| ApiError::invalid("limit", format!("a number from 1 to {MOST}")))?
            }
        };
        Ok(Page { start: self.start.clone().unwrap_or_default(), limit })
    }
}

pub(crate) fn account(row: &AccountRow) -> Value {
    let account = &row.account;
    json!({
        "name": account.name,
        "id": account.id,
        "fullName": account.full_name,
        "isOrg": account.is_org,
        "isActive": account.is_active,
        "isAdmin": account.is_admin,
        "role": account.role,
        "membersCount": row.counts.members,
        "teamsCount": row.counts.teams,
    })
}

pub(crate) fn member(row: &MemberRow) -> Value {
    json!({ "member": account(&row.member), "isAdmin": row.is_admin })
}

pub(crate) fn team(row: &TeamRow) -> Value {
    json!({
        "orgID": row.team.org,
        "name": row.team.name,
        "id": row.team.id,
        "description": row.team.description,
        "membersCount": row.members,
    })
}

pub(crate) fn key(record: &PublicKeyRecord) -> Value {
    let public = PublicKey::from_spki_der(&record.spki).ok();
    let certificates: Vec<Value> = record.certificates.iter().map(|pem| json!({ "label": "", "cert": pem })).collect();
    json!({
        "id": record.id,
        "accountID": record.account,
        "publicKey": public.as_ref().map(PublicKey::to_pem),
        // What `docker trust inspect` and the notary tool show.
        "keyID": public.as_ref().map(|key| key.canonical_id().to_string()),
        "label": record.label,
        "login": record.login,
        "createdAt": record.created.unix_timestamp(),
        "certificates": certificates,
    })
}

pub(crate) fn listed<T>(name: &'static str, listed: &Listed<T>, row: impl Fn(&T) -> Value) -> Value {
    let rows: Vec<Value> = listed.rows.iter().map(row).collect();
    json!({ name: rows, "nextPageStart": listed.next.as_deref().unwrap_or_default() })
}

#[derive(Serialize)]
pub(crate) struct Losses {
    #[serde(rename = "tagsLosingASigner")]
    tags: Vec<String>,
}

impl Losses {
    pub(crate) fn of(lost: Lost) -> Option<Self> {
        lost.tags.map(|tags| Self { tags })
    }
}
