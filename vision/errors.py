"""What can go wrong in vision: our own failures apart from bad input."""

from __future__ import annotations


class VisionError(Exception):
    """The root: catch this to catch everything that this package raises on purpose."""


class BadPicture(VisionError):
    """The input is no picture that can be used; the next one may well be. The input's fault."""


class ModelError(VisionError):
    """A model cannot serve, whatever the input. Ours (or the installation's) to mend."""


class ManifestInvalid(ModelError):
    """The manifest names models wrongly."""


class ModelMissing(ModelError):
    """The manifest does not name the model, or its file is not on this machine."""


class ModelFailed(ModelError):
    """A model's file is damaged or not the one expected, or running it broke."""


class FetchFailed(ModelError):
    """A model's file could not be fetched; the text says whether trying again may help."""


class ModelDoesNotFit(ModelError):
    """The memory set apart for models has no room for it, even without what could be let go."""


class AcceleratorFailed(ModelError):
    """The accelerator is not there, not free, or its driver, library and firmware disagree."""
