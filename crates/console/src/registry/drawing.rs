//! The roles of a repository as boxes and lines: the root, what stands below it, and the delegations below `targets`.

use super::trust::RoleRow;
use crate::words::{count, short};

const WIDTH: usize = 300;
const HEIGHT: usize = 58;
const STEP: usize = HEIGHT + 16;
/// From one column to the next.
const STRIDE: usize = WIDTH + 50;
/// Letters that fit into a box.
const FIT: usize = 38;

/// One box: two lines of text, the whole text for who points at it.
pub(crate) struct Node {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) class: &'static str,
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) title: String,
}

pub(crate) struct Drawing {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) nodes: Vec<Node>,
    /// Lines, as SVG paths.
    pub(crate) edges: Vec<String>,
    /// The same in words, for whoever does not see it.
    pub(crate) words: String,
}

impl Drawing {
    /// Each role in the column after its parent's, in the next free row of that column.
    pub(super) fn of(roles: &[RoleRow]) -> Self {
        let mut drawing = Self { width: 0, height: 0, nodes: Vec::new(), edges: Vec::new(), words: String::new() };
        let mut places: Vec<(&str, usize, usize)> = Vec::new();
        for role in roles {
            let parent = role.parent.as_deref().and_then(|parent| places.iter().find(|(name, ..)| *name == parent).copied());
            let column = parent.map_or(0, |(_, column, _)| column + 1);
            let row = places.iter().filter(|(_, other, _)| *other == column).count();
            places.push((&role.name, column, row));
            drawing.put(role, column, row);
            if let Some((_, above, at)) = parent {
                drawing.join((above, at), (column, row));
            }
        }
        let said = roles.iter().map(|role| format!("{}: {}", role.name, role.state.words()));
        drawing.words = format!("Roles and who stands above them. {}.", said.collect::<Vec<_>>().join("; "));
        drawing
    }

    fn put(&mut self, role: &RoleRow, column: usize, row: usize) {
        let (x, y) = (column * STRIDE, row * STEP);
        let keys = match role.keys.as_slice() {
            [key] => format!("key {}", short(&key.id)),
            keys => format!("{} of {}", role.threshold, count(keys.len(), "key", "keys")),
        };
        let version = role.version.map_or_else(|| "not published".to_owned(), |version| format!("version {version}"));
        let second = format!("{version} · {keys}");
        let title = format!("{}: {} ({}), {second}", role.name, role.says, role.state.words());
        (self.width, self.height) = (self.width.max(x + WIDTH), self.height.max(y + HEIGHT));
        self.nodes.push(Node { x, y, class: role.state.class(), first: fitted(&role.name), second, title });
    }

    fn join(&mut self, (column, row): (usize, usize), to: (usize, usize)) {
        let (start, begin) = (column * STRIDE + WIDTH, row * STEP + HEIGHT / 2);
        let (right, end) = (to.0 * STRIDE, to.1 * STEP + HEIGHT / 2);
        let bend = usize::midpoint(start, right);
        self.edges.push(format!("M{start} {begin}C{bend} {begin} {bend} {end} {right} {end}"));
    }
}

fn fitted(text: &str) -> String {
    if text.chars().count() <= FIT { text.to_owned() } else { format!("{}…", text.chars().take(FIT - 1).collect::<String>()) }
}
