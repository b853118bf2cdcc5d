//! Whose something is: a label that the cluster writes and nobody else.

use thiserror::Error;

use crate::{call::Kind, json::Json};

/// Its value is the id of an account, which is never used again.
pub(crate) const LABEL: &str = "com.wharfinger.owner";

#[derive(Debug, PartialEq, Eq, Error)]
#[error("the label `{LABEL}` says whose this is and is written by the cluster: leave it out")]
pub struct Forged;

/// Writes the owner into the labels of what is about to be made or changed. Another value there is refused, not passed over: who
/// sends one wants it to count.
pub(crate) fn write(object: &mut Json, owner: Option<&str>) -> Result<(), Forged> {
    unforged(object, owner)?;
    let Some(owner) = owner else { return Ok(()) };
    if object.get("Labels").is_none_or(Json::is_null) {
        object.set("Labels", Json::Object(Vec::new()));
    }
    if let Some(labels) = object.get_mut("Labels") {
        labels.set(LABEL, Json::Text(owner.to_owned()));
    }
    Ok(())
}

/// Refuses labels that name another owner than `owner`.
pub(crate) fn unforged(object: &Json, owner: Option<&str>) -> Result<(), Forged> {
    match object.get("Labels").and_then(|labels| labels.get(LABEL)) {
        None => Ok(()),
        Some(said) if owner.is_some() && said.text() == owner => Ok(()),
        Some(_) => Err(Forged),
    }
}

/// Whose the thing is that the engine describes so, alone or in a list.
pub(crate) fn of(kind: Kind, description: &Json) -> Option<&str> {
    let labels = match kind {
        // In a list the labels stand at the top.
        Kind::Container => description.get("Config").unwrap_or(description).get("Labels"),
        Kind::Network | Kind::Volume => description.get("Labels"),
        Kind::Service | Kind::Secret | Kind::Config => description.get("Spec").and_then(|spec| spec.get("Labels")),
        // Written into every service for this: a task has no labels of its own.
        Kind::Task => description.get("Spec").and_then(|spec| spec.get("ContainerSpec")?.get("Labels")),
        Kind::Exec | Kind::Event | Kind::Image | Kind::Node => None,
    };
    labels.and_then(|labels| labels.get(LABEL)?.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::read;

    fn json(text: &str) -> Json {
        read(text.as_bytes()).unwrap()
    }

    fn written(text: &str, owner: Option<&str>) -> Result<String, Forged> {
        let mut json = json(text);
        write(&mut json, owner).map(|()| json.to_string())
    }

    #[test]
    fn the_owner_is_written_beside_what_labels_there_are() {
        let own = r#"{"Labels":{"com.wharfinger.owner":"a"}}"#;
        for text in ["{}", r#"{"Labels":null}"#, own] {
            assert_eq!(written(text, Some("a")).unwrap(), own, "{text}");
        }
        let beside = r#"{"Labels":{"x":"y","com.wharfinger.owner":"a"}}"#;
        assert_eq!(written(r#"{"Labels":{"x":"y"}}"#, Some("a")).unwrap(), beside);
        assert_eq!(written("{}", None).unwrap(), "{}", "what nobody owned stays nobody's");
    }

    #[test]
    fn a_value_of_the_clients_own_is_refused() {
        for value in [r#""b""#, r#""""#, "null", "1"] {
            let text = format!(r#"{{"Labels":{{"com.wharfinger.owner":{value}}}}}"#);
            assert_eq!(written(&text, Some("a")), Err(Forged), "{text}");
            assert_eq!(written(&text, None), Err(Forged), "{text}");
        }
    }

    #[test]
    fn the_owner_is_read_where_the_engine_has_it() {
        for (kind, text) in [
            (Kind::Container, r#"{"Labels":{"com.wharfinger.owner":"a"}}"#),
            (Kind::Container, r#"{"Config":{"Labels":{"com.wharfinger.owner":"a"}},"Labels":{"com.wharfinger.owner":"b"}}"#),
            (Kind::Service, r#"{"Spec":{"Labels":{"com.wharfinger.owner":"a"}}}"#),
            (
                Kind::Task,
                r#"{"Labels":{"com.wharfinger.owner":"b"},"Spec":{"ContainerSpec":{"Labels":{"com.wharfinger.owner":"a"}}}}"#,
            ),
            (Kind::Volume, r#"{"Labels":{"com.wharfinger.owner":"a"}}"#),
        ] {
            assert_eq!(of(kind, &json(text)), Some("a"), "{text}");
        }
        assert_eq!(of(Kind::Volume, &json(r#"{"Labels":null}"#)), None);
    }
}
