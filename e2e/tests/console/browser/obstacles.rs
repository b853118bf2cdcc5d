//! What keeps somebody from using a page who does not see it, or not well: as axe-core finds it.

use std::fs;
use std::sync::LazyLock;

use serde_json::Value;
use wharfinger_e2e::axe_script;

use super::Browser;

static AXE: LazyLock<String> = LazyLock::new(|| {
    let path = axe_script();
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask axe` fetches it, and `cargo xtask test` does", path.display()))
});

impl Browser {
    /// Fails when axe-core finds something serious or critical.
    #[track_caller]
    pub fn has_no_obstacles(&self) -> &Self {
        self.has_none_of("{}")
    }

    /// As [`Browser::has_no_obstacles`], for a page that was examined on another screen and in other colours.
    #[track_caller]
    pub fn has_no_more_obstacles(&self) -> &Self {
        self.has_none_of(
            "{ runOnly: ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'aria-hidden-focus'] }",
        )
    }

    #[track_caller]
    fn has_none_of(&self, options: &str) -> &Self {
        // Half a megabyte: sent once for each page.
        if self.runs("return !window.axe") == true {
            self.runs(&AXE);
        }
        let script = format!(
            "return axe.run(document, {options}).then((found) => found.violations
               .filter((one) => one.impact === 'serious' || one.impact === 'critical')
               .map((one) => ({{ rule: one.id, help: one.help,
                 where: one.nodes.slice(0, 4).map((node) => node.html.slice(0, 240) + ' ' + node.failureSummary) }})));"
        );
        let found = self.runs(&script);
        assert_eq!(found, Value::Array(Vec::new()), "{}: {found:#}", self.place());
        self
    }
}
