//! The registry's console: what is pushed and signed with the stock client is seen there.

use wharfinger_e2e::{PASSWORD, Scene};

use crate::browser::{Browser, JavaScript};
use crate::up;

#[test]
fn what_docker_trust_signs_stands_there_as_signed_beside_its_size() {
    let (scene, browser) = (Scene::up(), Browser::start(JavaScript::Off));
    let cast = scene.acme("private");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    cast.add_quinn(&image);
    let tags = format!("https://{}/repositories/acme/app/tags", scene.registry);
    browser.goes(&tags).fills("User name", "quinn").fills("Password", PASSWORD).clicks("Sign in");
    browser.sees("acme/app").sees("not signed").never_sees("B Signed");

    cast.quinn_signs(&image);
    browser.goes(&format!("https://{}/", scene.registry)).fills("Find by name", "nowhere").clicks("Find");
    browser.sees("has nowhere in its name").clicks("Show all of them").clicks("acme/app");
    browser.sees("B Signed").sees("quinn").never_sees("another digest is signed");
    browser.clicks("1").sees("Layers").sees(&format!("docker trust sign {image}"));
    browser.clicks("acme/app").clicks("Roles and keys").sees("targets/quinn").sees("says what each tag means");

    scene.push(&cast.dev, "acme/app:1", "v2");
    browser.goes(&tags).sees("another digest is signed");
    browser.complained_of_nothing();
}

#[test]
fn the_consoles_of_one_process_keep_a_session_each() {
    let (scene, browser) = (up(), Browser::start(JavaScript::Off));
    let registry = format!("https://{}/", scene.registry);
    browser.signs_in_as_admin(&scene).goes(&registry).sees("No repository here is public").clicks("Sign in");
    browser.fills("User name", "admin").fills("Password", &scene.wharfinger.admin_password().unwrap()).clicks("Sign in");
    browser.sees("docker login").sees("Signed in as admin");
    assert_eq!(browser.cookies().len(), 2);
    browser
        .clicks("Sign out")
        .sees("With the name and password of your account")
        .goes(&registry)
        .sees("No repository here is public");
    browser.goes(&format!("https://{}/manage/", scene.cluster)).sees("Signed in as admin");
    browser.complained_of_nothing();
}

#[test]
fn who_signed_and_revoked_what_is_told_to_whoever_asks() {
    let (scene, browser) = (Scene::up(), Browser::start(JavaScript::Off));
    let cast = scene.acme("private");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    let first = scene.push(&cast.dev, "acme/app:2", "v2");
    cast.quinn_signs(&first);
    cast.quinn.does(&format!("docker trust revoke --yes {first}"));

    let registry = format!("https://{}/repositories/acme/app", scene.registry);
    browser.goes(&registry).fills("User name", "quinn").fills("Password", PASSWORD).clicks("Sign in").clicks("Roles and keys");
    browser.sees("History of trust").sees("dev began the trust data with the root key").sees("dev let quinn sign with");
    browser.sees("quinn signed 1 \u{2192} ").sees("quinn signed 2 \u{2192} ").sees("quinn revoked 2 \u{2192} ").sees(" of quinn");
    // Newest first.
    let text = browser.text();
    let places = ["quinn revoked 2", "quinn signed 2", "quinn signed 1", "dev began"].map(|words| text.find(words).unwrap());
    assert!(places.is_sorted(), "{text}");

    browser.clicks("acme/app").clicks("2").sees("quinn revoked 2").sees("quinn signed 2").never_sees("quinn signed 1");
    browser.clicks("acme/app").clicks("1").sees("quinn signed 1").never_sees("revoked").never_sees("Delete 1");
    browser.clicks("Sign out").fills("User name", "dev").fills("Password", PASSWORD).clicks("Sign in");
    browser
        .clicks("acme/app")
        .clicks("2")
        .clicks("Delete 2")
        .sees("It is not signed")
        .clicks("Delete 2")
        .sees("The tag 2 is deleted");
    browser.clicks("Settings").clicks("Delete acme/app").sees("With it go 1 tag").sees("the signatures of 1 tag: 1");
    browser.clicks("Delete acme/app").sees("acme/app is deleted").sees("You may read no repository yet");
    browser.complained_of_nothing();
}

#[test]
fn a_repository_is_made_by_clicking_and_pushed_to() {
    let (scene, browser) = (Scene::up(), Browser::start(JavaScript::On));
    let dev = scene.person("dev");
    browser.goes(&format!("https://{}/repositories/new", scene.registry));
    browser.fills("User name", "dev").fills("Password", PASSWORD).clicks("Sign in").sees("Signed in as");
    browser.fills_id("name", "tool").ticks("Public");
    browser.fills("What it is", "A tool").clicks("Create repository").sees("dev/tool is made").sees("A tool").sees("public");
    scene.push(&dev, "dev/tool:1", "v1");
    browser.clicks("Repositories").clicks("dev/tool").sees("by dev");
    browser.clicks("My account").sees("is kept by the cluster").clicks("Change it there");
    browser.fills("User name", "dev").fills("Password", PASSWORD).clicks("Sign in").sees("My profile");
    browser.complained_of_nothing();
}
