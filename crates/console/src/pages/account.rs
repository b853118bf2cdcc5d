//! `/manage/accounts/{account}`: one user or organization.

mod organization;
mod user;

pub(crate) use user::teams_of;

use std::sync::Arc;

use axum::extract::{FromRequest as _, Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::error::Refused;
use crate::notices::Notice;
use crate::pages::accounts::PATH;
use crate::posted::{Fields, Posted};
use crate::routes::House;
use crate::visitor::Visitor;

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let row = house.console.directory.account(&visitor.principal, &name).await?;
    if row.account.is_org {
        organization::show(&house, &visitor, &row, &Fields::default(), None).await
    } else {
        user::show(&house, &visitor, &row, &Fields::default(), None).await
    }
}

pub(crate) async fn change(
    State(house): State<Arc<House>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let posted = Posted::from_request(request, &house).await?;
    let row = house.console.directory.account(&posted.visitor.principal, &name).await?;
    let organization = row.account.is_org;
    let changed =
        if organization { organization::change(&house, &posted, &row).await } else { user::change(&house, &posted, &row).await };
    let refused = match changed {
        Ok(response) => return Ok(response),
        Err(refused) => refused.in_form()?,
    };
    if organization {
        organization::show(&house, &posted.visitor, &row, &posted.fields, Some(refused)).await
    } else {
        user::show(&house, &posted.visitor, &row, &posted.fields, Some(refused)).await
    }
}

/// Back to the account's page, with what was done.
async fn done(house: &House, posted: &Posted, name: &str, notice: Notice) -> Response {
    house.notices.leave(posted.visitor.session(), notice).await;
    Redirect::to(&format!("{PATH}/{name}")).into_response()
}
