//! A person at a terminal, asked for passphrases.

use wharfinger_e2e::Scene;

/// Types the answers a person would give, a wrong one first.
const SCRIPT: &str = r#"
set timeout 30
proc say {prompt answer} {
    expect {
        -re $prompt {}
        timeout { puts "NO PROMPT: $prompt"; exit 2 }
        eof { puts "ENDED BEFORE: $prompt"; exit 3 }
    }
    # The client turns echo off after it has asked, and drops what was typed before.
    after 500
    send "$answer\r"
}
spawn docker trust sign $env(IMAGE)
say {passphrase for new root key} rootpass1
say {Repeat passphrase for new root key} rootpass1
say {passphrase for new repository key} repopass1
say {Repeat passphrase for new repository key} repopass1
say {passphrase for new dev key} devpass11
say {Repeat passphrase for new dev key} devpass11
say {Enter passphrase for dev key} devpass11
expect "Successfully signed" {} timeout { exit 4 } eof { exit 5 }
catch { expect eof }

spawn docker trust sign $env(IMAGE)
say {passphrase for dev key} wrongpass
expect -re {[Ii]ncorrect|[Ii]nvalid} {} timeout { exit 6 } eof { exit 7 }
say {passphrase for dev key} devpass11
catch { expect eof }
set status [wait]
exit [lindex $status 3]
"#;

#[test]
fn a_person_types_passphrases_and_may_mistype_one() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    let image = scene.push(&dev, "dev/app:1", "v1");
    dev.writes("script.exp", SCRIPT);
    dev.does("unset DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE");
    dev.does(&format!("IMAGE={image} expect script.exp"));
    dev.does(&format!("docker trust inspect --pretty {image}")).says("dev");
}
