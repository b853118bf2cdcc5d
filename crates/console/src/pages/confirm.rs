//! Asked before something is taken away: what goes with it.

use askama::Template;

use crate::page::Page;

#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage {
    page: Page,
    says: String,
    /// Where the form goes, and where it came from.
    path: String,
    fields: Vec<(&'static str, String)>,
    button: String,
    losses: Losses,
}

/// The tags that lose a signer.
enum Losses {
    /// No signature is concerned.
    None,
    /// Nobody can tell.
    Unknown,
    Tags(Vec<String>),
}

impl ConfirmPage {
    pub(crate) fn new(
        page: Page,
        says: impl Into<String>,
        path: &str,
        fields: Vec<(&'static str, String)>,
        button: impl Into<String>,
    ) -> Self {
        Self { page, says: says.into(), path: path.to_owned(), fields, button: button.into(), losses: Losses::None }
    }

    /// `None`: nobody can tell which.
    #[must_use]
    pub(crate) fn losing(self, tags: Option<Vec<String>>) -> Self {
        Self { losses: tags.map_or(Losses::Unknown, Losses::Tags), ..self }
    }
}
