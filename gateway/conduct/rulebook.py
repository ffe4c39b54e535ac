"""The rules in force: what the configuration and the centre's documents together come to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from msgspec import Raw
from msgspec.json import encode
from pydantic import BaseModel, ValidationError

from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.options import PolicyDocument
from gateway.checkpoint.policy import BUILT_IN, Policy, compiled
from gateway.checkpoint.rota import Rota, RotaEntries, check_posts, rota
from gateway.conduct.assessor import Grounds
from gateway.conduct.lists import Notice, People
from gateway.conduct.machines import machines
from gateway.config import Config, Content
from gateway.configfile.mistakes import Mistake
from gateway.configfile.policies import load as load_policy
from gateway.configfile.validate import as_model
from gateway.passes.document import DocumentError, PassesDocument, load, understand
from gateway.passes.trust import subject_of
from gateway.seal import read_public

_Model = TypeVar("_Model", bound=BaseModel)

_MOST_TOLD = 20
"""Mistakes in a document."""

Token = Callable[[bytes], str]
"""The pseudonym of somebody or something at present."""


@dataclass(frozen=True, slots=True)
class Files:
    """What the files said that a configuration names, when it came into force: they may be in the
    middle of being edited when something else changes the rules."""

    policy: Policy
    trusted: PassesDocument | None
    sealed_to: X25519PublicKey | None

    @classmethod
    def read(cls, config: Config, documents: Mapping[str, Any]) -> "Files":
        """Read those in whose place there is none of `documents`.

        Raises:
            GatewayError: one cannot be used.
        """
        policy, trust = config.policy.file, config.passes.trust_file
        sealed = config.passes.keep_content is Content.SEALED
        sealed_to = config.export.seal_to_file if sealed else None
        return cls(
            load_policy(policy) if policy and "policy" not in documents else BUILT_IN,
            load(trust) if trust and "passes" not in documents else None,
            read_public(sealed_to) if sealed_to else None,
        )


@dataclass(frozen=True, slots=True)
class Rulebook:
    """One edition of the rules; another one takes its place as a whole."""

    config: Config
    token: Token
    documents: Mapping[str, Any]
    """What is in force of the centre's documents, by name, as `UNDERSTAND` made it."""
    files: Files
    policy: Policy
    grounds: Grounds
    rota: Rota

    @classmethod
    def of(cls, config: Config, token: Token, documents: Mapping[str, Any]) -> "Rulebook":
        """What `config`, the files that it names and `documents` come to.

        Raises:
            GatewayError: a file cannot be used.
        """
        return cls._of(config, token, documents, Files.read(config, documents))

    @classmethod
    def _of(
        cls, config: Config, token: Token, documents: Mapping[str, Any], files: Files
    ) -> "Rulebook":
        policy = documents.get("policy") or files.policy
        return cls(
            config,
            token,
            documents,
            files,
            policy,
            _grounds(config, policy, documents, files),
            _rota(config, token, documents.get("rota")),
        )

    def by(self, config: Config) -> "Rulebook":
        """The same with another configuration; see `of`."""
        return self.of(config, self.token, self.documents)

    def having(self, name: str, document: Any) -> "Rulebook":
        """The same with another document.

        Raises:
            ValueError: it does not fit to this gate, in one sentence.
        """
        if name == "rota":
            check_posts(document, self.config.duty.posts)
        return self._of(self.config, self.token, {**self.documents, name: document}, self.files)

    def renamed(self) -> "Rulebook":
        """The same where everybody has another pseudonym."""
        return self._of(self.config, self.token, self.documents, self.files)

    def build(self, saved: Mapping[str, Raw]) -> Checkpoint:
        """The decisions by these rules, with what their parts remembered."""
        zone = ZoneInfo(self.config.gateway.timezone)
        return Checkpoint(machines(self.config, self.policy, self.rota, zone, saved))


def _grounds(config: Config, policy: Policy, documents: Mapping[str, Any], files: Files) -> Grounds:
    passes, place = config.passes, config.gateway
    trusted: PassesDocument | None = documents.get("passes") or files.trusted
    if trusted is None and passes.health_codes:
        trusted = PassesDocument()
    levels = (place.district, place.street, place.community, place.id)
    return Grounds(
        policy,
        trusted.trust("/".join(levels), passes.health_codes) if trusted else None,
        _subjects(documents.get("watch-list")),
        _subjects(documents.get("register")),
        clear=passes.keep_content is Content.CLEAR,
        sealed_to=files.sealed_to,
    )


def _subjects(people: People | None) -> frozenset[bytes]:
    listed = people.people if people else ()
    return frozenset(subject_of(each.iss, each.sub) for each in listed)


def _rota(config: Config, token: Token, entries: RotaEntries | None) -> Rota:
    if entries is None:
        return ()

    def token_of(badge: str) -> str:
        issuer, _, subject = badge.partition("/")
        return token(subject_of(issuer, subject))

    return rota(entries, config.duty.posts, token_of)


def _modelled(model: type[_Model]) -> Callable[[Mapping[str, Any], str], _Model]:
    """Makes a `model` of a body; every mistake is told, as of a file."""

    def make(body: Mapping[str, Any], _: str) -> _Model:
        made, mistakes = as_model(model, dict(body))
        if made is None:
            raise ValueError("; ".join(map(str, mistakes[:_MOST_TOLD])))
        return made

    return make


def _about_people(model: type[_Model]) -> Callable[[Mapping[str, Any], str], _Model]:
    """The same where nothing of the body is repeated: what is told is recorded and sent."""

    def make(body: Mapping[str, Any], _: str) -> _Model:
        try:
            return model.model_validate_json(encode(body), strict=True)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[:_MOST_TOLD]
            told = (Mistake(each["loc"], each["msg"]) for each in wrong)
            raise ValueError("; ".join(map(str, told))) from None

    return make


def _as_policy(body: Mapping[str, Any], version: str) -> Policy:
    return compiled(_modelled(PolicyDocument)(body, version), version)


def _as_passes(body: Mapping[str, Any], _: str) -> PassesDocument:
    try:
        return understand(body)
    except DocumentError as error:
        raise ValueError(str(error)) from error


UNDERSTAND: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    "policy": _as_policy,
    "passes": _as_passes,
    "watch-list": _about_people(People),
    "register": _about_people(People),
    "rota": _about_people(RotaEntries),
    "notices": _modelled(Notice),
}
"""What makes something of the body of a document and its version; raises `ValueError`, in words,
where it cannot."""
