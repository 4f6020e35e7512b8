"""From a file or an array to columns that a model can take, and back.

In come file names and arrays; out go a `Dataset` (values as they stand in the file, names, labels), what is known of
its columns (`inspect_columns`), and the `Standardisation` that carries them to a network's units and back. Nothing here
knows a model.

    dataset           the Dataset, and the error that every reader raises
    bundled           the sets that ship with scikit-learn
    table             the Table: mixed columns with holes
    kinds             what kind of quantity a column holds, and why
    schema            what each column of a table was taken for; its values to a model's units and back
    column_schema     the same for one column
    likelihood_names  the likelihoods a column can have, and the kind that each is for
    readers           a Dataset or a Table from a file, by ending
    csv_files, csv_text, csv_words, spelling            CSV files as people have them
    arrow, arrays     Parquet files; NumPy and IDX files
    filling, csv_filling, typed_values, moments         the same file or frame with only its holes changed
    outgoing          a table to Arrow and to a frame
    writers           a table to a file, by ending
    formulas          words that a spreadsheet would run
    room              what a file may ask of memory
    columns           what can be seen of each column: bounds, integers, constants, smallest gap
    standardisation   u = (x - offset) / scale in float64, and back
    row_streams       rows that may be more than memory holds: the RowSource, chunk by chunk
    parquet_parts, array_rows, image_folder             what rows stream from
    directories, opening                                a directory, or anything by name: in memory or as a stream
    sampling          rows that stand for all rows of a stream
    row_store         encoded rows in a temporary file
    streamed_filling  Parquet parts with only their holes changed, some rows at a time
"""

from isthmus.data.bundled import bundled_names, load_bundled
from isthmus.data.column_schema import ColumnSchema
from isthmus.data.columns import Columns, inspect_columns
from isthmus.data.dataset import DataError, Dataset, anonymous_names
from isthmus.data.filling import fill_file, fill_frame
from isthmus.data.kinds import ColumnKind, infer_kind
from isthmus.data.opening import as_stream, open_rows, open_stream
from isthmus.data.readers import read_rows, read_table, stem
from isthmus.data.row_store import RowStore
from isthmus.data.row_streams import RowSource, choose_numbers, in_chunks, row_count
from isthmus.data.sampling import sample_rows
from isthmus.data.schema import TableSchema, choose_schema
from isthmus.data.standardisation import Standardisation
from isthmus.data.streamed_filling import fill_stream
from isthmus.data.table import Column, Table, table_from_frame
from isthmus.data.writers import open_output, write_table

__all__ = [
    "Column",
    "ColumnKind",
    "ColumnSchema",
    "Columns",
    "DataError",
    "Dataset",
    "RowSource",
    "RowStore",
    "Standardisation",
    "Table",
    "TableSchema",
    "anonymous_names",
    "as_stream",
    "bundled_names",
    "choose_numbers",
    "choose_schema",
    "fill_file",
    "fill_frame",
    "fill_stream",
    "in_chunks",
    "infer_kind",
    "inspect_columns",
    "load_bundled",
    "open_output",
    "open_rows",
    "open_stream",
    "read_rows",
    "read_table",
    "row_count",
    "sample_rows",
    "stem",
    "table_from_frame",
    "write_table",
]
