//! The ports of `EXPOSE`: `80`, `80/udp`, `8000-8010`, and what `docker run -p` takes, of which the container's side counts.

/// The most ports that one word may stand for.
const MOST: u32 = 65_536;

/// The ports of a word, each as `number/protocol`.
///
/// # Errors
/// A phrase that says what is wrong.
pub(super) fn parse(word: &str) -> Result<impl Iterator<Item = String> + use<>, String> {
    let (ports, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
    let protocol = if protocol.is_empty() { "tcp".to_owned() } else { protocol.to_lowercase() };
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("`{protocol}` is no protocol of a port: give `tcp`, `udp` or `sctp`"));
    }
    let inside = ports.rsplit(':').next().unwrap_or_default();
    let number = |text: &str| text.parse::<u32>().ok().filter(|port| *port < MOST);
    let (first, last) = inside.split_once('-').unwrap_or((inside, inside));
    let range = number(first).zip(number(last)).filter(|(first, last)| first <= last);
    let (first, last) = range.ok_or_else(|| format!("`{word}` is no port: give a number, or two with `-` between"))?;
    Ok((first..=last).map(move |port| format!("{port}/{protocol}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(word: &str) -> Option<Vec<String>> {
        parse(word).ok().map(Iterator::collect)
    }

    #[test]
    fn ports_are_read_as_docker_reads_them() {
        assert_eq!(ports("80").unwrap(), ["80/tcp"]);
        assert_eq!(ports("53/UDP").unwrap(), ["53/udp"]);
        assert_eq!(ports("8000-8002/tcp").unwrap(), ["8000/tcp", "8001/tcp", "8002/tcp"]);
        assert_eq!(ports("127.0.0.1:80:8080").unwrap(), ["8080/tcp"]);
        for wrong in ["", "x", "80/icmp", "9-8", "70000", "-1", "80-"] {
            assert!(ports(wrong).is_none(), "{wrong}");
        }
    }
}
