//! Every page of both consoles, for everybody who may see it: on a wide screen and a phone, in light and dark, and for those who do
//! not see it. The pictures in `docs/screenshots` are taken on the way.

use crate::album::Album;
use crate::browser::{Browser, ESCAPE, JavaScript, Scheme, Screen};
use crate::lively::Lively;

use Scheme::{Dark, Light};
use Screen::{Phone, Wide};

/// Somebody who goes from page to page.
struct Visit<'a> {
    browser: &'a Browser,
    album: &'a Album,
}

impl Visit<'_> {
    /// The page that is open, as everybody gets it; `pictures` of it are kept.
    #[track_caller]
    fn looks(&self, pictures: &[(&'static str, Screen, Scheme)]) {
        for (screen, scheme) in [(Wide, Light), (Wide, Dark), (Phone, Light), (Phone, Dark)] {
            let wanted = pictures.iter().find(|(_, on, colours)| (*on, *colours) == (screen, scheme));
            match (screen, scheme) {
                (Wide, Light) => drop(self.browser.looks_at(screen, scheme).fits().has_no_obstacles()),
                (Phone, Dark) => drop(self.browser.looks_at(screen, scheme).fits().has_no_more_obstacles()),
                _ if wanted.is_none() => continue,
                _ => drop(self.browser.looks_at(screen, scheme)),
            }
            if let Some((name, ..)) = wanted {
                self.album.takes(name, self.browser, screen);
            }
        }
        self.browser.looks_at(Wide, Light);
    }

    #[track_caller]
    fn goes(&self, address: &str, shows: &str, pictures: &[(&'static str, Screen, Scheme)]) {
        self.browser.goes(address).sees(shows);
        self.looks(pictures);
    }

    #[track_caller]
    fn signs_in(&self, name: &str, password: &str) {
        self.browser.fills("User name", name).fills("Password", password).clicks("Sign in").sees("Signed in as");
    }
}

#[test]
fn every_page_of_a_cluster_can_be_used_by_everybody_who_may_see_it() {
    let house = Lively::up();
    let _running = house.runs();
    // Only now: a browser gives up a page when an interface comes or goes, as with every container.
    let browser = Browser::start(JavaScript::On);
    let album = Album::open(&house.scene);
    let visit = Visit { browser: &browser, album: &album };
    let at = |path: &str| house.cluster(path);
    let why = |image: &str| at(&format!("/manage/why?image={image}"));

    visit.goes(&at("/manage/"), "Sign in", &[("sign-in", Phone, Light)]);
    visit.signs_in("olga", &house.password("olga"));
    visit.goes(&at("/manage/"), "Your recent refusals", &[]);
    visit.goes(&at("/manage/accounts"), "acme", &[]);
    visit.goes(&at("/manage/accounts/acme"), "operations", &[]);
    visit.goes(&at("/manage/profile"), "login and signing", &[]);
    visit.goes(&at("/manage/deploy"), "Create a service", &[]);
    visit.goes(&at("/manage/settings/contenttrust"), "an administrator can change the role", &[]);
    browser.goes(&at("/manage/")).clicks("Sign out").sees("With the name and password");

    visit.signs_in("admin", &house.password("admin"));
    visit.goes(
        &at("/manage/"),
        "Would be refused now",
        &[("overview", Wide, Light), ("overview-dark", Wide, Dark), ("overview-phone", Phone, Light)],
    );
    visit.goes(&at("/manage/workloads"), "not-released", &[("workloads", Wide, Light)]);
    visit.goes(&at("/manage/deploy"), "Create a service", &[("deploy", Wide, Light)]);
    browser.fills("Name", "shop").fills("Image", &house.half).fills("Published ports", "http").clicks("Create the service");
    browser.sees("`http` is not a port");
    visit.looks(&[]);
    browser.fills("Published ports", "").clicks("Create the service").sees("What to do");
    visit.looks(&[]);
    visit.goes(&at("/manage/deploy/progress"), "Services", &[]);
    visit.goes(&at("/manage/deploy/stack"), "Deploy a stack", &[]);
    browser.fills("Name of the stack", &house.stack()).fills("Compose file", &house.stack_file()).clicks("Look at what it does");
    browser.sees("Decide again");
    visit.looks(&[("stack", Wide, Light), ("stack-phone", Phone, Dark)]);
    browser.clicks("Go on editing").fills("Compose file", &house.stack_file().replace(&house.half, &house.signed));
    browser.clicks("Look at what it does").sees("Deploy this stack");
    visit.looks(&[]);
    let _deployed = house.deployed();
    browser.clicks("Deploy this stack").sees("All 2 services run.");
    visit.looks(&[("progress", Wide, Light)]);
    visit.goes(&at("/manage/deploy/progress"), &house.stack(), &[]);
    visit.goes(&at("/manage/why"), "Nothing is recorded", &[]);
    visit.goes(&why(&house.half), "may not run", &[("why", Wide, Light), ("why-phone", Phone, Dark)]);
    visit.goes(&why(&house.signed), "may run", &[]);
    visit.goes(&at("/manage/accounts"), "Deniz Kaya", &[("accounts", Wide, Light)]);
    visit.goes(&at("/manage/accounts/acme"), "operations", &[]);
    visit.goes(&at("/manage/accounts/acme/teams/qa"), "required by the policy", &[("team", Wide, Light)]);
    visit.goes(&at("/manage/accounts/quinn"), "login and signing", &[]);
    browser.clicks("Remove Generated on download").sees("These tags lose a signature");
    visit.looks(&[("key-removal", Wide, Light)]);
    visit.goes(&at("/manage/profile"), "New client bundle", &[("profile", Wide, Light)]);
    browser.clicks("Register another public key");
    visit.looks(&[]);
    visit.goes(
        &at("/manage/settings/contenttrust"),
        "acme/security",
        &[("content-trust", Wide, Light), ("content-trust-phone", Phone, Light)],
    );
    browser.clicks("Add a rule").sees("A new rule").fills("Images", "busybox").fills("Teams", "acme/qa").clicks("Add the rule");
    browser.sees("`busybox` is not a repository pattern");
    visit.looks(&[]);
    let images = format!("{}/acme/payments/*", house.scene.registry);
    browser.fills("Images", &images).fills("Users", "sam").fills("How many of them", "1").clicks("Add the rule");
    browser.sees("the signatures of at least 1 of these").clicks("Add an exemption").sees("A new exemption");
    browser.fills("Repository", "registry.example.com/vendor/*").fills("Reason", "the vendor signs from January");
    browser.fills("Asked for by", "quinn").fills("Until", "2999-01-31 12:00");
    visit.looks(&[("rules", Wide, Light)]);
    browser.clicks("Add the exemption").sees("Until 2999-01-31 12:00 UTC nobody has to sign");
    visit.looks(&[]);
    browser.clicks("Remove acme/security").sees("not saved yet").clicks("Save").sees("Save this policy?");
    visit.looks(&[("preview", Wide, Light)]);
    visit.goes(&at("/manage/settings/dtr"), "Followed", &[("trusted-registry", Wide, Light)]);
    visit.goes(&at(&format!("/manage/settings/dtr/remove?host={}", house.scene.registry)), "From then on no image", &[]);
    visit.goes(&at("/manage/settings/configuration"), "require_signature_from", &[]);
    let text = browser.holds("Configuration (TOML)").replace("\"acme/security\"", "\"acme/builders\"");
    browser.fills("Configuration (TOML)", &text).clicks("Compare").sees("Replace the configuration?");
    visit.looks(&[("configuration", Wide, Light)]);
    visit.goes(&at("/manage/audit"), "policy.change", &[("audit", Wide, Light)]);
    visit.goes(&at("/manage/audit?verify=yes&actor=nobody"), "Whole: all", &[]);
    // On a phone the menu lies over the page, and only when it is asked for.
    browser.looks_at(Phone, Dark).goes(&at("/manage/")).sees("Overview").never_sees("Audit log").clicks("Menu").sees("Audit log");
    browser.has_no_obstacles().types(ESCAPE).never_sees("Audit log").clicks("Menu").clicks("Audit log").sees("Verify the chain");
    visit.goes(&at("/manage/nowhere"), "there is no such page", &[]);
    browser.complained_of_nothing_but_bad_input();
    album.closes("cluster");
}

#[test]
fn every_page_of_a_registry_can_be_used_by_everybody_who_may_see_it() {
    let (house, browser) = (Lively::up(), Browser::start(JavaScript::On));
    let album = Album::open(&house.scene);
    let visit = Visit { browser: &browser, album: &album };
    let at = |path: &str| house.registry(path);

    visit.goes(&at("/repositories"), "acme/app", &[]);
    visit.goes(&at("/repositories/acme/app/tags"), "Signed", &[]);
    visit.goes(&at("/repositories/acme/app/tags/1.4.0"), "sign in to see", &[]);
    browser.clicks("Sign in");
    visit.looks(&[]);
    visit.signs_in("admin", &house.password("admin"));
    visit.goes(&at("/repositories"), "Cards and invoices", &[("repositories", Wide, Light)]);
    visit.goes(&at("/repositories?find=nothing"), "has nothing in its name", &[]);
    visit.goes(
        &at("/repositories/acme/app/tags"),
        "quinn",
        &[("tags", Wide, Light), ("tags-dark", Wide, Dark), ("tags-phone", Phone, Light)],
    );
    visit.goes(&at("/repositories/acme/payments"), "No tag yet", &[]);
    visit.goes(&at("/repositories/acme/app/tags/1.4.0"), "Layers", &[("tag", Wide, Light)]);
    visit.goes(&at("/repositories/acme/app/tags/1.5.0-rc1"), "Nobody has signed this tag", &[]);
    browser.clicks("Delete 1.5.0-rc1").sees("Cancel");
    visit.looks(&[]);
    visit.goes(&at("/repositories/acme/app/trust"), "targets/quinn", &[("trust", Wide, Light), ("trust-dark", Wide, Dark)]);
    visit.goes(&at("/repositories/acme/payments/trust"), "Nothing in it was ever signed", &[]);
    visit.goes(&at("/repositories/acme/app/access"), "acme/security", &[("access", Wide, Light)]);
    browser.clicks("Take access from acme/security").sees("Its members keep what they have");
    visit.looks(&[]);
    visit.goes(&at("/repositories/new"), "Who may pull it", &[]);
    visit.goes(&at("/repositories/acme/app/settings"), "Tags are immutable", &[("repository-settings", Wide, Light)]);
    browser.clicks("Delete acme/app").sees("Its trust data goes, too");
    visit.looks(&[]);
    visit.goes(&at("/manage/profile"), "is kept by the cluster", &[]);
    visit.goes(&at("/repositories/acme/nowhere"), "there is no such repository", &[]);
    browser.complained_of_nothing_but_bad_input();
    album.closes("registry");
}
