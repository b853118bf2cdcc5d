//! The path of a call, read in one way only.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

use super::version::ApiVersion;

/// What a segment may not hold as itself. Everything the engine's router could read as structure is escaped.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'^');

/// The longest path that is looked at: a reference is at most 255 + 128 + 135 characters, each maybe escaped.
const LONGEST: usize = 2048;

/// The decoded segments of a path, without the version: none is empty, `.` or `..`, none holds `/`, `\`, `%` or a
/// control character. There is one way to write each path, [`Path::encoded`], and that is what the engine gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Path {
    pub(crate) version: Option<ApiVersion>,
    pub(crate) segments: Vec<String>,
}

/// The engine's router cleans, decodes and redirects paths; what it might read differently from us is refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum PathRefused {
    #[error("the path is longer than 2048 characters")]
    TooLong,
    #[error("the path holds an empty segment, `//` or a slash at its end: write it without")]
    Empty,
    #[error("the path holds `.` or `..`: write where it leads to")]
    Dots,
    #[error("the path holds an escaped `/`, `\\`, `%`, control character or invalid UTF-8")]
    Escape,
    #[error("`{0}` is not a version of the engine's API: write it as in /v1.41/")]
    Version(String),
}

impl Path {
    pub(crate) fn parse(path: &str) -> Result<Self, PathRefused> {
        if path.len() > LONGEST {
            return Err(PathRefused::TooLong);
        }
        let rest = path.strip_prefix('/').ok_or(PathRefused::Empty)?;
        let mut segments = rest.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        let version = match segments.first().and_then(|first| first.strip_prefix('v')) {
            // The engine's own pattern for a version is `v[0-9.]+`.
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
                let version = digits.parse().map_err(|_| PathRefused::Version(digits.chars().take(20).collect()))?;
                segments.remove(0);
                Some(version)
            }
            _ => None,
        };
        if segments.is_empty() {
            return Err(PathRefused::Empty);
        }
        Ok(Self { version, segments })
    }

    /// The path as it is forwarded, with the version it is to be read by.
    pub(crate) fn encoded(&self, version: ApiVersion) -> String {
        encode(&self.segments, version)
    }
}

pub(crate) fn encode(segments: &[String], version: ApiVersion) -> String {
    let mut path = format!("/v{version}");
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, ESCAPED));
    }
    path
}

fn segment(raw: &str) -> Result<String, PathRefused> {
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| PathRefused::Escape)?;
    if decoded.contains(['/', '\\', '%']) || decoded.chars().any(char::is_control) {
        return Err(PathRefused::Escape);
    }
    match decoded.as_ref() {
        "" => Err(PathRefused::Empty),
        "." | ".." => Err(PathRefused::Dots),
        segment => Ok(segment.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(path: &str) -> String {
        Path::parse(path).unwrap().encoded(ApiVersion::NEWEST)
    }

    #[test]
    fn two_spellings_of_a_path_are_forwarded_as_one() {
        assert_eq!(encoded("/v1.41/images/dtr.test:5443/qa/app:1/json"), "/v1.51/images/dtr.test:5443/qa/app:1/json");
        assert_eq!(encoded("/images/dtr.test%3a5443/q%61/app%40x/json"), "/v1.51/images/dtr.test:5443/qa/app@x/json");
        assert_eq!(encoded("/networks/my%20net"), "/v1.51/networks/my%20net");
        assert_eq!(encoded("/%76%31.41/info"), "/v1.51/info");
    }

    #[test]
    fn what_the_engine_might_read_differently_is_refused() {
        for (path, why) in [
            ("", PathRefused::Empty),
            ("/", PathRefused::Empty),
            ("/v1.41", PathRefused::Empty),
            ("/v1.41/", PathRefused::Empty),
            ("//containers/json", PathRefused::Empty),
            ("/containers//json", PathRefused::Empty),
            ("/containers/json/", PathRefused::Empty),
            ("/images/../containers/create", PathRefused::Dots),
            ("/images/%2e%2e/containers/create", PathRefused::Dots),
            ("/./info", PathRefused::Dots),
            ("/containers%2fcreate", PathRefused::Escape),
            ("/containers/%252e%252e/create", PathRefused::Escape),
            ("/containers\\create", PathRefused::Escape),
            ("/containers/a%00/json", PathRefused::Escape),
            ("/containers/a%0d%0a/json", PathRefused::Escape),
            ("/containers/%ff/json", PathRefused::Escape),
            ("/containers/%zz/json", PathRefused::Escape),
            ("/v1/info", PathRefused::Version("1".into())),
            ("/v1.41.0/info", PathRefused::Version("1.41.0".into())),
            ("/v01.41/info", PathRefused::Version("01.41".into())),
            ("/v./info", PathRefused::Version(".".into())),
        ] {
            assert_eq!(Path::parse(path), Err(why), "{path}");
        }
        assert_eq!(Path::parse(&format!("/{}", "a".repeat(3000))), Err(PathRefused::TooLong));
    }
}
