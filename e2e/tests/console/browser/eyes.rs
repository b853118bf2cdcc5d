//! What a page looks like: on which screen, in which colours, and a picture of it.

use serde_json::json;

use super::Browser;

/// The screen in front of which somebody sits, or that they hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Screen {
    Wide,
    Phone,
}

/// What somebody has told their system to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    Light,
    Dark,
}

impl Screen {
    fn size(self) -> (u64, u64) {
        match self {
            Self::Wide => (1280, 800),
            Self::Phone => (390, 844),
        }
    }
}

impl Browser {
    /// From now on the page is looked at on this screen, in these colours.
    #[track_caller]
    pub fn looks_at(&self, screen: Screen, scheme: Scheme) -> &Self {
        let (width, height) = screen.size();
        self.measures(width, height);
        let scheme = if scheme == Scheme::Dark { "dark" } else { "light" };
        // Without motion: colours are to be looked at when they have arrived.
        let features = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")];
        let features = features.map(|(name, value)| json!({ "name": name, "value": value }));
        self.tells_chromium("Emulation.setScrollbarsHidden", &json!({ "hidden": true }));
        self.tells_chromium("Emulation.setEmulatedMedia", &json!({ "features": features }));
        self
    }

    fn measures(&self, width: u64, height: u64) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.tells_chromium("Emulation.setDeviceMetricsOverride", &size);
    }

    fn tells_chromium(&self, command: &str, words: &serde_json::Value) {
        self.asks("goog/cdp/execute", &json!({ "cmd": command, "params": words }));
    }

    /// Fails when the page has to be pushed sideways to be read. Wide tables are pushed within their own frame.
    #[track_caller]
    pub fn fits(&self) -> &Self {
        let sticks_out = self.runs(
            "const wide = document.documentElement.clientWidth;
             if (document.documentElement.scrollWidth <= wide) return '';
             const out = [...document.querySelectorAll('body *')].filter((one) => !one.closest('.scroll, pre, svg')
               && one.getBoundingClientRect().right > wide + 1);
             return `${document.documentElement.scrollWidth} of ${wide}: ` + out.map((one) => one.outerHTML.slice(0, 120)).join('\\n');",
        );
        assert_eq!(sticks_out, "", "{} is wider than the screen", self.place());
        self
    }

    /// A picture (PNG) of the page, as far down as `most` pixels.
    #[track_caller]
    pub fn picture(&self, screen: Screen, most: u64) -> Vec<u8> {
        let (width, height) = screen.size();
        let whole = self.runs("return document.documentElement.scrollHeight").as_u64().unwrap_or(height);
        self.measures(width, whole.clamp(height / 2, most));
        let picture = self.runtime.block_on(self.driver().screenshot()).unwrap();
        self.measures(width, height);
        picture
    }
}
