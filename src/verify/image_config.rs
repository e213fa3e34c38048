//! What an image says of itself: the part of its configuration that changes how it runs or builds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A step as the builder noted it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// What it did.
    pub created_by: String,
    /// Whether it made a layer.
    pub has_layer: bool,
}

/// The configuration of an image, without its times.
/// <https://github.com/moby/docker-image-spec/blob/main/spec.md#image-json-field-descriptions>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// `CMD`.
    pub cmd: Vec<String>,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `USER`.
    pub user: String,
    /// `WORKDIR`.
    pub working_dir: String,
    /// `EXPOSE`.
    pub exposed_ports: BTreeSet<String>,
    /// `VOLUME`.
    pub volumes: BTreeSet<String>,
    /// `LABEL`.
    pub labels: BTreeMap<String, String>,
    /// `HEALTHCHECK`, as JSON; empty where there is none.
    pub healthcheck: String,
    /// `ONBUILD`, in order.
    pub on_build: Vec<String>,
    /// `STOPSIGNAL`.
    pub stop_signal: String,
    /// `SHELL`.
    pub shell: Vec<String>,
    /// `MAINTAINER`.
    pub author: String,
    /// What it runs on: system, its version, architecture and variant.
    pub platform: String,
    /// The steps that made the image, those of the base image first.
    pub history: Vec<Noted>,
}

/// A property of two images in which they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigDifference {
    /// The property, such as `Env PATH` or `Cmd`.
    pub property: String,
    /// Its value before; empty where there is none.
    pub before: String,
    /// Its value after.
    pub after: String,
}

impl ImageConfig {
    /// Reads the document that an image has for its configuration.
    pub fn read(document: &Value) -> Self {
        let config = &document["config"];
        let list = |name: &str| -> Vec<String> {
            config[name].as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let text = |name: &str| config[name].as_str().unwrap_or_default().to_owned();
        let keys = |name: &str| config[name].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
        let labels = config["Labels"].as_object().into_iter().flatten();
        let env = list("Env").into_iter().map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (pair, String::new()),
        });
        let healthcheck = &config["Healthcheck"];
        Self {
            env: env.collect(),
            cmd: list("Cmd"),
            entrypoint: list("Entrypoint"),
            user: text("User"),
            working_dir: text("WorkingDir"),
            exposed_ports: keys("ExposedPorts"),
            volumes: keys("Volumes"),
            labels: labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
            healthcheck: if healthcheck.is_null() { String::new() } else { sorted(healthcheck) },
            on_build: list("OnBuild"),
            stop_signal: text("StopSignal"),
            shell: list("Shell"),
            author: document["author"].as_str().unwrap_or_default().to_owned(),
            platform: platform(document),
            history: history(document),
        }
    }

    /// Whether it says how to ask whether a container is well.
    pub fn has_health_check(&self) -> bool {
        !self.healthcheck.is_empty() && !self.healthcheck.contains("\"NONE\"")
    }

    /// The properties in which `after` differs from this; what made the layers is none of them.
    pub fn differences(&self, after: &Self) -> Vec<ConfigDifference> {
        let mut found = Vec::new();
        let mut compare = |property: &str, before: String, after: String| {
            if before != after {
                found.push(ConfigDifference { property: property.to_owned(), before, after });
            }
        };
        for (kind, before, after) in [("Env", &self.env, &after.env), ("Labels", &self.labels, &after.labels)] {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let value = |map: &BTreeMap<String, String>| map.get(name).map(|value| format!("{name}={value}"));
                let (before, after) = (value(before), value(after));
                compare(&format!("{kind} {name}"), before.unwrap_or_default(), after.unwrap_or_default());
            }
        }
        compare("Cmd", words(&self.cmd), words(&after.cmd));
        compare("Entrypoint", words(&self.entrypoint), words(&after.entrypoint));
        compare("User", self.user.clone(), after.user.clone());
        // An image without one starts in the root.
        let directory =
            |config: &Self| config.working_dir.clone() + if config.working_dir.is_empty() { "/" } else { "" };
        compare("WorkingDir", directory(self), directory(after));
        compare("ExposedPorts", names(&self.exposed_ports), names(&after.exposed_ports));
        compare("Volumes", names(&self.volumes), names(&after.volumes));
        compare("Healthcheck", self.healthcheck.clone(), after.healthcheck.clone());
        compare("OnBuild", words(&self.on_build), words(&after.on_build));
        compare("StopSignal", self.stop_signal.clone(), after.stop_signal.clone());
        compare("Shell", words(&self.shell), words(&after.shell));
        compare("Author", self.author.clone(), after.author.clone());
        compare("Platform", self.platform.clone(), after.platform.clone());
        found
    }
}

fn platform(document: &Value) -> String {
    let parts = ["os", "os.version", "architecture", "variant"].map(|name| document[name].as_str().unwrap_or_default());
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn words(words: &[String]) -> String {
    if words.is_empty() { String::new() } else { format!("{words:?}") }
}

fn names(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(" ")
}

/// JSON with the keys of its objects in order.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields: BTreeMap<&String, String> = map.iter().map(|(key, value)| (key, sorted(value))).collect();
            let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", fields.join(", "))
        }
        value => value.to_string(),
    }
}

fn history(document: &Value) -> Vec<Noted> {
    let noted = |step: &Value| Noted {
        created_by: step["created_by"].as_str().unwrap_or_default().to_owned(),
        has_layer: !step["empty_layer"].as_bool().unwrap_or(false),
    };
    document["history"].as_array().into_iter().flatten().map(noted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> ImageConfig {
        ImageConfig::read(&serde_json::from_str(json).unwrap())
    }

    fn differing(before: &str, after: &str) -> Vec<String> {
        let found = config(before).differences(&config(after));
        found.into_iter().map(|found| format!("{}: {:?} {:?}", found.property, found.before, found.after)).collect()
    }

    #[test]
    fn each_property_is_compared() {
        let full = r#"{"config":{"Env":["A=1","B=2"],"Cmd":["x"],"Entrypoint":["e"],"User":"u","WorkingDir":"/w",
            "ExposedPorts":{"1/tcp":{}},"Volumes":{"/v":{}},"Labels":{"l":"1"},"Healthcheck":{"Test":["CMD","t"]},
            "OnBuild":["RUN o"],"StopSignal":"9","Shell":["s"]},"author":"a","os":"linux","architecture":"amd64"}"#;
        let found = differing(full, r#"{"config":{"Env":["B=3"],"Volumes":null}}"#);
        let named: Vec<&str> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
        let expected = [
            "Env A",
            "Env B",
            "Labels l",
            "Cmd",
            "Entrypoint",
            "User",
            "WorkingDir",
            "ExposedPorts",
            "Volumes",
            "Healthcheck",
            "OnBuild",
            "StopSignal",
            "Shell",
            "Author",
            "Platform",
        ];
        assert_eq!(named, expected);
        assert_eq!(found[0], r#"Env A: "A=1" """#);
    }

    #[test]
    fn order_of_keys_and_absence_do_not_count() {
        let before = r#"{"config":{"Env":["A=1","B=2"],"Healthcheck":{"Test":["t"],"Retries":1},"Cmd":[]}}"#;
        let after = r#"{"config":{"Env":["B=2","A=1"],"Healthcheck":{"Retries":1,"Test":["t"]},"WorkingDir":"/"}}"#;
        assert_eq!(differing(before, after), Vec::<String>::new());
    }

    #[test]
    fn steps_tell_whether_they_made_a_layer() {
        let read = config(
            r#"{"history":[{"created_by":"ADD a"},{"created_by":"ENV b","empty_layer":true},{"created_by":"RUN c"}]}"#,
        );
        let steps: Vec<_> = read.history.iter().map(|step| (step.created_by.as_str(), step.has_layer)).collect();
        assert_eq!(steps, [("ADD a", true), ("ENV b", false), ("RUN c", true)]);
    }
}
