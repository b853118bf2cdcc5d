//! Chromium, driven by its own driver, and the person in front of it: who reads labels and buttons, not ids.

mod eyes;
mod keys;
mod obstacles;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wharfinger_e2e::{Api, Scene, free_port, until};

pub use eyes::{Scheme, Screen};
pub use keys::{DOWN, ENTER, ESCAPE, SPACE, TAB};

/// What the browser notes when something wrong was sent on purpose.
const BAD_INPUT: &str = "the server responded with a status of 4";
/// What it notes, and shows, when a container starts or ends: with each an interface comes to the machine or goes, for which it breaks
/// off what it is asking for.
const NETWORKS: &str = "ERR_NETWORK_CHANGED";

/// Longest wait for what should appear.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether the browser runs scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JavaScript {
    On,
    Off,
}

/// A browser with an empty profile, ended with this value.
pub struct Browser {
    driver: Option<Client>,
    runtime: Runtime,
    chromedriver: Child,
    profile: tempfile::TempDir,
    port: u16,
}

impl Browser {
    pub fn start(javascript: JavaScript) -> Self {
        let port = free_port();
        let chromedriver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromium-driver is installed");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self { driver: None, runtime, chromedriver, profile, port };
        let data = format!("--user-data-dir={}", browser.profile.path().join("profile").display());
        let flags =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1000", &data];
        let preferences = json!({
            "profile.managed_default_content_settings.javascript": if javascript == JavaScript::On { 1 } else { 2 },
            "download.default_directory": browser.downloads(),
        });
        let wishes = json!({
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "args": flags, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(wishes) = wishes else { unreachable!("an object was written") };
        let address = format!("http://127.0.0.1:{port}");
        let started = until(PATIENCE, || {
            browser.driver = browser
                .runtime
                .block_on(ClientBuilder::new(HttpConnector::new()).capabilities(wishes.clone()).connect(&address))
                .ok();
            browser.driver.is_some()
        });
        assert!(started, "chromedriver starts no browser");
        browser
    }

    pub fn downloads(&self) -> &Path {
        self.profile.path()
    }

    fn driver(&self) -> &Client {
        self.driver.as_ref().expect("it was started")
    }

    #[track_caller]
    pub fn goes(&self, address: &str) -> &Self {
        let gone = || self.runtime.block_on(self.driver().goto(address)).map_err(|error| error.to_string());
        let mut went = gone();
        until(PATIENCE, || {
            if went.as_ref().is_err_and(|error| error.contains(NETWORKS)) {
                went = gone();
            }
            !went.as_ref().is_err_and(|error| error.contains(NETWORKS))
        });
        went.unwrap();
        self
    }

    /// Where the browser is, without the origin.
    #[track_caller]
    pub fn place(&self) -> String {
        let address = self.runtime.block_on(self.driver().current_url()).unwrap();
        address.path().to_owned()
    }

    /// Where the browser is, as others could be told.
    #[track_caller]
    pub fn address(&self) -> String {
        self.runtime.block_on(self.driver().current_url()).unwrap().to_string()
    }

    /// Loses all sessions.
    #[track_caller]
    pub fn forgets_who_one_is(&self) -> &Self {
        self.runtime.block_on(self.driver().delete_all_cookies()).unwrap();
        self
    }

    #[track_caller]
    pub fn goes_back(&self) -> &Self {
        self.runtime.block_on(self.driver().back()).unwrap();
        self
    }

    /// What stands on the page.
    #[track_caller]
    pub fn text(&self) -> String {
        self.runtime.block_on(async { self.driver().find(Locator::Css("body")).await?.text().await }).unwrap_or_default()
    }

    /// Waits until `words` stand on the page.
    #[track_caller]
    pub fn sees(&self, words: &str) -> &Self {
        let seen = until(PATIENCE, || self.text().contains(words) || self.reloads_what_broke_off());
        assert!(seen, "{} should show {words:?}:\n{}", self.place(), self.text());
        self
    }

    /// As people do it when the network has changed under a page: by its address alone, so that no form is sent again. Nothing that
    /// was looked for is there yet: always `false`.
    fn reloads_what_broke_off(&self) -> bool {
        if self.text().contains(NETWORKS) {
            let address = self.address();
            self.runtime.block_on(self.driver().goto(&address)).ok();
        }
        false
    }

    #[track_caller]
    pub fn never_sees(&self, words: &str) -> &Self {
        let text = self.text();
        assert!(!text.contains(words), "{} should not show {words:?}:\n{text}", self.place());
        self
    }

    /// What the page says is wrong.
    #[track_caller]
    pub fn alert(&self) -> String {
        let alert = self.element("//*[@role='alert' or @class='wrong']");
        self.runtime.block_on(alert.text()).unwrap()
    }

    /// The first element that the expression finds, as soon as it is there.
    #[track_caller]
    fn element(&self, expression: &str) -> Element {
        let mut found = None;
        until(PATIENCE, || {
            found = self.runtime.block_on(self.driver().find(Locator::XPath(expression))).ok();
            found.is_some() || self.reloads_what_broke_off()
        });
        found.unwrap_or_else(|| panic!("{} has no {expression}:\n{}", self.place(), self.text()))
    }

    /// The field under this label.
    #[track_caller]
    fn field(&self, label: &str) -> Element {
        let label = self.element(&format!("//label[starts-with(normalize-space(.), {label:?})]"));
        let id = self.runtime.block_on(label.attr("for")).unwrap().expect("a label names its field");
        self.element(&format!("//*[@id='{id}']"))
    }

    #[track_caller]
    pub fn fills(&self, label: &str, text: &str) -> &Self {
        let field = self.field(label);
        self.runtime
            .block_on(async {
                field.clear().await?;
                field.send_keys(text).await
            })
            .unwrap();
        self
    }

    /// As [`Browser::fills`], where two forms have a field of that label.
    #[track_caller]
    pub fn fills_id(&self, id: &str, text: &str) -> &Self {
        let field = self.element(&format!("//*[@id='{id}']"));
        self.runtime.block_on(field.send_keys(text)).unwrap();
        self
    }

    #[track_caller]
    pub fn waits_for(&self, mut what: impl FnMut() -> bool) {
        assert!(until(PATIENCE, &mut what), "it did not come: {}", self.text());
    }

    #[track_caller]
    pub fn holds(&self, label: &str) -> String {
        let field = self.field(label);
        self.runtime.block_on(field.prop("value")).unwrap().unwrap_or_default()
    }

    #[track_caller]
    pub fn ticks(&self, label: &str) -> &Self {
        let field = self.field(label);
        self.runtime.block_on(field.click()).unwrap();
        assert!(self.runtime.block_on(field.is_selected()).unwrap(), "{label} is ticked");
        self
    }

    #[track_caller]
    pub fn is_ticked(&self, label: &str) -> bool {
        let field = self.field(label);
        self.runtime.block_on(field.is_selected()).unwrap()
    }

    /// Chooses an option of the list under this label, as soon as it is there.
    #[track_caller]
    pub fn chooses(&self, label: &str, option: &str) -> &Self {
        let id = self.runtime.block_on(self.field(label).attr("id")).unwrap().unwrap_or_default();
        let option = self.element(&format!("//select[@id='{id}']/option[normalize-space(.)='{option}']"));
        self.runtime.block_on(option.click()).unwrap();
        self
    }

    /// Clicks the button or link with exactly these words, or that is so called for those who cannot see it.
    #[track_caller]
    pub fn clicks(&self, words: &str) -> &Self {
        let expression = format!(
            "//*[self::button or self::a or self::summary][normalize-space(.)='{words}' and not(@aria-hidden)] | \
             //*[self::button or self::a][@aria-label='{words}']"
        );
        let element = self.element(&expression);
        self.runtime.block_on(async { element.click().await }).unwrap();
        self
    }

    #[track_caller]
    pub fn signs_in(&self, scene: &Scene, name: &str, password: &str) -> &Self {
        self.goes(&format!("https://{}/", scene.cluster));
        self.fills("User name", name).fills("Password", password).clicks("Sign in").sees("Signed in as")
    }

    #[track_caller]
    pub fn signs_in_as_admin(&self, scene: &Scene) -> &Self {
        self.signs_in(scene, "admin", &scene.wharfinger.admin_password().unwrap())
    }

    /// The cookies of the page, as name and value.
    #[track_caller]
    pub fn cookies(&self) -> Vec<(String, String)> {
        let cookies = self.runtime.block_on(self.driver().get_all_cookies()).unwrap();
        cookies.into_iter().map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())).collect()
    }

    /// What a script of the page would get: for asking what a page of elsewhere could do.
    #[track_caller]
    pub fn runs(&self, script: &str) -> serde_json::Value {
        self.runtime.block_on(self.driver().execute(script, Vec::new())).unwrap()
    }

    /// What Chromium's driver answers beyond the `WebDriver` standard.
    #[track_caller]
    fn asks(&self, what: &str, words: &Value) -> Value {
        let session = self.runtime.block_on(self.driver().session_id()).unwrap().expect("it was started");
        let answer = Api::at(&format!("http://127.0.0.1:{}", self.port)).post(&format!("/session/{session}/{what}"), words);
        answer.is(200).json()["value"].take()
    }

    /// Fails when the browser complained: about a script, a policy, something that was not there.
    #[track_caller]
    pub fn complained_of_nothing(&self) {
        self.complains(|_| false);
    }

    /// As [`Browser::complained_of_nothing`], where something wrong was sent on purpose: the browser notes such an answer.
    #[track_caller]
    pub fn complained_of_nothing_but_bad_input(&self) {
        self.complains(|message| message.contains(BAD_INPUT));
    }

    #[track_caller]
    fn complains(&self, expected: impl Fn(&str) -> bool) {
        let log = self.asks("se/log", &json!({ "type": "browser" }));
        let log = log.as_array().expect("a list of entries").clone();
        let told = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let wrong = |entry: &&Value| !matches!(told(entry, "level").as_str(), "DEBUG" | "INFO");
        let expected = |message: &str| message.contains(NETWORKS) || expected(message);
        let log: Vec<_> = log.iter().filter(wrong).filter(|entry| !expected(&told(entry, "message"))).collect();
        assert!(log.is_empty(), "{log:#?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            self.runtime.block_on(driver.close()).ok();
        }
        self.chromedriver.kill().ok();
        self.chromedriver.wait().ok();
    }
}
