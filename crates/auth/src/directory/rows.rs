//! What listings show.

use wharfinger_identity::{Account, Team};
use wharfinger_storage::accounts::{Counts, Page};

use super::{Directory, Result};

/// Part of a listing, and where the rest begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed<T> {
    pub rows: Vec<T>,
    pub next: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountRow {
    pub account: Account,
    pub counts: Counts,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberRow {
    pub member: AccountRow,
    pub is_admin: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TeamRow {
    pub team: Team,
    pub members: u64,
}

impl<T> Listed<T> {
    /// Of `rows`, one more than the page holds was asked for: it is where the next page starts.
    pub(super) fn cut(mut rows: Vec<T>, page: &Page, name: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let next = rows.get(limit).map(name);
        rows.truncate(limit);
        Self { rows, next }
    }

    pub(super) fn map<U>(self, change: impl FnMut(T) -> U) -> Listed<U> {
        Listed { rows: self.rows.into_iter().map(change).collect(), next: self.next }
    }
}

/// One row more than asked, to see whether there is a next page.
pub(super) fn one_more(page: &Page) -> Page {
    Page { start: page.start.clone(), limit: page.limit.saturating_add(1) }
}

impl Directory {
    pub(super) async fn row(&self, account: Account) -> Result<AccountRow> {
        let counts = if account.is_org { self.store().counts(&account.id).await? } else { Counts::default() };
        Ok(AccountRow { account, counts })
    }

    pub(super) async fn team_row(&self, team: Team) -> Result<TeamRow> {
        Ok(TeamRow { members: self.store().team_member_count(&team.id).await?, team })
    }
}

/// A user has neither members nor teams.
pub(super) fn user_row(account: Account) -> AccountRow {
    AccountRow { account, counts: Counts::default() }
}
