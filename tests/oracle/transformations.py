"""What buildah's conformance suite does to build contexts by Go code before it builds them, case by case.

`apply` does it to a copy of a case's context. Ignore files are read out of the Go code; the rest is written here.
"""

import io
import os
import re
import tarfile

# The suite's own date for entries of archives.
DATE = 1257891884


def file(path, content, mode, owner=None):
    """Writes a file as the suite does: content, owner, mode. Its date is now: nobody compares it, and BuildKit takes a
    file of the same size and date for the one that it had before."""
    path.write_bytes(content)
    if owner is not None:
        os.chown(path, owner, owner)
    # After the owner, which would take setuid away.
    os.chmod(path, mode)


def archive(path, entries):
    """Writes a tar of (name, type, mode, owner, content, PAX records)."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, mode, owner, content, records in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.mtime, entry.size = kind, mode, DATE, len(content)
            entry.uid = entry.gid = owner
            entry.pax_headers = records
            tar.addfile(entry, io.BytesIO(content))


def glob_characters(context):
    for folder, content in [("jkl?", b"another"), ("n?pe", b"and also"), ("st*uv", b"and yet")]:
        place = context / "app" / folder
        place.mkdir(mode=0o700)
        (place / "file.txt").write_bytes(content)
        os.chmod(place / "file.txt", 0o600)


def two_owners(context, folder, prefix):
    (context / folder).mkdir(mode=0o755)
    file(context / folder / f"{prefix}-root", b"test content", 0o640, 0)
    file(context / folder / f"{prefix}-99", b"test content", 0o640, 99)


def add_permissions(context):
    two_owners(context, "archive", "should-be-owned-by")
    archive(context / "archive.tar", [
        (f"archive/should-be-owned-by-{name}", tarfile.REGTYPE, 0o640, owner, b"test content", {})
        for name, owner in [("root", 0), ("99", 99)]])


def copy_permissions(context):
    two_owners(context, "subdir", "would-be-owned-by")


def setuid_files(context):
    file(context / "should-be-setuid-file", b"test content", 0o4755)
    file(context / "should-be-setgid-file", b"test content", 0o2755)
    file(context / "should-be-sticky-file", b"test content", 0o1755)
    file(context / "should-not-be-setuid-setgid-sticky-file", b"test content", 0o640)


def setuid_archive(context):
    bits = [("setuid", 0o4755), ("setgid", 0o2755), ("sticky", 0o1755)]
    archive(context / "archive.tar",
            [(f"{name}-file", tarfile.REGTYPE, mode, 0, b"whatever", {}) for name, mode in bits] +
            [(f"{name}-dir", tarfile.DIRTYPE, mode, 0, b"", {}) for name, mode in bits])


def attributed_file(context):
    file(context / "xattrs-file", b"test content", 0o640)
    os.setxattr(context / "xattrs-file", "user.a", b"test")


def attributed_archive(context):
    records = {"SCHILY.xattr.user.a": "test"}
    archive(context / "archive.tar", [("xattr-file", tarfile.REGTYPE, 0o640, 0, b"whatever", records)])


KNOWN = {
    "copy-escape-glob": glob_characters,
    "add-permissions": add_permissions,
    "copy-permissions": copy_permissions,
    "copy-permissions-implicit": copy_permissions,
    "setuid-file-in-context": setuid_files,
    "setuid-file-in-archive": setuid_archive,
    "xattrs-file-in-context": attributed_file,
    "xattrs-file-in-archive": attributed_archive,
    "xattrs-file-in-other-stage": attributed_file,
}


def ignore_file(code, strings):
    """The content and mode of the ignore file that Go code writes; None where it writes none."""
    content = re.search(r"dockerignore := \[\]byte\((.*)\)\n", code)
    mode = re.search(r'(?:os|ioutil)\.WriteFile\(filepath\.Join\(contextDir, "\.dockerignore"\), dockerignore, 0o?(\d+)\)', code)
    if not content or not mode:
        return None
    words = strings(content.group(1))
    text = words[-1].join(words[:-1]) if "strings.Join" in content.group(1) else words[0]
    return text, int(mode.group(1), 8)


def apply(name, code, context, strings):
    """Does to the context what the case's code does. Whether it is known what that is."""
    ignore = ignore_file(code, strings)
    if ignore:
        file(context / ".dockerignore", ignore[0].encode(), ignore[1])
        return True
    if name not in KNOWN:
        return False
    KNOWN[name](context)
    return True
