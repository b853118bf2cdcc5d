//! The pictures in `docs/screenshots`, and how it is noticed that they show what is not there any more.
//!
//! Beside the pictures lies what they show in words: the headings, columns, fields and buttons of each page, in `shown-*.txt`. It is
//! compared with what the pages have now, which pixels could not be: fonts differ, and so does the time. When it differs,
//! `cargo xtask screenshots` takes the pictures anew.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wharfinger_e2e::Scene;

use crate::browser::{Browser, Screen};

/// What a page of which there is more is cut off at, in pixels.
const MOST: u64 = 1100;

pub struct Album {
    folder: PathBuf,
    /// Whether pictures are taken, and not only compared in words.
    asked: bool,
    /// What differs from run to run, and what is written for it.
    hosts: [(String, &'static str); 3],
    shown: RefCell<String>,
}

impl Album {
    pub fn open(scene: &Scene) -> Self {
        let asked = std::env::var_os("WHARFINGER_SCREENSHOTS");
        let folder = asked.as_ref().map_or_else(|| docs().join("screenshots"), PathBuf::from);
        fs::create_dir_all(&folder).unwrap();
        let port = scene.cluster.rsplit(':').next().unwrap_or_default().to_owned();
        let hosts = [(scene.registry.clone(), "REGISTRY"), (scene.cluster.clone(), "CLUSTER"), (format!("-{port}"), "-PORT")];
        Self { folder, asked: asked.is_some(), hosts, shown: RefCell::new(String::new()) }
    }

    /// Keeps what the page shows under this name.
    #[track_caller]
    pub fn takes(&self, name: &str, browser: &Browser, screen: Screen) {
        let words = browser.runs(
            "return [...document.querySelectorAll('h1, h2, h3, nav a, thead th, label, summary, button, main dt')]
               .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.ariaHidden)
               .map((one) => one.textContent.trim().replace(/\\s+/g, ' ')).join(' | ');",
        );
        let mut words = words.as_str().unwrap_or_default().to_owned();
        for (host, instead) in &self.hosts {
            words = words.replace(host, instead);
        }
        writeln!(self.shown.borrow_mut(), "{name}.png: {words}").unwrap();
        if self.asked {
            fs::write(self.folder.join(format!("{name}.png")), browser.picture(screen, MOST)).unwrap();
        }
    }

    /// All of one console's are taken: they show what the pages have, and each is shown to somebody.
    #[track_caller]
    pub fn closes(self, console: &str) {
        let (shown, kept) = (self.shown.into_inner(), self.folder.join(format!("shown-{console}.txt")));
        if self.asked {
            fs::write(&kept, &shown).unwrap();
        }
        let kept = fs::read_to_string(&kept).unwrap_or_default();
        for (line, before) in shown.lines().zip(kept.lines()) {
            assert_eq!(line, before, "this picture shows what is not so any more: `cargo xtask screenshots` takes it anew");
        }
        assert_eq!(shown.lines().count(), kept.lines().count(), "pictures came or went: `cargo xtask screenshots`");
        let pages = fs::read_to_string(docs().join("console.md")).unwrap();
        for name in shown.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name) {
            assert!(self.folder.join(name).is_file(), "{name} is not there: `cargo xtask screenshots` takes it");
            assert!(pages.contains(&format!("(screenshots/{name})")), "docs/console.md does not show {name}");
        }
    }
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}
