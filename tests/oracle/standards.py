"""Holds documents against the schemas that others published for them, and prints what is wrong as JSON.

Usage: python3 standards.py CACHE SARIF JUNIT SCHEMA TOML...

SARIF is held against Microsoft's schema of 2.1.0 (in the source of the PyPI package `sarif-om`), JUNIT against the XSD of
Jenkins' xUnit plugin (in the source of `pytest`). SCHEMA must be a JSON Schema itself, and each TOML file be valid under it.
"""

import json
import pathlib
import subprocess
import sys
import tarfile

PACKAGES = ["jsonschema==4.25.1", "xmlschema==4.1.0", "tomli==2.2.1"]
SOURCES = {
    "sarif-om==1.0.4": "sarif-2.1.0-rtm.4.json",
    "pytest==9.0.1": "testing/example_scripts/junit-10.xsd",
}
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "1", "--timeout", "20"]


def fetched(cache):
    """The folder with the packages and the schemas."""
    place = cache / "standards"
    if (place / "complete").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run([*PIP, "install", "--target", str(place / "python"), *PACKAGES], check=True)
    for package, member in SOURCES.items():
        options = ["--no-deps", "--no-binary", ":all:", "--dest", str(place)]
        subprocess.run([*PIP, "download", *options, package], check=True)
        name, version = package.replace("-", "_").split("==")
        with tarfile.open(place / f"{name}-{version}.tar.gz") as archive:
            file = archive.extractfile(f"{name}-{version}/{member}")
            (place / pathlib.PurePath(member).name).write_bytes(file.read())
    (place / "complete").touch()
    return place


def main():
    cache, sarif, junit, schema, *tomls = (pathlib.Path(argument) for argument in sys.argv[1:])
    place = fetched(cache)
    sys.path.insert(0, str(place / "python"))
    import jsonschema
    import tomli
    import xmlschema

    def wrong(name, document, rules):
        validator = jsonschema.validators.validator_for(rules)(rules, format_checker=jsonschema.FormatChecker())
        return [f"{name}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]

    found = wrong("sarif", json.loads(sarif.read_text()), json.loads((place / "sarif-2.1.0-rtm.4.json").read_text()))
    rules = xmlschema.XMLSchema(str(place / "junit-10.xsd"))
    found += [f"junit: {error.path}: {error.reason}" for error in rules.iter_errors(str(junit))]
    configuration = json.loads(schema.read_text())
    jsonschema.validators.validator_for(configuration).check_schema(configuration)
    for toml in tomls:
        found += wrong(toml.name, tomli.loads(toml.read_text()), configuration)
    json.dump(found, sys.stdout)


main()
