"""From records to a page. In come the files of a run or what was measured of a table, never estimators; out goes HTML.

fit_page          the report of a run
compare_page      one row a model, the same columns
dependence_page   what holds the columns of a table together
pages             what the pages share
records           one error for records that do not fit together
sentences         what a ledger says
figures           the figures of a run;  heat_map   that of a table;  compare_figures   those of a comparison
"""

from isthmus.report.compare_page import write_comparison_report
from isthmus.report.dependence_page import write_dependence_report
from isthmus.report.fit_page import write_report
from isthmus.report.records import one_error_for_damage

__all__ = ["one_error_for_damage", "write_comparison_report", "write_dependence_report", "write_report"]
