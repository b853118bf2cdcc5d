//! Public keys of an account: bundles and keys that sign, and what goes with one.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Redirect, Response};
use wharfinger_auth::{Directory, KeyChanges};
use wharfinger_keys::{Certificate, PublicKey};
use wharfinger_storage::accounts::{Page as Rows, PublicKeyRecord};

use crate::entrance::Entrance;
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, shown};
use crate::pages::confirm::ConfirmPage;
use crate::posted::Posted;
use crate::routes::House;
use crate::visitor::Visitor;
use crate::words::moment;

/// A key as tables show it.
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) label: String,
    /// As `docker trust inspect` and the notary tool write it.
    pub(crate) key: String,
    pub(crate) made: String,
    /// Until when somebody comes in by it.
    pub(crate) until: Option<String>,
    pub(crate) login: bool,
}

impl KeyRow {
    fn of(record: &PublicKeyRecord) -> Self {
        let key = PublicKey::from_spki_der(&record.spki).map(|key| key.canonical_id().to_string()).unwrap_or_default();
        let certificate = record.certificates.last().and_then(|pem| Certificate::from_pem(pem).ok());
        Self {
            id: record.id.to_string(),
            label: record.label.clone(),
            key,
            made: moment(record.created),
            until: certificate.map(|certificate| moment(certificate.not_after())),
            login: record.login,
        }
    }
}

pub(crate) async fn rows(directory: &Directory, visitor: &Visitor, account: &str) -> Result<Vec<KeyRow>, Refused> {
    let listed = directory.keys(&visitor.principal, account, &Rows::everything()).await?;
    Ok(listed.rows.iter().map(KeyRow::of).collect())
}

/// The tags that count a signer less without any key of the account; none where nobody can tell, or not this visitor.
pub(crate) async fn losses_with(house: &House, visitor: &Visitor, account: &str) -> Option<Vec<String>> {
    let directory = &house.console.directory;
    let mut tags = BTreeSet::new();
    for key in directory.keys(&visitor.principal, account, &Rows::everything()).await.ok()?.rows {
        tags.extend(directory.would_lose(&visitor.principal, account, key.id.as_str()).await.ok()?.tags?);
    }
    Some(tags.into_iter().collect())
}

/// `retire-key` and `remove-key` of an account, sent from the page `back`.
pub(crate) async fn change<E: Entrance>(
    house: &Arc<E>,
    Posted { visitor, fields }: &Posted,
    account: &str,
    back: &str,
    section: Section,
) -> Result<Response, Refused> {
    let (directory, principal, id) = (house.directory()?, &visitor.principal, fields.text("key"));
    let notice = if fields.text("do") == "retire-key" {
        let changes = KeyChanges { login: Some(false), ..KeyChanges::default() };
        directory.update_key(principal, account, id, changes).await?;
        Notice::new("Nobody comes in by this key any more. Its signatures count as before.")
    } else if fields.checked("confirmed") {
        let lost = directory.delete_key(principal, account, id).await?;
        let tags = lost.tags.unwrap_or_default();
        Notice::new("The key is removed: nobody comes in by it any more, and its signatures do not count.")
            .with(tags.iter().map(|tag| format!("{tag} lost a signer")))
    } else {
        let key = KeyRow::of(&directory.key(principal, account, id).await?);
        let losses = directory.would_lose(principal, account, id).await?.tags;
        let says = "Whoever has its private key comes in no more, what is open with it is closed, and its signatures stop counting \
                    at once. To keep the signatures, end only the login by it.";
        let page = Page::of(house, visitor, section, format!("Remove the key {}?", key.label)).await;
        let fields = vec![("do", "remove-key".to_owned()), ("key", id.to_owned())];
        return Ok(shown(&ConfirmPage::new(page, says, back, fields, "Remove the key").losing(losses)));
    };
    house.notices().leave(visitor.session(), notice).await;
    Ok(Redirect::to(back).into_response())
}
