//! One registry, two clusters, each with people, signers and a policy of its own: everything that the documents do in a console is
//! clicked, everything that they type is typed into the stock client.

use std::fs;

use wharfinger_e2e::{DockerCli, PASSWORD, Person, Scene, Serve, free_port};

use crate::browser::{Browser, JavaScript};

/// A console at `https://…`, and somebody who clicks in it.
struct Console<'a> {
    browser: &'a Browser,
    url: String,
}

impl Console<'_> {
    #[track_caller]
    fn signs_in(&self, name: &str, password: &str) {
        self.browser.goes(&format!("{}/", self.url)).fills("User name", name).fills("Password", password).clicks("Sign in");
        self.browser.sees("Signed in as");
    }

    #[track_caller]
    fn signs_out(&self) {
        self.browser.goes(&format!("{}/", self.url)).clicks("Sign out").sees("With the name and password");
    }

    /// *Users and teams*: a user who may use the engine.
    #[track_caller]
    fn makes_user(&self, name: &str) {
        self.browser.clicks("Users and teams").sees("New user").fills("Name", name).fills("Password", PASSWORD);
        self.browser.chooses("Role", "Full control").clicks("Create user").sees(&format!("{name} is made"));
    }

    /// *Users and teams*: an organization, its team, and who is in it.
    #[track_caller]
    fn makes_team(&self, org: &str, team: &str, member: &str) {
        self.browser.clicks("Users and teams").sees("New organization").fills_id("org-name", org).clicks("Create organization");
        self.browser.sees(&format!("{org} is made")).fills("Name", team).clicks("Create team");
        self.browser.sees(&format!("{org}/{team} is made")).fills("User", member).clicks("Add member");
        self.browser.sees(&format!("{member} is a member of {org}/{team}"));
    }

    /// *Admin Settings › Docker Content Trust*.
    #[track_caller]
    fn runs_only_what_is_signed_by(&self, org: &str, team: &str) {
        self.browser.clicks("Docker Content Trust").ticks("Run only signed images").chooses("Organization", org);
        self.browser.chooses("Team", team).clicks("Add Team").sees(&format!("{org}/{team}")).clicks("Save");
        self.browser.sees("Save this policy?").clicks("Save this policy").sees("The policy is saved and in force");
    }

    /// Downloads a client bundle by clicking, and unpacks it at home.
    #[track_caller]
    fn brings_home_a_bundle(&self, person: &Person) {
        self.signs_in(&person.name, PASSWORD);
        self.browser.clicks("My profile").fills("Label", "by clicking").clicks("Download client bundle");
        let zip = self.browser.downloads().join(format!("ucp-bundle-{}.zip", person.name));
        self.browser.waits_for(|| zip.exists());
        person.does(&format!("mkdir bundle && unzip -q {} -d bundle", zip.display()));
        self.signs_out();
    }

    /// **Why?**
    #[track_caller]
    fn says_why(&self, image: &str, words: &[&str]) {
        self.browser.clicks("Why?").fills("Image", image).clicks("Ask");
        for words in words {
            self.browser.sees(words);
        }
    }
}

/// A line typed where the bundle's env.sh was sourced.
fn with_bundle(person: &Person, line: &str) -> wharfinger_e2e::Ran {
    person.sh(&format!("(cd ~/bundle && eval \"$(<env.sh)\" && cd ~ && {line})"))
}

#[test]
fn two_clusters_share_a_registry_and_each_counts_the_signatures_of_its_own_people() {
    let (scene, browser) = (Scene::up(), Browser::start(JavaScript::On));
    let second = Serve::new("cluster serve", &scene.dir().join("second"))
        .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
        .flag("--engine", scene.engine())
        .start()
        .unwrap();
    let console = |url: &str| Console { browser: &browser, url: url.to_owned() };
    let (one, two) = (console(scene.wharfinger.cluster().unwrap()), console(second.cluster().unwrap()));
    let registry = console(scene.wharfinger.registry().unwrap());
    let machine = |name: &str| scene.machine(name, DockerCli::newest());
    let (dev, quinn, nora) = (machine("dev"), machine("quinn"), machine("nora"));
    let image = scene.image("dev/trustdemo:1");
    let run = format!("docker run --rm --entrypoint cat {image} /etc/says");

    // Cluster 1, whose people are the registry's.
    one.signs_in("admin", &scene.wharfinger.admin_password().unwrap());
    one.makes_user("dev");
    one.makes_user("quinn");
    one.makes_team("acme", "qa", "quinn");
    one.runs_only_what_is_signed_by("acme", "qa");
    one.signs_out();
    one.brings_home_a_bundle(&quinn);

    // Cluster 2: people and policy of its own, and the registry registered after its CA was fetched, compared and tested.
    two.signs_in("admin", &second.admin_password().unwrap());
    two.makes_user("nora");
    two.makes_user("quinn");
    two.makes_team("globex", "release", "nora");
    two.runs_only_what_is_signed_by("globex", "release");
    let host = &scene.registry;
    two.says_why(&image, &["may not run", &format!("{host} must be a registered trusted registry")]);
    browser.clicks("Docker Trusted Registry").sees("None yet").fills("Host", host).clicks("Fetch the CA");
    browser.sees("not vouched for by anybody yet").clicks("Test the connection").sees("Images can be signed there");
    browser.clicks(&format!("Add {host}")).sees("is a trusted registry of this cluster now");
    two.signs_out();
    two.brings_home_a_bundle(&nora);

    // The image: pushed, opened to everybody and to quinn's team in the registry's console.
    for (person, user) in [(&dev, "dev"), (&quinn, "quinn"), (&nora, "quinn")] {
        // Pushing a signature takes an account of the registry: nora uses quinn's.
        scene.docker_login(person, user, PASSWORD);
    }
    scene.push(&dev, "dev/trustdemo:1", "v1");
    browser.goes(&registry.url).clicks("Sign in").sees("With the name and password");
    browser.fills("User name", "dev").fills("Password", PASSWORD).clicks("Sign in").sees("Signed in as dev");
    browser
        .clicks("dev/trustdemo")
        .sees("not signed")
        .clicks("Who may use it")
        .clicks("Make it public")
        .sees("without signing in");
    browser
        .clicks("Make it public")
        .sees("is public")
        .fills("Team", "acme/qa")
        .chooses("May", "read and write")
        .clicks("Give access");
    browser.sees("Members of acme/qa may read and write");
    with_bundle(&quinn, &run).fails().says(&format!("image or trust data does not exist for {image}"));

    // quinn signs: cluster 1 runs it, cluster 2, where somebody else has that name, does not.
    let repository = image.rsplit_once(':').unwrap().0;
    let signs = |person: &Person| {
        let (name, home) = (&person.name, person.home().display());
        person.does(&format!("docker trust key load --name {name} bundle/key.pem"));
        dev.does(&format!("docker trust signer add --key {home}/bundle/cert.pem {name} {repository}"));
        person.does(&format!("docker pull -q {image} && docker trust sign {image}"));
    };
    signs(&quinn);
    with_bundle(&quinn, &run).ok().says("v1");
    with_bundle(&nora, &run).fails().says("image did not meet required signing policy");
    // Of a registry with other accounts only administrators are told what was found in it.
    two.signs_in("nora", PASSWORD);
    two.says_why(&image, &["may not run", "You may not read this repository here"]);
    two.signs_out();
    two.signs_in("admin", &second.admin_password().unwrap());
    two.says_why(
        &image,
        &["may not run", "globex/release", "missing", "key of nobody here", "member of globex/release signs it"],
    );

    // nora signs the same tag, which each cluster now runs for a reason of its own.
    signs(&nora);
    with_bundle(&nora, &run).ok().says("v1");
    two.says_why(&image, &["key of nora", "key of nobody here"]);
    one.signs_in("quinn", PASSWORD);
    one.says_why(&image, &["key of quinn", "key of nobody here"]);
    browser.goes(&format!("{}/repositories/dev/trustdemo/tags", registry.url)).sees("Signed in as dev").sees("quinn, nora");

    // Three consoles on one host name, three sessions.
    let names: Vec<String> = browser.cookies().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for (console, who) in [(&one, "quinn"), (&two, "admin"), (&registry, "dev")] {
        browser.goes(&format!("{}/", console.url)).sees(&format!("Signed in as {who}"));
    }
    one.signs_out();
    browser.goes(&format!("{}/", two.url)).sees("Signed in as admin");
    browser.complained_of_nothing();
    assert!(fs::read_to_string(nora.home().join("bundle/env.sh")).unwrap().contains(two.url.trim_start_matches("https://")));
}
