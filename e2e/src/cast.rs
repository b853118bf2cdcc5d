//! The people of the example workflow: who builds, who tests, who operates, and what each may do.

use serde_json::json;

use crate::person::Person;
use crate::scene::Scene;

/// The organization `acme` with its repository `acme/app`.
#[derive(Debug)]
pub struct Cast {
    /// Team `builders`, which administers the repository.
    pub dev: Person,
    /// Team `qa`: reads, writes, and so signs.
    pub quinn: Person,
    /// Team `operations`: only reads; has full control of the cluster.
    pub olga: Person,
}

impl Scene {
    /// Puts the cast on stage, each logged in to the registry, quinn and olga with a client bundle. olga's
    /// `docker` talks to the cluster, the others' to the engine itself.
    #[track_caller]
    pub fn acme(&self, visibility: &str) -> Cast {
        let [dev, quinn, olga] = ["dev", "quinn", "olga"].map(|name| self.person(name));
        self.team("acme", "builders", &["dev"]);
        self.team("acme", "qa", &["quinn"]);
        self.team("acme", "operations", &["olga"]);
        let admin = self.registry_admin();
        let repository = json!({"name": "app", "visibility": visibility});
        admin.post("/api/v0/repositories/acme", &repository).is(201);
        for (team, level) in [("builders", "admin"), ("qa", "read-write"), ("operations", "read-only")] {
            let path = format!("/api/v0/repositories/acme/app/teamAccess/{team}");
            admin.put(&path, &json!({"accessLevel": level})).ok();
        }
        self.bundle(&quinn);
        quinn.does("docker trust key load --name quinn ~/bundle/key.pem");
        self.operates(&olga);
        Cast { dev, quinn, olga }
    }

    /// From now on this person's `docker` goes through the cluster, with a client bundle of their own.
    #[track_caller]
    pub fn operates(&self, person: &Person) {
        self.bundle(person);
        person.does("cd ~/bundle; eval \"$(<env.sh)\"; cd ~");
    }
}

impl Cast {
    /// dev adds quinn's certificate as a signer of the repository that `image` lies in.
    #[track_caller]
    pub fn add_quinn(&self, image: &str) {
        let repository = image.rsplit_once(':').map_or(image, |(repository, _)| repository);
        let certificate = self.quinn.home().join("bundle/cert.pem");
        self.dev.does(&format!("docker trust signer add --key {} quinn {repository}", certificate.display()));
    }

    /// quinn pulls, and signs with the key of her bundle.
    #[track_caller]
    pub fn quinn_signs(&self, image: &str) {
        self.quinn.does(&format!("docker pull -q {image}"));
        self.quinn.does(&format!("docker trust sign {image}"));
    }
}
