//! What a role may do with a call: the table's line and the caller's reach, brought together in one place.

use wharfinger_auth::Reach;

use super::{About, Kind};

/// What becomes of a call that its caller's role is let through to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// As it is.
    Allow,
    /// Answered with what is theirs.
    Filtered(Kind),
    /// If the thing is theirs.
    Own(Kind),
    /// If the thing is theirs, and it and what is asked are within the limits.
    OwnWithin(Kind),
    /// If what is made is within the limits.
    Within,
    /// As if it was not there: the stock client's `docker inspect` asks for one kind after another.
    Hide(Kind),
}

impl Verdict {
    pub fn of(reach: Reach, about: About) -> Self {
        let Reach::Own { nodes } = reach else { return Self::Allow };
        match about {
            About::Nothing => Self::Allow,
            About::List(Kind::Node) | About::One(Kind::Node) if nodes => Self::Allow,
            About::One(Kind::Node) => Self::Hide(Kind::Node),
            About::List(kind) => Self::Filtered(kind),
            About::One(kind) => Self::Own(kind),
            About::Inside(kind) => Self::OwnWithin(kind),
            About::New(_) => Self::Within,
        }
    }

    /// As the matrix says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Filtered(_) => "filtered",
            Self::Own(_) => "own",
            Self::OwnWithin(_) => "own+limits",
            Self::Within => "limits",
            Self::Hide(_) => "hidden",
        }
    }
}
