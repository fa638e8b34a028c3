from typing import Any

import pytest

from accounts.models import AuditEvent, Project, User
from experiments.definition import Definition
from experiments.models import Bundle
from experiments.selectors.bundles import bundle_warnings
from experiments.services.bundles import bundle_files, bundle_from_example, bundle_from_upload
from experiments.services.launch import experiment_create
from experiments.services.preview import experiment_preview
from mlplatform.kernel import storage
from mlplatform.kernel.archive import pack
from mlplatform.kernel.errors import Forbidden, InvalidInput, NotFound, TooLarge
from tests.fixtures import CODE


def upload(user: User, project: Project, filename: str, content: bytes) -> Bundle:
    return bundle_from_upload(user=user, project=project, filename=filename, content=content)


def test_a_py_file_is_a_bundle_with_guessed_parameters(owner: User, project: Project) -> None:
    bundle = upload(owner, project, "train.py", CODE)
    assert bundle.manifest["entrypoint"] == "train:train"
    assert [p["name"] for p in bundle.manifest["parameters"]] == ["lr", "epochs"]
    assert bundle_files(bundle) == {"train.py": CODE}


def test_the_same_code_is_stored_once(owner: User, project: Project) -> None:
    assert upload(owner, project, "train.py", CODE) == upload(owner, project, "train.py", CODE)
    assert AuditEvent.objects.filter(verb="bundle.create").count() == 1


def test_a_zip_of_a_folder_loses_the_folder_once(owner: User, project: Project) -> None:
    bundle = upload(owner, project, "repo.zip", pack({"repo/pkg/train.py": CODE, "repo/pkg/data.txt": b"1"}))
    assert bundle.files == ["pkg/data.txt", "pkg/train.py"]
    assert bundle.manifest["entrypoint"] == "pkg.train:train"
    assert sorted(bundle_files(bundle)) == bundle.files


def test_the_manifest_of_a_zip_counts(owner: User, project: Project) -> None:
    manifest = b"entrypoint: train:train\nparameters: {lr: {type: float, default: 0.5}}\n"
    bundle = upload(owner, project, "x.zip", pack({"train.py": CODE, "experiment.yaml": manifest}))
    assert bundle.manifest["parameters"] == [{"name": "lr", "type": "float", "default": 0.5}]


def test_where_it_came_from_is_kept(owner: User, project: Project) -> None:
    content = pack({"train.py": CODE})
    first, second = upload(owner, project, "a.zip", content), upload(owner, project, "b.zip", content)
    assert (first.source, second.source) == (
        {"kind": "upload", "filename": "a.zip"},
        {"kind": "upload", "filename": "b.zip"},
    )
    assert first.key == second.key
    assert second.source_words == "Uploaded b.zip"
    example = bundle_from_example(user=owner, project=project, name="digits")
    assert example.source == {"kind": "example", "name": "digits"}
    assert example.source_words == "Example digits"
    assert Bundle(source={}).source_words == ""


def test_the_longest_names_fit(owner: User, project: Project) -> None:
    name = "ä" * 300
    bundle = upload(owner, project, f"{name}.zip", pack({"train.py": CODE}))
    assert bundle.name == bundle.manifest["name"] == name[:100]
    assert len(bundle.source["filename"]) == 255


def test_requirements_are_kept_and_only_those_at_the_top(owner: User, project: Project) -> None:
    files = {"train.py": CODE, "requirements.txt": b"toolz >= 1.0\n", "sub/requirements.txt": b"-r x"}
    assert upload(owner, project, "x.zip", pack(files)).requirements == ["toolz>=1.0"]
    assert upload(owner, project, "train.py", CODE).requirements == []


def test_another_ray_is_refused_at_once_and_when_the_cluster_changes(
    owner: User, project: Project, settings: Any
) -> None:
    packages = {"ray": "2.60.0", "torch": "2.13.0"}
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"packages": packages}}
    with pytest.raises(InvalidInput, match=r"asks for ray==2.9, but the cluster has ray 2\.60\.0"):
        upload(owner, project, "x.zip", pack({"train.py": CODE, "requirements.txt": b"ray==2.9"}))
    assert not Bundle.objects.exists()
    bundle = upload(
        owner, project, "x.zip", pack({"train.py": CODE, "requirements.txt": b"ray==2.60\ntorch<2"})
    )
    assert len(bundle_warnings(bundle)) == 1
    definition = Definition(
        name="x", entrypoint="train:train", search={"method": "grid", "space": {"lr": 0.1}}
    )
    assert experiment_preview(
        user=bundle.created_by, bundle=bundle, definition=definition
    ).warnings == bundle_warnings(bundle)
    packages["ray"] = "2.61.0"
    with pytest.raises(InvalidInput, match="asks for ray"):
        experiment_preview(user=bundle.created_by, bundle=bundle, definition=definition)
    with pytest.raises(InvalidInput, match="asks for ray"):
        experiment_create(user=owner, project=project, bundle=bundle, definition=definition)


@pytest.mark.parametrize(
    ("filename", "content", "words"),
    [
        ("train.txt", CODE, "neither a .py file nor a .zip"),
        ("my-train.py", CODE, "rename it"),
        ("train.py", b"def train(config:\n", "line 1"),
        ("train.py", b"\xff\xfe\x00", "not UTF-8"),
        ("train.py", b"x = 1", "No train function"),
        ("train.py", b"x=1\n" * 300_000, "at most 1 MiB in one file"),
        ("x.zip", pack({f"f{i}.py": b"#" * 2**20 for i in range(6)}), "5 MiB together"),
        ("x.zip", b"zip", "not a readable zip"),
        ("x.zip", pack({"../x.py": CODE}), "leaves the folder"),
        ("x.zip", pack({"readme.md": b""}), "no Python file"),
        ("x.zip", pack({"train.py": CODE, "experiment.yaml": b"name: x"}), "names no entrypoint"),
        ("x.zip", pack({"train.py": CODE, "experiment.yaml": b"entrypoint: train:fit"}), "no function fit"),
        ("x.zip", pack({"train.py": CODE, "experiment.yaml": b"a: ["}), "not valid YAML"),
        ("x.zip", pack({"train.py": CODE, "requirements.txt": b"-e ."}), "requirements.txt, line 1"),
    ],
)
def test_bad_code_is_refused_with_the_reason(
    owner: User, project: Project, filename: str, content: bytes, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        upload(owner, project, filename, content)
    assert words in caught.value.message
    assert not Bundle.objects.exists()


def test_ten_gigabytes_of_zeros_are_refused(owner: User, project: Project, settings: Any) -> None:
    settings.MAX_BUNDLE_BYTES = 2**20
    with pytest.raises(InvalidInput, match="unpacks to more than 1 MiB"):
        upload(owner, project, "bomb.zip", pack({"train.py": CODE, "zeros": bytes(20 * 2**20)}))
    with pytest.raises(TooLarge, match="at most"):
        upload(owner, project, "big.py", b"#" * (2**20 + 1))


def test_who_may(owner: User, viewer: User, stranger: User, project: Project) -> None:
    with pytest.raises(Forbidden, match="editor"):
        upload(viewer, project, "train.py", CODE)
    with pytest.raises(NotFound):
        upload(stranger, project, "train.py", CODE)


def test_an_example_is_a_bundle(owner: User, project: Project) -> None:
    bundle = bundle_from_example(user=owner, project=project, name="digits")
    assert bundle.manifest["resources"]["workers"] == 2
    content = storage.read(bundle.key)
    assert content is not None
    assert content[:2] == b"PK"
    with pytest.raises(NotFound, match="digits"):
        bundle_from_example(user=owner, project=project, name="imagenet")
