//! What the builder leaves out, as tables.

use proptest::prelude::*;

use super::{IgnoreFile, PatternSet, pattern::Matcher};
use crate::context::{MemoryContext, path};

fn excludes(text: &str, path: &str) -> bool {
    IgnoreFile::parse(".dockerignore", text).excludes(path)
}

/// Patterns, path, whether it is left out.
type Case = (&'static str, &'static str, bool);

fn holds(cases: &[Case]) {
    for (patterns, path, expected) in cases {
        assert_eq!(excludes(patterns, path), *expected, "{patterns:?} on {path:?}");
    }
}

#[test]
fn differs_from_git_where_moby_does() {
    holds(&[
        ("obj", "src/obj/a", false),
        ("obj", "obj/a", true),
        ("*/obj", "src/Web/obj/a", false),
        ("**/obj", "src/obj/a", true),
        ("**/obj", "src/Web/obj/a", true),
        ("foo/**", "foo", false),
        ("foo/**", "foo/a", true),
        ("**foo", "xfoo", true),
        ("**foo", "a/xfoo", true),
        ("**foo*", "xfoo", false),
        ("**foo*", "a/foobar", true),
        ("docs\n!docs/keep.md", "docs/keep.md", false),
        ("docs\n!docs/keep.md", "docs/other.md", true),
        ("*\n!src", "src/a/b", false),
        ("*\n!src", "lib/a", true),
        ("[^a]b", "cb", true),
        ("[!a]b", "cb", false),
        ("[!a]b", "!b", true),
        ("{a,b}", "a", false),
        ("{a,b}", "{a,b}", true),
        (".git", "sub/.git/x", false),
        ("*", "a/b", true),
        ("A", "a", false),
        (".", "a", false),
        ("**", "", false),
    ]);
}

#[test]
fn reads_lines_as_moby_does() {
    holds(&[
        ("\u{feff}a", "a", true),
        ("\u{feff}#a\nb", "b", true),
        ("#a", "#a", false),
        (" # x", "# x", true),
        ("  a\t\r\n", "a", true),
        ("a\n! a", "a", false),
        ("/a", "a", true),
        ("//a//b/", "a/b", true),
        ("./a/../b", "b", true),
        ("../a", "a", false),
        ("!!a\n", "!a", false),
        ("*\n!!a", "!a", false),
        ("a\n/!a", "a", false),
        ("\\!a", "!a", true),
        ("a b", "a b", true),
    ]);
}

/// Behaviour that moby's own test table documents.
#[test]
fn agrees_with_the_published_table() {
    holds(&[
        ("**", "file", true),
        ("**/", "dir/file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/dir2/file", true),
        ("**/dir", "dir", true),
        ("**/dir", "dir/file", true),
        ("**/dir2/*", "dir/dir2/file", true),
        ("**/dir2/**", "dir/dir2/dir3/file", true),
        ("**/file", "dir/dir/file", true),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/**/*.txt", "dir/dir/file.txt", true),
        ("**/**/*.txt", "file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("a**/*.txt", "a/file.txt", true),
        ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt**", "a/file.txt", true),
        ("a[b-d]e", "ae", false),
        ("a[b-d]e", "ace", true),
        ("a[^b-d]e", "aze", true),
        (".*", ".foo", true),
        (".*", "foo", false),
        ("abc.def", "abcZdef", false),
        ("abc?def", "abcZdef", true),
        ("a\\\\", "a\\", true),
        ("a\\*b", "a*b", true),
        ("**/foo/bar", "dir/dir2/foo/bar", true),
        ("abc/**", "abc", false),
        ("abc/**", "abc/def/ghi", true),
        ("**/.foo", "bar.foo", false),
        ("**/.foo", ".foo", true),
        ("a(b)c/def", "a(b)c/def", true),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
        ("[a-ζ]*", "α", true),
        ("a?b", "a/b", false),
        ("**\n!util/docker/web", "util/docker/web/foo", false),
        ("**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/foo", true),
        ("!f.go\n*.go", "f.go", true),
        ("docs/*\n!docs/README.md", "docs/README.md", false),
    ]);
}

/// Where the pattern becomes Go's regular expression and shows it.
#[test]
fn keeps_the_quirks_of_go_regexp() {
    holds(&[
        ("a[^b]c", "a/c", true),
        ("^a*", "^ab", false),
        ("^a", "^a", true),
        ("v\\d", "v1", true),
        ("v\\d", "vd", false),
        ("[*]", "*", false),
        ("[[:alpha:]]x", "bx", true),
        ("x]*", "x]y", true),
    ]);
}

/// A pattern that was not needed for a directory is not remembered for what lies below.
#[test]
fn takes_back_only_what_the_walk_takes_back() {
    holds(&[("a/b\n!a", "a/b", true), ("a/b\n!a", "a/c", false), ("a/b\n!a/b/c", "a/b/c", false)]);
    // `BuildKit` sends this one, but empty.
    holds(&[("*\n!a/b\na", "a/b", true)]);
}

#[test]
fn reports_what_fails_the_build() {
    let text = "ok\n!\n  [a\n\n*.md";
    let file = IgnoreFile::parse(".dockerignore", text);
    let errors: Vec<_> = file.errors.iter().map(|error| (error.line, error.range.of(text))).collect();
    assert_eq!(errors, [(2, "!"), (3, "[a")]);
    let patterns: Vec<_> = file.patterns.iter().map(|own| (own.line, own.range.of(text), own.text.as_str())).collect();
    assert_eq!(patterns, [(1, "ok", "ok"), (5, "*.md", "*.md")]);
    assert!(!file.excludes("[a"));
}

#[test]
fn points_at_each_pattern() {
    let text = "\u{feff}# c\r\n /é/ \r\n!  src/\r\n";
    let file = IgnoreFile::parse(".dockerignore", text);
    let found: Vec<_> = file.patterns.iter().map(|own| (own.range.of(text), own.text.as_str(), own.negated)).collect();
    assert_eq!(found, [("/é/", "é", false), ("!  src/", "src", true)]);
    assert!(file.has_negations());
}

#[test]
fn tells_where_a_walk_may_stop() {
    for (patterns, directory, expected) in [
        ("node_modules", "node_modules", false),
        ("node_modules", "src", true),
        ("*\n!src/app", "src", true),
        ("*\n!src/app", "src/app", true),
        ("*\n!src/app", "src/app/deep", true),
        ("*\n!src/app", "src/other", false),
        ("*\n!src/app", "lib", false),
        ("*\n!**/*.go", "lib", true),
        ("*\n!lib/*/x", "lib/a", true),
        ("*\n!lib/*/x", "libs", false),
    ] {
        let file = IgnoreFile::parse(".dockerignore", patterns);
        assert_eq!(file.may_hold_included(directory), expected, "{patterns:?} on {directory:?}");
    }
}

#[test]
fn prefers_the_file_beside_the_dockerfile() {
    let context = MemoryContext::from_files([
        (".dockerignore", "root"),
        ("docker/Dockerfile.dockerignore", "own"),
        ("empty/Dockerfile.dockerignore", ""),
    ]);
    let chosen = |dockerfile, beside| IgnoreFile::of_dockerfile(&context, dockerfile, beside).unwrap().unwrap();
    assert_eq!(chosen("docker/Dockerfile", None).path, "docker/Dockerfile.dockerignore");
    assert_eq!(chosen("Dockerfile", None).path, ".dockerignore");
    assert!(!chosen("empty/Dockerfile", None).excludes("root"));
    assert!(chosen("../Dockerfile", Some("out")).excludes("out"));
    let none = IgnoreFile::of_dockerfile(&MemoryContext::default(), "Dockerfile", None);
    assert!(none.unwrap().is_none());
}

#[test]
fn survives_any_size() {
    let long = format!("{}\n{}", "*".repeat(100_000), "**/*?".repeat(10_000));
    let file = IgnoreFile::parse(".dockerignore", &long);
    assert_eq!(file.errors.len(), 1);
    assert!(!file.excludes(&"a/".repeat(50)));
    let many = "*.a\n".repeat(100_000);
    assert!(IgnoreFile::parse(".dockerignore", &many).excludes("x.a"));
}

mod properties {
    use proptest::prelude::*;

    use super::IgnoreFile;
    use crate::text::TextRange;

    proptest! {
        #[test]
        fn any_text_is_read(text in "(?s).{0,60}", path in ".{0,20}") {
            let file = IgnoreFile::parse("x", &text);
            let ranges: Vec<TextRange> = file.patterns.iter().map(|own| own.range).collect();
            for range in ranges.iter().copied().chain(file.errors.iter().map(|error| error.range)) {
                prop_assert!(text.get(range.start..range.end).is_some_and(|found| !found.is_empty()));
            }
            file.excludes(&path);
            file.may_hold_included(&path);
        }

        #[test]
        fn a_walk_that_stops_misses_nothing(text in "(!?[ab*?/\\[\\]^\\\\]{1,6}\n){0,5}", parts in prop::collection::vec("[ab]{1,2}", 1..5)) {
            let file = IgnoreFile::parse("x", &text);
            let path = parts.join("/");
            for end in 1..parts.len() {
                let directory = parts[..end].join("/");
                prop_assert!(file.may_hold_included(&directory) || file.excludes(&path), "{:?} {} {}", text, directory, path);
            }
        }

        #[test]
        fn without_exceptions_all_below_is_left_out(text in "([ab*?/]{1,6}\n){0,5}", above in "[ab]{1,3}", below in "[ab]{1,3}") {
            let file = IgnoreFile::parse("x", &text);
            let both = [above.as_str(), &below].join("/");
            prop_assert!(!file.excludes(&above) || file.excludes(&both), "{:?} {}", text, both);
        }
    }
}

/// What the builder does at each path from the outermost directory down, nothing kept from one path to the next; each
/// pattern with its negation.
fn plainly_matches(patterns: &[(Matcher, bool)], path: &str) -> bool {
    let mut held = vec![false; patterns.len()];
    let mut on_the_way = false;
    for prefix in path::prefixes(path) {
        on_the_way = false;
        for ((matcher, negated), held) in patterns.iter().zip(&mut held) {
            *held = *held || (*negated == on_the_way && matcher.matches(prefix));
            if *held {
                on_the_way = !negated;
            }
        }
    }
    let mut with_parents = false;
    for (matcher, negated) in patterns {
        if *negated == with_parents && path::prefixes(path).any(|prefix| matcher.matches(prefix)) {
            with_parents = !negated;
        }
    }
    on_the_way || with_parents
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_kept_of_directories_changes_no_answer(
        patterns in prop::collection::vec(("(\\*\\*/|\\*/|)(a|b|\\*|\\*\\*|a\\*)(/(a|b|\\*|\\*\\*)){0,2}", any::<bool>()), 0..6),
        paths in prop::collection::vec("/?[ab]{1,2}(//?[abc]){0,4}", 1..8),
    ) {
        let mut set = PatternSet::default();
        for (pattern, negated) in &patterns {
            set.push(pattern, *negated).unwrap();
        }
        let plain: Vec<(Matcher, bool)> =
            patterns.iter().map(|(pattern, negated)| (Matcher::new(pattern).unwrap(), *negated)).collect();
        for path in paths.iter().chain(&paths) {
            prop_assert_eq!(set.matches(path), plainly_matches(&plain, path), "{:?} on {:?}", &patterns, path);
        }
    }
}
