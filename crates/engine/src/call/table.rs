//! Every call of the engine's API from 1.24 to 1.51: what it carries and what it needs.
//!
//! In a pattern `{x}` is one segment and `{x…}` one or more (names of images and plugins hold slashes). A call that no
//! line matches is refused. Sources: the API reference of each version, and the engine's routers for what it leaves out.

use http::Method;

use super::{Carries, ImageCall, Rights};
use Carries::{Build, BuildTunnel, Hijack, Image, Nothing, Ping, Plugin, Version};
use Rights::{Admin, Anyone, List, Operate};

/// One line of the table.
pub struct Route {
    pub method: Method,
    pub pattern: &'static str,
    pub carries: Carries,
    pub rights: Rights,
}

const fn route(method: Method, pattern: &'static str, carries: Carries, rights: Rights) -> Route {
    Route { method, pattern, carries, rights }
}

const GET: Method = Method::GET;
const HEAD: Method = Method::HEAD;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

#[rustfmt::skip]
pub const TABLE: &[Route] = &[
    // The engine itself
    route(GET,    "/_ping",                               Ping,    Anyone),
    route(HEAD,   "/_ping",                               Ping,    Anyone),
    route(GET,    "/version",                             Version, List),
    route(GET,    "/info",                                Nothing, List),
    // Has the engine try credentials at the registry they are for; `docker login` asks for it.
    route(POST,   "/auth",                                Nothing, List),
    route(GET,    "/events",                              Nothing, Operate),
    route(GET,    "/system/df",                           Nothing, Operate),

    // Containers
    route(GET,    "/containers/json",                     Nothing, List),
    route(POST,   "/containers/create",                   Image(ImageCall::ContainerCreate), Operate),
    route(POST,   "/containers/prune",                    Nothing, Operate),
    route(GET,    "/containers/{id}/json",                Nothing, Operate),
    route(GET,    "/containers/{id}/top",                 Nothing, Operate),
    route(GET,    "/containers/{id}/logs",                Nothing, Operate),
    route(GET,    "/containers/{id}/changes",             Nothing, Operate),
    route(GET,    "/containers/{id}/export",              Nothing, Operate),
    route(GET,    "/containers/{id}/stats",               Nothing, Operate),
    route(POST,   "/containers/{id}/resize",              Nothing, Operate),
    // What exists may always be started, whatever the policy says today.
    route(POST,   "/containers/{id}/start",               Nothing, Operate),
    route(POST,   "/containers/{id}/stop",                Nothing, Operate),
    route(POST,   "/containers/{id}/restart",             Nothing, Operate),
    route(POST,   "/containers/{id}/kill",                Nothing, Operate),
    route(POST,   "/containers/{id}/update",              Nothing, Operate),
    route(POST,   "/containers/{id}/rename",              Nothing, Operate),
    route(POST,   "/containers/{id}/pause",               Nothing, Operate),
    route(POST,   "/containers/{id}/unpause",             Nothing, Operate),
    route(POST,   "/containers/{id}/attach",              Hijack,  Operate),
    route(GET,    "/containers/{id}/attach/ws",           Hijack,  Operate),
    route(POST,   "/containers/{id}/wait",                Nothing, Operate),
    route(DELETE, "/containers/{id}",                     Nothing, Operate),
    route(HEAD,   "/containers/{id}/archive",             Nothing, Operate),
    route(GET,    "/containers/{id}/archive",             Nothing, Operate),
    route(PUT,    "/containers/{id}/archive",             Nothing, Operate),
    route(GET,    "/containers/{id}/checkpoints",         Nothing, Operate),
    route(POST,   "/containers/{id}/checkpoints",         Nothing, Operate),
    route(DELETE, "/containers/{id}/checkpoints/{name}",  Nothing, Operate),
    route(POST,   "/containers/{id}/exec",                Nothing, Operate),
    route(POST,   "/exec/{id}/start",                     Hijack,  Operate),
    route(POST,   "/exec/{id}/resize",                    Nothing, Operate),
    route(GET,    "/exec/{id}/json",                      Nothing, Operate),
    // Makes an image that nobody signed: it can be made, and will not run.
    route(POST,   "/commit",                              Nothing, Operate),

    // Images
    route(GET,    "/images/json",                         Nothing, List),
    route(GET,    "/images/search",                       Nothing, Operate),
    route(GET,    "/images/get",                          Nothing, Operate),
    route(POST,   "/images/load",                         Nothing, Operate),
    route(POST,   "/images/prune",                        Nothing, Operate),
    route(POST,   "/images/create",                       Image(ImageCall::Pull), Operate),
    route(GET,    "/images/{name…}/json",                 Nothing, Operate),
    route(GET,    "/images/{name…}/history",              Nothing, Operate),
    route(GET,    "/images/{name…}/get",                  Nothing, Operate),
    route(POST,   "/images/{name…}/push",                 Nothing, Operate),
    route(POST,   "/images/{name…}/tag",                  Nothing, Operate),
    route(DELETE, "/images/{name…}",                      Nothing, Operate),
    route(GET,    "/distribution/{name…}/json",           Image(ImageCall::Distribution), Operate),

    // Builds
    route(POST,   "/build",                               Build,       Operate),
    route(POST,   "/build/cancel",                        Nothing,     Operate),
    route(POST,   "/build/prune",                         Nothing,     Operate),
    route(POST,   "/session",                             BuildTunnel, Operate),
    route(POST,   "/grpc",                                BuildTunnel, Operate),

    // Networks and volumes
    route(GET,    "/networks",                            Nothing, List),
    route(GET,    "/networks/{id}",                       Nothing, Operate),
    route(POST,   "/networks/create",                     Nothing, Operate),
    route(POST,   "/networks/prune",                      Nothing, Operate),
    route(POST,   "/networks/{id}/connect",               Nothing, Operate),
    route(POST,   "/networks/{id}/disconnect",            Nothing, Operate),
    route(DELETE, "/networks/{id}",                       Nothing, Operate),
    route(GET,    "/volumes",                             Nothing, List),
    route(GET,    "/volumes/{name}",                      Nothing, Operate),
    route(POST,   "/volumes/create",                      Nothing, Operate),
    route(POST,   "/volumes/prune",                       Nothing, Operate),
    route(PUT,    "/volumes/{name}",                      Nothing, Operate),
    route(DELETE, "/volumes/{name}",                      Nothing, Operate),

    // Swarm
    route(GET,    "/services",                            Nothing, List),
    route(GET,    "/services/{id}",                       Nothing, Operate),
    route(GET,    "/services/{id}/logs",                  Nothing, Operate),
    route(POST,   "/services/create",                     Image(ImageCall::ServiceCreate), Operate),
    route(POST,   "/services/{id}/update",                Image(ImageCall::ServiceUpdate), Operate),
    route(DELETE, "/services/{id}",                       Nothing, Operate),
    route(GET,    "/tasks",                               Nothing, List),
    route(GET,    "/tasks/{id}",                          Nothing, Operate),
    route(GET,    "/tasks/{id}/logs",                     Nothing, Operate),
    // Lists of secrets and configs say more than names: a config's list holds its data.
    route(GET,    "/secrets",                             Nothing, Operate),
    route(GET,    "/secrets/{id}",                        Nothing, Operate),
    route(POST,   "/secrets/create",                      Nothing, Operate),
    route(POST,   "/secrets/{id}/update",                 Nothing, Operate),
    route(DELETE, "/secrets/{id}",                        Nothing, Operate),
    route(GET,    "/configs",                             Nothing, Operate),
    route(GET,    "/configs/{id}",                        Nothing, Operate),
    route(POST,   "/configs/create",                      Nothing, Operate),
    route(POST,   "/configs/{id}/update",                 Nothing, Operate),
    route(DELETE, "/configs/{id}",                        Nothing, Operate),
    route(GET,    "/nodes",                               Nothing, List),
    route(GET,    "/nodes/{id}",                          Nothing, Operate),
    route(POST,   "/nodes/{id}/update",                   Nothing, Admin),
    route(DELETE, "/nodes/{id}",                          Nothing, Admin),
    // `GET /swarm` holds the join tokens.
    route(GET,    "/swarm",                               Nothing, Admin),
    route(GET,    "/swarm/unlockkey",                     Nothing, Admin),
    route(POST,   "/swarm/init",                          Nothing, Admin),
    route(POST,   "/swarm/join",                          Nothing, Admin),
    route(POST,   "/swarm/leave",                         Nothing, Admin),
    route(POST,   "/swarm/update",                        Nothing, Admin),
    route(POST,   "/swarm/unlock",                        Nothing, Admin),

    // Plugins: programs with the engine's rights, from images that carry no signature
    route(GET,    "/plugins",                             Nothing, List),
    route(GET,    "/plugins/privileges",                  Nothing, Admin),
    route(POST,   "/plugins/pull",                        Plugin,  Admin),
    route(POST,   "/plugins/create",                      Plugin,  Admin),
    route(GET,    "/plugins/{name…}/json",                Nothing, Operate),
    route(POST,   "/plugins/{name…}/enable",              Nothing, Admin),
    route(POST,   "/plugins/{name…}/disable",             Nothing, Admin),
    route(POST,   "/plugins/{name…}/push",                Nothing, Admin),
    route(POST,   "/plugins/{name…}/set",                 Nothing, Admin),
    route(POST,   "/plugins/{name…}/upgrade",             Plugin,  Admin),
    route(DELETE, "/plugins/{name…}",                     Nothing, Admin),
];

/// The line of the table that the call is, and the name its pattern has a place for. A line without places goes before
/// one with: `/images/json` is the list, never an image called `json`.
pub(crate) fn find(method: &Method, segments: &[String]) -> Option<(&'static Route, Option<String>)> {
    let mut matching = TABLE
        .iter()
        .filter(|route| route.method == *method)
        .filter_map(|route| places(route.pattern, segments).map(|name| (route, name)));
    let first = matching.next()?;
    if first.1.is_none() {
        return Some(first);
    }
    Some(matching.find(|(_, name)| name.is_none()).unwrap_or(first))
}

/// Whether the segments fit the pattern; if so, what stands in its first place.
#[allow(clippy::option_option)]
fn places(pattern: &str, segments: &[String]) -> Option<Option<String>> {
    let pattern: Vec<&str> = pattern.trim_start_matches('/').split('/').collect();
    let wide = pattern.iter().any(|part| part.ends_with("…}"));
    let extra = segments.len().checked_sub(pattern.len())?;
    if extra > 0 && !wide {
        return None;
    }
    let mut name = None;
    let mut rest = segments.iter();
    for part in pattern {
        let taken = if part.ends_with("…}") { extra + 1 } else { 1 };
        let here: Vec<&str> = rest.by_ref().take(taken).map(String::as_str).collect();
        if part.starts_with('{') {
            name.get_or_insert(here.join("/"));
        } else if here != [part] {
            return None;
        }
    }
    Some(name)
}
