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
        let script = format!(
            "if (!window.axe) {{ {} }}
             return axe.run(document).then((found) => found.violations
               .filter((one) => one.impact === 'serious' || one.impact === 'critical')
               .map((one) => ({{ rule: one.id, help: one.help,
                 where: one.nodes.slice(0, 4).map((node) => node.html.slice(0, 240) + ' ' + node.failureSummary) }})));",
            *AXE
        );
        let found = self.runs(&script);
        assert_eq!(found, Value::Array(Vec::new()), "{}: {found:#}", self.place());
        self
    }
}
