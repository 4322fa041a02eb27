"""Looking inside a model: what its layers give, what its answers come from, which rows it takes for others.

Four functions are called as the modules that they are in. They are imported at once: only so are they, and not the modules,
what `from stepwell.insight import capture` gives, whichever was imported first.
"""

from typing import TYPE_CHECKING

from stepwell.core.lazy import names_of
from stepwell.insight.capture import Captured, capture
from stepwell.insight.extract import attach, extract, read_features
from stepwell.insight.occlusion import Occlusion, occlusion
from stepwell.insight.saliency import Saliency, saliency

if TYPE_CHECKING:
    from stepwell.insight.confused import ConfusedPair, disagreements, most_confused, similar_pictures
    from stepwell.insight.convolution import LayerCost, conv_output_size, layer_costs, transposed_output_size
    from stepwell.insight.descent import Trace, descent_path
    from stepwell.insight.duplicates import Duplicate, near_duplicates
    from stepwell.insight.filters import Filters, Maps, apply_kernel, feature_maps, filters_of, set_kernel
    from stepwell.insight.gradcam import GradCam, grad_cam
    from stepwell.insight.gradients import GradientRecorder
    from stepwell.insight.layers import LayerStatistics
    from stepwell.insight.nonfinite import FirstNonFinite
    from stepwell.insight.receptive import EffectiveField, Field, effective_field, receptive_fields
    from stepwell.insight.translation import Shifts, shifted, translation_probe

__all__ = [
    "Captured",
    "ConfusedPair",
    "Duplicate",
    "EffectiveField",
    "Field",
    "Filters",
    "FirstNonFinite",
    "GradCam",
    "GradientRecorder",
    "LayerCost",
    "LayerStatistics",
    "Maps",
    "Occlusion",
    "Saliency",
    "Shifts",
    "Trace",
    "apply_kernel",
    "attach",
    "capture",
    "conv_output_size",
    "descent_path",
    "disagreements",
    "effective_field",
    "extract",
    "feature_maps",
    "filters_of",
    "grad_cam",
    "layer_costs",
    "most_confused",
    "near_duplicates",
    "occlusion",
    "read_features",
    "receptive_fields",
    "saliency",
    "set_kernel",
    "shifted",
    "similar_pictures",
    "translation_probe",
    "transposed_output_size",
]

__getattr__ = names_of(
    __name__,
    {
        "stepwell.insight.confused": ("ConfusedPair", "disagreements", "most_confused", "similar_pictures"),
        "stepwell.insight.convolution": ("LayerCost", "conv_output_size", "layer_costs", "transposed_output_size"),
        "stepwell.insight.descent": ("Trace", "descent_path"),
        "stepwell.insight.duplicates": ("Duplicate", "near_duplicates"),
        "stepwell.insight.filters": ("Filters", "Maps", "apply_kernel", "feature_maps", "filters_of", "set_kernel"),
        "stepwell.insight.gradcam": ("GradCam", "grad_cam"),
        "stepwell.insight.gradients": ("GradientRecorder",),
        "stepwell.insight.layers": ("LayerStatistics",),
        "stepwell.insight.nonfinite": ("FirstNonFinite",),
        "stepwell.insight.receptive": ("EffectiveField", "Field", "effective_field", "receptive_fields"),
        "stepwell.insight.translation": ("Shifts", "shifted", "translation_probe"),
    },
)
