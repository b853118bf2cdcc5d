//! The page without a mouse.

use serde_json::json;

use super::Browser;

/// As `WebDriver` writes them.
pub const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";
pub const ESCAPE: &str = "\u{E00C}";
pub const SPACE: &str = "\u{E00D}";
pub const DOWN: &str = "\u{E015}";

impl Browser {
    /// Strikes keys where the focus is.
    #[track_caller]
    pub fn types(&self, keys: &str) -> &Self {
        let strokes: Vec<_> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() })))
            .collect();
        self.asks("actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] }));
        self
    }

    /// What has the focus, as a screen reader would name it: its label or its words.
    #[track_caller]
    pub fn focus(&self) -> String {
        let named = self.runs(
            "const one = document.activeElement;
             const words = one.getAttribute('aria-label') || (one.labels && one.labels[0] && one.labels[0].textContent)
               || (one === document.body ? '' : one.id === 'content' ? '#content' : one.textContent);
             return words.trim().replace(/\\s+/g, ' ');",
        );
        named.as_str().unwrap_or_default().to_owned()
    }

    /// Strikes the tabulator until the focus is on what is called so; each stop on the way can be seen.
    #[track_caller]
    pub fn tabs_to(&self, name: &str) -> &Self {
        let mut passed = Vec::new();
        for _ in 0..60 {
            self.types(TAB);
            let focus = self.focus();
            self.sees_the_focus();
            if focus.starts_with(name) {
                return self;
            }
            passed.push(focus);
        }
        panic!("{} is not reached by keys on {}: {passed:#?}", name, self.place());
    }

    /// Fails when nothing shows where the focus is.
    #[track_caller]
    fn sees_the_focus(&self) {
        let seen = self.runs(
            "const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
             if (one === document.body) return true;
             return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 1 && box.right > 0;",
        );
        assert_eq!(seen, true, "nobody sees that {:?} has the focus", self.focus());
    }
}
