//! What is wrong with a form, field by field.

#[derive(Default)]
pub(crate) struct Wrong(Vec<(&'static str, String)>);

impl Wrong {
    pub(crate) fn put(&mut self, field: &'static str, why: impl Into<String>) {
        self.0.push((field, why.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with that field; nothing where it is right.
    pub(crate) fn at(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == field).map(|(_, why)| why.as_str())
    }
}

/// The lines of a field, without empty ones.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Some, unless there are none: a list that is left out.
pub(crate) fn unless_empty(all: Vec<String>) -> Option<Vec<String>> {
    Some(all).filter(|all| !all.is_empty())
}
