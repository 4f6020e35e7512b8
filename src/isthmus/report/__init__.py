"""From the records of a run to a page. In come files of a run directory, never estimators; out goes one HTML file.

page       the page
figures    the figures on it
"""

from isthmus.report.page import write_report

__all__ = ["write_report"]
