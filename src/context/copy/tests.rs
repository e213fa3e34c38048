//! What sources select and where it lands, as tables.

use super::{Destination, Selector};
use crate::context::{EntryKind, Filtered, IgnoreFile, MemoryContext};

fn context() -> MemoryContext {
    let mut context = MemoryContext::from_files([
        ("package.json", "{}"),
        ("package-lock.json", "{}"),
        ("a.tar.gz", ""),
        ("[x]", ""),
        ("src/index.js", ""),
        ("src/lib/a.js", ""),
        ("src/lib/deep/b.ts", ""),
        ("srv/index.js", ""),
        ("packages/one/package.json", "{}"),
        ("packages/one/src/main.ts", ""),
        ("packages/two/package.json", "{}"),
    ]);
    context.link("linked", "src/lib").link("manifest", "package.json");
    context
}

/// Sources, destination, path, where it lands. The working directory is `/app`.
type Case = (&'static [&'static str], &'static str, &'static str, Option<&'static str>);

fn holds(cases: &[Case], flags: impl Fn(Selector) -> Selector) {
    let context = context();
    let view = Filtered::new(&context, None);
    for (sources, destination, path, expected) in cases {
        let selector = flags(Selector::new(sources, Destination::new(destination, "/app"))).with_links(&view);
        let place = selector.destination_of(path, &|path| view.kind(path));
        assert_eq!(place.as_deref(), *expected, "{sources:?} {destination} on {path}");
        if place.is_some() {
            assert!(selector.selects(path), "{sources:?} on {path}");
        }
    }
}

#[test]
fn lands_where_the_builder_puts_it() {
    holds(
        &[
            (&["."], ".", "src/index.js", Some("/app/src/index.js")),
            (&["."], "/", "src/index.js", Some("/src/index.js")),
            (&["/"], "./", "gone/for/long", Some("/app/gone/for/long")),
            (&["src"], "dst", "src/lib/a.js", Some("/app/dst/lib/a.js")),
            (&["src/"], "/dst/", "src/index.js", Some("/dst/index.js")),
            (&["src"], "/dst/", "src", Some("/dst")),
            (&["src"], "/dst", "srv/index.js", None),
            (&["./src/../../srv"], ".", "srv/index.js", Some("/app/index.js")),
            (&["package.json"], ".", "package.json", Some("/app/package.json")),
            (&["package.json"], "./", "package.json", Some("/app/package.json")),
            (&["package.json"], "/app", "package.json", Some("/app/package.json")),
            (&["package.json"], "..", "package.json", Some("/package.json")),
            (&["package.json"], "x/.", "package.json", Some("/app/x/package.json")),
            (&["package.json"], "x.json", "package.json", Some("/app/x.json")),
            (&["gone.json"], "x.json", "gone.json", Some("/app/x.json")),
            (&["package.json", "src"], "x/", "package.json", Some("/app/x/package.json")),
            (&["package.json", "src"], "x/", "src/index.js", Some("/app/x/index.js")),
            (&["manifest"], "./", "package.json", Some("/app/manifest")),
            (&["linked"], "./", "src/lib/a.js", Some("/app/a.js")),
            (&["linked/a.js"], "./", "src/lib/a.js", Some("/app/a.js")),
            (&["https://example.org/x"], "./", "x", None),
            (&[], "./", "x", None),
        ],
        |selector| selector,
    );
}

#[test]
fn wildcards_flatten_and_do_not_cross_folders() {
    holds(
        &[
            (&["package*.json"], "./", "package-lock.json", Some("/app/package-lock.json")),
            (&["package*.json"], "./", "packages/one/package.json", None),
            (&["*.json"], "x", "package.json", Some("/app/x")),
            (&["link*"], "x/", "src/lib/a.js", Some("/app/x/a.js")),
            (&["mani*"], "x/", "package.json", Some("/app/x/manifest")),
            (&["packages/*/package.json"], "./", "packages/two/package.json", Some("/app/package.json")),
            (&["packages/*/package.json"], "./", "packages/one/src/package.json", None),
            (&["sr?"], "x/", "srv/index.js", Some("/app/x/index.js")),
            (&["sr?"], "x/", "src/lib/a.js", Some("/app/x/lib/a.js")),
            (&["*"], ".", "src/lib/a.js", Some("/app/lib/a.js")),
            (&["*"], ".", "package.json", Some("/app/package.json")),
            (&["sr[^v]"], "x/", "srv/index.js", None),
            (&["sr[!v]"], "x/", "src/index.js", None),
            (&["[[]x]"], "./", "[x]", Some("/app/[x]")),
            (&["**/package.json"], "./", "packages/one/package.json", None),
            (&["**/package.json"], "./", "packages/package.json", Some("/app/package.json")),
            (&["pack["], "./", "pack[", None),
        ],
        |selector| selector,
    );
}

#[test]
fn parents_keep_paths() {
    holds(
        &[
            (&["packages/*/package.json"], "./", "packages/two/package.json", Some("/app/packages/two/package.json")),
            (&["**/package.json"], "./", "packages/one/package.json", Some("/app/packages/one/package.json")),
            (&["**/package.json"], "./", "package.json", Some("/app/package.json")),
            (&["./packages/./*/package.json"], "x", "packages/two/package.json", Some("/app/x/two/package.json")),
            (&["packages/./"], "x", "packages/one/src/main.ts", Some("/app/x/one/src/main.ts")),
            (&["packages/*/./src"], "/", "packages/one/src/main.ts", Some("/src/main.ts")),
            (&["src/lib"], "./", "src/lib/deep/b.ts", Some("/app/src/lib/deep/b.ts")),
            (&["/src/lib/"], "./", "src/index.js", None),
            (&["package.json"], "x", "package.json", Some("/app/x/package.json")),
        ],
        Selector::with_parents,
    );
}

#[test]
fn excludes_count_from_each_root() {
    holds(
        &[
            (&["src"], "./", "src/lib/a.js", None),
            (&["src"], "./", "src/index.js", Some("/app/index.js")),
            (&["."], "./", "src/lib/a.js", Some("/app/src/lib/a.js")),
            (&["src"], "./", "src/lib/deep/b.ts", Some("/app/lib/deep/b.ts")),
            (&["src/lib"], "./", "src/lib/deep/b.ts", Some("/app/deep/b.ts")),
            (&["src/lib/deep/*"], "./", "src/lib/deep/b.ts", Some("/app/b.ts")),
        ],
        |selector| selector.with_excludes(["lib", "!lib/deep", "*.ts"]),
    );
}

#[test]
fn archives_are_unpacked_by_add_only() {
    let add = Selector::new(&["a.tar.gz"], Destination::new("/x/", "/")).with_unpacking();
    assert!(add.selects("a.tar.gz"));
    assert_eq!(add.destination_of("a.tar.gz", &|_| Some(EntryKind::File)), None);
    holds(&[(&["a.tar.gz"], "/x/", "a.tar.gz", Some("/x/a.tar.gz"))], |selector| selector);
    holds(&[(&["package.json"], "/x/", "package.json", Some("/x/package.json"))], Selector::with_unpacking);
}

#[test]
fn a_path_may_land_twice() {
    let selector = Selector::new(&[".", "src", "src/"], Destination::new("./", "/app"));
    let places = selector.destinations_of("src/index.js", &|_| None);
    assert_eq!(places, ["/app/src/index.js", "/app/index.js"]);
}

#[test]
fn a_link_on_the_way_counts() {
    let context = context();
    let selector = Selector::new(&["linked/deep"], Destination::new("/x", "/"));
    assert!(!selector.selects("src/lib/deep/b.ts"));
    let selector = selector.with_links(&Filtered::new(&context, None));
    assert!(selector.selects("src/lib/deep/b.ts") && selector.selects("linked"));
    assert!(!selector.selects("src/lib/a.js"));
}

fn roots(selector: &Selector, ignore: &str) -> Vec<String> {
    let ignore = IgnoreFile::parse(".dockerignore", ignore);
    let context = context();
    let roots = selector.selected_roots(&Filtered::new(&context, Some(&ignore)));
    roots.into_iter().map(|(path, kind)| if kind == EntryKind::Directory { format!("{path}/") } else { path }).collect()
}

#[test]
fn resolves_to_what_is_there_and_not_ignored() {
    let to = || Destination::new("/x/", "/");
    assert_eq!(roots(&Selector::new(&["."], to()), ""), ["/"]);
    assert_eq!(roots(&Selector::new(&["sr*", "package.json"], to()), "srv"), ["src/", "package.json"]);
    assert_eq!(roots(&Selector::new(&["manifest", "linked"], to()), ""), ["manifest", "linked/"]);
    assert_eq!(roots(&Selector::new(&["manifest", "none"], to()), "package.json"), Vec::<String>::new());
    assert_eq!(roots(&Selector::new(&["linked/*.js"], to()), ""), ["linked/a.js"]);
    let parents = |source| Selector::new(&[source], to()).with_parents();
    assert_eq!(roots(&parents("packages/*"), ""), ["packages/one/", "packages/two/"]);
    assert_eq!(roots(&parents("**/package.json"), "packages/one"), ["package.json", "packages/two/package.json"]);
    assert_eq!(roots(&parents("src/lib"), ""), ["src/lib/"]);
}

#[test]
fn tells_which_sources_take_nothing() {
    let context = context();
    let ignore = IgnoreFile::parse(".dockerignore", "src\npackages/two");
    let view = Filtered::new(&context, Some(&ignore));
    let selector = Selector::new(&["src", "srv", "*.toml", "package.json"], Destination::new("/x/", "/"));
    assert_eq!(selector.unmatched(&view), ["src", "*.toml"]);
    assert!(!selector.matches_nothing(&view));
    assert!(Selector::new(&["src"], Destination::new("/x/", "/")).matches_nothing(&view));
    let parents = Selector::new(&["packages/two/*", "**/main.ts"], Destination::new("/x/", "/")).with_parents();
    assert_eq!(parents.unmatched(&view), ["packages/two/*"]);
    assert!(!Selector::new(&["https://example.org/x"], Destination::new("/x/", "/")).matches_nothing(&view));
}

#[test]
fn lists_everything_that_is_copied() {
    let context = context();
    let ignore = IgnoreFile::parse(".dockerignore", "**/*.ts");
    let view = Filtered::new(&context, Some(&ignore));
    let selector = Selector::new(&["src", "package.json"], Destination::new("/x/", "/"));
    let (selected, cut) = selector.selected(&view, 100);
    let names: Vec<_> = selected.iter().map(|own| (own.path.as_str(), own.name.as_str())).collect();
    assert_eq!(
        names,
        [
            ("src", ""),
            ("src/index.js", "index.js"),
            ("src/lib", "lib"),
            ("src/lib/a.js", "lib/a.js"),
            ("src/lib/deep", "lib/deep"),
            ("package.json", "package.json"),
        ]
    );
    assert!(!cut && selector.selected(&view, 2).1);
    for own in &selected {
        assert!(selector.selects(&own.path), "{}", own.path);
    }
}

mod properties {
    use proptest::prelude::*;

    use super::{Destination, Selector};
    use crate::context::{Filtered, MemoryContext};

    proptest! {
        /// What is found in the context is what a path alone is said to be, and it lands below the destination.
        #[test]
        fn the_walk_and_the_path_agree(
            files in prop::collection::btree_set("[ab]/[ab]{1,2}(/[ab])?", 1..8),
            source in "(/|\\./)?[ab*?\\]\\[/.]{1,7}",
            exclude in "!?[ab*?/]{1,4}",
            parents in any::<bool>(),
        ) {
            let context = MemoryContext::from_files(files.iter().map(|path| (path, "")));
            let view = Filtered::new(&context, None);
            let selector = Selector::new(&[source.as_str()], Destination::new("d/", "/w"));
            let selector = selector.with_excludes([exclude.as_str()]);
            let selector = if parents { selector.with_parents() } else { selector };
            let found: Vec<String> = selector.selected(&view, 100).0.into_iter().map(|own| own.path).collect();
            for file in &files {
                // The root itself is a directory here whatever the name, so only what is listed counts.
                let listed = view.entry(file).is_some_and(|entry| entry.kind == crate::context::EntryKind::File);
                if listed {
                    prop_assert_eq!(found.contains(file), selector.selects(file), "{}", file);
                }
            }
            for path in &found {
                let place = selector.destination_of(path, &|path| view.kind(path));
                prop_assert!(place.is_some_and(|place| place.starts_with("/w/d")), "{}", path);
            }
        }
    }
}
