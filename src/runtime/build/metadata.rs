//! Instructions that change only the image's configuration, and the variables that later steps see.

use serde_json::{Map, Value};

use super::BuildError;
use super::arguments::Arguments;
use super::line::Line;
use super::ports;
use super::state::State;
use crate::runtime::image::Healthcheck;
use crate::syntax::{self, ArgDeclaration, Body, Command, Instruction, Pair, Word, duration_in_nanoseconds};

impl State {
    /// Executes an instruction that makes no layer; `None` for one that does. What it gives is its line of the history.
    pub(super) fn apply(&mut self, line: &Line<'_>, arguments: &Arguments) -> Result<Option<String>, BuildError> {
        let words =
            |words: &[String]| format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        Ok(Some(match &line.instruction.body {
            Body::Env(pairs) => self.env(line, pairs)?,
            Body::Label(pairs) => self.label(line, pairs)?,
            Body::Arg(declarations) => self.arg(line, declarations, arguments)?,
            Body::Cmd(command) => {
                let command = self.command(command);
                self.command_set = true;
                let history = format!("CMD {}", words(&command));
                self.config().cmd = Some(command);
                history
            }
            Body::Entrypoint(command) => {
                let command = self.command(command);
                if !self.command_set {
                    self.config().cmd = None;
                }
                let history = format!("ENTRYPOINT {}", words(&command));
                self.config().entrypoint = Some(command);
                history
            }
            Body::Healthcheck(check) => self.healthcheck(line, check)?,
            Body::Expose(ports) => self.expose(line, ports)?,
            Body::Volume(paths) => self.volume(line, paths)?,
            Body::Shell(shell) => {
                let shell: Vec<String> = shell.iter().map(|word| word.text.clone()).collect();
                let history = format!("SHELL {}", words(&shell));
                self.config().shell = Some(shell);
                history
            }
            Body::User(user) => {
                let user = self.expand(line, &user.text)?;
                let history = format!("USER {user}");
                self.config().user = user;
                history
            }
            Body::Stopsignal(signal) => {
                let signal = self.expand(line, &signal.text)?;
                if !is_signal(&signal) {
                    return Err(line.error(format!("`{signal}` is no signal")));
                }
                let history = format!("STOPSIGNAL {signal}");
                self.config().stop_signal = Some(signal);
                history
            }
            Body::Maintainer(name) => {
                self.image.author = Some(name.text.clone());
                format!("MAINTAINER {}", name.text)
            }
            Body::Onbuild(_) => {
                let trigger = line.instruction.arguments.as_str().to_owned();
                let history = format!("ONBUILD {trigger}");
                self.config().on_build.push(trigger);
                history
            }
            _ => return Ok(None),
        }))
    }

    fn env(&mut self, line: &Line<'_>, pairs: &[Pair]) -> Result<String, BuildError> {
        let mut history = "ENV".to_owned();
        // All values see the variables as they were before the instruction.
        for (name, value) in self.pairs(line, pairs)? {
            self.set(&name, &value);
            let pair = format!("{name}={value}");
            history = format!("{history} {pair}");
            let env = &mut self.image.config.env;
            let is_same = |known: &&mut String| known.split('=').next() == Some(name.as_str());
            match env.iter_mut().find(is_same) {
                Some(known) => *known = pair,
                None => env.push(pair),
            }
        }
        Ok(history)
    }

    fn label(&mut self, line: &Line<'_>, pairs: &[Pair]) -> Result<String, BuildError> {
        let mut history = "LABEL".to_owned();
        for (name, value) in self.pairs(line, pairs)? {
            history = format!("{history} {name}={value}");
            self.image.config.labels.insert(name, value);
        }
        Ok(history)
    }

    fn pairs(&self, line: &Line<'_>, pairs: &[Pair]) -> Result<Vec<(String, String)>, BuildError> {
        let pair = |pair: &Pair| Ok((self.expand(line, &pair.key.text)?, self.expand(line, &pair.value.text)?));
        pairs.iter().map(pair).collect()
    }

    fn arg(
        &mut self,
        line: &Line<'_>,
        declarations: &[ArgDeclaration],
        arguments: &Arguments,
    ) -> Result<String, BuildError> {
        let mut history = "ARG".to_owned();
        for declared in declarations {
            let name = declared.name.text.as_str();
            let default = declared.default.as_ref().map(|default| self.expand(line, &default.text)).transpose()?;
            history = match &default {
                Some(default) => format!("{history} {name}={default}"),
                None => format!("{history} {name}"),
            };
            if let Some(value) = arguments.declared(name, default) {
                self.set(name, &value);
                self.arguments.retain(|(known, _)| known != name);
                self.arguments.push((name.to_owned(), value));
            }
        }
        Ok(history)
    }

    fn command(&self, command: &Command) -> Vec<String> {
        match command {
            Command::Exec(words) => words.iter().map(|word| word.text.clone()).collect(),
            Command::Shell(text) => self.shell().into_iter().chain([text.as_str().to_owned()]).collect(),
        }
    }

    fn healthcheck(&mut self, line: &Line<'_>, check: &syntax::Healthcheck) -> Result<String, BuildError> {
        let instruction = line.instruction;
        let test = match check {
            syntax::Healthcheck::None => vec!["NONE".to_owned()],
            syntax::Healthcheck::Cmd(Command::Shell(text)) => vec!["CMD-SHELL".to_owned(), text.as_str().to_owned()],
            syntax::Healthcheck::Cmd(Command::Exec(words)) => {
                std::iter::once("CMD".to_owned()).chain(words.iter().map(|word| word.text.clone())).collect()
            }
        };
        let retries = match instruction.flag_value("retries").filter(|text| !text.is_empty()) {
            Some(count) => Some(count.parse().map_err(|_| line.error(format!("`{count}` is no number of retries")))?),
            None => None,
        };
        let history = format!("HEALTHCHECK {}", test.join(" "));
        self.config().healthcheck = Some(Healthcheck {
            test,
            interval: duration(instruction, "interval"),
            timeout: duration(instruction, "timeout"),
            start_period: duration(instruction, "start-period"),
            start_interval: duration(instruction, "start-interval"),
            retries: retries.filter(|count| *count != 0),
            ..Healthcheck::default()
        });
        Ok(history)
    }

    fn expose(&mut self, line: &Line<'_>, words: &[Word]) -> Result<String, BuildError> {
        let mut history = "EXPOSE".to_owned();
        for word in words {
            let expanded = syntax::expand_words(&word.text, line.escape, &|name| self.get(name));
            for port in expanded.map_err(|error| line.error(error))? {
                history = format!("{history} {port}");
                let ports = ports::parse(&port).map_err(|reason| line.error(reason))?;
                self.image.config.exposed_ports.extend(ports.map(|port| (port, Value::Object(Map::new()))));
            }
        }
        Ok(history)
    }

    fn volume(&mut self, line: &Line<'_>, paths: &[Word]) -> Result<String, BuildError> {
        let paths = paths.iter().map(|path| self.expand(line, &path.text)).collect::<Result<Vec<_>, _>>()?;
        for path in &paths {
            if path.trim().is_empty() {
                return Err(line.error("the path of a volume is empty once its variables are replaced"));
            }
            self.image.config.volumes.insert(path.clone(), Value::Object(Map::new()));
        }
        Ok(format!("VOLUME [{}]", paths.join(" ")))
    }
}

/// A duration in nanoseconds; zero is none.
fn duration(instruction: &Instruction, name: &str) -> Option<i64> {
    let text = instruction.flag_value(name).filter(|text| !text.is_empty())?;
    Some(duration_in_nanoseconds(text)? as i64).filter(|length| *length != 0)
}

/// A number, or a name with or without `SIG`.
fn is_signal(text: &str) -> bool {
    let name = text.strip_prefix("SIG").or_else(|| text.strip_prefix("sig")).unwrap_or(text);
    let is_number = text.parse::<u32>().is_ok_and(|number| (1..=64).contains(&number));
    let is_name = name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-'));
    is_number || is_name
}

/// A word in Go's quotes, as Docker's history has it.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
