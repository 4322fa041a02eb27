"""Pictures that a network cannot take: found out when it fails, so that a picture that fits costs nothing."""

from torch import Tensor

from stepwell.core.errors import ModelError


def refuse_pictures(images: Tensor, name: str, *, channels: int, least: int) -> None:
    """Raise `ModelError` for what is no batch `(batch, channels, height, width)` of `least` pixels or more a side.

    It is called where a network has failed; what is raised names the reason, and where none is found here nothing is.
    """
    shape = tuple(images.shape)
    if len(shape) != 4:
        raise ModelError(f"{name} takes pictures (batch, {channels}, height, width), but these have the shape {shape}.")
    if shape[1] != channels:
        raise ModelError(
            f"{name} was made for {channels} channels, but the pictures (batch, channels, height, width) have the shape"
            f" {shape}. Read them with {channels} channels, or make the network with in_channels={shape[1]}."
        )
    if min(shape[2:]) < least:
        raise ModelError(
            f"{name} needs pictures of {least} × {least} pixels or more, but these are {shape[2]} × {shape[3]}. Scale them"
            " up, or take a smaller network, such as SmallNet."
        )
