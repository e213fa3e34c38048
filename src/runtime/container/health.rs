//! `HEALTHCHECK`: what is asked, and how often.
//! <https://docs.docker.com/reference/dockerfile/#healthcheck>

use std::time::Duration;

use crate::runtime::image::ContainerConfig;

/// What Docker takes where the image does not say.
const USUAL: Duration = Duration::from_secs(30);

/// Docker's interval while a container starts.
const USUAL_START: Duration = Duration::from_secs(5);

/// The shell of images that name none.
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// How an image asks whether a container is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The command; it returns 0 where all is well.
    pub arguments: Vec<String>,
    /// Between two checks.
    pub interval: Duration,
    /// Between two checks while failures do not count yet.
    pub start_interval: Duration,
    /// When a check counts as failed, and is killed.
    pub timeout: Duration,
    /// While failures do not count.
    pub start_period: Duration,
    /// Failures in a row until the container counts as unwell.
    pub retries: u32,
}

impl HealthCheck {
    /// What a configuration says; `None` where it says nothing, or `NONE`.
    pub fn of(config: &ContainerConfig) -> Option<Self> {
        let check = config.healthcheck.as_ref()?;
        let (kind, words) = check.test.split_first()?;
        let arguments: Vec<String> = match kind.as_str() {
            "CMD" => words.to_vec(),
            "CMD-SHELL" => {
                let shell = config.shell.clone().unwrap_or_else(|| SHELL.map(str::to_owned).to_vec());
                shell.into_iter().chain(words.iter().cloned()).collect()
            }
            _ => return None,
        };
        let time = |given: Option<i64>, usual: Duration| match given.and_then(|time| u64::try_from(time).ok()) {
            None | Some(0) => usual,
            Some(time) => Duration::from_nanos(time),
        };
        let retries = check.retries.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        Some(Self {
            arguments,
            interval: time(check.interval, USUAL),
            start_interval: time(check.start_interval, USUAL_START),
            timeout: time(check.timeout, USUAL),
            start_period: time(check.start_period, Duration::ZERO),
            retries: retries.unwrap_or(3),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::image::Healthcheck;

    fn check(test: &[&str], shell: Option<&[&str]>) -> Option<HealthCheck> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let healthcheck = Healthcheck { test: words(test), interval: Some(2_000_000_000), ..Healthcheck::default() };
        HealthCheck::of(&ContainerConfig {
            healthcheck: Some(healthcheck),
            shell: shell.map(words),
            ..ContainerConfig::default()
        })
    }

    #[test]
    fn commands_in_both_forms() {
        let shell = check(&["CMD-SHELL", "curl -f x"], None).unwrap();
        assert_eq!(shell.arguments, ["/bin/sh", "-c", "curl -f x"]);
        assert_eq!((shell.interval, shell.timeout, shell.retries), (Duration::from_secs(2), USUAL, 3));
        assert_eq!(check(&["CMD-SHELL", "x"], Some(&["/bin/bash", "-c"])).unwrap().arguments, ["/bin/bash", "-c", "x"]);
        assert_eq!(check(&["CMD", "probe", "-q"], None).unwrap().arguments, ["probe", "-q"]);
        assert_eq!(check(&["NONE"], None), None);
        assert_eq!(check(&[], None), None);
    }
}
