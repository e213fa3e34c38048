//! What the options of `RUN --mount` are read as.

use layerwise::syntax::{Dockerfile, Mount, MountKind, Sharing, SyntaxError};

fn mount(options: &str) -> Result<Mount, SyntaxError> {
    let source = format!("FROM a\nRUN --mount={options} x");
    let file = Dockerfile::parse(&source);
    let value = file.instructions()[1].flag("mount").and_then(|flag| flag.value.clone()).expect("the flag has a value");
    let parsed = Mount::parse(&value);
    let errors: Vec<_> = file.errors().iter().map(|error| &error.message).collect();
    assert_eq!(errors, parsed.as_ref().err().map(|error| &error.message).into_iter().collect::<Vec<_>>(), "{options}");
    parsed
}

#[test]
fn options_and_their_aliases() {
    let cache = mount("type=cache,dst=/c,ro=false,uid=1000,mode=0755,sharing=LOCKED").unwrap();
    assert_eq!((cache.kind, cache.target.as_deref(), cache.sharing), (MountKind::Cache, Some("/c"), Sharing::Locked));
    assert_eq!((cache.read_only, cache.uid.as_deref(), cache.cache_id()), (false, Some("1000"), Some("/c")));
    let bind = mount("source=package.json,destination=$D/p.json,from=base").unwrap();
    assert_eq!((bind.kind, bind.target.as_deref(), bind.read_only), (MountKind::Bind, Some("$D/p.json"), true));
    assert!(!mount("type=bind,rw,target=/x").unwrap().read_only);
    assert!(!mount("target=/x,readonly=0").unwrap().read_only);
    assert!(mount("type=cache,target=/x,ro").unwrap().read_only);
    assert!(mount("type=secret,id=a,required,env=TOKEN").unwrap().required);
    assert_eq!(mount("'type=tmpfs,\"target=/a,b\",size=64m'").unwrap().target.as_deref(), Some("/a,b"));
    assert!(mount("type=ssh").unwrap().target.is_none());
    assert_eq!(mount("type=cache,target=/x,uid=${UID}").unwrap().uid.as_deref(), Some("${UID}"));
}

#[test]
fn what_the_builder_refuses() {
    let cases = [
        ("type=cahce,target=/x", "`cahce` is no value for `type`"),
        ("tpye=cache", "unknown option `tpye` of a mount"),
        ("target", "`target` has no value"),
        ("from=$BASE,target=/x", "`from` takes no variables"),
        ("target=/x,uid=1", "`mode`, `uid` and `gid` do not go with this type of mount"),
        ("type=cache,target=/x,uid=root", "`root` is no value for `uid`"),
        ("type=cache,target=/x,mode=9", "`9` is no value for `mode`"),
        ("type=bind,target=/x,sharing=shared", "only a cache has `sharing`"),
        ("type=secret", "a secret needs an `id` or a `target`"),
        ("type=secret,id=a,src=b", "a secret has either `id` or `source`"),
        ("required,type=secret,id=a", "`required` does not go with this type of mount"),
        ("type=cache,target=/x,size=1m", "`size` does not go with this type of mount"),
        ("target=/x,ro=maybe", "`maybe` is no value for `ro`"),
    ];
    for (options, message) in cases {
        assert_eq!(mount(options).unwrap_err().message, message, "{options}");
    }
    assert_eq!(mount("tpye=cache").unwrap_err().help.as_deref(), Some("did you mean `type`?"));
}

#[test]
fn an_error_points_at_its_option() {
    let source = "FROM a\nRUN --mount=type=cache,\\\ntarget=/x,uid=root x";
    let file = Dockerfile::parse("FROM a\nRUN --mount=type=cache,target=/x,uid=root x");
    assert_eq!(file.errors()[0].range.of(file.source()), "uid=root");
    let broken = Dockerfile::parse(source);
    assert!(broken.errors()[0].range.of(source).contains("uid=root"));
}
