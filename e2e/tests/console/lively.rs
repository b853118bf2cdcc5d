//! A cluster and a registry in the middle of their life: people, teams, signatures, what runs and what was refused.

use serde_json::json;
use wharfinger_e2e::{Cast, PASSWORD, Person, Scene};

/// A running container, taken off with this value: the engine is shared.
pub struct Container<'a>(&'a Person, pub String);

impl<'a> Container<'a> {
    pub fn run(person: &'a Person, name: String, image: &str) -> Self {
        person.does(&format!("docker run -d --name {name} {image}"));
        Self(person, name)
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.0.sh(&format!("docker rm -f {}", self.1));
    }
}

/// A stack that was deployed, taken off with this value.
pub struct Deployed<'a>(&'a Lively);

impl Drop for Deployed<'_> {
    fn drop(&mut self) {
        self.0.cast.olga.sh(&format!("docker stack rm {}", self.0.stack()));
    }
}

/// *Run only signed images* with `acme/qa` and `acme/security`.
pub struct Lively {
    pub scene: Scene,
    pub cast: Cast,
    /// Signed by both teams.
    pub signed: String,
    /// Signed by one of them.
    pub half: String,
    /// Signed by nobody.
    pub unsigned: String,
}

impl Lively {
    pub fn up() -> Self {
        let scene = Scene::up();
        let cast = scene.acme("public");
        let sam = scene.person("sam");
        scene.bundle(&sam);
        scene.team("acme", "security", &["sam"]);
        let admin = scene.admin();
        for (user, name) in [("dev", "Deniz Kaya"), ("quinn", "Quinn Abara"), ("olga", "Olga Petrowa"), ("sam", "Sam Lindqvist")]
        {
            admin.patch(&format!("/accounts/{user}"), &json!({ "fullName": name })).ok();
        }
        admin.patch("/accounts/acme", &json!({ "fullName": "Acme Shipping" })).ok();
        let registry = scene.registry_admin();
        let about = json!({ "shortDescription": "What the shop's front runs on" });
        registry.patch("/api/v0/repositories/acme/app", &about).ok();
        registry.put("/api/v0/repositories/acme/app/teamAccess/security", &json!({ "accessLevel": "read-write" })).ok();
        for (name, says) in [("payments", "Cards and invoices"), ("tools", "For machines that build")] {
            let new = json!({ "name": name, "visibility": "private", "shortDescription": says });
            registry.post("/api/v0/repositories/acme", &new).is(201);
        }

        let [signed, half, unsigned] =
            ["1.4.0", "1.4.1", "1.5.0-rc1"].map(|tag| scene.push(&cast.dev, &format!("acme/app:{tag}"), tag));
        cast.add_quinn(&signed);
        let repository = signed.rsplit_once(':').unwrap().0;
        let certificate = sam.home().join("bundle/cert.pem");
        cast.dev.does(&format!("docker trust signer add --key {} sam {repository}", certificate.display()));
        cast.quinn_signs(&signed);
        cast.quinn_signs(&half);
        sam.does("docker trust key load --name sam ~/bundle/key.pem");
        sam.does(&format!("docker pull -q {signed} && docker trust sign {signed}"));
        Self { scene, cast, signed, half, unsigned }
    }

    /// What runs from before the policy, the policy, and what it refused since.
    pub fn runs(&self) -> [Container<'_>; 2] {
        let (olga, port) = (&self.cast.olga, self.scene.cluster.rsplit(':').next().unwrap());
        let running = [("shop", &self.signed), ("reports", &self.unsigned)]
            .map(|(name, image)| Container::run(olga, format!("{name}-{port}"), image));
        self.scene.enforce(&["acme/qa", "acme/security"]);
        for image in [&self.half, &self.unsigned, "registry.example.com/team/tool:1"] {
            olga.sh(&format!("docker run --rm {image}")).fails();
        }
        running
    }

    /// The name of a stack, which differs from that of other tests on the engine.
    pub fn stack(&self) -> String {
        format!("shop-{}", self.scene.cluster.rsplit(':').next().unwrap())
    }

    /// A stack of two services, of which one may not run.
    pub fn stack_file(&self) -> String {
        let (signed, half) = (&self.signed, &self.half);
        let runs = "entrypoint: sleep 1000";
        format!(
            "services:\n  front:\n    image: {signed}\n    {runs}\n  cart:\n    image: {half}\n    {runs}\n    depends_on: [front]\n"
        )
    }

    /// From now on the stack is taken off with this value.
    pub fn deployed(&self) -> Deployed<'_> {
        Deployed(self)
    }

    pub fn cluster(&self, path: &str) -> String {
        format!("https://{}{path}", self.scene.cluster)
    }

    pub fn registry(&self, path: &str) -> String {
        format!("https://{}{path}", self.scene.registry)
    }

    /// Whose password opens both consoles.
    pub fn password(&self, name: &str) -> String {
        if name == "admin" { self.scene.wharfinger.admin_password().unwrap() } else { PASSWORD.to_owned() }
    }
}
