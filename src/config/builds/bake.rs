//! Builds of a Bake file, in HCL or JSON.
//!
//! <https://docs.docker.com/build/bake/reference/>

use std::collections::{BTreeMap, BTreeSet};

use hcl::edit::Span;
use hcl::edit::structure::{Attribute, Block, Body};
use hcl::eval::{Context, Evaluate};
use hcl::{Expression, Value};

use super::NamedBuild;
use super::inline::{InlineDockerfile, first_word};
use super::yaml;

/// How many targets a chain of `inherits` may have.
const LONGEST_CHAIN: usize = 20;
/// The attribute that holds a Dockerfile.
const INLINE: &str = "dockerfile-inline";

/// The builds of the targets. A target that only others inherit from declares none.
pub(super) fn builds(name: &str, text: &str) -> Vec<NamedBuild> {
    let file = if name.strip_suffix(".json").is_some() { Targets::from_json(text) } else { Targets::from_hcl(text) };
    let Some(file) = file else { return Vec::new() };
    let bases: BTreeSet<&str> = file.targets.values().flat_map(|target| target.bases()).collect();
    let leaves = file.targets.keys().filter(|name| !bases.contains(name.as_str()));
    leaves.filter_map(|name| file.build(name, text)).collect()
}

/// The targets of a file by name, attributes as they are written.
#[derive(Default)]
struct Targets {
    targets: BTreeMap<String, Target>,
}

/// The attributes of a target: their values, `None` where one depends on what only the caller knows.
#[derive(Default)]
struct Target {
    attributes: BTreeMap<String, Option<Value>>,
    /// Where the value of `dockerfile-inline` begins in the file, where it has one.
    inline: Option<usize>,
}

impl Target {
    fn of_block(block: &Block, context: &Context<'_>) -> Self {
        let attributes = block.body.attributes();
        let evaluated = attributes
            .map(|attribute| (attribute.key.as_str().to_owned(), attribute_value(&expression(attribute), context)));
        let inline = block.body.get_attribute(INLINE).and_then(|attribute| attribute.value.span());
        Self { attributes: evaluated.collect(), inline: inline.map(|span| span.start) }
    }

    fn bases(&self) -> Vec<&str> {
        let inherits = self.attributes.get("inherits").and_then(Option::as_ref).and_then(Value::as_array);
        inherits.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

impl Targets {
    fn from_hcl(text: &str) -> Option<Self> {
        let body: Body = text.parse().ok()?;
        let mut context = Context::new();
        for block in body.blocks().filter(|block| block.ident.as_str() == "variable") {
            let default = block.body.get_attribute("default").map(expression);
            let value = default.and_then(|default| default.evaluate(&context).ok());
            if let Some((name, value)) = label(block).zip(value) {
                context.declare_var(name.to_owned(), value);
            }
        }
        let mut file = Self::default();
        for block in body.blocks().filter(|block| block.ident.as_str() == "target") {
            file.targets.insert(label(block)?.to_owned(), Target::of_block(block, &context));
        }
        Some(file)
    }

    /// The same keys as objects; strings with `${` are not evaluated.
    fn from_json(text: &str) -> Option<Self> {
        let tree: serde_json::Value = serde_json::from_str(text).ok()?;
        // JSON is YAML too, and that reader tells places.
        let places = yaml::tree(text);
        let line = |name: &str| Some(places.as_ref()?.get("target")?.get(name)?.get(INLINE)?.scalar()?.line);
        let mut file = Self::default();
        for (name, target) in tree.get("target")?.as_object()? {
            let attributes = target.as_object()?.iter().map(|(key, value)| {
                let literal = !value.to_string().contains("${");
                (key.clone(), literal.then(|| serde_json::from_value(value.clone()).ok()).flatten())
            });
            let inline = line(name).map(|line| first_word(text, line));
            file.targets.insert(name.clone(), Target { attributes: attributes.collect(), inline });
        }
        Some(file)
    }

    /// The build of a target of the file that reads `document`; `None` where a part of it is not known.
    fn build(&self, name: &str, document: &str) -> Option<NamedBuild> {
        if self.targets.get(name)?.attributes.contains_key("matrix") {
            return None;
        }
        let chain = self.chain(name)?;
        // The own value of a target counts before that of what it inherits from, a later base before an earlier.
        let attribute = |key: &str| chain.iter().find_map(|target| target.attributes.get(key));
        let inline = match chain.iter().find_map(|target| Some((target.attributes.get(INLINE)?, target.inline))) {
            Some((value, start)) => {
                let text = value.as_ref()?.as_str()?;
                Some(InlineDockerfile::of_template(document, start.unwrap_or_default(), text))
            }
            None => None,
        };
        let text = |key: &str, default: &str| match attribute(key) {
            None => Some(default.to_owned()),
            Some(value) => Some(value.as_ref()?.as_str()?.to_owned()),
        };
        let mut args = BTreeMap::new();
        for target in chain.iter().rev() {
            let given = target.attributes.get("args");
            // What is not known here hides what is known below.
            let Some(given) = given.map_or(Some(None), |given| given.as_ref().map(Some)) else {
                args.clear();
                continue;
            };
            for (name, value) in given.and_then(Value::as_object).into_iter().flatten() {
                match value.as_str() {
                    Some(value) => args.insert(name.clone(), value.to_owned()),
                    None => args.remove(name),
                };
            }
        }
        let contexts = attribute("contexts").and_then(|contexts| contexts.as_ref()?.as_object());
        let contexts = contexts.into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let target = attribute("target").and_then(|target| target.as_ref()?.as_str()).map(str::to_owned);
        let (context, dockerfile) = (text("context", ".")?, text("dockerfile", "Dockerfile")?);
        Some(NamedBuild { context, dockerfile, args, contexts, target, inline })
    }

    /// A target and all that it inherits from, what counts first first.
    fn chain(&self, name: &str) -> Option<Vec<&Target>> {
        let mut chain = Vec::new();
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            let target = self.targets.get(name)?;
            if chain.len() > LONGEST_CHAIN || matches!(target.attributes.get("inherits"), Some(None)) {
                return None;
            }
            chain.push(target);
            // The last one is taken next.
            open.extend(target.bases());
        }
        Some(chain)
    }
}

fn label(block: &Block) -> Option<&str> {
    block.labels.first().map(hcl::edit::structure::BlockLabel::as_str)
}

/// The value of an attribute in the form that can be evaluated.
fn expression(attribute: &Attribute) -> Expression {
    attribute.value.clone().into()
}

/// An attribute as far as it is known. Of a table, the entries that are known: others become null.
fn attribute_value(expression: &Expression, context: &Context<'_>) -> Option<Value> {
    let Expression::Object(object) = expression else { return expression.evaluate(context).ok() };
    let entries = object.iter().map(|(key, value)| {
        let name = match key {
            hcl::expr::ObjectKey::Identifier(name) => name.to_string(),
            hcl::expr::ObjectKey::Expression(key) => key.evaluate(context).ok()?.as_str()?.to_owned(),
            _ => return None,
        };
        Some((name, value.evaluate(context).unwrap_or(Value::Null)))
    });
    entries.collect::<Option<hcl::Map<String, Value>>>().map(Value::Object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::TextRange;

    fn shown(name: &str, text: &str) -> Vec<String> {
        let line = |build: NamedBuild| format!("{} {} {:?}", build.context, build.dockerfile, build.args);
        builds(name, text).into_iter().map(line).collect()
    }

    #[test]
    fn reads_targets_with_what_they_inherit() {
        let text = "variable \"V\" { default = \"1.2\" }\nvariable \"CALLER\" {}\n\
            group \"default\" { targets = [\"app\", \"db\"] }\n\
            target \"base\" {\n  context = \".\"\n  args = { VERSION = V, REVISION = CALLER, A = \"base\" }\n}\n\
            target \"app\" {\n  inherits = [\"base\"]\n  dockerfile = \"docker/app.Dockerfile\"\n  args = { A = \"x-${V}\" }\n}\n\
            target \"db\" { context = \"./db\" }\n\
            target \"some\" { context = \"${CALLER}/x\" }\n\
            target \"many\" {\n  name = \"many-${t}\"\n  matrix = { t = [\"a\"] }\n}\n";
        assert_eq!(
            shown("docker-bake.hcl", text),
            [r#". docker/app.Dockerfile {"A": "x-1.2", "VERSION": "1.2"}"#, "./db Dockerfile {}"]
        );
    }

    #[test]
    fn reads_json() {
        let text = r#"{"target": {
            "base": {"dockerfile": "d/Dockerfile", "args": {"A": "1", "B": "${X}"}},
            "app": {"inherits": ["base"], "context": ".."},
            "not": {"context": "${X}"}}}"#;
        assert_eq!(shown("docker-bake.json", text), [".. d/Dockerfile {}"]);
    }

    #[test]
    fn broken_or_hostile_text_declares_nothing() {
        for text in [
            "target \"a\" { inherits = [\"a\"] }".to_owned(),
            "target \"a\" { inherits = [\"nowhere\"] }".to_owned(),
            "target \"a\" { inherits = f(x) }".to_owned(),
            "target \"a\" {".to_owned(),
            "target { }".to_owned(),
            format!("x = {}", "(".repeat(50_000)),
            format!("x = {}", "[".repeat(50_000)),
            format!("x = {}1", "!".repeat(50_000)),
            String::new(),
        ] {
            assert_eq!(shown("docker-bake.hcl", &text), [""; 0]);
        }
        assert_eq!(shown("docker-bake.json", &"[".repeat(100_000)), [""; 0]);
    }

    /// Of each Dockerfile in a file: its context, its text, and what stands where `part` of it does.
    fn inside(name: &str, text: &str, part: &str) -> Vec<(String, String, String)> {
        let found = builds(name, text).into_iter().filter_map(|build| {
            let inline = build.inline?;
            let start = inline.text.find(part).unwrap();
            let place = inline.place(TextRange::new(start, start + part.len()));
            Some((build.context, inline.text.clone(), place.of(text).to_owned()))
        });
        found.collect()
    }

    #[test]
    fn reads_dockerfiles_inside_with_their_places() {
        for (text, part, made, place) in [
            (
                "target \"a\" {\n  dockerfile-inline = <<EOT\nFROM a\nRUN x\nEOT\n}\n",
                "RUN x",
                "FROM a\nRUN x\n",
                "RUN x",
            ),
            (
                "target \"a\" {\n  dockerfile-inline = <<-E\n    FROM a\n      RUN x\n  E\n}\n",
                "RUN",
                "FROM a\n  RUN x\n",
                "RUN",
            ),
            (
                "variable \"V\" { default = \"12\" }\ntarget \"a\" {\n  dockerfile-inline = <<E\nFROM a:${V} AS b\nRUN $${X}\nE\n}\n",
                "AS b",
                "FROM a:12 AS b\nRUN ${X}\n",
                "AS b",
            ),
            (
                "target \"a\" {\n  dockerfile-inline = <<E\nFROM é\nRUN $${X} y\nE\n}\n",
                "{X} y",
                "FROM é\nRUN ${X} y\n",
                "{X} y",
            ),
            ("target \"a\" {\n  dockerfile-inline = \"FROM a\\nRUN x\\n\"\n}\n", "RUN", "FROM a\nRUN x\n", "\""),
            (
                "target \"b\" {\n  dockerfile-inline = <<E\nFROM a\nE\n}\ntarget \"a\" {\n  inherits = [\"b\"]\n}\n",
                "a",
                "FROM a\n",
                "a",
            ),
        ] {
            let wanted = (".".to_owned(), made.to_owned(), place.to_owned());
            assert_eq!(inside("docker-bake.hcl", text, part), [wanted], "{text}");
        }
        let json = "{\"target\": {\"a\": {\n  \"context\": \"x\",\n  \"dockerfile-inline\": \"FROM a\\nRUN x\\n\"}}}";
        let wanted = ("x".to_owned(), "FROM a\nRUN x\n".to_owned(), "\"".to_owned());
        assert_eq!(inside("docker-bake.json", json, "RUN x"), [wanted]);
    }

    #[test]
    fn a_dockerfile_inside_that_is_not_known_declares_nothing() {
        for text in [
            "target \"a\" { dockerfile-inline = <<E\nFROM ${BASE}\nE\n}\n",
            "target \"a\" { dockerfile-inline = f(x) }\n",
            "target \"a\" { dockerfile-inline = [\"FROM a\"] }\n",
        ] {
            assert_eq!(shown("docker-bake.hcl", text), [""; 0], "{text}");
        }
    }
}
