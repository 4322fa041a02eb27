"""A run as one self-contained HTML page: nothing is loaded from elsewhere, and nothing needs JavaScript."""

from stepwell.reports.diagnosis import diagnose
from stepwell.reports.page import Section, page
from stepwell.reports.report import render

__all__ = ["Section", "diagnose", "page", "render"]
