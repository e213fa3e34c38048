//! Users and groups by name or number, as the stage's own `/etc/passwd` and `/etc/group` tell them.

use std::io::Read;

use crate::runtime::tree::Tree;

/// Bytes of the largest user database that is read.
const READ_LIMIT: u64 = 16 * 1024 * 1024;

/// Who executes a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Account {
    pub(in crate::runtime) user: u32,
    pub(in crate::runtime) group: u32,
    /// All its groups; its own is the first.
    pub(in crate::runtime) groups: Vec<u32>,
    /// Its home directory.
    pub(in crate::runtime) home: String,
}

/// A line of `/etc/passwd`.
struct User<'a> {
    name: &'a str,
    id: u32,
    group: u32,
    home: &'a str,
}

/// A line of `/etc/group`.
struct Group<'a> {
    name: &'a str,
    id: u32,
    members: &'a str,
}

/// The databases of a tree.
pub(in crate::runtime) struct Users {
    passwd: String,
    group: String,
    /// Whether there is an `/etc/passwd`.
    is_known: bool,
}

impl Users {
    /// Reads them; what is missing is empty.
    pub(in crate::runtime) fn read(tree: &Tree) -> Self {
        let text = |path: &str| -> Option<String> {
            let real = tree.resolve(path, true).ok()?;
            let node = tree.look(&real)?;
            let mut bytes = Vec::new();
            let file = tree.open(&real, &node).ok().filter(|_| !node.is_directory())?;
            file.take(READ_LIMIT).read_to_end(&mut bytes).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let passwd = text("etc/passwd");
        Self {
            is_known: passwd.is_some(),
            passwd: passwd.unwrap_or_default(),
            group: text("etc/group").unwrap_or_default(),
        }
    }

    fn users(&self) -> impl Iterator<Item = User<'_>> {
        self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, id, group) = (fields.next()?, fields.nth(1)?, fields.next()?);
            Some(User {
                name,
                id: id.parse().ok()?,
                group: group.parse().ok()?,
                home: fields.nth(1).unwrap_or_default(),
            })
        })
    }

    fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        self.group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, id) = (fields.next()?, fields.nth(1)?);
            Some(Group { name, id: id.parse().ok()?, members: fields.next().unwrap_or_default() })
        })
    }

    fn group(&self, text: &str) -> Result<u32, String> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let found = self.groups().find(|group| group.name == text).map(|group| group.id);
        found.ok_or_else(|| format!("there is no group `{text}` in the stage's /etc/group"))
    }

    /// The owner that `--chown` or the `USER` of a `WORKDIR` means: a number alone is the group too, a name brings its own.
    /// A name that the database does not hold is root, as `BuildKit` has it; without a database it is an error.
    pub(in crate::runtime) fn owner(&self, text: &str) -> Result<(u32, u32), String> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let (id, own) = match user.parse::<u32>() {
            Ok(id) => (id, id),
            Err(_) if user.is_empty() => (0, 0),
            Err(_) => {
                let found = self.users().find(|known| known.name == user).map(|known| (known.id, known.group));
                let root = self.is_known.then_some((0, 0));
                found.or(root).ok_or_else(|| format!("there is no /etc/passwd in the stage to find `{user}` in"))?
            }
        };
        let group = group.filter(|group| !group.is_empty()).map(|group| self.group(group).unwrap_or_default());
        Ok((id, group.unwrap_or(own)))
    }

    /// The account that executes commands of a `USER`; empty is root.
    pub(in crate::runtime) fn account(&self, text: &str) -> Result<Account, String> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let user = if user.is_empty() { "0" } else { user };
        let number = user.parse::<u32>().ok();
        let by_name = self.users().find(|known| known.name == user);
        let known = by_name.or_else(|| self.users().find(|known| Some(known.id) == number));
        let (id, own, name, home) = match (known, number) {
            (Some(known), _) => (known.id, known.group, known.name, known.home),
            (None, Some(id)) => (id, 0, "", "/"),
            (None, None) => return Err(format!("there is no user `{user}` in the stage's /etc/passwd")),
        };
        let explicit = group.filter(|group| !group.is_empty()).map(|group| self.group(group)).transpose()?;
        let group = explicit.unwrap_or(own);
        // With a group named, the account has no others.
        let is_member = |other: &Group<'_>| !name.is_empty() && other.members.split(',').any(|member| member == name);
        let others = self.groups().filter(|other| explicit.is_none() && other.id != group && is_member(other));
        let groups = std::iter::once(group).chain(others.map(|other| other.id)).collect();
        let home = if home.is_empty() { "/" } else { home }.to_owned();
        Ok(Account { user: id, group, groups, home })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        Users {
            passwd: "root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1000:100:App:/home/app:/bin/sh\n7:x:70:71::/seven:\n"
                .into(),
            group: "root:x:0:\nusers:x:100:\nwheel:x:10:app,root\nextra:x:11:app\n".into(),
            is_known: true,
        }
    }

    #[test]
    fn owners_by_name_and_number() {
        for (text, owner) in [
            ("app", (1000, 100)),
            ("app:wheel", (1000, 10)),
            ("5", (5, 5)),
            ("5:6", (5, 6)),
            ("0:users", (0, 100)),
            (":users", (0, 100)),
        ] {
            assert_eq!(users().owner(text), Ok(owner), "{text}");
        }
        assert_eq!(users().owner("nobody:none"), Ok((0, 0)));
        assert!(Users { is_known: false, passwd: String::new(), group: String::new() }.owner("nobody").is_err());
    }

    #[test]
    fn accounts_have_groups_and_a_home() {
        let account = |text| users().account(text);
        let app = Account { user: 1000, group: 100, groups: vec![100, 10, 11], home: "/home/app".into() };
        assert_eq!(account("app"), Ok(app.clone()));
        assert_eq!(account("1000"), Ok(app.clone()));
        assert_eq!(account("app:wheel"), Ok(Account { group: 10, groups: vec![10], ..app }));
        assert_eq!(account("").map(|root| (root.user, root.groups, root.home)), Ok((0, vec![0, 10], "/root".into())));
        assert_eq!(account("5"), Ok(Account { user: 5, group: 0, groups: vec![0], home: "/".into() }));
        assert_eq!(account("7").map(|named| named.user), Ok(70));
        assert!(account("nobody").is_err());
    }
}
