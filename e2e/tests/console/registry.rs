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
    browser.clicks("Sign out").goes(&registry).sees("No repository here is public");
    browser.goes(&format!("https://{}/manage/", scene.cluster)).sees("Signed in as admin");
    browser.complained_of_nothing();
}
