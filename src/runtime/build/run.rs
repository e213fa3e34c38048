//! `RUN`: a command in the stage's files, isolated from the machine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::statvfs;

use super::key::KeyBuilder;
use super::layer::Workplace;
use super::line::Line;
use super::mounts::{self, Mounting};
use super::output::Output;
use super::site::Site;
use super::stage::StageBuild;
use super::{BuildError, inline};
use crate::context::path;
use crate::runtime::overlay;
use crate::runtime::sandbox::{
    self, Exit, MountKind, Network, Outcome, SandboxError, Security, StepMount, Trace, User,
};
use crate::runtime::user::{Account, Users};
use crate::syntax::Command;

/// Where the body of a heredoc stands that is executed as a file.
const PIPES: &str = "/dev/pipes";
/// The name that steps see as that of their machine; `BuildKit`'s own, as some programs write it down.
const HOSTNAME: &str = "buildkitsandbox";

/// What a `RUN` executes.
struct Program {
    arguments: Vec<String>,
    /// A script that is executed as a file: name and content.
    file: Option<(String, String)>,
}

impl StageBuild<'_, '_> {
    /// Executes a `RUN`; gives its line of the history.
    pub(super) fn run(&mut self, line: &Line<'_>, command: &Command) -> Result<String, BuildError> {
        let program = self.program(line, command)?;
        let network = self.network(line)?;
        let security = self.security(line)?;
        if let Some(device) = line.instruction.flag("device") {
            let value = device.value.as_ref().map_or("", |value| &value.text);
            return Err(line.error(format!("devices cannot be given to a step: `{value}`")));
        }
        let mountings = mounts::prepare(self, line)?;
        let mut key = KeyBuilder::new("run", self.state.chain().as_ref(), self.site.request.epoch);
        key.texts(program.arguments.iter().map(String::as_str));
        if let Some((name, content)) = &program.file {
            key.texts(["script", name, content]);
        }
        for (name, value) in &self.state.environment {
            key.texts([name.as_str(), value]);
        }
        let platform = self.state.image.platform().to_string();
        key.texts([self.state.directory(), &self.state.image.config.user, &platform]);
        key.text(&format!("{network:?} {security:?} {:?}", self.site.store.owners()));
        key.texts(self.site.request.extra_hosts.iter().map(|(name, _)| name.as_str()));
        for mounting in &mountings {
            mounting.digest(&mut key);
        }
        let history = self.history(&program);
        let stage = self.snapshot();
        let mut trace = None;
        self.layer(key.finish(), false, |place| {
            trace = stage.execute(place, line, &program, &mountings, network, security)?;
            Ok(())
        })?;
        self.done.trace = trace.map(Arc::new);
        Ok(history)
    }

    /// What the steps after need to know of the stage while it is borrowed.
    fn snapshot(&self) -> Running {
        Running {
            environment: self.state.environment.clone(),
            directory: self.state.directory().to_owned(),
            user: self.state.image.config.user.clone(),
            output: Output::new(self.name.clone()),
        }
    }

    fn program(&self, line: &Line<'_>, command: &Command) -> Result<Program, BuildError> {
        let shell = |text: &str| Program {
            arguments: self.state.shell().into_iter().chain([text.to_owned()]).collect(),
            file: None,
        };
        Ok(match command {
            Command::Exec(words) => {
                Program { arguments: words.iter().map(|word| word.text.clone()).collect(), file: None }
            }
            Command::Shell(text) => match (line.instruction.script(line.source), line.instruction.heredocs.first()) {
                (Some(script), _) => shell(script.as_str()),
                // A body that begins with `#!` is executed as a file.
                (None, Some(heredoc)) => {
                    let path = format!("/{}", path::clean(&format!("{PIPES}/{}", heredoc.name)));
                    let file = (inline::name(line, heredoc)?, inline::content(line, heredoc));
                    Program { arguments: vec![path], file: Some(file) }
                }
                (None, None) => shell(text.as_str()),
            },
        })
    }

    fn network(&self, line: &Line<'_>) -> Result<Network, BuildError> {
        let request = self.site.request;
        match line.instruction.flag_value("network") {
            Some("none") => Ok(Network::None),
            Some("host") if request.allow_host_network => Ok(Network::Host),
            Some("host") if request.network != Network::Host => Err(line
                .error("the step wants the machine's network, which the build was not given")
                .with_help("pass `--allow network.host` where you trust the file")),
            None | Some("" | "default" | "host") => Ok(request.network),
            Some(other) => Err(line.error(format!("`{other}` is no network: give `default`, `none` or `host`"))),
        }
    }

    fn security(&self, line: &Line<'_>) -> Result<Security, BuildError> {
        match line.instruction.flag_value("security") {
            Some("insecure") if self.site.request.allow_insecure => Ok(Security::Insecure),
            Some("insecure") => Err(line
                .error("the step wants all rights that the build itself has")
                .with_help("pass `--allow security.insecure` where you trust the file")),
            _ => Ok(Security::Default),
        }
    }

    fn history(&self, program: &Program) -> String {
        let arguments: Vec<String> =
            self.state.arguments.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let before =
            if arguments.is_empty() { String::new() } else { format!("|{} {} ", arguments.len(), arguments.join(" ")) };
        format!("RUN {before}{}", program.arguments.join(" "))
    }
}

fn write_script(path: &Path, content: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, content)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// A stage's part in a command that runs.
struct Running {
    environment: Vec<(String, String)>,
    directory: String,
    user: String,
    output: Output,
}

impl Running {
    fn execute(
        &self,
        place: &Workplace<'_, '_>,
        line: &Line<'_>,
        program: &Program,
        mountings: &[Mounting],
        network: Network,
        security: Security,
    ) -> Result<Option<Trace>, BuildError> {
        let site = place.site;
        let account = Users::read(&place.below(line)?).account(&self.user).map_err(|reason| line.error(reason))?;
        let mounted =
            overlay::mount(&place.lowers, place.upper, place.work, site.ids).map_err(|error| line.error(error))?;
        let (mut mounts, variables, _kept) = mounts::open(mountings, site, line)?;
        let mut scripts = None;
        if let Some((name, content)) = &program.file {
            let scripts = scripts.insert(site.store.new_snapshot(None)?);
            let written = write_script(&scripts.upper.join(name), content);
            written.map_err(|error| line.error(format!("the script cannot be written: {error}")))?;
            let kind = MountKind::Bind { source: scripts.upper.clone(), read_only: true };
            mounts.push(StepMount { target: PathBuf::from(PIPES), kind });
        }
        let step = sandbox::Step {
            root: mounted.root(),
            arguments: program.arguments.iter().map(|word| word.clone().into_bytes()).collect(),
            environment: self.variables(&account, site.arguments.proxies(), &variables),
            directory: PathBuf::from(&self.directory),
            user: User { uid: account.user, gid: account.group, groups: account.groups.clone() },
            mounts,
            network,
            hostname: HOSTNAME.to_owned(),
            extra_hosts: site.request.extra_hosts.clone(),
            limits: site.request.limits.clone(),
            timeout: site.request.timeout,
            security,
            traced: site.request.traced,
        };
        let sandbox = site.sandbox(line)?;
        let exit = sandbox.run(&step, &mut |stream, bytes| self.output.write(site.sink, stream, bytes));
        let exit = exit.map_err(|error| match error {
            SandboxError::Stopped => BuildError::Stopped,
            error => line.error(error),
        })?;
        drop(mounted);
        for limit in &exit.not_granted {
            site.warn(limit);
        }
        self.outcome(&exit, line, site)?;
        Ok(exit.trace)
    }

    /// The variables of the step: the stage's, and what a login would set.
    fn variables<'v>(
        &self,
        account: &Account,
        proxies: impl Iterator<Item = (&'v str, &'v str)>,
        secrets: &[(String, Vec<u8>)],
    ) -> Vec<Vec<u8>> {
        let is_set = |name: &str| self.environment.iter().any(|(known, _)| known == name);
        let mut variables: Vec<Vec<u8>> =
            self.environment.iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect();
        if !is_set("HOME") {
            variables.push(format!("HOME={}", account.home).into_bytes());
        }
        let proxies = proxies.filter(|(name, _)| !is_set(name));
        variables.extend(proxies.map(|(name, value)| format!("{name}={value}").into_bytes()));
        variables.extend(secrets.iter().map(|(name, value)| [name.as_bytes(), b"=", value].concat()));
        variables
    }

    fn outcome(&self, exit: &Exit, line: &Line<'_>, site: &Site<'_>) -> Result<(), BuildError> {
        let limit = site.request.timeout.map_or(0, |timeout| timeout.as_secs());
        let mut reason = match &exit.outcome {
            Outcome::Code(0) => return Ok(()),
            Outcome::Code(code) => format!("the command failed with exit code {code}"),
            Outcome::Signal(signal) => format!("the command was killed by signal {signal}"),
            Outcome::TimedOut => format!("the command did not end within {limit} s"),
            Outcome::NotStarted { code, message } => format!("the command did not start: {message} (exit code {code})"),
        };
        // Not every program says why it cannot write.
        if is_full(site.store.root()) {
            let _ = write!(reason, "; no space left on the disk of `{}`", site.store.root().display());
        }
        Err(BuildError::Run { lines: line.lines, instruction: line.shown(), reason, tail: self.output.tail() })
    }
}

/// Whether a file system has no room for another file, or for another byte. Some do not count files.
fn is_full(place: &Path) -> bool {
    statvfs(place).is_ok_and(|disk| disk.f_bavail == 0 || disk.f_files != 0 && disk.f_favail == 0)
}
